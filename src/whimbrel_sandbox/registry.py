"""The messages that the SMSC still knows, and what clients may ask about them: query_sm, replace_sm, cancel_sm.

Apart from the desk, which takes new messages. An id may name several messages: those of one submit_multi.
"""

from msgspec.structs import replace

from whimbrel.codec.smpp.pdu import CancelSm, Pdu, QuerySm, QuerySmResp, ReplaceSm
from whimbrel.codec.smpp.receipt import STATES
from whimbrel.codec.smpp.tables import (
    CANCEL_SM,
    CANCEL_SM_RESP,
    QUERY_SM,
    QUERY_SM_RESP,
    REPLACE_SM_RESP,
    MessageState,
    Status,
)
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.network import Network
from whimbrel_sandbox.receipts import DELETED
from whimbrel_sandbox.recent import Recent

MESSAGES_KEPT = 5_000  # accepted messages that are still known


class Registry:
    """Accepted messages by their id."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._messages: Recent[str, Message] = Recent(MESSAGES_KEPT)

    def keep(self, message: Message) -> None:
        """Know this message; of those with one id the last is found by it, and has the others in `siblings`."""
        self._messages.put(message.message_id, message)

    def find(self, message_id: str) -> Message | None:
        """The message with this id, as the response told it."""
        return self._messages.get(message_id)

    def manage(self, pdu: Pdu) -> Pdu:
        """The answer to a query_sm, replace_sm or cancel_sm."""
        if pdu.command_id == QUERY_SM:
            return self._query(pdu)
        return self._cancel(pdu) if pdu.command_id == CANCEL_SM else self._replace(pdu)

    def _query(self, pdu: Pdu) -> Pdu:
        query = pdu.body
        assert isinstance(query, QuerySm)
        message = self._owned(query.message_id, query.source)
        if message is None:
            return Pdu(QUERY_SM_RESP, Status.ESME_RQUERYFAIL, pdu.sequence)
        final_date = self._network.minutes.write(message.done_us).decode() + "00000+" if message.is_final else ""
        state = STATES.get(message.stat, MessageState.UNKNOWN)
        return Pdu(QUERY_SM_RESP, 0, pdu.sequence, QuerySmResp(message.message_id, final_date, state))

    def _replace(self, pdu: Pdu) -> Pdu:
        """4.10: another text, while the phone does not have it yet; empty times keep the old ones."""
        new = pdu.body
        assert isinstance(new, ReplaceSm)
        message = self._owned(new.message_id, new.source)
        if message is None or message.is_final or message.has_arrived or message.place is not None:
            return Pdu(REPLACE_SM_RESP, Status.ESME_RREPLACEFAIL, pdu.sequence)
        message.octets = message.payload = new.short_message
        message.submit = replace(
            message.submit,
            schedule_time=new.schedule_time or message.submit.schedule_time,
            validity_period=new.validity_period or message.submit.validity_period,
            registered_delivery=new.registered_delivery,
            short_message=new.short_message,
        )
        return Pdu(REPLACE_SM_RESP, 0, pdu.sequence)

    def _cancel(self, pdu: Pdu) -> Pdu:
        """4.9: messages without a final state are deleted, and their receipts say so. Without an id it is all that go
        from this source to this destination."""
        asked = pdu.body
        assert isinstance(asked, CancelSm)
        if asked.message_id:
            found = self._owned(asked.message_id, asked.source)
            messages = [] if found is None else [found, *found.siblings]
        else:
            messages = [each for each in self._all() if _goes(each, asked)]
        waiting = [message for message in messages if not message.is_final]
        for message in waiting:
            self._network.step((message, DELETED))
            message.is_canceled = True
        return Pdu(CANCEL_SM_RESP, 0 if waiting else Status.ESME_RCANCELFAIL, pdu.sequence)

    def _owned(self, message_id: str, source: str) -> Message | None:
        """The message, unless another sender asks (4.8.1: the source must be that of the submit)."""
        message = self._messages.get(message_id)
        return None if message is None or (source and message.submit.source != source) else message

    def _all(self) -> list[Message]:
        found = [self._messages.get(message_id) for message_id in self._messages]
        return [each for message in found if message is not None for each in (message, *message.siblings)]


def _goes(message: Message, asked: CancelSm) -> bool:
    submit = message.submit
    return (submit.service_type, submit.source, submit.dest) == (asked.service_type, asked.source, asked.dest)
