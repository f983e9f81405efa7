"""The executor of a process beside the store process: it writes over the link and reads the file itself, on connections
that cannot write.
"""

import asyncio
from collections.abc import Callable, Mapping

import apsw

from whimbrel.store.interface import Node
from whimbrel.store.migrations import Dialect
from whimbrel.store.script import P, Script, T
from whimbrel.store.signals import Heard, Signals, Topic
from whimbrel.store.sqlite.backup import backup
from whimbrel.store.sqlite.connect import open_reader
from whimbrel.store.sqlite.jobs import Jobs
from whimbrel.store.sqlite.link import StoreLink
from whimbrel.store.sqlite.reader import Reader
from whimbrel.store.sqlite.runner import Runner
from whimbrel.store.sqlite.schema import check_usable
from whimbrel.store.statements import for_sqlite
from whimbrel.store.verbs import leases


class RemoteExecutor:
    """`path`: the database file, which the store process at the other end of `link` owns."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: str, link: StoreLink, *, readers: int = 1) -> None:
        self._path = path
        self._link = link
        self._readers_wanted = readers
        self._connections: list[apsw.Connection] = []
        self._readers: list[Reader] = []
        self._reads = Jobs()
        self.signals: Signals = LinkSignals(link)

    async def start(self) -> None:
        """SchemaError or StoreError, with what to do, when the file or its store process cannot be used."""
        await self._link.start()
        await asyncio.to_thread(self._open)
        loop = asyncio.get_running_loop()
        for reader in self._readers:
            reader.start(loop)

    async def stop(self) -> None:
        """Finish what was handed in, then leave."""
        try:
            await self._link.stop()
        finally:
            await asyncio.to_thread(self._close)

    def write(self, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        assert not kwargs, "arguments of a verb go to the store process in their order"
        if verb is leases.join:
            (node,) = args
            assert isinstance(node, Node)
            self._link.leave_will(leases.leave, (node.id,))
        return self._link.call(verb, args)

    def read(self, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        return self._reads.submit(verb, args, kwargs)

    def report(
        self, account_id: str | None, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        return self._reads.submit(verb, args, kwargs)

    def hanging_s(self) -> float:
        """Nothing: who writes next hangs behind it."""
        return 0.0

    async def tend(self, before_us: Mapping[str, int]) -> Mapping[str, int]:
        """All of it is deleted row by row."""
        return before_us

    async def backup(self, path: str) -> None:
        """A compact copy, read on a connection of its own."""
        await asyncio.to_thread(backup, self._path, path)

    def _open(self) -> None:
        for _ in range(self._readers_wanted):
            connection = open_reader(self._path)
            self._connections.append(connection)
            statements = for_sqlite(check_usable(connection).names)
            self._readers.append(Reader(Runner(connection, statements), self._reads))

    def _close(self) -> None:
        self._reads.close()
        for reader in self._readers:
            reader.join()
        while self._connections:
            self._connections.pop().close()


class LinkSignals:
    """Signals between the processes of one store process. `events` comes from the store process itself, after each
    commit."""

    is_alone = False

    def __init__(self, link: StoreLink) -> None:
        self._link = link

    async def start(self) -> None:
        """The executor connects the link."""

    async def stop(self) -> None:
        """The executor closes it."""

    def send(self, topic: Topic, detail: str = "") -> None:
        if topic != "events":
            self._link.send(topic, detail)

    def subscribe(self, topic: Topic, heard: Heard) -> None:
        self._link.subscribe(topic, heard)
