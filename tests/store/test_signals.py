"""Signals between nodes over LISTEN and NOTIFY, on a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import asyncpg
import pytest

from whimbrel.base.clock import SeededChance
from whimbrel.base.limits import SIGNAL_DETAILS_MAX, SIGNAL_OCTETS_MAX
from whimbrel.store.postgresql import signals as module
from whimbrel.store.postgresql.signals import PostgresSignals, _add, payloads
from whimbrel.store.signals import LocalSignals, Topic

DEADLINE_S = 60.0


class Node:
    """One process's signals, what it heard, and its connections."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self.connections: list[asyncpg.Connection] = []
        self.heard: list[tuple[str, str]] = []
        self.signals = PostgresSignals(self._connect, SeededChance(seed))
        for topic in ("events", "queue", "config"):
            self.signals.subscribe(topic, lambda detail, topic=topic: self.heard.append((topic, detail)))

    async def _connect(self) -> asyncpg.Connection:
        self.connections.append(await asyncpg.connect(self._url))
        return self.connections[-1]

    async def started(self) -> None:
        await self.signals.start()
        await self.told_everything()

    async def told_everything(self) -> None:
        """What is heard after each connect."""
        await until(lambda: ("config", "") in self.heard)
        self.heard.clear()


async def until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@pytest.fixture
async def nodes(empty_postgres: str) -> AsyncIterator[tuple[Node, Node]]:
    made = Node(empty_postgres, 1), Node(empty_postgres, 2)
    for node in made:
        await node.started()
    yield made
    for node in made:
        await node.signals.stop()


async def test_the_others_hear_and_the_sender_does_not(nodes: tuple[Node, Node]):
    one, other = nodes
    one.signals.send("queue", "CR1")
    one.signals.send("events")
    await until(lambda: len(other.heard) == 2)
    assert sorted(other.heard) == [("events", ""), ("queue", "CR1")]
    other.signals.send("config", "keys,accounts")
    await until(lambda: bool(one.heard))
    assert one.heard == [("config", "keys,accounts")]
    assert len(other.heard) == 2


async def test_what_is_sent_at_once_is_one_transaction(nodes: tuple[Node, Node], empty_postgres: str):
    one, other = nodes
    watching = await asyncpg.connect(empty_postgres)
    count = "SELECT pg_current_xact_id()::text::bigint"
    before = await watching.fetchval(count)
    for number in range(500):
        one.signals.send("queue", f"CR{number % 20}")
        one.signals.send("events")
    await until(lambda: len(other.heard) == 21)
    assert await watching.fetchval(count) - before <= 3  # the second look is one itself
    assert sorted(set(other.heard)) == sorted(other.heard)
    await watching.close()


@pytest.mark.parametrize("broken", ["backend", "socket"])
async def test_a_lost_connection_is_made_again_and_everything_is_looked_at(
    nodes: tuple[Node, Node], empty_postgres: str, broken: str
):
    one, other = nodes
    if broken == "backend":
        pid = other.connections[-1].get_server_pid()
        watching = await asyncpg.connect(empty_postgres)
        await watching.execute("SELECT pg_terminate_backend($1)", pid)
        await watching.close()
    else:
        other.connections[-1]._transport.abort()
    await other.told_everything()
    one.signals.send("queue", "CR1")
    await until(lambda: bool(other.heard))
    assert other.heard == [("queue", "CR1")]


async def test_what_could_not_be_sent_is_sent_after_the_next_connect(nodes: tuple[Node, Node]):
    one, other = nodes
    one.connections[-1]._transport.abort()
    one.signals.send("queue", "CR1")
    await until(lambda: ("queue", "CR1") in other.heard)


async def test_what_was_said_last_is_heard(empty_postgres: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_LAST_S", DEADLINE_S)  # to connect takes a busy machine longer than a command waits
    other, leaving = Node(empty_postgres, 1), Node(empty_postgres, 2)
    await other.started()
    await leaving.signals.start()  # as a command does: it changes something and is gone
    leaving.signals.send("config", "keys")
    await leaving.signals.stop()
    await until(lambda: other.heard == [("config", "keys")])
    await other.signals.stop()


async def test_a_server_that_is_away_is_tried_again(empty_postgres: str):
    node = Node(empty_postgres, 1)
    working = node._connect
    attempts = 0

    async def away() -> asyncpg.Connection:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ConnectionRefusedError("nobody there")
        return await working()

    node.signals = PostgresSignals(cast("Callable[[], Awaitable[asyncpg.Connection]]", away), SeededChance(1))
    node.signals.subscribe("config", lambda detail: node.heard.append(("config", detail)))
    await node.started()
    assert attempts == 3
    await node.signals.stop()


async def test_one_who_fails_does_not_keep_others_from_hearing(nodes: tuple[Node, Node]):
    one, other = nodes
    later: list[str] = []

    def fail(_: str) -> None:
        raise ValueError

    other.signals.subscribe("leases", fail)
    other.signals.subscribe("leases", later.append)
    one.signals.send("leases", "x")
    await until(lambda: later == ["x"])


def test_too_many_details_become_none_and_each_text_fits():
    pending: dict[Topic, set[str]] = {}
    for number in range(SIGNAL_DETAILS_MAX):
        _add(pending, "queue", f"{number:04d}" + "x" * 300)
    _add(pending, "config", "y" * SIGNAL_OCTETS_MAX)
    texts = list(payloads("sender", pending))
    assert len(texts) > 1
    assert max(len(text.encode()) for text in texts) <= SIGNAL_OCTETS_MAX
    lines = [line for text in texts for line in text.split("\n")[1:]]
    assert len(lines) == SIGNAL_DETAILS_MAX + 1
    assert lines[-1] == "config"
    _add(pending, "queue", "one more")
    assert pending["queue"] == {""}
    _add(pending, "queue", "after it")
    assert pending["queue"] == {""}
    assert list(payloads("sender", {})) == []


async def test_alone_nobody_hears():
    signals = LocalSignals()
    heard: list[str] = []
    await signals.start()
    signals.subscribe("events", heard.append)
    signals.send("events")
    await signals.stop()
    assert not heard
