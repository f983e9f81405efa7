"""What the journey asks of a carrier and what a carrier tells the journey. All of it goes in lists."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from whimbrel.domain.carrier_kinds import AnySettings
from whimbrel.domain.dialect import IdBase
from whimbrel.domain.model import Carrier
from whimbrel.domain.wire import Wire
from whimbrel.net.smpp import SmppLink


class Part(msgspec.Struct, frozen=True, gc=False):
    """One segment to submit: its attempt is committed, its octets are built. How it stands on the wire is for the
    carrier to know."""

    attempt: int
    message_id: str
    source: str  # sender as the account wrote it
    destination: str  # E.164 with plus
    octets: bytes  # user data without any header: GSM-7 unpacked, UCS-2, or binary
    encoding: str  # gsm7, ucs2, binary
    expires_at: int  # UTC microseconds: checked right before the write, and sent as validity_period
    part: int
    parts: int
    tail_hash: int
    priority: int
    reference: int = 0  # 16 bits: names the long message that it is a part of
    wide: bool = False  # cut for a 16-bit reference
    header: bytes = b""  # information elements for every part beside the place of the part, without a length octet
    wire: Wire | None = None  # what its sender wants beyond that
    throttled: int = 0  # how often the carrier has told it to wait
    media: tuple[str, ...] = ()  # URLs of what goes with the text, where the carrier takes it


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What became of one part. `kind` as in the store's Answer, and `expired` when its time had passed before the
    write (no byte of it left)."""

    part: Part
    kind: str
    bind: str
    carrier_message_id: str | None = None
    status_code: int | None = None
    reason: str | None = None


class Report(msgspec.Struct, frozen=True, gc=False):
    """A delivery receipt as it came: candidate ids (best first), the carrier's words, the addresses in it."""

    message_ids: tuple[str, ...]
    state: str  # DELIVERED, UNDELIVERABLE, EXPIRED, …: the names of SMPP 3.4 5.2.28
    stat: str
    error: str | None
    addresses: tuple[str, ...]
    reason: str | None = None  # what the carrier's own table says of the error: a code of the catalogue
    base: IdBase = "auto"  # how the carrier writes its ids
    one_for_all: bool = False  # of a long text the carrier is asked about one part only


class Question(msgspec.Struct, frozen=True, gc=False):
    """A message to ask the carrier about: its id there, and the addresses as accounts write them."""

    carrier_message_id: str
    sender: str
    recipient: str


class Inbound(msgspec.Struct, frozen=True, gc=False):
    """An inbound short message, or one part of a long one."""

    source: str
    destination: str
    octets: bytes  # without UDH
    data_coding: int  # by which the octets can be read without knowing the carrier
    reference: int
    total: int
    number: int
    session: str
    encoding: str = "gsm7"  # as it came: gsm7 (or another alphabet of eight bits), ucs2, binary
    wire: Wire | None = None  # optional parameters and header elements that came with it
    carrier_message_id: str = ""  # by which a redelivery is known, where the carrier gives one
    media: tuple[tuple[str, str], ...] = ()  # that came with it and are kept: id and content type
    links: tuple[str, ...] = ()  # where those are that are not kept: the end of the text, and no word of the phone's


class BindHealth(msgspec.Struct, frozen=True, gc=False):
    """One connection of a carrier as an operator wants to see it; a pair has two, each with its own."""

    name: str
    role: str  # transceiver, transmitter, receiver; http: the requests of a carrier over HTTP
    host: str  # host:port that it is with, or tries next
    state: str  # up; connecting: connected and not bound yet; waiting: for its next try, or for the carrier's outbind
    last_error: str | None  # None while it is up; over HTTP also what it says against our account there
    since: int
    peer_version: str | None  # what the carrier says of its SMPP; None when it says nothing
    in_flight: int


class Health(msgspec.Struct, frozen=True, gc=False):
    """A carrier as an operator wants to see it."""

    state: str  # up, connecting, down, paused
    binds_up: int
    binds: int
    in_flight: int
    waiting: int
    set_aside: int  # of these: told to wait time and again, and tried again at growing intervals
    throttled: int  # how often the carrier told us to wait, since its binds were made
    window: int
    throughput_per_s: float  # what the bind grants itself now; 0: unlimited
    last_error: str | None
    since: int
    stalled_s: float = 0.0  # for how long a full window has not moved while parts wait
    ignored: int = 0  # requests of the carrier that nothing here waits for, as alert_notification
    connections: tuple[BindHealth, ...] = ()


class NotNow(Exception):
    """Some of the texts of a list could not be stored; the others are."""

    def __init__(self, texts: Sequence[Inbound]) -> None:
        super().__init__(f"{len(texts)} texts cannot be stored now")
        self.texts = texts


class Handlers(msgspec.Struct, frozen=True):
    """Where a carrier hands things in. `reports` and `inbound` are awaited: the carrier acknowledges to its peer only
    when they came back, and answers "try again" (ESME_RX_T_APPN) when they raised; to those texts only that NotNow
    names."""

    replies: Callable[[Sequence[Reply]], None]
    reports: Callable[[Sequence[Report]], Awaitable[None]]
    inbound: Callable[[Sequence[Inbound]], Awaitable[None]]
    room: Callable[[], None]  # called when places became free, or the state changed
    may_submit: Callable[[], bool] = lambda: True  # asked right before parts are written; False: they are given back


class CarrierLink(Protocol):
    """A running carrier."""

    carrier: Carrier

    @property
    def settings(self) -> AnySettings: ...

    def start(self) -> None: ...

    def room(self, priority: int) -> int:
        """How many segments of a class may be claimed now: free window places and the quarter ahead; 0 while it is
        down."""
        ...

    def submit(self, parts: Sequence[Part]) -> None:
        """Take parts, in order within a class. Each is answered exactly once through `Handlers.replies`."""
        ...

    def unsent(self) -> frozenset[str]:
        """Ids of messages with parts that wait for their place in a window, or for the rate."""
        ...

    def health(self) -> Health: ...

    def adopt(self, link: SmppLink) -> bool:
        """Bind over a connection that the carrier opened (outbind); False when it waits for none."""
        ...

    async def query(self, questions: Sequence[Question]) -> list[Report]:
        """What the carrier says of these messages when it is asked; nothing of those that it says nothing of."""
        ...

    async def stop(self, deadline_s: float) -> None:
        """Give unsent parts back (`withdrawn`), wait for answers under way, unbind."""
        ...
