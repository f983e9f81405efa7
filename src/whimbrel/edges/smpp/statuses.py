"""What a refusal is called in SMPP.

One row for each code of the catalogue that may refuse a submit, a query or a cancel (a test compares). SMPP 3.4 has no
word for some of them; those have a number of the range that 3.4 leaves to the SMSC's vendor (5.1.3, 0x400 to 0x4FF).
docs/smpp-server.md lists the table.
"""

from collections.abc import Mapping
from typing import Final

from whimbrel.base.errors import CATALOGUE, Unanswerable, public
from whimbrel.codec.smpp.statuses import Status

INSUFFICIENT_BALANCE: Final = 0x401
OPTED_OUT: Final = 0x402
CLOSING: Final = Status.ESME_RMSGQFUL
"""For what comes while we unbind: as for `overloaded`, it can be sent again later or on another bind."""
NO_ANSWER: Final = -1
"""In place of a status: nobody knows whether the request was carried out, so it is not answered."""

STATUS_OF: Final[Mapping[str, int]] = {
    # who asks
    "unauthorized": Status.ESME_RSUBMITFAIL,
    "account_suspended": Status.ESME_RSUBMITFAIL,
    "account_moving": Status.ESME_RMSGQFUL,
    "cell_unavailable": Status.ESME_RMSGQFUL,
    "rate_limited": Status.ESME_RTHROTTLED,
    "overloaded": Status.ESME_RMSGQFUL,
    "internal_error": Status.ESME_RSYSERR,
    "idempotency_key_reused": Status.ESME_RINVOPTPARAMVAL,
    "idempotency_in_progress": Status.ESME_RTHROTTLED,
    # the message
    "recipient_missing": Status.ESME_RINVDSTADR,
    "invalid_number": Status.ESME_RINVDSTADR,
    "text_missing": Status.ESME_RINVMSGLEN,
    "text_too_long": Status.ESME_RINVMSGLEN,
    "too_many_parts": Status.ESME_RINVMSGLEN,
    "invalid_text": Status.ESME_RSUBMITFAIL,
    "invalid_sender": Status.ESME_RINVSRCADR,
    "sender_not_allowed": Status.ESME_RINVSRCADR,
    "no_sender": Status.ESME_RINVSRCADR,
    "sender_not_approved": Status.ESME_RINVSRCADR,
    "sender_unregistered": Status.ESME_RINVSRCADR,
    "sender_forbidden": Status.ESME_RINVSRCADR,
    "notice_missing": Status.ESME_RSUBMITFAIL,
    "invalid_class": Status.ESME_RSUBMITFAIL,
    "invalid_schedule": Status.ESME_RINVSCHED,
    "invalid_validity": Status.ESME_RINVEXPIRY,
    "opted_out": OPTED_OUT,
    "suppressed": OPTED_OUT,
    "no_consent": OPTED_OUT,
    "quiet_hours": Status.ESME_RSUBMITFAIL,
    "frequency_cap": Status.ESME_RSUBMITFAIL,
    "media_not_found": Status.ESME_RSUBMITFAIL,
    "no_route": Status.ESME_RSUBMITFAIL,
    "no_price": Status.ESME_RSUBMITFAIL,
    "price_over_max": Status.ESME_RSUBMITFAIL,
    "insufficient_balance": INSUFFICIENT_BALANCE,
    # query_sm and cancel_sm
    "not_found": Status.ESME_RINVMSGID,
    "not_cancelable": Status.ESME_RCANCELFAIL,
}


def status_of(code: str) -> int:
    """The command_status of a refusal with this code."""
    spec = CATALOGUE.get(code)
    is_final = spec is not None and spec.permanent and spec.http != 0
    return int(STATUS_OF.get(code, Status.ESME_RSUBMITFAIL if is_final else Status.ESME_RSYSERR))


def refusal_of(error: BaseException) -> tuple[int, str]:
    """command_status and code of whatever was raised; what is no refusal of the catalogue is our own fault. NO_ANSWER
    where nobody knows what became of the request."""
    if isinstance(error, Unanswerable):
        return NO_ANSWER, "internal_error"
    code = public(error).code if isinstance(error, Exception) else "internal_error"
    return status_of(code), code
