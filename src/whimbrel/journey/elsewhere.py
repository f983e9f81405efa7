"""Elsewhere: the lane of a carrier that another node has. Apart from `worker.py`, because there is nothing of a carrier
in it.
"""

from collections.abc import Callable, Sequence

from whimbrel.carriers.interface import Part
from whimbrel.domain.model import Message


class Elsewhere:
    """The lane of a carrier that another node has: what goes there waits in the queue, and its owner is told."""

    fence = 0
    takes_media = False

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def places(self, priority: int) -> int:
        """None: nothing goes straight through."""
        return 0

    def reserve(self, segments: int) -> None:
        """Nothing is reserved."""

    def release(self, segments: int) -> None:
        """Nothing was reserved."""

    def falls_behind(self, priority: int) -> None:
        """Its owner knows how much waits."""

    def queued(self, messages: Sequence[Message]) -> None:
        """These wait in the queue."""
        if messages:
            self._tell()

    def in_turn(self, messages: Sequence[Message]) -> None:
        """These wait for turns of their numbers."""
        self.queued(messages)

    def build(self, message: Message) -> tuple[bytes, ...]:
        """What cannot go through is not built here."""
        raise LookupError("another node has this lane")

    def send(self, ready: Sequence[Part], priority: int, rank: int) -> None:
        """What cannot go through is not sent here."""
        raise LookupError("another node has this lane")
