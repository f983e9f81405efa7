"""The cells as this node sees them: its own, in which it works, and the others, whose accounts it serves at its doors.

What is built once for a node (ports, metrics, binds of customers, the client for webhooks) is the application's. Here
is what is built once for each other cell: its store, its tables, accept and whatever else a request needs. Nothing is
at work there: no carriers, no duties; what is accepted is queued, and that cell's nodes are told.

A cell that cannot be reached is tried again and again, also when the node starts; meanwhile its accounts are told to
come back, and everybody else is served. Apart from `app`, so that one cell is as simple as it ever was.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from whimbrel.base import moments
from whimbrel.base.clock import SECOND_US, Clock, DatabaseClock, SystemClock
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.lifecycle import Lifecycle, plain
from whimbrel.base.metrics import Metrics
from whimbrel.config import Settings, purge_before_us
from whimbrel.domain.active import AWAY, BETWEEN
from whimbrel.domain.model import Account, Carrier
from whimbrel.domain.pacing import FairRank
from whimbrel.domain.shares import carrier_of_cell
from whimbrel.edges.shared.services import CellStatus, MoveStatus, Services
from whimbrel.journey.accept import Accept
from whimbrel.journey.cancel import Cancel
from whimbrel.journey.copies import Copies
from whimbrel.journey.duties import Part
from whimbrel.journey.elsewhere import Elsewhere as ElsewhereLane
from whimbrel.journey.feed import Feed
from whimbrel.journey.inbound import InboundTexts
from whimbrel.journey.moving import Moving
from whimbrel.journey.owners import Identity, Owners
from whimbrel.journey.standing import Standing
from whimbrel.journey.strays import Strays
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Elsewhere
from whimbrel.store import cluster
from whimbrel.store.interface import Store
from whimbrel.store.moving import Move, Moves
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore

_log = logging.getLogger("whimbrel.cells")
_LOOK_S: Final = 1.0
_PATIENCE_S: Final = 2.0
_STOP_S: Final = 5.0


def as_seen(settings: Settings, cell: str) -> Callable[[Carrier], Carrier]:
    """What carriers are in a cell; as they are where there is one."""
    weights = {name: section.share for name, section in settings.cells.items()}
    return lambda carrier: carrier_of_cell(carrier, cell, weights) if weights else carrier


class Connected:
    """Another cell, as long as this node is connected to it. `home`: what the node's own cell has; `cells`: all of
    them."""

    def __init__(self, name: str, settings: Settings, home: Services, cells: "Cells") -> None:
        section = settings.cells[name]
        self.clock: Clock = DatabaseClock(SystemClock())
        executor = PostgresExecutor(
            section.database,
            read_url=section.database_read,
            readers=1,
            on_commit=self._committed,
            clock=self.clock,
            chance=home.manage.chance,
        )
        self.store = SqlStore(executor)
        self.moves = Moves(executor)
        self.tables = Tables(self.store, home.vault, as_seen(settings, name))
        self.feed = Feed(self.store)
        self.store.signals.subscribe("events", lambda _: self.feed.wake())
        self._build(home, name, cells)
        self._parts = Lifecycle(_STOP_S)

    def _build(self, home: Services, name: str, cells: "Cells") -> None:
        store, tables, clock = self.store, self.tables, self.clock
        elsewhere = cells.elsewhere(name)
        fair = FairRank()
        owners = Owners(store=store, clock=clock, ids=home.ids, identity=_nobody, names=lambda: (), alone=False)
        self.standing = Standing(store=store, clock=clock, fair=fair, owners=owners, own=dict)
        accept = Accept(
            store=store,
            tables=tables,
            clock=clock,
            ids=home.ids,
            vault=home.vault,
            fair=fair,
            metrics=home.metrics,
            lane_of=lambda carrier_id: ElsewhereLane(lambda: store.signals.send("queue", carrier_id)),
        )
        self.inbound = InboundTexts(
            store=store,
            tables=tables,
            clock=clock,
            ids=home.ids,
            vault=home.vault,
            metrics=home.metrics,
            spoken=lambda: store.signals.send("events"),
        )
        manage = msgspec.structs.replace(
            home.manage,
            store=store,
            tables=tables,
            clock=clock,
            elsewhere=elsewhere,
            leading=cells.leading_of(name),
            lock=asyncio.Lock(),
        )
        self.services = msgspec.structs.replace(
            home,
            store=store,
            tables=tables,
            clock=clock,
            accept=accept,
            cancel=Cancel(store=store, clock=clock),
            feed=self.feed,
            manage=manage,
            health=self.standing.health,
            elsewhere=elsewhere.account,
        )

    def _committed(self, scripts: int) -> None:
        self.feed.wake()
        self.store.signals.send("events")

    async def start(self) -> None:
        """Raises what the store raises when it cannot be reached; nothing has started then."""
        step = self._parts.step
        try:
            await step("store", self.store.start, plain(self.store.stop))
            await step("tables", self.tables.load, plain(self.tables.stop))
            await step("standing", self.standing.start, plain(self.standing.stop))
            await step("feed", self.feed.start, plain(self.feed.stop))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Disconnect."""
        await self._parts.stop()


