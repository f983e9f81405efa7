"""Texts of phones that answer a mail: each becomes a mail to go out, in the commit that moves the cursor of this
follower of the log, so a text is answered for once. It answers the newest mail that became a text from the number that
the phone writes to. STOP, START and HELP have been answered elsewhere, and are no answers.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import DAY_US
from whimbrel.base.limits import MAILBOX_ANSWER_DAYS_MAX
from whimbrel.base.log import mask_number
from whimbrel.domain.mailboxes import Mailbox, MailboxMail
from whimbrel.domain.model import KEYWORDS, Message
from whimbrel.journey.follower import Follower, Taken
from whimbrel.manage.context import Context
from whimbrel.products.mailboxes.receiving import opened, phone_hash, sealed
from whimbrel.products.mailboxes.shapes import settings_of
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

CURSOR: Final = "mailbox_answers"
_READ: Final = 500
_IDLE_S: Final = 0.5
_MAILS: Final = 5_000  # of all phones of a list; beyond it each phone's are read alone
_MAILS_EACH: Final = 200


class _Received(msgspec.Struct, frozen=True):
    position: int
    message_id: str


class Answers(Follower):
    """Follows inbound texts."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx.store, CURSOR, limit=_READ, idle_s=_IDLE_S)
        self._ctx = ctx

    async def _take(self, position: int) -> Taken:
        rows = await self._store.fetch(_Received, "events_received_after", position, _READ)
        if not rows:
            return Taken(0, position)
        found = await self._store.messages([row.message_id for row in rows])
        answers = await self._answers([each for each in found if not each.flags & KEYWORDS])
        writes = (Write("mailbox_mail_insert", tuple(to_columns(each) for each in answers)),) if answers else ()
        return Taken(len(rows), rows[-1].position, writes)

    async def _answers(self, texts: Sequence[Message]) -> list[MailboxMail]:
        hashes = {text.id: phone_hash(self._ctx.vault, text.account_id, text.sender) for text in texts if text.sender}
        mails = await self._mails(sorted(set(hashes.values()))) if hashes else []
        if not mails:
            return []
        sent = {each.id: each for each in await self._store.messages([mail.message_id or "" for mail in mails])}
        rows = await self._store.fetch(Mailbox, "mailboxes_by_ids", sorted({mail.mailbox_id for mail in mails}))
        mailboxes = {row.id: row for row in rows}
        made = []
        for text in texts:
            mine = [mail for mail in mails if mail.phone_hash == hashes.get(text.id)]
            mail = next((each for each in mine if _is_answered(text, each, sent, mailboxes)), None)
            answer = None if mail is None else self._answer(text, mail)
            made += [answer] if answer is not None else []
        return made

    async def _mails(self, hashes: Sequence[int]) -> list[MailboxMail]:
        """The newest first."""
        since = ids.floor_id(ids.MAILBOX_MAIL, self._ctx.clock.now_us() - MAILBOX_ANSWER_DAYS_MAX * DAY_US)
        statement = "mailbox_mails_of_phones"
        found = await self._store.fetch(MailboxMail, statement, list(hashes), since, _MAILS)
        if len(found) < _MAILS:
            return found
        each = [await self._store.fetch(MailboxMail, statement, [one], since, _MAILS_EACH) for one in hashes]
        return [mail for mails in each for mail in mails]

    def _answer(self, text: Message, mail: MailboxMail) -> MailboxMail | None:
        about = opened(self._ctx.vault, mail)
        if about is None or not about.to:
            return None
        answer_id, now = ids.MAILBOX_MAIL + text.id[2:], self._ctx.clock.now_us()
        return MailboxMail(
            id=answer_id,
            account_id=mail.account_id,
            mailbox_id=mail.mailbox_id,
            kind="answer",
            state="pending",
            reason="",
            detail="",
            message_id=text.id,
            phone=mask_number(text.sender),
            mail=sealed(self._ctx.vault, answer_id, msgspec.structs.replace(about, attachments=0)),
            phone_hash=None,
            taken=None,
            tries=0,
            due_at=now,
            created_at=now,
            updated_at=now,
        )


def _is_answered(
    text: Message, mail: MailboxMail, sent: Mapping[str, Message], mailboxes: Mapping[str, Mailbox]
) -> bool:
    """Whether a text answers this mail: it is younger, not too much, and goes to the number that the mail came from."""
    message, mailbox = sent.get(mail.message_id or ""), mailboxes.get(mail.mailbox_id)
    if message is None or mailbox is None or mail.account_id != text.account_id:
        return False
    is_ours = message.sender.lstrip("+") == text.recipient.lstrip("+")
    settings = settings_of(mailbox)
    is_in_time = 0 <= text.created_at - mail.created_at <= settings.answer_days * DAY_US
    return is_ours and is_in_time and settings.answers != "none"
