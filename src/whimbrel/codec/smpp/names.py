"""TLVs as people write and read them: by name or number, with a text, a number or hex for the value.

Apart from `tables`, which holds what the specification says: here stand also the tags of vendors that many carriers
ask for, the short names in use, and what a value given as plain text means for a tag whose shape nobody told us.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.fields import write_value
from whimbrel.codec.smpp.tables import CString, Integer, Kind, OctetString, Tag

TlvValue = str | int | Mapping[str, str]
"""A text, a number, or `{"hex": "…"}` for exact octets."""

TAG_MAX: Final = 0xFFFF

ENTITY_ID: Final = 0x1400
TEMPLATE_ID: Final = 0x1401
TELEMARKETER_ID: Final = 0x1402
"""What carriers in India require with each text: the sender's registration, the registered template, and the chain of
telemarketers (rules of the telecom regulator of 2018, in force by these tags since 2020)."""

_STANDARD: Final = {tag.name.lower(): int(tag) for tag in Tag}

NAMES: Final[Mapping[int, str]] = MappingProxyType(
    {
        **{number: name for name, number in _STANDARD.items()},
        ENTITY_ID: "entity_id",
        TEMPLATE_ID: "template_id",
        TELEMARKETER_ID: "telemarketer_id",
    }
)
"""The one name of each known tag: the specification's in small letters, or a vendor's."""

_NUMBERS: Final[Mapping[str, int]] = MappingProxyType(
    {
        **{name: number for number, name in NAMES.items()},
        "pe_id": ENTITY_ID,
        "principal_entity_id": ENTITY_ID,
        "content_template_id": TEMPLATE_ID,
        "tm_id": TELEMARKETER_ID,
        "dest_port": int(Tag.DESTINATION_PORT),  # the names of SMPP 5.0
        "alert_on_msg_delivery": int(Tag.ALERT_ON_MESSAGE_DELIVERY),
    }
)

_KINDS: Final[Mapping[int, Kind]] = MappingProxyType({int(tag): tag.kind for tag in Tag})
_RAW: Final = OctetString(0xFFFF)
"""A tag that no table knows. Its text goes without a NUL: captures of the tags above carry 19 digits in 19 octets, and
most vendors' documents say "octet string". Who needs the NUL writes it, as "\\0" or in hex."""


def tag_of(text: str) -> int | None:
    """The tag's number from a name ("entity_id"), a hex number ("0x1400") or a decimal one ("5120"); None when it is
    none of them, or beyond two octets."""
    text = text.strip().lower().replace("-", "_")
    known = _NUMBERS.get(text)
    if known is not None:
        return known
    digits, base = (text[2:], 16) if text.startswith("0x") else (text, 10)
    try:
        number = int(digits, base) if digits.isascii() and digits.isalnum() else -1
    except ValueError:
        return None
    return number if 0 <= number <= TAG_MAX else None


def tag_name(tag: int) -> str:
    """The tag's name, or its number in hex when it has none; `tag_of` reads both."""
    return NAMES.get(tag) or f"0x{tag:04X}"


def value_octets(tag: int, value: TlvValue) -> bytes:
    """The octets of a value in the shape that the tag has; CodecError when it does not fit that shape.

    A number for a tag of text is its decimal digits: registration ids are written without quotes as often as with.
    """
    if isinstance(value, Mapping):
        return _from_hex(tag, value)
    kind = _KINDS.get(tag, _RAW)
    if isinstance(kind, Integer):
        return write_value(tag_name(tag), kind, _integer(tag, value))
    text = str(value)
    if isinstance(kind, CString):
        return write_value(tag_name(tag), kind, text.removesuffix("\0"))
    try:
        octets = text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise CodecError(f"{tag_name(tag)} holds a character beyond Latin-1; give its octets in hex") from error
    return write_value(tag_name(tag), kind, octets)


def readable_value(tag: int, octets: bytes) -> str | int | dict[str, str]:
    """A TLV's octets for a reader: a number, a text without its NUL, or `{"hex": "…"}` when they are neither.

    For tags of integers any width up to eight octets is read: peers differ.
    """
    kind = _KINDS.get(tag, _RAW)
    if isinstance(kind, Integer) and 0 < len(octets) <= 8:
        return int.from_bytes(octets, "big")
    text = octets.removesuffix(b"\0").decode("latin-1")
    if isinstance(kind, Integer) or not (text.isascii() and text.isprintable()):
        return {"hex": octets.hex()}
    return text


def _from_hex(tag: int, value: Mapping[str, str]) -> bytes:
    try:
        return write_value(tag_name(tag), _RAW, bytes.fromhex(value["hex"]))
    except (KeyError, TypeError) as error:
        raise CodecError(f'{tag_name(tag)} must be a text, a number or {{"hex": "…"}}') from error
    except ValueError as error:
        raise CodecError(f"{tag_name(tag)} is no hex of whole octets, or too long") from error


def _integer(tag: int, value: str | int) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise CodecError(f"{tag_name(tag)} is a number") from error
