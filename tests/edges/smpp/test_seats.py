"""Seats: the part of a node that tells the others how many binds it has."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from whimbrel.edges.smpp.registry import Registry
from whimbrel.edges.smpp.seats import Seats
from whimbrel.store.interface import Write


class _Owners:
    alone = False
    node_id = "ND1"


async def test_a_stop_in_the_turn_of_a_wake_up_is_a_stop():
    """Binds that go wake it, and all of them go when the door stops."""
    seats = Seats(None, _Owners(), Registry())
    await seats.start()
    await asyncio.sleep(0)
    seats._wake.set()
    async with asyncio.timeout(30):
        await seats.stop()


class _Binds(Registry):
    """As many as a test says."""

    count_of = 1

    def bound(self, credential_id: str) -> list[Any]:
        return [object()] * self.count_of

    def credentials(self) -> list[str]:
        return ["SC1"]


class _Store:
    """What is written is there at once; its answer comes when a test lets it."""

    def __init__(self) -> None:
        self.binds = 0
        self.written = asyncio.Event()
        self.answers = asyncio.Event()

    async def write(self, writes: Sequence[Write]) -> None:
        for write in writes:
            for row in write.rows:
                self.binds = row[2] if write.statement == "seats_set" else 0
        self.written.set()
        await self.answers.wait()

    async def take_seat(self, credential_id: str, node_id: str, own: int, binds_max: int) -> bool:
        self.binds = own
        return True


async def test_a_seat_that_was_granted_while_binds_were_told_and_never_taken_is_given_back():
    store, binds = _Store(), _Binds()
    seats = Seats(store, _Owners(), binds)
    telling = asyncio.ensure_future(seats.tell())
    await store.written.wait()
    assert await seats.take("SC1", 2)  # whoever asked is gone before it is bound
    store.answers.set()
    await telling
    assert store.binds == 2
    await seats.tell()
    assert store.binds == 1


async def test_binds_that_ended_before_a_failed_write_are_told_of_again():
    store, binds = _Store(), _Binds()
    seats = Seats(store, _Owners(), binds)
    store.answers.set()
    await seats.tell()
    binds.count_of = 0
    write, store.write = store.write, _fails
    with pytest.raises(OSError, match="away"):
        await seats.tell()
    store.write = write
    await seats.tell()
    assert store.binds == 0


async def _fails(writes: Sequence[Write]) -> None:
    raise OSError("away")
