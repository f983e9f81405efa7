"""Ids: a type prefix and the 32 hex digits of a UUIDv7 (RFC 9562 5.7), so that keys grow in time order and sort as
they were made, also within one millisecond.

The 62 bits after the variant are 18 bits of a counter, 28 random bits and 16 zero bits. The counter (30 bits with
`rand_a`) starts anew at a random place each millisecond (RFC 9562 6.2, method 1). The last 16 bits are kept for
events: the id of an event is the id of its subject with the event's number there, so an event needs no id column, no
index of its own, and keeps its id when a database is copied.
"""

from array import array

from whimbrel.base.clock import Chance, Clock

MESSAGE = "SM"
ACCOUNT = "AC"
KEY = "KE"
CARRIER = "CR"
ROUTE = "RT"
PRICE = "PR"
SENDER = "PN"
REGISTRATION = "RG"
DOCUMENT = "DC"
WEBHOOK = "WH"
SMPP_CREDENTIAL = "SC"
EVENT = "EV"
OPT_OUT = "OO"
CONSENT = "CN"
CONSENT_REQUEST = "CQ"
BRAND = "BN"
SUPPRESSION_LIST = "SL"
CONSENT_WORD = "CW"
CONSENT_TEXT = "KT"
REQUEST = "RQ"
DELIVERY = "DL"
AUDIT = "AU"
NODE = "ND"
USER = "US"
SESSION = "SE"
PASSKEY = "PK"
SAVED_VIEW = "SV"
CANNED_ANSWER = "CA"
CONVERSATION = "CV"
NOTE = "NT"
HOOK = "HK"
HOOK_CALL = "HC"
FLOW = "FW"
FLOW_RUN = "FR"
SCHEDULE = "SD"
TEMPLATE = "TP"
CONTACT = "CT"
CONTACT_FIELD = "CF"
TAG = "TG"
LIST = "LS"
SEGMENT = "SG"
CONTACT_IMPORT = "IM"
LINK = "LK"
LINK_CLICK = "LC"
VERIFY_SERVICE = "VA"
VERIFICATION = "VE"
VERIFY_ATTEMPT = "VL"
VERIFY_RATE_LIMIT = "RK"
VERIFY_BUCKET = "BL"
VERIFY_BLOCK = "VB"
VERIFY_ENTITY = "YE"
VERIFY_FACTOR = "YF"
VERIFY_CHALLENGE = "YC"
SAFE_NUMBER = "GN"
MAILBOX = "MB"
MEDIUM = "ME"
MAILBOX_MAIL = "MM"
POOL = "MG"
KEYWORD = "KW"
CAMPAIGN = "CM"

EVENT_SEQ_MAX = 0xFFFF
_RANDOM_BLOCK = 512
_RANDOM_BITS = 0xFFFFFFF
_HEX = frozenset("0123456789abcdef")
# The lower half of an id: two bits of the variant, 18 of the counter, 28 random ones, 16 for the event's number.
_LOW_FIRST = 0x8000_0000_0000_0000
_LOW_END = 0xC000_0000_0000_0000
_LOW_STEP = 1 << 44
_HIGH_END = 0x1000  # the other 12 bits of the counter


class Ids:
    """Makes ids; one per process. Not safe for several threads at once: it belongs to the event loop.

    Each request takes two, so the upper half is kept as text: it changes each millisecond, and every 2**18 ids."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._ms = 0
        self._counter_high = 0
        self._high = ""
        self._low = _LOW_END
        self._pool = array("I")

    def new(self, prefix: str) -> str:
        """A new id, greater than every id made before by this object."""
        ms = self._clock.now_us() // 1000
        low = self._low + _LOW_STEP
        if ms > self._ms or low >= _LOW_END:
            low = self._turn(ms)
        self._low = low
        unique = low | (self._draw() & _RANDOM_BITS) << 16
        return f"{prefix}{self._high}{unique.to_bytes(8, 'big').hex()}"

    def _turn(self, ms: int) -> int:
        """Another upper half; gives the lower half that the count goes on from."""
        low = _LOW_FIRST
        if ms > self._ms:
            self._ms = ms
            start = self._draw() >> 3  # 29 bits: the upper half is room to count in
            self._counter_high = start >> 18
            low |= (start & 0x3FFFF) << 44
        else:
            self._counter_high += 1
            if self._counter_high == _HIGH_END:
                self._ms += 1
                self._counter_high = 0
        self._high = f"{self._ms:012x}7{self._counter_high:03x}"
        return low

    def _draw(self) -> int:
        """32 random bits."""
        if not self._pool:
            self._pool.frombytes(self._chance.octets(self._pool.itemsize * _RANDOM_BLOCK))
        return self._pool.pop()

    def many(self, prefix: str, count: int) -> list[str]:
        """`count` new ids in growing order."""
        new = self.new
        return [new(prefix) for _ in range(count)]


def event_id(subject_id: str, seq: int) -> str:
    """The id of event number `seq` (1 to 65535) of a subject: the same on every try and in every copy."""
    return f"{EVENT}{subject_id[2:30]}{seq:04x}"


def event_place(event: str, prefix: str) -> tuple[str, int]:
    """Subject id (with the prefix given) and number of an event id."""
    return f"{prefix}{event[2:30]}0000", int(event[30:], 16)


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` is shaped like an id with this prefix."""
    return len(text) == len(prefix) + 32 and text.startswith(prefix) and _HEX.issuperset(text[len(prefix) :])


def time_us(text: str) -> int:
    """When an id was made, in microseconds (to the millisecond)."""
    return int(text[2:14], 16) * 1000


def floor_id(prefix: str, at_us: int) -> str:
    """The smallest id that could have been made at `at_us`: the border for filters by time."""
    return f"{prefix}{at_us // 1000:012x}70008000000000000000"
