"""What goes straight through: where the lane has room and is not behind, and only as much as there is room for."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import Rig, rig, until
from whimbrel.journey.worker import Lane
from whimbrel.store.errors import CommitFailed

PHONES = [f"+4479111{number:05}" for number in range(60)]


async def open_lane(r: Rig) -> Lane:
    await r.bound()
    lane = r.app.worker.lane(r.carrier_id)
    assert lane is not None
    await until(lambda: lane.places() > 0)
    return lane


class Counted:
    """A verb of the store that counts how often it is called, and fails while it has troubles."""

    def __init__(self, r: Rig, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
        self.calls = 0
        self.troubles: list[Exception] = []
        self._do = getattr(r.app.store, verb)
        monkeypatch.setattr(r.app.store, verb, self)

    async def __call__(self, *rows: Any) -> Any:
        self.calls += 1
        if self.troubles:
            raise self.troubles.pop()
        return await self._do(*rows)


async def test_a_text_with_a_place_needs_no_look_at_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await open_lane(r)
        claims = Counted(r, monkeypatch, "claim")
        ids = await r.send(*[r.draft(phone) for phone in PHONES[:20]])
        await r.all_settled(ids, "delivered")
        assert claims.calls == 0
        assert len(r.submits()) == 20
        assert await r.events(ids[0]) == [f"message.{kind}" for kind in ("queued", "sending", "sent", "delivered")]


async def test_what_finds_no_place_waits_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=8)
        r.behave(response_latency_ms=20)
        lane = await open_lane(r)
        places = lane.places()
        assert 8 <= places <= 10
        claims = Counted(r, monkeypatch, "claim")
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        assert lane.places() == 0, "the queue is long: nobody passes it"
        attempts = [await r.attempts(message_id) for message_id in ids]
        assert all(attempts[:places]), "the first ones went straight through"
        await r.all_settled(ids, "delivered")
        assert claims.calls > 0
        assert sorted(submit.dest for submit in r.submits()) == sorted(phone.lstrip("+") for phone in PHONES)
        await until(lambda: lane.places() > 0)


async def test_places_come_back_when_the_commit_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=8)
        lane = await open_lane(r)
        places = lane.places()
        accepts = Counted(r, monkeypatch, "accept")
        accepts.troubles = [CommitFailed("disk full")]
        with pytest.raises(CommitFailed):
            await r.send(*[r.draft(phone) for phone in PHONES[:3]])
        assert lane.places() == places
        (message_id,) = await r.send(r.draft())
        await r.settled(message_id, "delivered")
        assert len(r.submits()) == 1


async def test_places_are_shared_by_lists_whose_commits_are_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=8)
        lane = await open_lane(r)
        places, release = lane.places(), asyncio.Event()
        accept = r.app.store.accept

        async def slow(*submissions: Any) -> Any:
            stored = await accept(*submissions)
            await release.wait()
            return stored

        monkeypatch.setattr(r.app.store, "accept", slow)
        sending = [asyncio.create_task(r.send(r.draft(phone))) for phone in PHONES[: places + 5]]
        await until(lambda: lane.places() == 0)
        assert r.submits() == []
        release.set()
        ids = [message_id for task in sending for message_id in await task]
        await r.all_settled(ids, "delivered")
        assert len(r.submits()) == places + 5


async def test_a_long_text_goes_whole_or_waits(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=4)
        lane = await open_lane(r)
        assert lane.places() < 8
        (message_id,) = await r.send(r.draft(text="x" * 1200))
        await r.settled(message_id, "delivered")
        assert len(r.submits()) == 8


async def test_a_carrier_that_is_down_takes_nothing_straight(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(port=1)
        lane = await until(lambda: r.app.worker.lane(r.carrier_id))
        (message_id,) = await r.send(r.draft())
        assert (await r.message(message_id)).state == "queued"
        assert await r.attempts(message_id) == []
        assert lane.places() == 0
