"""A person is erased by the number: afterwards it stands nowhere in the database, whichever product kept it, and
everybody else is as before."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dump import rows_of
from whimbrel_sandbox.network import PhoneText

from .edge_rig import SENDER, Edge, running_edge, until

PERSON, OTHER = "+447400123456", "+447400999888"
SERVICES = "/v1/verify/services"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Of the database; empty where it is a file."""
    return "" if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
async def placed(url: str, tmp_path: Path) -> AsyncIterator[tuple[Edge, Path | str]]:
    """An installation, and where its database is."""
    async with running_edge(tmp_path, **({"database": url} if url else {})) as running:
        yield running, url or running.app.settings.database_path()


async def made(edge: Edge, path: str, body: object) -> dict:
    answer = await edge.post(path, body)
    assert answer.status in (200, 201, 202), answer.body
    return answer.json


async def verified(edge: Edge, service: str, number: str) -> None:
    await made(edge, f"{SERVICES}/{service}/verifications", {"to": number, "metadata": {"phone": number}})
    texts = await until(lambda: edge.simulator.network.phones.read(number.lstrip("+")))
    code = re.findall(r"\d{6}", texts[-1].text)[-1]
    checked = await made(edge, f"{SERVICES}/{service}/verifications/check", {"to": number, "code": code})
    assert checked["status"] == "approved"


async def lived(edge: Edge, hook: dict, flow: str, service: str, number: str) -> None:
    """Everything that an account can keep of a person."""
    await verified(edge, service, number)
    about = {"metadata": {"phone": number}, "tags": [number.lstrip("+")]}
    await made(edge, "/v1/messages", {"to": number, "text": f"You are {number}", **about})
    edge.simulator.network.send_text(number, PhoneText(to=SENDER, text=f"I am {number}"))
    await made(edge, f"/v1/flows/{flow}/runs", {"phone": number, "variables": {"who": number}})
    await made(edge, "/v1/contacts", {"number": number, "name": f"I am {number}"})
    body = json.dumps({"phone": number, "id": number, "type": "x"}).encode()
    headers = {"Authorization": f"Bearer {hook['secret']}", "Content-Type": "application/json"}
    called = await edge.ask("POST", f"/v1/hooks/{hook['id']}", key="", headers=headers, data=body)
    assert called.json["sent"] == 1, called.body


async def still(edge: Edge, wanted: int) -> bool:
    """Whether all that was begun has ended."""
    texts = (await edge.get("/v1/messages?limit=100")).json["data"]
    runs = (await edge.get("/v1/flow-runs?state=finished")).json["data"]
    inbound = (await edge.get("/v1/inbound")).json["data"]
    ended = [text for text in texts if text["status"] == "delivered"]
    return (len(ended), len(runs), len(inbound)) == (4 * wanted, wanted, wanted)


async def test_the_number_is_nowhere_in_the_database_afterwards(placed: tuple[Edge, Path | str]) -> None:
    edge, database = placed
    service = (await made(edge, SERVICES, {"name": "Acme", "settings": {"guard": False}}))["id"]
    step = {"type": "send", "text": "Hello {{ who }}"}
    document = {"trigger": {"type": "api"}, "start": "a", "steps": {"a": step}}
    flow = (await made(edge, "/v1/flows", {"name": "f", "document": document}))["id"]
    rule = {"name": "r", "to": ["phone"], "text": "Hi {{phone}}"}
    hook = await made(
        edge, "/v1/hooks", {"name": "h", "preset": "generic", "auth": {"kind": "bearer"}, "rules": [rule]}
    )
    plan = {"name": "s", "starts_at": "2199-01-04T09:00", "recipients": [PERSON, OTHER], "text": "Hello"}
    schedule = (await made(edge, "/v1/schedules", plan))["id"]
    for number in (PERSON, OTHER):
        await lived(edge, hook, flow, service, number)
        for identity in (number.removeprefix("+"), f"tel:{number}"):
            await made(edge, f"{SERVICES}/{service}/entities/{identity}/factors", {"name": "app"})
        named = {"name": f"Phone of {number}", "metadata": {"phone": number}}
        await made(edge, f"{SERVICES}/{service}/entities/user-1/factors", named)
    await until(lambda: still(edge, 2))
    await until(lambda: found_by(edge, PERSON))

    done = await made(edge, "/v1/erasures", {"number": PERSON})
    assert done == {
        "messages": 5, "verifications": 1, "flow_runs": 1, "schedules": 1, "contacts": 1, "factors": 3,
        "consents": 0, "notes": 0, "left": 0, "next_cursor": None,
    }  # fmt: skip
    rows = await rows_of(database)
    assert [row for row in rows if PERSON.lstrip("+") in row] == []
    assert sum(OTHER.lstrip("+") in row for row in rows) >= 7
    calls = (await edge.get(f"/v1/hooks/{hook['id']}/calls")).json["data"]
    bodies = [(await edge.get(f"/v1/hooks/{hook['id']}/calls/{call['id']}")).json["body"] for call in calls]
    assert [body and OTHER in body for body in bodies] == [True, None]
    assert (await edge.get(f"/v1/schedules/{schedule}")).json["recipients"] == 1
    assert (await edge.get(f"/v1/schedules/{schedule}/recipients")).json["data"] == [OTHER]
    again = await made(edge, "/v1/erasures", {"number": PERSON})
    assert {name: value for name, value in again.items() if value} == {}


async def found_by(edge: Edge, number: str) -> bool:
    """Look-ups by number know all of the person's messages: they are a moment behind."""
    texts = (await edge.get(f"/v1/messages?number=%2B{number.lstrip('+')}&limit=100")).json["data"]
    return len(texts) >= 5


async def test_what_is_under_way_is_left_and_counted(edge: Edge) -> None:
    service = (await made(edge, SERVICES, {"name": "Acme", "settings": {"guard": False}}))["id"]
    await made(edge, f"{SERVICES}/{service}/verifications", {"to": PERSON})
    step = {"type": "wait", "for_s": 600}
    document = {"trigger": {"type": "api"}, "start": "a", "steps": {"a": step}}
    flow = (await made(edge, "/v1/flows", {"name": "f", "document": document}))["id"]
    await made(edge, f"/v1/flows/{flow}/runs", {"phone": PERSON})
    done = await made(edge, "/v1/erasures", {"number": PERSON})
    assert (done["left"] >= 2, done["verifications"], done["flow_runs"]) == (True, 0, 0)
    assert (await edge.post("/v1/erasures", {"number": "12"})).code == "invalid_number"


async def test_a_contact_keeps_no_number_of_one_that_was_merged_into_it(edge: Edge) -> None:
    kept, gone = [(await made(edge, "/v1/contacts", {"number": number}))["id"] for number in (OTHER, PERSON)]
    await made(edge, "/v1/contacts/merge", {"into": kept, "contacts": [gone]})
    assert (await made(edge, "/v1/erasures", {"number": PERSON}))["contacts"] == 1
    left = (await edge.get(f"/v1/contacts/{kept}")).json
    assert (left["number"], left["other_numbers"]) == (OTHER, [])


async def test_only_the_accounts_own_rows_are_erased(edge: Edge) -> None:
    sent = await made(edge, "/v1/messages", {"to": PERSON, "text": "Hello"})
    other = await edge.new_customer()
    assert (await edge.post("/v1/erasures", {"number": PERSON}, key=other.live)).json["messages"] == 0
    assert (await edge.get(f"/v1/messages/{sent['id']}")).json["to"] == PERSON
