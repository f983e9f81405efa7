"""A process for `test_durability.py` to kill: accepts and claims as fast as it can and says on its standard output what
was acknowledged, one line each, after the acknowledgement."""

import asyncio
import sys

from store_samples import ACCOUNT, CARRIER, NOW, SECOND, many, top_up

from whimbrel.store.interface import Claim, Submission
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore

LIST = 20
STREAMS = 8


async def stream(store: SqlStore) -> None:
    """Lists, accepted and then claimed, for ever."""
    while True:
        messages = many(LIST)
        ids = " ".join(message.id for message in messages)
        await store.accept([Submission(tuple(messages))])
        say(f"accepted {ids}")
        numbers = await store.claim([Claim(message.id, CARRIER, 1, 99, NOW + SECOND) for message in messages])
        say(f"claimed {' '.join(str(attempt) for (attempt,) in numbers)}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(path: str) -> None:
    store = SqlStore(SqliteExecutor(path))
    await store.start()
    await store.write(top_up(ACCOUNT, 10**15))
    await asyncio.gather(*(stream(store) for _ in range(STREAMS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
