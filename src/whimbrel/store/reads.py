"""Reads that the journey needs, as scripts: rows become structs on the reader's thread, not on the event loop."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from whimbrel.domain.model import Event, Message
from whimbrel.store import rows as build
from whimbrel.store.interface import Waiting
from whimbrel.store.script import Query, Rows, Script

T = TypeVar("T")


def nothing() -> Script[None]:
    """A transaction without a step: shows that the writer answers."""
    yield from ()


def fetch(make: Callable[[Rows], list[T]], statement: str, params: tuple[Any, ...]) -> Script[list[T]]:
    """Rows of any read."""
    rows: Rows = yield Query(statement, params)
    return make(rows)


def waiting(lane: str, limit: int) -> Script[list[Waiting]]:
    """The head of a lane."""
    rows: Rows = yield Query("queue_head", (lane, limit))
    return build.waiting(rows)


def due(now: int, limit: int) -> Script[list[Message]]:
    """Scheduled messages whose time has come, the longest waiting first."""
    return (yield from _messages("schedule_due", now, limit))


def overdue(now: int, limit: int) -> Script[list[Message]]:
    """Messages whose deadline has passed."""
    return (yield from _messages("deadlines_passed", now, limit))


def expired(now: int, limit: int) -> Script[list[str]]:
    """Ids of queued messages whose validity has ended."""
    rows: Rows = yield Query("queue_expired", (now, limit))
    return [row[0] for row in rows]


def messages(ids: Sequence[str]) -> Script[list[Message]]:
    """Those that exist, in no particular order."""
    return (yield from _messages("messages_by_ids", list(ids)))


def events_after(position: int, limit: int, callbacks_only: bool) -> Script[list[Event]]:
    """The log in commit order."""
    statement = "events_with_callback_after" if callbacks_only else "events_after"
    rows: Rows = yield Query(statement, (position, limit))
    return build.events(rows)


def last_position() -> Script[int]:
    """The position of the newest event; 0 when there is none."""
    rows: Rows = yield Query("events_last_position")
    position: int = rows[0][0]
    return position


def _messages(statement: str, *params: Any) -> Script[list[Message]]:
    rows: Rows = yield Query(statement, params)
    return build.messages(rows)
