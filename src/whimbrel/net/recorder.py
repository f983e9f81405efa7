"""What a bind says and hears, kept for a while as raw octets: the ground of a trace. Off unless an operator asks for
it; it then ends by itself, and what it kept goes an hour later.

Nothing is decoded here, so that a bind which is recorded runs as ever. Numbers, texts and passwords stand in the
octets: they stay in memory, and whoever reads shows them by `codec.smpp.describe`, which masks them.

A `Recorder` holds one subject (a carrier, a customer's credential) with all its connections. `Recorders` hands them to
the links of a subject, those that are up and those to come. Runs in the event loop's thread.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final, Literal, Protocol
from weakref import WeakSet

import msgspec

from whimbrel.base.limits import TRACE_KEPT_S, TRACE_OCTETS_MAX, TRACE_PDUS_MAX
from whimbrel.codec.smpp.pdu import MAX_PDU_OCTETS
from whimbrel.codec.smpp.tables import HEADER_OCTETS

_LENGTH_OCTETS: Final = 4
_LOST_OCTETS: Final = 64
"""Of a stream that is out of step: enough to see what it is instead."""

Direction = Literal["in", "out", "note"]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One PDU as it crossed the wire, or (direction `note`) what became of a connection. `number` grows by one with
    each entry of a recorder; `at` is in UTC microseconds."""

    number: int
    at: int
    connection: str
    direction: Direction
    octets: bytes = b""
    note: str = ""


class Recorder:
    """The last PDUs of one subject, at most `pdus_max` and `octets_max`; the oldest go first."""

    def __init__(
        self, now_us: Callable[[], int], *, pdus_max: int = TRACE_PDUS_MAX, octets_max: int = TRACE_OCTETS_MAX
    ) -> None:
        self._now_us = now_us
        self._pdus_max = pdus_max
        self._octets_max = octets_max
        self._entries: deque[Entry] = deque()
        self._octets = 0
        self._count = 0
        self._halves: dict[str, bytes] = {}

    def begin(self, connection: str, half: bytes = b"", note: str = "") -> None:
        """A connection is recorded from here on; `half` is what came of a PDU that is not whole yet."""
        self._halves[connection] = half
        if note:
            self._add(connection, "note", note=note)

    def came(self, connection: str, octets: bytes) -> None:
        """One read."""
        half = self._halves.get(connection, b"")
        self._halves[connection] = self._cut(connection, "in", half + octets if half else octets)

    def went(self, connection: str, octets: bytes) -> None:
        """One write: whole PDUs."""
        self._cut(connection, "out", octets)

    def end(self, connection: str, note: str) -> None:
        """The connection is gone."""
        if self._halves.pop(connection, None) is not None:
            self._add(connection, "note", note=note)

    def entries(self, after: int = 0, limit: int = TRACE_PDUS_MAX) -> list[Entry]:
        """The last `limit` entries whose number is above `after`, oldest first."""
        first = self._entries[0].number if self._entries else 0
        start = max(0, after + 1 - first, len(self._entries) - limit)
        return list(islice(self._entries, start, None))

    def _cut(self, connection: str, direction: Direction, octets: bytes) -> bytes:
        """Keep each whole PDU; what is left over."""
        pos = 0
        while len(octets) - pos >= _LENGTH_OCTETS:
            length = int.from_bytes(octets[pos : pos + _LENGTH_OCTETS], "big")
            if not HEADER_OCTETS <= length <= MAX_PDU_OCTETS:
                self._add(connection, direction, octets[pos : pos + _LOST_OCTETS], "out of step")
                return b""
            if pos + length > len(octets):
                break
            self._add(connection, direction, octets[pos : pos + length])
            pos += length
        return octets[pos:]

    def _add(self, connection: str, direction: Direction, octets: bytes = b"", note: str = "") -> None:
        self._count += 1
        self._entries.append(Entry(self._count, self._now_us(), connection, direction, octets, note))
        self._octets += len(octets)
        while len(self._entries) > self._pdus_max or self._octets > self._octets_max:
            self._octets -= len(self._entries.popleft().octets)


class Recorded(Protocol):
    """A link, as far as a recorder is concerned."""

    def record(self, recorder: Recorder | None) -> None: ...


class Trace(msgspec.Struct):
    """A recorder with its time. `until` is the end of the recording in UTC microseconds; `is_on` false afterwards."""

    recorder: Recorder
    until: int
    is_on: bool = True
    timer: asyncio.TimerHandle | None = None


class Recorders:
    """Who is recorded: one for each process. A subject is the id of a carrier or of a credential."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._traces: dict[str, Trace] = {}
        self._links: dict[str, WeakSet[Recorded]] = {}

    def attach(self, subject: str, link: Recorded) -> None:
        """A link of this subject has come up: it is recorded whenever the subject is. A link that is gone needs no
        word."""
        self._links.setdefault(subject, WeakSet()).add(link)
        trace = self._traces.get(subject)
        if trace is not None and trace.is_on:
            link.record(trace.recorder)

    def start(self, subject: str, seconds: float) -> Trace:
        """Record from now on, for `seconds`; what a running or earlier recording kept stays."""
        before = self._traces.get(subject)
        recorder = before.recorder if before is not None else Recorder(self._now_us)
        _cancel(before)
        trace = Trace(recorder, self._now_us() + int(seconds * 1_000_000))
        trace.timer = asyncio.get_running_loop().call_later(seconds, self.stop, subject)
        self._traces[subject] = trace
        self._tell(subject, recorder)
        return trace

    def stop(self, subject: str) -> None:
        """Record no more; what was kept can be read for `TRACE_KEPT_S`."""
        trace = self._traces.get(subject)
        if trace is None or not trace.is_on:
            return
        _cancel(trace)
        trace.is_on = False
        trace.until = min(trace.until, self._now_us())
        trace.timer = asyncio.get_running_loop().call_later(TRACE_KEPT_S, self.drop, subject)
        self._tell(subject, None)

    def drop(self, subject: str) -> None:
        """Stop, and forget what was kept."""
        _cancel(self._traces.pop(subject, None))
        self._tell(subject, None)

    def trace(self, subject: str) -> Trace | None:
        """The recording that runs, or the last one."""
        return self._traces.get(subject)

    def close(self) -> None:
        """Forget everything."""
        for subject in list(self._traces):
            self.drop(subject)

    def _tell(self, subject: str, recorder: Recorder | None) -> None:
        for link in list(self._links.get(subject, ())):
            link.record(recorder)


def _cancel(trace: Trace | None) -> None:
    if trace is not None and trace.timer is not None:
        trace.timer.cancel()
