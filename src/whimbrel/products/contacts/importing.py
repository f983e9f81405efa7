"""The duty of imports: what was begun is worked on, a window of rows at a time, so that the imports of several accounts
take turns.

The rows of a window are sorted by number before they are stored: so the index of numbers is written page by page and
not all over, and rows for one number stand together. They are stored some hundred a commit, and each commit moves the
import's position on. Windows are the same whoever reads the file, so after a crash the next one goes on there.

No event is written for a row: one tells that the import is over, with its figures.
"""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import IO, Final

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import Ids
from whimbrel.domain.contact_sheets import RowReader, Wrong
from whimbrel.domain.contacts import ContactImport, ContactWrite, ImportSpec, ImportState
from whimbrel.manage.context import Context
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.contacts.labelling import Labeller
from whimbrel.products.contacts.labels import ensure_tags
from whimbrel.products.contacts.sheets import Row, Unreadable, rows_of
from whimbrel.products.contacts.spool import spool
from whimbrel.store.contacts import ContactScope, RowError
from whimbrel.store.interface import Write

WINDOW: Final = 20_000  # rows: some 40 MB
_COMMIT: Final = limits.COMMIT_CHUNK
_IDLE_S: Final = 0.25
_AGAIN_S: Final = 5.0
_TIDY_US: Final = 3600 * SECOND_US
_log = logging.getLogger("whimbrel.contacts")
Entry = tuple[str, int, ContactWrite | Wrong]


class _Open(msgspec.Struct):
    """An import that this node works on: its file, and the rows that come next."""

    row: ContactImport
    spec: ImportSpec
    file: IO[bytes]
    rows: Iterator[Row]
    position: int
    skip: int  # rows of the next window that are done
    line: int  # of the next row of the file, from 1
    coming: "asyncio.Task[list[Entry]] | None" = None  # the next window, read while this one is stored


