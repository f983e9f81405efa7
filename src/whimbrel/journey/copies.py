"""Copies: what belongs to the installation (carriers, routes, prices, rules of senders and of quiet hours, the policy
of all accounts, the operator's lists, words and texts of consent, operators' keys) is changed in the cell that leads,
and this keeps its own cell alike. One source and one direction: there is nothing to merge, and a cell that cannot reach
the leading one works on with what it has. A database without any operator's key is nobody's to copy.

One node of each other cell does this (`duty:copies`): it looks when the leading cell's tables have changed, and every
few seconds anyway.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from whimbrel.domain.consent_books import ConsentText, ConsentWord
from whimbrel.domain.model import Carrier, ConfigKind, Key, Price, Route
from whimbrel.domain.permission import SuppressionList
from whimbrel.domain.sender_standing import RuleRow
from whimbrel.journey.copied_numbers import CopiedNumbers
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store, Write
from whimbrel.store.rows import to_columns

_log = logging.getLogger("whimbrel.copies")
_LOOK_S: Final = 5.0
_RETRY_S: Final = 1.0


class _Kind(msgspec.Struct, frozen=True):
    """A table that is copied, and the statements that read it, put a row and take one away. `anew`: what changed goes
    before it comes, for two rows may have changed names with each other."""

    kind: ConfigKind
    row: Callable[..., Any]
    read: str
    put: str
    drop: str
    anew: bool = False


class _Policy(msgspec.Struct, frozen=True, gc=False):
    """The policy of all accounts. Column order of the `policies` table."""

    id: str
    account_id: str | None
    document: str
    updated_at: int


class _QuietRule(msgspec.Struct, frozen=True, gc=False):
    """A rule as the operator has it. Column order of the `quiet_rules` table."""

    id: str
    document: str
    updated_at: int


_KINDS: Final = (
    _Kind("keys", Key, "keys_of_operators", "key_copy", "key_drop"),
    _Kind("carriers", Carrier, "carriers_all", "carrier_copy", "carrier_delete"),
    _Kind("routes", Route, "routes_all", "route_copy", "route_delete"),
    _Kind("prices", Price, "prices_all", "price_copy", "price_delete"),
    _Kind("senders", RuleRow, "sender_rules_all", "sender_rule_put", "sender_rule_delete"),
    _Kind("policies", _Policy, "policies_of_operators", "policy_put", "policy_drop"),
    _Kind("policies", _QuietRule, "quiet_rules_whole", "quiet_rule_put", "quiet_rule_delete"),
    _Kind("consent", ConsentWord, "consent_words_of_operators", "consent_word_put", "consent_word_delete", anew=True),
    _Kind("consent", ConsentText, "consent_texts_of_operators", "consent_text_put", "consent_text_delete", anew=True),
    _Kind(
        "consent",
        SuppressionList,
        "suppression_lists_of_operators",
        "suppression_list_put",
        "suppression_list_delete",
        anew=True,
    ),
)
COPIED: Final[tuple[ConfigKind, ...]] = tuple(dict.fromkeys(kind.kind for kind in _KINDS))
"""Kinds whose change in the leading cell is looked at once. Numbers of lists wait for the next look: opt-outs change
with every STOP."""


class Copies:
    """Keeps this cell's installation like that of the leading one. `leading`: its store; None while it cannot be
    reached."""

    def __init__(self, *, store: Store, tables: Tables, leading: Callable[[], Store | None]) -> None:
        self._store = store
        self._tables = tables
        self._leading = leading
        self._numbers = CopiedNumbers(store)
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
        has_numbers = await self._numbers.look(leading)
        writes: list[Write] = []
        changed: list[ConfigKind] = ["opt_outs"] if has_numbers else []
        for kind in _KINDS:
            theirs = await leading.fetch(kind.row, kind.read)
            found = _differing(kind, theirs, await self._store.fetch(kind.row, kind.read))
            if found:
                writes += found
                changed.append(kind.kind)
        if writes:
            await self._store.write(writes)
        if changed:
            await self._tables.refresh(*dict.fromkeys(changed))
        return bool(changed)


def _differing(kind: _Kind, theirs: Sequence[Any], ours: Sequence[Any]) -> list[Write]:
    """What makes ours like theirs; what goes goes first, for a name or a prefix may have a new row."""
    wanted, known = {row.id: row for row in theirs}, {row.id: row for row in ours}
    other = [each for each, row in sorted(wanted.items()) if known.get(each) != row]
    away = (known.keys() & other) if kind.anew else set()
    gone = tuple((each,) for each in sorted((known.keys() - wanted.keys()) | away))
    new = tuple(to_columns(wanted[each]) for each in other)
    return [Write(statement, rows) for statement, rows in ((kind.drop, gone), (kind.put, new)) if rows]
