"""Usage: figures by hour and day for each account. It follows the event log in stretches that the database adds up by
what counts alike, with the messages' rows read by key, so that few rows come up here; nothing is asked of the hot path.
The figures are written in the commit that moves the cursor: a restart counts nothing twice.

A message that is deleted before its events are followed, within seconds, is not counted from there on.
"""

from typing import Final

from whimbrel.domain.numbers import normalise
from whimbrel.domain.usage import Told, rows
from whimbrel.journey.follower import Follower, Taken, stretch
from whimbrel.store.interface import Store, Write

CURSOR: Final = "usage"
_STRETCH: Final = 8_000  # events of one list, some 2,000 messages
_EVERY_S: Final = 1.0
_LEADS_KEPT: Final = 50_000


class Usage(Follower):
    """Keeps `usage_figures` up with the log."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, CURSOR, limit=_STRETCH, idle_s=_EVERY_S)
        self._countries: dict[str, str] = {}

    async def _take(self, position: int) -> Taken:
        new = await stretch(self._store, position, _STRETCH)
        if not new.count:
            return Taken(0, position)
        told = await self._store.fetch(Told, "usage_told", position, new.end)
        found = rows(told, self._country)
        return Taken(new.count, new.end, (Write("usage_add", found),) if found else ())

    def _country(self, told: Told) -> str:
        """Numbers that begin with the same eight digits are of one country: one of them is looked at. Senders that are
        no numbers, and numbers that are erased, are of none."""
        known = self._countries.get(told.lead)
        if known is None:
            number = normalise(told.number)
            known = number.country if number is not None else ""
            if len(self._countries) >= _LEADS_KEPT:
                self._countries.clear()
            self._countries[told.lead] = known
        return known
