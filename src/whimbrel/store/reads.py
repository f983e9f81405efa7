"""Reads that the journey needs, as scripts: rows become structs on the reader's thread, not on the event loop."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from whimbrel.base.ids import MESSAGE
from whimbrel.base.limits import EVENTS_SCAN_MAX
from whimbrel.domain.events import Interest
from whimbrel.domain.model import Event, Message
from whimbrel.store import rows as build
from whimbrel.store.interface import EventsPart, News, Ranks, Search, Waiting
from whimbrel.store.script import Query, Row, Rows, Script

T = TypeVar("T")
_EVER = (1 << 63) - 1


def nothing() -> Script[None]:
    """A transaction without a step: shows that the writer answers."""
    yield from ()


def fetch(make: Callable[[Rows], list[T]], statement: str, params: tuple[Any, ...]) -> Script[list[T]]:
    """Rows of any read."""
    rows: Rows = yield Query(statement, params)
    return make(rows)


def waiting(lane: str, limit: int, ranks: Ranks) -> Script[list[Waiting]]:
    """The head of a lane."""
    rows: Rows = yield Query("queue_head", (lane, limit, *ranks))
    return build.waiting(rows)


def queued(lane: str, limit: int, ranks: Ranks) -> Script[list[str]]:
    """Ids at the head of a lane."""
    rows: Rows = yield Query("queue_ids", (lane, limit, *ranks))
    return [row[0] for row in rows]


def waiting_of(ids: Sequence[str]) -> Script[list[Waiting]]:
    """What a worker needs of these messages."""
    rows: Rows = yield Query("messages_waiting", (ids,))
    return build.waiting(rows)


def due(now: int, limit: int, after: int) -> Script[list[Message]]:
    """Scheduled messages whose time has come, the longest waiting first."""
    return (yield from _messages("schedule_due", now, limit, after))


def overdue(now: int, limit: int, after: int) -> Script[list[Message]]:
    """Messages whose deadline has passed."""
    return (yield from _messages("deadlines_passed", now, limit, after))


def expired(now: int, limit: int, after: int) -> Script[list[str]]:
    """Ids of queued messages whose validity has ended."""
    rows: Rows = yield Query("queue_expired", (now, limit, after))
    return [row[0] for row in rows]


def messages(ids: Sequence[str]) -> Script[list[Message]]:
    """Those that exist, in no particular order."""
    return (yield from _messages("messages_by_ids", list(ids)))


def search(search: Search, limit: int) -> Script[list[Message]]:
    """A page. By number it reads the look-up table, otherwise the account's messages by id; the other
    conditions are looked at row by row."""
    conditions = (
        search.account_id,
        search.test,
        search.first_id,
        search.end_id,
        _or(search.created_from, 0),
        _or(search.created_to, _EVER),
        search.direction,
        len(search.states),
        list(search.states),
        search.sender,
        search.message_class,
        search.carrier_id,
        search.recipient_hash,
        search.tag,
    )
    more = (*(search.metadata or (None, None)), *(search.template or (None, None)))
    if search.campaign_id is not None:
        statement = "messages_page_of_campaign_oldest" if search.oldest_first else "messages_page_of_campaign"
        return (yield from _messages(statement, *conditions, limit, *more, search.campaign_id))
    if search.number_hash is None:
        statement = "messages_page_oldest" if search.oldest_first else "messages_page"
        return (yield from _messages(statement, *conditions, limit, *more))
    statement = "messages_page_by_number_oldest" if search.oldest_first else "messages_page_by_number"
    return (yield from _messages(statement, *conditions, limit, *more, search.number_hash))


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def events_after(position: int, limit: int, callbacks_only: bool) -> Script[list[Event]]:
    """The log in commit order."""
    statement = "events_with_callback_after" if callbacks_only else "events_after"
    rows: Rows = yield Query(statement, (position, limit))
    return build.events(rows)


def news(position: int, limit: int, interests: Sequence[Interest], callbacks_only: bool) -> Script[News]:
    """What the log holds after a position of what anybody is interested in, with the messages that it is about."""
    count, end = yield from _stretch(position)
    if not count:
        return News([], [], position, more=False)
    if callbacks_only:
        rows: Rows = yield Query("events_with_callback_between", (position, end, limit))
    else:
        types = frozenset[str]().union(*(interest.types for interest in interests))
        rows = yield Query("events_of_types", (position, end, sorted(types), limit))
    found = build.events(rows)
    reached = found[-1].position if len(found) == limit else end
    wanted = [event for event in found if any(interest.wants(event) for interest in interests)]
    ids = dict.fromkeys(event.subject_id for event in wanted if event.subject_id.startswith(MESSAGE))
    about = (yield from messages(list(ids))) if ids else []
    return News(wanted, about, reached, more=reached < end or count == EVENTS_SCAN_MAX)


def account_events(interest: Interest, position: int, limit: int) -> Script[EventsPart]:
    """The log has no index by account (each event would pay for it), so it is read stretch by stretch."""
    _, end = yield from _stretch(position)
    about = (interest.account_id, interest.test, sorted(interest.types))
    rows: Rows = yield Query("events_page", (*about, position, end, limit))
    found = build.builder(Event)(rows)
    return EventsPart(found, found[-1].position if len(found) == limit else end)


def _stretch(position: int) -> Script[Row]:
    """How many events follow a position, as many as one read looks through, and the position of the last of them."""
    rows: Rows = yield Query("events_stretch_end", (position, EVENTS_SCAN_MAX))
    return rows[0]


def last_position() -> Script[int]:
    """The position of the newest event; 0 when there is none."""
    rows: Rows = yield Query("events_last_position")
    position: int = rows[0][0]
    return position


def _messages(statement: str, *params: Any) -> Script[list[Message]]:
    rows: Rows = yield Query(statement, params)
    return build.messages(rows)
