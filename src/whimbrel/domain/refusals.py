"""What a carrier's "no" means: the command_status of a submit_sm_resp, and the error in a delivery receipt, as codes of
the catalogue. Apart from `outcomes` because this is a table of a standard's numbers, and that is a rule.

SMPP 3.4 table 5-2 gives each status a name and seldom says whether trying again can help. The reading here is that of
Kannel and Jasmin where the standard is silent: a status is temporary when it speaks of the SMSC or of our session with
it, and permanent when it speaks of the message; a status that nobody has named is permanent, because a resend of
something that the carrier took is worse than a refusal that the sender sees (DESIGN: refusals).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from whimbrel.base.errors import CATALOGUE
from whimbrel.codec.smpp.tables import Status
from whimbrel.domain.dialect import CarrierSettings

Kind = Literal["throttled", "refused_now", "refused"]


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A carrier's "no". `throttled`: the same carrier keeps it, more slowly; `refused_now`: the next carrier may take
    it, and tomorrow this one, where the reason is `DAILY_CAP`; `refused`: final. `reason` is a code of the
    catalogue."""

    kind: Kind
    reason: str


THROTTLED: Final = Refusal("throttled", "throttled")
TEMPORARY: Final = Refusal("refused_now", "carrier_unavailable")
DAILY_CAP: Final = "daily_cap_reached"
"""It passes by itself: where no other carrier is left, the last one is asked again."""
CAPPED: Final = Refusal("refused_now", DAILY_CAP)
PERMANENT: Final = Refusal("refused", "carrier_rejected")
STATUS_MAX: Final = 0xFFFFFFFF
_NOTHING: Final[Mapping[int, Refusal]] = MappingProxyType({})
_SOURCE: Final = Refusal("refused", "invalid_source")
_DESTINATION: Final = Refusal("refused", "invalid_destination")

STATUSES: Final[Mapping[int, Refusal]] = MappingProxyType(
    {
        # the SMSC has no room for more just now: 5.1.3, and trap T38
        Status.ESME_RTHROTTLED: THROTTLED,
        Status.ESME_RMSGQFUL: THROTTLED,
        # the SMSC has a fault that passes
        Status.ESME_RSYSERR: TEMPORARY,
        Status.ESME_RX_T_APPN: TEMPORARY,
        # our session or account is not as the SMSC wants it: nothing is wrong with the message
        Status.ESME_RINVBNDSTS: TEMPORARY,
        Status.ESME_RALYBND: TEMPORARY,
        Status.ESME_RBINDFAIL: TEMPORARY,
        Status.ESME_RINVPASWD: TEMPORARY,
        Status.ESME_RINVSYSID: TEMPORARY,
        Status.ESME_RINVSYSTYP: TEMPORARY,
        # the sender, or how it was written
        Status.ESME_RINVSRCADR: _SOURCE,
        Status.ESME_RINVSRCTON: _SOURCE,
        Status.ESME_RINVSRCNPI: _SOURCE,
        # the recipient, or how it was written
        Status.ESME_RINVDSTADR: _DESTINATION,
        Status.ESME_RINVDSTTON: _DESTINATION,
        Status.ESME_RINVDSTNPI: _DESTINATION,
    }
)
"""Every status that is not simply permanent; all others are `PERMANENT`, also those that the table of the standard
names (ESME_RSUBMITFAIL, ESME_RUNKNOWNERR: the carrier's profile may call them temporary)."""


WORDS: Final[Mapping[str, Refusal]] = MappingProxyType(
    {"throttled": THROTTLED, "temporary": TEMPORARY, DAILY_CAP: CAPPED}
)
"""What a carrier's settings may call a command_status, beside the reasons that are final."""


REASONS: Final = frozenset(
    {
        "absent_subscriber",
        "barred",
        "carrier_rejected",
        DAILY_CAP,
        "deleted_at_carrier",
        "expired_at_carrier",
        "filtered",
        "handset_error",
        "invalid_destination",
        "invalid_source",
        "memory_full",
        "network_error",
        "undelivered",
        "unknown_subscriber",
    }
)
"""Codes of the catalogue that a carrier can give a reason by."""

FINAL_REASONS: Final = frozenset(reason for reason in REASONS if CATALOGUE[reason].permanent)
"""Those of them with which a submit can be refused for good."""


def own_refusals(settings: CarrierSettings) -> Mapping[int, Refusal]:
    """What statuses mean at this carrier where they mean something else than usually."""
    temporary = {
        status: TEMPORARY for status in settings.temporary_statuses if STATUSES.get(status, PERMANENT).kind == "refused"
    }
    named = {status_number(key): WORDS.get(word) or Refusal("refused", word) for key, word in settings.statuses.items()}
    return temporary | named


def status_number(text: str) -> int:
    """A command_status as people write it, "1032" or "0x408"; ValueError when it is none."""
    number = int(text, 16 if text[:2] in ("0x", "0X") else 10)
    if not 0 < number <= STATUS_MAX:
        raise ValueError("no command_status of a refusal")
    return number


def classify(status: int, own: Mapping[int, Refusal] = _NOTHING) -> Refusal:
    """What a non-zero command_status means at a carrier that has `own` meanings."""
    return own.get(status) or STATUSES.get(status) or PERMANENT


MAP_ERRORS: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "unknown_subscriber",
        5: "unknown_subscriber",  # unidentifiedSubscriber
        6: "absent_subscriber",  # absentSubscriberSM: no answer to paging
        8: "barred",  # roamingNotAllowed
        9: "barred",  # illegalSubscriber
        10: "barred",  # bearerServiceNotProvisioned
        11: "barred",  # teleserviceNotProvisioned: the subscription has no SMS
        12: "barred",  # illegalEquipment
        13: "barred",  # callBarred
        15: "barred",  # cug-Reject
        21: "barred",  # facilityNotSupported: a landline, or a network without SMS
        27: "absent_subscriber",
        28: "handset_error",  # incompatibleTerminal
        31: "absent_subscriber",  # subscriberBusyForMT-SMS
        32: "memory_full",  # sm-DeliveryFailure, by far most often memoryCapacityExceeded
        33: "absent_subscriber",  # messageWaitingListFull: many texts wait for a phone that is off
        34: "network_error",  # systemFailure
        35: "network_error",  # dataMissing
        36: "network_error",  # unexpectedDataValue
    }
)
"""Errors of the Mobile Application Part (3GPP TS 29.002, 17.6.6) in decimal, which most carriers pass on as `err`."""


def receipt_reason(error: str | None, default: str) -> str:
    """The reason in a receipt's `err` ("027", "27", "0001"), or `default` when it names none: "000", letters, and
    numbers that are the carrier's own (traps T16, T17)."""
    number = _number(error)
    return default if number is None else MAP_ERRORS.get(number, default)


def own_reason(error: str | None, own: Mapping[str, str]) -> str | None:
    """The reason that a carrier's own table gives for an `err`: as it is written there, or as the same number."""
    if not error or not own:
        return None
    found = own.get(error.strip())
    if found is not None:
        return found
    number = _number(error)
    if number is None:
        return None
    return next((reason for key, reason in own.items() if _number(key) == number), None)


def _number(error: str | None) -> int | None:
    digits = (error or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 8 else None
