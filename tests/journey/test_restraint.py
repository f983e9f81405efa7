"""Marketing at hours at which it may not be sent, and to people who got enough of it: at accept, in the queue, over
restarts, with money and counts that are right in the end. The installation's clock is set to a Tuesday in March 2027.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.journey.rig import ACTOR, Rig, rig, until
from whimbrel.base.clock import SystemClock
from whimbrel.domain.model import Message
from whimbrel.domain.policies import Cap
from whimbrel.manage import policies
from whimbrel.manage.policies import NewPolicy
from whimbrel.products.contacts.keeping import create
from whimbrel.products.contacts.shapes import NewContact

PARIS = [f"+336123456{number:02}" for number in range(60)]
TEXAS = "+12145550123"
FLORIDA = "+18505550123"
LONDON = "+447911123456"
DAY = "2027-03-02"


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def set_clock(r: Rig, text: str) -> None:
    r.clock.ahead_us = us(text) - SystemClock().now_us()


@asynccontextmanager
async def at(folder: Path, moment: str, **settings: Any) -> AsyncIterator[Rig]:
    """An installation whose clock shows this moment."""
    async with rig(folder) as r:
        set_clock(r, moment)
        await r.seed(**settings)
        await r.bound()
        yield r


async def policy(r: Rig, **more: Any) -> None:
    await policies.put(r.app.manage, ACTOR, NewPolicy(**more), account_id=r.account_id)


async def floor(r: Rig, **more: Any) -> None:
    await policies.put(r.app.manage, ACTOR, NewPolicy(**more), account_id=None)


def marketing(r: Rig, number: str, **more: Any) -> Any:
    return r.draft(number, "20 % off", message_class="marketing", **more)


async def due(r: Rig, message_id: str) -> str:
    message = await r.message(message_id)
    return f"{message.state} {datetime.fromtimestamp(message.due_at / 1e6).astimezone().isoformat()}"


async def is_due(r: Rig, message_id: str, moment: str) -> Message:
    message = await r.message(message_id)
    assert (message.state, message.due_at) == ("scheduled", us(moment)), await due(r, message_id)
    return message


async def test_marketing_at_night_waits_for_the_morning_and_everything_else_goes(tmp_path: Path) -> None:
    async with at(tmp_path, f"{DAY}T22:30+01:00") as r:
        waits, code, abroad = await r.send(
            marketing(r, PARIS[0]), r.draft(PARIS[1], message_class="otp"), marketing(r, LONDON)
        )
        await r.all_settled([code, abroad], "delivered")
        message = await is_due(r, waits, "2027-03-03T08:00+01:00")
        assert message.reason == "quiet_hours"
        assert message.expires_at - message.due_at == 36_000 * 1_000_000, "its validity is counted from then on"
        (event,) = await r.log_of(waits)
        told = {"reason": "quiet_hours", "rule": "FR", "until": "2027-03-03T07:00:00.000000Z"}
        assert (event.type, msgspec.json.decode(event.data)) == ("message.scheduled", told)
        set_clock(r, "2027-03-03T08:00:05+01:00")
        settled = await r.settled(waits, "delivered", within_s=30)
        assert settled.reason is None
        await r.check_money(charged_segments=3)


async def test_what_is_scheduled_for_a_quiet_hour_is_moved_on(tmp_path: Path) -> None:
    async with at(tmp_path, f"{DAY}T10:00+01:00") as r:
        (sunday,) = await r.send(marketing(r, PARIS[0], send_at_us=us("2027-03-07T12:00+01:00")))
        await is_due(r, sunday, "2027-03-08T08:00+01:00")
        (easter,) = await r.send(marketing(r, PARIS[1], send_at_us=us("2027-03-29T12:00+02:00")))
        await is_due(r, easter, "2027-03-30T08:00+02:00")


async def test_the_sender_chooses_and_the_operator_sets_the_floor(tmp_path: Path) -> None:
    async with at(tmp_path, f"{DAY}T22:30+01:00") as r:
        refused = await r.verdict(marketing(r, PARIS[0], options={"quiet_hours": "refuse"}))
        assert (refused.code, refused.pointer) == ("quiet_hours", "/to")
        assert "22:30 in Europe/Paris" in refused.detail and PARIS[0] not in refused.detail
        await policy(r, quiet_hours="refuse")
        assert (await r.verdict(marketing(r, PARIS[0]))).code == "quiet_hours"
        assert (await r.verdict(marketing(r, PARIS[0], options={"quiet_hours": "wait"}))).state == "scheduled"
        await policy(r, quiet_hours="off")
        assert (await r.verdict(marketing(r, PARIS[0]))).state == "queued"
        assert (await r.verdict(marketing(r, PARIS[0], options={"quiet_hours": "wait"}))).state == "scheduled"
        await floor(r, quiet_hours="refuse")
        for options in ({}, {"quiet_hours": "wait"}):
            assert (await r.verdict(marketing(r, PARIS[0], options=options))).code == "quiet_hours"
        await floor(r, hours={"every": "21:00-23:00"})
        assert (await r.verdict(marketing(r, LONDON))).state == "queued", "21:30 there"
        set_clock(r, "2027-03-02T23:30+00:00")
        assert (await r.verdict(marketing(r, LONDON))).code is None
        assert (await r.verdict(marketing(r, LONDON, options={"quiet_hours": "wait"}))).state == "scheduled"


async def test_what_waits_in_the_queue_over_the_border_goes_back_to_the_schedule(tmp_path: Path) -> None:
    async with at(tmp_path, f"{DAY}T19:50+01:00") as r:
        await r.cut()
        ids = await r.send(*[marketing(r, phone, validity_s=86_400) for phone in PARIS[:20]])
        (short,) = await r.send(marketing(r, PARIS[20]))
        (strict,) = await r.send(marketing(r, PARIS[21], options={"quiet_hours": "refuse"}))
        (ordinary,) = await r.send(r.draft(PARIS[22]))
        assert {(await r.message(each)).state for each in (*ids, short, strict)} == {"queued"}
        set_clock(r, f"{DAY}T19:59:30+01:00")
        r.behave(refuse_binds=0)
        await r.settled(ordinary, "delivered", within_s=30)
        await r.all_settled(ids, "scheduled", within_s=30)
        await r.settled(short, "expired", within_s=30)
        await r.settled(strict, "rejected", within_s=30)
        assert {(await r.message(each)).reason for each in (short, strict)} == {"quiet_hours"}
        await is_due(r, ids[0], "2027-03-03T08:00+01:00")
        assert await r.events(ids[0]) == ["message.queued", "message.scheduled"]
        assert [submit.text for submit in r.submits()] == ["Hello"]
        set_clock(r, "2027-03-03T08:00:05+01:00")
        await r.all_settled(ids, "delivered", within_s=30)
        assert len(r.submits()) == 21
        await r.check_money(charged_segments=21)


@pytest.mark.parametrize(("zone", "opens"), [(None, "2027-03-02T15:00"), ("America/New_York", "2027-03-02T14:00")])
async def test_a_contact_whose_zone_is_known_leaves_one_to_look_at(tmp_path: Path, zone: str, opens: str) -> None:
    """850 is partly in Chicago's zone."""
    async with at(tmp_path, "2027-03-02T13:30+00:00") as r:
        if zone:
            contact = NewContact(number=FLORIDA, time_zone=zone)
            await create(r.app.manage, ACTOR, contact, account_id=r.account_id, test=False)
        (waits,) = await r.send(marketing(r, FLORIDA))
        await is_due(r, waits, f"{opens}+00:00")
        set_clock(r, f"{opens}:05+00:00")
        await r.settled(waits, "delivered", within_s=30)


