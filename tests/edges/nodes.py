"""Two nodes of one installation: two applications, each with its doors, on one PostgreSQL or on one file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec

from tests.edges.edge_rig import LOCAL, Edge, until
from tests.lite import with_schema
from whimbrel.app import App
from whimbrel.base.clock import Clock
from whimbrel.base.place import STORE, Place
from whimbrel.config import Settings, Smpp
from whimbrel.store.signals import LocalSignals
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.sqlite.serving import StoreServer
from whimbrel_sandbox.serve import running
from whimbrel_sandbox.settings import Settings as SandboxSettings

KEY = bytes(range(32))
RUN = 7


class Nodes(NamedTuple):
    """`here` is where things are changed, `there` the other one."""

    here: Edge
    there: Edge

    @property
    def owner(self) -> Edge:
        """The one that has the carrier."""
        (carrier_id,) = self.here.app.tables.carriers
        return self.here if self.here.app.worker.lane(carrier_id) is not None else self.there

    @property
    def other(self) -> Edge:
        """The one that has not."""
        return self.there if self.owner is self.here else self.here


class Held:
    """A verb of one node's store that waits, once, until a test lets it go on: its arguments were made before."""

    def __init__(self, edge: Edge, verb: str) -> None:
        self._store, self._verb = edge.app.store, verb
        self._do = getattr(self._store, verb)
        self.came, self._go_on = asyncio.Event(), asyncio.Event()

    def __enter__(self) -> "Held":
        setattr(self._store, self._verb, self._held)
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()

    def go_on(self) -> None:
        setattr(self._store, self._verb, self._do)
        self._go_on.set()

    async def _held(self, *args: Any) -> Any:
        self.came.set()
        await self._go_on.wait()
        return await self._do(*args)


class Deaf(LocalSignals):
    """Of a process that shares its database, and hears nothing."""

    is_alone = False


@asynccontextmanager
async def shared_file(folder: Path) -> AsyncIterator[list[dict[str, Any]]]:
    """What two applications are made with that share an SQLite file, beside the process that owns it."""
    path = with_schema(folder / "whimbrel.db")
    executor = SqliteExecutor(path, readers=0, on_commit=lambda _: server.committed())
    server = StoreServer(executor, str(folder / STORE), run=RUN)
    await executor.start()
    await server.start()
    names = ("1", "2")
    try:
        yield [
            {
                "settings": Settings(database=f"sqlite:///{path}"),
                "place": Place(name, str(folder), (*(each for each in names if each != name), STORE), RUN, number),
            }
            for number, name in enumerate(names, start=2)
        ]
    finally:
        await server.stop()
        await executor.stop()


@asynccontextmanager
async def two_nodes(
    folder: Path, url: str = "", *, deaf: bool = False, clocks: tuple[Clock | None, Clock | None] = (None, None)
) -> AsyncIterator[Nodes]:
    """Started, with a customer, and the simulator as the carrier of everything. Without the URL of a PostgreSQL they
    share a file."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running(SandboxSettings(smpp_port=0, http_port=None, seed=1)))
        made = (
            [{"settings": Settings(database=url)}] * 2 if url else await stack.enter_async_context(shared_file(folder))
        )
        edges = []
        for number, (clock, given) in enumerate(zip(clocks, made, strict=True)):
            settings = msgspec.structs.replace(given["settings"], webhooks=LOCAL, smpp=Smpp(port=0, bind_deadline_s=60))
            server = msgspec.structs.replace(settings.server, data=str(folder / str(number)), port=0)
            app = App(
                **given | {"settings": msgspec.structs.replace(settings, server=server)}, master_key=KEY, clock=clock
            )
            if deaf:
                app.store.signals = Deaf()
            await app.start()
            stack.push_async_callback(app.stop)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            edges.append(Edge(app, simulator, http))
        here, there = edges
        await here.seed()
        there.customer, there.operator = here.customer, here.operator
        await there.app.tables.current()
        nodes = Nodes(here, there)
        await until(lambda: any(h.binds_up for edge in nodes for h in edge.app.worker.health().values()))
        yield nodes
