"""A number goes by the carrier that holds it: two carriers in one route, and the verdict from the simulator's log."""

from pathlib import Path

from tests.journey.rig import ACTOR, Rig, rig, until
from whimbrel.manage import carriers, numbers

HOUR_US = 3_600_000_000
OURS, THEIRS = "+12025550111", "+12025550112"
PHONES = [f"+44791112345{n}" for n in range(6)]


async def number(r: Rig, value: str, carrier_id: str | None) -> str:
    """A number of the account, held by a carrier."""
    asked = numbers.NewNumber(number=value, carrier_id=carrier_id)
    return (await numbers.create(r.app.manage, ACTOR, asked, account_id=r.account_id)).id


async def two_carriers(r: Rig) -> str:
    """`sim` and, after it in the route of everything, `other`, which holds `THEIRS`."""
    await r.seed()
    other = await r.add_carrier("other", system_id="other")
    await r.add_route(r.carrier_id, other, position=1)
    await number(r, OURS, r.carrier_id)
    await number(r, THEIRS, other)
    await r.bound(2)
    return other


def ways(r: Rig) -> set[tuple[str, str]]:
    """Who sent by which carrier."""
    return {(submit.source, submit.system_id) for submit in r.submits()}


async def test_each_number_goes_by_the_carrier_that_holds_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await two_carriers(r)
        drafts = [r.draft(phone, sender=sender) for phone in PHONES for sender in (OURS, THEIRS, None)]
        await r.all_settled(await r.send(*drafts), "delivered")
        assert ways(r) == {(OURS[1:], "whimbrel"), (THEIRS[1:], "other"), ("12025550100", "whimbrel")}


async def test_explain_says_so(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        other = await two_carriers(r)
        routing = (await r.app.accept.explain(r.draft(sender=THEIRS))).routing
        assert routing is not None
        assert routing.carriers == (other, r.carrier_id)
        assert [(each.carrier, each.reason) for each in routing.considered if each.verdict == "taken"] == [
            ("sim", "matches"),
            ("other", "holds_number"),
        ]


async def test_a_holder_that_refuses_for_now_is_followed_by_the_others_of_the_route(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await two_carriers(r)
        (refused,) = await r.send(r.draft("+15005550408", sender=THEIRS))
        await r.settled(refused, "failed")
        assert [submit.system_id for submit in r.submits()] == ["other", "whimbrel"]


async def test_what_falls_due_goes_by_who_holds_the_number_then(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        other = await two_carriers(r)
        ids = await r.send(r.draft(sender=OURS, send_at_us=r.clock.now_us() + HOUR_US))
        change = numbers.NumberAssignment(carrier_id=other)
        number_id = r.app.tables.senders_by_value[OURS[1:]].id
        await numbers.assign(r.app.manage, ACTOR, number_id, change, account_id=r.account_id)
        r.clock.advance(3_601)
        await r.all_settled(ids, "delivered")
        assert ways(r) == {(OURS[1:], "other")}


async def test_what_waits_at_a_holder_that_is_paused_goes_by_the_others_of_the_route(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        other = await two_carriers(r)
        ids = await r.send(r.draft(sender=THEIRS, send_at_us=r.clock.now_us() + HOUR_US))
        await carriers.pause(r.app.manage, ACTOR, other)
        r.clock.advance(3_601)
        await r.all_settled(ids, "delivered")
        assert ways(r) == {(THEIRS[1:], "whimbrel")}


async def test_what_waits_for_its_turn_waits_at_the_holder(tmp_path: Path) -> None:
    """A number with a rate has a lane of its own at each carrier: here it is the holder's."""
    async with rig(tmp_path) as r:
        await two_carriers(r)
        number_id = r.app.tables.senders_by_value[THEIRS[1:]].id
        limited = numbers.NumberAssignment(per_minute=60)
        await numbers.assign(r.app.manage, ACTOR, number_id, limited, account_id=r.account_id)
        ids = await r.send(*[r.draft(phone, sender=THEIRS) for phone in PHONES[:3]])
        await until(r.submits)
        r.clock.advance(5)
        await r.all_settled(ids, "delivered", within_s=30)
        assert ways(r) == {(THEIRS[1:], "other")}
