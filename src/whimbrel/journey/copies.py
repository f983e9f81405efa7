"""Copies: what belongs to the installation (carriers, routes, prices, rules of senders, operators' keys) is changed in
the cell that leads, and this keeps its own cell alike. One source and one direction: there is nothing to merge, and a
cell that cannot reach the leading one works on with what it has. A database without any operator's key is nobody's to
copy.

One node of each other cell does this (`duty:copies`): it looks when the leading cell's tables have changed, and every
few seconds anyway.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from whimbrel.domain.model import Carrier, ConfigKind, Key, Price, Route
from whimbrel.domain.sender_standing import RuleRow
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store, Write
from whimbrel.store.rows import to_columns

_log = logging.getLogger("whimbrel.copies")
_LOOK_S: Final = 5.0
_RETRY_S: Final = 1.0


class _Kind(msgspec.Struct, frozen=True):
    """A table that is copied, and the statements that read it, put a row and take one away."""

    kind: ConfigKind
    row: Callable[..., Any]
    read: str
    put: str
    drop: str


_KINDS: Final = (
    _Kind("keys", Key, "keys_of_operators", "key_copy", "key_drop"),
    _Kind("carriers", Carrier, "carriers_all", "carrier_copy", "carrier_delete"),
    _Kind("routes", Route, "routes_all", "route_copy", "route_delete"),
    _Kind("prices", Price, "prices_all", "price_copy", "price_delete"),
    _Kind("senders", RuleRow, "sender_rules_all", "sender_rule_put", "sender_rule_delete"),
)


class Copies:
    """Keeps this cell's installation like that of the leading one. `leading`: its store; None while it cannot be
    reached."""

    def __init__(self, *, store: Store, tables: Tables, leading: Callable[[], Store | None]) -> None:
        self._store = store
        self._tables = tables
        self._leading = leading
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """The leading cell has changed."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.look()
            except Exception:
                _log.exception("the leading cell could not be copied; trying again")
                await asyncio.sleep(_RETRY_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()

    async def look(self) -> bool:
        """Copy what differs; whether anything did."""
        leading = self._leading()
        if leading is None:
            return False
        if not await leading.fetch(Key, "keys_of_operators"):
            return False  # nobody has ever worked there: it is the wrong database, or has still to be set up
        writes: list[Write] = []
        changed: list[ConfigKind] = []
        for kind in _KINDS:
            theirs = await leading.fetch(kind.row, kind.read)
            found = _differing(kind, theirs, await self._store.fetch(kind.row, kind.read))
            if found:
                writes += found
                changed.append(kind.kind)
        if writes:
            await self._store.write(writes)
            await self._tables.refresh(*changed)
        return bool(writes)


def _differing(kind: _Kind, theirs: Sequence[Any], ours: Sequence[Any]) -> list[Write]:
    """What makes ours like theirs; what goes goes first, for a name or a prefix may have a new row."""
    wanted, known = {row.id: row for row in theirs}, {row.id: row for row in ours}
    gone = tuple((each,) for each in sorted(known.keys() - wanted.keys()))
    new = tuple(to_columns(row) for each, row in sorted(wanted.items()) if known.get(each) != row)
    return [Write(statement, rows) for statement, rows in ((kind.drop, gone), (kind.put, new)) if rows]
