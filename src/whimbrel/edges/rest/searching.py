"""GET /v1/messages and GET /v1/inbound: filters on what people search by, newest or oldest first."""

import datetime
from collections.abc import Callable
from operator import attrgetter
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.ids import MESSAGE, is_id
from whimbrel.domain.callbacks import MessageView, keyword_of, message_view
from whimbrel.domain.model import PRIORITY, Message
from whimbrel.domain.numbers import normalise
from whimbrel.domain.receipts import carrier_keys
from whimbrel.domain.states import STATES
from whimbrel.domain.templates.use import parted
from whimbrel.edges.rest.paging import Cursor, Limit, Ordered
from whimbrel.edges.rest.shapes import Moment
from whimbrel.edges.shared import cursors
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Order, Page
from whimbrel.store.interface import Search, Stretch

V = TypeVar("V")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_JUST_AFTER: Final = "~"  # ids are all of one length: what is an id and more comes right after it
_SCAN_FIRST: Final = 4  # pages that are looked through at first: most searches find enough there

Number = Annotated[str | None, Meta(description="E.164; found a second or two after the message came.")]
From = Annotated[Moment | None, Meta(description="Created at this moment (RFC 3339) or later.")]
Until = Annotated[Moment | None, Meta(description="Created before this moment.")]


class InboundView(MessageView, frozen=True, gc=False):
    """A text from a phone: the message, and what it said."""

    keyword: Annotated[str | None, Meta(description="STOP, START or HELP, as it counted for the number.")] = None


class _Id(msgspec.Struct, frozen=True, gc=False):
    id: str


class MessagesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which messages; every condition narrows."""

    status: Annotated[str | None, Meta(description="States separated by commas.")] = None
    to: Number = None
    sender: Annotated[str | None, Meta(description="The sender exactly as the message shows it.")] = None
    number: Annotated[str | None, Meta(description="A number on either side: a conversation.")] = None
    direction: Annotated[str | None, Meta(description="out or in.", extra_json_schema={"enum": ["out", "in"]})] = None
    message_class: Annotated[str | None, Meta(description="otp, transactional or marketing.")] = msgspec.field(
        default=None, name="class"
    )
    carrier_id: Annotated[str | None, Meta(description="The carrier that took it.")] = None
    tag: Annotated[str | None, Meta(description="One of its tags.")] = None
    metadata: Annotated[
        str | None, Meta(description="A name on the first level of its metadata, a colon, and the value as text.")
    ] = None
    template: Annotated[
        str | None, Meta(description="The template that made it, by name or id; with @ and a number that version.")
    ] = None
    campaign: Annotated[str | None, Meta(description="Id of the campaign that it is part of.")] = None
    carrier_message_id: Annotated[
        str | None, Meta(description="The id that a carrier gave it, as its answer or receipt has it; asked for alone.")
    ] = None
    created_from: From = None
    created_to: Until = None
    order: Ordered = "desc"
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


class InboundQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which inbound texts; every condition narrows."""

    sender: Annotated[str | None, Meta(description="The phone's number.")] = msgspec.field(default=None, name="from")
    to: Number = None
    created_from: From = None
    created_to: Until = None
    order: Ordered = "desc"
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


async def find(services: Services, call: Call[MessagesQuery, None]) -> Answer:
    query = call.query
    if query.carrier_message_id is not None:
        return Answer(Page(await _by_carrier_id(services, call, query.carrier_message_id)))
    _check(query.direction in (None, "out", "in"), "direction", "Use out or in.")
    _check(query.message_class in (None, *PRIORITY), "class", f"Use {', '.join(PRIORITY)}.")
    _check(query.to is None or query.number is None, "number", "Ask for `to` or for `number`.")
    recipient_hash = _hash(services, query.to, "to")
    if query.campaign is not None and query.number is not None:
        recipient_hash = _hash(services, query.number, "number")
    search = Search(
        account_id=call.account_id,
        test=call.test,
        direction=query.direction,
        states=_states(query.status),
        number_hash=recipient_hash if query.number is None else _hash(services, query.number, "number"),
        recipient_hash=recipient_hash,
        sender=query.sender,
        message_class=query.message_class,
        carrier_id=query.carrier_id,
        tag=query.tag,
        metadata=_pair(query.metadata),
        template=_template(query.template),
        campaign_id=query.campaign,
        created_from=_micros(query.created_from),
        created_to=_micros(query.created_to),
    )
    return Answer(await _page(services, _from(search, query.cursor, query.order), query.limit, message_view))


async def _by_carrier_id(
    services: Services, call: Call[MessagesQuery, None], carrier_message_id: str
) -> tuple[MessageView, ...]:
    """Carriers give ids again after a while, so there may be several; the newest count."""
    is_alone = call.query == MessagesQuery(carrier_message_id=carrier_message_id, limit=call.query.limit)
    _check(is_alone, "carrier_message_id", "Ask for it alone.")
    keys = list(carrier_keys((carrier_message_id,)))
    params = ([*services.tables.carriers], keys, call.account_id, call.query.limit)
    rows = await services.store.report(call.account_id, _Id, "messages_with_carrier_ids", *params)
    found = await services.store.messages([row.id for row in rows])
    own = [message for message in found if message.account_id == call.account_id and message.test == call.test]
    return tuple(message_view(message) for message in sorted(own, key=attrgetter("id"), reverse=True))


