"""What `app.py` hands to the edges: the journey, the control plane, the store for reading, and questions that only the
application can answer.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from whimbrel.base import limits
from whimbrel.base.clock import Clock
from whimbrel.base.ids import Ids
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.carriers.interface import Health
from whimbrel.journey.accept import Accept
from whimbrel.journey.cancel import Cancel
from whimbrel.journey.feed import Feed
from whimbrel.journey.probing import Probing
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.net.recorder import Recorders
from whimbrel.store.interface import Store


def _no_binds(credential_id: str) -> int:
    """Where there is no SMPP door."""
    return 0


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an edge may use. `ready` gives the reasons why requests cannot be taken now, in words; empty
    when they can. `scrape` gives the metrics of this process, with those of the others that share its ports. `health`
    gives the running carriers by id, `smpp_binds` how many binds a customer's credential has in this process."""

    store: Store
    tables: Tables
    vault: Vault
    clock: Clock
    ids: Ids
    metrics: Metrics
    accept: Accept
    cancel: Cancel
    feed: Feed
    manage: Context
    recorders: Recorders
    probing: Probing
    health: Callable[[], Mapping[str, Health]]
    ready: Callable[[], Awaitable[Sequence[str]]]
    scrape: Callable[[], Awaitable[bytes]]
    public_url: str = ""
    streams_per_account: int = limits.SSE_STREAMS_PER_ACCOUNT
    smpp_binds: Callable[[str], int] = _no_binds
