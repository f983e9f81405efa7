"""A store process for `test_shared_file.py` to kill: `store_child.py DATABASE ADDRESS RUN`."""

import asyncio
import sys

from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.sqlite.serving import StoreServer
from whimbrel.store.store import SqlStore  # its verbs, by name


async def main(database: str, address: str, run: int) -> None:
    executor = SqliteExecutor(database, readers=0, on_commit=lambda _: server.committed())
    server = StoreServer(executor, address, run=run)
    await executor.start()
    await server.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    assert SqlStore
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
