"""A mover in a process of its own, to be killed: `python -m tests.cells.mover EU US` goes on with the moves out of the
first database until all are done. WHIMBREL_FAULT says where it dies.
"""

import asyncio
import sys

from whimbrel.base.clock import SystemChance, SystemClock
from whimbrel.journey.moving import Moving
from whimbrel.store.moving import Moves
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore

_WAIT_US = 200_000


async def main(here_url: str, there_url: str) -> None:
    """Until there is nothing to do."""
    clock = SystemClock()
    executors = [PostgresExecutor(url, readers=1, clock=clock) for url in (here_url, there_url)]
    stores = [SqlStore(executor) for executor in executors]
    for store in stores:
        await store.start()
    here, there = (Moves(executor) for executor in executors)
    moving = Moving(
        name="eu",
        here=here,
        there=lambda _: there,
        clock=clock,
        chance=SystemChance(),
        events_before=lambda now: 0,
        settle_us=_WAIT_US,
        late_us=_WAIT_US,
    )
    while not await moving.look():  # noqa: ASYNC110 - it looks, and is not told
        await asyncio.sleep(0.05)
    for store in stores:
        await store.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
