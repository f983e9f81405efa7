"""What messages look like in JSON: what is sent in, what comes out. Apart from the handlers because the OpenAPI
document, the hot routes and the console read the same shapes.
"""

import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits, moments, money
from whimbrel.base.errors import CATALOGUE, Fault
from whimbrel.domain.model import Flag, Message, OnDoubt, Options

Moment = Annotated[datetime.datetime, Meta(tz=True)]
MomentText = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Amount = Annotated[str, Meta(examples=["0.0075"], description="A decimal string, at most six decimals.")]

_REQUIRED = {"x-required": True}  # told in the OpenAPI document; its absence has a code of its own in the catalogue
_CLASSES = {"enum": ["otp", "transactional", "marketing", None]}


class NewMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A text to send."""

    to: Annotated[
        str,
        Meta(
            description="The recipient in E.164: a plus sign, country code and number.",
            examples=["+14155550123"],
            extra_json_schema=_REQUIRED,
        ),
    ] = ""
    text: Annotated[
        str | None,
        Meta(description=f"The text, at most {limits.TEXT_MAX} characters.", extra_json_schema=_REQUIRED),
    ] = None
    sender: Annotated[
        str | None, Meta(description="One of the account's senders; without it the default for the country is taken.")
    ] = None
    message_class: Annotated[
        str | None,
        Meta(description="Priority and what happens in doubt; transactional by default.", extra_json_schema=_CLASSES),
    ] = msgspec.field(default=None, name="class")
    send_at: Annotated[
        Moment | None, Meta(description="When to send it, up to a year ahead, with a time zone; at once by default.")
    ] = None
    validity: Annotated[
        int | None,
        Meta(
            description="Seconds after which it is no longer sent "
            f"({limits.VALIDITY_MIN_S} to {limits.VALIDITY_MAX_S}; {limits.VALIDITY_DEFAULT_S:,} by default, "
            f"{limits.VALIDITY_OTP_DEFAULT_S} for otp)."
        ),
    ] = None
    callback_url: Annotated[
        str | None, Meta(description="Its events are posted here too, signed with the account's callback secret.")
    ] = None
    on_doubt: Annotated[
        OnDoubt | None,
        Meta(description="For otp: whether a message in doubt is only reported (default) or sent once more."),
    ] = None
    metadata: Annotated[
        dict[str, Any] | None,
        Meta(description=f"Your own data, told again in answers and events; at most {limits.METADATA_MAX:,} octets."),
    ] = None
    tags: Annotated[
        tuple[str, ...] | None,
        Meta(description=f"At most {limits.TAGS_MAX} words of {limits.TAG_MAX} characters to search by."),
    ] = None
    max_parts: Annotated[
        int | None, Meta(ge=1, le=limits.PARTS_MAX, description="Refuse it if it needs more segments.")
    ] = None
    max_price: Annotated[str | None, Meta(description="Refuse it if it costs more.", examples=["0.05"])] = None
    smart: Annotated[
        bool | None,
        Meta(description="Replace look-alikes (curly quotes, dashes) where that saves segments; `replaced` tells."),
    ] = None


class MessageDefaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What messages of a batch have that do not say otherwise; fields as in NewMessage."""

    text: str | None = None
    sender: str | None = None
    message_class: Annotated[str | None, Meta(extra_json_schema=_CLASSES)] = msgspec.field(default=None, name="class")
    send_at: Moment | None = None
    validity: int | None = None
    callback_url: str | None = None
    on_doubt: OnDoubt | None = None
    metadata: dict[str, Any] | None = None
    tags: tuple[str, ...] | None = None
    max_parts: Annotated[int, Meta(ge=1, le=limits.PARTS_MAX)] | None = None
    max_price: str | None = None
    smart: bool | None = None


class NewBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Up to 10,000 texts; each gets a verdict of its own."""

    messages: Annotated[list[NewMessage], Meta(description=f"1 to {limits.BATCH_MAX:,} messages.")]
    defaults: MessageDefaults | None = None


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why a message ended as it did; docs/errors.md lists the codes."""

    code: str
    title: str
    permanent: bool
    fault: Fault
    advice: str


