"""What of a PDU may be shown to whoever watches a bind: enough of a number to recognise it, too little to call it.

Apart from `describe` because this is the list that privacy rests on. A TLV's value is shown when its tag is known to
hold nothing of people; a text of any other has its numbers masked; other octets are hidden beyond a few.
"""

import re
from typing import Final

from whimbrel.codec.smpp.names import ENTITY_ID, TELEMARKETER_ID, TEMPLATE_ID, readable_value
from whimbrel.codec.smpp.tables import Tag

HIDDEN: Final = "•••"
_DIGITS_MIN: Final = 7
"""Fewer digits are a short code, which belongs to a business."""
_LONG_DIGITS: Final = 10
_TAIL: Final = 2
_SMALL_OCTETS: Final = 4
"""Octets that are shown of an unknown tag: too few for a number."""
_RUN: Final = re.compile(r"\d(?:[ .()/-]{0,2}\d){6,}", re.ASCII)
"""Seven digits or more, also as people write them, in groups."""

_PUBLIC: Final = frozenset(
    {
        ENTITY_ID,
        TEMPLATE_ID,
        TELEMARKETER_ID,
        int(Tag.RECEIPTED_MESSAGE_ID),
        int(Tag.NETWORK_ERROR_CODE),
        int(Tag.SOURCE_NETWORK_ID),
        int(Tag.DEST_NETWORK_ID),
        int(Tag.SOURCE_NODE_ID),
        int(Tag.DEST_NODE_ID),
        int(Tag.BILLING_IDENTIFICATION),
    }
)
_PERSONAL: Final = frozenset(
    {
        int(Tag.MESSAGE_PAYLOAD),
        int(Tag.CALLBACK_NUM),
        int(Tag.CALLBACK_NUM_ATAG),
        int(Tag.SOURCE_SUBADDRESS),
        int(Tag.DEST_SUBADDRESS),
        int(Tag.DEST_ADDR_NP_INFORMATION),
    }
)


def mask_number(address: str) -> str:
    """An address with the middle of its digits hidden: 447700900123 becomes 4477••••••23.

    A name stays, and so does a short code; a number inside a name does not.
    """
    if any(character.isalpha() for character in address):
        return mask_numbers(address)
    return _mask_digits(address)


def mask_numbers(text: str) -> str:
    """A text with every number in it masked."""
    return _RUN.sub(lambda found: _mask_digits(found[0]), text)


def shown_value(tag: int, octets: bytes, reveal: bool) -> str | int | dict[str, str] | None:
    """A TLV's value as far as it may be shown; None when it is hidden."""
    value = readable_value(tag, octets)
    if reveal or tag in _PUBLIC:
        return value
    if tag in _PERSONAL:
        return None
    if isinstance(value, str):
        return mask_number(value)
    return value if len(octets) <= _SMALL_OCTETS else None


def _mask_digits(text: str) -> str:
    """All but the first and the last digits hidden, when there are enough for a number; what is no digit stays."""
    places = [place for place, character in enumerate(text) if character.isdigit()]
    if len(places) < _DIGITS_MIN:
        return text
    head = 4 if len(places) >= _LONG_DIGITS else 3
    hidden = frozenset(places[head:-_TAIL])
    return "".join("•" if place in hidden else character for place, character in enumerate(text))
