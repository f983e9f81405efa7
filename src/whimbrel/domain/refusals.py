"""What a carrier's "no" means: the command_status of a submit_sm_resp, and the error in a delivery receipt, as codes of
the catalogue. Apart from `outcomes` because this is a table of a standard's numbers, and that is a rule.

SMPP 3.4 table 5-2 gives each status a name and seldom says whether trying again can help. The reading here is that of
Kannel and Jasmin where the standard is silent: a status is temporary when it speaks of the SMSC or of our session with
it, and permanent when it speaks of the message; a status that nobody has named is permanent, because a resend of
something that the carrier took is worse than a refusal that the sender sees (DESIGN: refusals).
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from whimbrel.codec.smpp.tables import Status

Kind = Literal["throttled", "refused_now", "refused"]


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A carrier's "no". `throttled`: the same carrier keeps it, more slowly; `refused_now`: the next carrier may take
    it; `refused`: final. `reason` is a code of the catalogue."""

    kind: Kind
    reason: str


THROTTLED: Final = Refusal("throttled", "throttled")
TEMPORARY: Final = Refusal("refused_now", "carrier_unavailable")
PERMANENT: Final = Refusal("refused", "carrier_rejected")
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


def classify(status: int, temporary_statuses: Collection[int] = ()) -> Refusal:
    """What a non-zero command_status means at a carrier whose profile adds `temporary_statuses`."""
    known = STATUSES.get(status)
    if known is not None and known.kind != "refused":
        return known
    if status in temporary_statuses:
        return TEMPORARY
    return known or PERMANENT


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
    if not error:
        return default
    digits = error.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 8:
        return default
    return MAP_ERRORS.get(int(digits), default)
