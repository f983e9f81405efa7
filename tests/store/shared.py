"""The executor of a process beside the store process, with the store process's part in the same process."""

from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.sqlite.link import StoreLink
from whimbrel.store.sqlite.remote import RemoteExecutor
from whimbrel.store.sqlite.serving import StoreServer
from whimbrel.store.sqlite.wire import session_of

RUN = 7


class Owner:
    """What the store process does; it can be taken away and brought back."""

    def __init__(self, database: str, address: str) -> None:
        self._database, self.address = database, address

    async def start(self) -> None:
        self.executor = SqliteExecutor(self._database, readers=0, on_commit=lambda _: self.server.committed())
        await self.executor.start()
        self.server = StoreServer(self.executor, self.address, run=RUN)
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()
        await self.executor.stop()


class SharedExecutor(RemoteExecutor):
    """Brings its owner with it."""

    def __init__(self, database: str) -> None:
        self._owner = Owner(database, f"{database}.socket")
        super().__init__(database, StoreLink(self._owner.address, session_of(RUN, 1)))

    async def start(self) -> None:
        await self._owner.start()
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        await self._owner.stop()
