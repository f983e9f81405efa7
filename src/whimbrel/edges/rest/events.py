"""/v1/events and /v1/stream: what happened, by cursor or live. Both see one account and the mode of the key."""

from functools import partial
from typing import Annotated, Final, cast

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.callbacks import EventBody, MessageData, event_view
from whimbrel.domain.events import Interest, types_of
from whimbrel.domain.model import Event
from whimbrel.edges.rest.paging import Limit
from whimbrel.edges.shared import cursors, sse
from whimbrel.edges.shared.asgi import Headers, Receive, Send
from whimbrel.edges.shared.routes import Answer, Call, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.journey.feed import load
from whimbrel.manage.webhooks import PATTERNS
from whimbrel.store.interface import Store

_TAG = "events"
_BEFORE_ALL: Final = -(1 << 63)
"""Events that came with an account from another cell are below 0."""

Types = Annotated[str | None, Meta(description="Types separated by commas; `message.*` for a family. All by default.")]


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where to go on, and what is wanted."""

    after: Annotated[str | None, Meta(description="`next_cursor` of the page before; the oldest kept by default.")] = (
        None
    )
    types: Types = None
    limit: Limit = limits.PAGE_DEFAULT


class StreamQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where to go on, and what is wanted."""

    after: Annotated[str | None, Meta(description="As `Last-Event-ID`, which goes before it.")] = None
    types: Types = None


class EventObject(msgspec.Struct, frozen=True):
    """An event as the document describes it: `data` is the message as the event saw it, or, for events of other
    things, the event's own facts."""

    id: str
    type: str
    created_at: str
    account_id: str
    message_id: str | None
    seq: Annotated[int, Meta(description="Orders the events of one message.")]
    data: MessageData


class EventObjects(msgspec.Struct, frozen=True):
    """Events, oldest first. `next_cursor` is always there: a page may hold few events or none although more follow. The
    end of the log is reached when it stays the same."""

    data: tuple[EventObject, ...]
    next_cursor: str


class EventsPage(msgspec.Struct, frozen=True):
    """The same, to be encoded."""

    data: tuple[EventBody, ...]
    next_cursor: str


def patterns(types: str | None) -> tuple[str, ...]:
    """Patterns of a `types` parameter; invalid_parameter when one is unknown."""
    if types is None:
        return ("*",)
    wanted = tuple(dict.fromkeys(part.strip() for part in types.split(",")))
    for pattern in wanted:
        if pattern not in PATTERNS:
            field = FieldError("types", f"`{pattern}` is no event type.")
            raise WhimbrelError("invalid_parameter", field.detail, errors=[field])
    return wanted


async def views(store: Store, events: list[Event]) -> tuple[EventBody, ...]:
    """Events with their messages, as JSON shows them."""
    return tuple(event_view(item.event, item.message) for item in await load(store, events))


async def find(services: Services, call: Call[EventsQuery, None]) -> Answer:
    """One page, of one stretch of the log; of the types that are asked for, and of no others."""
    query, wanted = call.query, patterns(call.query.types)
    start = cursors.decode_position(query.after, services.cell) if query.after else _BEFORE_ALL
    interest = Interest(call.account_id, call.test, types_of(wanted))
    part = await services.store.account_events(interest, start, query.limit)
    reached = cursors.encode_position(part.reached, services.cell)
    return Answer(EventsPage(await views(services.store, part.events), reached))


class Stream:
    """The live stream; counts the places of each account."""

    def __init__(self, per_account: int, ping_s: float = limits.SSE_PING_S) -> None:
        self._streams = sse.Streams(per_account)
        self._ping_s = ping_s

    async def __call__(
        self, services: Services, call: Call[StreamQuery, None], headers: Headers, receive: Receive, send: Send
    ) -> None:
        account_id, wanted = call.account_id, patterns(call.query.types)
        after = sse.resume_after(call.headers, call.query.after, services.cell)
        with self._streams.place(account_id):
            if after is None:  # the end of the log is read before the answer begins: what comes after it is not missed
                after = await services.store.last_position()
            events = services.feed.subscribe(account_id, call.test, after, wanted)
            frame = partial(sse.event_frame, cell=services.cell)
            await sse.stream(
                cast(sse.Events, events), headers, receive, send, ping_s=self._ping_s, frame=frame, still=call.still
            )


def operations(stream: Stream) -> tuple[Operation, ...]:
    """The operations; the stream counts its places, so it is made for each door."""
    return (
        Operation(
            method="GET", path="/v1/events", name="listEvents", tag=_TAG, summary="Read events, oldest first",
            description="One answer looks through a stretch of the log: a page may hold few events or none although "
            "more follow. Go on with `next_cursor` until it stays the same.",
            scope="events:read", handle=find, query=EventsQuery, answer=EventObjects, errors=("invalid_cursor",),
        ),
        Operation(
            method="GET", path="/v1/stream", name="streamEvents", tag=_TAG, summary="Follow events live",
            description="Server-sent events: `id` is a cursor for `Last-Event-ID`, `data` an event. A reader that is "
            "too slow is cut, and goes on from its last id.",
            scope="events:read", stream=stream, query=StreamQuery, content_type="text/event-stream",
            errors=("invalid_cursor", "too_many_streams"),
        ),
    )  # fmt: skip
