"""The nouns of the journey as immutable values. They cross every border (doors, journey, store, carriers), also
between processes, so they are plain data: strings, integers, octets.
"""

from typing import Any, Final, Literal

import msgspec

from whimbrel.domain.links import LinkUse
from whimbrel.domain.templates.use import MadeOf, TemplateUse
from whimbrel.domain.wire import Origin, Wire

MessageClass = Literal["otp", "transactional", "marketing"]
Door = Literal[
    "rest", "twilio", "smpp", "keyword", "console", "cli", "hook", "flow", "schedule", "verify", "mail", "campaign",
    "conversation",
]  # fmt: skip
OnDoubt = Literal["report", "retry_once"]
CallbackFormat = Literal["event", "twilio"]
Encoding = Literal["gsm7", "ucs2", "binary"]
ConfigKind = Literal[
    "pools",
    "accounts", "keys", "senders", "carriers", "routes", "prices", "opt_outs", "webhooks", "smpp_credentials",
    "templates", "link_settings", "policies", "consent"
]  # fmt: skip

PRIORITY: dict[str, int] = {"otp": 0, "transactional": 1, "marketing": 2}
OTP: Final = PRIORITY["otp"]
TRANSACTIONAL: Final = PRIORITY["transactional"]
MARKETING: Final = PRIORITY["marketing"]


