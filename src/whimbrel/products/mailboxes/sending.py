"""Mail that goes out: what the log holds as due is handed to the server that takes ours, and how that ended is written
down. A crash between the two sends a mail twice, with the same Message-ID; nothing is lost.
"""

import asyncio
import logging
from typing import Final

from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import CATALOGUE
from whimbrel.base.limits import MAILBOX_TRIES_MAX
from whimbrel.base.log import mask_text
from whimbrel.base.metrics import Metrics
from whimbrel.domain.mail_addresses import Target, address_of
from whimbrel.domain.mail_writing import Letter, answering, written
from whimbrel.domain.mailboxes import Correspondence, Mailbox, MailboxMail
from whimbrel.domain.model import Flag
from whimbrel.journey.looking import Looking
from whimbrel.manage.context import Context
from whimbrel.net.smtp import Mailer, MailError
from whimbrel.products.mailboxes.receiving import opened
from whimbrel.store.interface import Write

_log = logging.getLogger("whimbrel.mail")
_READ: Final = 50
_AT_ONCE: Final = 5
_IDLE_S: Final = 0.25
_STEPS_S: Final = (30, 120, 300, 900, 1800, 3600, 7200)
"""Seconds before the second try and those after it; the last step repeats. RFC 5321 4.5.4.1 asks for half an hour of
servers; the one that takes ours is near."""
_SHOWN_MAX: Final = 120


class Sending(Looking):
    """Sends what is due. `mailer` None: the installation sends no mail. `domain`: of phones' addresses; without one
    mail is from `sender`, who is also told of what comes back."""

    def __init__(self, ctx: Context, metrics: Metrics, mailer: Mailer | None, *, domain: str, sender: str) -> None:
        super().__init__(_IDLE_S, _log, "mail could not be sent", clock=ctx.clock, chance=ctx.chance)
        self._ctx = ctx
        self._metrics = metrics
        self._mailer = mailer
        self._domain = domain
        self._sender = sender

    async def look(self) -> None:
        """Everything that is due now."""
        while await self.take() == _READ:
            pass

    async def take(self) -> int:
        """Try what is due now; how many there were."""
        rows = await self._ctx.store.fetch(MailboxMail, "mailbox_mails_due", self._ctx.clock.now_us(), _READ)
        if not rows:
            return 0
        found = await self._ctx.store.fetch(Mailbox, "mailboxes_by_ids", sorted({row.mailbox_id for row in rows}))
        mailboxes = {each.id: each for each in found}
        room = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(self._try(row, mailboxes.get(row.mailbox_id), room) for row in rows))
        return len(rows)

    async def _try(self, row: MailboxMail, mailbox: Mailbox | None, room: asyncio.Semaphore) -> None:
        async with room:
            letter = None if mailbox is None else await self._letter(row, mailbox)
            if letter is None:
                await self._ended(row, "mail_gone")
            elif self._mailer is None:
                await self._ended(row, "mail_no_server")
            else:
                await self._hand_over(row, letter, self._mailer)

    async def _hand_over(self, row: MailboxMail, letter: Letter, mailer: Mailer) -> None:
        try:
            await mailer.send(self._sender, [letter.to], written(letter))
        except MailError as error:
            detail = f"{error.code} {error}" if error.code else str(error)
            if error.is_permanent:
                await self._ended(row, "mail_refused", detail)
            elif row.tries + 1 >= MAILBOX_TRIES_MAX:
                await self._ended(row, "mail_not_taken", detail)
            else:
                step = _STEPS_S[min(row.tries, len(_STEPS_S) - 1)]
                due = self._ctx.clock.now_us() + step * SECOND_US
                self._metrics.mailbox_sent.labels(row.kind, "later").inc()
                await self._write(row, "pending", row.reason, detail, due)
            return
        self._metrics.mailbox_sent.labels(row.kind, "sent").inc()
        await self._write(row, "sent", row.reason, "", None)

    async def _ended(self, row: MailboxMail, reason: str, detail: str = "") -> None:
        self._metrics.mailbox_sent.labels(row.kind, reason).inc()
        await self._write(row, "failed", reason, detail, None)

    async def _write(self, row: MailboxMail, state: str, reason: str, detail: str, due_at: int | None) -> None:
        shown = mask_text(detail)[:_SHOWN_MAX]  # servers repeat the address
        params = (row.id, row.tries, state, reason, shown, due_at, self._ctx.clock.now_us())
        await self._ctx.store.write([Write("mailbox_mail_tried", (params,))])

    # ---------------------------------------------------------------- what it says

    async def _letter(self, row: MailboxMail, mailbox: Mailbox) -> Letter | None:
        """None: what it was about is not there any more."""
        about = opened(self._ctx.vault, row)
        if about is None or not about.to:
            return None
        body = _report(about) if row.kind == "report" else await self._text(row)
        if not body:
            return None
        sender = address_of(Target(about.number, mailbox.tag), self._domain) if self._domain else self._sender
        return Letter(
            id=row.id,
            mailbox_id=mailbox.id,
            sender=sender,
            shown=about.number,
            to=about.to,
            subject=answering(about.subject or about.number),
            body=body,
            answers=about.message_id,
            references=about.references,
            at_us=row.created_at,
            automatic=row.kind == "report",
        )

    async def _text(self, row: MailboxMail) -> str:
        """What the phone wrote; empty once it is redacted or removed."""
        found = await self._ctx.store.messages([row.message_id] if row.message_id else [])
        is_there = bool(found) and not found[0].flags & Flag.REDACTED
        return f"{found[0].text}\n" if is_there else ""


def _report(about: Correspondence) -> str:
    spec = CATALOGUE.get(about.reason)
    lines = [f"Your text to {about.number}: {about.state}."]
    if spec is not None:
        lines += [f"{spec.title} {spec.advice}", f"({spec.code})"]
    return "\n".join(lines) + "\n"
