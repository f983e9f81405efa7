"""Signals over LISTEN and NOTIFY, on a connection of their own.

A NOTIFY inside of a transaction takes a lock over the whole server until it has committed, so none stands in a hot
transaction: what is sent within some milliseconds is gathered, and goes in a transaction of this connection that has
nothing else to write. It needs not be durable either (`synchronous_commit` is off here): a signal carries no truth.

Whatever breaks, the connection is made anew, with longer and longer rests. What was sent meanwhile was not heard then,
so all who listen are told to look at everything, and what could not be sent is sent.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, cast, get_args

import asyncpg

from whimbrel.base.clock import Chance
from whimbrel.base.limits import SIGNAL_DETAILS_MAX, SIGNAL_OCTETS_MAX
from whimbrel.store.errors import StoreError
from whimbrel.store.signals import Heard, Topic

Connect = Callable[[], Awaitable[asyncpg.Connection]]

CHANNEL: Final = "whimbrel"
_SEND: Final = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"
_GATHER_S: Final = 0.008
_TIMEOUT_S: Final = 5.0  # for each step on the connection
_LAST_S: Final = 0.5  # for what waits when we stop
_IDLE_S: Final = 10.0  # a connection on which nothing is sent for so long is asked whether it is still there
_REST_S: Final = 0.1  # after the first failure; doubled after each further one
_REST_MAX_S: Final = 5.0
_TOPICS: Final = frozenset(get_args(Topic))
_BROKEN: Final = (StoreError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

_log = logging.getLogger("whimbrel.signals")


class PostgresSignals:
    """Implements `store.signals.Signals`. `connect` makes a connection that is used for nothing else."""

    is_alone = False

    def __init__(self, connect: Connect, chance: Chance) -> None:
        self._connect = connect
        self._chance = chance
        self._own = chance.octets(8).hex()  # a pooler may hide whose backend it is, so the pid would not do
        self._heard: defaultdict[Topic, list[Heard]] = defaultdict(list)
        self._pending: dict[Topic, set[str]] = {}
        self._wanted = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Send what waits, if that is quick, and close the connection."""
        if self._task is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_S):
                    await self._all_sent.wait()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def send(self, topic: Topic, detail: str = "") -> None:
        """Tell all other processes, some milliseconds from now."""
        _add(self._pending, topic, detail)
        self._all_sent.clear()
        self._wanted.set()

    def subscribe(self, topic: Topic, heard: Heard) -> None:
        """Call `heard(detail)` for each signal of others, and with an empty detail after each connect."""
        self._heard[topic].append(heard)

    # ---------------------------------------------------------------- the connection

    async def _run(self) -> None:
        rest_s = _REST_S
        while True:
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    connection = await self._connect()
                rest_s = _REST_S
                await self._use(connection)
            except _BROKEN as error:
                _log.warning("signals to the other nodes are interrupted", extra={"error": repr(error)})
            except Exception:
                _log.exception("signals to the other nodes failed; connecting again")
            await asyncio.sleep(rest_s * self._chance.uniform(0.5, 1.5))
            rest_s = min(_REST_MAX_S, 2 * rest_s)

    async def _use(self, connection: asyncpg.Connection) -> None:
        """Until it breaks."""
        try:
            connection.add_termination_listener(self._lost)
            await connection.execute("SET synchronous_commit = off", timeout=_TIMEOUT_S)
            async with asyncio.timeout(_TIMEOUT_S):
                await connection.add_listener(CHANNEL, self._received)
            for topic in self._heard:
                self._tell(topic, "")
            while not connection.is_closed():
                await self._send(connection)
        finally:
            connection.terminate()

    def _lost(self, _: Any) -> None:
        self._wanted.set()

    async def _send(self, connection: asyncpg.Connection) -> None:
        """What was gathered; or, when there was nothing for a while, something to see whether anybody is there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_IDLE_S):
                await self._wanted.wait()
            await asyncio.sleep(_GATHER_S)
        self._wanted.clear()
        taken, self._pending = self._pending, {}
        try:
            await connection.execute(_SEND, CHANNEL, list(payloads(self._own, taken)), timeout=_TIMEOUT_S)
        except BaseException:
            for topic, details in taken.items():
                for detail in details:
                    _add(self._pending, topic, detail)
            self._wanted.set()
            raise
        if not self._pending:
            self._all_sent.set()

    # ---------------------------------------------------------------- what comes

    def _received(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        sender, *lines = payload.split("\n")
        if sender == self._own:
            return
        for line in lines:
            topic, _, detail = line.partition(" ")
            if topic in _TOPICS:  # a newer version may have more of them
                self._tell(cast("Topic", topic), detail)

    def _tell(self, topic: Topic, detail: str) -> None:
        for heard in self._heard[topic]:
            try:
                heard(detail)
            except Exception:
                _log.exception("a signal was not taken", extra={"topic": topic})


def _add(pending: dict[Topic, set[str]], topic: Topic, detail: str) -> None:
    """An empty detail stands for all, and so do too many."""
    details = pending.setdefault(topic, set())
    if "" in details:
        return
    if not detail or len(details) >= SIGNAL_DETAILS_MAX:
        details.clear()
        detail = ""
    details.add(detail)


def payloads(sender: str, pending: dict[Topic, set[str]]) -> Iterator[str]:
    """The texts to notify with: a line for the sender and one for each signal, as many as fit into each."""
    lines = [f"{topic} {detail}".rstrip() for topic, details in pending.items() for detail in sorted(details)]
    text = sender
    for line in _fitting(lines, SIGNAL_OCTETS_MAX - len(sender) - 1):
        if len(text.encode()) + 1 + len(line.encode()) > SIGNAL_OCTETS_MAX:
            yield text
            text = sender
        text = f"{text}\n{line}"
    if text != sender:
        yield text


def _fitting(lines: Iterable[str], octets: int) -> Iterator[str]:
    """A detail that is too long by itself is not told: its topic is."""
    for line in lines:
        yield line if len(line.encode()) <= octets else line.partition(" ")[0]
