"""What the product asks of its store. Hot verbs take many rows and cost one commit (shared with whatever else waits:
group commit); every value is plain data, so that a verb can cross a process border.

A returned awaitable means durable: when `await` comes back, the rows survive `kill -9` and power loss.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from whimbrel.domain.events import Interest
from whimbrel.domain.model import Event, Message
from whimbrel.domain.wire import Wire

Row = TypeVar("Row")


class Write(msgspec.Struct, frozen=True, gc=False):
    """A further write for the same commit: a statement of `sql/` by name and its parameter rows."""

    statement: str
    rows: tuple[tuple[Any, ...], ...]


# ---------------------------------------------------------------- accept


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What the caller was told of one message: enough, with the request, to give the same answer again."""

    id: str | None = None
    code: str | None = None  # of the catalogue, when refused
    detail: str = ""
    pointer: str = ""
    state: str = ""
    route_id: str | None = None
    sender: str = ""
    encoding: str = ""
    segments: int = 0
    price_micros: int = 0
    currency: str = ""
    created_at: int = 0
    due_at: int = 0
    expires_at: int = 0
    replaced: tuple[tuple[int, str, str], ...] = ()


class Idempotency(msgspec.Struct, frozen=True, gc=False):
    """The claim of a key by a request: scope (account, door, key), fingerprint of the canonical body."""

    account_id: str
    door: str
    key: str
    fingerprint: bytes
    chunk: int  # 0-based; a large batch commits in chunks
    chunks: int
    created_at: int
    verdicts: tuple[Verdict, ...]  # of this chunk, in the request's order


class Submission(msgspec.Struct, frozen=True, gc=False):
    """Messages of one request (or one chunk of it), ready to store: accepted, priced, routed."""

    messages: tuple[Message, ...]
    idempotency: Idempotency | None = None
    also: tuple[Write, ...] = ()
    claims: tuple["Claim", ...] = ()  # of those among the messages that need not wait in the queue


class Stored(msgspec.Struct, frozen=True, gc=False):
    """What became of a submission: ids that the balance did not cover (not stored), or that its key was already
    taken by another request since we looked (nothing stored; look again). `attempts`: their numbers, one a part, for
    each message that was claimed."""

    uncovered: tuple[str, ...] = ()
    key_taken: bool = False
    attempts: dict[str, tuple[int, ...]] = {}


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A stored idempotency chunk."""

    fingerprint: bytes
    chunk: int
    chunks: int
    verdicts: bytes  # JSON of a list of Verdict


# ---------------------------------------------------------------- lists


class Search(msgspec.Struct, frozen=True, gc=False):
    """Which messages of an account are asked for; what is None or empty does not matter. Newest first."""

    account_id: str
    test: bool
    direction: str | None = None
    states: tuple[str, ...] = ()
    number_hash: int | None = None  # of the recipient or the sender; texts are found a second or two after they came
    recipient_hash: int | None = None  # narrows `number_hash` to one side
    sender: str | None = None
    message_class: str | None = None
    carrier_id: str | None = None
    tag: str | None = None
    created_from: int | None = None  # inclusive, microseconds
    created_to: int | None = None  # exclusive
    before_id: str | None = None  # the last id of the page before


# ---------------------------------------------------------------- worker


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """A queued message with what a worker needs to decide and to build its parts."""

    id: str
    account_id: str
    recipient: str
    sender: str
    text: str
    encoding: str
    segments: int
    priority: int
    rank: int
    expires_at: int
    flags: int
    recipient_hash: int
    options: str


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One message taken from the queue, or past it: its attempts (one a part) are committed, its state becomes
    `sending`."""

    message_id: str
    carrier_id: str
    parts: int
    tail_hash: int  # keyed hash of the recipient's last eight digits: how a receipt finds an attempt in doubt
    at: int


