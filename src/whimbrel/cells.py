"""The cells as this node sees them: its own, in which it works, and the others, whose accounts it serves at its doors
(`connected.py`).

A cell that cannot be reached is tried again and again, also when the node starts; meanwhile its accounts are told to
come back, and everybody else is served. Apart from `app`, so that one cell is as simple as it ever was.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from whimbrel.base import moments
from whimbrel.base.clock import Chance, Clock
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.config import Settings
from whimbrel.connected import GUEST, PATIENCE_S, Connected, Neighbour
from whimbrel.domain.active import AWAY, BETWEEN
from whimbrel.domain.model import Account, SmppCredential
from whimbrel.edges.shared.cells import may_be_elsewhere
from whimbrel.edges.shared.services import CellStatus, MoveStatus, Services
from whimbrel.edges.smpp.registry import Registry
from whimbrel.edges.smpp.session import Serving
from whimbrel.journey.copies import COPIED, Copies
from whimbrel.journey.duties import Part
from whimbrel.journey.inbound import InboundTexts
from whimbrel.journey.moving import Moving
from whimbrel.journey.strays import Strays
from whimbrel.journey.tables import Tables
from whimbrel.manage import audit
from whimbrel.manage.context import Elsewhere, commit
from whimbrel.product_set import ProductSet
from whimbrel.sections import purge_before_us
from whimbrel.store import cluster
from whimbrel.store.interface import Store
from whimbrel.store.moving import CLOSED, DEPARTING, RECALLED, RETURNING, Move, Moves

UNDER_WAY: Final = frozenset({DEPARTING, CLOSED, RECALLED, RETURNING})
"""States of a move that can be called off, or is being."""


class Cells:
    """All cells: what the doors (`edges.shared.cells.Served`, `edges.smpp.server.OtherCells`, `edges.smpp.gate.
    Directory`), operators (`services.CellsView`) and the journey ask of them."""

    def __init__(self, settings: Settings, moves: Moves, clock: Clock, chance: Chance) -> None:
        self._settings = settings
        self._moves = moves
        self._clock = clock
        self._chance = chance
        self.home = settings.cell
        self.leading = next(name for name, section in settings.cells.items() if section.leads)
        self._home: Services | None = None
        self._products: ProductSet | None = None
        self._others: dict[str, Neighbour] = {}
        self._leading_changed: Callable[[], None] = lambda: None
        self._customers_changed: Callable[[], None] = lambda: None
        self._merged: tuple[Mapping[str, Account], Mapping[str, SmppCredential]] | None = None

    def serve(self, home: Services, products: ProductSet) -> None:
        """The node's own cell is built: it and the others are one from now on. Before `start`."""
        self._home, self._products = home, products
        self._watch(home.tables)
        for name in self._settings.cells:
            if name != self.home:
                gauge = home.metrics.cell_up.labels(name)
                self._others[name] = Neighbour(name, partial(self._connected, name), gauge.set)

    def _connected(self, name: str) -> Connected:
        assert self._home is not None
        assert self._products is not None
        made = Connected(name, self._settings, self._home, self, self._products)
        self._watch(made.tables)
        if name == self.leading:
            for kind in COPIED:
                made.tables.subscribe(kind, lambda: self._leading_changed())
        return made

    def _watch(self, tables: Tables) -> None:
        def changed() -> None:
            self._merged = None
            self._customers_changed()

        tables.subscribe("accounts", changed)
        tables.subscribe("smpp_credentials", changed)

    async def start(self) -> None:
        """Connect to those that can be reached."""
        await asyncio.gather(*(other.start() for other in self._others.values()))

    async def stop(self) -> None:
        """Disconnect from all."""
        await asyncio.gather(*(other.stop() for other in self._others.values()))

    # for the doors

    def directories(self) -> Mapping[str, Tables]:
        """See `edges.shared.cells.Cells`."""
        known = {name: other.connected.tables for name, other in self._others.items() if other.connected is not None}
        return ({} if self._home is None else {self.home: self._home.tables}) | known

    def unknown(self) -> frozenset[str]:
        """Cells that were never reached."""
        return frozenset(name for name, other in self._others.items() if other.connected is None)

    def services(self, cell: str) -> Services | None:
        """What the doors of a cell are given; None while it cannot be reached."""
        if cell == self.home:
            return self._home
        other = self._others[cell]
        return other.connected.services if other.is_up and other.connected is not None else None

    def leading_of(self, cell: str) -> str:
        """The cell that leads another one; empty for the leading one."""
        return "" if cell == self.leading else self.leading

    def elsewhere(self, cell: str) -> Elsewhere:
        """What the cells other than this one have."""

        def others() -> Sequence[Tables]:
            return [tables for name, tables in self.directories().items() if name != cell]

        def account(account_id: str) -> Account | None:
            found = (tables.accounts.get(account_id) for tables in others())
            return next((each for each in found if each is not None and each.status not in BETWEEN), None)

        return Elsewhere(account, lambda system_id: any(system_id in tables.smpp_credentials for tables in others()))

    def unsure(self, cell: str) -> Callable[[bytes], bool]:
        """See `edges.shared.cells.may_be_elsewhere`."""
        return lambda authorization: may_be_elsewhere(self.directories(), cell, authorization)

    # for the SMPP door

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Of all cells; one that moves as the cell has it that serves it."""
        return self._merge()[0]

    @property
    def smpp_credentials(self) -> Mapping[str, SmppCredential]:
        """Of all cells, by system_id."""
        return self._merge()[1]

    async def current(self) -> None:
        """What was committed is in the tables of the node's own cell, and of those that can be reached."""
        await asyncio.gather(*(_current(connected) for connected in self.up().values()))
        if self._home is not None:
            await self._home.tables.current()

    def serving(self, account_id: str, own: Serving) -> Serving | None:
        """What serves an account; None while its cell cannot be reached."""
        name = self._cell_of(account_id)
        if name is None or name == self.home:
            return own
        connected = self.up().get(name)
        return connected.serving if connected is not None else None

    def registries(self) -> Iterable[Registry]:
        """Customers of other cells that are bound here."""
        return [other.connected.registry for other in self._others.values() if other.connected is not None]

    def on_customers(self, changed: Callable[[], None]) -> None:
        """Call when credentials or accounts have changed."""
        self._customers_changed = changed

    def _merge(self) -> tuple[Mapping[str, Account], Mapping[str, SmppCredential]]:
        """What is away counts only where it is nowhere else."""
        if self._merged is None:
            accounts: dict[str, Account] = {}
            credentials: dict[str, SmppCredential] = {}
            for tables in self.directories().values():
                known = tables.accounts
                here = {i: each for i, each in known.items() if each.status not in AWAY}
                accounts = {**known, **accounts, **here}
                own = tables.smpp_credentials
                bound = {i: each for i, each in own.items() if each.account_id in here}
                credentials = {**own, **credentials, **bound}
            self._merged = accounts, credentials
        return self._merged

    # for the journey

    def up(self) -> Mapping[str, Connected]:
        """The other cells that can be reached."""
        return {name: o.connected for name, o in self._others.items() if o.is_up and o.connected is not None}

    def stores(self) -> Mapping[str, Store]:
        """Their stores."""
        return {name: connected.store for name, connected in self.up().items()}

    def moves_of(self, cell: str) -> Moves | None:
        """Accounts that come to another cell; None while it cannot be reached."""
        connected = self.up().get(cell)
        return connected.moves if connected is not None else None

    def inbound_of(self, number: str) -> InboundTexts | None:
        """Who takes a text to a number of another cell's account; None: it is nobody's there. WhimbrelError
        cell_unavailable while that cell cannot be reached: nobody waits for it."""
        for other in self._others.values():
            connected = other.connected
            sender = connected.tables.senders_by_value.get(number) if connected is not None else None
            account = connected.tables.accounts.get(sender.account_id) if connected is not None and sender else None
            if connected is None or account is None or account.status in AWAY:
                continue
            if not other.is_up:
                raise WhimbrelError("cell_unavailable", f"Cell {other.name} cannot be reached.", retry_after_s=5)
            return connected.inbound
        return None

    def duties(self, store: Store, tables: Tables, metrics: Metrics) -> dict[str, Part]:
        """What one node of this cell does for the others."""
        moving = Moving(
            name=self.home,
            here=self._moves,
            there=self.moves_of,
            clock=self._clock,
            chance=self._chance,
            events_before=lambda now: purge_before_us(self._settings.retention, now)["events"],
        )
        duties: dict[str, Part] = {
            "moves": moving,
            "strays": Strays(store=store, clock=self._clock, chance=self._chance, metrics=metrics, others=self.stores),
        }
        if self.home != self.leading:
            copies = Copies(store=store, tables=tables, leading=lambda: self.stores().get(self.leading))
            self._leading_changed = copies.wake
            duties["copies"] = copies
        return duties

    # for operators

    async def status(self) -> Sequence[CellStatus]:
        """All cells, the node's own first."""
        return [await self._status(name) for name in (self.home, *self._others)]

    async def _status(self, name: str) -> CellStatus:
        section, services = self._settings.cells[name], self.services(name)
        bare = CellStatus(
            name=name,
            home=name == self.home,
            leads=section.leads,
            share=section.share,
            reachable=services is not None,
        )
        if services is None:
            return bare
        nodes: int | None = None
        with suppress(Exception):
            async with asyncio.timeout(PATIENCE_S):
                found = await cluster.nodes(services.store, services.clock.now_us())
                nodes = sum(GUEST not in node.roles.split(",") for node in found)
        accounts = sum(account.status not in AWAY for account in services.tables.accounts.values())
        lag_s = None if name == self.home else round(self._others[name].lag_s, 4)
        return msgspec.structs.replace(bare, accounts=accounts, nodes=nodes, lag_s=lag_s)

    async def moves(self, account_id: str) -> Sequence[MoveStatus]:
        """Where an account goes or went to, of the cells that can be reached."""
        every = (self._moves, *(connected.moves for connected in self.up().values()))
        found = await asyncio.gather(*(_move_of(moves, account_id) for moves in every))
        views = [_view(move) for move in found if move is not None]
        return sorted(views, key=lambda move: move.started_at, reverse=True)

    async def move(self, actor: str, account_id: str, cell: str, *, lost: bool = False) -> MoveStatus:
        """Begin to move an account; or call off its move, where it comes from that cell. `lost`: the cell to which it
        went is gone for good. WhimbrelError not_found, conflict, cell_unavailable, invalid_request."""
        if cell not in self._settings.cells:
            detail = f"there is no such cell; there are {', '.join(sorted(self._settings.cells))}"
            raise WhimbrelError("invalid_request", errors=[FieldError("/cell", detail)])
        moves, clock = self._moves_in(cell)
        leaving = await moves.of_account(account_id)
        if leaving is not None and leaving.state in UNDER_WAY:
            old = cell
            await moves.call_off(account_id, clock.now_us(), lost=lost)
        elif lost:
            raise WhimbrelError("conflict", f"The account is not on its way from cell {cell}.")
        else:
            old = await self._depart(account_id, cell)
        services = self.services(old)
        if services is not None:
            entry = audit.entry(services.manage, actor, "account.moved", account_id, account_id, cell=cell)
            await commit(services.manage, [entry], "accounts")
        begun = await self._moves_in(old)[0].of_account(account_id) or leaving
        if begun is None:
            raise WhimbrelError("not_found", "The account does not move.")
        return _view(begun)

    async def _depart(self, account_id: str, cell: str) -> str:
        """It leaves the cell where it is, which is given."""
        old = self._cell_of(account_id)
        if old is None and any(account_id in tables.accounts for tables in self.directories().values()):
            detail = "The account is on its way. Moving it to the cell that it comes from calls that off."
            raise WhimbrelError("conflict", detail)
        if old is None:
            raise WhimbrelError("not_found", "There is no such account.")
        if old == cell:
            raise WhimbrelError("conflict", f"The account is in cell {cell} already.")
        moves, clock = self._moves_in(old)
        await moves.depart(account_id, cell, self._settings.cells, clock.now_us())
        return old

    def _moves_in(self, cell: str) -> tuple[Moves, Clock]:
        """What moves accounts out of a cell. WhimbrelError cell_unavailable."""
        if cell == self.home:
            return self._moves, self._clock
        connected = self.up().get(cell)
        if connected is None:
            raise WhimbrelError("cell_unavailable", f"Cell {cell} cannot be reached.", retry_after_s=5)
        return connected.moves, connected.clock

    def _cell_of(self, account_id: str) -> str | None:
        for name, tables in self.directories().items():
            account = tables.accounts.get(account_id)
            if account is not None and account.status not in AWAY:
                return name
        return None


async def _current(connected: Connected) -> None:
    """A cell that hangs is looked at by what was known last; its accounts will hear of that."""
    with suppress(Exception):
        async with asyncio.timeout(PATIENCE_S):
            await connected.tables.current()


async def _move_of(moves: Moves, account_id: str) -> Move | None:
    with suppress(Exception):
        async with asyncio.timeout(PATIENCE_S):
            return await moves.of_account(account_id)
    return None


def _view(move: Move) -> MoveStatus:
    return MoveStatus(
        account_id=move.account_id,
        cell=move.cell,
        state=move.state,
        waits_for=move.waits_for,
        started_at=moments.to_text(move.started_at),
    )
