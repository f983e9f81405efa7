"""What is sent in to send messages, and the answer to a batch. Apart from the handlers because the OpenAPI document
reads the same shapes; the message resource itself is in `domain/callbacks.py`, which webhooks share.
"""

import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import astuple

from whimbrel.base import limits
from whimbrel.domain.dialect import TlvSetting
from whimbrel.domain.model import OnDoubt

Moment = Annotated[datetime.datetime, Meta(tz=True)]
Parts = Annotated[int, Meta(ge=1, le=limits.PARTS_MAX)]
Amount = Annotated[str, Meta(examples=["0.0075"], description="A decimal string, at most six decimals.")]

_REQUIRED = {"x-required": True}  # told in the OpenAPI document; its absence has a code of its own in the catalogue
_CLASSES = {"enum": ["otp", "transactional", "marketing", None]}


class NewMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A text to send."""

    to: Annotated[
        str | None,
        Meta(
            description="The recipient in E.164: a plus sign, country code and number.",
            examples=["+14155550123"],
            extra_json_schema=_REQUIRED,
        ),
    ] = None
    text: Annotated[
        str | None,
        Meta(description=f"The text, at most {limits.TEXT_MAX:,} characters; a batch's defaults may give it."),
    ] = None
    sender: Annotated[
        str | None, Meta(description="One of the account's senders; without it the default for the country is taken.")
    ] = None
    pool: Annotated[
        str | None, Meta(description="A sender pool's id in place of `sender`: one of its members writes.")
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
        Meta(description="Whether a message in doubt is only reported (default) or, of the class otp, sent once more."),
    ] = None
    quiet_hours: Annotated[
        Literal["wait", "refuse"] | None,
        Meta(
            description="What becomes of marketing at an hour at which it may not be sent; the account's policy by "
            "default, and never less than the operator demands."
        ),
    ] = None
    metadata: Annotated[
        dict[str, Any] | None,
        Meta(description=f"Your own data, told again in answers and events; at most {limits.METADATA_MAX:,} octets."),
    ] = None
    tags: Annotated[
        tuple[str, ...] | None,
        Meta(description=f"At most {limits.TAGS_MAX} words of {limits.TAG_MAX} characters to search by."),
    ] = None
    max_parts: Annotated[Parts | None, Meta(description="Refuse it if it needs more segments.")] = None
    max_price: Annotated[str | None, Meta(description="Refuse it if it costs more.", examples=["0.05"])] = None
    smart: Annotated[
        bool | None,
        Meta(description="Replace look-alikes (curly quotes, dashes) where that saves segments; `replaced` tells."),
    ] = None
    shorten_links: Annotated[
        bool | None,
        Meta(
            description="Make every http or https address of the text a short link of the recipient's own, by which "
            "clicks are counted. Without it only those in `{url=…}` are; false leaves these alone too."
        ),
    ] = None
    media: Annotated[
        tuple[str, ...] | None,
        Meta(
            description=f"Up to {limits.MEDIA_PER_MESSAGE} pictures or other files: ids of media, or URLs, which are "
            "fetched now. The text, which may be empty then, gets a short link to a page that shows them."
        ),
    ] = None
    flash: Annotated[bool | None, Meta(description="Show it at once and keep it nowhere (message class 0).")] = None
    data: Annotated[
        str | None,
        Meta(description=f"Octets in hex in place of a text, at most {limits.DATA_MAX:,}.", examples=["0a0b0c"]),
    ] = None
    udh: Annotated[
        str | None,
        Meta(
            description="Information elements of a user data header in hex, without the length octet.",
            examples=["05041583158a"],
        ),
    ] = None
    tlvs: Annotated[
        dict[str, TlvSetting] | None,
        Meta(
            description=f"At most {limits.TLVS_MAX} optional parameters of SMPP by name or number: a text, a whole "
            'number, or `{"hex": "…"}`.',
            examples=[{"pe_id": "1101234567890123456", "0x1500": {"hex": "00ff"}}],
        ),
    ] = None
    data_coding: Annotated[
        int | None, Meta(description="What `data` is (0 to 255); 4, or 0x14 with `flash`, by default.")
    ] = None
    template: Annotated[
        str | None,
        Meta(
            description="A template's name or id in place of a text: its newest approved version, or with @ and a "
            "number a fixed one.",
            examples=["order-shipped", "order-shipped@3"],
        ),
    ] = None
    variables: Annotated[
        dict[str, Any] | None,
        Meta(description="Values of the template's variables by name.", examples=[{"name": "Ana", "order": "8F3K"}]),
    ] = None
    language: Annotated[
        str | None,
        Meta(description="The language of the template's text (BCP 47); pt-BR falls back to pt, then to the default."),
    ] = None


class MessageDefaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What messages of a batch have that do not say otherwise; fields as in NewMessage."""

    text: str | None = None
    sender: str | None = None
    pool: str | None = None
    message_class: Annotated[str | None, Meta(extra_json_schema=_CLASSES)] = msgspec.field(default=None, name="class")
    send_at: Moment | None = None
    validity: int | None = None
    callback_url: str | None = None
    on_doubt: OnDoubt | None = None
    quiet_hours: Literal["wait", "refuse"] | None = None
    metadata: dict[str, Any] | None = None
    tags: tuple[str, ...] | None = None
    max_parts: Parts | None = None
    max_price: str | None = None
    smart: bool | None = None
    shorten_links: bool | None = None
    media: tuple[str, ...] | None = None
    flash: bool | None = None
    data: str | None = None
    udh: str | None = None
    tlvs: dict[str, TlvSetting] | None = None
    data_coding: int | None = None
    template: str | None = None
    variables: Annotated[
        dict[str, Any] | None, Meta(description="Of messages of the default template; a message's own go before these.")
    ] = None
    language: str | None = None


class NewBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Up to 10,000 texts; each gets a verdict of its own."""

    messages: Annotated[list[NewMessage], Meta(description=f"1 to {limits.BATCH_MAX:,} messages.")]
    defaults: MessageDefaults | None = None


class BatchError(msgspec.Struct, frozen=True, gc=False):
    """Why one message of a batch was refused."""

    code: str
    title: str
    detail: str
    pointer: str


class BatchItem(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The verdict on one message: what was accepted, or `error` alone, and then nothing was stored for it."""

    id: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    to: str | UnsetType = UNSET
    sender: str | UnsetType = UNSET
    segments: int | UnsetType = UNSET
    encoding: str | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    error: BatchError | UnsetType = UNSET
    warnings: tuple[str, ...] | UnsetType = UNSET


class BatchView(msgspec.Struct, frozen=True):
    """A verdict for each message, in order."""

    data: list[BatchItem]
    accepted: int
    rejected: int


def members_of_message(new: NewMessage) -> int:
    """How many members a message certainly had: those that are not null."""
    return _MESSAGE_FIELDS - astuple(new).count(None)


def members_of_batch(batch: NewBatch) -> int:
    """The same for a batch: `messages`, and each message's."""
    return 1 + sum(map(members_of_message, batch.messages))


_MESSAGE_FIELDS = len(NewMessage.__struct_fields__)
