"""Addresses of a submit_sm as our own: what type of number (TON) and digits together mean.

Apart because it is all rules about strings. Customers set TON and NPI (SMPP 3.4 5.2.5, 5.2.6) as their last SMSC wanted
them, so the address itself decides where it can, and NPI never does.
"""

from functools import lru_cache
from typing import Final

from whimbrel.domain.numbers import normalise

INTERNATIONAL: Final = 1
NATIONAL: Final = 2
ALPHANUMERIC: Final = 5
_SHORT_CODE_MAX: Final = 8
_SHORT_TONS: Final = frozenset({3, 4, 6})
"""Network specific, subscriber number, abbreviated: what is short is a short code."""


def recipient(ton: int, address: str) -> str | None:
    """The number as accept takes it: digits are international, with or without a plus or 00. None where TON says that
    they are national: of which country, nobody can tell, and a guess would text a stranger."""
    if address.isdigit() and address[:2] != "00":
        return None if ton == NATIONAL else f"+{address}"
    return address.strip()


@lru_cache(maxsize=1024)
def sender(ton: int, address: str) -> str | None:
    """The sender as accept takes it; None, the account's default, when the address is empty."""
    address = address.strip()
    if ton == ALPHANUMERIC or not address.isdigit():
        return address or None
    if address.startswith("00"):
        return f"+{address[2:]}"
    if len(address) > _SHORT_CODE_MAX:
        return address if ton in _SHORT_TONS and normalise(f"+{address}") is None else f"+{address}"
    is_number = ton == INTERNATIONAL and normalise(f"+{address}") is not None
    return f"+{address}" if is_number else address
