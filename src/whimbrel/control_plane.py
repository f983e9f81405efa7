"""The control plane without a node: the database, the snapshots of what is configured, and what verbs of `manage` need.
Apart from `app`, of whose parts it needs none: a command that changes the database itself begins in a third of the
time. For one cell: what others have is known by `cells`, which brings in the doors.
"""

from collections.abc import Mapping

from whimbrel import brokers, databases
from whimbrel.base.clock import Chance, Clock, DatabaseClock, SystemChance, SystemClock
from whimbrel.base.ids import Ids
from whimbrel.base.place import ALONE
from whimbrel.base.vault import Vault
from whimbrel.config import Settings
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context, Elsewhere, Snapshots
from whimbrel.net.addresses import Reach
from whimbrel.store.interface import Store
from whimbrel.store.store import SqlStore


def clock_of(settings: Settings) -> Clock:
    """This machine's where the database is, and the database's where several share it."""
    return SystemClock() if settings.is_sqlite else DatabaseClock(SystemClock())


def reach_of(settings: Settings) -> Reach:
    """Where webhooks may lead."""
    return Reach(settings.webhooks.allow_networks, plain_http=settings.webhooks.allow_http)


def context(
    settings: Settings,
    *,
    store: Store,
    tables: Snapshots,
    vault: Vault,
    clock: Clock,
    chance: Chance,
    ids: Ids,
    reach: Reach,
    elsewhere: Elsewhere | None = None,
    leading: str = "",
) -> Context:
    """What verbs are given, as the settings have it."""
    streams: Mapping[str, str] = brokers.destinations(settings)
    return Context(
        store=store,
        tables=tables,
        vault=vault,
        clock=clock,
        chance=chance,
        ids=ids,
        reach=reach,
        rate_per_s=settings.limits.rate_per_s,
        webhooks_per_account=settings.limits.webhooks_per_account,
        smpp=settings.smpp.bounds(),
        streams=streams,
        elsewhere=elsewhere or Elsewhere(),
        leading=leading,
        template_approval=settings.templates.approval,
        public_url=settings.server.public_url.rstrip("/"),
    )


class ControlPlane:
    """Of an installation in whose database no node of this process runs. As `App` it is opened, has `manage`, and is
    stopped."""

    def __init__(self, settings: Settings, master_key: bytes) -> None:
        clock, chance = clock_of(settings), SystemChance()
        executor = databases.executor(
            settings,
            ALONE,
            clock=clock,
            chance=chance,
            on_commit=lambda _: self._store.signals.send("events"),
            on_thread=lambda _: None,
            on_trouble=lambda _: None,
        )
        vault = Vault(master_key, chance)
        self._store = SqlStore(executor)
        self._tables = Tables(self._store, vault, enforcement=settings.senders.enforcement)
        self._is_open = False
        self.manage = context(
            settings,
            store=self._store,
            tables=self._tables,
            vault=vault,
            clock=clock,
            chance=chance,
            ids=Ids(clock, chance),
            reach=reach_of(settings),
        )

    async def open(self) -> None:
        """The store and the snapshots. StoreBusy where a node has the database to itself."""
        await self._store.start()
        self._is_open = True
        await self._tables.load()

    async def stop(self) -> None:
        """What was handed in is finished."""
        if self._is_open:
            await self._tables.stop()
            await self._store.stop()
