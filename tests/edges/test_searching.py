"""Searches that look through a stretch of the messages in each answer, and go on where it ended."""

from urllib.parse import quote

import pytest

from whimbrel.base import limits

from .edge_rig import until


async def pages(edge, path):
    """All pages of a list, as ids."""
    found, cursor = [], ""
    while cursor is not None:
        answer = await edge.get(path + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status == 200, answer.body
        found.append([row["id"] for row in answer.json["data"]])
        cursor = answer.json["next_cursor"]
    return found


@pytest.fixture
def short(monkeypatch):
    """Six messages an answer."""
    monkeypatch.setattr(limits, "MESSAGES_SCAN_MAX", 6)


async def test_what_is_rare_is_found_although_pages_before_it_are_empty(edge, short):
    first = (await edge.send(tags=["rare"])).json["id"]
    others = [(await edge.send()).json["id"] for _ in range(24)]
    found = await pages(edge, "/v1/messages?limit=1&tag=rare")
    assert [] in found
    assert [one for page in found for one in page] == [first]
    assert [one for page in await pages(edge, "/v1/messages?limit=7") for one in page] == [*reversed(others), first]


async def test_a_search_by_number_goes_on_in_the_same_way(edge, short):
    sent = [(await edge.send(tags=["odd"] if n == 0 else [])).json["id"] for n in range(20)]
    number = quote("+14155550123")

    async def indexed():
        return len([one for page in await pages(edge, f"/v1/messages?number={number}&limit=7") for one in page]) == 20

    await until(indexed)
    found = await pages(edge, f"/v1/messages?number={number}&tag=odd&limit=1")
    assert [] in found
    assert [one for page in found for one in page] == sent[:1]


async def test_a_page_that_ends_with_the_messages_has_no_cursor(edge):
    for _ in range(4):
        await edge.send()
    answer = await edge.get("/v1/messages?limit=4")
    assert (len(answer.json["data"]), answer.json["next_cursor"]) == (4, None)


async def test_metadata_is_found_by_name_and_value(edge):
    numbered = (await edge.send(metadata={"order": 4711, "shop": "north:1", "deep": {"order": 1}})).json["id"]
    worded = (await edge.send(metadata={"order": "4711"}, to="+447911123456")).json["id"]
    await edge.send(metadata={"other": 4711})
    await edge.send()

    async def found(query):
        return [row["id"] for row in (await edge.get(f"/v1/messages?{query}")).json["data"]]

    assert await found("metadata=order:4711") == [worded, numbered]
    assert await found("metadata=shop:north:1") == [numbered]
    assert await found("metadata=order:471") == []

    async def by_number():
        return await found(f"number={quote('+447911123456')}&metadata=order:4711")

    assert await until(by_number) == [worded]
    for wrong in ("order", ":4711"):
        assert (await edge.get(f"/v1/messages?metadata={wrong}")).code == "invalid_parameter"


async def test_a_carriers_id_leads_to_its_message(edge):
    message_id = (await edge.send(text="long " * 60)).json["id"]
    other = await edge.new_customer("Other")

    async def ids_of():
        attempts = (await edge.get(f"/v1/messages/{message_id}/attempts")).json["data"]
        found = [attempt["carrier_message_id"] for attempt in attempts]
        return found if found and all(found) else None

    async def found(given, key=None):
        answer = await edge.get(f"/v1/messages?carrier_message_id={given}", key=key)
        return [row["id"] for row in answer.json["data"]]

    for given in await until(ids_of):
        assert await found(given) == await found(given.upper()) == [message_id]
        assert await found(given, other.live) == await found(given, edge.customer.test) == []
    assert await found("nosuch") == await found("") == []
    assert (await edge.get("/v1/messages?carrier_message_id=1&class=otp")).code == "invalid_parameter"
