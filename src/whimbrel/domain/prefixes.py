"""Longest-prefix lookup over digit strings. Prices and routes are both chosen by the longest prefix of a number, so
the structure stands apart from either: one dictionary, asked once for each length that occurs, longest first.
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class PrefixMap(Generic[Value]):
    """An immutable map from digit prefixes to values; the empty prefix matches every number."""

    __slots__ = ("_lengths", "_values")

    def __init__(self, items: Iterable[tuple[str, Value]]) -> None:
        self._values = dict(items)
        self._lengths = tuple(sorted({len(prefix) for prefix in self._values}, reverse=True))

    def longest(self, digits: str) -> Value | None:
        """The value of the longest prefix of `digits`; None when no prefix matches."""
        values = self._values
        for length in self._lengths:
            prefix = digits[:length]
            if prefix in values:
                return values[prefix]
        return None