class Options(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a sender may ask for beside recipient and text; stored as one JSON column of the message."""

    callback_url: str | None = None
    callback_format: CallbackFormat = "event"
    on_doubt: OnDoubt = "report"
    metadata: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()
    max_parts: int | None = None
    max_price_micros: int | None = None
    smart: bool = False
    replaced: tuple[tuple[int, str, str], ...] = ()  # position, original, replacement: what smart encoding changed
    pool_id: str | None = None  # Twilio's MessagingServiceSid, as given
    reply_to: str | None = None  # the inbound message that this one answers
    wire: Wire | None = None
    origin: Origin | None = None  # the customer's bind that brought it
    template: MadeOf | None = None  # what made the text
    campaign_id: str | None = None  # what it is part of
    quiet_hours: Literal["wait", "refuse"] | None = None  # of marketing, in place of the account's policy
    zone: str | None = None  # where the recipient is known to be (IANA), where that counted
    media: tuple[str, ...] = ()  # ids, in order; at the doors also URLs, until they are fetched
    media_types: tuple[str, ...] = ()  # of an inbound text's media, in their order
    sealed: str | None = None  # the text to send, encrypted, where the row's own is masked; erased when it is final


PLAIN = Options()
"""What most messages ask for beside recipient and text: nothing. One object, so that they cost nothing."""


class Objection(msgspec.Struct, frozen=True, gc=False):
    """What a door found out that refuses a message: a code of the catalogue, words, the place in the request."""

    code: str
    detail: str
    pointer: str


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A message as a door hands it to accept: shape checked, nothing decided. `at` fields are UTC microseconds."""

    account_id: str
    test: bool
    door: Door
    recipient: str
    text: str
    sender: str | None = None
    message_class: MessageClass = "transactional"
    send_at_us: int | None = None
    validity_s: int | None = None
    options: Options = PLAIN
    bypass_opt_out: bool = False  # the one confirmation of a STOP
    data: bytes | None = None  # octets to send in place of a text
    id: str = ""  # of the message that it becomes, where its door must know it before; else one is made
    template: TemplateUse | None = None  # what the text is made of; then the class may be empty: it is the template's
    links: LinkUse | None = None  # which addresses of its text become short links
    shown: str | None = None  # what is stored in place of a text that holds a secret, which is sealed
    objection: Objection | None = None  # to its media; accept says it, so that it is kept with the request's key


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message as stored, outbound or inbound. Column order of the `messages` table."""

    id: str
    account_id: str
    test: bool
    direction: Literal["out", "in"]
    door: str
    message_class: MessageClass
    state: str
    recipient: str
    sender: str
    text: str  # octets in hex where the encoding is binary
    encoding: Encoding
    segments: int
    price_micros: int  # for all segments; 0 for test traffic and inbound
    held_micros: int  # still on hold in the ledger
    charged_micros: int
    currency: str
    carrier_id: str | None
    route_id: str | None
    candidates: str  # carriers in order of preference, ids joined by a space: the first is tried first
    priority: int
    rank: int
    created_at: int
    due_at: int
    expires_at: int
    updated_at: int
    sent_at: int | None
    final_at: int | None
    reason: str | None  # a code of the catalogue
    flags: int  # bits of `Flag`
    seq: int  # number of its newest event
    recipient_hash: int  # keyed hash, 63 bits
    sender_hash: int
    options: str  # JSON of Options


class Flag:
    """Bits of `Message.flags`."""

    POSSIBLE_DUPLICATE = 1  # a resend after doubt was asked for and happened
    CORRECTED = 2  # a late receipt corrected a final state
    REDACTED = 4
    CALLBACK = 8  # options hold a callback_url: saves decoding them
    PARTIAL = 16  # inbound: parts were missing when it was delivered
    KEYWORD_STOP = 32  # inbound: was a STOP, START or HELP
    KEYWORD_START = 64
    KEYWORD_HELP = 128
    DOUBT_RETRIED = 256
    IN_DOUBT = 512  # was in doubt at some time
    BYPASS_OPT_OUT = 1024
    PART_DELIVERED = 2048  # a segment of a long message was delivered, others have not reported
    WIRE = 4096  # options say how it stands on the wire
    ORIGIN = 8192  # options say which customer's bind brought it
    WIDE = 16384  # cut for 16-bit references
    ONE_RECEIPT = 32768  # its carrier was asked about one part, and has told
    LOCKING_SHIFT = 16  # the lowest of eight bits: language of the locking shift table (TS 23.038 6.2.1.2.2), 0: none
    SINGLE_SHIFT = 24  # the same of the single shift table
    KEYWORD_GUESSED = 1 << 33  # inbound: the STOP was taken from more than one word, and wants a look
    SENDER_UNREGISTERED = 1 << 35  # accepted, although the sender is not registered for the country
    SENDER_REPLACED = 1 << 36  # the phone will show another sender
    SENDER_FORBIDDEN = 1 << 37  # accepted, although the country takes no such sender
    NOTICE_MISSING = 1 << 39  # accepted, although the text does not say what the country asks for
    KEYWORD_JOIN = 1 << 40  # inbound: a word of the account's own that agrees
    MMS = 1 << 38  # has media, and a sender that may send them: a carrier that takes them is given them
    COUNTED = 1 << 34  # among those that its recipient may be sent within some time
    SEALED = 1 << 32  # the text is masked; options hold the one to send, until it is final


KEYWORDS: int = Flag.KEYWORD_STOP | Flag.KEYWORD_START | Flag.KEYWORD_HELP | Flag.KEYWORD_JOIN
"""Any of them: an inbound text that is to be confirmed."""


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try of one segment at one carrier. Column order of the `attempts` table."""

    position: int
    message_id: str
    account_id: str
    part: int  # 1-based
    parts: int
    carrier_id: str
    bind: str  # which bind took it; empty until it is written
    state: Literal["committed", "on_wire", "accepted", "refused", "in_doubt", "resolved"]
    carrier_message_id: str | None
    carrier_key: str | None  # the normalised form that receipts are looked up by
    status_code: int | None  # command_status of the carrier's answer
    reason: str | None
    throttled: int  # how often the carrier asked to wait before it took it
    tail_hash: int  # keyed hash of the last eight digits of the recipient
    committed_at: int
    answered_at: int | None
    receipt_state: str | None
    receipt_error: str | None
    receipts: int  # how many receipts came
    resolved_at: int | None


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that happened, numbered per subject. Column order of the `events` table."""

    position: int
    account_id: str
    test: bool
    subject_id: str
    seq: int
    type: str
    data: str  # JSON; ids and codes only, never numbers or texts
    callback: bool  # the message has a callback_url of its own
    created_at: int


class Account(msgspec.Struct, frozen=True, gc=False):
    """A tenant."""

    id: str
    parent_id: str | None
    name: str
    status: Literal["active", "suspended", "closed", "moving", "moved", "arriving"]  # the last three: between cells
    currency: str
    dedupe_s: int  # Twilio door: byte-equal POSTs within so many seconds are one; 0 is off
    auth_token: bytes  # encrypted
    callback_secret: bytes  # encrypted; signs message callbacks
    created_at: int
    updated_at: int


class Key(msgspec.Struct, frozen=True, gc=False):
    """An API key: its hash, never the key."""

    id: str
    account_id: str | None  # None: the operator's
    name: str
    hint: str  # first characters, to recognise it
    digest: bytes  # SHA-256 of the key
    mode: Literal["live", "test"]
    scopes: tuple[str, ...]
    rate_per_s: int
    status: Literal["active", "revoked"]
    created_at: int
    revoked_at: int | None
    expires_at: int | None


class Sender(msgspec.Struct, frozen=True, gc=False):
    """A sender that an account may use, and where answers to it go."""

    id: str
    account_id: str
    value: str  # E.164 with plus, short code digits, or a name
    kind: Literal["alphanumeric", "long_code", "toll_free", "short_code"]
    is_default: bool
    countries: tuple[str, ...]  # default for these (ISO 3166); empty with is_default: for all
    sms_url: str | None  # Twilio door: where inbound texts are posted
    sms_method: Literal["POST", "GET"]
    sms_fallback_url: str | None
    created_at: int
    updated_at: int
    label: str = ""
    capabilities: tuple[Literal["sms", "mms", "voice", "inbound"], ...] = ("sms",)
    country: str = ""  # of a number (ISO 3166); empty for names and short codes of no known country
    carrier_id: str | None = None  # who holds the number
    approval: Literal["approved", "pending", "rejected"] = "approved"
    approval_reason: str = ""
    sms_fallback_method: Literal["POST", "GET"] = "POST"
    per_minute: int | None = None  # what the operator lets the number send; None: whatever its registration allows
    per_day: int | None = None
    seq: int = 0  # of its last event


class Carrier(msgspec.Struct, frozen=True, gc=False):
    """An upstream that takes our messages."""

    id: str
    name: str
    kind: Literal["smpp", "http"]
    status: Literal["active", "paused"]
    sandbox: bool  # takes test traffic
    settings: str  # JSON, by kind (`carrier_kinds`)
    password: bytes  # encrypted
    created_at: int
    updated_at: int


class SmppCredential(msgspec.Struct, frozen=True, gc=False):
    """What a customer binds to us with (SMPP 3.4 4.1). Column order of the `smpp_credentials` table."""

    id: str
    account_id: str
    test: bool  # its messages are test traffic
    name: str
    system_id: str  # one in the installation
    password: str  # argon2id, in its own encoding
    status: Literal["active", "suspended"]
    settings: str  # JSON of domain.customers.CustomerSettings
    created_at: int
    updated_at: int


class Route(msgspec.Struct, frozen=True, gc=False):
    """Which carriers take which numbers; the first matching route by position wins."""

    id: str
    position: int
    prefix: str  # digits without plus; empty: any
    country: str  # ISO 3166; empty: any
    account_id: str | None
    carriers: tuple[str, ...]  # in order of preference
    enabled: bool
    created_at: int
    updated_at: int


class Price(msgspec.Struct, frozen=True, gc=False):
    """What a customer pays for a segment to numbers with this prefix."""

    id: str
    account_id: str | None  # None: for all accounts that have no price of their own for the prefix
    prefix: str
    price_micros: int
    currency: str
    created_at: int
    updated_at: int
    mms_price_micros: int | None = None  # of one message that goes as MMS; None: as much as its text with its link


class OptOut(msgspec.Struct, frozen=True, gc=False):
    """A number that an account, or one of its senders, must not text. Column order of the `opt_outs` table."""

    id: str
    account_id: str
    number_hash: int
    masked: str
    source: Literal["keyword", "phrase", "api", "import"]
    created_at: int
    scope: str | None = None  # None: all senders of the account; else the hash is also of this (`domain/permission.py`)
    person_hash: int | None = None  # of the number alone, where there is a scope
    number: str | None = None  # None: erased, or recorded before numbers were kept


class Webhook(msgspec.Struct, frozen=True, gc=False):
    """An endpoint of an account that events are posted to."""

    id: str
    account_id: str
    test: bool
    url: str
    events: tuple[str, ...]  # types, or "*" , or "message.*"
    description: str
    secret: bytes  # encrypted
    old_secret: bytes | None  # encrypted; signs beside the new one until old_secret_until
    old_secret_until: int | None
    status: Literal["active", "disabled"]
    disabled_reason: str | None
    failures: int  # in a row
    cursor: int  # events up to this position are delivered or have rows of their own
    created_at: int
    updated_at: int
