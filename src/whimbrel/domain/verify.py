"""Verifications: values as stored, and the rules of how often a number may be texted and a code be guessed. All of
them are decided on what is known of one number in one account, whose row has a version: whoever writes says which
version he has seen (`NumberState`), so two nodes never decide on the same one.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from whimbrel.base.limits import (
    VERIFY_CHECKS_MAX,
    VERIFY_CODE_S,
    VERIFY_COUNTRY_STARTS_PER_HOUR,
    VERIFY_FAILURES_PER_HOUR,
    VERIFY_FALLBACK_S,
    VERIFY_SENDS_MAX,
    VERIFY_SENDS_PER_DAY,
    VERIFY_SENDS_PER_HOUR,
)
from whimbrel.domain.model import OnDoubt

Status = Literal["pending", "approved", "canceled", "max_attempts_reached", "expired", "failed", "deleted"]
Alphabet = Literal["digits", "letters", "alphanumeric"]

SECOND_US: Final = 1_000_000
PENDING: Final = "pending"
APPROVED: Final = "approved"
CANCELED: Final = "canceled"
SPENT: Final = "max_attempts_reached"
EXPIRED: Final = "expired"
FAILED: Final = "failed"
DELETED: Final = "deleted"
ENDED: Final = frozenset({APPROVED, CANCELED, SPENT, EXPIRED, FAILED, DELETED})

CODE_MIN: Final = 4
CODE_MAX: Final = 10
SLOT_US: Final = 600 * SECOND_US
"""Starts and approvals are counted by ten minutes: the shortest time that the guard looks at."""
WAITS_S: Final = (30, 60, 120, 240)
"""From one text of a verification to the next."""

_HOUR_US: Final = 3600 * SECOND_US
_DAY_US: Final = 24 * _HOUR_US
_SIGNS: Final[dict[str, str]] = {
    "digits": "0123456789",
    "letters": "ABCDEFGHJKLMNPQRSTUVWXYZ",  # without I and O, which are read as digits
    "alphanumeric": "23456789ABCDEFGHJKLMNPQRSTUVWXYZ",
}
_REFUSED_TYPES: Final = ("premium_rate", "shared_cost", "uan", "pager", "voicemail")


class ServiceSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a service verifies; stored as one JSON column."""

    code_length: int = 6
    alphabet: Alphabet = "digits"
    ttl_s: int = VERIFY_CODE_S
    language: str = ""  # empty: that of the number's country
    custom_code: bool = False  # whether callers may bring their own codes
    do_not_share: bool = False
    app_hash: str = ""  # of an Android app: eleven characters
    webotp_domain: str = ""
    max_checks: int = VERIFY_CHECKS_MAX
    max_sends: int = VERIFY_SENDS_MAX
    sends_per_hour: int = VERIFY_SENDS_PER_HOUR  # to one number
    sends_per_day: int = VERIFY_SENDS_PER_DAY
    sender: str = ""  # empty: the account's default for the country
    countries: tuple[str, ...] = ()  # allowed ones; empty: all
    refuse_types: tuple[str, ...] = _REFUSED_TYPES  # kinds of lines
    skip_landlines: bool = False
    lookup: bool = False  # verifications tell what is known of the number
    guard: bool = True  # whether pumping is looked for
    new_country_per_hour: int = VERIFY_COUNTRY_STARTS_PER_HOUR  # begun where hardly any was approved; 0: any number
    channels: tuple[str, ...] = ("sms",)  # each is taken where the one before it did not bring the code
    fallback_after_s: int = VERIFY_FALLBACK_S
    on_doubt: OnDoubt = "report"
    totp_issuer: str = ""  # what authenticators show; empty: the service's name
    totp_code_length: int = 6
    totp_step_s: int = 30
    totp_skew: int = 1  # steps that a clock may be early or late
    extra: dict[str, Any] = {}  # what another door's callers set, and nothing here reads


class VerifyService(msgspec.Struct, frozen=True, gc=False):
    """A service. Column order of the `verify_services` table."""

    id: str
    account_id: str
    name: str
    settings: str  # JSON of ServiceSettings
    created_at: int
    updated_at: int


