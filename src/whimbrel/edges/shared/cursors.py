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


def decode_position(cursor: str) -> int:
    """A position; invalid_cursor."""
    place = decode(cursor)
    if not _POSITION.fullmatch(place):
        raise WhimbrelError("invalid_cursor")
    return int(place)
