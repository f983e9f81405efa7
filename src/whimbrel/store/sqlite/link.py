"""A process's connection to the store process: calls out, answers and signals in, made again whenever it is lost.

A call that was sent and not answered when the connection was lost is sent again, and is done once (see `serving.py`);
whoever waits for it waits as long as it takes, for its outcome is not known before. A call that was never sent may be
given up: nothing of it was stored.
"""

import asyncio
import heapq
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import msgspec

from whimbrel.store import errors
from whimbrel.store.errors import CommitUnknown, StoreError, StoreStopped
from whimbrel.store.script import Script
from whimbrel.store.signals import Heard, Topic
from whimbrel.store.sqlite.frames import FrameProtocol
from whimbrel.store.sqlite.wire import (
    Call,
    Done,
    Failed,
    Hello,
    Signal,
    Verb,
    Will,
    encode,
    frame,
    name_of,
    read_by_client,
    verb,
)

_log = logging.getLogger("whimbrel.store")
START_S: Final = 15.0
"""How long a start waits for the store process."""
AWAY_S: Final = 3.0
"""How long a call waits to be sent: the store process is back in less, or does not come back soon."""
_AGAIN_S: Final = 0.05


class ScriptFailed(Exception):
    """A script failed in the store process; nothing of it was stored. The message has the error's kind."""


class _Pending:
    """A call without its answer."""

    __slots__ = ("args", "future", "number", "sent", "slot", "verb")

    def __init__(self, number: int, slot: int, verb: Verb, args: msgspec.Raw, future: asyncio.Future[Any]) -> None:
        self.number = number
        self.slot = slot
        self.verb = verb
        self.args = args
        self.future = future
        self.sent = False


class StoreLink:
    """The link of the process that has this `session` to the store process at `address`."""

    def __init__(self, address: str, session: int) -> None:
        self._address = address
        self._session = session
        self._number = 0
        self._pending: dict[int, _Pending] = {}
        self._free: list[int] = []  # slots that were used before
        self._slots = 0
        self._heard: defaultdict[str, list[Heard]] = defaultdict(list)
        self._connection: _Connection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False
        self._will: bytes = b""
        self._idle = asyncio.Event()

    async def start(self) -> None:
        """Connect. StoreError when nobody answers for START_S."""
        self._connecting = asyncio.get_running_loop().create_task(self._connect())
        await asyncio.wait((self._connecting,), timeout=START_S)
        if self._connection is None:
            self._connecting.cancel()
            raise StoreError(f"no store process answers at {self._address}")

    async def stop(self) -> None:
        """Wait for the calls that were sent, then close. Others fail."""
        self._closed = True
        for pending in [each for each in self._pending.values() if not each.sent]:
            self._end(pending, StoreStopped("the store is stopped"))
        try:
            while self._pending:
                self._idle.clear()
                await self._idle.wait()
        finally:
            for pending in list(self._pending.values()):
                self._end(pending, CommitUnknown("this process ends without the store process's answer"))
            if self._connecting is not None:
                self._connecting.cancel()
            if self._connection is not None:
                await self._connection.closed()

    def call(self, script: Callable[..., Script[Any]], args: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Run a verb in the store process. StoreError when it is away, ScriptFailed when the verb fails."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if self._closed:
            future.set_exception(StoreStopped("the store is stopped"))
            return future
        name = name_of(script)
        self._number += 1
        pending = _Pending(self._number, self._slot(), verb(name), msgspec.Raw(encode(args)), future)
        self._pending[pending.number] = pending
        if self._connection is not None:
            self._send(self._connection, name, pending)
        else:
            loop.call_later(AWAY_S, self._give_up, pending)
        return future

    def leave_will(self, script: Callable[..., Script[Any]], args: tuple[Any, ...]) -> None:
        """Have the store process run a verb once this process is gone, in place of the one left before."""
        self._will = frame(Will(name_of(script), msgspec.Raw(encode(args))))
        if self._connection is not None:
            self._connection.send(self._will)

    def send(self, topic: Topic, detail: str) -> None:
        """Tell all other processes; nobody, while the store process is away."""
        if self._connection is not None:
            self._connection.send(frame(Signal(topic, detail)))

    def subscribe(self, topic: Topic, heard: Heard) -> None:
        """Call `heard(detail)` for each signal, and with nothing after signals may have been missed."""
        self._heard[topic].append(heard)

    def answered(self, said: Done | Failed | Signal) -> None:
        """A frame of the store process."""
        if isinstance(said, Signal):
            for heard in self._heard[said.topic]:
                heard(said.detail)
            return
        pending = self._pending.get(said.number)
        if pending is None:
            return
        if isinstance(said, Failed):
            self._end(pending, _error(said))
            return
        try:
            result = pending.verb.result(said.result)
        except msgspec.MsgspecError as error:
            self._end(pending, error)
        else:
            self._end(pending, None, result)

    def lost(self) -> None:
        """The connection is gone."""
        self._connection = None
        if not self._closed or self._pending:
            _log.warning("the store process is away", extra={"calls": len(self._pending)})
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, made = await loop.create_unix_connection(lambda: _Connection(self), self._address)
            except OSError:
                await asyncio.sleep(_AGAIN_S)
            else:
                self._resume(made)
                return

    def _resume(self, connection: "_Connection") -> None:
        """Everything without an answer, in its order, before anything new."""
        connection.send(frame(Hello(self._session)) + self._will)
        self._connection = connection
        for pending in list(self._pending.values()):
            self._send(connection, name_of(pending.verb.script), pending)
        for every in self._heard.values():
            for heard in every:
                heard("")

    def _send(self, connection: "_Connection", name: str, pending: _Pending) -> None:
        again, pending.sent = pending.sent, True
        connection.send(frame(Call(pending.number, pending.slot, again, name, pending.args)))

    def _give_up(self, pending: _Pending) -> None:
        if not pending.sent and pending.number in self._pending:
            self._end(pending, StoreError("the store process is away; nothing was stored"))

    def _slot(self) -> int:
        if self._free:
            return heapq.heappop(self._free)
        self._slots += 1
        return self._slots

    def _end(self, pending: _Pending, error: Exception | None, result: Any = None) -> None:
        del self._pending[pending.number]
        heapq.heappush(self._free, pending.slot)
        if not self._pending:
            self._idle.set()
        if pending.future.done():  # its waiter was cancelled; the work is done all the same
            return
        if error is None:
            pending.future.set_result(result)
        else:
            pending.future.set_exception(error)


class _Connection(FrameProtocol):
    """One connection."""

    def __init__(self, link: StoreLink) -> None:
        super().__init__()
        self._link = link
        self._gone = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._gone.set()
        self._link.lost()

    def took(self, body: bytes) -> None:
        self._link.answered(read_by_client(body))

    async def closed(self) -> None:
        """Close, and wait until it is."""
        self.close()
        await self._gone.wait()


def _error(failed: Failed) -> Exception:
    kind = getattr(errors, failed.kind, None)
    if isinstance(kind, type) and issubclass(kind, StoreError):
        return kind(failed.message)
    return ScriptFailed(f"{failed.kind}: {failed.message}")
