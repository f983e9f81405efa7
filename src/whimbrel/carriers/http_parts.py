"""A part as a carrier over HTTP wants it: a whole text, and not octets. The reverse of what `journey/submit.py` did,
since a part carries what most carriers take."""

from typing import Final

from whimbrel.carriers.interface import Part
from whimbrel.codec import gsm7, shifts, udh
from whimbrel.domain.http_requests import Unrenderable, Values

_SECOND_US: Final = 1_000_000


def values_of(part: Part, now_us: int, callback: str) -> Values:
    """What is filled in for it. Unrenderable: what it is can be said over SMPP only."""
    if part.encoding == "binary" or (part.wire is not None and part.wire.header):
        raise Unrenderable("carrier_unavailable", "binary data and headers of the sender's own need SMPP")
    text = text_of(part)
    # what was queued for a carrier over SMPP may be in national tables, which no provider knows
    is_gsm7 = part.encoding == "gsm7" and (not part.header or gsm7.try_encode(text) is not None)
    return Values(
        to=part.destination,
        sender=part.source,
        text=text,
        reference=f"{part.message_id}-{part.attempt}",
        callback=callback,
        validity_s=max(1, (part.expires_at - now_us) // _SECOND_US),
        encoding="gsm7" if is_gsm7 else "ucs2",
        media=part.media,
    )


def text_of(part: Part) -> str:
    """The text of a part that holds a whole message."""
    if part.encoding == "ucs2":
        return part.octets.decode("utf-16-be", "replace")
    if not part.header:
        return gsm7.decode(part.octets)
    elements = udh.parse(bytes((len(part.header),)) + part.header).elements
    return shifts.decode(part.octets, udh.shift_of(elements))
