"""The pool: places, the line for them, what is kept and for how long. Connections without a network."""

import asyncio
from typing import Any

import pytest

from whimbrel.net.http_answer import NoAnswerError
from whimbrel.net.http_connection import Connection, Origin
from whimbrel.net.http_pool import Pool

A, B, C = (Origin(False, name, 80) for name in ("a.example", "b.example", "c.example"))


class Wire:
    """A transport that says what was done to it."""

    def __init__(self) -> None:
        self.ends: list[str] = []

    def close(self) -> None:
        self.ends.append("close")

    def abort(self) -> None:
        self.ends.append("abort")

    def get_write_buffer_size(self) -> int:
        return 0


async def opened(pool: Pool, origin: Origin) -> Connection:
    """A connection in a place that is free."""
    assert await pool.place(origin) is None
    connection = Connection(asyncio.get_running_loop(), origin, pool.forget)
    wire: Any = Wire()
    connection.connection_made(wire)
    pool.add(connection)
    return connection


def waiting(pool: Pool, origin: Origin | None) -> "asyncio.Task[Connection | None]":
    return asyncio.ensure_future(pool.place(origin))


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_last_used_is_taken_first_and_only_for_its_origin() -> None:
    pool = Pool()
    first, second = await opened(pool, A), await opened(pool, A)
    pool.give(first, 1.0)
    pool.give(second, 1.0)
    assert pool.take(B, 1.0) is None
    assert pool.take(Origin(True, *A[1:]), 1.0) is None
    assert [pool.take(A, 1.0) for _ in range(3)] == [second, first, None]
    assert (pool.places_taken, pool.idle) == (2, 0)


async def test_what_is_closed_or_old_is_not_taken() -> None:
    pool = Pool(keep_alive_s=4.5)
    old, closed, new = [await opened(pool, A) for _ in range(3)]
    pool.give(old, 1.0)
    pool.give(closed, 4.0)
    closed.eof_received()
    assert pool.take(A, 6.0) is None
    assert pool.places_taken == 1
    assert not old.is_open
    pool.give(new, 6.0)
    assert pool.take(A, 10.4) is new


async def test_the_longest_idle_makes_room() -> None:
    pool = Pool(connections_max=2)
    old, new = await opened(pool, A), await opened(pool, B)
    pool.give(old, 1.0)
    pool.give(new, 2.0)
    third = await opened(pool, C)
    assert (old.is_open, new.is_open, third.is_open) == (False, True, True)
    assert pool.places_taken == 2


async def test_the_line_is_served_in_order_with_the_connection_or_its_place() -> None:
    pool = Pool(connections_max=2)
    one, two = await opened(pool, A), await opened(pool, A)
    line = [waiting(pool, A), waiting(pool, B), waiting(pool, None), waiting(pool, A)]
    await turn()
    pool.give(one, 1.0)
    assert await line[0] is one
    pool.give(one, 1.0)  # the first in line wants to go elsewhere
    assert await line[1] is None
    assert not one.is_open
    pool.leave()
    assert await line[2] is None
    assert not line[3].done()
    pool.drop(two)
    assert await line[3] is None
    assert pool.places_taken == 2
    assert two not in pool._open


async def test_a_lost_connection_frees_its_place_once() -> None:
    pool = Pool(connections_max=1)
    one = await opened(pool, A)
    line = [waiting(pool, A), waiting(pool, A)]
    await turn()
    one.connection_lost(None)
    pool.give(one, 1.0)
    pool.forget(one)
    await turn()
    assert [task.done() for task in line] == [True, False]
    assert pool.places_taken == 1
    pool.leave()
    await turn()
    pool.leave()
    assert pool.places_taken == 0


async def test_who_leaves_the_line_is_not_served() -> None:
    pool = Pool(connections_max=1)
    one = await opened(pool, A)
    gone, next_ = waiting(pool, A), waiting(pool, A)
    await turn()
    gone.cancel()
    pool.give(one, 1.0)  # in the turn of the cancellation
    assert await next_ is one
    assert gone.cancelled()


@pytest.mark.parametrize("as_connection", [True, False])
async def test_who_is_cancelled_in_the_turn_of_being_served_gives_back(as_connection: bool) -> None:
    pool = Pool(connections_max=1)
    one = await opened(pool, A)
    gone = waiting(pool, A if as_connection else B)
    await turn()
    pool.give(one, 1.0)
    gone.cancel()
    await asyncio.wait([gone])
    assert gone.cancelled()
    assert (pool.places_taken, pool.idle) == ((1, 1) if as_connection else (0, 0))


async def test_the_sweep_closes_what_is_old_and_goes_on() -> None:
    pool = Pool(keep_alive_s=10.0)
    now = asyncio.get_running_loop().time()
    old, new = await opened(pool, A), await opened(pool, B)
    pool.give(old, now - 11)
    pool.give(new, now)
    pool._sweep()
    assert (old.is_open, new.is_open, pool.idle, pool.places_taken) == (False, True, 1, 1)
    assert list(pool._idle_of) == [B]
    assert pool._timer is not None
    pool.stop()
    assert pool._timer.cancelled()


async def test_stop_ends_everything() -> None:
    pool = Pool(connections_max=2)
    pool.start()
    busy, idle = await opened(pool, A), await opened(pool, B)
    pool.give(idle, 1.0)
    third = waiting(pool, C)
    await turn()
    assert await third is None  # the idle one made room
    fourth = waiting(pool, C)
    await turn()
    pool.stop()
    with pytest.raises(NoAnswerError, match="stopped"):
        await fourth
    with pytest.raises(NoAnswerError, match="stopped"):
        await pool.place(A)
    late = Connection(asyncio.get_running_loop(), C, pool.forget)
    wire: Any = Wire()
    late.connection_made(wire)
    pool.add(late)  # its opening ended after the stop
    assert wire.ends == ["abort"]
    assert (busy.is_open, pool.places_taken, pool.idle) == (False, 0, 0)
