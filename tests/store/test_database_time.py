"""Nodes of one PostgreSQL have its time, whatever their machines believe."""

import asyncio
from functools import partial
from typing import Any

import pytest

from whimbrel.base.clock import HOUR_US, DatabaseClock, ManualClock, SystemClock
from whimbrel.store.postgresql.connect import connect
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.postgresql.time import TimeKeeper
from whimbrel.store.signals import Heard, LocalSignals, Topic

CLOSE_US = 60_000_000  # a busy machine answers late, but not an hour


class Wrong(SystemClock):
    """A machine whose clock is off."""

    def __init__(self, by_us: int) -> None:
        self._by_us = by_us

    def now_us(self) -> int:
        return super().now_us() + self._by_us


@pytest.mark.parametrize("by_us", [-HOUR_US, HOUR_US])
async def test_a_node_an_hour_off_is_right_when_its_store_has_started(postgres: str, by_us: int):
    clock = DatabaseClock(Wrong(by_us))
    assert abs(clock.now_us() - SystemClock().now_us()) > HOUR_US - CLOSE_US
    executor = PostgresExecutor(postgres, clock=clock)
    await executor.start()
    try:
        assert abs(clock.now_us() - SystemClock().now_us()) < CLOSE_US
    finally:
        await executor.stop()


async def test_a_look_says_by_how_much_it_was_wrong(postgres: str):
    class Stepping(SystemClock):
        """As if the machine had slept: its monotonic time stood still."""

        slept_us = 0

        def monotonic_us(self) -> int:
            return super().monotonic_us() - self.slept_us

    own = Stepping()
    clock = DatabaseClock(own)
    keeper = TimeKeeper(partial(connect, postgres, hot=False), clock, LocalSignals())
    await keeper.look()
    own.slept_us = HOUR_US
    assert abs(await keeper.look() - HOUR_US) < CLOSE_US
    assert abs(clock.now_us() - SystemClock().now_us()) < CLOSE_US
    assert abs(await keeper.look()) < CLOSE_US


async def test_a_clock_of_a_test_is_left_alone(postgres: str):
    clock = ManualClock()
    executor = PostgresExecutor(postgres, clock=clock)
    await executor.start()
    await executor.stop()
    assert clock.now_us() == ManualClock().now_us()


class Database:
    """Of which only the time is asked, and which jumps when a test wants."""

    def __init__(self) -> None:
        self.ahead_us = 0

    async def open_(self) -> "Database":
        return self

    async def fetchval(self, question: str) -> int:
        return SystemClock().now_us() + self.ahead_us

    async def close(self, **_: float) -> None:
        pass

    def terminate(self) -> None:
        pass


class Hub(LocalSignals):
    """All who subscribe hear everything, themselves too."""

    def __init__(self) -> None:
        self._heard: list[Heard] = []

    def subscribe(self, topic: Topic, heard: Heard) -> None:
        self._heard.append(heard)

    def send(self, topic: Topic, detail: str = "") -> None:
        for heard in self._heard:
            heard(detail)


async def test_a_jump_that_one_node_sees_is_seen_by_all_at_once():
    database, hub = Database(), Hub()
    clocks = [DatabaseClock(SystemClock()) for _ in range(3)]
    keepers: list[Any] = [TimeKeeper(database.open_, clock, hub) for clock in clocks]
    for keeper in keepers:
        await keeper.start()
    database.ahead_us = HOUR_US
    keepers[0]._wake.set()  # as after its half a minute
    async with asyncio.timeout(30):
        while any(abs(clock.now_us() - SystemClock().now_us() - HOUR_US) > CLOSE_US for clock in clocks):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # a clock tells nobody
    for keeper in keepers:
        await keeper.stop()
