"""/v1/campaigns over HTTP."""

from pathlib import Path
from typing import Any

import pytest

from tests.edges.edge_rig import NUMBER, Edge, running_edge, until
from whimbrel.link_sections import Links

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1"

SALE: dict[str, Any] = {"name": "Sale", "audience": {"everybody": True}, "text": "Sale", "class": "transactional"}
"""Not marketing: that would wait while it is night where the phones are."""


async def people(edge: Edge, count: int) -> None:
    made = [{"number": f"+4915112345{n:03}", "name": f"P{n} Lee", "tags": ["fair"]} for n in range(count)]
    assert (await edge.post("/v1/contacts/batch", {"contacts": made})).json["created"] == count


async def made(edge: Edge, **said: Any) -> str:
    answer = await edge.post("/v1/campaigns", SALE | said)
    assert answer.status == 201, answer.body
    assert answer.headers["location"] == f"/v1/campaigns/{answer.json['id']}"
    found: str = answer.json["id"]
    return found


async def is_in(edge: Edge, id_: str, status: str) -> dict[str, Any]:
    async def there() -> Any:
        found = (await edge.get(f"/v1/campaigns/{id_}")).json
        return found if found["status"] == status else None

    found: dict[str, Any] = await until(there, within_s=60.0)
    return found


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"audience": {}}, "/audience"),
        ({"audience": {"lists": ["none"]}}, "/audience/lists/0"),
        ({"audience": {"numbers": ["12"]}}, "/audience/numbers/0"),
        ({"exclude": {"tags": ["none"]}}, "/exclude/tags/0"),
        ({"name": " "}, "/name"),
        ({"text": None}, "/text"),
        ({"text": "Hi {{ name"}, "/variants/0/text"),
        ({"template": "x"}, "/text"),
        ({"winner": {"metric": "clicked"}}, "/winner"),
        ({"schedule": {"zone": "Mars"}}, "/schedule/zone"),
        ({"schedule": {"at": "2027-01-01T10:00Z"}}, "/schedule/at"),
        ({"schedule": {"windows": [{"begin": "10:00", "end": "09:00"}]}}, "/schedule/windows/0/end"),
        ({"text": None, "variants": [{"name": "A", "text": "x"}, {"name": "A", "text": "y"}]}, "/variants"),
    ],
)
async def test_what_is_wrong_is_told_at_its_place(edge: Edge, said: dict[str, Any], pointer: str):
    answer = await edge.post("/v1/campaigns", SALE | said)
    assert answer.code == "invalid_request", answer.body
    assert pointer in [each["pointer"] for each in answer.json["errors"]], answer.body


async def all_of(edge: Edge, path: str) -> list[Any]:
    """All rows, a few at a time."""
    rows: list[Any] = []
    cursor = ""
    while True:
        found = (await edge.get(f"/v1/campaigns/{path}&limit=7{cursor}")).json
        rows += found["data"]
        if found["next_cursor"] is None:
            return rows
        cursor = f"&cursor={found['next_cursor']}"


