"""The log of events as the store holds it now, for a verdict.

Followers of the log on PostgreSQL read up to the oldest transaction that still runs, whatever that does: what was
committed a moment ago may be ahead of it for a few milliseconds. A test that asks what was written asks here.
"""

from whimbrel.domain.events import EVENT_TYPES
from whimbrel.domain.model import Event
from whimbrel.store.interface import Store

_LAST_POSITION = 2**62
_MOST = 1_000_000


async def whole_log(store: Store, account_id: str) -> list[Event]:
    """Every committed event of an account, test and live, by position."""
    events: list[Event] = []
    for test in (0, 1):
        asked = (account_id, test, sorted(EVENT_TYPES), 0, _LAST_POSITION, _MOST)
        events += await store.fetch(Event, "events_page", *asked)
    return sorted(events, key=lambda event: event.position)
