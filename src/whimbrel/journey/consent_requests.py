"""Requests for consent (double opt-in): one text asks, a YES from the phone grants, and both are the proof. The request
is stored in the commit of its text; the answer takes effect in the commit that stores it (`store/verbs/keywords.py`).
Nobody is asked more often than the rules of `domain/consents.py` allow.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import Clock
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.ids import Ids
from whimbrel.base.log import mask_number
from whimbrel.base.vault import Vault
from whimbrel.domain.consent import language_of, question
from whimbrel.domain.consents import (
    ASKED_APART_US,
    ASKED_MAX,
    ASKED_WITHIN_US,
    ConsentRequest,
    asks_well,
)
from whimbrel.domain.model import Door, Draft, Options, Sender
from whimbrel.domain.numbers import Number
from whimbrel.domain.senders import SenderBook
from whimbrel.journey.accept import Accept, refusal
from whimbrel.journey.record import IdempotencyKey
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store, Write
from whimbrel.store.rows import to_columns

_NONE: Final = SenderBook(())


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be asked of a number, by whom. `text`: in place of the product's words, with `{name}`; `sender`: None
    for the account's default; `reply_to`: the text by which the phone asked for it."""

    account_id: str
    number: Number
    purpose: str
    actor: str
    lasts_us: int
    sender: str | None = None
    text: str = ""
    language: str = ""
    proof: Mapping[str, Any] = {}
    door: Door = "rest"
    reply_to: str | None = None


class ConsentRequests:
    """Asks for consent."""

    def __init__(self, *, store: Store, tables: Tables, clock: Clock, ids: Ids, vault: Vault, accept: Accept) -> None:
        self._store = store
        self._tables = tables
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._accept = accept

    async def ask(self, asked: Question) -> ConsentRequest:
        """Text the question; one that waits already is texted again. WhimbrelError consent_request_limit,
        invalid_request, and whatever accept refuses."""
        sender = self._sender(asked)
        text = self._text(asked, sender)
        number_hash = self._vault.number_hash(asked.number.e164)
        before = await self._store.fetch(ConsentRequest, "consent_requests_of_number", asked.account_id, number_hash)
        now = self._clock.now_us()
        mine = [each for each in before if each.purpose == asked.purpose]
        _check_pace(mine, now)
        waits = next((each for each in mine if _waits(each, sender, now)), None)
        request = self._made(asked, sender, text, number_hash, now)
        if waits is None:
            write = Write("consent_request_insert", (to_columns(request),))
        else:
            again = (asked.account_id, waits.id, request.message_id, now, request.expires_at)
            write = Write("consent_request_sent", (again,))
            request = msgspec.structs.replace(
                waits,
                sends=waits.sends + 1,
                message_id=request.message_id,
                sent_at=now,
                expires_at=request.expires_at,
            )
        await self._send(asked, request, text, write)
        return request

    async def _send(self, asked: Question, request: ConsentRequest, text: str, write: Write) -> None:
        draft = Draft(
            account_id=asked.account_id,
            test=False,
            door=asked.door,
            recipient=asked.number.e164,
            text=text,
            sender=request.sender,
            options=Options(reply_to=asked.reply_to),
            id=request.message_id,
        )
        cause = asked.reply_to
        key = IdempotencyKey(asked.account_id, "keyword", cause, cause.encode()) if cause else None
        (verdict,) = (await self._accept.submit([draft], key=key, also=[write])).verdicts
        if verdict.code is not None:
            raise refusal(verdict)

    def _sender(self, asked: Question) -> str:
        """One that can be answered."""
        chosen = self._tables.senders.get(asked.account_id, _NONE).choose(asked.sender, asked.number.country)
        if isinstance(chosen, Sender) and chosen.kind != "alphanumeric":
            return chosen.value
        if isinstance(chosen, str) and asked.sender is not None:
            raise WhimbrelError(chosen, errors=[FieldError("/sender", "is no sender of the account", chosen)])
        problem = "must be a number or short code: nobody can answer a name"
        raise WhimbrelError("invalid_request", f"`sender` {problem}.", errors=[FieldError("/sender", problem)])

    def _text(self, asked: Question, sender: str) -> str:
        account = self._tables.accounts.get(asked.account_id)
        name = self._tables.consent.name_of(asked.account_id, sender) or (account.name if account else "")
        language = asked.language or language_of(asked.number.country)
        text = question(name, language, asked.text)
        if not asks_well(text):
            problem = "must say how to answer: the words YES and STOP"
            raise WhimbrelError("invalid_request", f"`text` {problem}.", errors=[FieldError("/text", problem)])
        return text

    def _made(self, asked: Question, sender: str, text: str, number_hash: int, now: int) -> ConsentRequest:
        return ConsentRequest(
            id=self._ids.new(ids.CONSENT_REQUEST),
            account_id=asked.account_id,
            number_hash=number_hash,
            number=asked.number.e164,
            masked=mask_number(asked.number.e164),
            purpose=asked.purpose,
            sender=sender,
            wording=text,
            proof=msgspec.json.encode(dict(asked.proof)).decode(),
            state="pending",
            sends=1,
            message_id=self._ids.new(ids.MESSAGE),
            answer_id=None,
            actor=asked.actor,
            created_at=now,
            sent_at=now,
            expires_at=now + asked.lasts_us,
            answered_at=None,
        )


def _waits(request: ConsentRequest, sender: str, now: int) -> bool:
    return request.state == "pending" and request.sender == sender and request.expires_at > now


def _check_pace(before: Sequence[ConsentRequest], now: int) -> None:
    lately = [each for each in before if each.sent_at > now - ASKED_WITHIN_US]
    if any(each.sent_at > now - ASKED_APART_US for each in lately):
        raise WhimbrelError("consent_request_limit", "This number was asked within the last hour.")
    if sum(each.sends for each in lately) >= ASKED_MAX:
        raise WhimbrelError("consent_request_limit", f"This number was asked {ASKED_MAX} times within 30 days.")
