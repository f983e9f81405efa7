"""Money: integer millionths of the currency inside, decimal strings outside. No floats anywhere."""

from decimal import Decimal, InvalidOperation

MICROS = 1_000_000
MAX_MICROS = 10**15  # a thousand million: beyond it a typing error is likelier than a price


def to_text(micros: int, places: int = 2) -> str:
    """A decimal string with at least `places` digits after the point and no superfluous zeros: 7500 -> "0.0075"."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS)
    digits = f"{fraction:06d}".rstrip("0")
    return f"{sign}{whole}.{digits.ljust(places, '0')}"


def from_text(text: str) -> int:
    """Micros of a decimal string; ValueError when it is no number, has more than six decimals or is out of range."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError("not a decimal number") from None
    if not value.is_finite():
        raise ValueError("not a finite number")
    micros = value * MICROS
    if micros != micros.to_integral_value():
        raise ValueError("more than six decimals")
    if abs(micros) > MAX_MICROS:
        raise ValueError("out of range")
    return int(micros)