async def test_a_draft_is_estimated_tried_changed_sent_and_its_results_exported(edge: Edge):
    await people(edge, 20)
    await edge.post("/v1/opt-outs", {"number": "+4915112345003"})
    both = [{"name": "A", "text": "Hi {{ first_name }}"}, {"name": "B", "text": "Hello {{ first_name }}, it is on"}]
    id_ = await made(
        edge, text=None, variants=both, exclude={"numbers": ["+4915112345004"]},
        audience={"tags": ["fair"], "numbers": [NUMBER]}, schedule={"pace": {"count": 10, "per": "second"}},
    )  # fmt: skip
    seen = (await edge.get(f"/v1/campaigns/{id_}/estimate")).json
    assert (seen["audience"], seen["recipients"], seen["segments"], seen["seconds"]) == (21, 18, 18, 1), seen
    assert seen["left_out"] == [
        {"code": "excluded", "count": 1}, {"code": "invalid_variable", "count": 1}, {"code": "opted_out", "count": 1}
    ]  # fmt: skip
    assert seen["cost"] == "0.135" and {each["name"] for each in seen["variants"]} == {"A", "B"}
    tried = (await edge.post(f"/v1/campaigns/{id_}/test", {"to": ["+4915112345001", NUMBER]})).json["data"]
    assert [each.get("code") for each in tried] == [None, None, "invalid_variable", "invalid_variable"]
    assert (await edge.post(f"/v1/campaigns/{id_}/test", {"to": ["1"]})).code == "invalid_number"
    changed = await edge.ask("PATCH", f"/v1/campaigns/{id_}", json={"schedule": {}, "name": "Sale!"})
    assert (changed.json["name"], changed.json["schedule"]["pace"]) == ("Sale!", None)
    assert (await edge.get(f"/v1/campaigns/{id_}/numbers?excluded=true")).json["data"] == ["+4915112345004"]
    assert (await edge.post(f"/v1/campaigns/{id_}/start")).status == 200
    over = await is_in(edge, id_, "finished")
    assert over["progress"] == {"looked_at": 21, "accepted": 18, "refused": 2, "left_out": 1}
    refused = (await edge.get(f"/v1/campaigns/{id_}/recipients?code=opted_out")).json["data"]
    assert [(each["status"], each["message_id"]) for each in refused] == [("refused", None)]
    newest, oldest = [
        [(each["message_id"], each["contact_id"]) for each in await all_of(edge, f"{id_}/recipients?order={order}")]
        for order in ("desc", "asc")
    ]
    assert len(set(newest)) == 20 and newest == oldest[::-1]
    assert await all_of(edge, f"{id_}/recipients?order=asc&code=opted_out") == refused

    async def delivered() -> bool:
        return (await edge.get(f"/v1/campaigns/{id_}/results")).json["total"]["delivered"] == 18

    await until(delivered, within_s=60.0)
    results = (await edge.get(f"/v1/campaigns/{id_}/results")).json
    assert sum(each["counts"]["accepted"] for each in results["variants"]) == 18
    assert results["total"]["cost"] == "0.135" and results["currency"] == "USD"
    file = (await edge.get(f"/v1/campaigns/{id_}/recipients/export")).body.decode("utf-8-sig")
    lines = file.splitlines()
    assert len(lines) == 21 and lines[0].startswith("message_id,contact_id,variant,country,status,code")
    assert sum(",delivered," in line for line in lines) == 18
    messages = (await edge.get(f"/v1/messages?campaign={id_}&limit=5")).json
    assert len(messages["data"]) == 5 and {each["campaign_id"] for each in messages["data"]} == {id_}
    assert (await edge.get(f"/v1/messages?campaign={id_}&status=failed")).json["data"] == []
    assert (await edge.post(f"/v1/campaigns/{id_}/pause")).code == "campaign_state"
    assert (await edge.ask("DELETE", f"/v1/campaigns/{id_}")).status == 204
    assert (await edge.get(f"/v1/campaigns/{id_}")).status == 404


_BEGINS: dict[str, Any] = {"draft": {}, "gone": {"at": "2090-01-01T10:00:00"}, "over": {}}


async def test_a_step_that_its_state_does_not_know_changes_nothing(edge: Edge):
    """A draft is neither paused nor resumed, and what is over for good is not begun again."""
    await people(edge, 1)
    draft, gone, over = [await made(edge, name=name, schedule=at) for name, at in _BEGINS.items()]
    assert (await edge.post(f"/v1/campaigns/{gone}/start")).json["status"] == "scheduled"
    assert (await edge.post(f"/v1/campaigns/{gone}/cancel")).json["status"] == "canceled"
    assert (await edge.post(f"/v1/campaigns/{over}/start")).status == 200
    await is_in(edge, over, "finished")
    await until(lambda: is_delivered(edge, over), within_s=60.0)
    steps = {
        draft: ("pause", "resume"),
        gone: ("start", "pause", "resume"),
        over: ("start", "pause", "resume", "cancel"),
    }
    before = {id_: (await edge.get(f"/v1/campaigns/{id_}")).json for id_ in steps}
    events = (await edge.get("/v1/events?types=campaign.*&limit=100")).json["data"]
    for id_, refused in steps.items():
        for step in refused:
            assert (await edge.post(f"/v1/campaigns/{id_}/{step}")).code == "campaign_state", (before[id_], step)
        assert (await edge.get(f"/v1/campaigns/{id_}")).json == before[id_]
    assert events and (await edge.get("/v1/events?types=campaign.*&limit=100")).json["data"] == events


async def is_delivered(edge: Edge, id_: str) -> bool:
    found: bool = (await edge.get(f"/v1/campaigns/{id_}/results")).json["total"]["delivered"] == 1
    return found


