"""Whole numbers as they are typed."""

from typing import Final

_DIGITS_MAX: Final = 18  # fit into 64 bits; Python refuses to read thousands of them


def whole(text: str) -> int | None:
    """The number; None where the text is none, or one that nothing here can be."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else None


def whole_or_text(text: str) -> int | str:
    """The number where it is one; else as it was typed, for the API to refuse."""
    found = whole(text)
    return text if found is None else found
