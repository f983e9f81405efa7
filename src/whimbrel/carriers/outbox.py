"""The queue of a carrier's parts, whatever the carrier is spoken to by. Parts leave in order of their classes, and in
their own order within one, as the windows, the throughput limit and the carrier's own complaints (ESME_RTHROTTLED,
ESME_RMSGQFUL; 429 over HTTP) allow; a part that was told to wait goes first of its class when its time comes.

A tenth of each window is kept free of marketing: a carrier answers in bursts (what left together is answered together),
and a code that comes while the window is full of a campaign would wait for the next one, as long as an answer takes.

Runs in the event loop's thread. A part is itself the token that flies with its request.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final, Protocol

import msgspec

from whimbrel.base import faults
from whimbrel.base.clock import Clock
from whimbrel.carriers.aside import Aside
from whimbrel.carriers.interface import Handlers, Part, Reply
from whimbrel.domain.model import MARKETING, OTP
from whimbrel.domain.pacing import Bucket, Pace, Second

_AHEAD: Final = 4  # a quarter of the window may be committed ahead of the wire
_KEPT: Final = 10  # a tenth of the window is kept free of marketing; of fewer than ten places none
_BURST_S: Final = 0.1  # how much of a second's throughput may leave at once
_class_of = attrgetter("priority")
_RATE_WINDOW_US = _SECOND_US = 1_000_000


def kept_of(window: int) -> int:
    """How many places of a window are kept free of marketing."""
    return window // _KEPT


class Sender(Protocol):
    """What parts leave over: a bind, or the requests of a carrier over HTTP."""

    is_up: bool

    @property
    def name(self) -> str: ...

    @property
    def room(self) -> int:
        """Free places of the window now; none while it is down."""
        ...

    @property
    def kept(self) -> int:
        """How many of the places are kept free of marketing."""
        ...

    @property
    def in_flight(self) -> int:
        """What waits for its answer."""
        ...

    def write(self, parts: Sequence[Part], now_us: int) -> Sequence[Reply]:
        """Let these leave; answers to those that cannot be written."""
        ...


class Outbox:
    """See the head of this file. `senders` are what messages may leave over, each with a window of `window`."""

    def __init__(
        self, senders: Sequence[Sender], handlers: Handlers, *, window: int, throughput_per_s: int, clock: Clock
    ) -> None:
        self.is_stopping = False
        self.throttled = 0
        self._window = window
        self._senders = senders
        self._handlers = handlers
        self._clock = clock
        self._out: deque[Part] = deque()  # in the order of their classes
        self._pace = Pace(throughput_per_s)
        self._bucket = Bucket(0, 1)
        self._second = Second()
        self._second.add(throughput_per_s, clock.monotonic_us())  # by whoever had the carrier before
        self._aside = Aside(max(1, window * len(senders) // _AHEAD))
        self._aside_timer: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._taken = self._taken_before = 0  # accepted in this second and the one before: what the carrier bears
        self._taken_since = 0
        self._moved_us = 0  # when a request was last answered, given up, or the first one written
        self._set_rate()

    def __len__(self) -> int:
        return len(self._out) + len(self._aside)

    def unsent(self) -> frozenset[str]:
        """Ids of messages with parts that wait here, those excepted that were told to wait time and again."""
        return frozenset(part.message_id for part in self._out)

    @property
    def set_aside(self) -> int:
        """Of these: told to wait time and again."""
        return len(self._aside)

    @property
    def rate_per_s(self) -> float:
        """What the carrier is granted now; 0 is no limit."""
        return self._bucket.rate_per_s

    def stalled_s(self) -> float:
        """For how long a full window has not moved while parts wait (trap T36); 0 where there is room or nothing
        waits."""
        up = [sender for sender in self._senders if sender.is_up]
        if not self._out or not up:
            return 0.0
        is_marketing = self._out[0].priority >= MARKETING
        if any(sender.room > (sender.kept if is_marketing else 0) or not sender.in_flight for sender in up):
            return 0.0
        return (self._clock.monotonic_us() - self._moved_us) / _SECOND_US

    def moved(self) -> None:
        """Requests were answered or given up."""
        self._moved_us = self._clock.monotonic_us()

    def taken(self) -> None:
        """The carrier took a part."""
        self._taken += 1

    def room(self, priority: int) -> int:
        """Segments of a class that may be committed now: what could leave at once, and a quarter of the window ahead of
        it; less where a rate holds, because a STOP takes back only what is not committed. Codes go before what is
        committed of others, and so need no answer that makes room for many of them."""
        if self.is_stopping or not self._handlers.may_submit():
            return 0
        up = [sender for sender in self._senders if sender.is_up]
        if not up:
            return 0
        free = sum(sender.room for sender in up) - (sum(sender.kept for sender in up) if priority >= MARKETING else 0)
        ahead = most = self._window * len(up) // _AHEAD
        if self._bucket.rate_per_s:
            free = min(free, self._tokens(self._clock.monotonic_us()))
            ahead = min(ahead, int(self._bucket.rate_per_s * _BURST_S))
        before = sum(1 for part in self._out if part.priority <= OTP) if priority <= OTP else len(self._out)
        room = free + max(1, ahead - len(self._aside)) - before
        if room < ahead and (before or priority > OTP) and any(sender.in_flight for sender in up):
            return 0  # an answer under way makes more room soon: commits of a few messages cost as much as large ones
        if priority <= OTP:  # and however few of them wait, no more is in doubt after a crash than is told
            room = min(room, free + max(1, most - len(self._aside)) - len(self._out))
        return max(0, room)

    def put(self, parts: Iterable[Part]) -> None:
        """Take parts, in order; write what may leave now, or give all back where nothing can."""
        self._queue([*self._out, *parts])
        if self.is_stopping or not any(sender.is_up for sender in self._senders):
            self.withdraw()
        else:
            self.pump()

    def _queue(self, parts: Sequence[Part]) -> None:
        """These wait, those of a more urgent class first."""
        self._out = deque(sorted(parts, key=_class_of))

    def _may_leave(self, sender: Sender) -> int:
        """How many have a place in a window, with the last ones kept free of marketing."""
        room = sender.room
        free = max(0, room - sender.kept)
        if free < min(room, len(self._out)) and self._out[free].priority >= MARKETING:
            return max(free, sum(1 for part in islice(self._out, room) if part.priority < MARKETING))
        return min(room, len(self._out))

    def pump(self) -> None:
        """Write what may leave now. Who may submit no more gives back what has not left."""
        if not self._out:
            return
        if not self._handlers.may_submit():
            self.withdraw()
            return
        now = self._clock.now_us()
        monotonic = self._clock.monotonic_us()
        self._set_rate()
        over: list[Reply] = []
        sent = False
        for sender in self._senders:
            count = self._may_leave(sender)
            if count and self._bucket.rate_per_s:
                count = min(count, self._tokens(monotonic))
                self._bucket.take(count, monotonic)
                self._second.add(count, monotonic)
            if count > 0:
                if not sender.in_flight:
                    self._moved_us = monotonic
                self._write(sender, count, now, over)
                sent = True
        if sent:
            asyncio.get_running_loop().call_soon(faults.hit, "carrier.after_write")
        if over:
            self._handlers.replies(over)
        if self._out and self._bucket.rate_per_s:
            self._wait_for_tokens(monotonic)

    def _write(self, sender: Sender, count: int, now: int, over: list[Reply]) -> None:
        leaving = [self._out.popleft() for _ in range(count)]
        if min([part.expires_at for part in leaving]) <= now:
            over += [Reply(part, "expired", sender.name) for part in leaving if part.expires_at <= now]
            leaving = [part for part in leaving if part.expires_at > now]
        if leaving:
            over += sender.write(leaving, now)

    def withdraw(self) -> None:
        """Nothing of these has left: they go back to their place in the queue."""
        self._out.extendleft(reversed([*self._aside.clear()]))
        if self._out:
            replies = [Reply(part, "withdrawn", "", reason="not_sent") for part in self._out]
            self._out.clear()
            self._handlers.replies(replies)

    def finish(self) -> None:
        """Give back all but the rest of long messages that have begun to leave: the phone could not show half."""
        self.is_stopping = True
        self._out.extendleft(reversed([*self._aside.clear()]))
        begun = self._begun()
        self.withdraw()
        self._out.extend(begun)
        self.pump()

    def close(self) -> None:
        """Give back what is left, for good."""
        self.withdraw()
        for timer in (self._timer, self._aside_timer):
            if timer is not None:
                timer.cancel()

    def _begun(self) -> list[Part]:
        """Take out the parts of messages that have other parts on the wire or at the carrier."""
        waiting = Counter(part.message_id for part in self._out)
        begun = [part for part in self._out if waiting[part.message_id] < part.parts]
        if begun:
            self._out = deque(part for part in self._out if waiting[part.message_id] == part.parts)
        return begun

    # More slowly.

    def told_to_wait(self, waiting: Sequence[Part]) -> None:
        """Keep them, in order, ahead of what has not been tried; slow down, beginning with a pause. What was told so
        time and again steps aside, and slows nobody down any more."""
        monotonic = self._clock.monotonic_us()
        again: list[Part] = []
        for told in waiting:
            part = msgspec.structs.replace(told, throttled=told.throttled + 1)
            if self._aside.takes(part):
                self._aside.put(part, monotonic)
            else:
                again.append(part)
        self.throttled += len(waiting)
        self._queue([*again, *self._out])
        self._wait_for_aside(monotonic)
        if again:
            self.slow_down()
            self._bucket.take(self._bucket.available(monotonic), monotonic)
            self._wait_for_tokens(monotonic)

    def slow_down(self) -> None:
        """Half of what the carrier took lately, and more again bit by bit."""
        monotonic = self._clock.monotonic_us()
        self._pace.throttled(monotonic, self._observed(monotonic))
        self._set_rate()

    def _wait_for_tokens(self, monotonic: int) -> None:
        if self._timer is not None and not self._timer.cancelled() and self._timer.when() > 0:
            self._timer.cancel()
        wait_us = max(1_000, int(1_000_000 / self._bucket.rate_per_s))
        if self._tokens(monotonic) >= 1:
            return
        self._timer = asyncio.get_running_loop().call_later(wait_us / 1_000_000, self._tokens_came)

    def _tokens_came(self) -> None:
        self._timer = None
        self.pump()
        self._handlers.room()

    def _set_rate(self) -> None:
        monotonic = self._clock.monotonic_us()
        rate = self._pace.rate_per_s(monotonic)
        if rate != self._bucket.rate_per_s:
            self._bucket.burst = max(1.0, rate * _BURST_S)
            self._bucket.set_rate(rate, monotonic)

    def _tokens(self, monotonic: int) -> int:
        """How many parts the rate lets go now."""
        return min(self._bucket.available(monotonic), self._second.room(self._bucket.rate_per_s, monotonic))

    def _wait_for_aside(self, monotonic: int) -> None:
        due = self._aside.next_us()
        if due is not None and self._aside_timer is None and not self.is_stopping:
            delay_s = max(0, due - monotonic) / _SECOND_US
            self._aside_timer = asyncio.get_running_loop().call_later(delay_s, self._try_aside)

    def _try_aside(self) -> None:
        """What stepped aside goes first when its time has come."""
        self._aside_timer = None
        monotonic = self._clock.monotonic_us()
        self._queue([*self._aside.due(monotonic), *self._out])
        self._wait_for_aside(monotonic)
        self.pump()

    def _observed(self, monotonic: int) -> float:
        """Segments a second that the carrier has taken lately."""
        if monotonic - self._taken_since >= _RATE_WINDOW_US:
            self._taken_before, self._taken, self._taken_since = self._taken, 0, monotonic
        return float(max(self._taken_before, self._taken))
