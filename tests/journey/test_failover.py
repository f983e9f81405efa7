"""Two carriers, two SMSCs: what the first refuses for now the second takes; what it refuses for good nobody gets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.journey.rig import Rig, rig, simulated
from whimbrel_sandbox.serve import Simulator

LONG = "x" * 400  # three segments


@asynccontextmanager
async def pair(folder: Path, **sandbox: object) -> AsyncIterator[tuple[Rig, Simulator, str]]:
    """A rig whose route leads to its own simulator and then to a second one."""
    async with rig(folder) as r, simulated(seed=2, **sandbox) as second:
        r.account_id = await r.add_account("Acme", "+12025550100")
        await r.set_price()
        r.carrier_id = await r.add_carrier("first")
        other = await r.add_carrier("second", simulator=second)
        await r.add_route(r.carrier_id, other)
        await r.bound(2)
        yield r, second, other


def takes(simulator: Simulator, *first: bool) -> None:
    """The SMSC takes texts to +15005550521 as `first` says, one after the other, and all that come after these."""
    verdicts = iter(first)
    simulator.center.esme("whimbrel").was_refused = lambda key, times: next(verdicts, True)


async def test_without_a_carrier_that_takes_it_a_text_has_failed(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, second, _):
        (message_id,) = await r.send(r.draft("+15005550521"))
        message = await r.settled(message_id, "failed")
        assert message.reason == "carrier_unavailable"
        assert (len(r.submits()), len(r.submits(second))) == (1, 1)
        await r.check_money(charged_segments=0)
        (message_id,) = await r.send(r.draft("+15005550521"))
        await r.settled(message_id, "delivered")
        await r.check_money(charged_segments=1)


async def test_the_second_carrier_takes_what_the_first_refused_for_now(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, second, other):
        takes(second)
        (message_id,) = await r.send(r.draft("+15005550521"))
        message = await r.settled(message_id, "delivered")
        assert message.carrier_id == other
        assert [(a.carrier_id, a.state, a.reason) for a in await r.attempts(message_id)] == [
            (r.carrier_id, "refused", "carrier_unavailable"),
            (other, "resolved", None),
        ]
        queued, sending = "message.queued", "message.sending"
        assert (await r.events(message_id))[:4] == [queued, sending, queued, sending]
        await r.check_money(charged_segments=1)


async def test_a_permanent_refusal_is_final(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, second, _):
        ids = await r.send(*[r.draft(f"+1500555{number}") for number in ("0401", "0410", "0411", "0469", "0499")])
        await r.all_settled(ids, "failed")
        assert r.submits(second) == []
        await r.check_money(charged_segments=0)


async def test_a_status_that_the_profile_calls_temporary_fails_over(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, second, _):
        await r.change_carrier(temporary_statuses=[0x410])
        await r.bound(2)
        (message_id,) = await r.send(r.draft("+15005550499"))
        message = await r.settled(message_id, "failed")
        assert message.reason == "carrier_rejected"
        assert len(r.submits(second)) == 1


async def test_a_carrier_that_wants_us_to_wait_keeps_the_message(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, second, _):
        (message_id,) = await r.send(r.draft("+15005550501"))
        message = await r.settled(message_id, "delivered")
        assert (message.carrier_id, r.submits(second)) == (r.carrier_id, [])


async def test_a_long_message_goes_on_as_a_whole_while_no_part_is_taken(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, second, other):
        takes(r.simulator, False, False, False)
        takes(second)
        (message_id,) = await r.send(r.draft("+15005550521", LONG))
        message = await r.settled(message_id, "delivered")
        assert (message.carrier_id, message.charged_micros) == (other, 30_000)
        assert (len(r.submits()), len([s for s in r.submits(second) if s.accepted])) == (3, 3)
        await r.check_money(charged_segments=3)


async def test_a_long_message_stays_where_one_part_was_taken(tmp_path: Path) -> None:
    """The phone cannot show the whole text any more: it is undelivered, and only what was taken is paid for."""
    async with pair(tmp_path) as (r, second, _):
        takes(r.simulator, True, False, False)
        (message_id,) = await r.send(r.draft("+15005550521", LONG))
        message = await r.settled(message_id, "undelivered")
        assert message.reason == "carrier_unavailable"
        assert r.submits(second) == []
        await r.check_money(charged_segments=1)


async def test_a_paused_carrier_is_passed_over_also_by_what_waits_for_it(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, _, other):
        await r.cut()
        (waiting,) = await r.send(r.draft())
        await r.pause()
        (new,) = await r.send(r.draft("+447911123457"))
        assert (await r.settled(new, "delivered")).carrier_id == other
        await r.app.sweep.reroute_strays()
        assert (await r.settled(waiting, "delivered")).carrier_id == other
        assert r.submits() == []
        await r.check_money(charged_segments=2)
