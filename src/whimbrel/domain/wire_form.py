"""How a sender says what a message is to carry beyond its text, and how it is told again: hex, names, plain values.

Apart from `wire`, which is what is stored: octets, because a name may mean something else tomorrow.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from whimbrel.base.limits import TLVS_MAX, TLVS_OCTETS_MAX
from whimbrel.codec import codings, udh
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp import names
from whimbrel.codec.smpp.names import TlvValue
from whimbrel.codec.smpp.tables import Tag
from whimbrel.domain.dialect import TlvSetting
from whimbrel.domain.wire import Wire

OURS: Final = frozenset({Tag.MESSAGE_PAYLOAD, Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM})
"""Optional parameters that the text itself decides on."""

_SHIFTS: Final = frozenset({udh.IEI_SINGLE_SHIFT, udh.IEI_LOCKING_SHIFT})


class BadWire(ValueError):
    """A wish that cannot be; `pointer` is a JSON pointer into the message."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


class Wishes(msgspec.Struct, frozen=True, gc=False):
    """What a sender gave; absent is None."""

    flash: bool | None = None
    udh: str | None = None
    tlvs: Mapping[str, TlvSetting] | None = None
    data_coding: int | None = None


class Shown(msgspec.Struct, frozen=True, gc=False):
    """The same for a reader; only what is there."""

    flash: bool | UnsetType = UNSET
    udh: str | UnsetType = UNSET
    tlvs: dict[str, str | int | dict[str, str]] | UnsetType = UNSET
    data_coding: int | UnsetType = UNSET


def read(wishes: Wishes, own_names: Mapping[str, str], *, is_data: bool) -> Wire | None:
    """The wire's form, None when nothing was wished for; `BadWire`. `own_names` are names that carriers gave numbers.

    A text decides on data_coding and shift tables itself; data (octets) does not.
    """
    coding = wishes.data_coding
    if coding is not None:
        if not is_data:
            raise BadWire("/data_coding", "goes with `data`: a text has the one that its characters need")
        if not 0 <= coding <= 0xFF:
            raise BadWire("/data_coding", "must be 0 to 255")
        if wishes.flash:
            raise BadWire("/flash", "says another class than `data_coding`; give one of them")
    header = _header(wishes.udh, is_data=is_data) if wishes.udh else ""
    tlvs = _tlvs(wishes.tlvs, own_names) if wishes.tlvs else ()
    if coding is None and not (wishes.flash or header or tlvs):
        return None
    return Wire(tlvs, codings.FLASH if wishes.flash else None, header, coding)


def octets(pointer: str, text: str) -> bytes:
    """Octets in hex; `BadWire`."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadWire(pointer, "must be hex, two digits for each octet") from None


def _header(text: str, *, is_data: bool) -> str:
    given = octets("/udh", text)
    if not 0 < len(given) <= udh.MAX_HEADER_OCTETS:
        raise BadWire("/udh", f"must have 1 to {udh.MAX_HEADER_OCTETS} octets")
    try:
        elements = udh.parse(bytes((len(given),)) + given).elements
    except udh.BadUdh:
        raise BadWire("/udh", "must be whole information elements, without the length octet before them") from None
    if given[0] == len(given) - 1 and _is_header(given):  # it could be read as elements too, of kinds that nobody uses
        raise BadWire("/udh", "must be information elements, without the length octet before them")
    if not is_data and any(element.identifier in _SHIFTS for element in elements):
        raise BadWire("/udh", "must not name national language tables: the text chooses them")
    return given.hex()


def _is_header(given: bytes) -> bool:
    try:
        return bool(udh.parse(given).elements)
    except udh.BadUdh:
        return False


def _tlvs(given: Mapping[str, TlvSetting], own_names: Mapping[str, str]) -> tuple[tuple[int, str], ...]:
    if len(given) > TLVS_MAX:
        raise BadWire("/tlvs", f"must be at most {TLVS_MAX}")
    found: dict[int, str] = {}
    room = TLVS_OCTETS_MAX
    for name, value in given.items():
        pointer = "/tlvs/" + name.replace("~", "~0").replace("/", "~1")
        tag = tag_named(name, own_names)
        if tag is None:
            raise BadWire(pointer, "is no name or number of an optional parameter")
        if tag in OURS:
            raise BadWire(pointer, "is decided by the text")
        if tag in found:
            raise BadWire(pointer, "stands twice, by two names")
        found[tag] = value_of(pointer, tag, value).hex()
        room -= len(found[tag]) // 2
    if room < 0:
        raise BadWire("/tlvs", f"must have at most {TLVS_OCTETS_MAX:,} octets together")
    return tuple(found.items())


def tag_named(name: str, own_names: Mapping[str, str]) -> int | None:
    """The number of an optional parameter: by a carrier's own name for it, a usual name, or itself."""
    return names.tag_of(own_names.get(name.strip().lower(), name))


def value_of(pointer: str, tag: int, value: TlvValue) -> bytes:
    """The octets of its value; `BadWire`."""
    if isinstance(value, Mapping) and [*value] != ["hex"]:
        raise BadWire(pointer, 'must be a text, a whole number or {"hex": "…"}')
    try:
        return names.value_octets(tag, value)
    except CodecError as error:
        raise BadWire(pointer, str(error)) from None


def shown(wire: Wire) -> Shown:
    """What a message carries beyond its text, for a reader."""
    tlvs: dict[str, Any] = {names.tag_name(tag): names.readable_value(tag, bytes.fromhex(at)) for tag, at in wire.tlvs}
    return Shown(
        flash=True if wire.message_class == codings.FLASH else UNSET,
        udh=wire.header or UNSET,
        tlvs=tlvs or UNSET,
        data_coding=UNSET if wire.data_coding is None else wire.data_coding,
    )
