"""Customers' binds at several nodes of one database: how many there may be, and who delivers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from tests.edges.edge_rig import Edge, until
from whimbrel.app import App
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import BIND_RECEIVER, BIND_TRANSMITTER

from .customer import Door, esme, running_door
from .reader import ALL, never, owed, reading

BINDS = 2


@asynccontextmanager
async def another(door: Door, folder: Path) -> AsyncIterator[Door]:
    """One more node of the same database."""
    settings = door.app.settings
    server = msgspec.structs.replace(settings.server, data=str(folder), port=0)
    app = App(msgspec.structs.replace(settings, server=server), bytes(range(32)))
    await app.start()
    try:
        edge = Edge(app, door.edge.simulator, door.edge.http)
        edge.customer = door.edge.customer
        made = Door(edge)
        made.credential_id = door.credential_id
        yield made
    finally:
        await app.stop()


@pytest.fixture
async def doors(tmp_path: Path, postgres: str) -> AsyncIterator[tuple[Door, Door]]:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    async with running_door(first, database=postgres) as one:
        await one.change(settings={"binds_max": BINDS})
        async with another(one, second) as other:
            yield one, other


async def status_of_a_bind(door: Door) -> int:
    async with esme(door.port) as one:
        return (await one.bind(BIND_RECEIVER)).status


def deliver(door: Door) -> bool:
    """Whether this node is who delivers."""
    return door.app.owners.fence(f"customer:{door.credential_id}") > 0


async def test_binds_are_counted_at_all_nodes(doors: tuple[Door, Door]):
    one, other = doors
    async with one.bound(BIND_TRANSMITTER), other.bound(BIND_RECEIVER):
        assert await status_of_a_bind(one) == Status.ESME_RBINDFAIL
        assert await status_of_a_bind(other) == Status.ESME_RBINDFAIL
    for door in doors:  # what ended has made room, at both nodes

        async def admitted(door: Door = door) -> bool:
            return await status_of_a_bind(door) == Status.ESME_ROK

        await until(admitted)


async def test_the_seats_of_a_node_that_is_gone_are_free(doors: tuple[Door, Door], tmp_path: Path):
    one, _ = doors
    folder = tmp_path / "third"
    folder.mkdir()
    async with another(one, folder) as third, third.bound(), third.bound():
        assert await status_of_a_bind(one) == Status.ESME_RBINDFAIL
        await third.app.owners.leave()  # as when its row has run out
        assert await status_of_a_bind(one) == Status.ESME_ROK


async def test_what_is_owed_is_delivered_once_whoever_has_the_bind(doors: tuple[Door, Door]):
    """Receivers at both nodes: one node delivers. When its receiver goes, the other node does, and nothing is lost."""
    one, other = doors
    async with reading(other) as last:
        async with reading(one) as first:
            await until(lambda: deliver(one) or deliver(other))
            assert deliver(one) != deliver(other)
        await until(lambda: deliver(other))
        assert first.got == []
        async with one.bound(BIND_TRANSMITTER) as sender:
            ids = [(await sender.submit(**ALL)).body.message_id for _ in range(5)]
        await last.has(5)
        await owed(one, 0)
        assert sorted(last.ids) == sorted(ids)
    async with one.bound(BIND_TRANSMITTER) as sender:
        late = [(await sender.submit(**ALL)).body.message_id for _ in range(3)]
    await owed(one, 3)
    async with reading(one) as again:
        await again.has(3)
        await owed(one, 0)
        assert sorted(again.ids) == sorted(late)


async def test_a_node_that_was_taken_for_dead_leaves_its_binds_to_the_one_that_delivers_now(doors: tuple[Door, Door]):
    one, other = doors
    await one.change(settings={"binds_max": BINDS + 1})
    async with reading(one, never) as first, reading(other, never) as last:
        await until(lambda: deliver(one) or deliver(other))
        was, now = (one, other) if deliver(one) else (other, one)
        silent, told = (first, last) if was is one else (last, first)
        before = was.app.owners.node_id
        await was.app.store.leave(before)  # as when its row has run out
        name = f"customer:{was.credential_id}"
        await now.app.store.take_leases([name], now.app.owners.node_id, now.app.clock.now_us())
        now.app.owners.wake()
        await until(lambda: deliver(now) and not deliver(was) and was.app.owners.node_id != before)
        async with now.bound(BIND_TRANSMITTER) as sender:
            for _ in range(3):
                await sender.submit(**ALL)
        await told.has(3)
        was.app.deliveries._told([was.credential_id])
        await asyncio.gather(*was.app.deliveries._tasks)
        await silent.one.submit()  # is refused, after whatever was sent before
        assert silent.got == []
