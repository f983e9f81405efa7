"""Submit: from a claimed message to the parts that a carrier writes to the wire."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from whimbrel.base.vault import Vault
from whimbrel.carriers.interface import Part
from whimbrel.codec import segments, udh
from whimbrel.codec.errors import CodecError
from whimbrel.codec.shifts import NO_SHIFT, Shift
from whimbrel.domain.model import Flag, Options
from whimbrel.domain.wire import Wire
from whimbrel.journey.mms import apart
from whimbrel.journey.sealing import opened_text

_SHIFTED = 0xFF << Flag.LOCKING_SHIFT | 0xFF << Flag.SINGLE_SHIFT
_BEYOND = _SHIFTED | Flag.WIDE | Flag.WIRE | Flag.MMS
"""Of a message with none of these its text says all: nearly every one, so nothing more is done for it."""
_CUT_OTHERWISE = _BEYOND | Flag.SEALED
_decode_options = msgspec.json.Decoder(Options).decode


class Sendable(Protocol):
    """What is needed of a message to send it: it comes from accept as it was made, or from the queue."""

    @property
    def id(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def recipient(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def segments(self) -> int: ...
    @property
    def expires_at(self) -> int: ...
    @property
    def priority(self) -> int: ...
    @property
    def flags(self) -> int: ...
    @property
    def options(self) -> str: ...


def octets(message: Sendable, vault: Vault, *, whole: bool = False, media: bool = False) -> tuple[bytes, ...]:
    """The user data of each part without headers, or of all of them in one piece (`whole`: the carrier cuts it itself);
    CodecError when the stored text does not fit its stored encoding. `media`: the carrier takes them, and so no link to
    them."""
    if media and message.flags & Flag.MMS:
        words, _ = apart(message.text, 0)
        encoding: segments.Encoding = "gsm7" if message.encoding == "gsm7" else "ucs2"
        return (b"".join(segments.cut(words, encoding=encoding, shift=_shift(message.flags))),)
    if message.flags & _CUT_OTHERWISE or message.encoding != "gsm7":
        built = _cut(message, vault)
    else:
        built = segments.cut(message.text, encoding="gsm7")
    if len(built) != message.segments:
        raise CodecError(f"{len(built)} parts were built where {message.segments} were priced")
    return (b"".join(built),) if whole and len(built) > 1 else built


def _cut(message: Sendable, vault: Vault) -> tuple[bytes, ...]:
    flags = message.flags
    wide = bool(flags & Flag.WIDE)
    own = 0
    if flags & Flag.WIRE:
        wire = wire_of(message)
        own = len(wire.header) // 2 if wire else 0
    if message.encoding == "binary":
        return segments.cut_octets(bytes.fromhex(message.text), wide=wide, extra_header_octets=own)
    return segments.cut(
        opened_text(vault, message.id, message.options) if flags & Flag.SEALED else message.text,
        encoding="gsm7" if message.encoding == "gsm7" else "ucs2",
        wide=wide,
        shift=_shift(flags) if flags & _SHIFTED else NO_SHIFT,
        extra_header_octets=own,
    )


def _media_of(message: Sendable) -> tuple[str, ...]:
    """Where its media are to be had."""
    return apart(message.text, len(_decode_options(message.options).media))[1]


def wire_of(message: Sendable) -> Wire | None:
    """What its sender said about how it stands on the wire."""
    return _decode_options(message.options).wire if message.flags & Flag.WIRE else None


def _shift(flags: int) -> Shift:
    return Shift(flags >> Flag.LOCKING_SHIFT & 0xFF, flags >> Flag.SINGLE_SHIFT & 0xFF)


def _header(flags: int, wire: Wire | None) -> bytes:
    """The information elements that every part bears beside its place in the message."""
    shift = udh.build(udh.shift_elements(_shift(flags)))[1:] if flags & _SHIFTED else b""
    return shift + bytes.fromhex(wire.header) if wire else shift


def parts(
    message: Sendable, built: Sequence[bytes], attempts: Sequence[int], tail_hash: int, *, media: bool = False
) -> list[Part]:
    """One part for each committed attempt; with its media where the carrier takes them (`media`).

    The reference is drawn from the message's id, so that a part which is built again is the same part.
    """
    total, flags = len(built), message.flags
    if total == 1 and not flags & _BEYOND:
        return [
            Part(
                attempts[0],
                message.id,
                message.sender,
                message.recipient,
                built[0],
                message.encoding,
                message.expires_at,
                1,
                1,
                tail_hash,
                message.priority,
            )
        ]
    wire = wire_of(message)
    header = _header(flags, wire) if flags & (_SHIFTED | Flag.WIRE) else b""
    reference = int(message.id[-12:-4], 16) & 0xFFFF if total > 1 else 0
    return [
        Part(
            attempt,
            message.id,
            message.sender,
            message.recipient,
            built[index],
            message.encoding,
            message.expires_at,
            index + 1,
            total,
            tail_hash,
            message.priority,
            reference,
            bool(flags & Flag.WIDE),
            header,
            wire,
            media=_media_of(message) if media and flags & Flag.MMS else (),
        )
        for index, attempt in enumerate(attempts)
    ]