class Neighbour:
    """Another cell, reached or not."""

    def __init__(self, name: str, connect: Callable[[], Connected], told: Callable[[bool], None]) -> None:
        self.name = name
        self._connect = connect
        self._told = told
        self.connected: Connected | None = None
        """None until it was reached once."""
        self.is_up = False
        self.lag_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Reach it if it can be, and go on trying otherwise."""
        await self._look()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.connected is not None:
            await self.connected.stop()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            await self._look()

    async def _look(self) -> None:
        was_up, error = self.is_up, ""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._reach()
            self.is_up, self.lag_s = True, loop.time() - began
        except Exception as trouble:
            self.is_up, error = False, str(trouble) or type(trouble).__name__
        self._told(self.is_up)
        if self.is_up and not was_up:
            _log.info("a cell can be reached", extra={"cell": self.name})
        elif error and was_up != self.is_up:
            _log.error("a cell cannot be reached; trying again", extra={"cell": self.name, "error": error})

    async def _reach(self) -> None:
        if self.connected is not None:
            await self.connected.store.ping()
            return
        connected = self._connect()
        await connected.start()
        self.connected = connected


class Cells:
    """All cells: implements `edges.shared.cells.Served` and `services.CellsView`."""

    def __init__(self, settings: Settings, moves: Moves, clock: Clock) -> None:
        self._settings = settings
        self._moves = moves
        self._clock = clock
        self.home = settings.cell
        self.leading = next(name for name, section in settings.cells.items() if section.leads)
        self._home: Services | None = None
        self._others: dict[str, Neighbour] = {}
        self._leading_changed: Callable[[], None] = lambda: None

    def serve(self, home: Services) -> None:
        """The node's own cell is built: it and the others are one from now on. Before `start`."""
        self._home = home
        for name in self._settings.cells:
            if name != self.home:
                gauge = home.metrics.cell_up.labels(name)
                self._others[name] = Neighbour(name, partial(self._connected, name), gauge.set)

    def _connected(self, name: str) -> Connected:
        assert self._home is not None
        made = Connected(name, self._settings, self._home, self)
        if name == self.leading:
            for kind in ("keys", "carriers", "routes", "prices"):
                made.tables.subscribe(kind, lambda: self._leading_changed())
        return made

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
        """Who takes a text to a number of another cell's account; None: it is nobody's there."""
        for other in self._others.values():
            connected = other.connected
            sender = connected.tables.senders_by_value.get(number) if connected is not None else None
            account = connected.tables.accounts.get(sender.account_id) if connected is not None and sender else None
            if connected is not None and account is not None and account.status not in AWAY:
                return connected.inbound
        return None

    def duties(self, store: Store, tables: Tables, metrics: Metrics) -> dict[str, Part]:
        """What one node of this cell does for the others."""
        moving = Moving(
            name=self.home,
            here=self._moves,
            there=self.moves_of,
            clock=self._clock,
            events_before=lambda now: purge_before_us(self._settings.retention, now)["events"],
        )
        duties: dict[str, Part] = {
            "moves": moving,
            "strays": Strays(store=store, clock=self._clock, metrics=metrics, others=self.stores),
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
            async with asyncio.timeout(_PATIENCE_S):
                nodes = len(await cluster.nodes(services.store, services.clock.now_us()))
        accounts = sum(account.status not in AWAY for account in services.tables.accounts.values())
        lag_s = None if name == self.home else round(self._others[name].lag_s, 4)
        return msgspec.structs.replace(bare, accounts=accounts, nodes=nodes, lag_s=lag_s)

    async def moves(self, account_id: str) -> Sequence[MoveStatus]:
        """Where an account goes or went to, of the cells that can be reached."""
        found: list[MoveStatus] = []
        for moves in (self._moves, *(connected.moves for connected in self.up().values())):
            found += [_view(move) for move in await moves.out() if move.account_id == account_id]
        return sorted(found, key=lambda move: move.started_at, reverse=True)

    async def move(self, account_id: str, cell: str) -> MoveStatus:
        """Begin to move an account. WhimbrelError not_found, conflict, cell_unavailable, invalid_request."""
        if cell not in self._settings.cells:
            detail = f"there is no such cell; there are {', '.join(sorted(self._settings.cells))}"
            raise WhimbrelError("invalid_request", errors=[FieldError("/cell", detail)])
        old, moves, clock = self._of(account_id)
        if old == cell:
            raise WhimbrelError("conflict", f"The account is in cell {cell} already.")
        if self.services(cell) is None:
            raise WhimbrelError("cell_unavailable", f"Cell {cell} cannot be reached.", retry_after_s=5)
        await moves.depart(account_id, cell, clock.now_us())
        services = self.services(old)
        if services is not None:
            await services.tables.refresh("accounts")
        return (await self.moves(account_id))[0]

    def _of(self, account_id: str) -> tuple[str, Moves, Clock]:
        """The cell where an account is, and what moves accounts there."""
        for name, tables in self.directories().items():
            account = tables.accounts.get(account_id)
            if account is None or account.status in AWAY:
                continue
            if name == self.home:
                return name, self._moves, self._clock
            connected = self.up().get(name)
            if connected is None:
                raise WhimbrelError("cell_unavailable", f"Cell {name} cannot be reached.", retry_after_s=5)
            return name, connected.moves, connected.clock
        raise WhimbrelError("not_found", "There is no such account.")


def _view(move: Move) -> MoveStatus:
    return MoveStatus(
        account_id=move.account_id,
        cell=move.cell,
        state=move.state,
        waits_for=move.waits_for,
        started_at=moments.to_text(move.started_at // SECOND_US * SECOND_US),
    )


def _nobody() -> Identity:
    """This process is no node of the other cells."""
    return Identity(name="", version="", roles=())
