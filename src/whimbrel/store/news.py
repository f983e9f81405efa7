"""What is read of the event log, and what became of telling it: plain data of the store."""

import msgspec

from whimbrel.domain.model import Event, Message
from whimbrel.store.values import Write


class Try(msgspec.Struct, frozen=True, gc=False):
    """One POST of one event to one URL, and what came back."""

    delivery_id: str | None  # None: a first try straight from the log
    webhook_id: str | None  # None: the message's own callback_url
    account_id: str
    event_position: int
    event_id: str
    event_type: str
    number: int  # 1-based
    at: int
    latency_ms: int
    status: int | None
    error: str | None
    answer: str  # first characters of the body
    ok: bool


class Wait(msgspec.Struct, frozen=True, gc=False):
    """An event that waits for another try (or is dead: `next_at` None). Replaces the row of the same id."""

    id: str
    webhook_id: str | None
    account_id: str
    event_position: int
    event_id: str
    event_type: str
    url: str
    format: str
    tries: int
    next_at: int | None
    created_at: int
    last_error: str


class Deliveries(msgspec.Struct, frozen=True, gc=False):
    """A batch of results of webhook tries, for one commit."""

    tries: tuple[Try, ...] = ()
    waits: tuple[Wait, ...] = ()
    done: tuple[str, ...] = ()  # ids of waiting rows that were delivered
    cursors: tuple[tuple[str, int], ...] = ()  # follower name (a webhook's id, or a name) and position
    also: tuple[Write, ...] = ()


class News(msgspec.Struct, frozen=True, gc=False):
    """Events that somebody wants, in commit order, and the messages that they are about (those that still exist).
    `position`: the log was looked through up to here; `more`: it goes on."""

    events: list[Event]
    messages: list[Message]
    position: int
    more: bool


class EventsPart(msgspec.Struct, frozen=True, gc=False):
    """An account's events in a stretch of the log, oldest first. `reached`: where to go on; there is nothing more when
    that is where the read began."""

    events: list[Event]
    reached: int
