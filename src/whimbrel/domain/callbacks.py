"""What we tell about messages, in each door's words: the message resource, the body of an event, the forms of Twilio's
webhooks. Rendered at delivery from the stored row, so that texts and numbers live nowhere else and a redacted message
is redacted in every later telling.

One set of structs serves REST, webhooks and live streams alike; all of them only read.
"""

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from whimbrel.base import ids, moments, money
from whimbrel.base.errors import CATALOGUE, Fault
from whimbrel.domain.model import PLAIN, Event, Flag, Message, Options
from whimbrel.domain.numbers import normalise
from whimbrel.domain.sender_fitness import WARNED, warnings_of
from whimbrel.domain.states import IN_DOUBT, QUEUED, STATES, UNKNOWN
from whimbrel.domain.templates.use import MadeOf
from whimbrel.domain.wire import Wire
from whimbrel.domain.wire_form import shown

TWILIO_API_VERSION = "2010-04-01"
_TWILIO_UNKNOWN_ERROR = "30008"
_MESSAGE_EVENT = "message."
_BINARY = "binary"
_NO_WISHES = Wire()
_NO_DETAIL = "{}"
_KEYWORDS = ((Flag.KEYWORD_STOP, "STOP"), (Flag.KEYWORD_START, "START"), (Flag.KEYWORD_HELP, "HELP"))

_encode = msgspec.json.Encoder().encode
_decode_options = msgspec.json.Decoder(Options).decode
_price = lru_cache(maxsize=4096)(money.to_text)  # a price list has few prices


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why a message ended as it did: a row of the catalogue."""

    code: str
    title: str
    permanent: bool
    fault: Fault
    advice: str


class MessageView(msgspec.Struct, frozen=True, gc=False):
    """The message resource, as `GET /v1/messages/{id}` answers it. Moments are RFC 3339, money is decimal text, numbers
    and text are null once redacted."""

    id: str
    account_id: str
    status: str
    direction: str  # out, in
    to: str | None
    sender: str | None
    text: str | None
    segments: int
    encoding: str
    price: str  # for all segments
    currency: str
    message_class: str = msgspec.field(name="class")
    created_at: str
    send_at: str | None  # when it was or is due, if it was scheduled
    expires_at: str
    sent_at: str | None
    final_at: str | None
    updated_at: str
    reason: Reason | None
    metadata: dict[str, Any] | None
    tags: tuple[str, ...]
    test: bool
    possible_duplicate: bool  # resent after doubt, as asked
    in_doubt: bool  # was in doubt at some time
    corrected: bool  # a late receipt corrected its final state
    partial: bool  # inbound: parts were missing
    carrier_id: str | None
    route_id: str | None
    callback_url: str | None
    on_doubt: str
    replaced: tuple[tuple[int, str, str], ...]  # by smart encoding: position, original, replacement
    reply_to: str | None
    data: str | UnsetType = UNSET  # octets in hex in place of the text
    flash: bool | UnsetType = UNSET
    udh: str | UnsetType = UNSET
    tlvs: dict[str, str | int | dict[str, str]] | UnsetType = UNSET
    data_coding: int | UnsetType = UNSET
    template: MadeOf | UnsetType = UNSET  # which version of which template made the text
    pool: str | UnsetType = UNSET  # id of the pool whose member wrote it
    media: tuple[str, ...] | UnsetType = UNSET  # ids
    campaign_id: str | UnsetType = UNSET
    warnings: tuple[str, ...] | UnsetType = UNSET  # codes: it was accepted all the same


class MessageData(msgspec.Struct, frozen=True, gc=False):
    """`data` of an event of a message. `status` is what the event says, not what has become of the message since."""

    id: str
    to: str | None
    sender: str | None
    status: str
    direction: str
    segments: int
    encoding: str
    price: str
    currency: str
    reason: Reason | None
    metadata: dict[str, Any] | None
    tags: tuple[str, ...]
    test: bool
    detail: msgspec.Raw | UnsetType = UNSET  # the event's own facts: ids and codes
    text: str | UnsetType | None = UNSET  # inbound only
    keyword: str | UnsetType | None = UNSET  # inbound only: STOP, START, HELP
    partial: bool | UnsetType = UNSET  # inbound only
    data: str | UnsetType = UNSET  # inbound only, as in the message resource
    udh: str | UnsetType = UNSET
    tlvs: dict[str, str | int | dict[str, str]] | UnsetType = UNSET
    template: MadeOf | UnsetType = UNSET  # which version of which template made the text


class DeletedData(msgspec.Struct, frozen=True, gc=False):
    """`data` of an event whose message was deleted since."""

    id: str
    status: str
    test: bool
    detail: msgspec.Raw
    deleted: bool = True


class EventBody(msgspec.Struct, frozen=True, gc=False):
    """An event, as webhooks, streams and `GET /v1/events` give it."""

    id: str
    type: str
    created_at: str
    account_id: str
    message_id: str | None
    seq: int
    data: MessageData | DeletedData | msgspec.Raw


_REASONS = {row.code: Reason(row.code, row.title, row.permanent, row.fault, row.advice) for row in CATALOGUE.values()}


def message_options(message: Message) -> Options:
    """The options of a message; most have none, and cost nothing."""
    return PLAIN if message.options == "{}" else _decode_options(message.options)


def message_view(message: Message) -> MessageView:
    """The message as it stands."""
    options = message_options(message)
    flags = message.flags
    redacted = flags & Flag.REDACTED
    at = moments.to_text
    view = MessageView(
        id=message.id,
        account_id=message.account_id,
        status=message.state,
        direction=message.direction,
        to=None if redacted else message.recipient,
        sender=None if redacted else message.sender,
        text=None if redacted else message.text,
        segments=message.segments,
        encoding=message.encoding,
        price=_price(message.price_micros),
        currency=message.currency,
        message_class=message.message_class,
        created_at=at(message.created_at),
        send_at=at(message.due_at) if message.due_at > message.created_at else None,
        expires_at=at(message.expires_at),
        sent_at=None if message.sent_at is None else at(message.sent_at),
        final_at=None if message.final_at is None else at(message.final_at),
        updated_at=at(message.updated_at),
        reason=reason_of(message.reason),
        metadata=options.metadata,
        tags=options.tags,
        test=bool(message.test),
        possible_duplicate=flags & Flag.POSSIBLE_DUPLICATE != 0,
        in_doubt=flags & Flag.IN_DOUBT != 0,
        corrected=flags & Flag.CORRECTED != 0,
        partial=flags & Flag.PARTIAL != 0,
        carrier_id=message.carrier_id,
        route_id=message.route_id,
        callback_url=options.callback_url,
        on_doubt=options.on_doubt,
        replaced=options.replaced,
        reply_to=options.reply_to,
        template=options.template or UNSET,
        pool=options.pool_id or UNSET,
        media=options.media or UNSET,
        campaign_id=options.campaign_id or UNSET,
        warnings=warnings_of(flags) if flags & WARNED else UNSET,
    )
    is_binary = message.encoding == _BINARY
    if redacted or not (is_binary or flags & Flag.WIRE):
        return view
    return with_wire(view, options.wire, message.text if is_binary else None)


def with_wire(view: MessageView, wire: Wire | None, data: str | None) -> MessageView:
    """The view with what the message carries beyond its text, or `data` in place of it."""
    facts = asdict(shown(wire)) if wire is not None else {}
    return replace(view, **facts) if data is None else replace(view, text=None, data=data, **facts)


def reason_of(code: str | None) -> Reason | None:
    """The public words for a reason's code."""
    return None if code is None else _REASONS.get(code)


