"""Who is on the operator's lists of numbers that are not texted, copied from the cell that leads (`copies.py`).

There may be a million, so they are not compared each time: what changed is asked by its position among the changes of
opt-outs, as nodes do (`opted_out.py`), and what the leading cell says of these numbers now is what holds. All are
compared at the start, a page at a time, and when those changes are not kept any more.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from whimbrel.domain.permission import Suppression, SuppressionList
from whimbrel.store.interface import Store, Write
from whimbrel.store.rows import to_columns

_PAGE: Final = 1_000


class CopiedNumbers:
    """Keeps the operator's lists of this cell like those of the leading one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._position: int | None = None  # of the last change of the leading cell that is copied; None: none is

    async def look(self, leading: Store) -> bool:
        """Copy what differs; whether anything did. The numbers of a list that is gone go before it does, so that they
        are found again after a crash."""
        changes = await leading.opt_out_changes(self._position)
        wanted = {each.id for each in await leading.fetch(SuppressionList, "suppression_lists_of_operators")}
        known = {each.id for each in await self._store.fetch(SuppressionList, "suppression_lists_of_operators")}
        differs = False
        for list_id in sorted(known - wanted):
            differs = await self._clear(list_id) or differs
        if changes.changes is None:
            for list_id in sorted(wanted):
                differs = await self._compare(leading, list_id) or differs
        else:
            touched: defaultdict[str, set[int]] = defaultdict(set)
            for name, number_hash, _ in changes.changes:
                if name in wanted:
                    touched[name].add(number_hash)
            for list_id, hashes in touched.items():
                differs = await self._alike(leading, list_id, sorted(hashes)) or differs
        self._position = changes.position
        return differs

    async def _compare(self, leading: Store, list_id: str) -> bool:
        """Bring what they have and we lack, or have with a number that was erased there; then take away what we have
        and they lack."""
        differs = False
        for here, there in ((leading, self._store), (self._store, leading)):
            place = -1
            while page := await here.fetch(Suppression, "suppressions_page", list_id, place, _PAGE):
                place = page[-1].number_hash
                lacking = await _lacking(there, list_id, page)
                differs = await self._alike(leading, list_id, lacking) or differs
        return differs

    async def _alike(self, leading: Store, list_id: str, hashes: Sequence[int]) -> bool:
        """These numbers are on our list if they are on theirs."""
        changed = 0
        for start in range(0, len(hashes), _PAGE):
            some = hashes[start : start + _PAGE]
            rows = await leading.fetch(Suppression, "suppressions_some", list_id, list(some))
            gone = set(some).difference(row.number_hash for row in rows)
            writes = [
                Write("suppression_drop", tuple((list_id, number_hash) for number_hash in sorted(gone))),
                Write("suppression_copy", tuple(to_columns(row) for row in rows)),
            ]
            changed += sum(await self._store.write([write for write in writes if write.rows]))
        return changed > 0

    async def _clear(self, list_id: str) -> bool:
        changed = False
        while sum(await self._store.write([Write("suppressions_clear", ((list_id, _PAGE),))])):
            changed = True
        return changed


async def _lacking(store: Store, list_id: str, page: Sequence[Suppression]) -> list[int]:
    hashes = [row.number_hash for row in page]
    known = {
        row.number_hash: row.number for row in await store.fetch(Suppression, "suppressions_some", list_id, hashes)
    }
    return [row.number_hash for row in page if known.get(row.number_hash, "") != row.number]