async def test_no_more_than_a_cap_allows_in_any_stretch(tmp_path: Path) -> None:
    async with at(tmp_path, f"{DAY}T10:00+00:00") as r:
        await policy(r, caps=(Cap(max=2, hours=24),))
        first, second = await r.send(marketing(r, LONDON), marketing(r, LONDON))
        await r.all_settled([first, second], "delivered")
        (third,) = await r.send(marketing(r, LONDON))
        other, ordinary = await r.send(marketing(r, "+447911123457"), r.draft(LONDON))
        message = await r.message(third)
        assert (message.state, message.reason) == ("scheduled", "frequency_cap")
        assert message.due_at == (await r.message(first)).due_at + 86_400_000_000
        await r.all_settled([other, ordinary], "delivered")
        await policy(r, caps=(Cap(max=2, hours=24),), on_cap="refuse")
        assert (await r.verdict(marketing(r, LONDON))).code == "frequency_cap"
        assert await r.app.cancel.cancel(r.account_id, False, third)
        await policy(r, caps=(Cap(max=2, hours=24),))
        (again,) = await r.send(marketing(r, LONDON))
        assert (await r.message(again)).due_at == message.due_at, "what was canceled counts no more"


async def test_florida_allows_three_a_day(tmp_path: Path) -> None:
    async with at(tmp_path, "2027-03-02T16:00+00:00") as r:
        ids = await r.send(*[marketing(r, FLORIDA) for _ in range(4)])
        await r.all_settled(ids[:3], "delivered")
        (event,) = await r.log_of(ids[3])
        assert msgspec.json.decode(event.data)["rule"] == "US-FL"
        message = await r.message(ids[3])
        assert message.due_at == (await r.message(ids[0])).due_at + 86_400_000_000


async def test_numbers_of_the_sandbox_are_nobodys_and_only_our_own_limits_hold(tmp_path: Path) -> None:
    async with at(tmp_path, "2027-03-02T05:00+00:00") as r:  # night in all of the United States
        ids = await r.send(*[marketing(r, "+15005550001") for _ in range(5)])
        await r.all_settled(ids, "delivered")
        await policy(r, caps=(Cap(max=1, hours=24),), on_cap="refuse")
        codes = [(await r.verdict(marketing(r, "+15005550001"))).code for _ in range(2)]
        assert codes == [None, "frequency_cap"]


async def test_one_who_came_late_counts_when_he_was_sent(tmp_path: Path) -> None:
    async with at(tmp_path, f"{DAY}T10:00+00:00") as r:
        await policy(r, caps=(Cap(max=1, hours=2),))
        await r.cut()
        first, second = await r.send(marketing(r, LONDON), marketing(r, LONDON))
        assert (await r.message(second)).due_at == (await r.message(first)).due_at + 7_200_000_000
        set_clock(r, f"{DAY}T11:55+00:00")
        r.behave(refuse_binds=0)
        await r.settled(first, "delivered", within_s=30)
        set_clock(r, f"{DAY}T12:01:30+00:00")

        async def later() -> bool:
            return (await r.message(second)).due_at > us(f"{DAY}T13:50+00:00")

        await until(later, within_s=30)
        assert (await r.message(second)).state == "scheduled"
