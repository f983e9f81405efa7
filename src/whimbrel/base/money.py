"""Money: integer millionths of the currency inside, decimal strings outside. No floats anywhere."""

import re
from decimal import Decimal

MICROS = 1_000_000
_DECIMAL = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?").fullmatch
MAX_MICROS = 10**15  # a thousand million: beyond it a typing error is likelier than a price


def to_text(micros: int, places: int = 2) -> str:
    """A decimal string with at least `places` digits after the point and no superfluous zeros: 7500 -> "0.0075"."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS)
    digits = f"{fraction:06d}".rstrip("0")
    return f"{sign}{whole}.{digits.ljust(places, '0')}"


def from_text(text: str) -> int:
    """Micros of a decimal string; ValueError when it is no number, has more than six decimals or is out of range."""
    if not _DECIMAL(text):
        raise ValueError("not a decimal number")
    value = Decimal(text)
    micros = value * MICROS
    if micros != micros.to_integral_value():
        raise ValueError("more than six decimals")
    if abs(micros) > MAX_MICROS:
        raise ValueError("out of range")
    return int(micros)
