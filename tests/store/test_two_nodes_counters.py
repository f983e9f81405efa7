"""Two nodes at once on PostgreSQL that count the same people, hold the same balances and end messages: all lock in one
order, so no commit has to wait a second for the server to find a deadlock, and to begin again.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import asyncpg
from node import DEADLINE_S
from store_samples import ACCOUNT, NOW, OTHER_ACCOUNT, message

from whimbrel.base.clock import ManualClock
from whimbrel.domain.model import Flag, Message
from whimbrel.domain.states import CANCELED, QUEUED, SCHEDULED
from whimbrel.store.interface import Counted, Due, Ending, Submission
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore

ROUNDS = 12
AT_ONCE = 6
PEOPLE = 8
PRICE = 10
MOVED = "sum(CASE kind WHEN 'hold' THEN amount_micros WHEN 'release' THEN -amount_micros ELSE 0 END)"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def counted(each: Message) -> Counted:
    return Counted(each.account_id, each.test, each.recipient_hash, 0, each.id, NOW, 1)


def texts(chance: random.Random, state: str) -> list[Message]:
    """To some people, each in an order of his own."""
    people = chance.sample(range(1, PEOPLE + 1), 3)
    account = chance.choice([ACCOUNT, OTHER_ACCOUNT])
    return [
        message(
            account_id=account, recipient_hash=each, flags=Flag.COUNTED, price_micros=PRICE, state=state, due_at=NOW
        )
        for each in people
    ]


async def uncounted(store: SqlStore, messages: Sequence[Message]) -> None:
    await store.accept([Submission(tuple(messages))])


async def accepts(store: SqlStore, chance: random.Random) -> None:
    """Whoever was counted meanwhile is planned again by others; here his counter and his balance were locked."""
    lists = [texts(chance, QUEUED) for _ in range(AT_ONCE)]
    made = [Submission(tuple(each), counted=tuple(map(counted, each))) for each in lists]
    await asyncio.gather(*(store.accept([each]) for each in made))


async def sweeps(store: SqlStore, chance: random.Random, lists: Sequence[Sequence[Message]]) -> None:
    """Some fall due at a higher price, some are canceled."""
    work: list[asyncio.Future[Any]] = []
    for messages in chance.sample([*lists], AT_ONCE):
        if chance.random() < 0.5:
            ends = [Ending(each.id, (SCHEDULED,), CANCELED, "canceled", NOW) for each in messages]
            work.append(asyncio.ensure_future(store.finish(ends)))
        else:
            due = [Due(each.id, each.candidates, each.route_id, 2 * PRICE, 0, NOW) for each in messages]
            work.append(asyncio.ensure_future(store.enqueue(due)))
    await asyncio.gather(*work)


async def test_those_who_accept_and_those_who_sweep_meet_no_deadlock(third: SqlStore, postgres: str) -> None:
    fourth = SqlStore(PostgresExecutor(postgres, clock=ManualClock(NOW)))
    await fourth.start()
    chance = random.Random(4)
    try:
        for _ in range(ROUNDS):
            lists = [texts(chance, SCHEDULED) for _ in range(4 * AT_ONCE)]
            for each in lists:
                await uncounted(third, each)
            async with asyncio.timeout(2 * DEADLINE_S):
                await asyncio.gather(
                    *(accepts(store, chance) for store in (third, fourth)),
                    sweeps(third, chance, lists[: 2 * AT_ONCE]),
                    sweeps(fourth, chance, lists[2 * AT_ONCE :]),
                )
    finally:
        await fourth.stop()
    connection = await asyncpg.connect(postgres)
    assert await connection.fetchval(DEADLOCKS) == 0
    sums = ("sum(held) FROM balances", "sum(held_micros) FROM messages", f"{MOVED} FROM ledger")
    assert len({await connection.fetchval(f"SELECT {each}") for each in sums}) == 1
    await connection.close()
