"""What goes into the store and comes out of it, beside the structs of `domain.model`: plain data, so that a verb can
cross a process border. What nodes tell each other is in `standings`, what followers of the log are given in `news`.
"""

from typing import Any, Final, Literal, TypeAlias

import msgspec

from whimbrel.base.clock import SECOND_US
from whimbrel.base.ids import MESSAGE, floor_id
from whimbrel.domain.consent_books import Hearing
from whimbrel.domain.links import Link
from whimbrel.domain.media import MediaUse
from whimbrel.domain.model import Message
from whimbrel.domain.templates.use import MadeOf
from whimbrel.domain.wire import Wire

_LAST_US: Final = (1 << 48) * 1000 - 1  # the latest time that an id can hold
_SLACK_US: Final = SECOND_US  # an id is made a moment before or after `created_at`


class Write(msgspec.Struct, frozen=True, gc=False):
    """A further write for the same commit: a statement of `sql/` by name and its parameter rows."""

    statement: str
    rows: tuple[tuple[Any, ...], ...]


class RunChange(msgspec.Struct, frozen=True, gc=False):
    """A turn of a flow's run: what to write if the run is still at `turn`."""

    run_id: str
    turn: int
    writes: tuple[Write, ...]


ContactTurn = Literal["written", "gone", "full"]
"""What came of a turn that changes a contact: `gone`, its run is not at that turn; `full`, the contact would have more
tags and lists than one may have. Nothing is written then."""


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
    message_class: str = ""  # with the next two, of a message that was made of a template
    template: MadeOf | None = None
    text: str | None = None  # never in what is kept of a request: texts live in the message's row
    warnings: tuple[str, ...] = ()  # codes: accepted all the same
    media: tuple[str, ...] = ()


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


class Counted(msgspec.Struct, frozen=True, gc=False):
    """A message that counts among those that a person may be sent. `version`: of what was known of them so far, 0 for
    nothing; `sender_hash` keyed, as `number_hash`."""

    account_id: str
    test: bool
    number_hash: int
    version: int
    message_id: str
    at: int
    sender_hash: int


class Submission(msgspec.Struct, frozen=True, gc=False):
    """Messages of one request (or one chunk of it), ready to store: accepted, priced, routed."""

    messages: tuple[Message, ...]
    idempotency: Idempotency | None = None
    also: tuple[Write, ...] = ()
    claims: tuple["Claim", ...] = ()  # of those among the messages that need not wait in the queue
    only: tuple[Write, ...] = ()  # it is stored only where each of their rows changes one
    counted: tuple[Counted, ...] = ()
    told: dict[str, str] = {}  # what the first events of messages tell beside their type, as JSON, by id
    links: tuple[Link, ...] = ()  # short ones that stand in the texts
    media: tuple[MediaUse, ...] = ()  # which their messages have; each of these has a link too


