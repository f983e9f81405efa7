"""Owed: what customers' binds are to be told. This follows the event log by a durable cursor and writes a row for each
receipt that a customer asked for and each text that a phone wrote to it; the row and the cursor are one commit, and the
row goes when a bind took it (`edges/smpp/deliveries.py`). So nothing is lost while a customer is not bound, for days.

Rows hold ids and codes; numbers and texts are read from the message when it is delivered. Accounts without a credential
cost nothing: without any credential the log is not read, and otherwise the database passes over their events.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec

from whimbrel.base import faults
from whimbrel.base.limits import EVENTS_SCAN_MAX
from whimbrel.domain.customer_receipts import TYPES, is_wanted, origin_of
from whimbrel.domain.customer_texts import RECEIVED
from whimbrel.domain.customers import CustomerSettings
from whimbrel.domain.model import Flag, SmppCredential
from whimbrel.journey.follower import Follower, Taken, stretch
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store, Write

CURSOR: Final = "smpp_owed"
CUSTOMER: Final = "customer:"
"""The prefix of the lease of a credential: who delivers to it."""
_READ: Final = 1000  # events in one list: its commit stays well under 20 ms
_IDLE_S: Final = 1.0
_REST_S: Final = 0.02  # commits gather meanwhile; a receipt that took seconds can wait so long
_QUIET_REST_S: Final = 0.2  # after a look that found nothing: many in a second would cost all other messages 4% more
_SAVE_EVERY: Final = 4 * EVENTS_SCAN_MAX  # events of others after which the cursor is stored, so that a start is quick
_TYPES: Final = sorted((*TYPES, RECEIVED))

_Row = tuple[str, int, str, str, str, int]


class _Seen(msgspec.Struct, frozen=True, gc=False):
    """Columns of `smpp_owed_seen`."""

    position: int
    account_id: str
    test: int
    message_id: str
    type: str
    data: str
    created_at: int
    direction: str
    options: str


class _Customer(msgspec.Struct, frozen=True):
    """A credential, as far as it decides what is owed."""

    id: str
    test: bool
    inbound: bool
    created_at: int


class Owed(Follower):
    """Writes what credentials are owed. `told` is called with the ids of those that are owed more, after the commit."""

    def __init__(self, store: Store, tables: Tables) -> None:
        super().__init__(store, CURSOR, limit=_READ, idle_s=_IDLE_S, rest_s=_REST_S)
        self._tables = tables
        self._customers: Mapping[str, Sequence[_Customer]] = {}
        self._passed = 0  # events since the cursor was stored
        self._more: set[str] = set()
        self._told: list[Callable[[Collection[str]], None]] = []
        self._gone: frozenset[str] = frozenset()  # credentials that were deleted since the last list
        self._is_moving = False  # an account with a credential, to another cell: it waits for the cursor
        self._stored = -1  # where it was stored for one that waits
        tables.subscribe("smpp_credentials", self._changed)
        tables.subscribe("accounts", self._changed)

    def subscribe(self, told: Callable[[Collection[str]], None]) -> None:
        """Call `told(credential_ids)` after each commit that owes them something. It must not block or raise."""
        self._told.append(told)

    async def start(self) -> None:
        """Go on where the cursor stands."""
        self._changed()
        await super().start()

    def wake(self) -> None:
        """Something was committed."""
        if self._customers:
            super().wake()

    async def follow(self) -> bool:
        """Take one list, and tell who is owed more."""
        more = await super().follow()
        told, self._more = self._more, set()
        if told:
            faults.hit("smpp.after_owed")
            for each in self._told:
                each(told)
            for credential_id in told:
                self._store.signals.send("queue", CUSTOMER + credential_id)
        if self._gone:
            await self._drop(self._gone)
        return more

    async def _drop(self, gone: frozenset[str]) -> None:
        """A list that was under way while a credential was deleted may have owed it something after its rows went."""
        await self._store.write([Write("smpp_owed_drop", tuple((credential_id,) for credential_id in sorted(gone)))])
        self._gone -= gone

    def _changed(self) -> None:
        customers: defaultdict[str, list[_Customer]] = defaultdict(list)
        for credential in self._tables.smpp_credentials.values():
            customers[credential.account_id].append(_customer(credential))
        before, self._customers = self._customers, dict(customers)
        accounts = (self._tables.accounts.get(account_id) for account_id in customers)
        self._is_moving = any(account is not None and account.status == "moving" for account in accounts)
        self._gone |= _ids(before) - _ids(customers)
        self.wake()

    async def _take(self, position: int) -> Taken:
        """With the first credential it begins at the end of the log: what came before is owed to nobody."""
        if not self._customers:
            return Taken(0, max(position, await self._store.last_position()))
        new = await stretch(self._store, position, EVENTS_SCAN_MAX)
        if not new.count:
            return self._rest(position)
        accounts = sorted(self._customers)
        seen = await self._store.fetch(
            _Seen, "smpp_owed_seen", position, new.end, _TYPES, accounts, Flag.ORIGIN, self._limit
        )
        reached = seen[-1].position if len(seen) == self._limit else new.end
        rows = tuple(row for event in seen for row in self._rows(event))
        self._more = {row[0] for row in rows}
        self._rest_s = _REST_S if rows else _QUIET_REST_S
        more = reached < new.end or new.count == EVENTS_SCAN_MAX
        self._passed += new.count
        if not rows and self._passed < _SAVE_EVERY and not self._is_moving:
            return Taken(0, reached, more=more)
        self._passed = 0
        return Taken(len(rows) or 1, reached, (Write("smpp_owed_insert", rows),), more)

    def _rest(self, position: int) -> Taken:
        """At the end of the log: the cursor is stored once while a move waits for it."""
        is_awaited = self._is_moving and position != self._stored
        self._stored = position if is_awaited else self._stored
        return Taken(int(is_awaited), position)

    def _rows(self, event: _Seen) -> list[_Row]:
        """Who is owed what by an event. A text of a phone goes to every credential that takes texts, once each, unless
        it came before the credential was made."""
        customers = self._customers.get(event.account_id, ())
        if event.direction == "in":
            owed = [each for each in customers if each.inbound and event.created_at >= each.created_at]
        else:
            origin = origin_of(event.options)
            if origin is None or not is_wanted(origin.registered, event.type, event.data):
                return []
            owed = [each for each in customers if each.id == origin.credential_id]
        return [
            (each.id, event.position, event.message_id, event.type, event.data, event.created_at)
            for each in owed
            if each.test == bool(event.test)
        ]


def _ids(customers: Mapping[str, Sequence[_Customer]]) -> frozenset[str]:
    return frozenset(each.id for group in customers.values() for each in group)


def _customer(credential: SmppCredential) -> _Customer:
    settings = msgspec.json.decode(credential.settings, type=CustomerSettings)
    return _Customer(credential.id, credential.test, settings.inbound, credential.created_at)
