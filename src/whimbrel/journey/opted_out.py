"""Who has opted out, who is on a list of numbers that are not texted, and who consented: sets of keyed hashes by name
(`domain/permission.py` says which). There may be millions, so what is loaded is changed in place, one by one: by what
this process committed itself, at once, and where other processes write too by the changes that are stored, in their
order, from the position on that was applied. Only at the start, and when those are not kept any more, everything is
read, a page at a time. Each takes about nine octets (`domain/number_set.py`).
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Final

import msgspec

from whimbrel.domain.number_set import NumberSet
from whimbrel.store.interface import Store

_PAGE: Final = 20_000
_ALL: Final = ("opt_outs_after", "suppressions_after", "consented_after")
"""The statements that read all of them behind a place."""


class _Member(msgspec.Struct, frozen=True, gc=False):
    """Columns of these statements."""

    name: str
    number_hash: int
    purpose: str = ""

    @property
    def set_name(self) -> str:
        return f"{self.name}:{self.purpose}" if self.purpose else self.name


class OptedOut:
    """Keyed hashes of numbers by the name of their set."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers: defaultdict[str, NumberSet] = defaultdict(NumberSet)
        self._position: int | None = None  # of the last change that is applied; None: nothing was read yet
        self._meanwhile: list[tuple[str, int, bool]] | None = None  # during a read, which may not hold them
        self._hearing: set[asyncio.Event] = set()

    @property
    def numbers(self) -> Mapping[str, AbstractSet[int]]:
        """All of them; what `load` swaps and all else changes in place."""
        return self._numbers

    @property
    def position(self) -> int:
        """The last change of others that is applied."""
        return self._position or 0

    def sizes(self) -> tuple[int, int]:
        """How many hashes there are in all, and how many octets they take."""
        sets = self._numbers.values()
        return sum(map(len, sets)), sum(each.octets() for each in sets)

    def change(self, name: str, hashes: Iterable[int], *, stopped: bool) -> None:
        """These came into the set, or left it; that is committed."""
        for number_hash in hashes:
            if self._meanwhile is not None:
                self._meanwhile.append((name, number_hash, stopped))
            self._apply(name, number_hash, stopped)

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Phones said something that changes these sets: it is stored, and applied here, before this ends."""
        over = asyncio.Event()
        self._hearing.add(over)
        try:
            yield
        finally:
            self._hearing.discard(over)
            over.set()

    async def heard(self) -> None:
        """Comes back once all that was being heard is applied. Others may know it already, from its row or its webhook,
        though this process does not: who sends because of it must find it here."""
        for over in [*self._hearing]:
            await over.wait()

    async def load(self) -> None:
        """Everything that is committed."""
        if self._store.signals.is_alone:
            await self._load_alone()
        else:
            await self._load_shared()

    async def _load_alone(self) -> None:
        self._meanwhile = []
        try:
            self._numbers = await self._everything()
        finally:
            meanwhile, self._meanwhile = self._meanwhile, None
        for change in meanwhile:
            self._apply(*change)

    async def _load_shared(self) -> None:
        """What we change meanwhile is among the changes of the next read, and what a transaction compares says that it
        is missing until then. To apply it again here could put it after what another process did later."""
        found = await self._store.opt_out_changes(self._position)
        if found.changes is None:
            self._numbers = await self._everything()
        else:
            for change in found.changes:
                self._apply(*change)
        self._position = found.position

    async def _everything(self) -> defaultdict[str, NumberSet]:
        """In pages of one read each, which see what is committed meanwhile or do not: both is right, because those
        changes are applied after it."""
        fresh: defaultdict[str, NumberSet] = defaultdict(NumberSet)
        for statement in _ALL:
            place = ("", -1)
            while rows := await self._store.fetch(_Member, statement, *place, _PAGE):
                for row in rows:
                    fresh[row.set_name].add(row.number_hash)
                if len(rows) < _PAGE:
                    break
                place = (rows[-1].name, rows[-1].number_hash)
        return fresh

    def _apply(self, name: str, number_hash: int, stopped: bool) -> None:
        if stopped:
            self._numbers[name].add(number_hash)
        elif name in self._numbers:
            self._numbers[name].discard(number_hash)
