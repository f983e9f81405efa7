"""A node beside the store under test: a transaction that is open for as long as a test wants, and the verbs in it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from whimbrel.store.postgresql.connect import connect
from whimbrel.store.postgresql.runner import Runner
from whimbrel.store.postgresql.statements import for_postgresql
from whimbrel.store.script import Script

T = TypeVar("T")
STATEMENTS = for_postgresql()
DEADLINE_S = 60.0


class Node:
    """A transaction of another node, and the verbs that it runs there."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.runner = Runner(connection, STATEMENTS, {})

    @classmethod
    async def beside(cls, url: str) -> "Node":
        """On a connection as the product makes it, but for how long it may hold a transaction open, or wait in it."""
        connection = await connect(url, hot=True)
        await connection.execute("SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0")
        return cls(connection)

    async def run(self, script: Script[T]) -> T:
        """In the open transaction; begins one when there is none."""
        if not self.connection.is_in_transaction():
            self.runner.begin()
            await self.connection.execute("BEGIN")
        return await self.runner.run(script)

    async def commit(self) -> None:
        await self.runner.settle()
        await self.connection.execute("COMMIT")

    async def roll_back(self) -> None:
        await self.connection.execute("ROLLBACK")

    async def whole(self, script: Script[T]) -> T:
        """Run and commit."""
        result = await self.run(script)
        await self.commit()
        return result


async def waiting(node: Node, work: Coroutine[Any, Any, T], watcher: Node) -> "asyncio.Task[T]":
    """What a node does, once it waits for a lock that somebody else has."""
    task = asyncio.create_task(work)
    pid = node.connection.get_server_pid()
    asks = "SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted"
    async with asyncio.timeout(DEADLINE_S):
        while not await watcher.connection.fetchval(asks, pid):
            assert not task.done(), f"it did not wait: {task}"
            await asyncio.sleep(0.002)
    return task
