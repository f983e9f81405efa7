"""The outbox of one destination: bounded, at rest when told to, stopped at once, and nothing in it is lost."""

import asyncio

import pytest

from tests.journey.rig import until
from whimbrel.domain.model import Event
from whimbrel.journey import deliver
from whimbrel.journey.deliver import Job, Outbox
from whimbrel.journey.feed import Item
from whimbrel.store.interface import Wait


def job(position: int, *, wait: Wait | None = None) -> Job:
    event = Event(position, "AC1", False, f"SM{position}", 1, "message.queued", "{}", False, 0)
    return Job(Item(event, None), wait)


def waiting(position: int) -> Wait:
    return Wait(f"DL{position}", "WH1", "AC1", position, "EV1", "message.queued", "http://x", "event", 1, 0, 0, "")


class Posted:
    """What an outbox posted; a job in `held` waits for `go`, one in `broken` fails inside."""

    def __init__(self) -> None:
        self.jobs: list[int] = []
        self.go = asyncio.Event()
        self.held: set[int] = set()
        self.broken: set[int] = set()

    async def post(self, posted: Job) -> None:
        position = posted.item.event.position
        self.jobs.append(position)
        if position in self.held:
            await self.go.wait()
        if position in self.broken:
            raise RuntimeError


async def test_it_posts_in_order_with_so_many_workers() -> None:
    posted = Posted()
    posted.held = {1, 2, 3}
    outbox = Outbox(posted.post, workers=2, room=10)
    outbox.put([job(1), job(2), job(3)])
    await until(lambda: posted.jobs == [1, 2])
    assert (outbox.room, outbox.lag) == (7, 3)  # what is not settled takes room
    posted.go.set()
    await until(lambda: posted.jobs == [1, 2, 3])
    await until(lambda: outbox.lag == 0)


async def test_the_cursor_stays_below_what_is_not_settled() -> None:
    posted = Posted()
    outbox = Outbox(posted.post, workers=1, room=10)
    first, again, second = job(1), job(5, wait=waiting(5)), job(7)
    outbox.put([first, again, second])
    assert outbox.first_outstanding() == 1
    await until(lambda: posted.jobs == [1, 5, 7])
    outbox.settle(first)
    assert outbox.first_outstanding() == 7
    outbox.settle(again)
    outbox.settle(second)
    assert outbox.first_outstanding() is None


async def test_at_rest_it_posts_nothing_and_the_longest_rest_holds() -> None:
    posted = Posted()
    outbox = Outbox(posted.post, workers=1, room=10)
    now = asyncio.get_running_loop().time()
    outbox.rest(now + 0.1)
    outbox.rest(now + 0.05)
    outbox.put([job(1)])
    await until(lambda: posted.jobs == [1])
    assert asyncio.get_running_loop().time() >= now + 0.1


async def test_a_rest_of_a_day_does_not_keep_it_from_stopping() -> None:
    posted = Posted()
    outbox = Outbox(posted.post, workers=1, room=10)
    outbox.rest(asyncio.get_running_loop().time() + 86_400)
    outbox.put([job(1), job(2, wait=waiting(2))])
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        dropped = await outbox.stop()
    assert [each.item.event.position for each in dropped] == [1, 2]
    assert (posted.jobs, outbox.first_outstanding()) == ([], 1)


async def test_it_stops_when_what_is_under_way_has_ended() -> None:
    posted = Posted()
    posted.held = {1}
    outbox = Outbox(posted.post, workers=1, room=10)
    outbox.put([job(1), job(2)])
    await until(lambda: posted.jobs == [1])
    stopping = asyncio.create_task(outbox.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    posted.go.set()
    assert [each.item.event.position for each in await stopping] == [2]
    assert posted.jobs == [1]


async def test_what_fails_inside_is_kept_and_does_not_keep_it_from_stopping() -> None:
    posted = Posted()
    posted.broken = {1}
    outbox = Outbox(posted.post, workers=1, room=10)
    outbox.put([job(1)])
    await until(lambda: posted.jobs == [1])
    async with asyncio.timeout(30):
        dropped = await outbox.stop()
    assert [each.item.event.position for each in dropped] == [1]


class Begun:
    """Posts that are begun and end when the test says so."""

    def __init__(self, *, workers: int, broken: bool = False) -> None:
        self.outbox = Outbox(self.begin, workers=workers, room=5000)
        self.jobs: list[int] = []
        self.broken = broken

    def begin(self, begun: Job) -> None:
        self.jobs.append(begun.item.event.position)
        if self.broken:
            raise RuntimeError


async def test_what_ends_makes_room_for_the_next() -> None:
    begun = Begun(workers=2)
    begun.outbox.put([job(number) for number in range(1, 5)])
    assert begun.jobs == [1, 2]
    begun.outbox.ended()
    assert begun.jobs == [1, 2, 3]
    assert begun.outbox.lag == 3


async def test_one_that_takes_long_does_not_hold_up_one_that_comes_later() -> None:
    begun = Begun(workers=2)
    begun.outbox.put([job(1)])
    begun.outbox.put([job(2)])
    begun.outbox.put([job(3)])
    assert begun.jobs == [1, 2]


async def test_it_stops_when_what_was_begun_has_ended_or_failed() -> None:
    begun = Begun(workers=2)
    begun.outbox.put([job(1), job(2), job(3)])
    stopping = asyncio.create_task(begun.outbox.stop())
    await asyncio.sleep(0)
    begun.outbox.ended()
    await asyncio.sleep(0)
    assert not stopping.done()
    begun.outbox.failed(job(2))
    assert [each.item.event.position for each in await stopping] == [3, 2]
    assert begun.jobs == [1, 2]


async def test_what_fails_inside_keeps_its_place_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of jobs that fail at once are tried at the pace of the places, not all at once and for ever."""
    monkeypatch.setattr(deliver, "_RETRY_S", 0.05)
    begun = Begun(workers=2, broken=True)
    begun.outbox.put([job(number) for number in range(1, 3001)])
    assert begun.jobs == [1, 2]
    begun.broken = False
    await until(lambda: len(begun.jobs) == 4)
    assert begun.jobs == [1, 2, 3, 4]
    assert begun.outbox.lag == 3000