def event_view(event: Event, message: Message | None) -> EventBody:
    """An event with what its subject looks like; `message` is its message, or None when that is gone or it has none."""
    of_message = event.type.startswith(_MESSAGE_EVENT)
    data: MessageData | DeletedData | msgspec.Raw
    if not of_message:
        data = msgspec.Raw(event.data.encode())
    elif message is None:
        status = event.type[len(_MESSAGE_EVENT) :]
        data = DeletedData(event.subject_id, status, bool(event.test), msgspec.Raw(event.data.encode()))
    else:
        data = _message_data(event, message)
    return EventBody(
        ids.event_id(event.subject_id, event.seq),
        event.type,
        moments.to_text(event.created_at),
        event.account_id,
        event.subject_id if event.subject_id.startswith(ids.MESSAGE) else None,
        event.seq,
        data,
    )


def event_body(event: Event, message: Message | None) -> bytes:
    """The same as JSON: the body of a webhook."""
    return _encode(event_view(event, message))


class _Facts(msgspec.Struct, frozen=True, gc=False):
    """The one fact of an event's own data that has words in the catalogue."""

    reason: str | None = None


_decode_facts = msgspec.json.Decoder(_Facts).decode


def _message_data(event: Event, message: Message) -> MessageData:
    """In the order of the fields: for each event that anybody hears of, names cost half a microsecond."""
    options = message_options(message)
    told = event.type[len(_MESSAGE_EVENT) :]
    status = told if told in STATES else message.state
    redacted = message.flags & Flag.REDACTED
    inbound = message.direction == "in"
    is_binary = message.encoding == _BINARY
    data = MessageData(
        message.id,
        None if redacted else message.recipient,
        None if redacted else message.sender,
        status,
        message.direction,
        message.segments,
        message.encoding,
        _price(message.price_micros),
        message.currency,
        _event_reason(event, message, status),
        options.metadata,
        options.tags,
        bool(message.test),
        UNSET if event.data == _NO_DETAIL else msgspec.Raw(event.data.encode()),
        UNSET if not inbound else None if redacted or is_binary else message.text,
        keyword_of(message) if inbound else UNSET,
        message.flags & Flag.PARTIAL != 0 if inbound else UNSET,
    )
    if options.template is not None:
        return replace(data, template=options.template)
    if not inbound or redacted or not (is_binary or options.wire):
        return data
    beyond = shown(options.wire or _NO_WISHES)
    return replace(data, data=message.text if is_binary else UNSET, udh=beyond.udh, tlvs=beyond.tlvs)


