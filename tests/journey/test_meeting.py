"""Where pools, limits of numbers, restraint and consent meet in one message."""

from collections import Counter
from pathlib import Path

from tests.journey.rig import ACTOR, SENDER, rig, sqlite_first, until
from tests.journey.test_pools import NUMBERS, PHONES, in_pool, pool
from tests.journey.test_restraint import DAY, LONDON, at, marketing, policy, set_clock
from whimbrel.domain.policies import Cap
from whimbrel.manage import pools, senders


@sqlite_first
async def test_a_sender_that_is_written_otherwise_is_counted_as_the_same(tmp_path: Path) -> None:
    async with at(tmp_path, f"{DAY}T12:00+00:00") as r:
        await policy(r, caps=(Cap(max=2, hours=24, senders=(SENDER,)),), on_cap="refuse")
        written = f"{SENDER[:3]} {SENDER[3:]}"
        codes = [(await r.verdict(marketing(r, LONDON, sender=written))).code for _ in range(3)]
        assert codes == [None, None, "frequency_cap"]


@sqlite_first
async def test_a_pool_of_an_account_without_senders_refuses(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        main = await pool(r, SENDER, is_default=True)
        sender = r.app.tables.senders_by_value[SENDER.lstrip("+")]
        await senders.delete(r.app.manage, ACTOR, sender.id, account_id=r.account_id)
        draft = in_pool(r, main, LONDON)
        assert (await r.verdict(draft)).code == "pool_without_senders"
        told = await r.app.accept.explain(draft)
        assert told.pool is not None and told.pool.sender is None


@sqlite_first
async def test_a_quota_that_is_raised_lets_what_waits_go_on_the_same_day(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        set_clock(r, f"{DAY}T12:00+00:00")  # a day of quotas ends at midnight
        await r.seed()
        await r.bound()
        main = await pool(r, NUMBERS[1], cap=2)
        ids = await r.send(*[in_pool(r, main, phone) for phone in PHONES[:5]])

        async def two_went_and_the_day_is_used_up() -> bool:
            states = Counter([(await r.message(each)).state for each in ids])
            lane = r.app.worker.lane(r.carrier_id)
            assert lane is not None
            numbers = [*lane._numbers._waiting.values()]
            return states["delivered"] == 2 and [each.is_used_up for each in numbers] == [True]

        await until(two_went_and_the_day_is_used_up)
        more = pools.NewMember(daily_cap=100)
        await pools.put_member(r.app.manage, ACTOR, main, NUMBERS[1], more, account_id=r.account_id)
        await r.all_settled(ids, "delivered", within_s=30)


@sqlite_first
async def test_what_waits_already_when_its_number_gets_a_rate_waits_for_its_turns_too(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        slow = await pool(r, NUMBERS[1])
        await r.cut()
        left = r.departures()
        ids = await r.send(*[in_pool(r, slow, phone) for phone in PHONES[:12]])
        rate = pools.NewMember(rate_per_min=300)
        await pools.put_member(r.app.manage, ACTOR, slow, NUMBERS[1], rate, account_id=r.account_id)
        r.behave(refuse_binds=0)
        await r.all_settled(ids, "delivered", within_s=60)
        times = [at for _, at in left]
        assert len(times) == len(r.submits()) == 12
        assert all(later - earlier > 1_000_000 for earlier, later in zip(times, times[5:], strict=False))
        await r.check_money(charged_segments=12)


@sqlite_first
async def test_a_text_that_is_longer_than_a_days_quota_holds_up_nobody(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        set_clock(r, f"{DAY}T12:00+00:00")  # a day of quotas ends at midnight
        await r.seed()
        await r.bound()
        main = await pool(r, NUMBERS[1], cap=2)
        (long,) = await r.send(in_pool(r, main, PHONES[0], "x" * 400))
        (short,) = await r.send(in_pool(r, main, PHONES[1]))
        await r.settled(short, "delivered", within_s=30)
        assert (await r.settled(long, "rejected", within_s=30)).reason == "pool_busy"
        await r.check_money(charged_segments=1)
