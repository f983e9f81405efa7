"""Keywords: the one confirmation that follows a STOP, START or HELP. 47 CFR 64.1200(a)(12) allows exactly one after a
STOP, within five minutes; so one that cannot go by then does not go. The opt-out itself took effect in the commit that
stored the text; this follows the event log by a durable cursor, and each confirmation's key is its inbound message, so
that a crash neither loses nor repeats it.
"""

import logging

import msgspec

from whimbrel.base import limits
from whimbrel.base.clock import DAY_US, SECOND_US, Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import Ids
from whimbrel.base.vault import Vault
from whimbrel.domain.consent import Heard, OwnWord, agreement, confirmation, heard, language_for
from whimbrel.domain.model import KEYWORDS, Draft, Flag, Message, Options
from whimbrel.domain.numbers import normalise
from whimbrel.domain.permission import MARKETING
from whimbrel.journey.accept import Accept
from whimbrel.journey.consent_requests import ConsentRequests, Question
from whimbrel.journey.follower import Follower, Taken
from whimbrel.journey.record import IdempotencyKey
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store

_log = logging.getLogger("whimbrel.keywords")
CURSOR = "keywords"
_READ = 200
_IDLE_S = 5.0
_ASKED_FOR_US = 3 * DAY_US


class _Received(msgspec.Struct, frozen=True):
    position: int
    message_id: str


class Keywords(Follower):
    """Answers keywords."""

    def __init__(self, *, store: Store, tables: Tables, accept: Accept, clock: Clock, ids: Ids, vault: Vault) -> None:
        super().__init__(store, CURSOR, limit=_READ, idle_s=_IDLE_S)
        self._tables = tables
        self._accept = accept
        self._clock = clock
        self._requests = ConsentRequests(store=store, tables=tables, clock=clock, ids=ids, vault=vault, accept=accept)

    async def _take(self, position: int) -> Taken:
        rows = await self._store.fetch(_Received, "events_received_after", position, _READ)
        if not rows:
            return Taken(0, position)
        for message in await self._store.messages([row.message_id for row in rows]):
            await self._answer(message)
        return Taken(len(rows), rows[-1].position)

    async def _answer(self, message: Message) -> None:
        account = self._tables.accounts.get(message.account_id)
        if not message.flags & KEYWORDS or account is None or account.status != "active":
            return
        hearing = self._tables.consent.hearing(message.account_id, message.recipient)
        said = _heard(message, hearing.words)
        if said is None:
            return
        if said.word == "join" and hearing.joins == "request":
            await self._ask(message, said)
            return
        validity_s = self._seconds_left(message) if said.word == "stop" else None
        if validity_s is not None and validity_s < limits.VALIDITY_MIN_S:
            _log.warning("a STOP is not confirmed any more", extra={"message_id": message.id})
            return
        number = normalise(message.sender)
        language = language_for(said, number.country if number else None)
        consent = self._tables.consent
        name = consent.name_of(message.account_id, message.recipient) or account.name
        own = consent.text_for(message.account_id, message.recipient, said.word, language)
        draft = Draft(
            account_id=message.account_id,
            test=message.test,
            door="keyword",
            recipient=message.sender,
            text=confirmation(said.word, name, language, own),
            sender=message.recipient,
            validity_s=validity_s,
            options=Options(reply_to=message.id),
            bypass_opt_out=True,
        )
        key = IdempotencyKey(message.account_id, "keyword", message.id, message.id.encode())
        (verdict,) = (await self._accept.submit([draft], key=key)).verdicts
        if verdict.code is not None:
            _log.warning("a confirmation was refused", extra={"message_id": message.id, "code": verdict.code})

    def _seconds_left(self, stop: Message) -> int:
        """In which the confirmation of a STOP may go."""
        return (stop.created_at - self._clock.now_us()) // SECOND_US + limits.CONFIRMATION_S

    async def _ask(self, message: Message, said: Heard) -> None:
        """A word of the account's own asks back, where the account wants that."""
        number = normalise(message.sender)
        if number is None or said.own is None:
            return
        question = Question(
            account_id=message.account_id,
            number=number,
            purpose=said.own.purpose or MARKETING,
            actor="phone",
            lasts_us=_ASKED_FOR_US,
            sender=message.recipient,
            language=said.language if said.language != "en" else "",
            proof={"word_id": said.own.id, "asked_by": message.id},
            door="keyword",
            reply_to=message.id,
        )
        try:
            await self._requests.ask(question)
        except WhimbrelError as error:
            _log.warning("nobody was asked for consent", extra={"message_id": message.id, "code": error.code})


def _heard(message: Message, own: tuple[OwnWord, ...]) -> Heard | None:
    """The keyword of a text whose flags say that it counted: a YES of another language says nothing by itself."""
    said = heard(message.text, message.encoding, is_addressed=False, own=own)
    if said is None and message.flags & Flag.KEYWORD_START:
        return Heard("start", "whole", agreement(message.text) or "en")
    return said
