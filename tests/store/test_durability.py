"""What was acknowledged survives kill -9, whole; what was not is there whole or not at all."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from store_samples import ACCOUNT, balance

from whimbrel.domain.model import Event, Message
from whimbrel.store.interface import Search
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore

CHILD = Path(__file__).with_name("durable_child.py")
PRICE = 10_000


def killed(database: str, after_lines: int) -> tuple[set[str], set[int]]:
    """Run the child until it has acknowledged so much, kill it in the middle of its work; what it acknowledged."""
    with subprocess.Popen([sys.executable, CHILD, database], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(after_lines)]
        child.kill()
        lines += child.stdout.readlines()
    assert child.returncode == -9
    whole = [line.split() for line in lines if line.endswith("\n")]
    accepted = {message_id for line in whole if line[0] == "accepted" for message_id in line[1:]}
    claimed = {int(attempt) for line in whole if line[0] == "claimed" for attempt in line[1:]}
    return accepted, claimed


async def read_all(store: SqlStore) -> list[Message]:
    found: list[Message] = []
    while page := await store.search(Search(ACCOUNT, False, before_id=found[-1].id if found else None), 1000):
        found.extend(page)
    return found


async def all_events(store: SqlStore) -> list[Event]:
    found: list[Event] = []
    while page := await store.events_after(found[-1].position if found else 0, 1000):
        found.extend(page)
    return found


@pytest.mark.parametrize("after_lines", [1, 7, 40, 101, 230])
async def test_nothing_acknowledged_is_lost(database: str, after_lines: int):
    accepted, claimed = killed(database, after_lines)
    assert accepted
    store = SqlStore(SqliteExecutor(database))
    await store.start()
    try:
        messages = {message.id: message for message in await read_all(store)}
        assert accepted <= messages.keys()
        owed = {row.attempt: row.message_id for row in await store.unanswered()}
        assert claimed <= owed.keys()
        await check_whole(store, messages, set(owed.values()))
    finally:
        await store.stop()


async def check_whole(store: SqlStore, messages: dict[str, Message], claimed: set[str]) -> None:
    """Each message with its place, its attempts, its events and its money, whether it was acknowledged or not."""
    sending = {message.id for message in messages.values() if message.state == "sending"}
    queued = {message.id for message in messages.values() if message.state == "queued"}
    assert sending == claimed
    assert sending | queued == messages.keys()
    lane = next(iter(messages.values())).candidates.split()[0]
    assert {item.id for item in await store.waiting(lane, 10**6)} == queued
    told = Counter(event.subject_id for event in await all_events(store))
    assert told == {message.id: message.seq for message in messages.values()}
    _, held, _ = await balance(store)
    assert held == PRICE * len(messages)