class Imports:
    """Implements `journey.duties.Part`. `is_active`: whether an account is served here now."""

    def __init__(self, ctx: Context, is_active: Callable[[str], bool]) -> None:
        self._ctx = ctx
        self._is_active = is_active
        self._ids = Ids(ctx.clock, ctx.chance)  # those of the process belong to the event loop
        self._open: dict[str, _Open] = {}
        self._labeller = Labeller(ctx)
        self._tidy_at = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Work from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """What is under way goes on where it stands, here or elsewhere."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for import_id in list(self._open):
            self._close(import_id)

    async def _run(self) -> None:
        while True:
            try:
                while await self.take():
                    pass
            except Exception:
                _log.exception("imports could not be worked on; trying again")
                for import_id in list(self._open):
                    self._close(import_id)
                await asyncio.sleep(_AGAIN_S)
            await asyncio.sleep(_IDLE_S)

    async def take(self) -> int:
        """A window of each import that is under way; how many there are."""
        due = await self._ctx.store.fetch(ContactImport, "contact_imports_due")
        due = [row for row in due if self._is_active(row.account_id)]
        for gone in self._open.keys() - {row.id for row in due}:
            self._close(gone)
        self._labeller.keep({row.id for row in due})
        for row in due:
            try:
                await self._turn(row)
            except Unreadable as problem:
                await self._end(row.id, "failed", f"The file {problem}.")
            except WhimbrelError as problem:
                if problem.code != "invalid_filter":
                    raise
                await self._end(row.id, "failed", problem.detail)
        if not due and self._ctx.clock.now_us() >= self._tidy_at:
            await self.tidy()
        return len(due)

    async def _turn(self, row: ContactImport) -> None:
        spec = msgspec.json.decode(row.spec, type=ImportSpec)
        if not spec.filter:
            await self._window(self._open.get(row.id) or await self._begin(row, spec))
        elif await self._labeller.turn(row, spec):
            await self._end(row.id, "done", "")

    async def tidy(self) -> None:
        """Files that nobody went on with are forgotten after a week: they hold numbers."""
        now = self._ctx.clock.now_us()
        self._tidy_at = now + _TIDY_US
        border = ids.floor_id(ids.CONTACT_IMPORT, now - limits.IMPORT_WAITS_S * SECOND_US)
        for import_id in await self._ctx.store.fetch(str, "contact_imports_forgotten", border):
            await self._end(import_id, "failed", "Nobody began the import within a week.")

    async def _begin(self, row: ContactImport, spec: ImportSpec) -> _Open:
        """Read the file into a place of our own, count its rows, and go to where the import stands."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the import
        try:
            await spool(self._ctx.store, row, file)
            total = await asyncio.to_thread(lambda: sum(1 for _ in rows_of(file, spec)))
            await self._ctx.store.write([Write("contact_import_run", ((row.id, total - spec.header),))])
            rows, whole = rows_of(file, spec), row.position // WINDOW * WINDOW
            before = whole + spec.header
            await asyncio.to_thread(lambda: next(islice(rows, before, before), None))
        except BaseException:
            file.close()
            raise
        opened = _Open(row, spec, file, rows, row.position, row.position - whole, before + 1)
        self._open[row.id] = opened
        return opened

    async def _window(self, opened: _Open) -> None:
        entries = await (opened.coming or self._read(opened))
        is_last = len(entries) < WINDOW
        opened.coming = None if is_last else asyncio.get_running_loop().create_task(self._read(opened))
        spec, row, now = opened.spec, opened.row, self._ctx.clock.now_us()
        scope = ContactScope(
            row.account_id, row.test, now, import_no=row.number, wins=spec.wins, policy=spec.policy, starts=spec.flows
        )
        for start in range(opened.skip, len(entries), _COMMIT):
            if not await self._store(opened, scope, entries[start : start + _COMMIT]):
                self._close(opened.row.id)
                return
        opened.skip = 0
        if is_last:
            await self._end(opened.row.id, "done", "")

    async def _read(self, opened: _Open) -> list[Entry]:
        """The next window, in the order in which it is stored."""
        rows = await asyncio.to_thread(lambda: list(islice(opened.rows, WINDOW)))
        about = await known(self._ctx, opened.row.account_id, opened.row.test)
        about = await self._with_tags(opened, rows, about)
        return await asyncio.to_thread(self._entries, opened, rows, about)

    async def _with_tags(self, opened: _Open, rows: list[Row], about: Known) -> Known:
        """Tags that rows name are made; where there would be too many, or one has no name, its rows are refused."""
        names = await asyncio.to_thread(RowReader(opened.spec, about.fields, {}).tags, rows)
        missing = sorted(name for name in names if ("tag", name) not in about.labels)
        room = limits.CONTACT_LABELS_PER_ACCOUNT - len(about.labels)
        for name in missing[:room]:
            with suppress(WhimbrelError):
                about = await ensure_tags(self._ctx, about, [name])
        return about

    def _entries(self, opened: _Open, rows: list[Row], about: Known) -> list[Entry]:
        """What the rows say, in the order of numbers; those for one number in the order of the file."""
        labels = {name: label.number for name, label in about.labels.items()}
        read = RowReader(opened.spec, about.fields, labels).read
        entries: list[Entry] = []
        for line, cells in enumerate(rows, opened.line):
            said = read(cells)
            entries.append(("" if isinstance(said, Wrong) else said.number, line, said))
        opened.line += len(rows)
        entries.sort(key=lambda entry: entry[:2])
        return entries

    async def _store(self, opened: _Open, scope: ContactScope, entries: list[Entry]) -> bool:
        new_id, replace = self._ids.new, msgspec.structs.replace
        writes = [
            replace(said, id=new_id(ids.CONTACT), row=line)
            for _, line, said in entries
            if not isinstance(said, Wrong)
        ]  # fmt: skip
        errors = [
            RowError(line, said.field, said.value[: limits.CONTACT_TEXT_MAX], said.problem)
            for _, line, said in entries
            if isinstance(said, Wrong)
        ]
        stands = await self._ctx.store.contacts.take_rows(scope, opened.row.id, opened.position, writes, errors)
        opened.position += len(entries)
        return stands

    async def _end(self, import_id: str, state: ImportState, reason: str) -> None:
        """It is over: the file goes, and one event tells."""
        store, now = self._ctx.store, self._ctx.clock.now_us()
        self._close(import_id)
        ended = Write("contact_import_end", ((import_id, state, reason, now),))
        also = [
            Write("contact_import_finished_event", ((import_id, now),)),
            Write("contact_import_parts_delete", ((import_id,),)),
        ]
        await store.turn(ended, also)

    def _close(self, import_id: str) -> None:
        opened = self._open.pop(import_id, None)
        if opened is None:
            return
        if opened.coming is not None:
            opened.coming.cancel()
        opened.file.close()