async def find_inbound(services: Services, call: Call[InboundQuery, None]) -> Answer:
    query = call.query
    number = normalise(query.sender) if query.sender else None
    search = Search(
        account_id=call.account_id,
        test=call.test,
        direction="in",
        number_hash=_hash(services, query.to, "to"),
        recipient_hash=_hash(services, query.to, "to"),
        sender=number.e164 if number else query.sender,
        created_from=_micros(query.created_from),
        created_to=_micros(query.created_to),
    )
    return Answer(await _page(services, _from(search, query.cursor, query.order), query.limit, _inbound_view))


async def get_inbound(services: Services, call: Call[NoQuery, None]) -> Answer:
    message = await services.cancel.find(call.account_id, call.test, call.path["id"])
    if message.direction != "in":
        raise WhimbrelError("not_found")
    return Answer(_inbound_view(message))


def _inbound_view(message: Message) -> InboundView:
    return InboundView(**msgspec.structs.asdict(message_view(message)), keyword=keyword_of(message))


async def _page(services: Services, search: Search, limit: int, view: Callable[[Message], V]) -> Page[V]:
    """One answer looks through so many messages and no more, so that what is rare is looked for as quickly."""
    found: list[Message] = []
    left, reached, is_over = search, "", False
    for scan in (_SCAN_FIRST * limit, limits.MESSAGES_SCAN_MAX):
        stretch = await _stretch(services, left, scan)
        part, left = _parted(left, stretch.first_id)
        found += await services.store.search(part, limit + 1 - len(found)) if stretch.count else []
        reached, is_over = stretch.first_id, stretch.count < scan
        if is_over or len(found) >= limit:
            break
    if len(found) > limit:
        reached, is_over = found[limit - 1].id, False
    return Page(tuple(view(row) for row in found[:limit]), None if is_over else cursors.encode(reached))


def _parted(search: Search, place: str) -> tuple[Search, Search]:
    """What is asked for up to a message and with it, and what is left of it beyond."""
    if search.oldest_first:
        beyond = place + _JUST_AFTER
        return msgspec.structs.replace(search, before_id=beyond), msgspec.structs.replace(search, from_id=beyond)
    return msgspec.structs.replace(search, from_id=place), msgspec.structs.replace(search, before_id=place)


async def _stretch(services: Services, search: Search, scan: int) -> Stretch:
    of: object
    if search.campaign_id is not None:
        statement = "campaign_stretch_oldest" if search.oldest_first else "campaign_stretch"
        of = search.campaign_id
    elif search.number_hash is None:
        statement = "messages_stretch_oldest" if search.oldest_first else "messages_stretch"
        of = search.account_id
    else:
        statement = "message_numbers_stretch_oldest" if search.oldest_first else "message_numbers_stretch"
        of = search.number_hash
    params = (statement, of, search.first_id, search.end_id, scan)
    (stretch,) = await services.store.report(search.account_id, Stretch, *params)
    return stretch


def _check(holds: bool, name: str, detail: str) -> None:
    if not holds:
        raise WhimbrelError("invalid_parameter", detail, errors=[FieldError(name, detail)])


def _states(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for state in wanted:
        _check(state in STATES, "status", f"`{state}` is no state; there are {', '.join(STATES)}.")
    return wanted


def _hash(services: Services, text: str | None, name: str) -> int | None:
    """Numbers are found by their keyed hash; short codes stand as they are."""
    if text is None:
        return None
    number = normalise(text)
    _check(number is not None or (text.isascii() and text.isdigit()), name, "Use E.164 (a plus sign is %2B in a URL).")
    return services.vault.number_hash(number.e164 if number else text)


def _template(ref: str | None) -> tuple[str, str | None] | None:
    if not ref:
        return None
    name, version = parted(ref)
    return name, version or None


def _pair(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    name, colon, value = text.partition(":")
    _check(bool(name and colon), "metadata", "Write a name, a colon and a value, such as order_id:4711.")
    return name, value


def _micros(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _from(search: Search, cursor: str | None, order: Order) -> Search:
    """The same from where a page ended, in an order."""
    search = msgspec.structs.replace(search, oldest_first=order == "asc")
    if cursor is None:
        return search
    place = cursors.decode(cursor)
    if not is_id(place, MESSAGE):
        raise WhimbrelError("invalid_cursor")
    return _parted(search, place)[1]


_STRETCH: Final = (
    f"One answer looks through {limits.MESSAGES_SCAN_MAX:,} messages: a page may hold few or none although more "
    "follow. Go on with `next_cursor` until it is null."
)

OPERATIONS = (
    Operation(
        method="GET", path="/v1/messages", name="listMessages", tag="messages", summary="Search messages, newest first",
        description=_STRETCH,
        scope="messages:read", handle=find, query=MessagesQuery, answer=Page[MessageView],
    ),
    Operation(
        method="GET", path="/v1/inbound", name="listInbound", tag="inbound", summary="List inbound texts, newest first",
        description=_STRETCH,
        scope="inbound:read", handle=find_inbound, query=InboundQuery, answer=Page[InboundView],
    ),
    Operation(
        method="GET", path="/v1/inbound/{id}", name="getInbound", tag="inbound", summary="Read an inbound text",
        scope="inbound:read", handle=get_inbound, answer=InboundView,
    ),
)  # fmt: skip
