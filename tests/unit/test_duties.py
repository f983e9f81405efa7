"""Duties begin and end with their leases."""

import pytest

from whimbrel.journey.duties import Duties


class Part:
    """Fails halfway the first time."""

    def __init__(self) -> None:
        self.at_work = 0
        self.fails = True

    async def start(self) -> None:
        self.at_work += 1
        if self.fails:
            self.fails = False
            raise OSError("the database is away")

    async def stop(self) -> None:
        self.at_work = 0


async def test_what_could_not_begin_whole_is_not_there_twice_when_it_begins_again() -> None:
    part = Part()
    duties = Duties({"notify": part})
    with pytest.raises(OSError, match="away"):
        await duties.gained("duty:notify", 1)
    await duties.gained("duty:notify", 1)
    assert part.at_work == 1
