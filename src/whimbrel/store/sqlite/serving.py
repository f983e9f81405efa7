"""The store process: runs the executor for all other processes of one database, over a Unix socket that only their user
may open.

Theory of operation. One process owns the file (see `lock.py`); the others send it their writes, which join one group
commit whoever sent them, and read the file themselves. A process keeps what it sent until it is answered. When the
store process dies, its successor is sent all of that again, and must not do twice what is durable already, nor has the
caller heard of it. So each call leaves its result in a row of the same commit; a call that comes again is answered from
there. The row is overwritten by the next call in the same slot, so that a session has as many rows as it ever had calls
under way at once.

A process that dies is noticed at once, because its connection closes; what it left as its will is done then: its leases
are free for the others without a wait.
"""

import asyncio
import contextlib
import logging
import os
from functools import partial
from typing import Any, Final

import msgspec

from whimbrel.store.script import Executor, One, Query, Rows, Script
from whimbrel.store.sqlite.frames import FrameProtocol
from whimbrel.store.sqlite.wire import (
    NOTHING,
    Call,
    Done,
    Failed,
    Hello,
    Signal,
    Verb,
    Will,
    encode,
    frame,
    read_by_server,
    session_of,
    verb,
)

_log = logging.getLogger("whimbrel.store")
_BACKLOG: Final = 128
_GREW: Final = Signal("events", "")
_LEFT: Final = Signal("leases", "")
_CUT_S: Final = 1.0
"""So long the last answers may take to be read."""


def once(verb: Verb, args: tuple[Any, ...], session: int, call: Call) -> Script[bytes]:
    """A call's result in msgpack, which stays until its slot is used again."""
    if call.again:
        rows: Rows = yield Query("store_answer", (session, call.slot, call.number))
        if rows:
            return bytes(rows[0][0])
    result: Any = yield from verb.script(*args)
    octets = encode(result)
    yield One("store_answer_keep", (session, call.slot, call.number, octets))
    return octets


def plainly(verb: Verb, args: tuple[Any, ...]) -> Script[bytes]:
    """The same for what leaves no trace."""
    return encode((yield from verb.script(*args)))


def forget(run: int) -> Script[None]:
    """Calls of other runs do not come again: their processes are gone."""
    yield One("store_answers_forget", (session_of(run, 0), session_of(run + 1, 0)))


class StoreServer:
    """Serves an executor at `address` to the processes of one run."""

    def __init__(self, executor: Executor, address: str, *, run: int) -> None:
        self._executor = executor
        self._address = address
        self._run = run
        self._server: asyncio.AbstractServer | None = None
        self._peers: set[_Peer] = set()
        self._nobody = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = True
        self._stopping = False
        self._burials: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, in place of one that died before."""
        await self._executor.write(forget, self._run)
        self._loop = asyncio.get_running_loop()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._address)
        self._server = await self._loop.create_unix_server(lambda: _Peer(self), self._address, backlog=_BACKLOG)
        os.chmod(self._address, 0o600)

    async def left_alone(self) -> None:
        """Wait until no process is connected: they stop before their store does."""
        while self._peers:
            self._nobody.clear()
            await self._nobody.wait()

    async def stop(self) -> None:
        """Cut whoever is still connected."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for peer in list(self._peers):
            peer.close()
        try:
            async with asyncio.timeout(_CUT_S):
                await self.left_alone()
        except TimeoutError:
            for peer in list(self._peers):
                peer.abort()
            await self.left_alone()
        await asyncio.gather(*self._burials)

    def committed(self) -> None:
        """Something was committed; called on any thread. Every process may have something to read."""
        if self._loop is not None and self._told:
            self._told = False
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._told = True
        self.tell(_GREW)

    def tell(self, signal: Signal, *, but: "_Peer | None" = None) -> None:
        """Send a signal to all processes, or to all but one."""
        octets = frame(signal)
        for peer in self._peers:
            if peer is not but:
                peer.tell(signal.topic, octets)

    def execute(self, session: int, call: Call) -> asyncio.Future[bytes]:
        """Hand a call to the executor; LookupError and msgspec's errors when it cannot be understood."""
        known = verb(call.verb)
        args = known.args(call.args)
        if call.verb == NOTHING:
            return asyncio.ensure_future(self._executor.write(plainly, known, args))
        return asyncio.ensure_future(self._executor.write(once, known, args, session, call))

    async def bury(self, will: Will) -> None:
        """Do what a process left to be done when it is gone."""
        known = verb(will.verb)
        try:
            await self._executor.write(plainly, known, known.args(will.args))
        except Exception:
            _log.exception("a process is gone, and its will could not be done; its leases will run out")
        else:
            self.tell(_LEFT)

    def opened(self, peer: "_Peer") -> None:
        self._peers.add(peer)

    def closed(self, peer: "_Peer") -> None:
        self._peers.discard(peer)
        if peer.will is not None and not self._stopping:
            task = asyncio.get_running_loop().create_task(self.bury(peer.will))
            self._burials.add(task)
            task.add_done_callback(self._burials.discard)
        if not self._peers:
            self._nobody.set()


class _Peer(FrameProtocol):
    """The connection of one process."""

    def __init__(self, server: StoreServer) -> None:
        super().__init__()
        self._server = server
        self._reads = True
        self._missed: set[str] = set()  # topics
        self.session = 0
        self.will: Will | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._server.closed(self)

    def pause_writing(self) -> None:
        self._reads = False

    def resume_writing(self) -> None:
        self._reads = True
        missed, self._missed = self._missed, set()
        for topic in missed:
            self.send(frame(Signal(topic, "")))

    def tell(self, topic: str, signal: bytes) -> None:
        """What is told to a process that does not read (it is stopped, or hangs) would fill the memory of this one: it
        learns afterwards what it missed."""
        if self._reads:
            self.send(signal)
        else:
            self._missed.add(topic)

    def took(self, body: bytes) -> None:
        said = read_by_server(body)
        if isinstance(said, Hello):
            self.session = said.session
        elif isinstance(said, Will):
            self.will = said
        elif isinstance(said, Signal):
            self._server.tell(said, but=self)
        else:
            self._call(said)

    def _call(self, call: Call) -> None:
        try:
            future = self._server.execute(self.session, call)
        except Exception as error:
            _log.exception("a call of another process could not be read", extra={"verb": call.verb})
            self._fail(call, error)
        else:
            future.add_done_callback(partial(self._answer, call))

    def _answer(self, call: Call, future: "asyncio.Future[bytes]") -> None:
        error = future.exception()
        if error is not None:
            self._fail(call, error)
        else:
            self.send(frame(Done(call.number, msgspec.Raw(future.result()))))

    def _fail(self, call: Call, error: BaseException) -> None:
        self.send(frame(Failed(call.number, type(error).__name__, str(error))))
