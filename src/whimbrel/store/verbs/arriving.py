"""An account arrives in its new cell: parcels of the old one (`departing.py`) become rows. Each is stored in one commit
with the note that it is here, so one that is brought again changes nothing.

Until all are here and counted the account is `arriving`: nobody is served, and nothing of it is in the queue, the
schedule or the deadlines, so nothing is sent and nothing expires. Then one small commit makes it active, and what
waits takes its place, behind what waits in this cell already.
"""

from typing import Final

import msgspec

from whimbrel.domain.positions import day_floor
from whimbrel.store.script import Many, One, Query, Row, Rows, Script
from whimbrel.store.verbs.departing import Move

IN: Final = "in"
OPEN: Final = "open"
ACTIVE: Final = "active"
PURGE_MAX: Final = 1000
_PLACED: Final = 20  # parcels in one commit
_OF_MESSAGES: Final = ("arrive_messages", "arrive_numbers", "arrive_attempts", "arrive_events")
_OF_KIND: Final = {
    "messages": _OF_MESSAGES,
    "ledger": ("arrive_ledger",),
    "audit": ("arrive_audit",),
    "idempotency": ("arrive_idempotency",),
    "delivery_tries": ("arrive_delivery_tries",),
    "events": ("arrive_events",),
    "accounts": ("arrive_accounts",),
    "balances": ("arrive_balances",),
    "deliveries": ("arrive_deliveries",),
    "inbound_parts": ("arrive_inbound_parts",),
    "keys": ("arrive_keys",),
    "opt_outs": ("arrive_opt_outs",),
    "senders": ("arrive_senders",),
    "smpp_credentials": ("arrive_smpp_credentials",),
    "smpp_owed": ("arrive_smpp_owed",),
    "webhooks": ("arrive_webhooks",),
}
"""Statements by kind of parcel."""
_LATER: Final = {"deadlines": "arrive_deadlines", "queue": "arrive_queue", "schedule": "arrive_schedule"}


def expect(move: Move, cell: str, now: int) -> Script[None]:
    """A move begins to arrive."""
    known: Rows = yield Query("moves_of", (IN,))
    if any(found[0] == move.account_id and found[3] == OPEN for found in known):
        return
    yield One("arrivals_delete", (move.account_id,))
    yield One("move_put", (move.account_id, IN, cell, OPEN, move.statuses, "", now, now))


def arrive(account_id: str, number: int, kind: str, rows: str, now: int) -> Script[bool]:
    """A parcel's rows; False when they are here already."""
    stored: int = yield One("arrival_put", (account_id, number, rows))
    if not stored:
        return False
    for statement in _OF_KIND[kind]:
        params: Row = (rows, day_floor(now)) if statement == "arrive_attempts" else (rows,)
        yield One(statement, params)
    return True


def activate(move: Move, now: int) -> Script[None]:
    """From now on the account is served here. Once: what was done to it since is not undone."""
    moved: int = yield One("move_state", (move.account_id, IN, OPEN, ACTIVE, now))
    if not moved:
        return
    yield Many("accounts_set_status", [(each, status, now) for each, status in sorted(move.status_of.items())])


def place(account_id: str) -> Script[bool]:
    """What waits takes its place; whether there is more."""
    parcels: Rows = yield Query("arrivals_later", (account_id, _PLACED))
    for number, later in parcels:
        for table in sorted(msgspec.json.decode(later)):
            yield One(_LATER[table], (later,))
        yield One("arrival_placed", (account_id, number))
    return len(parcels) == _PLACED


def purge(before: int) -> Script[int]:
    """Events that came with accounts and are older than that; how many."""
    gone: int = yield One("moved_events_purge", (before, PURGE_MAX))
    return gone


def forget(account_id: str, cell: str) -> Script[None]:
    """The move from that cell is over."""
    known: Rows = yield Query("moves_of", (IN,))
    if not any(found[0] == account_id and found[2] == cell and found[3] == ACTIVE for found in known):
        return
    yield One("arrivals_delete", (account_id,))
    yield One("move_delete", (account_id, IN))
