"""Seats: the part of a node that tells the others how many binds it has."""

import asyncio

from whimbrel.edges.smpp.registry import Registry
from whimbrel.edges.smpp.seats import Seats


class _Owners:
    alone = False
    node_id = "ND1"


async def test_a_stop_in_the_turn_of_a_wake_up_is_a_stop():
    """Binds that go wake it, and all of them go when the door stops."""
    seats = Seats(None, _Owners(), Registry())
    await seats.start()
    await asyncio.sleep(0)
    seats._wake.set()
    async with asyncio.timeout(1):
        await seats.stop()
