"""A duty whose look fails: how soon it looks again, and how much of it the log is told."""

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.domain.setbacks import Setbacks
from whimbrel.journey.looking import Looking

S = 1_000_000
EVERY_S = 0.25
LONGEST_S = 5.0


class Down(Looking):
    """Fails while `trouble_with` is set; every rest is over at once, for the clock of the test."""

    def __init__(self, clock: ManualClock) -> None:
        log = logging.getLogger("whimbrel.test")
        super().__init__(EVERY_S, log, "it failed", clock=clock, chance=SeededChance(1), sleep=self._rest)
        self.clock = clock
        self.trouble_with: list[Exception] = []
        self.rests: list[float] = []
        self.enough = asyncio.Event()
        self.until_us = 0

    async def look(self) -> None:
        if self.trouble_with:
            self.trouble_with.append(self.trouble_with.pop(0))  # one after the other
            raise self.trouble_with[-1]

    async def _rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.clock.advance(seconds)
        if self.clock.monotonic_us() >= self.until_us:
            self.enough.set()
            await asyncio.Event().wait()

    async def run(self, seconds: float, *trouble: Exception) -> list[float]:
        """The rests of so much time."""
        self.trouble_with, self.rests, self.enough = list(trouble), [], asyncio.Event()
        self.until_us = self.clock.monotonic_us() + int(seconds * S)
        await self.start()
        await self.enough.wait()
        await self.stop()
        return self.rests


async def test_it_looks_less_often_while_it_fails_and_as_before_afterwards() -> None:
    looking = Down(ManualClock())
    assert set(await looking.run(60)) == {EVERY_S}
    rests = await looking.run(3600, OSError("gone"))
    assert rests[0] == EVERY_S
    assert all(EVERY_S <= rest <= LONGEST_S for rest in rests)
    assert 3600 / LONGEST_S <= len(rests) <= 3600 / LONGEST_S * 2  # four times a second: 14,400
    assert len(set(rests[10:])) > 100, "what failed together would come back together"
    assert set(await looking.run(60)) == {EVERY_S}


async def test_the_log_is_told_once_a_minute_of_each_kind(caplog: pytest.LogCaptureFixture) -> None:
    looking = Down(ManualClock())
    await looking.run(600, OSError("gone"), ValueError("wrong"))
    told = [(record.kind, record.untold) for record in caplog.records]  # type: ignore[attr-defined]
    assert [kind for kind, _ in told[:2]] == ["OSError", "ValueError"]
    for kind in ("OSError", "ValueError"):
        of_kind = [untold for each, untold in told if each == kind]
        assert 9 <= len(of_kind) <= 11
        assert of_kind[0] == 0
        assert min(of_kind[1:]) > 0
    assert all(record.exc_info for record in caplog.records)


def test_what_fails_every_other_time_is_told_once_a_minute_too() -> None:
    setbacks = Setbacks(EVERY_S, LONGEST_S)
    told = 0
    for number in range(240):
        told += setbacks.failed("OSError", number * S // 2, 0.5).is_told
        setbacks.succeeded()
    assert told == 2


def test_a_duty_that_looks_seldom_is_not_made_to_look_more_often() -> None:
    setbacks = Setbacks(30.0, LONGEST_S)
    assert [setbacks.failed("OSError", 0, draw).rest_s for draw in (0.0, 0.5, 1.0)] == [30.0, 30.0, 30.0]


@given(draws=st.lists(st.floats(0, 1), max_size=100))
def test_rests_are_within_their_bounds(draws: list[float]) -> None:
    setbacks = Setbacks(EVERY_S, LONGEST_S)
    for number, draw in enumerate(draws):
        assert EVERY_S <= setbacks.failed("OSError", number, draw).rest_s <= LONGEST_S
