"""Mail that goes out for a mailbox: a phone's answer to who wrote to it, and word of what became of a text. One row of
the log makes the same octets on every try, so that whoever gets it twice can tell.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime
from typing import Final

import msgspec

from whimbrel.domain.mail_addresses import domain_of
from whimbrel.domain.mail_reading import OUR_FIELD

_REFERENCES_MAX: Final = 12
_SUBJECT_MAX: Final = 200
_SECOND_US: Final = 1_000_000
_POLICY: Final = compat32.clone(linesep="\r\n", max_line_length=78)  # the newer ones encode ids that are long


def _quoted_printable() -> Charset:
    charset = Charset("utf-8")
    charset.body_encoding = QP
    return charset


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail to write. `sender` is an address of our domain, `shown` the name before it; `answers` is the Message-ID
    of the mail that it answers, and `references` those before that. `id` names it for good. `automatic`: nobody typed
    it."""

    id: str
    mailbox_id: str
    sender: str
    shown: str
    to: str
    subject: str
    body: str
    answers: str = ""
    references: tuple[str, ...] = ()
    at_us: int
    automatic: bool


def written(letter: Letter) -> bytes:
    """Its octets."""
    mail = MIMENonMultipart("text", "plain", charset="utf-8", policy=_POLICY)
    domain = domain_of(letter.sender)
    mail["From"] = f"{letter.shown} <{letter.sender}>"
    mail["To"] = letter.to
    subject = letter.subject[:_SUBJECT_MAX]
    mail["Subject"] = subject if subject.isascii() else Header(subject, "utf-8", header_name="Subject").encode()
    mail["Date"] = format_datetime(datetime.fromtimestamp(letter.at_us / _SECOND_US, UTC))
    mail["Message-ID"] = f"<{letter.id}@{domain}>"
    if letter.answers:
        mail["In-Reply-To"] = letter.answers
        mail["References"] = " ".join(_thread(letter.references, letter.answers))
    mail["Auto-Submitted"] = "auto-generated" if letter.automatic else "no"  # RFC 3834 5
    mail[OUR_FIELD] = letter.mailbox_id
    mail.set_payload(letter.body, _quoted_printable())
    return mail.as_bytes()


def answering(subject: str) -> str:
    """The subject of an answer (RFC 5322 3.6.5)."""
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _thread(references: Sequence[str], answers: str) -> list[str]:
    """RFC 5322 3.6.4: those of the mail that is answered, and its own id last. The first stays when there are many."""
    known = [each for each in references if each != answers]
    kept = known if len(known) < _REFERENCES_MAX else [known[0], *known[-_REFERENCES_MAX + 2 :]]
    return [*kept, answers]