class Ending(msgspec.Struct, frozen=True, gc=False):
    """A message that ends without (further) submission. Applied only while its state is one of `states`; deletes its
    queue, schedule and deadline rows; releases (or, with `charge`, charges) what is still held."""

    message_id: str
    states: tuple[str, ...]
    new_state: str
    reason: str | None
    at: int
    charge: bool = False
    account_id: str | None = None  # when given, a message of another account is left alone


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What the carrier said to one attempt, or that it said nothing.

    kind: `accepted`; `refused` (final); `refused_now` (try the next carrier); `in_doubt`; `withdrawn` (no byte of it
    left: the message goes back to its place in the queue)."""

    attempt: int
    message_id: str
    carrier_id: str
    kind: str
    at: int
    bind: str = ""
    carrier_message_id: str | None = None
    carrier_key: str | None = None
    status_code: int | None = None
    reason: str | None = None
    throttled: int = 0
    tail_hash: int = 0
    parts: int = 0  # segments of its message; 0: not known


class ReceiptRow(msgspec.Struct, frozen=True, gc=False):
    """One delivery receipt, decoded. `keys` are the normalised ids that it may mean, best first."""

    carrier_id: str
    keys: tuple[str, ...]
    state: str  # delivered, undelivered, expired (final) or another word (intermediate)
    final: bool
    reason: str | None  # a code of the catalogue when it was not delivered
    stat: str  # the carrier's own word
    error: str | None  # the carrier's own error
    tail_hashes: tuple[int, ...]  # of the addresses in it, the likelier first
    at: int
    one_for_all: bool = False  # the carrier was asked about one part of a long message: it speaks for all of them


class InboundRow(msgspec.Struct, frozen=True, gc=False):
    """One inbound short message, or one part of a long one. `text` is what its octets say alone; a long text is decoded
    from the octets of all its parts. Ids are made by the caller."""

    message_id: str  # for the message that it becomes or completes
    carrier_id: str
    session: str  # which connection brought it: the same octets on another one soon after are a redelivery
    fingerprint: int  # keyed hash of addresses and octets
    account_id: str | None  # owner of the number; None: nobody's
    test: bool
    source: str
    destination: str
    source_hash: int
    destination_hash: int
    text: str
    encoding: str
    at: int
    reference: int = 0
    total: int = 1
    number: int = 1
    opt_out_id: str = ""
    masked: str = ""
    octets: bytes | None = None  # without header; None only in parts that 0.1.0 stored
    data_coding: int = 0
    wire: Wire | None = None  # what came with it and is not in its text


class Owed(msgspec.Struct, frozen=True, gc=False):
    """An attempt whose outcome is not recorded (found at start) or a deadline that has passed."""

    attempt: int
    message_id: str
    carrier_id: str
    tail_hash: int


class Due(msgspec.Struct, frozen=True, gc=False):
    """A scheduled message that fell due, with its route and price as of now."""

    message_id: str
    candidates: str
    route_id: str | None
    price_micros: int
    rank: int
    at: int


# ---------------------------------------------------------------- notify


class Try(msgspec.Struct, frozen=True, gc=False):
    """One POST of one event to one URL, and what came back."""

    delivery_id: str | None  # None: a first try straight from the log
    webhook_id: str | None  # None: the message's own callback_url
    account_id: str
    event_position: int
    event_id: str
    event_type: str
    number: int  # 1-based
    at: int
    latency_ms: int
    status: int | None
    error: str | None
    answer: str  # first characters of the body
    ok: bool


class Wait(msgspec.Struct, frozen=True, gc=False):
    """An event that waits for another try (or is dead: `next_at` None). Replaces the row of the same id."""

    id: str
    webhook_id: str | None
    account_id: str
    event_position: int
    event_id: str
    event_type: str
    url: str
    format: str
    tries: int
    next_at: int | None
    created_at: int
    last_error: str


class Deliveries(msgspec.Struct, frozen=True, gc=False):
    """A batch of results of webhook tries, for one commit."""

    tries: tuple[Try, ...] = ()
    waits: tuple[Wait, ...] = ()
    done: tuple[str, ...] = ()  # ids of waiting rows that were delivered
    cursors: tuple[tuple[str, int], ...] = ()  # follower name (a webhook's id, or a name) and position
    also: tuple[Write, ...] = ()


class News(msgspec.Struct, frozen=True, gc=False):
    """Events that somebody wants, in commit order, and the messages that they are about (those that still exist).
    `position`: the log was looked through up to here; `more`: it goes on."""

    events: list[Event]
    messages: list[Message]
    position: int
    more: bool


class EventsPart(msgspec.Struct, frozen=True, gc=False):
    """An account's events in a stretch of the log, oldest first. `reached`: where to go on; there is nothing more when
    that is where the read began."""

    events: list[Event]
    reached: int


class Store(Protocol):
    """The store. `fetch` and `write` serve the control plane by statement name; the rest are the hot verbs."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def ping(self) -> None: ...

    async def fetch(self, row: Callable[..., Row], statement: str, *params: Any) -> list[Row]:
        """Rows of a named read, each as `row(*columns)`; fields of a struct that are booleans
        or tuples are converted (from 0 and 1, from JSON)."""
        ...

    async def write(self, writes: Sequence[Write]) -> list[int]:
        """Named writes in one commit; the number of rows that each changed."""
        ...

    # the journey
    async def accept(self, submissions: Sequence[Submission]) -> list[Stored]: ...
    async def kept(self, account_id: str, door: str, key: str) -> list[Kept]: ...
    async def waiting(self, lane: str, limit: int) -> list[Waiting]:
        """The head of a lane, in order."""
        ...

    async def queued(self, lane: str, limit: int) -> list[str]:
        """Ids of the same."""
        ...

    async def waiting_of(self, ids: Sequence[str]) -> list[Waiting]:
        """Those of these messages that exist, in no particular order."""
        ...

    async def claim(self, claims: Sequence[Claim]) -> list[tuple[int, ...]]:
        """Attempt numbers for each claim, one a part; empty where the message is no longer queued."""
        ...

    async def finish(self, endings: Sequence[Ending]) -> list[bool]:
        """Whether each ending was applied."""
        ...

    async def redact(self, message_ids: Sequence[str], at: int) -> None:
        """Erase text, recipient, sender, metadata and callback of these messages; flag them; event message.redacted."""
        ...

    async def delete_messages(self, message_ids: Sequence[str]) -> None:
        """Remove messages with their attempts, events and number look-ups. The ledger stays."""
        ...

    async def record_answers(self, answers: Sequence[Answer]) -> None: ...
    async def record_receipts(self, receipts: Sequence[ReceiptRow]) -> list[str]:
        """For each: `applied`, `repeated`, `parked`."""
        ...

    async def record_inbound(self, rows: Sequence[InboundRow]) -> list[str]:
        """For each: `stored`, `waiting` (for other parts), `repeated`, `nobody`."""
        ...

    # sweep
    async def due(self, now: int, limit: int) -> list[Message]: ...
    async def enqueue(self, due: Sequence[Due]) -> None:
        """Scheduled messages whose time came go to the queue; queued ones (their carrier is gone) change lane."""
        ...

    async def expired(self, now: int, limit: int) -> list[str]: ...
    async def unanswered(self) -> list[Owed]: ...
    async def overdue(self, now: int, limit: int) -> list[Message]:
        """Messages whose deadline row has passed: in doubt, or sent without a receipt."""
        ...

    async def flush_parts(self, now: int) -> int:
        """Deliver long inbound texts whose missing parts did not come by `now`; how many."""
        ...

    async def purge(self, before_us: dict[str, int], limit: int) -> int:
        """Retention: delete rows older than the time given for each kind (messages, events, dead, idempotency, owed,
        parked, seen, tries); how many."""
        ...

    # notify
    async def news(
        self, position: int, limit: int, interests: Sequence[Interest], *, callbacks_only: bool = False
    ) -> News:
        """What is new after a position of what anybody is interested in, at most `limit` events."""
        ...

    async def events_after(self, position: int, limit: int, *, callbacks_only: bool = False) -> list[Event]: ...
    async def account_events(self, interest: Interest, position: int, limit: int) -> EventsPart:
        """The next events of one account in one mode. One read looks through so many of all accounts' events and no
        more, so that a quiet account's is as quick: fewer than `limit`, or none, may come although more follow."""
        ...

    async def last_position(self) -> int: ...
    async def messages(self, ids: Sequence[str]) -> list[Message]:
        """Those that exist, in no particular order."""
        ...

    async def search(self, search: Search, limit: int) -> list[Message]:
        """A page of messages, newest first."""
        ...

    async def record_deliveries(self, batch: Deliveries) -> None: ...
