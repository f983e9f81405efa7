"""One other cell as this node sees it: reached or not, and what is built for it when it is. What is built once for a
node (ports, metrics, the client for webhooks) is the application's; here is what is built once for each other cell: its
store, its tables, accept and whatever else a request or a customer's bind needs.

The node is one of that cell's nodes, without the role of a worker: it holds no carrier and no duty there, and delivers
to the customers of that cell that bind here. What is accepted is queued, and that cell's nodes are told.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from os import getpid
from socket import gethostname
from typing import Final, Protocol

import msgspec

from whimbrel.base.clock import Clock, DatabaseClock, SystemClock
from whimbrel.base.lifecycle import Lifecycle, plain
from whimbrel.config import Settings
from whimbrel.domain.model import Carrier
from whimbrel.domain.pacing import FairRank
from whimbrel.domain.shares import carrier_of_cell
from whimbrel.edges.shared.services import Services
from whimbrel.edges.smpp.deliveries import Deliveries
from whimbrel.edges.smpp.registry import Registry
from whimbrel.edges.smpp.seats import Seats
from whimbrel.edges.smpp.server import serving
from whimbrel.journey.accept import Accept
from whimbrel.journey.cancel import Cancel
from whimbrel.journey.elsewhere import Elsewhere as ElsewhereLane
from whimbrel.journey.feed import Feed
from whimbrel.journey.inbound import InboundTexts
from whimbrel.journey.owed import Owed
from whimbrel.journey.owners import Identity, Owners
from whimbrel.journey.standing import Standing
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Elsewhere
from whimbrel.product_set import ProductSet
from whimbrel.store.moving import Moves
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore

_log = logging.getLogger("whimbrel.cells")
_LOOK_S: Final = 1.0
PATIENCE_S: Final = 2.0
GUEST: Final = "guest"
"""The role of a node of another cell."""
_CONNECT_S: Final = 60.0  # with all that it takes: millions of opt-outs are some seconds to read
_STOP_S: Final = 5.0


def as_seen(settings: Settings, cell: str) -> Callable[[Carrier], Carrier]:
    """What carriers are in a cell; as they are where there is one."""
    weights = {name: section.share for name, section in settings.cells.items()}
    return lambda carrier: carrier_of_cell(carrier, cell, weights) if weights else carrier


class All(Protocol):
    """What one cell is told of all of them."""

    @property
    def home(self) -> str:
        """The node's own."""
        ...

    def elsewhere(self, cell: str) -> Elsewhere:
        """What the cells other than this one have."""
        ...

    def unsure(self, cell: str) -> Callable[[bytes], bool]:
        """Whether a credential that this cell does not know may be another's."""
        ...

    def leading_of(self, cell: str) -> str:
        """The cell that leads another one; empty for the leading one."""
        ...


class Connected:
    """Another cell, as long as this node is connected to it. `home`: what the node's own cell has, `products` too."""

    def __init__(self, name: str, settings: Settings, home: Services, cells: All, products: ProductSet) -> None:
        section = settings.cells[name]
        self._has_binds = "smpp" in settings.roles
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
        self.tables = Tables(self.store, home.vault, as_seen(settings, name), settings.senders.enforcement)
        self.feed = Feed(self.store)
        self.store.signals.subscribe("events", lambda _: self.feed.wake())
        self.registry = Registry()
        self._build(home, name, cells, products)
        self._parts = Lifecycle(_STOP_S)

    def _build(self, home: Services, name: str, cells: All, products: ProductSet) -> None:
        store, tables, clock = self.store, self.tables, self.clock
        elsewhere = cells.elsewhere(name)
        fair = FairRank()
        guest = Identity(f"{gethostname()}:{getpid()}, of cell {cells.home}", version("whimbrel"), (GUEST,))
        owners = Owners(store=store, clock=clock, ids=home.ids, identity=lambda: guest, names=lambda: (), alone=False)
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
            shorten=home.shorten.of_cell(tables),
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
        own = products.of_cell(manage, accept, tables)
        self.services = msgspec.structs.replace(
            home,
            store=store,
            tables=tables,
            clock=clock,
            accept=accept,
            cancel=Cancel(store=store, clock=clock),
            feed=self.feed,
            manage=manage,
            verify=own.verify,
            flows=own.flows,
            hooks=own.hooks,
            links=own.links,
            shorten=home.shorten.of_cell(tables),
            mailboxes=own.mailboxes,
            media=own.media,
            health=self.standing.health,
            elsewhere=elsewhere.account,
            unsure=cells.unsure(name),
            cell=name,
            smpp_binds=lambda credential_id: len(self.registry.bound(credential_id)),
        )
        self._build_binds(owners)

    def _build_binds(self, owners: Owners) -> None:
        """For the customers of that cell that bind here."""
        store, metrics = self.store, self.services.metrics
        self._owners = owners
        self._seats = Seats(store, owners, self.registry)
        self._deliveries = Deliveries(
            store=store,
            registry=self.registry,
            owed=Owed(store, self.tables),  # which that cell's nodes follow; here the outboxes hear of it by signals
            owners=owners,
            clock=self.clock,
            metrics=metrics,
        )
        self.serving = serving(self.services, self.registry, self._seats)

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
            if self._has_binds:
                await step("node", self._owners.join, plain(self._owners.leave))
                await self._owners.start()
                await step("deliveries", self._deliveries.start, plain(self._deliveries.stop))
                await step("seats", self._seats.start, plain(self._seats.stop))
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
        self._looked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Reach it if it can be in a moment, and go on trying otherwise."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._looked.wait(), PATIENCE_S)

    async def stop(self) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.connected is not None:
            await self.connected.stop()

    async def _run(self) -> None:
        while True:
            await self._look()
            self._looked.set()
            await asyncio.sleep(_LOOK_S)

    async def _look(self) -> None:
        was_up, error = self.is_up, ""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(_CONNECT_S if self.connected is None else PATIENCE_S):
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
