"""A primary with a synchronous standby, as Patroni keeps them: every commit waits for both."""

import asyncio
import time

import asyncpg

from tests.pg import Server, make_template

_PATIENCE_S = 60.0


class Pair:
    """Two servers under one URL, which names both: whoever needs to write finds the one that takes writes."""

    def __init__(self) -> None:
        self.primary = Server(durable=True)
        self.standby: Server | None = None

    def start(self) -> None:
        self.primary.start()
        asyncio.run(make_template(self.primary.url))  # before there is a standby that it would have to wait for
        self.standby = Server(durable=True, copy_of=self.primary)
        self.standby.start()
        asyncio.run(self._synchronize())

    async def _synchronize(self) -> None:
        """From now on a commit is one when the standby has it too."""
        connection = await asyncpg.connect(self.primary.url)
        try:
            await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            await connection.execute("SELECT pg_reload_conf()")
            deadline = time.monotonic() + _PATIENCE_S
            while await connection.fetchval("SELECT sync_state FROM pg_stat_replication") != "sync":
                if time.monotonic() > deadline:
                    raise TimeoutError("the standby does not follow")
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    @property
    def url(self) -> str:
        assert self.standby is not None
        return f"postgresql://whimbrel@127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}/postgres"

    async def fail_over(self, away_s: float = 0.0) -> None:
        """The primary is killed, and the standby takes its place so much later."""
        assert self.standby is not None
        await asyncio.to_thread(self.primary.kill)
        await asyncio.sleep(away_s)
        connection = await asyncpg.connect(self.standby.url)
        try:
            assert await connection.fetchval("SELECT pg_promote()")
        finally:
            await connection.close()

    def remove(self) -> None:
        for server in (self.standby, self.primary):
            if server is not None:
                server.remove()
