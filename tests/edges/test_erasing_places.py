"""A number is planted in every place where a product keeps one, and erased: no row of any table holds it afterwards
but for what docs/messages.md says is kept, and the rows of somebody else stay."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dump import rows_of
from whimbrel.config import Links
from whimbrel.manage import users
from whimbrel.store.interface import Write
from whimbrel_sandbox.network import PhoneText

from .edge_rig import ACTOR, SENDER, Edge, running_edge, until

pytestmark = pytest.mark.ci
PERSON, OTHER = "+447400123456", "+447400999888"
_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"
Plant = Callable[[Edge, str], Awaitable[None]]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Of the database; empty where it is a file."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres"))


@pytest.fixture
async def placed(url: str, tmp_path: Path) -> AsyncIterator[tuple[Edge, Path | str]]:
    """An installation, and where its database is."""
    settings: dict[str, Any] = {"database": url} if url else {}
    async with running_edge(tmp_path, links=Links(too_soon_ms=0), **settings) as running:
        yield running, url or running.app.settings.database_path()


async def made(edge: Edge, path: str, body: object, **more: Any) -> Any:
    answer = await edge.post(path, body, **more)
    assert answer.status in (200, 201, 202), (path, answer.body)
    return answer.json


async def one(edge: Edge, path: str, body: Any) -> Any:
    """What a path has by this name, made once for both people."""
    found = [each for each in (await edge.get(path)).json["data"] if each["name"] == body["name"]]
    return found[0] if found else await made(edge, path, body)


def digits(number: str) -> str:
    return number.removeprefix("+")


# ---------------------------------------------------------------- places


async def a_message(edge: Edge, number: str) -> None:
    about = {"metadata": {"phone": number}, "tags": [digits(number)]}
    headers = {"Idempotency-Key": f"welcome-{number}"}
    await made(edge, "/v1/messages", {"to": number, "text": f"You are {number}", **about}, headers=headers)


async def a_click(edge: Edge, number: str) -> None:
    body = {"to": number, "text": f"https://shop.example/?p={digits(number)}", "shorten_links": True}
    sent = await made(edge, "/v1/messages", body)
    (link,) = (await edge.get(f"/v1/messages/{sent['id']}/links")).json["data"]
    path = "/l/" + link["short_url"].rpartition("/")[2]

    async def opened() -> bool:
        await edge.ask("GET", path, key="", headers={"User-Agent": _AGENT}, allow_redirects=False)
        return (await edge.get(f"/v1/messages/{sent['id']}/links")).json["data"][0]["clicks"]["people"] > 0

    await until(opened)


async def a_conversation(edge: Edge, number: str) -> None:
    edge.simulator.network.send_text(number, PhoneText(to=SENDER, text=f"I am {number}"))

    async def begun() -> Any:
        found = (await edge.get("/v1/conversations")).json["data"]
        return next((each for each in found if each["their_number"] == number), None)

    path = f"/v1/conversations/{(await until(begun))['id']}"
    answer = await edge.ask("PATCH", path, json={"tags": [digits(number)]})
    assert answer.status == 200, answer.body
    await made(edge, f"{path}/notes", {"text": f"Call {number}"})


async def a_run(edge: Edge, number: str) -> None:
    step = {"type": "send", "text": "Hello {{ who }}", "next": "b"}
    people = {"type": "conversation", "note": "{{ who }}", "add_tags": ["asked"]}
    document = {"trigger": {"type": "api"}, "start": "a", "steps": {"a": step, "b": people}}
    flow = await one(edge, "/v1/flows", {"name": "f", "document": document})
    headers = {"Idempotency-Key": f"run-{number}"}
    body = {"phone": number, "variables": {"who": number}}
    await made(edge, f"/v1/flows/{flow['id']}/runs", body, headers=headers)


async def a_call(edge: Edge, number: str) -> None:
    rule = {"name": "r", "to": ["phone"], "text": "Hi {{phone}}", "newest_only": True}
    mapping = {"type": ["type"], "id": ["phone"], "subject": ["phone"], "time": ["at"]}
    new = {"preset": "generic", "auth": {"kind": "bearer"}, "secret": "a-secret-of-ours", "rules": [rule]}
    hook = await one(edge, "/v1/hooks", {"name": "h", "mapping": mapping, **new})
    body = json.dumps({"phone": number, "type": "x", "at": "2026-01-01T00:00:00Z"}).encode()
    headers = {"Authorization": "Bearer a-secret-of-ours", "Content-Type": "application/json"}
    called = await edge.ask("POST", f"/v1/hooks/{hook['id']}", key="", headers=headers, data=body)
    assert called.json["sent"] == 1, called.body


async def a_contact(edge: Edge, number: str) -> None:
    await made(edge, "/v1/contacts", {"number": number, "name": f"I am {number}", "tags": ["fair"]})


async def a_faulty_row(edge: Edge, number: str) -> None:
    new = await made(edge, "/v1/contact-imports", {"name": "people.csv"})
    row = (new["id"], 1, edge.customer.id, "name", f"{number} x", "value_too_long")
    await edge.app.store.write([Write("contact_import_error_insert", (row,))])


async def a_saved_view(edge: Edge, number: str) -> None:
    email = f"{digits(number)}@example.org" if number == OTHER else "ada@example.org"
    user = await users.invite(
        edge.app.manage, ACTOR, users.NewUser(email=email, name="Ada", role="developer"), account_id=edge.customer.id
    )
    row = (edge.app.ids.new("SV"), user.id, "messages", "theirs", f"number=%2B{digits(number)}", 1)
    await edge.app.store.write([Write("saved_view_insert", (row,))])


async def consents(edge: Edge, number: str) -> None:
    await made(edge, "/v1/consents", {"number": number})
    listed = await one(edge, "/v1/suppression-lists", {"name": "complaints", "classes": ["marketing"]})
    await made(edge, f"/v1/suppression-lists/{listed['id']}/numbers", {"numbers": [number]})


async def an_opt_out(edge: Edge, number: str) -> None:
    await until(lambda: ended(edge))
    await made(edge, "/v1/opt-outs", {"number": number})


async def a_campaign(edge: Edge, number: str) -> None:
    said = {"name": f"for {number[-3:]}", "text": "Sale", "audience": {"numbers": [number]}}
    await made(edge, "/v1/campaigns", said | {"exclude": {"numbers": ["+447400999777"]}})
    await made(edge, "/v1/campaigns", said | {"exclude": {"numbers": [number]}, "audience": {"everybody": True}})


async def a_schedule(edge: Edge, number: str) -> None:
    plan = {"name": f"s{number[-3:]}", "starts_at": "2199-01-04T09:00", "recipients": [number], "text": "Hello"}
    await made(edge, "/v1/schedules", plan)


async def a_person_of_verify(edge: Edge, number: str) -> None:
    service = await one(edge, "/v1/verify/services", {"name": "Acme"})
    path = f"/v1/verify/services/{service['id']}/entities"
    await made(edge, f"{path}/{digits(number)}/factors", {"name": "app"})
    await made(edge, f"{path}/user-1/factors", {"name": f"Phone of {number}", "metadata": {"phone": number}})


PLACES: dict[str, Plant] = {
    "messages": a_message,
    "links": a_click,
    "conversation_notes": a_conversation,
    "flow_runs": a_run,
    "hook_latest": a_call,
    "contacts": a_contact,
    "contact_import_errors": a_faulty_row,
    "saved_views": a_saved_view,
    "consents": consents,
    "campaign_numbers": a_campaign,
    "schedule_parts": a_schedule,
    "verify_factors": a_person_of_verify,
    "opt_outs": an_opt_out,  # the last: nothing is sent after it
}
"""What plants a number, by a table in which it then stands."""
KEPT = {"idempotency": "keys that applications chose, for 24 hours"}
"""What holds the number afterwards, with the reason; docs/messages.md says the same."""


async def ended(edge: Edge) -> bool:
    texts = (await edge.get("/v1/messages?limit=100")).json["data"]
    runs = (await edge.get("/v1/flow-runs?state=running")).json["data"]
    return not runs and all(text["status"] in ("delivered", "received") for text in texts)


async def test_a_number_that_stands_everywhere_stands_nowhere_afterwards(placed: tuple[Edge, Path | str]) -> None:
    edge, database = placed
    for plant in PLACES.values():
        for number in (PERSON, OTHER):
            await plant(edge, number)
    await until(lambda: ended(edge))
    before = await tables_with(database, PERSON)
    assert set(PLACES) <= before, "a place of the table does not hold the number"
    others = await tables_with(database, OTHER)
    done = await made(edge, "/v1/erasures", {"number": PERSON})
    assert done["left"] == 0 and done["next_cursor"] is None, done
    assert await tables_with(database, PERSON) == set(KEPT)
    assert await tables_with(database, OTHER) == others, "somebody else lost something"
    again = await made(edge, "/v1/erasures", {"number": PERSON})
    assert {name: value for name, value in again.items() if value} == {}
    refused = await edge.post("/v1/messages", {"to": PERSON, "text": "x"})
    assert refused.code in ("opted_out", "suppressed"), "what was kept keeps its effect"


async def tables_with(database: Path | str, number: str) -> set[str]:
    return {row.partition(":")[0] for row in await rows_of(database) if digits(number) in row}
