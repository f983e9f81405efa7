"""Money moves here and nowhere else: each move is a row in the ledger (double entry: debit one book, credit another)
and one update of the balance for each account and script.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from whimbrel.store.script import Each, Many, Query, Row, Rows, Script

AVAILABLE = "available"
HELD = "held"
SPENT = "spent"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An amount that moves for a message; amounts of 0 are left out."""

    account_id: str
    message_id: str
    amount_micros: int
    at: int


def hold(entries: Sequence[Entry]) -> Script[frozenset[str]]:
    """available -> held. Where a balance does not cover the sum, as many as fit are held, in order: gives the ids of
    the messages that were left out."""
    entries = _amounts(entries)
    if not entries:
        return frozenset()
    covered: Rows = yield Each("balance_hold", _sums(entries))
    accounts = {row[0] for row in covered}
    poor = [entry for entry in entries if entry.account_id not in accounts]
    left_out = (yield from _hold_what_fits(poor)) if poor else frozenset()
    yield from _record("hold", AVAILABLE, HELD, [entry for entry in entries if entry.message_id not in left_out])
    return left_out


def charge(entries: Sequence[Entry]) -> Script[None]:
    """held -> spent."""
    entries = _amounts(entries)
    yield from _settle([(account, micros, 0) for account, micros in _sums(entries)])
    yield from _record("charge", HELD, SPENT, entries)


def release(entries: Sequence[Entry]) -> Script[None]:
    """held -> available."""
    entries = _amounts(entries)
    yield from _settle([(account, 0, micros) for account, micros in _sums(entries)])
    yield from _record("release", HELD, AVAILABLE, entries)


def _settle(rows: Sequence[Row]) -> Script[None]:
    if rows:
        yield Many("balance_settle", rows)


def _amounts(entries: Sequence[Entry]) -> Sequence[Entry]:
    return [entry for entry in entries if entry.amount_micros]


def _hold_what_fits(entries: Sequence[Entry]) -> Script[frozenset[str]]:
    rows: Rows = yield Query("balances_to_hold", ([*{entry.account_id for entry in entries}],))
    left: dict[str, int] = dict(rows)
    fitting: list[Entry] = []
    for entry in entries:
        remainder = left.get(entry.account_id, 0) - entry.amount_micros
        if remainder >= 0:
            left[entry.account_id] = remainder
            fitting.append(entry)
    if fitting:
        yield Each("balance_hold", _sums(fitting))
    return frozenset(entry.message_id for entry in entries) - {entry.message_id for entry in fitting}


def _record(kind: str, debit: str, credit: str, entries: Sequence[Entry]) -> Script[None]:
    if entries:
        yield Many(
            "ledger_insert",
            [(e.account_id, e.message_id, kind, debit, credit, e.amount_micros, "", e.at) for e in entries],
        )


def _sums(entries: Iterable[Entry]) -> list[tuple[str, int]]:
    """By account, in the order of accounts: whoever locks several balances locks them in this order."""
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        sums[entry.account_id] += entry.amount_micros
    return sorted(sums.items())
