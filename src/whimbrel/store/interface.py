"""What the product asks of its store. Hot verbs take many rows and cost one commit (shared with whatever else waits:
group commit); every value is plain data, so that a verb can cross a process border.

A returned awaitable means durable: when `await` comes back, the rows survive `kill -9` and power loss.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from whimbrel.domain.contacts import ContactWrite
from whimbrel.domain.events import Interest
from whimbrel.domain.frequency import Send
from whimbrel.domain.model import Event, Message
from whimbrel.store.campaigns import CampaignRows
from whimbrel.store.contacts import ContactRows, ContactScope
from whimbrel.store.links import LinkRows
from whimbrel.store.media import MediaRows
from whimbrel.store.migrations import Dialect, SchemaStatus
from whimbrel.store.news import Deliveries, EventsPart, News, Try, Wait
from whimbrel.store.signals import Signals
from whimbrel.store.standings import LaneStatus, Lease, Node
from whimbrel.store.values import (
    FRONT,
    Answer,
    Basis,
    Claim,
    ContactTurn,
    Counted,
    Due,
    Ending,
    Idempotency,
    InboundRow,
    Kept,
    Moved,
    OptOutChanges,
    Owed,
    PutOff,
    Ranks,
    ReceiptRow,
    RunChange,
    Search,
    Stored,
    Stretch,
    Submission,
    Turn,
    Verdict,
    Waiting,
    Write,
)

__all__ = [
    "FRONT",
    "Answer",
    "Basis",
    "Claim",
    "ContactTurn",
    "Counted",
    "Deliveries",
    "Due",
    "Ending",
    "EventsPart",
    "Idempotency",
    "InboundRow",
    "Kept",
    "LaneStatus",
    "Lease",
    "Moved",
    "News",
    "Node",
    "OptOutChanges",
    "Owed",
    "PutOff",
    "Ranks",
    "ReceiptRow",
    "RunChange",
    "Search",
    "Store",
    "Stored",
    "Stretch",
    "Submission",
    "Try",
    "Turn",
    "Verdict",
    "Wait",
    "Waiting",
    "Write",
]

Row = TypeVar("Row")


class Store(Protocol):
    """The store. `fetch` and `write` serve the control plane by statement name; the rest are the hot verbs."""

    @property
    def signals(self) -> Signals:
        """To and from the other processes that share the database; they start and stop with the store."""
        ...

    @property
    def contacts(self) -> ContactRows:
        """People whom accounts know."""
        ...

    @property
    def campaigns(self) -> CampaignRows:
        """What of campaigns changes with their messages."""
        ...

    @property
    def links(self) -> LinkRows:
        """Short links, looked up and counted."""
        ...

    @property
    def media(self) -> MediaRows:
        """Files that are sent in messages."""
        ...

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def ping(self) -> None: ...
    async def schema(self) -> tuple[Dialect, SchemaStatus]:
        """Which database it is, and where its schema stands."""
        ...

    async def fetch(self, row: Callable[..., Row], statement: str, *params: Any) -> list[Row]:
        """Rows of a named read, each as `row(*columns)`; fields of a struct that are booleans
        or tuples are converted (from 0 and 1, from JSON)."""
        ...

    async def report(self, account_id: str | None, row: Callable[..., Row], statement: str, *params: Any) -> list[Row]:
        """`fetch` for lists that people look at: it may see what was true a moment ago, and with an account no rows of
        any other."""
        ...

    async def write(self, writes: Sequence[Write]) -> list[int]:
        """Named writes in one commit; the number of rows that each changed."""
        ...

    async def unless_alone(self, user_id: str, account_id: str, role: str, writes: Sequence[Write]) -> bool:
        """Named writes in one commit, unless this person is the only one of the role in the account ('' is the
        operator) who is not disabled: then nothing, and False. Nobody else changes those people meanwhile."""
        ...

    async def turn(self, only: Write, also: Sequence[Write], further: Sequence[Write] = ()) -> bool:
        """Named writes in one commit, where the one row of `only` and each one of `further` change one; else False, and
        no more than conditions before the first that did not hold."""
        ...

    # the journey
    async def accept(self, submissions: Sequence[Submission], basis: Basis | None = None) -> list[Stored]:
        """Nothing is stored when the configuration that they were planned with has changed (None: not looked at);
        somebody else's opt-out is no change."""
        ...

    async def kept(self, account_id: str, door: str, key: str) -> list[Kept]: ...
    async def waiting(self, lane: str, limit: int, ranks: Ranks = FRONT) -> list[Waiting]:
        """The head of a lane, in order; what has a smaller rank than that of its priority is left out."""
        ...

    async def queued(self, lane: str, limit: int, ranks: Ranks = FRONT) -> list[str]:
        """Ids of the same."""
        ...

    async def waiting_of(self, ids: Sequence[str]) -> list[Waiting]:
        """Those of these messages that exist, in no particular order."""
        ...

    async def claim(
        self, claims: Sequence[Claim], basis: Basis | None = None, recipients: Sequence[tuple[str, int]] = ()
    ) -> list[tuple[int, ...]] | None:
        """Attempt numbers for each claim, one a part; empty where the message is no longer queued. None, and nothing is
        claimed, when the configuration that they were decided with has changed; `recipients`: accounts and keyed
        hashes of numbers."""
        ...

    async def claim_in_turn(
        self,
        in_turn: Sequence[tuple[Turn, Sequence[Claim]]],
        basis: Basis | None = None,
        recipients: Sequence[tuple[str, int]] = (),
    ) -> list[list[tuple[int, ...]] | None] | None:
        """`claim` for each number whose turn it is; None for one whose turn it is not, or whose day is used up."""
        ...

    async def finish(self, endings: Sequence[Ending]) -> list[bool]:
        """Whether each ending was applied."""
        ...

    async def redact(self, message_ids: Sequence[str], at: int, *, everything: bool = False) -> None:
        """Erase text, recipient, sender, metadata and callback of these messages; flag them; event message.redacted.
        `everything`: with media that the account brought by itself and that no other message has."""
        ...

    async def delete_messages(self, message_ids: Sequence[str]) -> None:
        """Remove messages with their attempts, events and number look-ups. The ledger stays."""
        ...

    async def record_answers(self, answers: Sequence[Answer]) -> list[str]:
        """Ids of messages that are queued for the carrier which has just refused them, to be put off."""
        ...

    async def record_receipts(self, receipts: Sequence[ReceiptRow]) -> list[str]:
        """For each: `applied`, `repeated`, `parked`."""
        ...

    async def record_known_receipts(self, receipts: Sequence[ReceiptRow]) -> list[str]:
        """The same for receipts that are kept elsewhere: what would be parked is left alone."""
        ...

    async def record_inbound(self, rows: Sequence[InboundRow]) -> list[str]:
        """For each: `stored`, `waiting` (for other parts), `repeated`, `nobody`."""
        ...

    # nodes
    async def join(self, node: Node) -> None:
        """A process begins."""
        ...

    async def beat(self, node_id: str, *, alive_until: int, draining: bool) -> bool:
        """Whether the node is alive until the given time; False: it was taken for dead."""
        ...

    async def leave(self, node_id: str) -> None:
        """A process ends; what it held is free at once."""
        ...

    async def take_leases(self, names: Sequence[str], node_id: str, now: int) -> dict[str, int]:
        """Those that were free, or whose node is gone, and that this node has now: each with its fence."""
        ...

    async def release_leases(self, names: Sequence[str], node_id: str) -> None:
        """This node does it no more."""
        ...

    async def take_seat(self, credential_id: str, node_id: str, own: int, binds_max: int) -> bool:
        """Whether this node may have so many binds of a credential, beside those that other nodes have."""
        ...

    async def stand_alone(self) -> None:
        """All other processes of this database are gone."""
        ...

    # what may not be sent just now
    async def put_off(self, items: Sequence[PutOff]) -> int:
        """Queued messages are due at another time; how many there were."""
        ...

    async def move_counted(self, moves: Sequence[Moved]) -> None:
        """Messages that count among those of a person are sent at another moment than they were counted at."""
        ...

    async def counted(
        self, keys: Collection[tuple[str, int, int]]
    ) -> dict[tuple[str, int, int], tuple[int, list[Send]]]:
        """What is counted of people (account, test or live, keyed hash of the number): a version, and the messages."""
        ...

    # configuration
    async def versions(self) -> Mapping[str, int]:
        """How often each kind has changed."""
        ...

    async def opt_out_changes(self, after: int | None) -> OptOutChanges:
        """What changed after a position; None: only where they stand now."""
        ...

    # sweep
    async def due(self, now: int, limit: int, after: int = 0) -> list[Message]:
        """Scheduled messages whose time came after `after` and by `now`."""
        ...

    async def enqueue(self, due: Sequence[Due]) -> None:
        """Scheduled messages whose time came go to the queue; queued ones (their carrier is gone) change lane."""
        ...

    async def expired(self, now: int, limit: int, after: int = 0) -> list[str]:
        """Queued messages whose validity ended after `after` and by `now`."""
        ...

    async def unanswered(self, carrier_id: str | None = None) -> list[Owed]:
        """Attempts that were committed and have no answer: of one carrier, or of all."""
        ...

    async def overdue(self, now: int, limit: int, after: int = 0) -> list[Message]:
        """Messages whose deadline row has passed, after `after`: in doubt, or sent without a receipt."""
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
    async def advance(self, name: str, start: int, end: int, also: Sequence[Write]) -> bool:
        """Move a follower's cursor in the commit of what it made of the log so far. False, and nothing is written, when
        it does not stand at `start`: another process follows by now."""
        ...

    # flows
    async def advance_flow_runs(self, changes: Sequence[RunChange]) -> list[bool]:
        """Whether each was written: those whose run was still at its turn."""
        ...

    async def advance_flow_run_with_contact(
        self, change: RunChange, scope: ContactScope, wanted: ContactWrite
    ) -> ContactTurn:
        """A turn in one commit with what it makes of the contact of a number."""
        ...
