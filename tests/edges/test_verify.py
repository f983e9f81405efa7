"""/v1/verify over HTTP, as customers use it; the code is read from the virtual phone."""

import re
from typing import Any

from .edge_rig import Answer, Edge, until

PHONE = "+447400123456"


async def service(edge: Edge, **settings: Any) -> str:
    made = await edge.post("/v1/verify/services", {"name": "Acme", "settings": settings})
    assert made.status == 201, made.body
    return f"/v1/verify/services/{made.json['id']}"


async def started(edge: Edge, place: str, to: str = PHONE, **more: Any) -> Any:
    answer = await edge.post(f"{place}/verifications", {"to": to, **more})
    assert answer.status == 201, answer.body
    assert answer.headers["location"].endswith(answer.json["id"])
    return answer.json


async def code(edge: Edge, to: str = PHONE) -> str:
    texts = await until(lambda: edge.simulator.network.phones.read(to.lstrip("+")))
    return re.findall(r"\d{4,10}", texts[-1].text)[-1]


async def check(edge: Edge, place: str, given: str, **about: str) -> Answer:
    return await edge.post(f"{place}/verifications/check", {"code": given, **(about or {"to": PHONE})})


async def test_from_start_to_approved(edge: Edge) -> None:
    place = await service(edge)
    made = await started(edge, place, metadata={"user": "7"})
    given = await code(edge)
    assert (made["status"], made["to"], made["checks_left"]) == ("pending", PHONE, 5)
    wrong = await check(edge, place, "x" + given)
    assert (wrong.status, wrong.json["valid"], wrong.json["checks_left"]) == (200, False, 4)
    right = await check(edge, place, given, id=made["id"])
    assert (right.json["valid"], right.json["status"]) == (True, "approved")
    assert (await check(edge, place, given)).code == "not_found"
    read = (await edge.get(f"{place}/verifications/{made['id']}")).json
    assert (read["status"], read["metadata"]) == ("approved", {"user": "7"})
    assert given not in str(read)
    (attempt,) = (await edge.get(f"{place}/verifications/{made['id']}/attempts")).json["data"]
    assert attempt["converted"]
    message = (await edge.get(f"/v1/messages/{attempt['message_id']}")).json
    assert (message["text"], message["class"]) == ("Your Acme code is ******", "otp")
    assert message["metadata"] == {"verification_id": made["id"]}


async def test_numbers_are_masked_for_who_may_not_read_messages(edge: Edge) -> None:
    place = await service(edge)
    made = await started(edge, place)
    key = await edge.new_key(edge.customer.id, ("verify:read",))
    (row,) = (await edge.get(f"{place}/verifications", key=key)).json["data"]
    assert (row["id"], row["to"]) == (made["id"], "+4474•••••456")
    (row,) = (await edge.get(f"{place}/verifications?to=%2B447400123456")).json["data"]
    assert row["to"] == PHONE
    assert (await edge.post(f"{place}/verifications", {"to": PHONE}, key=key)).code == "forbidden"


async def test_test_keys_and_other_accounts_see_their_own_only(edge: Edge) -> None:
    place = await service(edge)
    made = await started(edge, place)
    one = f"{place}/verifications/{made['id']}"
    assert (await edge.get(one, key=edge.customer.test)).code == "not_found"
    other = await edge.new_customer("Other")
    for path in (place, one, f"{place}/verifications"):
        assert (await edge.get(path, key=other.live)).code == "not_found"
    assert (await edge.post(f"{place}/verifications", {"to": PHONE}, key=other.live)).code == "not_found"
    assert (await edge.post(f"{one}/cancel", key=other.live)).code == "not_found"


async def test_wrong_input_is_told(edge: Edge) -> None:
    refused = await edge.post("/v1/verify/services", {"name": "", "settings": {"code_length": 3, "countries": ["XX"]}})
    pointers = {each["pointer"] for each in refused.json["errors"]}
    assert (refused.status, pointers) == (422, {"/name", "/settings/code_length", "/settings/countries/0"})
    unknown = await edge.post("/v1/verify/services", {"name": "A", "settings": {"colour": "red"}})
    assert unknown.code == "invalid_request"
    place = await service(edge)
    assert (await edge.post(f"{place}/verifications", {"to": "12"})).code == "invalid_number"
    assert (await edge.post(f"{place}/verifications", {"to": PHONE, "channel": "x"})).code == "verify_channel_unknown"
    assert (await edge.post(f"{place}/verifications/check", {"code": "1"})).code == "invalid_request"
    too_soon = await started(edge, place) and await edge.post(f"{place}/verifications", {"to": PHONE})
    assert (too_soon.code, 0 < int(too_soon.headers["retry-after"]) <= 30) == ("verify_too_soon", True)


async def test_a_service_is_changed_and_deleted(edge: Edge) -> None:
    place = await service(edge, ttl_s=300)
    changed = await edge.ask("PATCH", place, json={"name": "Acme 2", "settings": {"code_length": 8}})
    assert (changed.json["name"], changed.json["settings"]["code_length"]) == ("Acme 2", 8)
    assert changed.json["settings"]["ttl_s"] == 300
    assert [each["id"] for each in (await edge.get("/v1/verify/services")).json["data"]] == [changed.json["id"]]
    await started(edge, place)
    assert len(await code(edge)) == 8
    assert (await edge.ask("DELETE", place)).status == 204
    assert (await check(edge, place, "12345678")).code == "not_found"


