"""/v1/lookups over HTTP: what numbers say, what the account knows of them, and that nobody else learns it."""

import asyncio

from whimbrel.manage.scopes import ACCOUNT_SCOPES

from .edge_rig import NUMBER, SENDER, until


async def test_a_number_and_what_the_account_knows_of_it(edge):
    found = (await edge.get("/v1/lookups/+4915112345678")).json
    assert found == {
        "input": "+4915112345678",
        "valid": True,
        "reasons": [],
        "number": "+4915112345678",
        "national": "01511 2345678",
        "international": "+49 1511 2345678",
        "country": "DE",
        "calling_code": "49",
        "type": "mobile",
        "original_operator": "T-Mobile",
        "time_zones": ["Europe/Berlin"],
        "region": None,
        "opted_out": False,
        "last_seen_at": None,
    }
    national = (await edge.get("/v1/lookups/020%207946%200958?country=gb")).json
    assert (national["number"], national["type"]) == ("+442079460958", "fixed")


async def test_an_invalid_number_is_an_answer(edge):
    for given, reason in (("hello", "not_a_number"), ("+1415", "too_short"), ("4155550123", "invalid_country_code")):
        answer = await edge.get(f"/v1/lookups/{given}")
        assert answer.status == 200
        assert (answer.json["valid"], answer.json["reasons"], answer.json["opted_out"]) == (False, [reason], None)


async def test_the_region_of_a_number_for_who_asks_for_it(edge):
    for number, region in (
        ("+442079460958", "London"),
        ("+14155550123", "San Francisco, CA"),
        ("+4930123456", "Berlin"),
    ):
        assert (await edge.get(f"/v1/lookups/{number}?region=true")).json["region"] == region
        assert (await edge.get(f"/v1/lookups/{number}")).json["region"] is None
    numbers = ["+4930123456", "hello", "020 7946 0958"]
    listed = (await edge.post("/v1/lookups", {"numbers": numbers, "country": "GB", "region": True})).json["data"]
    assert [each["region"] for each in listed] == ["Berlin", None, "London"]
    assert (await edge.get("/v1/lookups/+4930123456?region=maybe")).code == "invalid_parameter"


async def test_when_it_was_seen_and_that_it_opted_out_is_for_its_account_only(edge):
    other = await edge.new_customer("Other")
    sent = (await edge.send()).json

    async def seen():
        return (await edge.get(f"/v1/lookups/{NUMBER}")).json["last_seen_at"]

    await until(seen)
    message = (await edge.get(f"/v1/messages/{sent['id']}")).json
    assert (message["status"], await seen()) == ("delivered", message["final_at"])
    await edge.post("/v1/opt-outs", {"number": NUMBER})
    assert (await edge.get(f"/v1/lookups/{NUMBER}")).json["opted_out"] is True
    elsewhere = (await edge.get(f"/v1/lookups/{NUMBER}", key=other.live)).json
    assert (elsewhere["opted_out"], elsewhere["last_seen_at"]) == (False, None)
    assert (await edge.get(f"/v1/lookups/{NUMBER}", key=edge.customer.test)).json["last_seen_at"] is None
    listed = (await edge.post("/v1/lookups", {"numbers": [NUMBER, SENDER]})).json["data"]
    assert [(each["number"], each["opted_out"], each["last_seen_at"]) for each in listed] == [
        (NUMBER, True, None), (SENDER, False, None),
    ]  # fmt: skip


async def test_a_list_keeps_its_order_and_lets_others_go_on(edge):
    numbers = [f"+4479111{n:05d}" for n in range(998)] + ["hello", "020 7946 0958"]
    listing = asyncio.ensure_future(edge.post("/v1/lookups", {"numbers": numbers, "country": "GB"}))
    turns = 0
    while not listing.done():
        await asyncio.sleep(0)
        turns += 1
    found = (await listing).json["data"]
    assert [each["input"] for each in found] == numbers
    assert [each["valid"] for each in found[-2:]] == [False, True]
    assert turns > len(numbers) // 16


async def test_what_is_refused(edge):
    assert (await edge.get("/v1/lookups/+14155550123?country=XX")).code == "invalid_parameter"
    assert (await edge.post("/v1/lookups", {"numbers": ["1"], "country": "XX"})).code == "invalid_request"
    assert (await edge.post("/v1/lookups", {"numbers": []})).code == "invalid_request"
    assert (await edge.post("/v1/lookups", {"numbers": ["1"] * 1001})).code == "invalid_request"
    key = await edge.new_key(edge.customer.id, tuple(set(ACCOUNT_SCOPES) - {"lookups:read"}))
    assert (await edge.get("/v1/lookups/+14155550123", key=key)).code == "forbidden"
