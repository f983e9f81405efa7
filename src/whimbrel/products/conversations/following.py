"""Conversations begin with a phone's text, or go on with it. This follows the inbound texts of the event log, which
have an index of their own: outbound traffic costs nothing here, however much there is. What was sent joins a
conversation when it is read, by the numbers.

A text may bring about more: it is the rating that the phone was asked for, or it came while nobody is there. What is
decided of it goes by the text's own time and by rows that change in the commit of the cursor, and each automatic answer
has the text's id as its key: so it is the same when a crash makes it be decided again, and is sent once.

A database that is older than conversations has texts that were dealt with by other means: they are taken as read.
"""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.conversations import (
    Conversation,
    Pair,
    Reaction,
    arrivals,
    pair_of,
    reaction,
)
from whimbrel.domain.model import Draft, Message, Options
from whimbrel.journey.accept import Accept
from whimbrel.journey.follower import Follower, Taken
from whimbrel.journey.record import IdempotencyKey
from whimbrel.products.conversations import desk, writes
from whimbrel.products.conversations.working import DOOR
from whimbrel.store.interface import Store, Write
from whimbrel.store.migrations import Applied

_log = logging.getLogger("whimbrel.conversations")
CURSOR: Final = "conversations"
_READ: Final = 500
_IDLE_S: Final = 0.5
_MIGRATION: Final = "conversations"


class _Received(msgspec.Struct, frozen=True):
    position: int
    message_id: str


class Conversations(Follower):
    """Keeps `conversations` up with the log."""

    def __init__(self, store: Store, accept: Accept) -> None:
        super().__init__(store, CURSOR, limit=_READ, idle_s=_IDLE_S)
        self._accept = accept
        self._since_us: int | None = None

    async def _take(self, position: int) -> Taken:
        rows = await self._store.fetch(_Received, "events_received_after", position, _READ)
        if not rows:
            return Taken(0, position)
        messages = await self._store.messages([row.message_id for row in rows])
        if not messages:
            return Taken(len(rows), rows[-1].position)
        since = await self._begin()
        reactions = await self._reactions([each for each in messages if each.created_at >= since])
        for message, what in reactions:
            if what.answer:
                await self._answer(message, what.answer)
        rated = frozenset(message.id for message, what in reactions if what.score)
        # the thread shows the texts with the conversation, and does not wait for the index
        shown = Write("message_numbers_add", (([message.id for message in messages],),))
        also = (*_rated(reactions), *writes.received(arrivals(messages, since, rated)), *_away(reactions), shown)
        return Taken(len(rows), rows[-1].position, also)

    async def _reactions(self, messages: Sequence[Message]) -> list[tuple[Message, Reaction]]:
        """What these texts bring about, in the order in which they came."""
        desks = await desk.of_accounts(self._store, list({each.account_id for each in messages}))
        asked = [each for each in messages if each.account_id in desks]
        if not asked:
            return []
        known = await self._known(asked)
        found: list[tuple[Message, Reaction]] = []
        for message in sorted(asked, key=lambda each: each.id):
            before = known.get(pair_of(message))
            what = reaction(before, message, desks[message.account_id])
            known[pair_of(message)] = _after(before, message, what)
            if what.score or what.answer:
                found.append((message, what))
        return found

    async def _known(self, messages: Sequence[Message]) -> dict[Pair, Conversation]:
        whose = (list({each.account_id for each in messages}), list({each.sender_hash for each in messages}))
        rows = await self._store.fetch(Conversation, "conversations_between", *whose)
        return {row.pair: row for row in rows}

    async def _answer(self, message: Message, text: str) -> None:
        draft = Draft(
            account_id=message.account_id,
            test=message.test,
            door=DOOR,
            recipient=message.sender,
            text=text,
            sender=message.recipient,
            options=Options(reply_to=message.id),
        )
        key = IdempotencyKey(message.account_id, DOOR, message.id, message.id.encode())
        try:
            (verdict,) = (await self._accept.submit([draft], key=key)).verdicts
            code = verdict.code
        except WhimbrelError as error:
            if error.code in _LATER:
                raise
            code = error.code
        if code is not None:
            _log.info("an automatic answer was refused", extra={"message_id": message.id, "code": code})

    async def _begin(self) -> int:
        """When this database got its conversations."""
        if self._since_us is None:
            applied = await self._store.fetch(Applied, "schema_applied")
            self._since_us = next((each.applied_at for each in applied if each.name == _MIGRATION), 0)
        return self._since_us


_LATER: Final = frozenset({"overloaded", "idempotency_in_progress", "account_moving"})
"""What passes: the list is taken again."""


def _after(before: Conversation | None, message: Message, what: Reaction) -> Conversation:
    """How the conversation stands for the next text of the same list."""
    row = before or Conversation("", *pair_of(message), message.id, message.id, 0)
    if what.is_away:
        row = msgspec.structs.replace(row, away_at=message.created_at)
    return msgspec.structs.replace(row, asked_at=0)


def _rated(reactions: Sequence[tuple[Message, Reaction]]) -> list[Write]:
    """Before the texts are taken in: one that is no rating ends the question."""
    kept: list[Write] = []
    for message, what in reactions:
        if what.score:
            kept += writes.rated(pair_of(message), what.score, message.created_at)
    return kept


def _away(reactions: Sequence[tuple[Message, Reaction]]) -> list[Write]:
    """After they are: the conversation is there then."""
    away = tuple((*pair_of(message), message.created_at) for message, what in reactions if what.is_away)
    return [Write("conversation_away", away)] if away else []
