"""Senders and recipients as a carrier wants them written, with their TON and NPI (SMPP 3.4 5.2.5, 5.2.6), and the
addresses that came read back (traps T61, T65).
"""

import msgspec

from whimbrel.domain.dialect import CarrierSettings

_INTERNATIONAL = 1  # TON


class Address(msgspec.Struct, frozen=True, gc=False):
    """An address as it stands in a PDU."""

    ton: int
    npi: int
    digits: str


_DEFAULT = Address(0, 0, "")


def source(value: str, settings: CarrierSettings) -> Address:
    """A sender by its kind: a number with its plus, a short code, a name. Without one the carrier takes its own."""
    if not value:
        return _DEFAULT
    if value.startswith("+"):
        return Address(*settings.source_international, value if settings.keep_plus else value[1:])
    return Address(*(settings.source_short if value.isdecimal() else settings.source_alphanumeric), value)


def read(value: str, ton: int) -> str:
    """An address as it came: with its plus where the peer says that it is international."""
    return f"+{value}" if ton == _INTERNATIONAL and value.isdecimal() else value
