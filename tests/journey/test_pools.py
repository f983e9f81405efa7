"""Sender pools through the whole journey: who writes to whom, and how fast, by what the simulator saw."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.journey.rig import ACTOR, SENDER, Rig, rig, sqlite_first, until
from tests.journey.test_restraint import DAY, set_clock
from tests.windows import most_in
from whimbrel.carriers.interface import Part
from whimbrel.domain.number_limits import NumberLimits
from whimbrel.domain.pools import Standing
from whimbrel.domain.turns import lane_of
from whimbrel.manage import numbers, pools, senders

SECOND_US = 1_000_000
NUMBERS = [SENDER, "+12125550101", "+14155550102"]
PHONES = [f"+4479111236{number:02}" for number in range(100)]
PARIS = "+33612345678"


async def pool(r: Rig, *members: str, rate: int = 0, cap: int = 0, **settings: Any) -> str:
    """A pool of these numbers, each with that rate and quota."""
    ctx = r.app.manage
    for value in members:
        if value != SENDER:
            await senders.create(ctx, ACTOR, senders.NewSender(value=value), account_id=r.account_id)
    request = pools.NewPool(name=settings.pop("name", "main"), senders=members, **settings)
    made = await pools.create(ctx, ACTOR, request, account_id=r.account_id)
    for value in members if rate or cap else ():
        member = pools.NewMember(rate_per_min=rate, daily_cap=cap)
        await pools.put_member(ctx, ACTOR, made.pool.id, value, member, account_id=r.account_id)
    return made.pool.id


def in_pool(r: Rig, pool_id: str, phone: str, text: str = "Hello", **more: Any) -> Any:
    return r.draft(phone, text, options={"pool_id": pool_id}, **more)


def written(r: Rig) -> list[int]:
    """When each part is written from now on, by the monotonic clock. A simulator reads it a moment later, and a busy
    machine brings any two closer together."""
    lane, times = r.app.worker.lane(r.carrier_id), list[int]()
    assert lane is not None
    link: Any = lane.link
    (bind,) = link._binds
    write = bind.write

    def noted(parts: Sequence[Part], now_us: int) -> Any:
        times.extend([r.clock.monotonic_us()] * len(parts))
        return write(parts, now_us)

    bind.write = noted
    return times


async def test_a_recipient_hears_from_one_number_and_all_have_their_share(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        main = await pool(r, *NUMBERS)
        first = await r.send(*[in_pool(r, main, phone) for phone in PHONES])
        wrote = {m.recipient: m.sender for m in await r.app.store.messages(first)}
        assert {*wrote.values()} == {*NUMBERS}
        assert min(Counter(wrote.values()).values()) > 15
        r.app.tables.pools.standings = {r.app.tables.senders_by_value[NUMBERS[1].lstrip("+")].id: Standing(blocked=100)}
        await senders.create(r.app.manage, ACTOR, senders.NewSender(value="+13105550103"), account_id=r.account_id)
        await pools.put_member(
            r.app.manage, ACTOR, main, "+13105550103", pools.NewMember(weight=100), account_id=r.account_id
        )
        again = await r.send(*[in_pool(r, main, phone) for phone in PHONES])
        assert {m.recipient: m.sender for m in await r.app.store.messages(again)} == wrote
        await r.all_settled([*first, *again], "delivered")
        await pools.remove_member(r.app.manage, ACTOR, main, NUMBERS[0], account_id=r.account_id)
        third = await r.send(*[in_pool(r, main, phone) for phone in PHONES])
        now = {m.recipient: m.sender for m in await r.app.store.messages(third)}
        moved = {phone for phone in PHONES if now[phone] != wrote[phone]}
        assert moved == {phone for phone, sender in wrote.items() if sender == NUMBERS[0]}


@sqlite_first
async def test_no_number_goes_above_its_rate_and_none_waits_for_another(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        slow = await pool(r, NUMBERS[1], rate=300, name="slow")
        drafts = [in_pool(r, slow, phone) for phone in PHONES[:12]]
        drafts += [r.draft(PHONES[50], "meanwhile"), in_pool(r, slow, PHONES[51], "code", message_class="otp")]
        left = r.departures()
        *ids, other, code = await r.send(*drafts)
        assert all(m.candidates == lane_of(r.carrier_id, _sender(r, NUMBERS[1])) for m in await _rows(r, ids))
        await r.all_settled([*ids, other, code], "delivered", within_s=60)
        everything = [s.text for s in r.submits()]
        assert "Hello" in everything[everything.index("meanwhile") :]
        times = [at for sender, at in left if sender == NUMBERS[1]]
        assert len(times) == 13
        assert all(later - earlier > SECOND_US for earlier, later in zip(times, times[5:], strict=False))
        texts = [s.text for s in r.submits() if s.source.endswith("0101")]
        assert texts.index("code") < 12, "a code goes before what waits for the same number"


@sqlite_first
async def test_what_waits_for_the_carrier_does_not_leave_together(tmp_path: Path) -> None:
    """A carrier that came a moment ago takes nothing in its first second: another node may have used up its rate."""
    async with rig(tmp_path) as r:
        await r.seed(window=20, throughput_per_s=400)
        main = await pool(r, NUMBERS[1], rate=600)
        times = written(r)
        ids = await r.send(*[in_pool(r, main, phone) for phone in PHONES[:24]])
        await r.all_settled(ids, "delivered", within_s=30)
        assert (len(times), most_in(times, SECOND_US) <= 10) == (24, True), times


@sqlite_first
async def test_a_quota_of_the_day_holds(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        set_clock(r, f"{DAY}T12:00+00:00")  # a day of quotas ends at midnight
        await r.seed()
        await r.bound()
        main = await pool(r, NUMBERS[1], cap=5)
        ids = await r.send(*[in_pool(r, main, phone) for phone in PHONES[:8]])

        async def five() -> bool:
            return Counter(m.state for m in await _rows(r, ids))["delivered"] == 5

        await until(five, within_s=30)
        await r.app.numbers.look()
        assert (await r.verdict(in_pool(r, main, PHONES[20]))).code == "pool_busy"
        assert Counter(m.state for m in await _rows(r, ids)) == {"delivered": 5, "queued": 3}
        r.clock.advance(24 * 3600 - 7200)
        await r.all_settled(ids, "delivered", "expired", within_s=30)


@sqlite_first
async def test_explain_says_why_and_accept_does_the_same(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        main = await pool(r, *NUMBERS, is_default=True)
        told = await r.app.accept.explain(r.draft("+14155550199"))
        assert told.pool is not None
        assert (told.pool.sender, told.pool.reason) == ("+14155550102", "area_code")
        assert {member.verdict for member in told.pool.considered} == {"taken", "usable"}
        (id_,) = await r.send(r.draft("+14155550199"))
        (message,) = await _rows(r, [id_])
        assert message.sender == "+14155550102"
        told = await r.app.accept.explain(in_pool(r, main, "+14155550199"))
        assert told.pool is not None and told.pool.reason == "sticky"
        assert (await r.verdict(in_pool(r, "MG" + "0" * 32, PARIS))).code == "pool_not_found"


@sqlite_first
async def test_what_waits_for_its_turn_is_canceled_expires_and_leaves_a_paused_carrier(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        main = await pool(r, NUMBERS[1], rate=1)
        ids = await r.send(*[in_pool(r, main, phone) for phone in PHONES[:4]])
        await until(lambda: len(r.submits()) == 1, within_s=30)
        await r.app.cancel.cancel(r.account_id, False, ids[3])
        second = await r.add_carrier("second")
        await r.pause()
        await r.add_route(second, position=1)

        async def moved() -> bool:
            rows = await _rows(r, ids[1:3])
            return all(m.candidates.startswith(lane_of(second, _sender(r, NUMBERS[1]))) for m in rows)

        await until(moved, within_s=30)
        assert (await _rows(r, [ids[3]]))[0].state == "canceled"
        await pools.put_member(r.app.manage, ACTOR, main, NUMBERS[1], pools.NewMember(), account_id=r.account_id)
        await r.all_settled(ids[:3], "delivered", within_s=30)


@sqlite_first
async def test_what_waits_for_a_number_that_is_approved_no_more_is_not_sent(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        main = await pool(r, NUMBERS[1], rate=1)
        ids = await r.send(*[in_pool(r, main, phone) for phone in PHONES[:3]])
        await until(lambda: len(r.submits()) == 1, within_s=30)
        verdict = numbers.NumberAssignment(approval="rejected", approval_reason="Complaints.")
        number_id = _sender(r, NUMBERS[1])
        await numbers.assign(r.app.manage, ACTOR, number_id, verdict, account_id=r.account_id)
        r.clock.advance(60)
        await r.all_settled(ids, "delivered", "rejected", within_s=30)
        assert Counter(m.state for m in await _rows(r, ids)) == {"delivered": 1, "rejected": 2}
        assert {m.reason for m in await _rows(r, ids)} == {None, "sender_not_approved"}
        assert (await r.verdict(in_pool(r, main, PHONES[4]))).code == "pool_without_senders"


def _sender(r: Rig, value: str) -> str:
    return r.app.tables.senders_by_value[value.lstrip("+")].id


async def _rows(r: Rig, ids: list[str]) -> list[Any]:
    return await r.app.store.messages(ids)


@sqlite_first
async def test_what_a_registration_lets_a_number_send_holds_without_a_pool(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        number = r.app.tables.senders_by_value[SENDER.lstrip("+")]
        r.app.tables.pools.with_senders([number], {number.id: NumberLimits(per_minute=60)})
        await r.bound()
        left = r.departures()
        ids = await r.send(*[r.draft(phone) for phone in PHONES[:3]])
        await r.all_settled(ids, "delivered", within_s=60)
        times = [at for _, at in left]
        assert len(times) == 3
        assert all(later - earlier > SECOND_US for earlier, later in pairwise(times))
