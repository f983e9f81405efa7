"""Cursors of lists: opaque outside, the last id or position inside."""

import base64
import binascii
import re
from typing import Final

from whimbrel.base.errors import WhimbrelError

_POSITION: Final = re.compile(r"-?[0-9]{1,19}")


def encode(place: str | int) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    """What `encode` was given, as text; invalid_cursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise WhimbrelError("invalid_cursor") from None


def encode_position(position: int, cell: str = "") -> str:
    """A cursor of an event log; each cell has its own log."""
    return encode(f"{cell}:{position}" if cell else position)


def decode_position(cursor: str, cell: str = "") -> int:
    """A position; invalid_cursor, also for one of another cell's log, which says nothing of what is next here."""
    origin, _, place = decode(cursor).rpartition(":")
    if cell and origin not in ("", cell):
        raise WhimbrelError("invalid_cursor", "The cursor is from before the account moved: begin again without one.")
    if not _POSITION.fullmatch(place):
        raise WhimbrelError("invalid_cursor")
    return int(place)
