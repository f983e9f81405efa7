"""Index: messages by phone number, and when contacts were last written to, wrote and clicked. Keys that come in random
order are dear in the accept commit, so this follows the event log and fills the tables in sorted lists, within two
seconds of the commit. The database makes the rows itself: none of them comes up here.
"""

from typing import Final

from whimbrel.journey.follower import Follower, Taken, cursor, stretch
from whimbrel.store.interface import Store, Write

CURSOR = "message_numbers"
_STRETCH = 8_000  # events of one list, some 2,000 messages: a commit of that size stays well under 20 ms
_EVERY_S = 1.0
_CATCH_UP: Final = 10
"""Stretches that one request looks through itself: more than two seconds of any load."""


class Index(Follower):
    """Keeps `message_numbers` and `contacts` up with the log."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, CURSOR, limit=_STRETCH, idle_s=_EVERY_S)

    async def _take(self, position: int) -> Taken:
        new = await stretch(self._store, position, _STRETCH)
        part = ((position, new.end),)
        return Taken(new.count, new.end, (Write("message_numbers_follow", part), Write("contacts_seen", part)))


async def catch_up(store: Store) -> None:
    """What has been accepted until now is found by its numbers, for who must not miss any of it. An index that is far
    behind is left to its follower, which writes the same rows once more to no effect."""
    position = await cursor(store, CURSOR)
    for _ in range(_CATCH_UP):
        new = await stretch(store, position, _STRETCH)
        if not new.count:
            return
        await store.write([Write("message_numbers_follow", ((position, new.end),))])
        position = new.end
