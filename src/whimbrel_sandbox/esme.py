"""One client of the SMSC (all binds of one system_id): what waits to be delivered to it, and who may take it.

Apart from the session because receipts belong to the client and not to a connection: they wait while no receiver is
bound, go out on any bind that receives, and go out again when a bind vanished or the client refused them.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from whimbrel.codec.smpp.tables import DELIVER_SM
from whimbrel_sandbox.outcome import ORDINARY, End, Outcome
from whimbrel_sandbox.recent import Recent
from whimbrel_sandbox.scenarios.conduct import GOOD, Conduct

_REMEMBERED = 50_000  # messages under refusal: a client that never comes back with them costs no memory
_NOTHING = End.NOTHING


class Delivery(Struct, gc=False):
    """A deliver_sm that is owed to a client: a receipt (`stat` is set) or a part of a phone's text.

    `body` is everything after the header; `sent_at` is the loop's time. `on_sent` is called once, when it is first
    handed to a socket. `avoid` is the number of the connection that must not get it (0: any may); `end` is what becomes
    of the connection that gets it first.
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
    command_id: int = DELIVER_SM
    avoid: int = 0
    end: End = _NOTHING


class Receiver(Protocol):
    """A bound session that takes deliver_sm; `number` is that of its connection."""

    number: int

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
        self.elsewhere: deque[Delivery] = deque()
        self.binds = 0
        self.lingering = 0
        self.conduct: Conduct = GOOD
        self.outcome: Outcome = ORDINARY
        self.receivers: list[Receiver] = []
        self.accepted_at: deque[float] = deque()
        self.refused: Recent[tuple[str, str, bytes], int] = Recent(_REMEMBERED)
        self._turn = 0

    def pump(self) -> None:
        """Hand out what waits, in order, to the receivers in turn, as far as their windows reach."""
        if self.elsewhere:
            self._pump_elsewhere()
        waiting = self.waiting
        while waiting:
            receiver = self._next_with_room()
            if receiver is None:
                return
            for _ in range(min(receiver.room(), len(waiting))):
                delivery = waiting.popleft()
                receiver.deliver(delivery)
                if delivery.end is not _NOTHING:
                    break

    def release(self) -> None:
        """A bind that was lost counts no more."""
        self.lingering = max(0, self.lingering - 1)

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

    def _pump_elsewhere(self) -> None:
        left: deque[Delivery] = deque()
        for delivery in self.elsewhere:
            others = [each for each in self.receivers if each.number != delivery.avoid and each.room() > 0]
            if others:
                others[0].deliver(delivery)
            else:
                left.append(delivery)
        self.elsewhere = left
