"""Who has opted out. There may be millions, so what is loaded is changed in place, one by one: by what this process
committed itself, at once, and where other processes write too by the changes that are stored, in their order, from the
position on that was applied. Only at the start, and when those are not kept any more, everything is read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

import msgspec

from whimbrel.store.interface import Store


class _OptedOut(msgspec.Struct, frozen=True, gc=False):
    """Columns of `opt_outs_all`."""

    account_id: str
    number_hash: int


class OptedOut:
    """Keyed hashes of numbers by account id."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers: defaultdict[str, set[int]] = defaultdict(set)
        self._position: int | None = None  # of the last change that is applied; None: nothing was read yet
        self._meanwhile: list[tuple[str, int, bool]] | None = None  # during a read, which may not hold them

    @property
    def numbers(self) -> Mapping[str, AbstractSet[int]]:
        """All of them; what `load` swaps and all else changes in place."""
        return self._numbers

    @property
    def position(self) -> int:
        """The last change of others that is applied."""
        return self._position or 0

    def change(self, account_id: str, hashes: Iterable[int], *, stopped: bool) -> None:
        """These opted out, or in again; that is committed."""
        for number_hash in hashes:
            if self._meanwhile is not None:
                self._meanwhile.append((account_id, number_hash, stopped))
            self._apply(account_id, number_hash, stopped)

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

    async def _everything(self) -> defaultdict[str, set[int]]:
        fresh: defaultdict[str, set[int]] = defaultdict(set)
        for row in await self._store.fetch(_OptedOut, "opt_outs_all"):
            fresh[row.account_id].add(row.number_hash)
        return fresh

    def _apply(self, account_id: str, number_hash: int, stopped: bool) -> None:
        if stopped:
            self._numbers[account_id].add(number_hash)
        else:
            self._numbers[account_id].discard(number_hash)