class Replacement(msgspec.Struct, frozen=True, gc=False):
    """What smart encoding changed: at `position` of the text as it was sent in."""

    position: int
    original: str
    replacement: str


class MessageView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message, outbound or inbound."""

    id: str
    account_id: str
    direction: Literal["out", "in"]
    status: str
    to: str
    sender: str
    text: str
    message_class: str = msgspec.field(name="class")
    encoding: Literal["gsm7", "ucs2"]
    segments: int
    price: Amount
    currency: str
    test: bool
    created_at: MomentText
    updated_at: MomentText
    send_at: MomentText | None = None
    expires_at: MomentText | None = None
    sent_at: MomentText | None = None
    final_at: MomentText | None = None
    reason: Reason | None = None
    charged: Amount = "0.00"
    callback_url: str | None = None
    on_doubt: OnDoubt = "report"
    metadata: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()
    max_parts: int | None = None
    max_price: Amount | None = None
    replaced: tuple[Replacement, ...] = ()
    possible_duplicate: Annotated[bool, Meta(description="It was sent twice after doubt, as asked for.")] = False
    corrected: Annotated[bool, Meta(description="A late receipt corrected its final state.")] = False
    redacted: bool = False
    partial: Annotated[bool, Meta(description="Inbound: parts were missing when it was delivered.")] = False
    reply_to: str | None = None


class BatchError(msgspec.Struct, frozen=True, gc=False):
    """Why one message of a batch was refused."""

    code: str
    title: str
    detail: str
    pointer: str


class BatchRefused(msgspec.Struct, frozen=True, gc=False):
    """A message of a batch that was refused; nothing was stored for it."""

    error: BatchError


class BatchAccepted(msgspec.Struct, frozen=True, gc=False):
    """A message of a batch that was accepted."""

    id: str
    status: str
    to: str
    sender: str
    segments: int
    encoding: str
    price: Amount
    currency: str


class BatchView(msgspec.Struct, frozen=True):
    """A verdict for each message, in order."""

    data: list[BatchAccepted | BatchRefused]
    accepted: int
    rejected: int


_PLAIN = Options()


def reason_of(code: str | None) -> Reason | None:
    """A reason in full."""
    if code is None:
        return None
    spec = CATALOGUE[code]
    return Reason(spec.code, spec.title, spec.permanent, spec.fault, spec.advice)


def replacements(rows: tuple[tuple[int, str, str], ...]) -> tuple[Replacement, ...]:
    """What smart encoding changed, in words."""
    return tuple(Replacement(*row) for row in rows)


def message_view(message: Message) -> MessageView:
    """A stored message as JSON shows it."""
    options = _PLAIN if message.options == "{}" else msgspec.json.decode(message.options, type=Options)
    scheduled = message.due_at > message.created_at
    ceiling = options.max_price_micros
    return MessageView(
        id=message.id,
        account_id=message.account_id,
        direction=message.direction,
        status=message.state,
        to=message.recipient,
        sender=message.sender,
        text=message.text,
        message_class=message.message_class,
        encoding=message.encoding,
        segments=message.segments,
        price=money.to_text(message.price_micros),
        currency=message.currency,
        test=message.test,
        created_at=moments.to_text(message.created_at),
        updated_at=moments.to_text(message.updated_at),
        send_at=moments.to_text(message.due_at) if scheduled else None,
        expires_at=moments.to_text(message.expires_at) if message.direction == "out" else None,
        sent_at=moments.to_text_or_none(message.sent_at),
        final_at=moments.to_text_or_none(message.final_at),
        reason=reason_of(message.reason),
        charged=money.to_text(message.charged_micros),
        callback_url=options.callback_url,
        on_doubt=options.on_doubt,
        metadata=options.metadata,
        tags=options.tags,
        max_parts=options.max_parts,
        max_price=None if ceiling is None else money.to_text(ceiling),
        replaced=replacements(options.replaced),
        possible_duplicate=bool(message.flags & Flag.POSSIBLE_DUPLICATE),
        corrected=bool(message.flags & Flag.CORRECTED),
        redacted=bool(message.flags & Flag.REDACTED),
        partial=bool(message.flags & Flag.PARTIAL),
        reply_to=options.reply_to,
    )
