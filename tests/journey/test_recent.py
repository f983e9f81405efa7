"""What a lane remembers of its queue: the order is the queue's, nothing is sent twice, what is forgotten is read."""

from pathlib import Path

import pytest

from tests.journey.rig import Rig, rig, until

PHONES = [f"+4479112{number:05}" for number in range(40)]


async def down(r: Rig) -> None:
    """A carrier that cannot be reached: what it should take waits in its queue."""
    await r.seed(port=1)
    assert r.app.worker.lane(r.carrier_id) is not None


async def up(r: Rig) -> None:
    await r.change_carrier(port=r.simulator.address.smpp_port)


def texts(r: Rig) -> list[str]:
    return [submit.text for submit in r.submits()]


async def head(r: Rig, limit: int) -> list[str]:
    lane = r.app.worker.lane(r.carrier_id)
    assert lane is not None
    return [message.text for message in await lane._recent.head(limit)]


@pytest.mark.parametrize("forgotten", [0, 3, 10])
async def test_the_order_is_the_queues_whatever_is_remembered(tmp_path: Path, forgotten: int) -> None:
    async with rig(tmp_path) as r:
        await down(r)
        await r.send(*[r.draft(phone, f"bulk {n}", message_class="marketing") for n, phone in enumerate(PHONES[:6])])
        ids = await r.send(*[r.draft(phone, f"code {n}", message_class="otp") for n, phone in enumerate(PHONES[:4])])
        lane = r.app.worker.lane(r.carrier_id)
        assert lane is not None and len(lane._recent._messages) == 10
        for message_id in [*lane._recent._messages][:forgotten]:
            del lane._recent._messages[message_id]
        assert await head(r, 7) == [*(f"code {n}" for n in range(4)), *(f"bulk {n}" for n in range(3))]
        assert [(await r.message(message_id)).state for message_id in ids] == ["queued"] * 4
        assert len(await head(r, 7)) == 7, "what was looked at and not claimed is read the next time"


async def test_a_message_that_was_canceled_meanwhile_is_not_sent(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await down(r)
        kept, gone = await r.send(r.draft(PHONES[0], "kept"), r.draft(PHONES[1], "gone"))
        await r.app.cancel.cancel(r.account_id, False, gone)
        lane = r.app.worker.lane(r.carrier_id)
        assert lane is not None
        recent = lane._recent
        await up(r)
        await r.settled(kept, "delivered")
        assert texts(r) == ["kept"]
        assert (await r.message(gone)).state == "canceled"
        assert await recent.head(10) == []
        assert recent._messages == {}, "an empty queue leaves nothing to remember"


async def test_what_a_new_lane_never_heard_of_is_read(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await down(r)
        ids = await r.send(*[r.draft(phone, f"text {n}") for n, phone in enumerate(PHONES)])
        await up(r)
        await r.all_settled(ids, "delivered")
        assert sorted(texts(r)) == sorted(f"text {n}" for n in range(len(PHONES)))


async def test_a_backlog_is_sent_once_in_the_order_of_its_ranks(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=3)
        r.behave(response_latency_ms=2)
        await r.bound()
        ids = await r.send(*[r.draft(phone, f"{n:02}") for n, phone in enumerate(PHONES)])
        await r.all_settled(ids, "delivered")
        assert texts(r) == [f"{n:02}" for n in range(len(PHONES))]
        lane = r.app.worker.lane(r.carrier_id)
        assert lane is not None
        await until(lambda: not lane._recent._messages)
