"""The simulator's own append-only log, one JSON object a line: the oracle of the fault tests.

Apart because tests read it without the simulator (`read_log`), and because it must stay cheap: events are collected
and written at most every 50 ms and at the end. Events are numbered in their order; the latest stay in memory for
the HTTP control. A message was accepted exactly if its `submit` line has a message id: what the client saw of the
response is told by the `response` line, or by its absence.
"""

import asyncio
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

FLUSH_S = 0.05
KEPT = 10_000  # events kept in memory beside a file, which has them all
KEPT_WITHOUT_FILE = 200_000  # 50,000 messages with receipts: about 80 MB


class Bound(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="bind"):
    """A bind request and its answer; `bind` numbers the connections from 1."""

    at_us: int
    bind: int
    system_id: str
    role: str
    status: int = 0


class Unbound(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="unbind"):
    """The end of a connection: `unbind` by the client, `dropped` by us, or `lost`."""

    at_us: int
    bind: int
    system_id: str
    reason: str


class Submitted(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="submit"):
    """One submit_sm, or request to the provider over HTTP, as it came: `octets` is the short_message (or
    message_payload) in hex with its header, `tlvs` the other TLVs in hex by their tags (`0x1400`)."""

    at_us: int
    bind: int
    seq: int
    system_id: str
    source: str
    dest: str
    outcome: str
    octets: str
    text: str
    message_id: str = ""
    status: int = 0
    esm_class: int = 0
    data_coding: int = 0
    registered: int = 0
    tlvs: dict[str, str] = {}
    reference: str = ""  # over HTTP: what the client names it by
    media: tuple[str, ...] = ()  # over HTTP: the addresses of what goes with the text

    @property
    def accepted(self) -> bool:
        """Whether the SMSC took the message, whatever the client saw of it."""
        return bool(self.message_id)


class Responded(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="response"):
    """A submit_sm_resp (or what stood in its place: `reply`) handed to the socket."""

    at_us: int
    bind: int
    seq: int
    message_id: str = ""
    status: int = 0
    reply: str = "response"


class ReceiptSent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="receipt"):
    """A receipt handed to the socket; `message_id` is that of the response, `tries` counts redelivery from 1."""

    at_us: int
    bind: int
    seq: int
    message_id: str
    stat: str
    err: str = "000"
    tries: int = 1


class ReceiptAnswered(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="receipt_answer"):
    """The client's deliver_sm_resp to a receipt."""

    at_us: int
    bind: int
    seq: int
    message_id: str
    status: int = 0


class InboundSent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="inbound"):
    """One part of a phone's text handed to the socket."""

    at_us: int
    bind: int
    seq: int
    text_id: str
    source: str
    dest: str
    octets: str
    text: str
    data_coding: int = 0
    part: int = 1
    parts: int = 1
    tries: int = 1


class InboundAnswered(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="inbound_answer"):
    """The client's deliver_sm_resp to a part of a phone's text."""

    at_us: int
    bind: int
    seq: int
    text_id: str
    part: int = 1
    status: int = 0


class Malformed(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="malformed"):
    """Octets that were no PDU of ours; when not `in_step` the connection was closed."""

    at_us: int
    bind: int
    seq: int
    status: int
    in_step: bool
    reason: str


Event = (
    Malformed | Bound | Unbound | Submitted | Responded | ReceiptSent | ReceiptAnswered | InboundSent | InboundAnswered
)

_decoder = msgspec.json.Decoder(Event)


class EventLog:
    """Collects events, writes them to a file when given one, and keeps the latest for reading."""

    def __init__(self, path: str | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._file = -1 if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._encoder = msgspec.json.Encoder()
        self._recent: list[Event] = []
        self._first = 0
        self._written = 0
        self._kept = KEPT_WITHOUT_FILE if path is None else KEPT
        self._timer: asyncio.TimerHandle | None = None

    @property
    def count(self) -> int:
        """How many events there were since the start."""
        return self._first + len(self._recent)

    def add(self, event: Event) -> None:
        """Keep an event, and see that it is written within `FLUSH_S`."""
        self._recent.append(event)
        if self._timer is None:
            self._timer = self._loop.call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what was collected; forget the oldest when there are too many."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        fresh = self._recent[self._written - self._first :]
        if fresh and self._file >= 0:
            _write_all(self._file, self._encoder.encode_lines(fresh))
        self._written = self.count
        if len(self._recent) > 2 * self._kept:
            excess = len(self._recent) - self._kept
            del self._recent[:excess]
            self._first += excess

    def after(self, number: int, limit: int) -> tuple[int, list[Event]]:
        """Events from number `number` (0 is the first) on, as far as kept, and the number of the first of them."""
        start = min(max(number, self._first), self.count)
        return start, list(islice(self._recent, start - self._first, start - self._first + limit))

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _write_all(file: int, octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[os.write(file, view) :]


def read_log(path: str | Path) -> Iterator[Event]:
    """The events of a log in their order; a last line that is not whole yet is left out."""
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield _decoder.decode(line)
