"""Long inbound texts: which parts belong together and when they are one text (trap T56).

Parts come in any order, twice, over several binds and across restarts; phones use their references again. A set is
named by carrier, both numbers, reference and total: another total is another text. A part that cannot belong to any
set (number 0, or above the total) is a text of its own: nothing that a person wrote is dropped.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

from whimbrel.base.limits import INBOUND_PART_WAIT_S
from whimbrel.codec import segments

PART_WAIT_US: Final = INBOUND_PART_WAIT_S * 1_000_000

Verdict = Literal["repeated", "waiting", "complete", "anew"]


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One part of a long text: 1-based number, octets without header, when it came (UTC microseconds)."""

    number: int
    octets: bytes
    data_coding: int
    encoding: str
    at: int


class Joined(msgspec.Struct, frozen=True, gc=False):
    """A text made of its parts."""

    text: str
    encoding: str
    segments: int
    partial: bool


def belongs(total: int, number: int) -> bool:
    """Whether a part with this number of so many is part of a long text, and not a text of its own."""
    return total > 1 and 1 <= number <= total


def placed(stored: Mapping[int, Piece], piece: Piece, total: int) -> Verdict:
    """What a part does to the parts that wait for it, which are given by number.

    `anew`: the reference was used again (another text in the same place, or the others have waited too long), so the
    stored parts are delivered as they are and this one begins a new set.
    """
    if stored:
        if piece.at - min(other.at for other in stored.values()) > PART_WAIT_US:
            return "anew"
        twin = stored.get(piece.number)
        if twin is not None:
            return "repeated" if _content(twin) == _content(piece) else "anew"
    return "complete" if len(stored) + 1 == total else "waiting"


def join(pieces: Iterable[Piece], total: int) -> Joined:
    """One text of at least one part, whichever there are, in hex when it is binary. Parts may differ in their encoding;
    the wider one is told."""
    ordered = sorted(pieces, key=lambda piece: piece.number)
    if any(piece.encoding == "binary" for piece in ordered):
        octets = b"".join([piece.octets for piece in ordered])
        return Joined(octets.hex(), "binary", len(ordered), partial=len(ordered) < total)
    encoding = "ucs2" if any(piece.encoding == "ucs2" for piece in ordered) else ordered[0].encoding
    text = "".join(segments.decode_parts([piece.octets for piece in run], run[0].data_coding) for run in _runs(ordered))
    return Joined(text, encoding, len(ordered), partial=len(ordered) < total)


def _runs(ordered: Iterable[Piece]) -> list[list[Piece]]:
    """Neighbours of one coding, which are decoded as one: a character may begin in one part and end in the next. Where
    a part is missing, two halves do not belong together."""
    runs: list[list[Piece]] = []
    for piece in ordered:
        last = runs[-1][-1] if runs else None
        if last and last.number + 1 == piece.number and last.data_coding == piece.data_coding:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


def _content(piece: Piece) -> tuple[bytes, int]:
    return (piece.octets, piece.data_coding)
