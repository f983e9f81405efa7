"""A bounded memory by key: the oldest is forgotten, in two generations.

Apart because the obvious way, deleting the first key of a dict for each new one, walks over all keys deleted before
(measured: 6 µs a message at 20,000 kept).
"""

from collections.abc import Iterator
from itertools import chain
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Remembers at least the latest `size` keys and at most twice as many."""

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def put(self, key: K, value: V) -> None:
        """Remember a value."""
        young = self._young
        if len(young) >= self._size and key not in young:
            self._old = young
            young = self._young = {}
        young[key] = value

    def get(self, key: K) -> V | None:
        """The value, if it is still remembered."""
        value = self._young.get(key)
        return value if value is not None else self._old.get(key)

    def forget(self, key: K) -> None:
        """Remember this key no more."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._young.clear()
        self._old.clear()

    def __iter__(self) -> Iterator[K]:
        return chain((key for key in self._old if key not in self._young), self._young)

    def __contains__(self, key: K) -> bool:
        return key in self._young or key in self._old
