"""A store process for `test_shared_file.py` to kill: `store_child.py DATABASE ADDRESS RUN`."""

import asyncio
import sys

import whimbrel.store.store  # noqa: F401 - its verbs, by name
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.sqlite.serving import StoreServer


async def main(database: str, address: str, run: int) -> None:
    executor = SqliteExecutor(database, readers=0, on_commit=lambda _: server.committed())
    server = StoreServer(executor, address, run=run)
    await executor.start()
    await server.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