async def test_a_second_person_approves_what_somebody_wrote(edge: Edge):
    await people(edge, 1)
    other = await edge.new_key(edge.customer.id, ("campaigns:approve", "campaigns:read"))
    writer = await edge.new_key(edge.customer.id, ("campaigns:write", "campaigns:read"))
    assert (await edge.get("/v1/campaigns/policy")).json == {"approval": False}
    assert (await edge.ask("PUT", "/v1/campaigns/policy", json={"approval": True})).json == {"approval": True}
    id_ = await made(edge)
    assert (await edge.post(f"/v1/campaigns/{id_}/start")).code == "campaign_not_approved"
    assert (await edge.post(f"/v1/campaigns/{id_}/approve")).code == "campaign_own_approval"
    assert (await edge.post(f"/v1/campaigns/{id_}/approve", key=writer)).status == 403
    approved = await edge.post(f"/v1/campaigns/{id_}/approve", key=other)
    assert approved.json["approved_by"] and approved.json["approved_by"] != approved.json["author"]
    changed = await edge.ask("PATCH", f"/v1/campaigns/{id_}", json={"text": "Another"})
    assert changed.json["approved_by"] is None
    assert (await edge.post(f"/v1/campaigns/{id_}/start")).code == "campaign_not_approved"
    await edge.post(f"/v1/campaigns/{id_}/approve", key=other)
    assert (await edge.post(f"/v1/campaigns/{id_}/start")).status == 200
    await is_in(edge, id_, "finished")


async def test_what_was_approved_is_sent_though_its_template_has_changed(edge: Edge):
    await people(edge, 1)
    other = await edge.new_key(edge.customer.id, ("campaigns:approve", "campaigns:read"))
    await edge.ask("PUT", "/v1/campaigns/policy", json={"approval": True})
    template = {"name": "fair", "texts": {"en": "The fair opens"}, "publish": True}
    assert (await edge.post("/v1/templates", template)).status == 201
    id_ = await made(edge, text=None, template="fair")
    approved = (await edge.post(f"/v1/campaigns/{id_}/approve", key=other)).json
    assert [each["template"] for each in approved["variants"]] == ["fair@1"]
    assert (await edge.ask("PATCH", "/v1/templates/fair", json={"texts": {"en": "Something else"}})).status == 200
    assert (await edge.post("/v1/templates/fair/publish")).json["live_version"] == 2
    assert (await edge.post(f"/v1/campaigns/{id_}/start")).status == 200
    await is_in(edge, id_, "finished")
    (sent,) = (await edge.get("/v1/messages")).json["data"]
    assert (sent["text"], sent["template"]["version"]) == ("The fair opens", 1)


async def test_a_click_on_a_recipients_own_link_counts_once(tmp_path: Path):
    async with running_edge(tmp_path, links=Links(too_soon_ms=0, rate_per_s=1000)) as edge:
        to = {"numbers": [NUMBER, "+4915112345001"]}
        id_ = await made(edge, text="See {url=https://shop.example/sale}", audience=to)
        assert (await edge.post(f"/v1/campaigns/{id_}/start")).status == 200
        await is_in(edge, id_, "finished")
        text = await until(lambda: edge.simulator.network.phones.read(NUMBER.lstrip("+")), within_s=60.0)
        path = "/l/" + text[-1].text.rpartition("/")[2]
        for _ in range(2):
            await edge.ask("GET", path, key="", headers={"User-Agent": PHONE}, allow_redirects=False)

        async def clicked() -> bool:
            return (await edge.get(f"/v1/campaigns/{id_}/results")).json["total"]["clicked"] == 1

        await until(clicked, within_s=60.0)
        rows = (await edge.get(f"/v1/campaigns/{id_}/recipients")).json["data"]
        assert sorted(each["clicked_at"] is not None for each in rows) == [False, True]
        place = f"/v1/campaigns/{id_}/recipients"
        assert (await edge.get(f"{place}?activity=clicked")).json["data"] == [
            each for each in rows if each["clicked_at"]
        ]
        assert (await edge.get(f"{place}?activity=answered")).json["data"] == []
        files = [(await edge.get(f"{place}/export{more}")).body.decode() for more in ("?activity=clicked", "")]
        assert [len(file.splitlines()) for file in files] == [2, 3] and NUMBER in files[0]
        for wrong in ("activity=sneezed", "activity=clicked&code=opted_out"):
            for path in (place, f"{place}/export"):
                refused = await edge.get(f"{path}?{wrong}")
                assert (refused.status, refused.code) == (400, "invalid_parameter"), refused.body
