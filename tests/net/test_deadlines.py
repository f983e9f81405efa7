"""Deadlines: the meaning of asyncio.timeout, with one timer for all."""

import asyncio

import pytest

from whimbrel.net.deadlines import Deadlines


async def test_time_that_is_up_is_a_timeout() -> None:
    deadlines = Deadlines()
    with pytest.raises(TimeoutError), deadlines.within(0.05):
        await asyncio.Event().wait()
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_what_ends_in_time_is_left_alone() -> None:
    deadlines = Deadlines()
    with deadlines.within(0.05):
        assert len(deadlines._open) == 1
    assert not deadlines._open  # nobody looks at its time any more


async def test_each_call_has_its_own() -> None:
    deadlines = Deadlines()

    async def call(seconds: float) -> str:
        try:
            with deadlines.within(seconds):
                await asyncio.sleep(0.5)
        except TimeoutError:
            return "late"
        return "in time"

    assert await asyncio.gather(call(0.05), call(30), call(0.1), call(30)) == ["late", "in time", "late", "in time"]


async def test_a_cancellation_from_outside_wins_over_the_deadline() -> None:
    deadlines = Deadlines()
    inside = asyncio.Event()

    async def call() -> None:
        with deadlines.within(60):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await inside.wait()
    (deadline,) = deadlines._open
    task.cancel()
    deadline.expire()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_other_errors_pass_through() -> None:
    deadlines = Deadlines()
    with pytest.raises(KeyError), deadlines.within(60):
        raise KeyError


async def test_an_error_that_comes_of_the_interruption_is_kept() -> None:
    deadlines = Deadlines()
    with pytest.raises(ConnectionError), deadlines.within(0.05):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionError from None
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_whatever_has_a_time_can_be_watched() -> None:
    deadlines = Deadlines()
    expired = asyncio.Event()

    class Watched:
        at = asyncio.get_running_loop().time() + 0.05

        def expire(self) -> None:
            expired.set()

    late, removed = Watched(), Watched()
    deadlines.add(late)
    deadlines.add(removed)
    deadlines.remove(removed)
    async with asyncio.timeout(30):
        await expired.wait()
    assert not deadlines._open


async def test_the_timer_stops_when_nothing_is_open() -> None:
    deadlines = Deadlines()
    with deadlines.within(60):
        assert deadlines._timer is not None
    async with asyncio.timeout(30):
        while deadlines._timer is not None:  # noqa: ASYNC110 - there is no event for a timer that ends
            await asyncio.sleep(0.02)