async def test_rate_limits_blocks_and_figures(edge: Edge) -> None:
    place = await service(edge)
    wanted = {"service_id": place.rpartition("/")[2], "name": "ip", "buckets": [{"max": 1, "interval_s": 60}]}
    limit = await edge.post("/v1/verify/rate-limits", wanted)
    assert limit.status == 201, limit.body
    listed = await edge.get(f"/v1/verify/rate-limits?service_id={wanted['service_id']}")
    assert listed.json["data"] == [limit.json]
    await started(edge, place, rate_keys={"ip": "a"})
    again = await edge.post(f"{place}/verifications", {"to": "+447400123999", "rate_keys": {"ip": "a"}})
    assert again.code == "verify_rate_limited"
    one = f"/v1/verify/rate-limits/{limit.json['id']}"
    more = await edge.ask("PATCH", one, json={"buckets": [{"max": 9, "interval_s": 60}]})
    assert [each["max"] for each in more.json["buckets"]] == [9]
    for last in range(57, 60):
        await started(edge, place, f"+4474001234{last}", rate_keys={"ip": "a"})
    blocked = await edge.post(f"{place}/verifications", {"to": "+447400123460"})
    assert blocked.code == "verify_blocked"
    (block,) = (await edge.get("/v1/verify/blocks")).json["data"]
    lifted = await edge.post(f"/v1/verify/blocks/{block['id']}/lift", {})
    assert (block["active"], lifted.json["active"]) == (True, False)
    await started(edge, place, "+447400123460")
    assert (await edge.ask("DELETE", one)).status == 204
    safe = await edge.post("/v1/verify/safe-list", {"number": PHONE})
    assert (safe.status, safe.json["number"]) == (201, "+4474•••••456")
    assert (await edge.get("/v1/verify/safe-list/%2B447400123456")).json == safe.json
    assert (await edge.ask("DELETE", f"/v1/verify/safe-list/{safe.json['id']}")).status == 204
    assert (await check(edge, place, await code(edge))).json["valid"]
    summary = (await edge.get("/v1/verify/attempts/summary?country=GB")).json
    assert summary["total"] == {
        "country": None, "prefix": None, "starts": 5, "sends": 5, "approvals": 1, "rate": 0.2,
    }  # fmt: skip
    assert [(each["prefix"], each["starts"]) for each in summary["prefixes"]] == [("44740012", 5)]
    attempts = (await edge.get("/v1/verify/attempts?limit=2")).json
    assert (len(attempts["data"]), attempts["next_cursor"] is not None) == (2, True)


async def test_verifications_are_found_by_how_they_stand_and_by_country(edge: Edge) -> None:
    place = await service(edge)
    british, german = await started(edge, place), await started(edge, place, "+4915112345678")
    await edge.post(f"{place}/verifications/{german['id']}/cancel")
    newer = await started(edge, place, "+4915112345678")
    every = [newer["id"], german["id"], british["id"]]

    async def found(query: str) -> list[str]:
        """All pages, of one row each."""
        rows: list[str] = []
        cursor = ""
        for _ in range(10):
            page = (await edge.get(f"{place}/verifications?limit=1&{query}{cursor}")).json
            rows += [each["id"] for each in page["data"]]
            if page["next_cursor"] is None:
                return rows
            cursor = f"&cursor={page['next_cursor']}"
        raise AssertionError("the list has no end")

    assert await found("") == every
    assert await found("status=pending") == [newer["id"], british["id"]]
    assert await found("country=de") == [newer["id"], german["id"]]
    assert await found("status=canceled&country=DE") == [german["id"]]
    assert await found("status=pending&to=%2B4915112345678") == [newer["id"]]
    assert await found("status=approved") == []
    assert (await edge.get(f"{place}/verifications?status=lost")).code == "invalid_parameter"


async def test_verifications_texts_and_blocks_are_read_from_either_end(edge: Edge) -> None:
    place = await service(edge)
    for last in range(3):
        await started(edge, place, f"+49151123456{last}1")
    await edge.post(f"{place}/verifications/%2B4915112345611/cancel")
    await started(edge, place, "+4915112345611")
    for hundred in range(2):
        for last in range(5):
            await edge.post(f"{place}/verifications", {"to": f"+447400{hundred}1236{last}"})
    list_ = f"{place}/verifications"
    for path in (list_, f"{list_}?country=DE", f"{list_}?status=pending&country=de", f"{list_}?to=%2B4915112345611",
                 "/v1/verify/attempts", "/v1/verify/blocks"):  # fmt: skip
        newest = await every(edge, path)
        assert len(newest) > 1 and await every(edge, path, order="asc") == newest[::-1], path
    assert await every(edge, "/v1/verify/attempts", created_from="2199-01-01T00:00:00Z", order="asc") == []


async def every(edge: Edge, path: str, **query: str) -> list[str]:
    """The ids of a list, two a page."""
    rows: list[str] = []
    cursor = None
    while True:
        asked = query | {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await edge.get(path, params=asked)).json
        rows += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows
