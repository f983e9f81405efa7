"""Receipts: of long messages, of none, of many; what the carrier says late or never."""

from pathlib import Path

import pytest

from tests.journey.rig import SENDER, Rig, rig, until
from whimbrel.base.limits import PART_RECEIPTS_WAIT_S, RECEIPT_DEADLINE_S, VALIDITY_MAX_S
from whimbrel.carriers.interface import Report
from whimbrel.domain.model import Flag

LONG = "word " * 80  # three segments
NEVER = "+15005550305"
PHONE = "+447911123456"


async def tell(r: Rig, message_id: str, part: int, state: str, error: str | None = None) -> None:
    """A receipt of one part of a message."""
    attempt = (await r.attempts(message_id))[part - 1]
    assert attempt.carrier_message_id is not None
    report = Report((attempt.carrier_message_id,), state, state[:7], error, (PHONE, SENDER))
    await r.app.worker.receipts.take(r.carrier_id, [report])


async def test_a_long_message_is_delivered_when_every_part_is(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        (message_id,) = await r.send(r.draft(PHONE, LONG))
        message = await r.settled(message_id, "delivered")
        assert (message.segments, message.charged_micros) == (3, 30_000)
        told = ("queued", "sending", "sent", "receipt", "receipt", "delivered")
        assert await r.events(message_id) == [f"message.{word}" for word in told]
        assert [text.text for text in r.phone(PHONE)] == [LONG]
        assert [(a.part, a.parts, a.state) for a in await r.attempts(message_id)] == [
            (part, 3, "resolved") for part in (1, 2, 3)
        ]
        await r.check_money(charged_segments=3)


async def test_one_part_that_fails_makes_the_message_undelivered(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        (message_id,) = await r.send(r.draft(NEVER, LONG))
        await r.settled(message_id, "sent")
        await tell(r, message_id, 1, "DELIVERED")
        assert (await r.message(message_id)).state == "sent"
        await tell(r, message_id, 3, "UNDELIVERABLE", "027")
        message = await r.message(message_id)
        assert (message.state, message.reason) == ("undelivered", "absent_subscriber")
        await tell(r, message_id, 2, "DELIVERED")
        assert (await r.message(message_id)).state == "undelivered"
        await r.check_money(charged_segments=3)


async def test_a_carrier_that_reports_one_part_only(tmp_path: Path) -> None:
    """Trap T12: the parts that did report count, a while after the first of them."""
    async with rig(tmp_path) as r:
        await r.seed()
        (message_id,) = await r.send(r.draft(NEVER, LONG))
        await r.settled(message_id, "sent")
        await tell(r, message_id, 2, "DELIVERED")
        await r.app.sweep.give_up()
        assert (await r.message(message_id)).state == "sent"
        r.clock.advance(PART_RECEIPTS_WAIT_S + 1)
        await r.app.sweep.give_up()
        assert (await r.message(message_id)).state == "delivered"


@pytest.mark.parametrize("ahead_s", [0, 300 * 86_400])
async def test_without_any_receipt_a_sent_message_becomes_unknown(tmp_path: Path, ahead_s: int) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        now = r.clock.now_us()
        (message_id,) = await r.send(r.draft(NEVER, send_at_us=now + ahead_s * 1_000_000 if ahead_s else None))
        (reported,) = await r.send(r.draft(PHONE))
        await r.settled(reported, "delivered")
        r.clock.advance(ahead_s)
        await r.settled(message_id, "sent")
        r.clock.advance(RECEIPT_DEADLINE_S)
        await r.app.sweep.miss_receipts()
        await r.app.sweep.give_up()
        assert (await r.message(message_id)).state == "sent"
        r.clock.advance(VALIDITY_MAX_S + 60)
        while await r.app.sweep.miss_receipts():
            pass
        await r.app.sweep.give_up()
        message = await r.message(message_id)
        assert (message.state, message.reason) == ("unknown", "no_receipt")
        assert (await r.message(reported)).state == "delivered"
        await r.check_money(charged_segments=2)
        await tell(r, message_id, 1, "DELIVERED")
        message = await r.message(message_id)
        assert (message.state, message.flags & Flag.CORRECTED) == ("delivered", Flag.CORRECTED)
        await tell(r, message_id, 1, "UNDELIVERABLE")
        assert (await r.message(message_id)).state == "delivered"
        await r.check_money(charged_segments=2)


@pytest.mark.parametrize("ids", ["sequential", "hex", "decimal", "random", "uuid"])
async def test_every_form_of_ids(tmp_path: Path, ids: str) -> None:
    async with rig(tmp_path, sandbox={"ids": ids}) as r:
        await r.seed()
        sent = await r.send(*[r.draft(f"+150055508{form:02}") for form in range(1, 8)])
        await r.all_settled(sent, "delivered")


async def test_a_receipt_of_nobody_is_kept_and_told_to_nobody(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        before = await r.log()

        async def end_is_seen() -> bool:
            """Those who follow the log may see what was committed a moment ago a moment later."""
            return await r.app.store.last_position() == before[-1].position

        await until(end_is_seen)
        report = Report(("feed1234",), "DELIVERED", "DELIVRD", None, (PHONE, SENDER))
        await r.app.worker.receipts.take(r.carrier_id, [report])
        assert await end_is_seen() and await r.log() == before


async def test_receipts_that_could_not_be_stored_are_kept_by_the_carrier(tmp_path: Path) -> None:
    """They are answered ESME_RX_T_APPN, and come again."""
    async with rig(tmp_path, sandbox={"deliver_retry_ms": 50}) as r:
        await r.seed()
        record, failures = r.app.store.record_receipts, 2

        async def failing(rows: object) -> list[str]:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise RuntimeError("no room on the disk")
            return await record(rows)  # type: ignore[arg-type]

        r.app.store.record_receipts = failing  # type: ignore[method-assign]
        (message_id,) = await r.send(r.draft(PHONE))
        await r.settled(message_id, "delivered")
        assert r.simulator.center.counts.deliveries_refused == 2
        await until(lambda: r.simulator.center.counts.receipts_answered == 1)
