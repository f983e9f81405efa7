"""A set of millions of keyed hashes that is small: eight octets for each, where a set of integers takes eighty.

Sorted arrays stand in a row, and the first bits of a hash say in which one it is: hashes are as good as random, so all
of them are about as long. When they are long on average, each is cut in two by the next bit. So nothing is ever sorted
anew, an insertion moves some hundred integers, and a look-up is a dozen comparisons: under a microsecond.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

_BITS: Final = 63
_LONG: Final = 512  # hashes of one array, on average, before all are cut in two
_OVERHEAD: Final = 112  # octets of an array beside its hashes, and of its place in the row


class NumberSet(AbstractSet[int]):
    """Hashes of 63 bits. Not safe for several threads at once: it belongs to the event loop."""

    __slots__ = ("_count", "_rows", "_shift")

    def __init__(self, hashes: Iterable[int] = ()) -> None:
        self._shift = _BITS
        self._rows = [array("q")]
        self._count = 0
        for each in hashes:
            self.add(each)

    def add(self, number_hash: int) -> None:
        """Put one in, if it is not there."""
        row = self._rows[number_hash >> self._shift]
        place = bisect_left(row, number_hash)
        if place < len(row) and row[place] == number_hash:
            return
        row.insert(place, number_hash)
        self._count += 1
        if self._count > _LONG * len(self._rows):
            self._cut()

    def discard(self, number_hash: int) -> None:
        """Take one out, if it is there."""
        row = self._rows[number_hash >> self._shift]
        place = bisect_left(row, number_hash)
        if place < len(row) and row[place] == number_hash:
            del row[place]
            self._count -= 1

    def octets(self) -> int:
        """About how much memory it takes."""
        return sum(row.itemsize * len(row) + _OVERHEAD for row in self._rows)

    def _cut(self) -> None:
        shift = self._shift - 1
        rows: list[array[int]] = []
        for number, row in enumerate(self._rows):
            middle = bisect_left(row, (2 * number + 1) << shift)
            rows += (row[:middle], row[middle:])
        self._rows, self._shift = rows, shift

    def __contains__(self, number_hash: object) -> bool:
        if not isinstance(number_hash, int):
            return False
        row = self._rows[number_hash >> self._shift]
        place = bisect_left(row, number_hash)
        return place < len(row) and row[place] == number_hash

    def __iter__(self) -> Iterator[int]:
        for row in self._rows:
            yield from row

    def __len__(self) -> int:
        return self._count