class Details(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a verification was started with; stored as one JSON column."""

    code_length: int = 6
    alphabet: Alphabet = "digits"
    max_checks: int = VERIFY_CHECKS_MAX
    max_sends: int = VERIFY_SENDS_MAX
    name: str = ""  # in place of the service's
    app_hash: str = ""
    custom: bool = False  # the code is the caller's own
    metadata: dict[str, Any] | None = None
    channels: tuple[str, ...] = ()  # empty: the one that the row names
    fallback_after_s: int = VERIFY_FALLBACK_S


class Verification(msgspec.Struct, frozen=True, gc=False):
    """A verification. Column order of the `verifications` table. `generation`: codes are made of it and the id."""

    id: str
    account_id: str
    test: bool
    service_id: str
    recipient: str
    number_hash: int
    country: str
    prefix: str  # the number's digits without the last four
    channel: str
    language: str
    status: Status
    generation: int
    checks: int  # wrong ones
    sends: int
    custom: bytes | None  # the caller's own code, sealed; erased when it has ended
    details: str  # JSON of Details
    seq: int  # number of its newest event
    created_at: int
    updated_at: int
    expires_at: int
    next_send_at: int
    ended_at: int | None


class SendAttempt(msgspec.Struct, frozen=True, gc=False):
    """One text (or call, or mail) of a verification. Column order of the `verify_attempts` table."""

    id: str
    account_id: str
    test: bool
    service_id: str
    verification_id: str
    channel: str
    message_id: str | None
    country: str
    prefix: str
    created_at: int
    converted_at: int | None
    state: str = ""  # of one that has a message: empty as long as the message's says all
    reason: str = ""  # why it was refused, or is in doubt
    reference: str = ""  # what the channel calls it
    moved_on: str = ""  # why the next channel was taken
    tries: int = 0  # how often it was handed over
    seq: int = 0  # its version
    due_at: int | None = None  # when it is to be looked at; None: no more


class NumberState(msgspec.Struct, frozen=True, gc=False):
    """What is counted of a number in one account. Columns of `verify_number`."""

    version: int = 0
    failures: tuple[int, ...] = ()  # when, the oldest first
    sends: tuple[int, ...] = ()


class RateLimit(msgspec.Struct, frozen=True, gc=False):
    """A limit of the caller's own, on any key. Column order of the `verify_rate_limits` table."""

    id: str
    account_id: str
    service_id: str
    name: str
    description: str
    created_at: int
    updated_at: int


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """So many starts of one key in an interval. Column order of the `verify_buckets` table."""

    id: str
    account_id: str
    rate_limit_id: str
    max: int
    interval_s: int
    created_at: int
    updated_at: int


class Block(msgspec.Struct, frozen=True, gc=False):
    """Numbers that are not texted for a while. Column order of the `verify_blocks` table."""

    id: str
    account_id: str
    test: bool
    kind: Literal["prefix", "country"]
    value: str  # digits that the numbers begin with
    country: str
    reason: str
    evidence: str  # JSON: counts
    seq: int
    created_at: int
    ends_at: int
    lifted_at: int | None
    lifted_by: str | None
    quiet_until: int  # so long the guard does not block it again


class SafeNumber(msgspec.Struct, frozen=True, gc=False):
    """A number that the guard lets pass. Column order of the `verify_safe` table."""

    id: str
    account_id: str
    number_hash: int
    masked: str
    created_at: int


def within(times: Sequence[int], now: int, span_us: int) -> tuple[int, ...]:
    """Those of the last `span_us`."""
    return tuple(at for at in times if at > now - span_us)


def failed_wait(state: NumberState, now: int) -> int:
    """Seconds until a code may be guessed for this number again; 0: now."""
    recent = within(state.failures, now, _HOUR_US)
    return _until(recent, VERIFY_FAILURES_PER_HOUR, now, _HOUR_US)


def send_wait(state: NumberState, now: int, per_hour: int, per_day: int) -> int:
    """Seconds until the number may be texted again; 0: now."""
    hour, day = within(state.sends, now, _HOUR_US), within(state.sends, now, _DAY_US)
    return max(_until(hour, per_hour, now, _HOUR_US), _until(day, per_day, now, _DAY_US))


def _until(times: Sequence[int], most: int, now: int, span_us: int) -> int:
    if len(times) < most:
        return 0
    return max(1, -(-(times[-most] + span_us - now) // SECOND_US))


def sent(state: NumberState, now: int) -> NumberState:
    """One more text."""
    return NumberState(
        state.version + 1, within(state.failures, now, _HOUR_US), (*within(state.sends, now, _DAY_US), now)
    )


def guessed(state: NumberState, now: int, *, right: bool | None) -> NumberState:
    """One more guess; a right one forgets the failures. None: what is counted stays."""
    failures = within(state.failures, now, _HOUR_US)
    failures = () if right else failures if right is None else (*failures, now)
    return NumberState(state.version + 1, failures, within(state.sends, now, _DAY_US))


def next_send(now: int, sends: int) -> int:
    """When a verification that has been sent so often may be sent again."""
    return now + WAITS_S[min(sends, len(WAITS_S)) - 1] * SECOND_US


def code_of(octets: bytes, length: int, alphabet: Alphabet) -> str:
    """A code of random octets, of which there are so many more than it needs that no sign is likelier than another."""
    signs = _SIGNS[alphabet]
    number, code = int.from_bytes(octets, "big"), ""
    for _ in range(length):
        number, place = divmod(number, len(signs))
        code += signs[place]
    return code


def tidied(code: str) -> str:
    """A code as somebody typed it: spaces, dashes and the case of letters do not matter."""
    return "".join(code.split()).replace("-", "").upper()


def is_code(code: str) -> bool:
    """Whether a caller may bring this as his own: 4 to 10 digits or letters of ASCII."""
    return CODE_MIN <= len(code) <= CODE_MAX and code.isascii() and code.isalnum()


def prefix_of(digits: str) -> str:
    """What numbers are counted by: all but the last four digits."""
    return digits[:-4]


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """The interval in which the true share lies with 95% (Wilson 1927)."""
    if trials <= 0:
        return 0.0, 1.0
    share, square = successes / trials, z * z
    centre = share + square / (2 * trials)
    spread = z * ((share * (1 - share) + square / (4 * trials)) / trials) ** 0.5
    return max(0.0, (centre - spread) / (1 + square / trials)), min(1.0, (centre + spread) / (1 + square / trials))


def neighbours(numbers: Sequence[str]) -> int:
    """The longest run of numbers that follow each other."""
    longest = run = 0
    before = -2
    for number in sorted({int(number.lstrip("+")) for number in numbers}):
        run = run + 1 if number == before + 1 else 1
        longest, before = max(longest, run), number
    return longest
