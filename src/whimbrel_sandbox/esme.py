"""One client of the SMSC (all binds of one system_id): what waits to be delivered to it, and who may take it.

Apart from the session because receipts belong to the client and not to a connection: they wait while no receiver is
bound, go out on any bind that receives, and go out again when a bind vanished or the client refused them.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from whimbrel_sandbox.recent import Recent

_REMEMBERED = 50_000  # messages under refusal: a client that never comes back with them costs no memory


class Delivery(Struct, gc=False):
    """A deliver_sm that is owed to a client: a receipt (`stat` is set) or a part of a phone's text.

    `body` is everything after the header; `sent_at` is the loop's time. `on_sent` is called once, when it is first
    handed to a socket.
    """

    body: bytes
    message_id: str
    stat: str = ""
    err: str = "000"
    source: str = ""
    dest: str = ""
    octets: bytes = b""
    text: str = ""
    data_coding: int = 0
    part: int = 1
    parts: int = 1
    tries: int = 0
    sent_at: float = 0.0
    on_sent: Callable[[], None] | None = None


class Receiver(Protocol):
    """A bound session that takes deliver_sm."""

    def room(self) -> int:
        """How many more deliver_sm it may have unanswered."""
        ...

    def deliver(self, delivery: Delivery) -> None:
        """Send one."""
        ...


class Esme:
    """The queue of one system_id."""

    def __init__(self, system_id: str) -> None:
        self.system_id = system_id
        self.waiting: deque[Delivery] = deque()
        self.receivers: list[Receiver] = []
        self.accepted_at: deque[float] = deque()
        self.refused: Recent[tuple[str, str, bytes], int] = Recent(_REMEMBERED)
        self._turn = 0

    def pump(self) -> None:
        """Hand out what waits, in order, to the receivers in turn, as far as their windows reach."""
        waiting = self.waiting
        while waiting:
            receiver = self._next_with_room()
            if receiver is None:
                return
            for _ in range(min(receiver.room(), len(waiting))):
                receiver.deliver(waiting.popleft())

    def give_back(self, deliveries: list[Delivery]) -> None:
        """Deliveries that were not answered come first again, in their order."""
        self.waiting.extendleft(reversed(deliveries))

    def within_rate(self, now: float, limit: int) -> bool:
        """Whether one more segment stays within `limit` in any window of one second; if so it is counted."""
        times = self.accepted_at
        while times and times[0] <= now - 1.0:
            times.popleft()
        if len(times) >= limit:
            return False
        times.append(now)
        return True

    def was_refused(self, key: tuple[str, str, bytes], times: int) -> bool:
        """Whether the message `key` (source, destination, octets) was refused `times` times; if not, count one more."""
        before = self.refused.get(key) or 0
        if before >= times:
            self.refused.forget(key)
            return True
        self.refused.put(key, before + 1)
        return False

    def _next_with_room(self) -> Receiver | None:
        count = len(self.receivers)
        for _ in range(count):
            self._turn = (self._turn + 1) % count
            receiver = self.receivers[self._turn]
            if receiver.room() > 0:
                return receiver
        return None