class Stored(msgspec.Struct, frozen=True, gc=False):
    """What became of a submission: ids that the balance did not cover (not stored), or that its key was already
    taken by another request since we looked (nothing stored; look again), or that it was `stale`: planned with
    configuration that has changed since (nothing stored; plan again), or `overtaken`: a row of its `only` changed
    nothing (nothing stored; decide again). `lost_media`: those of the uncovered whose media had just been deleted.
    `attempts`: their numbers, one a part, for each message that was claimed."""

    uncovered: tuple[str, ...] = ()
    lost_media: tuple[str, ...] = ()
    key_taken: bool = False
    stale: bool = False
    overtaken: bool = False
    attempts: dict[str, tuple[int, ...]] = {}


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A stored idempotency chunk."""

    fingerprint: bytes
    chunk: int
    chunks: int
    verdicts: bytes  # JSON of a list of Verdict


# ---------------------------------------------------------------- lists


class Search(msgspec.Struct, frozen=True, gc=False):
    """Which messages of an account are asked for; what is None or empty does not matter. Newest first, unless
    `oldest_first`."""

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
    metadata: tuple[str, str] | None = None  # a name on its first level, and its value as text
    template: tuple[str, str | None] | None = None  # name or id of what made it, and the number of the version
    created_from: int | None = None  # inclusive, microseconds
    created_to: int | None = None  # exclusive
    campaign_id: str | None = None
    from_id: str | None = None  # look no further back than to this one
    before_id: str | None = None  # the last id of the page before
    oldest_first: bool = False

    @property
    def first_id(self) -> str:
        """The smallest id that may be one of them."""
        earliest = max(0, (self.created_from or 0) - _SLACK_US)
        return max(floor_id(MESSAGE, earliest), self.from_id or "")

    @property
    def end_id(self) -> str:
        """The id that all of them are smaller than."""
        latest = _LAST_US if self.created_to is None else self.created_to
        return self.before_id or floor_id(MESSAGE, min(_LAST_US, latest + _SLACK_US))


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """So many messages of an account, or so many that a number stands in, before an id or after
    it; `first_id`: the one that is furthest from there."""

    count: int
    first_id: str


# ---------------------------------------------------------------- worker


Ranks: TypeAlias = tuple[int, int, int]
"""A rank for each priority."""
FRONT: Final[Ranks] = (0, 0, 0)
"""Where a lane begins."""


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
    due_at: int = 0


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One message taken from the queue, or past it: its attempts (one a part) are committed, its state becomes
    `sending`."""

    message_id: str
    carrier_id: str
    parts: int
    tail_hash: int  # keyed hash of the recipient's last eight digits: how a receipt finds an attempt in doubt
    at: int
    fence: int = 0  # of the carrier's lease: nothing is claimed when another node has it by now; 0: not looked at


class Turn(msgspec.Struct, frozen=True, gc=False):
    """A number's turn: it sends `segments` at `at`, and not before `free_at` again; on `day` at most `cap` of them (0:
    any number)."""

    sender_id: str
    account_id: str
    at: int
    free_at: int
    day: int
    segments: int
    cap: int


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
    fingerprint: int  # keyed hash of addresses and octets, or of the carrier's id
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
    hearing: Hearing | None = None  # what its words mean to the account; None in parts that waited for an upgrade
    consent_id: str = ""
    has_id: bool = False  # the carrier names it: the same id once more is a redelivery, on whichever connection
    media: tuple[tuple[str, str], ...] = ()  # that came with it and are kept: id and content type
    links: tuple[str, ...] = ()  # where those are that are not kept: the end of the text, and no word of the phone's


class Owed(msgspec.Struct, frozen=True, gc=False):
    """An attempt whose outcome is not recorded (found at start) or a deadline that has passed."""

    attempt: int
    message_id: str
    carrier_id: str
    tail_hash: int
    committed_at: int


class PutOff(msgspec.Struct, frozen=True, gc=False):
    """A message that is queued or scheduled is due at another time. `data`: what its event tells, as JSON."""

    message_id: str
    due_at: int
    reason: str
    data: str
    at: int


class Moved(msgspec.Struct, frozen=True, gc=False):
    """A counted message is due at another moment; None: it is not sent."""

    message_id: str
    at: int | None


class Due(msgspec.Struct, frozen=True, gc=False):
    """A scheduled message that fell due, with its route and price as of now."""

    message_id: str
    candidates: str
    route_id: str | None
    price_micros: int
    rank: int
    at: int
    of_campaign: bool = False


# ---------------------------------------------------------------- configuration


class Basis(msgspec.Struct, frozen=True, gc=False):
    """The configuration that something was decided with: the sum of the versions of all kinds but opt-outs, the version
    of the opt-outs, and the last of their changes that was known."""

    version: int
    opt_outs: int
    position: int


class OptOutChanges(msgspec.Struct, frozen=True, gc=False):
    """Who opted out (True) or in again, as account and keyed hash of the number, in commit order up to `position`.
    None: it is not known any more, or was not asked; everything has to be read."""

    position: int
    changes: list[tuple[str, int, bool]] | None