def _event_reason(event: Event, message: Message, status: str) -> Reason | None:
    """The reason that the event itself names; else the message's, as long as it is still in the event's state."""
    code = None if event.data == _NO_DETAIL else _decode_facts(event.data).reason
    if code is None and message.state == status:
        code = message.reason
    return reason_of(code)


def keyword_of(message: Message) -> str | None:
    """STOP, START or HELP when an inbound text was one of these."""
    return next((word for flag, word in _KEYWORDS if message.flags & flag), None)


def twilio_status(message: Message) -> str:
    """Twilio's word for the message's state; `accepted` while a message given to a Messaging Service is queued."""
    if message.state == QUEUED and message_options(message).pool_id:
        return "accepted"
    return STATES[message.state].twilio


def twilio_calls_back(event: Event) -> bool:
    """Whether Twilio would post a status callback for this event: none for the first status, and none where its word
    would not change (a message back in the queue, in doubt, or without a receipt)."""
    state = event.type[len(_MESSAGE_EVENT) :]
    if event.seq <= 1 or state not in STATES or not event.type.startswith(_MESSAGE_EVENT):
        return False
    if state == QUEUED:
        return event.seq == 2  # a schedule that fell due
    return state not in (IN_DOUBT, UNKNOWN)


def twilio_status_callback(message: Message, event_type: str) -> list[tuple[str, str]]:
    """Parameters of a status callback, in Twilio's order; the status is the event's."""
    state = event_type.removeprefix(_MESSAGE_EVENT)
    options = message_options(message)
    status = "accepted" if state == QUEUED and options.pool_id else STATES.get(state, STATES[message.state]).twilio
    params = [
        ("SmsSid", message.id),
        ("SmsStatus", status),
        ("MessageStatus", status),
        ("To", message.recipient),
        ("MessageSid", message.id),
        ("AccountSid", message.account_id),
        ("From", message.sender),
        ("ApiVersion", TWILIO_API_VERSION),
    ]
    if options.pool_id:
        params.append(("MessagingServiceSid", options.pool_id))
    if status in ("failed", "undelivered"):
        params.append(("ErrorCode", twilio_error(message.reason) or _TWILIO_UNKNOWN_ERROR))
    if status in ("delivered", "undelivered") and message.final_at is not None:
        params.append(("RawDlrDoneDate", _done_date(message.final_at)))
    return params


def twilio_error(code: str | None) -> str | None:
    """Twilio's number for a reason, as text; None where it has none."""
    row = CATALOGUE.get(code or "")
    return str(row.twilio) if row is not None and row.twilio else None


def twilio_inbound(message: Message) -> list[tuple[str, str]]:
    """Parameters of the webhook for an inbound text, in Twilio's order. Twilio sends the places of both numbers; we
    know the countries, and send the other names empty because programs expect to find them."""
    options = message_options(message)
    keyword = keyword_of(message)
    return [
        *_place("To", message.recipient),
        ("SmsMessageSid", message.id),
        ("NumMedia", str(len(options.media))),
        *_place("From", message.sender),
        ("SmsSid", message.id),
        ("SmsStatus", "received"),
        ("Body", "" if message.encoding == _BINARY else message.text),
        ("To", message.recipient),
        *([("MessagingServiceSid", options.pool_id)] if options.pool_id else ()),
        *([("OptOutType", keyword)] if keyword else ()),
        ("NumSegments", str(message.segments)),
        ("MessageSid", message.id),
        ("AccountSid", message.account_id),
        ("From", message.sender),
        ("ApiVersion", TWILIO_API_VERSION),
    ]


def twilio_media(message: Message, api_url: str) -> list[tuple[str, str]]:
    """Where the media of an inbound text are, below the address of the API, and what they are."""
    options = message_options(message)
    below = f"{api_url}/{TWILIO_API_VERSION}/Accounts/{message.account_id}/Messages/{message.id}/Media"
    told: list[tuple[str, str]] = []
    for place, (media_id, content_type) in enumerate(zip(options.media, options.media_types, strict=False)):
        told += [(f"MediaContentType{place}", content_type), (f"MediaUrl{place}", f"{below}/{media_id}")]
    return told


def _place(side: str, address: str) -> tuple[tuple[str, str], ...]:
    number = normalise(address)
    country = number.country if number is not None else ""
    return ((f"{side}Country", country), (f"{side}State", ""), (f"{side}City", ""), (f"{side}Zip", ""))


def _done_date(at_us: int) -> str:
    """YYMMDDhhmm, as carriers write it into receipts."""
    text = moments.to_text(at_us)
    return f"{text[2:4]}{text[5:7]}{text[8:10]}{text[11:13]}{text[14:16]}"
