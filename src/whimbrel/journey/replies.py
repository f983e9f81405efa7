"""Replies: what a Twilio-style application answers to an inbound text (TwiML or plain text) becomes messages back. The
inbound event is the idempotency key, so an answer that is read twice is sent once.
"""

import logging

from whimbrel.base.ids import event_id
from whimbrel.codec import twiml
from whimbrel.codec.errors import CodecError
from whimbrel.domain.model import Draft, Options
from whimbrel.journey.accept import Accept, IdempotencyKey
from whimbrel.journey.feed import Item

_log = logging.getLogger("whimbrel.replies")


class Replies:
    """Sends what applications answer."""

    def __init__(self, accept: Accept) -> None:
        self._accept = accept

    async def take(self, item: Item, body: bytes, content_type: str) -> twiml.Redirect | None:
        """Send the replies in an answer to `item`, a received message; gives the redirect that it asks for. A bad
        answer is logged, never raised: the event itself was delivered."""
        message = item.message
        if message is None:
            return None
        try:
            answer = twiml.parse(body, content_type)
        except CodecError as error:
            _log.warning("the answer is no TwiML", extra={"message_id": message.id, "error": str(error)})
            return None
        drafts = [
            Draft(
                account_id=message.account_id,
                test=message.test,
                door="twilio",
                recipient=reply.to or message.sender,
                text=reply.text,
                sender=reply.sender or message.recipient,
                options=Options(
                    callback_url=reply.status_callback, callback_format="twilio", reply_to=message.id
                ),
            )
            for reply in answer.replies
        ]
        if drafts:
            event = event_id(item.event.subject_id, item.event.seq)
            key = IdempotencyKey(message.account_id, "twilio_reply", event, event.encode())
            accepted = await self._accept.submit(drafts, key=key)
            for verdict in accepted.verdicts:
                if verdict.code is not None:
                    _log.warning("a reply was refused", extra={"message_id": message.id, "code": verdict.code})
        return answer.redirect
