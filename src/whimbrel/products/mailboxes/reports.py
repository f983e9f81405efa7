"""What became of texts of mails, by mail to who wrote them. The log is only read while some mailbox wants it, from
where it stood when the first one came: traffic of which nobody wants to hear costs nothing.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base import ids
from whimbrel.domain.mailboxes import Correspondence, Mailbox, MailboxMail
from whimbrel.domain.model import Event, Message
from whimbrel.journey.follower import Follower, Taken, stretch
from whimbrel.manage.context import Context
from whimbrel.products.mailboxes.receiving import opened, sealed
from whimbrel.products.mailboxes.shapes import settings_of
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

CURSOR: Final = "mailbox_reports"
_READ: Final = 500
_SCAN: Final = 20_000  # events of all kinds that one look goes through
_IDLE_S: Final = 0.5
_DELIVERED: Final = "message.delivered"
_TYPES: Final = (
    _DELIVERED,
    *(f"message.{each}" for each in ("undelivered", "failed", "expired", "rejected", "unknown")),
)


class Reports(Follower):
    """Follows the ends of messages as long as there are mailboxes that report."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx.store, CURSOR, limit=_SCAN, idle_s=_IDLE_S)
        self._ctx = ctx
        self._idle_at: int | None = None
        """Where the log ended when nobody wanted to hear of it."""

    async def _take(self, position: int) -> Taken:
        if not await self._store.fetch(str, "mailboxes_reporting", ""):
            self._idle_at = await self._store.last_position()
            return Taken(0, position)
        idle_at, self._idle_at = self._idle_at, None
        if idle_at is not None and idle_at > position:
            return Taken(1, idle_at, more=True)
        part = await stretch(self._store, position, _SCAN)
        if not part.count:
            return Taken(0, position)
        events = await self._store.fetch(Event, "events_of_types", position, part.end, list(_TYPES), _READ)
        is_whole = len(events) < _READ
        reports = await self._reports(events)
        writes = (Write("mailbox_mail_insert", tuple(to_columns(each) for each in reports)),) if reports else ()
        return Taken(part.count, part.end if is_whole else events[-1].position, writes, more=not is_whole)

    async def _reports(self, events: Sequence[Event]) -> list[MailboxMail]:
        accounts = sorted({event.account_id for event in events})
        wants = set(await self._store.fetch(str, "mailboxes_reporting_of", accounts) if accounts else ())
        subjects = sorted({event.subject_id for event in events if event.account_id in wants})
        mails = await self._store.fetch(MailboxMail, "mailbox_mails_of_messages", subjects) if subjects else []
        if not mails:
            return []
        rows = await self._store.fetch(Mailbox, "mailboxes_by_ids", sorted({mail.mailbox_id for mail in mails}))
        wanted = {row.id: settings_of(row).report for row in rows}
        messages = {each.id: each for each in await self._store.messages([mail.message_id or "" for mail in mails])}
        of_message = {mail.message_id: mail for mail in mails}
        made = []
        for event in events:
            mail = of_message.get(event.subject_id)
            report = "none" if mail is None else wanted.get(mail.mailbox_id, "none")
            if mail is not None and (report == "all" or (report == "failed" and event.type != _DELIVERED)):
                made += self._report(event, mail, messages.get(event.subject_id))
        return made

    def _report(self, event: Event, mail: MailboxMail, message: Message | None) -> list[MailboxMail]:
        about = opened(self._ctx.vault, mail)
        if about is None or message is None:
            return []
        report_id = ids.MAILBOX_MAIL + ids.event_id(event.subject_id, event.seq)[2:]
        now = self._ctx.clock.now_us()
        told = Correspondence(
            to=about.to or about.writer,
            subject=about.subject,
            message_id=about.message_id,
            references=about.references,
            number=about.number,
            state=event.type.partition(".")[2],
            reason=message.reason or "",
        )
        report = msgspec.structs.replace(
            mail,
            id=report_id,
            kind="report",
            state="pending",
            reason=message.reason or "",
            mail=sealed(self._ctx.vault, report_id, told),
            phone_hash=None,
            taken=None,
            due_at=now,
            created_at=now,
            updated_at=now,
        )
        return [report]
