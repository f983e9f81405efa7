"""Stopping and starting again: a graceful stop leaves nothing in doubt, and the next run goes on where this one was."""

from collections import Counter
from pathlib import Path

import pytest

from tests.journey.rig import PRICE_MICROS, installation, simulated, until
from whimbrel.store.interface import Claim

PHONES = [f"+4479111{number:05}" for number in range(400)]


@pytest.mark.parametrize("latency_ms", [0, 50])
async def test_a_stop_under_load_leaves_nothing_in_doubt(tmp_path: Path, latency_ms: float) -> None:
    async with simulated() as simulator:
        async with installation(tmp_path, simulator) as r:
            await r.seed(window=10)
            await r.bound()
            r.behave(response_latency_ms=latency_ms)
            ids = await r.send(*[r.draft(phone) for phone in PHONES])
            await until(lambda: len(r.submits()) >= 30)
            account_id = r.account_id
        sent = len(r.submits())
        assert sent < len(PHONES)
        r.behave(response_latency_ms=0)
        async with installation(tmp_path, simulator) as r:
            r.account_id = account_id
            await r.all_settled(ids, "delivered", within_s=60)
            assert Counter(submit.dest for submit in r.submits()) == Counter(phone[1:] for phone in PHONES)
            messages = await r.app.store.messages(ids)
            assert not [message for message in messages if message.flags]
            assert sum(message.charged_micros for message in messages) == len(PHONES) * PRICE_MICROS
            doubts = [e for e in await r.log() if e.type == "message.in_doubt"]
            assert doubts == []


async def test_receipts_of_the_time_between_come_to_the_next_run(tmp_path: Path) -> None:
    async with simulated() as simulator:
        async with installation(tmp_path, simulator) as r:
            await r.seed()
            for phone in PHONES[:20]:
                simulator.network.set_phone(phone[1:], off=True, memory_full=None)
            ids = await r.send(*[r.draft(phone) for phone in PHONES[:20]])
            await r.all_settled(ids, "sent")
        for phone in PHONES[:20]:
            simulator.network.set_phone(phone[1:], off=False, memory_full=None)
        async with installation(tmp_path, simulator) as r:
            await r.all_settled(ids, "delivered")


async def test_what_was_scheduled_and_what_was_queued_is_still_there(tmp_path: Path) -> None:
    async with simulated() as simulator:
        async with installation(tmp_path, simulator) as r:
            r.behave(refuse_binds=0x0D)
            await r.seed()
            later = r.clock.now_us() + 3_600_000_000
            ids = await r.send(r.draft(PHONES[0]), r.draft(PHONES[1], send_at_us=later))
        simulator.center.behaviour.refuse_binds = 0
        async with installation(tmp_path, simulator) as r:
            await r.settled(ids[0], "delivered")
            assert (await r.message(ids[1])).state == "scheduled"
            r.clock.advance(3_601)
            await r.settled(ids[1], "delivered")


async def test_an_attempt_that_was_committed_and_never_settled_is_in_doubt_at_the_next_start(tmp_path: Path) -> None:
    """What a crash leaves behind: the attempt is stored, nobody knows whether its bytes left."""
    async with simulated() as simulator:
        async with installation(tmp_path, simulator) as r:
            r.behave(refuse_binds=0x0D)
            await r.seed()
            (message_id,) = await r.send(r.draft())
            claims = [Claim(message_id, r.carrier_id, 1, 1, r.clock.now_us())]
            ((attempt,),) = await r.app.store.claim(claims)
            assert attempt
        async with installation(tmp_path, simulator) as r:
            message = await r.message(message_id)
            assert (message.state, message.reason) == ("in_doubt", "crash")
            assert r.submits() == []
