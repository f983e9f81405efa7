"""What one credential is owed, in memory: a page of its rows at a time, handed to its receiving binds and followed
until they are taken.

Theory of operation. Rows are read in order behind the last one that was read, as soon as fewer than a page wait; at
most HELD_MAX are in memory, however long the customer was away. A row becomes a `Load` when it is read: ready, under
way, or set aside until its time. A load has one deliver_sm, or one for each part of a long text; each that was answered
ESME_ROK is done, and a load of which all are done is over: its row is deleted. What comes back otherwise decides with
the last answer of the load that is under way:

    not now (ESME_RX_T_APPN, ESME_RMSGQFUL, ESME_RTHROTTLED, ESME_RSYSERR, ESME_RINVBNDSTS), or no answer in time
        again later, on any bind, at growing intervals, for as long as the row lives; ESME_RMSGQFUL and ESME_RTHROTTLED
        also make the whole credential rest
    the bind was lost
        again at once; a load that this happens to time and again is set aside, so that one that kills its reader does
        not hold up the others
    any other status, also in a generic_nack
        again later, and after REFUSALS_MAX such answers the load is dropped

Loads go to the binds in turn, each within its window, so a slow bind costs no other anything. A bind that left a
request without an answer is given one at a time until it answers. The parts of a text go over one bind as far as its
window allows. When the last receiving bind is gone everything is forgotten but the troubles of single rows: the next
bind begins with the oldest row.
"""

import heapq
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from whimbrel.base.metrics import Metrics
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.statuses import Status, status_name
from whimbrel.codec.smpp.tables import DELIVER_SM
from whimbrel.codec.smpp.versions import takes_tlvs
from whimbrel.domain.customer_receipts import Parcel
from whimbrel.edges.smpp.loads import (
    LATER,
    LOST,
    NOT_NOW,
    REFUSED,
    SLOWER,
    WELL,
    Load,
    Place,
    Trouble,
    bodies,
    worsen,
)
from whimbrel.edges.smpp.registry import Bound, Reply

_log = logging.getLogger("whimbrel.smpp.deliveries")

PAGE: Final = 200
HELD_MAX: Final = 1000
REFUSALS_MAX: Final = 3
_TROUBLES_MAX: Final = 1024
_LOST_MAX: Final = 2  # binds that a load may be lost with before it is set aside
_SECOND_US: Final = 1_000_000
_WAIT_MAX_S: Final = 60
_REST_MAX_S: Final = 30


class Hooks(msgspec.Struct, frozen=True):
    """What an outbox asks of its owner. `receivers`: the binds of now. `read`: bring a page behind `reached`, by `came`
    or `failed`. `over`: delete these rows, and tell by `saved`. `now_us`: monotonic."""

    receivers: Callable[[str], Sequence[Bound]]
    read: Callable[["Outbox"], None]
    over: Callable[["Outbox", Sequence[int]], None]
    now_us: Callable[[], int]


