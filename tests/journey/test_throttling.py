"""A carrier that wants us slower, and limits of our own: order stays, nothing is lost, nothing goes twice, no window
and no rate is passed."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import Rig, rig, sqlite_first, until
from whimbrel.domain import pacing
from whimbrel_sandbox.log import Responded, Submitted

PHONES = [f"+4479111234{number:02}" for number in range(100)]


def accepted_texts(r: Rig) -> dict[str, list[str]]:
    """The texts that each phone's number was accepted for, in order."""
    found: dict[str, list[str]] = {}
    for submit in r.submits():
        if submit.accepted:
            found.setdefault(f"+{submit.dest}", []).append(submit.text)
    return found


def busiest(moments_us: list[int], span_us: int = 1_000_000) -> int:
    """How many of these moments at most lie within one span."""
    start, most = 0, 0
    for end, moment in enumerate(moments_us):
        while moment - moments_us[start] >= span_us:
            start += 1
        most = max(most, end - start + 1)
    return most


def widest(r: Rig) -> int:
    """How many submits of one bind were unanswered at once at most."""
    open_: Counter[int] = Counter()
    most = 0
    for event in r.sim_log():
        if isinstance(event, Submitted):
            open_[event.bind] += 1
        elif isinstance(event, Responded):
            open_[event.bind] -= 1
        most = max(most, *open_.values(), 0)
    return most


@sqlite_first
async def test_a_throttled_carrier_gets_everything_in_order_and_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=10)
        r.behave(rate_limit=3)  # the first of each phone go together, however slow the machine is
        texts = [f"text {number:02}" for number in range(12)]
        ids = await r.send(*[r.draft(phone, text) for text in texts for phone in PHONES[:5]])
        await until(lambda: any(submit.status == 0x58 for submit in r.submits()))
        r.behave(rate_limit=0)
        await r.all_settled(ids, "delivered", within_s=60)
        assert accepted_texts(r) == dict.fromkeys(PHONES[:5], texts)
        await r.check_money(charged_segments=60)


@sqlite_first
async def test_what_was_told_to_wait_goes_before_what_was_not_tried(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=1)
        await r.bound()
        r.behave(response_latency_ms=20)
        ids = await r.send(r.draft("+15005550501"), *[r.draft(phone) for phone in PHONES[:2]])
        await r.all_settled(ids, "delivered")
        assert [(submit.dest, submit.accepted) for submit in r.submits()] == [
            ("15005550501", False),
            ("15005550501", True),
            (PHONES[0][1:], True),
            (PHONES[1][1:], True),
        ]


async def test_after_a_complaint_the_carrier_is_spared(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.settled((await r.send(r.draft("+15005550511")))[0], "delivered")
        (health,) = r.app.worker.health().values()
        assert 0 < health.throughput_per_s <= 2


async def test_a_text_that_is_always_told_to_wait_expires(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        (message_id,) = await r.send(r.draft("+15005550509", validity_s=60))
        await until(lambda: len(r.submits()) == 1)
        r.clock.advance(61)
        message = await r.settled(message_id, "expired")
        assert message.reason == "expired"
        assert len(r.submits()) == 1
        await r.check_money(charged_segments=0)


@sqlite_first
async def test_the_throughput_limit_counts_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed(throughput_per_s=40)
        claim, took_us = r.app.store.claim, [0]

        async def timed(*rows: Any) -> Any:
            began = r.clock.monotonic_us()
            try:
                return await claim(*rows)
            finally:
                took_us.append(r.clock.monotonic_us() - began)

        monkeypatch.setattr(r.app.store, "claim", timed)
        ids = await r.send(*[r.draft(phone, "x" * 400) for phone in PHONES[:24]])
        await r.all_settled(ids, "delivered")
        moments = [submit.at_us for submit in r.submits()]
        assert len(moments) == 72
        assert busiest(moments) <= 40 * 1.2
        gaps = sorted(later - earlier for earlier, later in zip(moments, moments[3:], strict=False))
        # and the limit is made use of, as far as the machine lets it: a claim goes before each text
        assert gaps[len(gaps) // 2] < 3 * (35_000 + sum(took_us) / len(took_us))


async def test_the_window_is_never_passed(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=7, binds=2)
        r.behave(response_latency_ms=10)
        ids = await r.send(*[r.draft(phone, "x" * 200) for phone in PHONES])
        await r.all_settled(ids, "delivered")
        assert len(r.submits()) == 200
        assert widest(r) == 7


@sqlite_first
async def test_a_carrier_with_a_smaller_window_than_ours_gets_everything_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=20)
        r.behave(response_latency_ms=5, window_limit=5)
        ids = await r.send(*[r.draft(phone) for phone in PHONES[:12]])
        await until(lambda: any(submit.status == 0x14 for submit in r.submits()))
        r.behave(response_latency_ms=0, window_limit=0)
        await r.all_settled(ids, "delivered", within_s=60)
        assert accepted_texts(r) == {phone: ["Hello"] for phone in PHONES[:12]}


async def test_a_carrier_is_paused_while_it_wants_us_to_wait(tmp_path: Path) -> None:
    """The text that was told to wait goes back to its place in the queue: no carrier refused it."""
    async with rig(tmp_path) as r:
        await r.seed()
        r.behave(response_latency_ms=1_000)
        (message_id,) = await r.send(r.draft("+15005550501"))
        await until(lambda: len(r.submits()) == 1)
        await r.pause()
        r.behave(response_latency_ms=0)
        assert (await r.message(message_id)).state == "queued"
        await r.resume()
        await r.settled(message_id, "delivered")
        assert [submit.status for submit in r.submits()] == [0x58, 0]
        await r.check_money(charged_segments=1)


@sqlite_first
async def test_a_text_that_is_always_told_to_wait_holds_up_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """+1 500 555 0509 is throttled for ever: it steps aside, what comes after it goes, and it is tried again. The
    carrier bears a little more than carriers do, or the tries take a quarter of a minute."""
    monkeypatch.setattr(pacing, "RATE_MIN", 10)
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        (poison,) = await r.send(r.draft("+15005550509"))

        def set_aside() -> bool:
            return r.app.worker.health()[r.carrier_id].set_aside == 1

        await until(set_aside, within_s=30)
        before = len(r.submits())
        codes = await r.send(*[r.draft(phone, message_class="otp") for phone in PHONES[:5]])
        await r.all_settled(codes, "delivered")
        await until(lambda: len(r.submits()) > before + len(codes))  # it is tried again
        assert (await r.message(poison)).state == "sending"
        health = r.app.worker.health()[r.carrier_id]
        assert health.throttled >= 6
        await r.stop_carriers(30.0)
        assert (await r.message(poison)).state == "queued", "no byte of it was taken: it has its place in the queue"
