"""The records that this door answers with: names, order and types of Twilio's OpenAPI document (strings where its SDKs
decode strings, dates of RFC 2822). `x_` members are ours: SDKs ignore what they do not know inside a record.
"""

from typing import Final

import msgspec

from whimbrel.base import money
from whimbrel.base.errors import CATALOGUE
from whimbrel.base.moments import to_rfc2822
from whimbrel.codec.smart import smart
from whimbrel.domain.callbacks import TWILIO_API_VERSION, message_options, twilio_error, twilio_status
from whimbrel.domain.model import Draft, Message
from whimbrel.domain.numbers import normalise
from whimbrel.domain.states import QUEUED, STATES
from whimbrel.edges.twilio.routes import ROOT
from whimbrel.store.interface import Verdict

_PRICE_PLACES: Final = 5  # Twilio writes "-0.00750"
_FAILED: Final = frozenset({"failed", "undelivered"})


class MessageRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A message."""

    account_sid: str
    api_version: str
    body: str
    date_created: str
    date_sent: str | None
    date_updated: str
    direction: str
    error_code: int | None
    error_message: str | None
    sender: str | None = msgspec.field(name="from")
    messaging_service_sid: str | None
    num_media: str
    num_segments: str
    price: str | None  # negative: a charge
    price_unit: str | None
    sid: str
    status: str
    subresource_uris: dict[str, str]
    to: str
    uri: str
    x_reason: str | None  # our code, which never changes its meaning
    x_status: str  # our state, where Twilio has one word for two


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of messages. Its members are a closed list: the SDKs take away those that they know and need exactly one
    to be left."""

    end: int
    first_page_uri: str
    messages: tuple[MessageRecord, ...]
    next_page_uri: str | None
    page: int
    page_size: int
    previous_page_uri: str | None
    start: int
    uri: str


class MediaRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A medium of a message."""

    account_sid: str
    content_type: str
    date_created: str
    date_updated: str
    parent_sid: str
    sid: str
    uri: str


class MediaPage(msgspec.Struct, frozen=True, kw_only=True):
    """The media of a message: at most ten, so there is one page."""

    end: int = 0
    first_page_uri: str
    media_list: tuple[MediaRecord, ...] = ()
    next_page_uri: str | None = None
    page: int = 0
    page_size: int
    previous_page_uri: str | None = None
    start: int = 0
    uri: str


class AccountRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An account."""

    auth_token: str | None
    date_created: str
    date_updated: str
    friendly_name: str
    owner_account_sid: str
    sid: str
    status: str
    subresource_uris: dict[str, str]
    type: str = "Full"
    uri: str


class BalanceRecord(msgspec.Struct, frozen=True, gc=False):
    """What an account may still spend."""

    account_sid: str
    balance: str
    currency: str


def message_uri(account_id: str, message_id: str) -> str:
    """A message's path without its ending."""
    return f"{ROOT}{account_id}/Messages/{message_id}"


def stored(message: Message) -> MessageRecord:
    """A message as it stands."""
    options = message_options(message)
    uri = message_uri(message.account_id, message.id)
    status = twilio_status(message)
    failed = status in _FAILED
    inbound = message.direction == "in"
    number = twilio_error(message.reason) if failed else None
    sent_at = message.created_at if inbound else message.sent_at
    return MessageRecord(
        account_sid=message.account_id,
        api_version=TWILIO_API_VERSION,
        body="" if message.encoding == "binary" else message.text,
        date_created=to_rfc2822(message.created_at),
        date_sent=None if sent_at is None else to_rfc2822(sent_at),
        date_updated=to_rfc2822(message.updated_at),
        direction="inbound" if inbound else "outbound-reply" if options.reply_to else "outbound-api",
        error_code=int(number) if number else None,
        error_message=CATALOGUE[message.reason].title if failed and message.reason in CATALOGUE else None,
        sender=message.sender or None,
        messaging_service_sid=options.pool_id,
        num_media=str(len(options.media)),
        num_segments=str(message.segments),
        price=_charge(message.charged_micros),
        price_unit=message.currency or None,  # an inbound text has none
        sid=message.id,
        status=status,
        subresource_uris={"media": f"{uri}/Media.json"},
        to=message.recipient,
        uri=f"{uri}.json",
        x_reason=message.reason,
        x_status=message.state,
    )


def accepted(made: Draft, verdict: Verdict) -> MessageRecord:
    """A message that was accepted just now (or, when the request is a repetition, as it was then)."""
    assert verdict.id is not None
    uri = message_uri(made.account_id, verdict.id)
    number = normalise(made.recipient)
    created = to_rfc2822(verdict.created_at)
    pool = made.options.pool_id
    return MessageRecord(
        account_sid=made.account_id,
        api_version=TWILIO_API_VERSION,
        body=_body(made, verdict),
        date_created=created,
        date_sent=None,
        date_updated=created,
        direction="outbound-api",
        error_code=None,
        error_message=None,
        sender=verdict.sender,
        messaging_service_sid=pool,
        num_media=str(len(made.options.media)),
        num_segments=str(verdict.segments),
        price=None,
        price_unit=verdict.currency,
        sid=verdict.id,
        status="accepted" if pool and verdict.state == QUEUED else STATES[verdict.state].twilio,
        subresource_uris={"media": f"{uri}/Media.json"},
        to=number.e164 if number else made.recipient,
        uri=f"{uri}.json",
        x_reason=None,
        x_status=verdict.state,
    )


def _body(made: Draft, verdict: Verdict) -> str:
    """The text that was sent in, or that a template made."""
    text = made.text if made.template is None and made.links is None else verdict.text
    text = made.text if text is None else text
    return smart(text).text if verdict.replaced else text


def _charge(charged_micros: int) -> str | None:
    """Null until something is charged."""
    return money.to_text(-charged_micros, _PRICE_PLACES) if charged_micros else None
