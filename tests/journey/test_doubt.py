"""Doubt: the carrier may or may not have it. Told, never resent by itself, resolved by a receipt or by its deadline;
a code may ask for one more try."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.journey.rig import Rig, rig, until
from whimbrel.base.limits import DOUBT_DEADLINE_S
from whimbrel.domain.model import Flag

LOST = "+15005550602"  # accepted; no response ever comes
SILENT = "+15005550601"  # not accepted; no response ever comes
QUEUED, SENDING, IN_DOUBT = "message.queued", "message.sending", "message.in_doubt"


async def doubtful(r: Rig) -> str:
    """A message that the carrier took without a word, to a phone that is off: no receipt for now."""
    r.simulator.network.set_phone(LOST[1:], off=True, memory_full=None)
    (message_id,) = await r.send(r.draft(LOST))
    message = await r.settled(message_id, "in_doubt")
    assert (message.reason, message.flags & Flag.IN_DOUBT) == ("response_timeout", Flag.IN_DOUBT)
    return message_id


def phone_comes_on(r: Rig) -> None:
    r.simulator.network.set_phone(LOST[1:], off=False, memory_full=None)


async def test_a_later_receipt_resolves_the_doubt(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(response_timeout_s=0.1)
        message_id = await doubtful(r)
        await r.check_money(charged_segments=0, held_segments=1)
        phone_comes_on(r)
        message = await r.settled(message_id, "delivered")
        assert not message.flags & (Flag.CORRECTED | Flag.POSSIBLE_DUPLICATE)
        await r.check_money(charged_segments=1)
        assert len(r.submits()) == 1


async def test_at_the_deadline_doubt_becomes_unknown_and_a_late_receipt_corrects_it_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(response_timeout_s=0.1)
        message_id = await doubtful(r)
        r.clock.advance(DOUBT_DEADLINE_S - 60)
        await r.app.sweep.give_up()
        assert (await r.message(message_id)).state == "in_doubt"
        r.clock.advance(120)
        await r.app.sweep.give_up()
        message = await r.settled(message_id, "unknown")
        assert message.reason == "response_timeout"
        await r.check_money(charged_segments=0)
        phone_comes_on(r)
        message = await r.settled(message_id, "delivered")
        assert message.flags & Flag.CORRECTED
        assert (await r.events(message_id))[-2:] == ["message.unknown", "message.delivered"]
        await r.check_money(charged_segments=0)  # the hold was given back, and is not taken again


async def test_a_carrier_that_bills_what_it_may_have_is_paid_at_the_deadline(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(response_timeout_s=0.1, charge_unknown=True)
        message_id = await doubtful(r)
        r.clock.advance(DOUBT_DEADLINE_S + 1)
        await r.app.sweep.give_up()
        await r.settled(message_id, "unknown")
        await r.check_money(charged_segments=1)
        phone_comes_on(r)
        await r.settled(message_id, "delivered")
        await r.check_money(charged_segments=1)


@pytest.mark.parametrize("message_class", ["transactional", "marketing"])
async def test_only_a_code_is_ever_sent_once_more(tmp_path: Path, message_class: str) -> None:
    async with rig(tmp_path) as r:
        await r.seed(response_timeout_s=0.1)
        once = r.draft(SILENT, message_class=message_class, options={"on_doubt": "retry_once"})
        report = r.draft(SILENT, message_class="otp")
        ids = await r.send(once, report)
        await r.all_settled(ids, "in_doubt")
        (other,) = await r.send(r.draft())
        await r.settled(other, "delivered")
        assert len(r.submits()) == 3


async def test_a_code_is_sent_once_more_and_flagged(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(response_timeout_s=0.15)
        await r.bound()
        r.behave(silent=True)
        (message_id,) = await r.send(r.draft(message_class="otp", options={"on_doubt": "retry_once"}))
        await until(lambda: len(r.submits()) == 1)
        r.behave(silent=False)
        message = await r.settled(message_id, "delivered")
        assert message.flags & Flag.POSSIBLE_DUPLICATE
        first, second = r.submits()
        assert (first.octets, first.dest) == (second.octets, second.dest)
        await r.check_money(charged_segments=1)
        assert [attempt.state for attempt in await r.attempts(message_id)] == ["in_doubt", "resolved"]


async def test_a_code_that_was_taken_twice_is_paid_for_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(response_timeout_s=0.1)
        r.simulator.network.set_phone(LOST[1:], off=True, memory_full=None)
        (message_id,) = await r.send(r.draft(LOST, message_class="otp", options={"on_doubt": "retry_once"}))

        async def twice() -> bool:
            return [attempt.state for attempt in await r.attempts(message_id)] == ["in_doubt", "in_doubt"]

        await until(twice)
        phone_comes_on(r)
        message = await r.settled(message_id, "delivered")
        assert message.flags & Flag.POSSIBLE_DUPLICATE
        await until(lambda: len(r.phone(LOST)) == 2)
        assert len(r.submits()) == 2
        await r.check_money(charged_segments=1)


async def test_a_code_that_nobody_answers_is_tried_twice_and_then_in_doubt(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(response_timeout_s=0.1)
        (message_id,) = await r.send(r.draft(SILENT, message_class="otp", options={"on_doubt": "retry_once"}))
        await until(lambda: len(r.submits()) == 2)

        async def told() -> bool:
            return (await r.events(message_id)).count(IN_DOUBT) == 2

        await until(told)
        (other,) = await r.send(r.draft())
        await r.settled(other, "delivered")
        assert len(r.submits()) == 3
        await r.check_money(charged_segments=1, held_segments=1)


async def test_a_late_no_ends_the_doubt_and_is_not_followed_by_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ESME_RTHROTTLED means «send it again», but the sender has been told that it may have gone."""
    async with rig(tmp_path) as r:
        await r.seed(response_timeout_s=0.1)
        await r.bound()
        late: list[Callable[[], None]] = []
        with monkeypatch.context() as held:  # a response that comes in time to be read would end no doubt
            held.setattr(r.simulator.center.wheel, "after", lambda _, call, about: late.append(partial(call, about)))
            r.behave(response_latency_ms=200)
            (message_id,) = await r.send(r.draft("+15005550501"))
            await r.settled(message_id, "in_doubt")
        (respond,) = late
        respond()
        message = await r.settled(message_id, "failed")
        assert message.reason == "throttled"
        assert IN_DOUBT in await r.events(message_id)
        r.behave(response_latency_ms=0)
        (other,) = await r.send(r.draft())
        await r.settled(other, "delivered")
        assert len(r.submits()) == 2
        await r.check_money(charged_segments=1)
