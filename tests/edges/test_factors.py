"""Factors over HTTP, as an application uses them; the codes are those of an authenticator of the tests' own, and the
clock stands: a code that is shown in one step is not looked at in the next."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from whimbrel.base.clock import ManualClock

from .authenticator import code as code_of
from .authenticator import scanned
from .edge_rig import Answer, Edge, running_edge

NAME = "ada@example.com"


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    async with running_edge(tmp_path, clock=ManualClock()) as running:
        yield running


async def person(edge: Edge, identity: str = "user-1", **settings: Any) -> str:
    made = await edge.post("/v1/verify/services", {"name": "Acme", "settings": settings})
    assert made.status == 201, made.body
    return f"/v1/verify/services/{made.json['id']}/entities/{identity}"


async def made(edge: Edge, place: str, **more: Any) -> Any:
    answer = await edge.post(f"{place}/factors", {"name": NAME, **more})
    assert answer.status == 201, answer.body
    assert answer.headers["location"].endswith(answer.json["id"])
    assert answer.headers["cache-control"] == "no-store"
    return answer.json


def now_s(edge: Edge) -> float:
    return edge.app.clock.now_us() / 1_000_000


def shown(edge: Edge, factor: Any, *, away: int = 0) -> str:
    """What the authenticator shows now, or so many steps away."""
    return scanned(factor["uri"], now_s(edge) + away * factor["step_s"])[1]


async def confirm(edge: Edge, place: str, factor: Any, given: str) -> Answer:
    return await edge.post(f"{place}/factors/{factor['id']}/verify", {"code": given})


async def challenge(edge: Edge, place: str, factor: Any, given: str | None) -> Answer:
    return await edge.post(f"{place}/challenges", {"factor_id": factor["id"], "code": given})


async def test_from_enrolment_to_a_code_that_works_once(edge: Edge) -> None:
    place = await person(edge)
    factor = await made(edge, place, metadata={"phone": "old"})
    assert (factor["status"], factor["identity"], factor["type"]) == ("unverified", "user-1", "totp")
    assert scanned(factor["uri"], 0)[0] == f"Acme:{NAME}"
    assert re.fullmatch(r"[A-Z2-7]{32}", factor["secret"])
    assert factor["qr"].startswith("data:image/svg+xml")
    assert (await challenge(edge, place, factor, shown(edge, factor))).code == "verify_factor_unverified"
    wrong = await confirm(edge, place, factor, "000000")
    assert (wrong.status, wrong.json["valid"], wrong.json["factor"]["status"]) == (200, False, "unverified")
    first = shown(edge, factor, away=-1)
    right = await confirm(edge, place, factor, first)
    assert (right.json["valid"], right.json["factor"]["status"]) == (True, "verified")
    assert (await confirm(edge, place, factor, first)).code == "conflict"
    replayed = (await challenge(edge, place, factor, first)).json
    assert (replayed["status"], replayed["reason"]) == ("denied", "used_before")
    given = shown(edge, factor, away=1)
    approved = await challenge(edge, place, factor, given)
    assert (approved.status, approved.json["status"], approved.json["reason"]) == (201, "approved", None)
    again = (await challenge(edge, place, factor, given)).json
    earlier = (await challenge(edge, place, factor, shown(edge, factor))).json
    assert [again["reason"], earlier["reason"]] == ["used_before", "used_before"]
    listed = (await edge.get(f"{place}/challenges")).json["data"]
    assert [each["status"] for each in listed] == ["denied", "denied", "approved", "denied"]
    one = await edge.get(f"{place}/challenges/{approved.json['id']}")
    assert one.json == approved.json
    (of_factor,) = (await edge.get(f"{place}/challenges?factor_id={factor['id']}&limit=1")).json["data"]
    assert of_factor["id"] == earlier["id"]
    assert (await edge.get(f"{place}/challenges?factor_id=YF{'0' * 32}")).json["data"] == []


async def test_no_answer_but_the_first_has_the_secret(edge: Edge) -> None:
    place = await person(edge)
    factor = await made(edge, place)
    renamed = await edge.ask("PATCH", f"{place}/factors/{factor['id']}", json={"name": "new phone"})
    assert (renamed.status, renamed.json["name"]) == (200, "new phone")
    read = await edge.get(f"{place}/factors/{factor['id']}")
    assert read.json == renamed.json
    told = [
        read.body,
        (await edge.get(f"{place}/factors")).body,
        (await edge.get(place)).body,
        (await confirm(edge, place, factor, shown(edge, factor))).body,
    ]
    assert all(factor["secret"].encode() not in each and b"otpauth" not in each for each in told)
    assert (await edge.ask("DELETE", f"{place}/factors/{factor['id']}")).status == 204
    assert (await edge.get(f"{place}/factors")).json["data"] == []


async def test_a_secret_is_brought_along_with_its_manner(edge: Edge) -> None:
    place = await person(edge, totp_issuer="Acme Bank", totp_code_length=8, totp_skew=0)
    old = await made(edge, place, secret="jbsw y3dp ehpk 3pxp", verified=True, code_length=6, step_s=60, skew=1)
    assert (old["secret"], old["status"]) == ("JBSWY3DPEHPK3PXP", "verified")
    given = code_of("JBSWY3DPEHPK3PXP", now_s(edge), step_s=60)
    assert (await challenge(edge, place, old, given)).json["status"] == "approved"
    new = await made(edge, place, algorithm="sha256")
    label, first = scanned(new["uri"], now_s(edge))
    assert (label, len(first), new["skew"]) == (f"Acme Bank:{NAME}", 8, 0)
    late = shown(edge, new, away=-1)
    assert not (await confirm(edge, place, new, late)).json["valid"]
    assert (await confirm(edge, place, new, shown(edge, new))).json["valid"]


async def test_a_challenge_may_wait_for_its_code(edge: Edge) -> None:
    place = await person(edge)
    factor = await made(edge, place, secret="JBSWY3DPEHPK3PXP", verified=True)
    waiting = (await challenge(edge, place, factor, None)).json
    assert waiting["status"] == "pending"
    answered = await edge.post(f"{place}/challenges/{waiting['id']}/verify", {"code": shown(edge, factor)})
    assert (answered.json["status"], answered.json["id"]) == ("approved", waiting["id"])
    more = await edge.post(f"{place}/challenges/{waiting['id']}/verify", {"code": shown(edge, factor, away=1)})
    assert more.code == "verify_challenge_ended"
    denied = (await challenge(edge, place, factor, None)).json
    answered = await edge.post(f"{place}/challenges/{denied['id']}/verify", {"code": "000000"})
    assert (answered.json["status"], answered.json["reason"]) == ("denied", "wrong_code")


async def test_wrong_codes_cost_waits_that_nothing_sets_back(edge: Edge) -> None:
    place = await person(edge)
    factor = await made(edge, place, secret="JBSWY3DPEHPK3PXP", verified=True)
    for _ in range(5):
        assert (await challenge(edge, place, factor, "000000")).json["status"] == "denied"
    refused = await challenge(edge, place, factor, shown(edge, factor))
    assert (refused.status, refused.code) == (429, "verify_factor_waits")
    assert 0 < int(refused.headers["retry-after"]) <= 30
    other = await made(edge, place)
    assert (await confirm(edge, place, other, shown(edge, other))).code == "verify_factor_waits"
    assert (await edge.ask("DELETE", place)).status == 204
    again = await made(edge, place, secret="JBSWY3DPEHPK3PXP", verified=True)
    assert (await challenge(edge, place, again, shown(edge, again))).code == "verify_factor_waits"
    guesses = (await edge.get(place)).json["guesses"]
    assert (guesses["failures"], guesses["locked"], guesses["retry_at"] is None) == (5, False, False)
    unlocked = await edge.post(f"{place}/unlock")
    assert unlocked.json["guesses"] == {"failures": 0, "retry_at": None, "locked": False}
    assert (await challenge(edge, place, again, shown(edge, again))).json["status"] == "approved"


async def test_a_person_goes_with_everything(edge: Edge) -> None:
    place = await person(edge)
    factor = await made(edge, place, secret="JBSWY3DPEHPK3PXP", verified=True)
    asked = (await challenge(edge, place, factor, shown(edge, factor))).json
    people = place.rpartition("/")[0]
    assert [each["identity"] for each in (await edge.get(people)).json["data"]] == ["user-1"]
    assert (await edge.ask("DELETE", place)).status == 204
    for path in (place, f"{place}/factors", f"{place}/factors/{factor['id']}", f"{place}/challenges/{asked['id']}"):
        assert (await edge.get(path)).code == "not_found"
    await made(edge, place)
    assert len((await edge.get(f"{place}/factors")).json["data"]) == 1
    assert (await edge.get(f"{place}/challenges")).json["data"] == []
    assert (await edge.ask("DELETE", people.rpartition("/")[0])).status == 204
    assert (await edge.post(f"{place}/factors", {"name": NAME})).code == "not_found"


async def test_test_keys_and_other_accounts_see_their_own_only(edge: Edge) -> None:
    place = await person(edge)
    factor = await made(edge, place)
    other = await edge.new_customer("Other")
    for path in (place, f"{place}/factors", f"{place}/factors/{factor['id']}", f"{place}/challenges"):
        assert (await edge.get(path, key=edge.customer.test)).code == "not_found"
        assert (await edge.get(path, key=other.live)).code == "not_found"
    assert (await edge.post(f"{place}/factors", {"name": NAME}, key=other.live)).code == "not_found"
    assert (await edge.ask("DELETE", place, key=other.live)).code == "not_found"
    mine = await edge.post(f"{place}/factors", {"name": NAME}, key=edge.customer.test)
    assert (mine.status, mine.json["test"]) == (201, True)
    assert mine.json["entity_id"] != factor["entity_id"]
    read_only = await edge.new_key(edge.customer.id, ("verify:read",))
    assert (await edge.post(f"{place}/factors", {"name": NAME}, key=read_only)).code == "forbidden"
    assert (await edge.post(f"{place}/unlock", key=read_only)).code == "forbidden"


async def test_wrong_input_is_told(edge: Edge) -> None:
    place = await person(edge)
    wrong = {"name": "", "secret": "JBSW", "code_length": 4, "step_s": 5, "skew": 9}
    refused = await edge.post(f"{place}/factors", wrong)
    pointers = {each["pointer"] for each in refused.json["errors"]}
    assert (refused.status, pointers) == (422, {f"/{name}" for name in wrong})
    unproved = await edge.post(f"{place}/factors", {"name": NAME, "verified": True})
    assert unproved.json["errors"][0]["pointer"] == "/verified"
    people = place.rpartition("/")[0]
    for identity in ("a" * 65, "-x", "a%20b", "a%00"):
        assert (await edge.post(f"{people}/{identity}/factors", {"name": NAME})).json["errors"][0][
            "pointer"
        ] == "/identity"
    service = people.rpartition("/")[0]
    settings = await edge.ask("PATCH", service, json={"settings": {"totp_code_length": 4, "totp_skew": 3}})
    assert {each["pointer"] for each in settings.json["errors"]} == {
        "/settings/totp_code_length",
        "/settings/totp_skew",
    }
    for _ in range(20):
        await made(edge, place)
    assert (await edge.post(f"{place}/factors", {"name": NAME})).code == "too_many_factors"
