"""What `app.py` hands to the edges: the journey, the control plane, the store for reading, and questions that only the
application can answer.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.clock import Clock
from whimbrel.base.ids import Ids
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.carriers.interface import Health, Inbound, Report
from whimbrel.domain.model import Account
from whimbrel.edges.shared.settings import SettingView
from whimbrel.journey.accept import Accept
from whimbrel.journey.cancel import Cancel
from whimbrel.journey.feed import Feed
from whimbrel.journey.probing import Probing
from whimbrel.journey.shorten import Shorten
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.net.recorder import Recorders
from whimbrel.products.flows.starting import Starter
from whimbrel.products.hooks.receiving import Receiving
from whimbrel.products.links.opening import Opening
from whimbrel.products.mailboxes.receiving import Receiving as MailReceiving
from whimbrel.products.media.keeping import Media
from whimbrel.products.verify.verifying import Verify
from whimbrel.store.interface import Store


def _sure(authorization: bytes) -> bool:
    """Where there is one cell."""
    return False


def _nobody(account_id: str) -> Account | None:
    """Where there is one cell."""
    return None


def _here(carrier_id: str) -> bool:
    """Where there is one node."""
    return False


def _no_binds(credential_id: str) -> int:
    """Where there is no SMPP door."""
    return 0


def _no_settings() -> tuple[SettingView, ...]:
    """Where nobody says what the process runs with."""
    return ()


class CellStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A cell as this node sees it. What is not known of one that cannot be reached is null."""

    name: str
    home: Annotated[bool, Meta(description="Whether it is the node's own.")]
    leads: Annotated[bool, Meta(description="Whether what belongs to the installation is changed there.")]
    share: Annotated[int, Meta(description="Its part of what carriers grant, in proportion to the others'.")]
    reachable: bool
    accounts: int | None = None
    nodes: int | None = None
    lag_s: Annotated[
        float | None, Meta(description="How long a commit and a read take there; null for the node's own.")
    ] = None


MOVE_STATES = ("departing", "closed", "arrived", "cleared", "moved", "recalled", "returning", "returned")


class MoveStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far an account has come."""

    account_id: str
    cell: Annotated[str, Meta(description="Where it goes.")]
    state: Annotated[str, Meta(extra_json_schema={"enum": [*MOVE_STATES]})]
    waits_for: Annotated[str, Meta(description="Why it does not go on at the moment; empty when it does.")]
    started_at: str


class CellsView(Protocol):
    """What operators may ask of the cells."""

    async def status(self) -> Sequence[CellStatus]:
        """All of them."""
        ...

    async def moves(self, account_id: str) -> Sequence[MoveStatus]:
        """Where an account goes or went to, as far as is known."""
        ...

    async def move(self, actor: str, account_id: str, cell: str, *, lost: bool = False) -> MoveStatus:
        """Begin to move an account, or call off its move where it comes from that cell. WhimbrelError."""
        ...


class LinkDoorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the door of short links works (`link_sections.Links`)."""

    base_url: str = ""
    rate_per_s: int = 20
    media_rate_per_s: int = 200
    proxies: tuple[str, ...] = ()
    bot_networks: tuple[str, ...] = ()
    country_header: str = ""


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an edge may use. `ready` gives the reasons why requests cannot be taken now, in words; empty
    when they can. `take_receipts` and `take_inbound` store what a carrier brought, by its id, and raise when they could
    not. `scrape` gives the metrics of this process, with those of the others that share its ports. `health` gives the
    running carriers by id, wherever they run, `runs_elsewhere` whether a carrier does so at another node, `smpp_binds`
    how many binds a customer's credential has in this process. `cells` tells of the cells, where there are several,
    `elsewhere` gives accounts of the others, `unsure` says whether a credential may be theirs, and `cell` names this
    one.
    `settings` gives what the process runs with, `mail_domain` is the domain of phones' addresses."""

    store: Store
    tables: Tables
    vault: Vault
    clock: Clock
    ids: Ids
    metrics: Metrics
    accept: Accept
    shorten: Shorten
    cancel: Cancel
    feed: Feed
    manage: Context
    verify: Verify
    flows: Starter
    hooks: Receiving
    links: Opening
    mailboxes: MailReceiving
    media: Media
    recorders: Recorders
    probing: Probing
    take_receipts: Callable[[str, Sequence[Report]], Awaitable[None]]
    take_inbound: Callable[[str, Sequence[Inbound]], Awaitable[None]]
    health: Callable[[], Mapping[str, Health]]
    ready: Callable[[], Awaitable[Sequence[str]]]
    scrape: Callable[[], Awaitable[bytes]]
    public_url: str = ""
    mail_domain: str = ""
    links_door: LinkDoorSettings = LinkDoorSettings()
    streams_per_account: int = limits.SSE_STREAMS_PER_ACCOUNT
    smpp_binds: Callable[[str], int] = _no_binds
    runs_elsewhere: Callable[[str], bool] = _here
    cells: "CellsView | None" = None
    elsewhere: Callable[[str], Account | None] = _nobody
    unsure: Callable[[bytes], bool] = _sure
    cell: str = ""
    settings: Callable[[], tuple[SettingView, ...]] = _no_settings
