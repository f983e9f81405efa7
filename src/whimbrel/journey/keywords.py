"""Keywords: the one confirmation that follows a STOP, START or HELP (47 CFR 64.1200(a)(12) allows exactly one after a
STOP). The opt-out itself took effect in the commit that stored the text; this follows the event log by a durable
cursor, and each confirmation's key is its inbound message, so that a crash neither loses nor repeats it.
"""

import logging

import msgspec

from whimbrel.domain.consent import confirmation, heard, language_for
from whimbrel.domain.model import KEYWORDS, Draft, Message, Options
from whimbrel.domain.numbers import normalise
from whimbrel.journey.accept import Accept
from whimbrel.journey.follower import Follower, Taken
from whimbrel.journey.record import IdempotencyKey
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store

_log = logging.getLogger("whimbrel.keywords")
CURSOR = "keywords"
_READ = 200
_IDLE_S = 5.0


class _Received(msgspec.Struct, frozen=True):
    position: int
    message_id: str


class Keywords(Follower):
    """Answers keywords."""

    def __init__(self, *, store: Store, tables: Tables, accept: Accept) -> None:
        super().__init__(store, CURSOR, limit=_READ, idle_s=_IDLE_S)
        self._tables = tables
        self._accept = accept

    async def _take(self, position: int) -> Taken:
        rows = await self._store.fetch(_Received, "events_received_after", position, _READ)
        if not rows:
            return Taken(0, position)
        for message in await self._store.messages([row.message_id for row in rows]):
            await self._answer(message)
        return Taken(len(rows), rows[-1].position)

    async def _answer(self, message: Message) -> None:
        said = heard(message.text, message.encoding, is_addressed=False)  # its flags say that it counted
        account = self._tables.accounts.get(message.account_id)
        if said is None or not message.flags & KEYWORDS or account is None or account.status != "active":
            return
        number = normalise(message.sender)
        language = language_for(said, number.country if number else None)
        draft = Draft(
            account_id=message.account_id,
            test=message.test,
            door="keyword",
            recipient=message.sender,
            text=confirmation(said.word, account.name, language),
            sender=message.recipient,
            options=Options(reply_to=message.id),
            bypass_opt_out=True,
        )
        key = IdempotencyKey(message.account_id, "keyword", message.id, message.id.encode())
        (verdict,) = (await self._accept.submit([draft], key=key)).verdicts
        if verdict.code is not None:
            _log.warning("a confirmation was refused", extra={"message_id": message.id, "code": verdict.code})