class Outbox:
    """See the head of the file."""

    def __init__(self, credential_id: str, hooks: Hooks, metrics: Metrics) -> None:
        self.credential_id = credential_id
        self._hooks = hooks
        self._metrics = metrics
        self._ready: deque[Load] = deque()
        self._later: list[tuple[int, int, Load]] = []
        self._held: set[int] = set()  # positions in memory
        self._unsaved: set[int] = set()  # over, and not yet deleted
        self._deleted: list[int] = []
        self._troubles: dict[int, Trouble] = {}
        self._in_flight: dict[Bound, int] = {}
        self._silent: set[Bound] = set()
        self._turn = 0
        self._rest_until = 0
        self._rests = 0
        self.reached = 0
        """The position behind which the next page begins."""
        self.epoch = 0
        """Counts how often everything was forgotten: a page that was asked for before is of no use."""
        self._has_more = True
        self._is_reading = False

    @property
    def is_waiting(self) -> bool:
        """Whether a `pump` could have something to do."""
        return bool(self._ready or self._later or self._has_more)

    @property
    def is_blank(self) -> bool:
        """Whether another one in its place would do the same."""
        return not (self._held or self._unsaved or self._troubles or self._is_reading)

    # What the owner tells.

    def more(self) -> None:
        """The store has rows that were not there before."""
        self._has_more = True
        self.pump()

    def came(self, parcels: Sequence[Parcel], epoch: int) -> None:
        """A page that `read` asked for."""
        if epoch == self.epoch:
            self._has_more = self._has_more or len(parcels) == PAGE
            for parcel in parcels:
                self._take_in(parcel)
        self._read_ended()
        self.pump()

    def failed(self) -> None:
        """A page could not be read; the next `pump` asks again."""
        self._read_ended()
        self._has_more = True

    def saved(self, position: int) -> None:
        """This row is deleted; a page that is being read may still hold it."""
        self._deleted.append(position)
        if not self._is_reading:
            self._read_ended()

    def _read_ended(self) -> None:
        self._is_reading = False
        self._unsaved.difference_update(self._deleted)
        self._deleted.clear()

    def forget(self) -> None:
        """Nobody receives any more: the store keeps everything."""
        self._ready.clear()
        self._later.clear()
        self._held.clear()
        self._in_flight.clear()
        self._silent.clear()
        self._rest_until = self._rests = 0
        self.reached = 0
        self.epoch += 1
        self._has_more = True

    def _take_in(self, parcel: Parcel) -> None:
        position = self.reached = parcel.position
        if position in self._unsaved or position in self._held:
            return
        self._held.add(position)
        load = Load(parcel)
        trouble = self._troubles.get(position)
        if trouble is not None and (trouble.refusals or trouble.lost > _LOST_MAX):
            self._set_aside(load, trouble)
        else:
            self._put(load)

    # Handing over.

    def pump(self) -> None:
        """Hand over what the binds have room for, and see that there is more."""
        binds = self._hooks.receivers(self.credential_id)
        if not binds:
            return
        now = self._hooks.now_us()
        if now >= self._rest_until:
            while self._later and self._later[0][0] <= now:
                self._put(heapq.heappop(self._later)[2])
            if self._ready:
                rooms = [(bound, self._room(bound)) for bound in binds]
                self._hand_over(
                    [Place(bound, room, takes_tlvs(bound.peer_version)) for bound, room in rooms if room > 0]
                )
        has_space = len(self._ready) < PAGE // 2 and len(self._held) <= HELD_MAX - PAGE
        if self._has_more and has_space and not self._is_reading:
            self._is_reading, self._has_more = True, False
            self._hooks.read(self)

    def _room(self, bound: Bound) -> int:
        room = bound.room()
        if bound in self._silent:
            return 0 if self._in_flight.get(bound) else min(room, 1)
        return room

    def _hand_over(self, places: list[Place]) -> None:
        ready = self._ready
        while ready and places:
            load = ready[0]
            if self._prepared(load, places[0]):
                unsent = load.unsent
                place = self._choose(len(unsent), places)
                if place is None:
                    return
                if not self._send(load, unsent, place):
                    places.remove(place)
                    continue
            load.is_ready = False
            ready.popleft()

    def _choose(self, wanted: int, places: Sequence[Place]) -> Place | None:
        """The next bind in turn with room for so many parts, or for as many as its whole window takes."""
        count = len(places)
        for step in range(count):
            place = places[(self._turn + step) % count]
            if place.room >= wanted or not self._in_flight.get(place.bound):
                self._turn += step + 1
                return place
        return None

    def _prepared(self, load: Load, place: Place) -> bool:
        """Make the bodies as this bind must have them; False when there is nothing to hand over (any more)."""
        if load.bodies and (load.with_tlvs is place.with_tlvs or load.under_way or not load.open):
            return bool(load.open)
        try:
            load.bodies = bodies(load.parcel, place.bound, place.with_tlvs)
        except Exception:  # whatever is wrong with it would be so the next time, and hold up all behind it
            load.bodies = ()
            _log.exception("a delivery could not be written", extra=self._facts(load))
        load.with_tlvs = place.with_tlvs
        load.open = list(range(len(load.bodies)))
        if not load.bodies:
            self._drop(load)
        return bool(load.open)

    def _send(self, load: Load, unsent: Sequence[int], place: Place) -> bool:
        """Whether all of it went; otherwise this bind takes no more now."""
        bound = place.bound
        if load.with_tlvs is not place.with_tlvs:
            if not self._prepared(load, place):
                return True
            unsent = load.unsent
        taken = unsent[: place.room]
        for part in taken:
            try:
                bound.deliver(DELIVER_SM, load.bodies[part], (load, part))
            except CodecError:  # it is closing, or of 3.3 while another has parts of a text that came for 3.4
                return False
            load.under_way.add(part)
            place.room -= 1
            self._in_flight[bound] = self._in_flight.get(bound, 0) + 1
        return len(taken) == len(unsent)

    # What comes back.

    def replied(self, bound: Bound, replies: Sequence[Reply]) -> None:
        """Answers of one bind, in order."""
        over: list[int] = []
        refused = unanswered = 0
        for reply in replies:
            load, part = reply.token
            if not reply.late:
                self._in_flight[bound] = self._in_flight.get(bound, 1) - 1
                load.under_way.discard(part)
            if reply.status == Status.ESME_ROK:
                self._silent.discard(bound)
                self._taken(load, part, over)
            elif reply.late:
                continue
            elif reply.status is None:
                unanswered += 1
                self._silent.add(bound)
                worsen(load, LATER, 0)
            else:
                refused += 1
                self._silent.discard(bound)
                self._refused(load, reply.status)
            if load.worst and not load.under_way:
                self._settle(load)
        self._count(delivered=len(over), refused=refused, unanswered=unanswered)
        self._finish(over)
        self.pump()

    def lost(self, bound: Bound, tokens: Sequence[tuple[Load, int]]) -> None:
        """A bind is gone with these requests, oldest first: it may or may not have them."""
        self._in_flight.pop(bound, None)
        self._silent.discard(bound)
        for load, part in reversed(tokens):
            load.under_way.discard(part)
            worsen(load, LOST, 0)
            if not load.under_way:
                self._settle(load)
        self._count(unanswered=len(tokens))

    def _taken(self, load: Load, part: int, over: list[int]) -> None:
        if part not in load.open:
            return  # it came late, and was asked again meanwhile
        load.open.remove(part)
        self._rests = 0
        if not load.open:
            over.append(load.parcel.position)

    def _refused(self, load: Load, status: int) -> None:
        if status not in NOT_NOW:
            worsen(load, REFUSED, status)
            return
        worsen(load, LATER, status)
        now = self._hooks.now_us()
        if status in SLOWER and now >= self._rest_until:
            self._rest_until = now + min(_REST_MAX_S, 1 << self._rests) * _SECOND_US
            self._rests = min(self._rests + 1, 5)

    def _settle(self, load: Load) -> None:
        """Everything of a load that was under way came back, and not all of it well."""
        worst, load.worst = load.worst, WELL
        if load.is_over:
            return
        position = load.parcel.position
        trouble = self._troubles.setdefault(position, Trouble())
        trouble.tries += 1
        if len(self._troubles) > _TROUBLES_MAX:
            del self._troubles[next(iter(self._troubles))]
        if worst == LOST:
            trouble.lost += 1
            if trouble.lost <= _LOST_MAX:
                self._put(load, first=True)
                return
        elif worst == REFUSED:
            trouble.refusals += 1
            if trouble.refusals >= REFUSALS_MAX:
                self._drop(load)
                return
        self._set_aside(load, trouble)

    def _put(self, load: Load, *, first: bool = False) -> None:
        if not load.is_ready and not load.is_over:
            load.is_ready = True
            (self._ready.appendleft if first else self._ready.append)(load)

    def _set_aside(self, load: Load, trouble: Trouble) -> None:
        if load.is_ready:
            load.is_ready = False
            self._ready.remove(load)
        wait_us = min(_WAIT_MAX_S, 1 << min(trouble.tries - 1, 10)) * _SECOND_US
        heapq.heappush(self._later, (self._hooks.now_us() + wait_us, load.parcel.position, load))

    def _drop(self, load: Load) -> None:
        load.bodies, load.open = (b"",), []
        _log.warning("a delivery is dropped", extra=self._facts(load))
        self._count(dropped=1)
        self._finish([load.parcel.position])

    def _finish(self, positions: Sequence[int]) -> None:
        if not positions:
            return
        self._held.difference_update(positions)
        self._unsaved.update(positions)
        if self._troubles:
            for position in positions:
                self._troubles.pop(position, None)
        self._hooks.over(self, positions)

    def _count(self, **counts: int) -> None:
        for result, count in counts.items():
            if count:
                self._metrics.smpp_deliveries.labels(result).inc(count)

    def _facts(self, load: Load) -> dict[str, str]:
        return {
            "credential_id": self.credential_id,
            "message_id": load.parcel.message_id,
            "kind": load.parcel.kind,
            "status": status_name(load.status) if load.status else "",
        }
