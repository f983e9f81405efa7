"""Answering: the one answer to a text that is a keyword of the account. It follows the event log by a durable cursor,
as the confirmations of STOP do (`journey/keywords.py`): the answer's key is the text, so that a crash neither loses nor
repeats it; what it is counted by is written in the commit that moves the cursor.

Somebody who was answered so many times within an hour is answered no more: two machines would go on for ever.
"""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import KEYWORD_ANSWERS_PER_HOUR
from whimbrel.base.metrics import Metrics
from whimbrel.domain.keyword_rules import Keyword, KeywordBook, KeywordRule, answer
from whimbrel.domain.model import KEYWORDS, Draft, Message, Options
from whimbrel.domain.numbers import normalise
from whimbrel.domain.templates.use import TemplateUse
from whimbrel.journey.accept import Accept
from whimbrel.journey.follower import Follower, Taken
from whimbrel.journey.record import IdempotencyKey
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.products.contacts import keeping
from whimbrel.products.contacts.shapes import NewContact
from whimbrel.store.interface import Write

_log = logging.getLogger("whimbrel.keywords")
CURSOR: Final = "keyword_answers"
_READ = 200
_IDLE_S = 0.3
_HOUR_US: Final = 3600 * SECOND_US


class _Received(msgspec.Struct, frozen=True):
    position: int
    message_id: str


class _Pace(msgspec.Struct, frozen=True, gc=False):
    """Columns of `keyword_paces_of`."""

    number_hash: int
    account_id: str
    since: int
    answers: int


class _Language(msgspec.Struct, frozen=True):
    language: str | None


class Answering(Follower):
    """Answers keywords of accounts."""

    def __init__(self, ctx: Context, accept: Accept, tables: Tables, metrics: Metrics) -> None:
        super().__init__(ctx.store, CURSOR, limit=_READ, idle_s=_IDLE_S)
        self._ctx = ctx
        self._accept = accept
        self._tables = tables
        self._metrics = metrics

    async def _take(self, position: int) -> Taken:
        rows = await self._store.fetch(_Received, "events_received_after", position, _READ)
        if not rows:
            return Taken(0, position)
        found = await self._store.messages([row.message_id for row in rows])
        texts = sorted((each for each in found if not each.flags & KEYWORDS), key=lambda each: each.id)
        writes = await self._answered(texts) if texts else []
        return Taken(len(rows), rows[-1].position, tuple(writes))

    async def _answered(self, texts: Sequence[Message]) -> list[Write]:
        """Answer what is a keyword; what is to be written of it."""
        books = await self._books(sorted({text.account_id for text in texts}))
        said = [(text, found) for text in texts if (found := self._match(text, books)) is not None]
        if not said:
            return []
        now = self._ctx.clock.now_us()
        paces = await self._paces([text for text, _ in said], now)
        counts: list[tuple[str, str, int]] = []
        for text, (keyword, rule) in said:
            pace = paces[text.sender_hash, text.account_id]
            result = "held" if pace[1] >= KEYWORD_ANSWERS_PER_HOUR else await self._do(text, keyword, rule, now)
            if result == "answered":
                pace[1] += 1
            self._metrics.keyword_answers.labels(result).inc()
            counts.append((keyword.id, keyword.account_id, text.created_at))
        spent = tuple((*key, since, answers) for key, (since, answers) in sorted(paces.items()))
        return [
            Write("keyword_count", tuple(counts)),
            Write("keyword_pace_set", spent),
            Write("keyword_paces_purge", ((now - 24 * _HOUR_US,),)),
        ]

    async def _books(self, accounts: Sequence[str]) -> dict[str, KeywordBook]:
        own: dict[str, list[Keyword]] = {}
        for row in await self._store.fetch(Keyword, "keywords_of_accounts", accounts):
            own.setdefault(row.account_id, []).append(row)
        return {account_id: KeywordBook(rows) for account_id, rows in own.items()}

    def _match(self, text: Message, books: dict[str, KeywordBook]) -> tuple[Keyword, KeywordRule] | None:
        book = books.get(text.account_id)
        if book is None or text.encoding == "binary":
            return None
        number = self._tables.senders_by_value.get(text.recipient.lstrip("+"))
        near = () if number is None else (number.id, *self._tables.pools.of_sender.get(number.id, ()))
        return book.match(text.text, (*near, text.account_id))

    async def _paces(self, texts: Sequence[Message], now: int) -> dict[tuple[int, str], list[int]]:
        """Since when, and how many answers since then, by phone and account."""
        hashes = sorted({text.sender_hash for text in texts})
        rows = await self._store.fetch(_Pace, "keyword_paces_of", hashes)
        known = {(row.number_hash, row.account_id): [row.since, row.answers] for row in rows}
        found: dict[tuple[int, str], list[int]] = {}
        for text in texts:
            key = (text.sender_hash, text.account_id)
            since, answers = known.get(key, (now, 0))
            found[key] = [now, 0] if since <= now - _HOUR_US else [since, answers]
        return found

    async def _do(self, text: Message, keyword: Keyword, rule: KeywordRule, now: int) -> str:
        """Answered, silent (there is nothing to say), or refused."""
        account = self._tables.accounts.get(text.account_id)
        if account is None or account.status != "active":
            return "refused"
        if rule.tag or rule.list:
            await self._label(text, rule)
        number = normalise(text.sender)
        language = await self._language(text)
        country = number.country if number else None
        said = answer(rule, phone=text.sender, country=country, language=language, now_us=now)
        if said is None:
            return "silent"
        draft = Draft(
            account_id=text.account_id,
            test=text.test,
            door="keyword",
            recipient=text.sender,
            text=said.text,
            sender=text.recipient,
            options=Options(reply_to=text.id, metadata={"keyword": keyword.name}),
        )
        if not said.text and rule.template is not None:
            use = TemplateUse(rule.template, rule.variables, said.language)
            draft = msgspec.structs.replace(draft, message_class="", template=use)
        key = IdempotencyKey(text.account_id, "keyword_answer", text.id, text.id.encode())
        (verdict,) = (await self._accept.submit([draft], key=key)).verdicts
        if verdict.code is not None:
            _log.warning("an answer was refused", extra={"message_id": text.id, "code": verdict.code})
            return "refused"
        return "answered"

    async def _label(self, text: Message, rule: KeywordRule) -> None:
        """Who says the word becomes a contact with the tag or on the list."""
        request = NewContact(
            number=text.sender,
            tags=(rule.tag,) if rule.tag else (),
            lists=(rule.list,) if rule.list else (),
        )
        try:
            await keeping.put(self._ctx, request, account_id=text.account_id, test=text.test)
        except WhimbrelError as error:
            _log.warning("a contact was not labelled", extra={"message_id": text.id, "code": error.code})

    async def _language(self, text: Message) -> str | None:
        rows = await self._store.fetch(_Language, "contact_language", text.account_id, int(text.test), text.sender)
        return rows[0].language if rows else None
