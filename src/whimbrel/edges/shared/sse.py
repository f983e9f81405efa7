"""Server-sent events (WHATWG HTML 9.2): one account's events as they happen, resumable by `Last-Event-ID`; and pieces
of a page of the console, each under a name.

A stream ends when the client leaves, when the server stops, when the client may follow no more (its key was revoked or
has expired, its account was suspended or moves), or when it reads so slowly that the feed cuts it; in each case the
last `id:` it saw is where it goes on.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, Final

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.shared import cursors
from whimbrel.edges.shared.asgi import Headers, Receive, Send

Events = AsyncGenerator[tuple[int, bytes], None]
Pieces = AsyncGenerator[tuple[str, bytes], None]
Found = tuple[Any, bytes] | None
Frame = Callable[[Any, bytes], bytes]

_log = logging.getLogger("whimbrel.edges")
_HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]
_LOOK_S: Final = 0.25  # how often it is looked whether a client may still follow
_PING = b": ping\n\n"
_OPENING = b"retry: 2000\n\n"


class Streams:
    """Counts the open streams of each account."""

    def __init__(self, per_account: int) -> None:
        self._per_account = per_account
        self._open: Counter[str] = Counter()

    @contextmanager
    def place(self, account_id: str) -> Iterator[None]:
        """A place for one stream; too_many_streams when there is none."""
        if self._open[account_id] >= self._per_account:
            raise WhimbrelError("too_many_streams", retry_after_s=1)
        self._open[account_id] += 1
        try:
            yield
        finally:
            self._open[account_id] -= 1
            if not self._open[account_id]:
                del self._open[account_id]


def resume_after(headers: dict[bytes, bytes], query: str | None, cell: str = "") -> int | None:
    """The position that a client has seen: `Last-Event-ID` (sent by browsers when they reconnect) or the parameter
    `after`; None: from now on. invalid_cursor."""
    sent = headers.get(b"last-event-id")
    cursor = sent.decode("latin-1") if sent else query
    return cursors.decode_position(cursor, cell) if cursor else None


def event_frame(position: int, body: bytes, cell: str = "") -> bytes:
    """An event at its place in the log of its cell."""
    return b"id: %b\ndata: %b\n\n" % (cursors.encode_position(position, cell).encode(), body)


def piece_frame(name: str, body: bytes) -> bytes:
    """A piece of a page; its lines are one `data` each."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), b"\ndata: ".join(body.splitlines()))


def _forever() -> None:
    """Whoever began to follow may go on."""


async def stream(
    events: Events | Pieces,
    headers: Headers,
    receive: Receive,
    send: Send,
    *,
    ping_s: float,
    frame: Frame = event_frame,
    still: Callable[[], object] = _forever,
) -> None:
    """Send events until the client or the feed ends it, or until `still` raises WhimbrelError: the client may follow no
    more."""
    loop = asyncio.get_running_loop()
    async with aclosing(events):
        await send({"type": "http.response.start", "status": 200, "headers": headers + _HEADERS})
        await send({"type": "http.response.body", "body": _OPENING, "more_body": True})
        gone = loop.create_task(_until_gone(receive))
        pump = loop.create_task(_pump(events, send, ping_s, frame))
        try:
            await _until_one_ends((gone, pump), still)
        finally:
            for task in (gone, pump):
                task.cancel()
            _, ended = await asyncio.gather(gone, pump, return_exceptions=True)
        if isinstance(ended, Exception):
            _log.error("a stream ended early", exc_info=ended)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_one_ends(tasks: Sequence[asyncio.Task[None]], still: Callable[[], object]) -> None:
    while not (await asyncio.wait(tasks, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED))[0]:
        try:
            still()
        except WhimbrelError as error:
            _log.info("a stream ends: its client may follow no more", extra={"code": error.code})
            return


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pump(events: Events | Pieces, send: Send, ping_s: float, frame: Frame) -> None:
    """A ping never cancels the wait for the next event: that would end the iterator."""
    loop = asyncio.get_running_loop()
    while True:
        following = loop.create_task(_following(events))
        try:
            while not (await asyncio.wait((following,), timeout=ping_s))[0]:
                await send({"type": "http.response.body", "body": _PING, "more_body": True})
            found = following.result()
        except asyncio.CancelledError:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            raise
        if found is None:
            return
        await send({"type": "http.response.body", "body": frame(*found), "more_body": True})


async def _following(events: Events | Pieces) -> Found:
    return await anext(events, None)
