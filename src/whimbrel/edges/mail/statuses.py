"""What a refusal is called in SMTP: reply code (RFC 5321 4.2) and enhanced status code (RFC 3463), with the catalogue's
words. A mail server tries again after 4xx, and tells the writer at once after 5xx. docs/mail.md lists the table.
"""

from collections.abc import Mapping
from typing import Final

from whimbrel.base.errors import CATALOGUE, Unanswerable, public

_LINE_MAX: Final = 400  # octets; RFC 5321 4.5.3.1.5 has 512 with the code
LATER: Final = "451 4.3.0"

STATUS_OF: Final[Mapping[str, str]] = {
    # the mailbox
    "mailbox_unknown": "550 5.1.1",
    "mail_sender_unknown": "550 5.7.1",
    "mail_sender_ambiguous": "550 5.7.1",
    "mail_not_authenticated": "550 5.7.26",
    "mail_automatic": "550 5.7.1",
    "mail_unreadable": "550 5.6.0",
    "mailbox_paused": "550 5.2.1",
    "account_suspended": "550 5.2.1",
    "rate_limited": "451 4.7.1",
    "account_moving": LATER,
    "cell_unavailable": LATER,
    "overloaded": LATER,
    "internal_error": LATER,
    "idempotency_in_progress": LATER,
    # the text
    "invalid_number": "553 5.1.3",
    "text_missing": "550 5.6.0",
    "invalid_text": "550 5.6.0",
    "text_too_long": "552 5.3.4",
    "too_many_parts": "552 5.3.4",
    "media_not_found": "550 5.6.0",
    "invalid_sender": "550 5.7.1",
    "sender_not_allowed": "550 5.7.1",
    "no_sender": "550 5.7.1",
    "sender_not_approved": "550 5.7.1",
    "sender_unregistered": "550 5.7.1",
    "sender_forbidden": "550 5.7.1",
    "notice_missing": "550 5.7.1",
    "opted_out": "550 5.7.1",
    "suppressed": "550 5.7.1",
    "no_consent": "550 5.7.1",
    "quiet_hours": "550 5.7.1",
    "frequency_cap": "550 5.7.1",
    "no_route": "550 5.1.2",
    "no_price": "550 5.1.2",
    "price_over_max": "550 5.7.1",
    "insufficient_balance": "552 5.2.2",
}
_OTHER: Final = "550 5.0.0"


def reply(code: str, detail: str = "") -> str:
    """The reply to a refusal with this code."""
    spec = CATALOGUE[code]
    said = f"{spec.title} {detail or spec.advice}" if detail != spec.title else spec.title
    return line(f"{STATUS_OF.get(code, _OTHER)} {code}: {said}")


def reply_to(error: Exception) -> str:
    """The reply to whatever was raised. Where nobody knows whether the texts were stored, the mail shall come again:
    what was stored of it is known then."""
    if isinstance(error, Unanswerable):
        return line(f"{LATER} Try again.")
    known = public(error)
    return reply(known.code, known.detail)


def line(text: str) -> str:
    """As it may stand in a reply."""
    return " ".join(text.encode("ascii", "replace").decode().split())[:_LINE_MAX]
