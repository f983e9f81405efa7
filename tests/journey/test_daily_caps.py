"""A carrier says that the networks take no more of the sender today: another carrier of the route is asked, and where
there is none the text waits for the morning. The carrier's word for it here is ESME_RSYSERR, which the simulator
answers once for +15005550521 and always for +15005550408.
"""

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.journey.rig import Rig, rig, simulated
from whimbrel.base.clock import SystemClock

ONCE, ALWAYS = "+15005550521", "+15005550408"
CAP = "daily_cap_reached"
SAYS_SO = {"statuses": {"8": CAP}}
NOW, MORNING = "2027-03-02T20:00:00+00:00", "2027-03-03T18:00:00+00:00"  # 08:00 in Honolulu: 500 may be anywhere
DAY_S = 86_400


def us(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).timestamp()) * 1_000_000


def set_clock(r: Rig, text: str) -> None:
    r.clock.ahead_us = us(text) - SystemClock().now_us()


@asynccontextmanager
async def capped(folder: Path, **settings: Any) -> AsyncIterator[Rig]:
    """A carrier that names its cap."""
    async with rig(folder) as r:
        set_clock(r, NOW)
        await r.seed(**SAYS_SO | settings)
        await r.bound()
        yield r


async def test_it_waits_for_the_morning_and_is_sent_once(tmp_path: Path) -> None:
    async with capped(tmp_path) as r:
        short, long = await r.send(
            r.draft(ONCE, validity_s=2 * DAY_S), r.draft(ALWAYS, "x" * 400, validity_s=2 * DAY_S)
        )
        for message_id in (short, long):
            message = await r.settled(message_id, "scheduled")
            assert (message.reason, message.due_at) == (CAP, us(MORNING))
        queued, sending, scheduled = "message.queued", "message.sending", "message.scheduled"
        assert await r.events(short) == [queued, sending, queued, scheduled]
        told = msgspec.json.decode((await r.log_of(short))[-1].data)
        assert told == {"reason": CAP, "rule": "sim", "until": "2027-03-03T18:00:00.000000Z"}
        assert len(r.submits()) == 4
        counted = r.app.metrics.registry.get_sample_value("whimbrel_messages_put_off_total", {"reason": CAP})
        assert counted == 2
        await r.check_money(charged_segments=0, held_segments=4)
        set_clock(r, "2027-03-03T18:00:05+00:00")
        delivered = await r.settled(short, "delivered", within_s=30)
        assert delivered.reason is None
        assert [(a.state, a.reason) for a in await r.attempts(short)] == [("refused", CAP), ("resolved", None)]
        again = await r.settled(long, "scheduled", within_s=30)
        assert again.due_at == us("2027-03-04T18:00:00+00:00"), "refused on the next day too"
        await r.check_money(charged_segments=1, held_segments=3)


async def test_what_is_over_by_then_ends_at_once(tmp_path: Path) -> None:
    async with capped(tmp_path) as r:
        (message_id,) = await r.send(r.draft(ALWAYS))
        message = await r.settled(message_id, "expired")
        assert message.reason == CAP
        assert len(r.submits()) == 1
        await r.check_money(charged_segments=0)


async def test_another_carrier_of_the_route_is_asked_first(tmp_path: Path) -> None:
    async with rig(tmp_path) as r, simulated(seed=2) as second:
        set_clock(r, NOW)
        r.account_id = await r.add_account("Acme", "+12025550100")
        await r.set_price()
        r.carrier_id = await r.add_carrier("first", **SAYS_SO)
        other = await r.add_carrier("second", simulator=second, **SAYS_SO)
        await r.add_route(r.carrier_id, other)
        await r.bound(2)
        second.center.esme("whimbrel").was_refused = lambda key, times: True
        taken, nowhere = await r.send(r.draft(ONCE), r.draft(ALWAYS, validity_s=2 * DAY_S))
        assert (await r.settled(taken, "delivered")).carrier_id == other
        assert (await r.settled(nowhere, "scheduled")).due_at == us(MORNING)
        assert (len(r.submits()), len(r.submits(second))) == (2, 2)


async def test_it_is_canceled_while_it_waits(tmp_path: Path) -> None:
    async with capped(tmp_path) as r:
        (message_id,) = await r.send(r.draft(ONCE, validity_s=2 * DAY_S))
        await r.settled(message_id, "scheduled")
        await r.app.cancel.cancel(r.account_id, False, message_id)
        await r.settled(message_id, "canceled")
        await r.check_money(charged_segments=0)
