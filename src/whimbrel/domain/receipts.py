"""Delivery receipts: what one says about its segment, and which ids it may mean. Apart from the codec, which reads
octets and keeps the carrier's words; here they become ours.

Matching is by id within one carrier. Carriers write the same id in two ways: the response in hex and the receipt in
decimal or the other way round, padded with zeros, in the other case (traps T01 to T04). So an id is kept in one
normal form, and a receipt names several candidates, the best first. A carrier whose bases are known (`IdBase`) is
not guessed at: its ids are kept as its receipts write them.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from whimbrel.domain.dialect import IdBase
from whimbrel.domain.refusals import receipt_reason
from whimbrel.domain.states import DELIVERED, EXPIRED, UNDELIVERED

FINAL_STATES: Final = frozenset({DELIVERED, UNDELIVERED, EXPIRED})
"""What a final receipt says about its segment; any other word is an intermediate one."""

FIRST: Final = "first"
INTERMEDIATE: Final = "intermediate"
REPEATED: Final = "repeated"
CONTRADICTING: Final = "contradicting"

_BLANKS: Final = " \t\r\n\0"
_HEX: Final = "0123456789abcdef"
_ID_MAX: Final = 65  # SMPP 3.4 4.4.2: message_id has at most 65 octets


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What a receipt says: one of `FINAL_STATES` with a reason when it was not delivered, or an intermediate word."""

    state: str
    final: bool
    reason: str | None = None


_DELIVERED: Final = Outcome(DELIVERED, final=True)
_FAILURES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "EXPIRED": (EXPIRED, "expired_at_carrier"),
        "DELETED": (UNDELIVERED, "deleted_at_carrier"),
        "UNDELIVERABLE": (UNDELIVERED, "undelivered"),
        "REJECTED": (UNDELIVERED, "carrier_rejected"),
        "SKIPPED": (UNDELIVERED, "carrier_rejected"),
    }
)
"""Final states of a failure and the reason when the error says no more (SMPP 3.4 5.2.28; 5.0 4.7.15 for SKIPPED)."""


def outcome_of(state: str, error: str | None, own: str | None = None) -> Outcome:
    """What a receipt in `state` (a name of SMPP 3.4 5.2.28) with the carrier's `error` says; `own` is the reason that
    the carrier's own table gives for that error.

    ACCEPTED and UNKNOWN are taken as intermediate: after both a phone may still get the text, and a message that
    hears nothing more becomes `unknown` at its deadline.
    """
    if state == "DELIVERED":
        return _DELIVERED
    failure = _FAILURES.get(state)
    if failure is None:
        return Outcome(state.lower(), final=False)
    verdict, default = failure
    return Outcome(verdict, final=True, reason=own or receipt_reason(error, default))


def weigh(known: str | None, state: str, *, is_final: bool) -> str:
    """What a receipt means for an attempt whose receipts so far said `known`: the `first` final word, an
    `intermediate` one, a `repeated` one (nothing new), or a final word `contradicting` an earlier one (trap T09)."""
    if known == state:
        return REPEATED
    if known in FINAL_STATES:
        return CONTRADICTING if is_final else REPEATED
    return FIRST if is_final else INTERMEDIATE


def carrier_key(message_id: str, base: IdBase = "auto") -> str:
    """The key of the id that a carrier answered with. `base`: `same` keeps it as it is; `hex_dec` and `dec_hex` write
    it as the carrier's receipts will; `auto` only makes it normal: folded case, no zeros, blanks or NUL around it."""
    if base == "same":
        return message_id.strip(_BLANKS)
    folded = message_id.strip(_BLANKS).lower()
    key = folded.lstrip("0" + _BLANKS) or folded[:1]
    if base == "auto" or len(key) > _ID_MAX or key.strip(_HEX):
        return key
    if base == "hex_dec":
        return str(int(key, 16)) if key else key
    return f"{int(key):x}" if key.isdecimal() else key


def carrier_keys(message_ids: Sequence[str], base: IdBase = "auto") -> tuple[str, ...]:
    """The keys that a receipt may mean: each id as written, then in `auto` each as the other number base, without
    repeats."""
    if len(message_ids) == 1:
        key = _receipt_key(message_ids[0], base)
        return (key, *(_other_bases(key) if base == "auto" else ())) if key else ()
    keys = dict.fromkeys([_receipt_key(message_id, base) for message_id in message_ids])
    keys.pop("", None)
    for key in tuple(keys) if base == "auto" else ():
        keys |= dict.fromkeys(_other_bases(key))
    return tuple(keys)


def _receipt_key(message_id: str, base: IdBase) -> str:
    return carrier_key(message_id, "same" if base == "same" else "auto")


def _other_bases(key: str) -> tuple[str, ...]:
    """The decimal of a hex id and the hex of a decimal one; a row of digits may be either. Neither repeats the other
    or the key: in base 16 a row of two digits or more is a greater number."""
    if len(key) > _ID_MAX or key.strip(_HEX):
        return ()
    if not key.isdecimal():
        return (str(int(key, 16)),)
    return (str(int(key, 16)), f"{int(key):x}") if len(key) > 1 else ()
