"""The copy itself: table by table in the order of their keys, in chunks that commit together with how far they came, so
that it goes on after an interruption where it stood. While one chunk is written the next one is read.

The target is no installation before everything was counted on both sides: until then it has a table `copying`, and no
node starts on it. That table also says how far the source was when the copy began. A source that went on meanwhile is
found out by it: what was copied before is older than what came after.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from whimbrel.store.copying.tables import CONFIGURATION, POSITIONS, TABLES, WRITTEN, Place, Table
from whimbrel.store.errors import StoreBusy, StoreError

CHUNK: Final = 5_000  # rows

Key: TypeAlias = tuple[Any, ...]
Row: TypeAlias = tuple[Any, ...]
Totals: TypeAlias = dict[tuple[str, ...], tuple[int, ...]]
"""By group: rows, and the sum of each column that is added up."""


class Done(msgspec.Struct, frozen=True):
    """How far a table is: the key of its last row that was copied, how many were, and whether it is complete."""

    after: Key | None = None
    rows: int = 0
    complete: bool = False


class Origin(msgspec.Struct, frozen=True):
    """What is copied, in words, and how far the source was when the copy began."""

    what: str
    stands_at: str


class Line(msgspec.Struct, frozen=True):
    """What was counted of a table on both sides."""

    table: str
    source: Totals
    target: Totals

    @property
    def agrees(self) -> bool:
        return self.source == self.target


class End(Protocol):
    """A database at one end of the copy."""

    @property
    def name(self) -> str:
        """In messages, without a password."""
        ...

    async def columns(self, table: Table) -> tuple[str, ...]: ...
    async def totals(self, table: Table, account_id: str | None) -> Totals: ...

    async def highest(self, places: Sequence[Place]) -> int:
        """The greatest value in any of these columns; 0 when there is none."""
        ...


class Source(End, Protocol):
    """Nobody uses it while it is open. StoreBusy otherwise."""

    def page(
        self, table: Table, columns: tuple[str, ...], after: Key | None, *, account_id: str | None, limit: int
    ) -> Coroutine[Any, Any, list[Row]]:
        """Rows behind a key, in the order of the key."""
        ...

    async def settled(self) -> None:
        """Everything was read. StoreBusy when somebody began to use it meanwhile; what is read from now on is what is
        there now."""
        ...


class Target(End, Protocol):
    """Nobody uses it while it is open."""

    async def begin(self, origin: Origin, highest: int) -> dict[str, Done]:
        """How far an earlier run came. `highest`: of all positions of events. StoreError when there is data of its own,
        or a copy of another origin."""
        ...

    async def put(self, table: Table, columns: tuple[str, ...], rows: Sequence[Row], done: Done) -> None:
        """These rows and how far the table is then, in one commit."""
        ...

    async def settle(self) -> None:
        """All rows are there: see to it that new positions are above the copied ones."""
        ...

    async def finish(self) -> None:
        """It is an installation now."""
        ...


class Watch(Protocol):
    """Who looks on."""

    def begins(self, rows: int, done: int) -> None:
        """There are so many rows in all, of which so many were copied by an earlier run."""
        ...

    def copied(self, table: str, rows: int) -> None:
        """So many more."""
        ...

    def counts(self) -> None:
        """Everything is over; now the target is counted."""
        ...


async def copy(source: Source, target: Target, account_id: str | None, watch: Watch) -> list[Line]:
    """Copy what an earlier run did not, then compare what both sides hold. Unless all lines agree, the target stays
    unusable."""
    origin = Origin(f"{account_id or 'everything'} of {source.name}", await _stands_at(source))
    progress = await target.begin(origin, await source.highest(POSITIONS))
    held = {table.name: await source.totals(table, account_id) for table in TABLES}
    rows = sum(group[0] for totals in held.values() for group in totals.values())
    watch.begins(rows, sum(done.rows for done in progress.values()))
    for table in TABLES:
        done = progress.get(table.name, Done())
        if not done.complete:
            await _Part(source, target, table, account_id).copy(done, watch)
    await target.settle()
    watch.counts()
    lines = [Line(table.name, held[table.name], await target.totals(table, None)) for table in TABLES]
    await source.settled()
    if await _stands_at(source) != origin.stands_at:
        raise StoreBusy(_gone_on(source.name, target.name))
    if all(line.agrees for line in lines):
        await target.finish()
    return lines


def noted(origin: Origin) -> str:
    """What a target keeps of an origin, in the row of its table `copying` that has no name."""
    return msgspec.json.encode(origin).decode()


def resumed(target: str, found: Mapping[str, str], origin: Origin) -> dict[str, Done]:
    """How far a target's rows of `copying` say that each table is; StoreError unless they are of this origin."""
    earlier = msgspec.json.decode(found.get("", noted(Origin("", ""))), type=Origin)
    if earlier.what != origin.what:
        raise StoreError(f"{target} is half copied from elsewhere ({earlier.what}): name another database.")
    if earlier.stands_at != origin.stands_at:
        raise StoreError(_gone_on(origin.what, target))
    return {name: msgspec.json.decode(done, type=Done) for name, done in found.items() if name}


def _gone_on(source: str, target: str) -> str:
    return f"{source} has changed since this copy of it began: stop its nodes, empty {target}, and copy again."


async def _stands_at(source: Source) -> str:
    """How far a source is, in some numbers."""
    versions = sum(sum(group) for group in (await source.totals(CONFIGURATION, None)).values())
    return " ".join(map(str, [versions, *[await source.highest([place]) for place in WRITTEN]]))


class _Part:
    """One table."""

    def __init__(self, source: Source, target: Target, table: Table, account_id: str | None) -> None:
        self._source, self._target = source, target
        self._table = table
        self._account_id = account_id

    async def copy(self, done: Done, watch: Watch) -> None:
        """What follows after `done`. The last page has fewer rows than CHUNK, or none."""
        columns = await self._columns()
        places = [columns.index(column) for column in self._table.key]
        reading = self._read(columns, done.after)
        try:
            while not done.complete:
                page = await reading
                last = tuple(page[-1][place] for place in places) if page else done.after
                if len(page) == CHUNK:
                    reading = self._read(columns, last)
                done = Done(last, done.rows + len(page), complete=len(page) < CHUNK)
                await self._target.put(self._table, columns, page, done)
                watch.copied(self._table.name, len(page))
        finally:
            await asyncio.gather(reading, return_exceptions=True)  # its connection is in use until then

    async def _columns(self) -> tuple[str, ...]:
        ours, theirs = await self._source.columns(self._table), await self._target.columns(self._table)
        if set(ours) != set(theirs):
            odd = ", ".join(sorted(set(ours) ^ set(theirs)))
            names = f"{self._source.name} and {self._target.name}"
            raise StoreError(f"{self._table.name}: {names} do not have the same columns ({odd}).")
        return ours

    def _read(self, columns: tuple[str, ...], after: Key | None) -> asyncio.Task[list[Row]]:
        page = self._source.page(self._table, columns, after, account_id=self._account_id, limit=CHUNK)
        return asyncio.ensure_future(page)
