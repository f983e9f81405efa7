"""What a lane need not read back: messages that this process queued a moment ago, as accept made them. The queue says
who goes next; of those that are remembered here only the key is read, and not the row.

A shortcut and no truth: a message that was canceled or ended meanwhile is found out by its claim, and nothing that is
sent of a queued message can change before it is final. What is not remembered is read.
"""

from collections.abc import Sequence
from typing import TypeAlias

from whimbrel.domain.model import Message
from whimbrel.store.interface import Store, Waiting

RECENT_MAX = 5_000  # messages of one lane, some 5 MB: more than leaves while the next ones are read

Queued: TypeAlias = Message | Waiting


class Recent:
    """The messages that one lane remembers."""

    def __init__(self, store: Store, lane: str) -> None:
        self._store = store
        self._lane = lane
        self._messages: dict[str, Message] = {}

    def add(self, messages: Sequence[Message]) -> None:
        """They were queued in this lane. Those that find no room are read later, as all were once."""
        if len(self._messages) < RECENT_MAX:
            self._messages.update((message.id, message) for message in messages)

    async def head(self, limit: int) -> list[Queued]:
        """The messages at the head of the queue, in order. They are not remembered afterwards: who stays in the queue
        is read the next time."""
        if not self._messages:
            return [*await self._store.waiting(self._lane, limit)]
        ids = await self._store.queued(self._lane, limit)
        known: dict[str, Queued] = {i: self._messages.pop(i) for i in ids if i in self._messages}
        if len(known) < len(ids):
            missing = await self._store.waiting_of([i for i in ids if i not in known])
            known.update((message.id, message) for message in missing)
        if len(ids) < limit:
            self._messages.clear()  # the queue is empty after these: what is left here was canceled, or never stored
        return [known[i] for i in ids if i in known]
