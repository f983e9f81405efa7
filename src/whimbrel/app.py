"""The application: builds everything, starts in order, stops in reverse. The only place that names implementations.

Start: the port (one that is taken is told before anything changes), the store, the snapshots, the duties and carriers
that this node is to have, and the doors last. Stop: the doors first, so that nothing new comes in; then the carriers
finish their windows and unbind; then the duties; the store last. Each part has its share of one deadline: one that
hangs is left behind and told, and the others stop all the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

from whimbrel import brokers, customers, databases, installed, mailroom, web
from whimbrel.base.clock import Chance, Clock, SystemChance
from whimbrel.base.ids import Ids
from whimbrel.base.lifecycle import INNER_SHARE, Lifecycle, plain
from whimbrel.base.limits import STOP_DEADLINE_S
from whimbrel.base.metrics import Metrics
from whimbrel.base.place import ALONE, Place
from whimbrel.base.vault import Vault
from whimbrel.cells import Cells
from whimbrel.config import Settings
from whimbrel.connected import as_seen
from whimbrel.control_plane import clock_of, context, reach_of
from whimbrel.domain.pacing import FairRank
from whimbrel.edges.mail.server import MailServer
from whimbrel.edges.shared.server import HttpServer
from whimbrel.edges.shared.services import Services
from whimbrel.edges.smpp.deliveries import Deliveries
from whimbrel.edges.smpp.registry import Registry
from whimbrel.edges.smpp.seats import Seats
from whimbrel.edges.smpp.server import SmppServer
from whimbrel.journey.accept import Accept
from whimbrel.journey.asking import Asking
from whimbrel.journey.cancel import Cancel
from whimbrel.journey.duties import Duties
from whimbrel.journey.feed import Feed
from whimbrel.journey.inbound import InboundTexts
from whimbrel.journey.index import Index
from whimbrel.journey.keywords import Keywords
from whimbrel.journey.notify import Notify
from whimbrel.journey.number_health import NumberHealth
from whimbrel.journey.observe import Observe
from whimbrel.journey.outbind import Outbinds
from whimbrel.journey.owed import Owed
from whimbrel.journey.owners import Identity, Owners
from whimbrel.journey.posting import Poster
from whimbrel.journey.receipt import Receipts
from whimbrel.journey.replies import Replies
from whimbrel.journey.standing import Standing
from whimbrel.journey.streams import duty_name
from whimbrel.journey.sweep import Sweep
from whimbrel.journey.tables import Tables
from whimbrel.journey.usage import Usage
from whimbrel.journey.worker import Worker
from whimbrel.net.http import HttpClient
from whimbrel.net.recorder import Recorders
from whimbrel.net.siblings import Siblings
from whimbrel.product_set import ProductSet, api_url, door_of, shorten
from whimbrel.sections import purge_before_us
from whimbrel.store.moving import Moves
from whimbrel.store.store import SqlStore
from whimbrel.store.verbs.leases import CARRIER
from whimbrel.upstreams import Upstreams

_CARRIERS_SHARE: Final = 2 / 3  # of the time that is left to stop: windows of texts take the longest


class App:
    """One node: everything that `settings.roles` names, in one process and one event loop."""

    def __init__(
        self,
        settings: Settings,
        master_key: bytes,
        *,
        clock: Clock | None = None,
        chance: Chance | None = None,
        place: Place = ALONE,
    ) -> None:
        self.settings = settings
        self._place = place
        self.clock: Clock = clock or clock_of(settings)
        self.chance: Chance = chance or SystemChance()
        self.metrics = Metrics()
        self._siblings = Siblings(place, self.metrics)
        self.vault = Vault(master_key, self.chance)
        self.ids = Ids(self.clock, self.chance)
        executor = databases.executor(
            settings,
            place,
            clock=self.clock,
            chance=self.chance,
            on_commit=self._after_commit,
            on_thread=self._committed,
            on_trouble=lambda kind: self.metrics.store_troubles.labels(kind).inc(),
        )
        self.store = SqlStore(executor)
        self.tables = Tables(self.store, self.vault, as_seen(settings, settings.cell), settings.senders.enforcement)
        self._moves = Moves(executor)
        self.cells = Cells(settings, self._moves, self.clock, self.chance) if settings.cells else None
        self.recorders = Recorders(self.clock.now_us)
        self.reach = reach_of(settings)
        self.manage = context(
            settings,
            store=self.store,
            tables=self.tables,
            vault=self.vault,
            clock=self.clock,
            chance=self.chance,
            ids=self.ids,
            reach=self.reach,
            elsewhere=self.cells.elsewhere(settings.cell) if self.cells is not None else None,
            leading=self.cells.leading_of(settings.cell) if self.cells is not None else "",
        )
        self.upstreams = Upstreams(self.manage, self.tables, self.recorders, self._api_url)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._parts, self._ready = Lifecycle(STOP_DEADLINE_S), False
        self._build_journey()
        self._build_doors()
        self._hear()

    def _build_journey(self) -> None:
        store, tables, clock, metrics = self.store, self.tables, self.clock, self.metrics
        fair = FairRank()
        self.shorten = shorten(self.settings, tables, self.chance, lambda: self.server)
        self.owners = self._owners()
        self.feed = Feed(store)
        self.accept = Accept(
            store=store,
            tables=tables,
            clock=clock,
            ids=self.ids,
            vault=self.vault,
            fair=fair,
            metrics=metrics,
            lane_of=lambda carrier_id: self.worker.way(carrier_id),
            shorten=self.shorten,
        )
        self.cancel = Cancel(store=store, clock=clock)
        self.keywords = Keywords(
            store=store, tables=tables, accept=self.accept, clock=clock, ids=self.ids, vault=self.vault
        )
        self.worker = Worker(
            store=store,
            tables=tables,
            clock=clock,
            vault=self.vault,
            fair=fair,
            metrics=metrics,
            build=self.upstreams.link,
            receipts=Receipts(store=store, clock=clock, vault=self.vault, metrics=metrics),
            inbound=InboundTexts(
                store=store,
                tables=tables,
                clock=clock,
                ids=self.ids,
                vault=self.vault,
                metrics=metrics,
                spoken=self.keywords.wake,
                others=self.cells,
            ),
            owners=self.owners,
        )
        self.worker.start()
        self.standing = Standing(store=store, clock=clock, fair=fair, owners=self.owners, own=self.worker.health)
        self.asking = Asking(store=store, clock=clock, lane_of=self.worker.lane, take=self.worker.receipts.take)
        self.sweep = Sweep(
            store=store,
            tables=tables,
            clock=clock,
            fair=fair,
            metrics=metrics,
            queued=self.worker.queued,
            runs_elsewhere=self.standing.is_elsewhere,
            asking=self.asking,
            purge_before=lambda now: purge_before_us(self.settings.retention, now),
        )
        self._build_duties()

    def _build_duties(self) -> None:
        store, tables, clock, metrics = self.store, self.tables, self.clock, self.metrics
        self.owed = Owed(store, tables)
        self.observe = Observe(store, tables, clock, metrics, health=self.worker.health, figures=self.owners.figures)
        self.numbers = NumberHealth(
            store=store, tables=tables, clock=clock, chance=self.chance, vault=self.vault, metrics=metrics
        )
        self.http_out = HttpClient(self.reach)
        poster = Poster(client=self.http_out, clock=clock, chance=self.chance, ids=self.ids)
        replies = Replies(self.accept)
        self.notify = Notify(
            store=store,
            tables=tables,
            feed=self.feed,
            poster=poster,
            clock=clock,
            metrics=metrics,
            replies=replies,
            api_url=self._api_url,
        )
        self.products = ProductSet(
            self.settings, self.manage, accept=self.accept, tables=tables, client=self.http_out, metrics=metrics
        )
        self.streams = brokers.streams(self.settings, store=store, clock=clock, chance=self.chance, metrics=metrics)
        self.duties = Duties(
            {
                **({} if self.cells is None else self.cells.duties(store, tables, metrics)),
                **{duty_name(name): stream for name, stream in self.streams.items()},
                **self.products.duties,
                "count": self.observe.counts,
                "index": Index(store),
                "keywords": self.keywords,
                "notify": self.notify,
                "owed": self.owed,
                "sweep": self.sweep,
                "usage": Usage(store),
            }
        )
        self.owners.hold("carrier", self.worker)
        self.owners.hold("duty", self.duties)
        tables.subscribe("carriers", self.owners.wake)

    def _owners(self) -> Owners:
        return Owners(
            store=self.store,
            clock=self.clock,
            ids=self.ids,
            identity=lambda: Identity.of(self.settings.roles, self.duties.names),
            names=lambda: [*(CARRIER + carrier_id for carrier_id in self.tables.carriers), *self.duties.names],
            alone=self.store.signals.is_alone,
        )

    def _build_doors(self) -> None:
        store, clock, metrics, self.binds = self.store, self.clock, self.metrics, Registry()
        self.server: HttpServer | None = None
        self.deliveries = Deliveries(
            store=store, registry=self.binds, owed=self.owed, owners=self.owners, clock=clock, metrics=metrics
        )
        self.smpp: SmppServer | None = None
        self.mail: MailServer | None = None

    def _smpp_server(self, services: Services) -> SmppServer:
        return customers.server(
            self.settings,
            services,
            self.binds,
            Seats(self.store, self.owners, self.binds),
            cells=self.cells,
            outbind=Outbinds(self.tables, self.worker.lane).take,
            shared=not self._place.is_alone,
        )

    def _api_url(self) -> str:
        return api_url(self.settings.server, self.server)

    def services(self) -> Services:
        """What the edges are given."""
        return Services(
            store=self.store,
            tables=self.tables,
            vault=self.vault,
            clock=self.clock,
            ids=self.ids,
            metrics=self.metrics,
            accept=self.accept,
            shorten=self.shorten,
            cancel=self.cancel,
            feed=self.feed,
            manage=self.manage,
            verify=self.products.verify,
            flows=self.products.flows,
            hooks=self.products.hooks,
            links=self.products.links,
            links_door=door_of(self.settings.links),
            mailboxes=self.products.mailboxes,
            media=self.products.media,
            recorders=self.recorders,
            probing=self.upstreams.probing(self.worker, self.store, self.standing.health),
            health=self.standing.health,
            runs_elsewhere=self.standing.is_elsewhere,
            take_receipts=self.worker.receipts.take,
            take_inbound=self.worker.inbound.take,
            ready=self.reasons_not_ready,
            scrape=self._siblings.render,
            public_url=self.settings.server.public_url,
            mail_domain=self.settings.mailbox.domain,
            streams_per_account=self.settings.limits.streams_per_account,
            smpp_binds=lambda credential_id: len(self.binds.bound(credential_id)),
            cells=self.cells,
            elsewhere=self.manage.elsewhere.account,
            unsure=self.cells.unsure(self.settings.cell) if self.cells is not None else lambda _: False,
            cell=self.settings.cell,
            settings=lambda: installed.views(self.settings),
        )

    async def open(self) -> None:
        """The store and the snapshots only: what the command line needs beside a stopped server."""
        self._loop = asyncio.get_running_loop()
        await self._parts.step("store", self.store.start, plain(self.store.stop))
        await self._parts.step("tables", self.tables.load, plain(self.tables.stop))

    async def start(self, prepare: Callable[[], Awaitable[None]] | None = None) -> None:
        """Everything, in order; a failure stops again what had started. `prepare` is awaited before the doors open.
        OSError when the port is taken."""
        try:
            services = self.services()
            if self.cells is not None:
                self.cells.serve(services, self.products)
            if not {"api", "console"}.isdisjoint(self.settings.roles):
                self.server = web.server(self.settings, services, cells=self.cells, shared=not self._place.is_alone)
            if "smpp" in self.settings.roles:
                self.smpp = self._smpp_server(services)
            self.mail = mailroom.server(self.settings, services, cells=self.cells, shared=not self._place.is_alone)
            await self.open()
            step = self._parts.step
            if self.cells is not None:
                await step("cells", self.cells.start, plain(self.cells.stop))
            await step("siblings", self._siblings.start, plain(self._siblings.stop))
            await step("node", self.owners.join, plain(self.owners.leave))
            await step("standing", self.standing.start, plain(self.standing.stop))
            await step("feed", self.feed.start, plain(self.feed.stop))
            await step("numbers", self.numbers.start, plain(self.numbers.stop))
            if "worker" in self.settings.roles:
                await self._start_work()
            else:
                await self.owners.start()
            if prepare is not None:
                await prepare()
            self._parts.ends("clicks", plain(self.products.links.clicks.drain))
            if self.server is not None:
                await step("api", self.server.start, self._closing("server"))
            if self.smpp is not None:
                await step("deliveries", self.deliveries.start, plain(self.deliveries.stop))
                await step("smpp", self.smpp.start, self._closing("smpp"))
            if self.mail is not None:
                await step("mail", self.mail.start, self._closing("mail"))
            self._ready = True
        except BaseException:
            await self.stop()
            raise

    def _hear(self) -> None:
        """What other processes tell shortens the same waits as what this one does."""
        signals = self.store.signals
        signals.subscribe("events", lambda _: self._log_grew())
        signals.subscribe("queue", self.worker.wake)

    async def _start_work(self) -> None:
        """What the leases of this node are for begins as it gets them, and ends as it loses them."""
        step = self._parts.step
        await step("http", self.http_out.start, plain(self.http_out.stop))
        self._parts.ends("duties", lambda _: self.owners.hand_over("duty"))
        await step("carriers", self.owners.start, self._stop_carriers, _CARRIERS_SHARE)
        await step("asking", self.asking.start, plain(self.asking.stop))
        await step("observe", self.observe.start, plain(self.observe.stop))

    async def _stop_carriers(self, seconds: float) -> None:
        self.worker.stop_s = seconds * INNER_SHARE
        await self.owners.hand_over("carrier")

    def _closing(self, door: Literal["server", "smpp", "mail"]) -> Callable[[float], Awaitable[None]]:
        async def close(seconds: float) -> None:
            server = getattr(self, door)
            setattr(self, door, None)
            if server is not None:
                await server.stop(seconds * INNER_SHARE)

        return close

    async def stop(self) -> tuple[str, ...]:
        """Everything that started, in reverse, within STOP_DEADLINE_S; the names of what was left behind."""
        self._ready = False
        left_behind = await self._parts.stop()
        self.recorders.close()
        for door in ("server", "smpp", "mail"):  # the ports, when they were bound and never served
            await self._closing(door)(0.0)
        return left_behind

    async def reasons_not_ready(self) -> Sequence[str]:
        """Why requests cannot be taken now; empty when they can."""
        if not self._ready:
            return ["starting or stopping"]
        try:
            async with asyncio.timeout(2.0):
                await self.store.ping()
        except Exception as error:
            return [f"the store cannot be used: {str(error) or 'it does not answer'}"]
        return []

    def _committed(self, scripts: int) -> None:
        """Called on the writer's thread after each commit."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._after_commit, scripts)

    def _after_commit(self, scripts: int) -> None:
        self.metrics.commits.inc()
        self.metrics.commit_rows.inc(scripts)
        self._log_grew()
        self.store.signals.send("events")

    def _log_grew(self) -> None:
        self.feed.wake()
        self.owed.wake()
        for stream in self.streams.values():
            stream.wake()
