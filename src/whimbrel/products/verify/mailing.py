"""Codes by mail: the text of the language as a subject, as plain text and as a simple page."""

import asyncio
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Final, Protocol

from whimbrel.base.clock import SECOND_US
from whimbrel.net.smtp import MailError
from whimbrel.products.verify import texts
from whimbrel.products.verify.ways import Outcome, Parcel

_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})


class Mails(Protocol):
    """What takes mail."""

    async def send(self, sender: str, recipients: tuple[str, ...], mail: bytes) -> None:
        """MailError unless it was taken."""
        ...


class MailWay:
    """Mail from `sender`."""

    takes_addresses = True
    report_secret = ""

    def __init__(self, mails: Mails, sender: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._mails = mails
        self._sender = sender

    async def start(self) -> None:
        """There is a connection for each mail."""

    async def stop(self) -> None:
        """Nothing is open."""

    async def carry(self, parcel: Parcel) -> Outcome:
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._mails.send(self._sender, (parcel.to,), written(parcel, self._sender))
        except TimeoutError:
            return Outcome("in_doubt", "timeout")
        except MailError as error:
            if error.is_doubtful:
                return Outcome("in_doubt", "connection_lost")
            reason = f"smtp_{error.code}" if error.code else "connect_failed"
            return Outcome("refused", reason, is_temporary=not error.is_permanent)
        return Outcome("sent")


def written(parcel: Parcel, sender: str) -> bytes:
    """The mail: each try is the same but for its date. Nothing in it is beyond ASCII."""
    sentence = texts.sentence(parcel.code, service=parcel.service, language=parcel.language, warns=parcel.warns)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = parcel.to
    mail["Subject"] = texts.sentence(parcel.code, service=parcel.service, language=parcel.language)
    mail["Date"] = format_datetime(datetime.fromtimestamp(parcel.at_us / SECOND_US, UTC))
    mail["Message-ID"] = f"<{parcel.attempt_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 5: nobody's holiday answers it
    mail["Content-Language"] = parcel.language
    mail.set_content(sentence + "\n", cte="quoted-printable")  # also for servers that take seven bits only
    mail.add_alternative(_page(parcel, sentence), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{parcel.attempt_id}")
    return mail.as_bytes()


def _page(parcel: Parcel, sentence: str) -> str:
    direction = "rtl" if parcel.language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"
    code = escape(parcel.code)
    said = escape(sentence).replace(code, f'<strong style="font-size:1.4em;letter-spacing:.1em">{code}</strong>', 1)
    return (
        f'<!doctype html>\n<html lang="{escape(parcel.language)}" dir="{direction}">\n<head><meta charset="utf-8">'
        f"<title>{escape(parcel.service)}</title></head>\n<body><p>{said}</p></body>\n</html>\n"
    )
