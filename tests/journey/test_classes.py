"""Who goes first, and what must not go at all: classes, fairness between accounts, validity, schedules, cancelling."""

import asyncio
from pathlib import Path

import pytest

from tests.journey.rig import ACTOR, PRICE_MICROS, Rig, rig, simulated, until
from whimbrel.base.errors import WhimbrelError
from whimbrel.manage import accounts, opt_outs, prices, routes
from whimbrel.store.interface import Search

PHONES = [f"+4479111236{number:02}" for number in range(100)]
HOUR_S = 3600


async def test_codes_go_before_transactional_before_marketing(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=1)
        await r.bound()
        await r.cut()
        ids: list[str] = []
        for message_class in ("marketing", "transactional", "otp"):
            ids += await r.send(*[r.draft(p, message_class, message_class=message_class) for p in PHONES[:5]])
        r.behave(refuse_binds=0)
        await r.all_settled(ids, "delivered")
        texts = [submit.text for submit in r.submits()]
        assert texts == ["otp"] * 5 + ["transactional"] * 5 + ["marketing"] * 5


async def test_a_code_passes_a_backlog_at_a_slow_carrier(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(throughput_per_s=10)
        await r.bound()
        await r.send(*[r.draft(phone, message_class="marketing") for phone in PHONES])
        await until(lambda: len(r.submits()) >= 2)
        (code,) = await r.send(r.draft(text="Your code is 1234", message_class="otp"))
        before = len(r.submits())  # when it was accepted, however long that took
        await r.settled(code, "delivered")
        behind = [submit.text for submit in r.submits()].index("Your code is 1234")
        assert behind <= before + 3 < len(PHONES)


async def test_a_code_waits_for_no_answer_while_marketing_fills_the_window(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=20)
        await r.bound()
        r.behave(silent=True)
        offers = await r.send(*[r.draft(phone, "offer", message_class="marketing") for phone in PHONES[:30]])
        await until(lambda: len(r.submits()) == 18)  # a tenth of the window is kept free of it
        codes = [r.draft(text=f"Code {number}", message_class="otp") for number in range(2)]
        ids = await r.send(*codes)
        await until(lambda: len(r.submits()) == 20)
        assert [submit.text for submit in r.submits()][18:] == ["Code 0", "Code 1"]
        assert [await r.events(each) for each in ids] == [["message.queued", "message.sending"]] * 2
        r.behave(silent=False, drop=True)
        await r.all_settled(offers[25:], "delivered")


async def test_a_code_passes_what_is_committed_ahead_of_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=8)  # too small for places of their own
        await r.bound()
        r.behave(response_latency_ms=150)
        await r.send(*[r.draft(phone, "offer", message_class="marketing") for phone in PHONES[:30]])
        await until(lambda: len(r.submits()) >= 8)
        (code,) = await r.send(r.draft(text="Code", message_class="otp"))
        before = len(r.submits())
        await r.settled(code, "delivered")
        place = [submit.text for submit in r.submits()].index("Code")
        assert place < (before // 8 + 1) * 8 + 4, "it leaves with the next answers"


async def test_a_noisy_account_does_not_hold_up_another(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=4)
        other = await r.add_account("Bolt", "+12025550111")
        await r.bound()
        r.behave(response_latency_ms=10)
        await r.send(*[r.draft(phone, "noise") for phone in PHONES for _ in range(5)])
        await until(lambda: len(r.submits()) >= 4)
        ids = await r.send(*[r.draft(phone, "quiet", account_id=other) for phone in PHONES[:3]])
        before = len(r.submits())  # when they were accepted, however long that took
        await r.all_settled(ids, "delivered")
        texts = [submit.text for submit in r.submits()]
        last = max(place for place, text in enumerate(texts) if text == "quiet")
        assert last < before + 36 < 5 * len(PHONES), texts[:last]


@pytest.mark.parametrize("down", ["paused", "refusing binds"])
async def test_a_text_expires_in_the_queue_of_a_carrier_that_is_away(tmp_path: Path, down: str) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        if down == "paused":
            message_id = await queued_at_paused(r, validity_s=60)
        else:
            await r.cut()
            (message_id,) = await r.send(r.draft(validity_s=60))
        r.clock.advance(61)
        await r.app.sweep.expire()
        message = await r.message(message_id)
        assert (message.state, message.reason) == ("expired", "expired")
        assert await r.events(message_id) == ["message.queued", "message.expired"]
        await r.check_money(charged_segments=0)
        assert r.submits() == []


async def queued_at_paused(r: Rig, **more: object) -> str:
    """A message that was accepted for a carrier just before that was paused."""
    await r.cut()
    (message_id,) = await r.send(r.draft(**more))
    await r.pause()
    r.behave(refuse_binds=0)
    return message_id


async def test_a_text_whose_time_is_over_is_not_written(tmp_path: Path) -> None:
    """It is checked at the claim, whatever the sweep has seen so far, and again right before the write."""
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        message_id = await queued_at_paused(r, validity_s=60)
        r.clock.advance(61)
        await r.resume()
        message = await r.settled(message_id, "expired")
        assert message.reason == "expired"
        assert r.submits() == []
        await r.check_money(charged_segments=0)


async def test_a_text_that_is_committed_and_too_late_for_the_wire_expires(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=4, response_timeout_s=60)
        await r.bound()
        r.behave(response_latency_ms=2_000)
        ids = await r.send(*[r.draft(phone, validity_s=60) for phone in PHONES[:5]])
        await until(lambda: len(r.submits()) == 4)

        async def committed() -> bool:
            return bool(await r.attempts(ids[4]))

        await until(committed)
        r.clock.advance(61)
        message = await r.settled(ids[4], "expired")
        assert message.reason == "expired"
        assert await r.events(ids[4]) == ["message.queued", "message.sending", "message.expired"]
        await r.all_settled(ids[:4], "delivered")
        assert len(r.submits()) == 4
        await r.check_money(charged_segments=4)


async def test_test_traffic_goes_to_the_sandbox_and_is_seen_by_itself_only(tmp_path: Path) -> None:
    async with rig(tmp_path) as r, simulated(seed=2) as real:
        await r.seed()
        live = await r.add_carrier("live", simulator=real, sandbox=False)
        await r.add_route(live, r.carrier_id, position=1)
        ids = await r.send(r.draft(PHONES[0]), r.draft(PHONES[1], test=True))
        await r.all_settled(ids, "delivered")
        assert [submit.dest for submit in r.submits(real)] == [PHONES[0][1:]]
        assert [submit.dest for submit in r.submits()] == [PHONES[1][1:]]
        for test, message_id in enumerate(ids):
            seen = await r.app.store.search(Search(account_id=r.account_id, test=bool(test)), 10)
            assert [message.id for message in seen] == [message_id]
        await r.check_money(charged_segments=1)


# ---------------------------------------------------------------- schedules


async def scheduled(r: Rig, **more: object) -> str:
    (message_id,) = await r.send(r.draft(send_at_us=r.clock.now_us() + HOUR_S * 1_000_000, **more))
    assert (await r.message(message_id)).state == "scheduled"
    return message_id


async def test_a_scheduled_text_goes_when_its_time_comes(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        message_id = await scheduled(r)
        await r.app.sweep.fall_due()
        assert (await r.message(message_id)).state == "scheduled"
        await r.check_money(charged_segments=0, held_segments=1)
        r.clock.advance(HOUR_S + 1)
        await r.settled(message_id, "delivered")
        assert (await r.events(message_id))[:2] == ["message.scheduled", "message.queued"]
        await r.check_money(charged_segments=1)


async def test_a_stop_between_schedule_and_send_wins(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        message_id = await scheduled(r)
        await opt_outs.create(r.app.manage, ACTOR, opt_outs.NewOptOut(number="+447911123456"), account_id=r.account_id)
        r.clock.advance(HOUR_S + 1)
        message = await r.settled(message_id, "rejected")
        assert message.reason == "opted_out"
        assert r.submits() == []
        await r.check_money(charged_segments=0)


async def test_a_stop_while_a_text_waits_in_the_queue_wins(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        message_id = await queued_at_paused(r)
        await opt_outs.create(r.app.manage, ACTOR, opt_outs.NewOptOut(number="+447911123456"), account_id=r.account_id)
        await r.resume()
        message = await r.settled(message_id, "rejected")
        assert message.reason == "opted_out"
        await r.check_money(charged_segments=0)


@pytest.mark.parametrize(
    ("price", "max_price_micros", "charged"),
    [("0.004", None, 4_000), ("0.05", None, 10_000), ("0.05", 30_000, 30_000), ("0.02", 30_000, 20_000)],
)
async def test_a_price_that_changed_before_the_time_came(
    tmp_path: Path, price: str, max_price_micros: int | None, charged: int
) -> None:
    """The price of now, never above the one held unless `max_price` allows it."""
    async with rig(tmp_path) as r:
        await r.seed()
        message_id = await scheduled(r, options={"max_price_micros": max_price_micros})
        await prices.put(r.app.manage, ACTOR, prices.NewPrice(prefix="", price=price))
        r.clock.advance(HOUR_S + 1)
        message = await r.settled(message_id, "delivered")
        assert (message.price_micros, message.charged_micros, message.held_micros) == (charged, charged, 0)
        sums = await r.ledger()
        assert (sums["charge"], sums["hold"] - sums["release"]) == (charged, charged)


async def test_a_route_that_changed_before_the_time_came(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        message_id = await scheduled(r)
        other = await r.add_carrier("other", system_id="other")
        route_id = await r.add_route(other, prefix="44", position=1)
        r.clock.advance(HOUR_S + 1)
        message = await r.settled(message_id, "delivered")
        assert (message.carrier_id, message.route_id) == (other, route_id)


async def test_a_carrier_that_is_paused_when_the_time_comes(tmp_path: Path) -> None:
    """The text waits in its queue, like those that were queued before the pause."""
    async with rig(tmp_path) as r:
        await r.seed()
        message_id = await scheduled(r)
        await r.pause()
        r.clock.advance(HOUR_S + 1)
        message = await r.settled(message_id, "queued")
        assert message.candidates == r.carrier_id
        await r.app.sweep.reroute_strays()
        await r.resume()
        await r.settled(message_id, "delivered")
        await r.check_money(charged_segments=1)


async def test_a_route_that_is_gone_when_the_time_comes(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        message_id = await scheduled(r)
        (row,) = (await routes.find(r.app.manage)).data
        await routes.delete(r.app.manage, ACTOR, row.id)
        r.clock.advance(HOUR_S + 1)
        message = await r.settled(message_id, "rejected")
        assert message.reason == "no_route"
        await r.check_money(charged_segments=0)


async def test_a_price_in_another_currency_is_none(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        message_id = await scheduled(r)
        await prices.put(r.app.manage, ACTOR, prices.NewPrice(prefix="44", price="0.01", currency="EUR"))
        assert (await r.verdict(r.draft())).code == "no_price"
        assert (await r.app.accept.explain(r.draft())).refusal.code == "no_price"
        assert (await r.verdict(r.draft("+14155550123"))).code is None
        r.clock.advance(HOUR_S + 1)
        assert (await r.settled(message_id, "rejected")).reason == "no_price"


# ---------------------------------------------------------------- cancelling


async def test_what_is_scheduled_or_queued_can_be_canceled_once_and_for_all(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        for message_id in (await scheduled(r), await queued_at_paused(r)):
            message = await r.app.cancel.cancel(r.account_id, False, message_id)
            again = await r.app.cancel.cancel(r.account_id, False, message_id)
            assert (message.state, message.reason, again.state) == ("canceled", "canceled", "canceled")
        await r.resume()
        r.clock.advance(HOUR_S + 1)
        await r.app.sweep.fall_due()
        await r.settled((await r.send(r.draft(PHONES[0])))[0], "delivered")
        assert [submit.dest for submit in r.submits()] == [PHONES[0][1:]]
        await r.check_money(charged_segments=1)


async def test_what_is_on_its_way_cannot_be_canceled(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        (message_id,) = await r.send(r.draft())
        await r.settled(message_id, "delivered")
        with pytest.raises(WhimbrelError) as caught:
            await r.app.cancel.cancel(r.account_id, False, message_id)
        assert caught.value.code == "not_cancelable"
        with pytest.raises(WhimbrelError) as caught:
            await r.app.cancel.cancel(r.account_id, True, message_id)
        assert caught.value.code == "not_found"


async def test_cancelling_races_with_sending_and_one_of_them_wins(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=5)
        await r.bound()
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        verdicts = await asyncio.gather(
            *(r.app.cancel.cancel(r.account_id, False, message_id) for message_id in ids), return_exceptions=True
        )
        canceled = {message_id for message_id, v in zip(ids, verdicts, strict=True) if not isinstance(v, Exception)}
        assert {getattr(v, "code", "") for v in verdicts if isinstance(v, Exception)} <= {"not_cancelable"}
        await r.all_settled(ids, "delivered", "canceled")
        states = {message.id: message.state for message in await r.app.store.messages(ids)}
        assert {message_id for message_id, state in states.items() if state == "canceled"} == canceled
        assert len(r.submits()) == len(ids) - len(canceled)
        assert (await r.ledger())["charge"] == (len(ids) - len(canceled)) * PRICE_MICROS
        await r.nothing_held()


async def test_what_a_suspended_account_queued_is_not_sent(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(port=1)
        (message_id,) = await r.send(r.draft())
        assert (await r.message(message_id)).state == "queued"
        await accounts.suspend(r.app.manage, ACTOR, r.account_id)
        await r.change_carrier(port=r.simulator.address.smpp_port)
        message = await r.settled(message_id, "rejected")
        assert message.reason == "account_suspended"
        assert r.submits() == []
        sums = await r.ledger()
        assert sums["hold"] == sums["release"]
