"""Replies: what an application answers to an inbound text becomes messages back: TwiML or plain text where it got the
text as Twilio's form, JSON where it got it as an event.

An answer may ask another URL (Redirect). An answer that is none, or cannot be read, makes the sender's fallback URL be
asked once, with Twilio's number for what was wrong. The inbound event and the place of the answer among those of the
event are the idempotency key, so that an answer that is read twice is sent once.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urljoin

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import event_id
from whimbrel.codec import twiml
from whimbrel.domain import json_replies
from whimbrel.domain.model import Draft, Message, Options
from whimbrel.journey.accept import Accept
from whimbrel.journey.feed import Item
from whimbrel.journey.posting import EVENT_INBOUND, Outcome, Target
from whimbrel.journey.record import IdempotencyKey

_log = logging.getLogger("whimbrel.replies")
REDIRECTS_MAX: Final = 5  # of one answer to the next
_NO_ANSWER: Final = 11200  # Twilio: the URL could not be read

Ask = Callable[[Target], Awaitable[Outcome]]


class Replies:
    """Does what applications answer."""

    def __init__(self, accept: Accept) -> None:
        self._accept = accept

    async def take(self, item: Item, target: Target, first: Outcome, ask: Ask) -> Outcome:
        """Send the replies in the answer that `target` gave to `item`, a received message, and ask on where it says so.
        Gives the outcome that stands for the event: the last one, or the first that nobody could make good."""
        outcome, number = first, 0
        while True:
            target, outcome, answer = await self._understood(item, target, outcome, ask)
            if answer is None:
                return outcome
            await self._send(item, answer, target, number)
            number += 1
            if answer.redirect is None or number > REDIRECTS_MAX:
                return outcome
            target = target.redirected(answer.redirect)
            outcome = await ask(target)

    async def _understood(
        self, item: Item, target: Target, outcome: Outcome, ask: Ask
    ) -> tuple[Target, Outcome, twiml.Answer | None]:
        """The answer, of the fallback URL where the first cannot be used; None where there is none to be used."""
        answer = _read(item, target, outcome)
        if isinstance(answer, twiml.Answer):
            return target, outcome, answer
        if not target.fallback_url:
            return target, outcome, None
        other = target.falling_back(answer)
        second = await ask(other)
        answer = _read(item, other, second)
        if isinstance(answer, twiml.Answer):
            return other, second, answer
        return target, outcome, None

    async def _send(self, item: Item, answer: twiml.Answer, target: Target, number: int) -> None:
        """Accept the replies. A refusal is logged: the application has been told of the text, and that is our part."""
        message = item.message
        if message is None or not answer.replies:
            return
        event = event_id(item.event.subject_id, item.event.seq)
        key = IdempotencyKey(message.account_id, "twilio_reply", f"{event}.{number}", event.encode())
        try:
            accepted = await self._accept.submit([_draft(message, reply, target) for reply in answer.replies], key=key)
        except WhimbrelError as error:
            _log.warning("replies were refused", extra={"message_id": message.id, "code": error.code})
            return
        for verdict in accepted.verdicts:
            if verdict.code is not None:
                _log.warning("a reply was refused", extra={"message_id": message.id, "code": verdict.code})


def _read(item: Item, target: Target, outcome: Outcome) -> twiml.Answer | int:
    """The answer, or Twilio's number for why there is none."""
    if not outcome.attempt.ok:
        return _NO_ANSWER
    if target.format == EVENT_INBOUND:
        return json_replies.parse(outcome.body, outcome.content_type)
    try:
        return twiml.parse(outcome.body, outcome.content_type)
    except twiml.TwimlError as error:
        _log.warning("the answer is no TwiML", extra={"message_id": item.event.subject_id, "error": str(error)})
        return error.twilio


def _draft(message: Message, reply: twiml.Reply, target: Target) -> Draft:
    callback = urljoin(target.url, reply.status_callback) if reply.status_callback else None
    is_event = target.format == EVENT_INBOUND
    return Draft(
        account_id=message.account_id,
        test=message.test,
        door="rest" if is_event else "twilio",
        recipient=reply.to or message.sender,
        text=reply.text,
        sender=reply.sender or message.recipient,
        options=Options(callback_url=callback, callback_format="event" if is_event else "twilio", reply_to=message.id),
    )
