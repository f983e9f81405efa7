"""The SMSC's desk: takes submits, decides whether to accept them, and sees to their answers.

Apart from the sessions, which speak SMPP, from the network, which carries what was accepted, and from the table of
outcomes, which says what is to be played. A message goes `submit` -> `_verdict` -> `_accept` -> `_reply` -> `carry`.
"""

from whimbrel.codec import udh
from whimbrel.codec.segments import decode
from whimbrel.codec.smpp.pdu import CancelSm, Pdu, QuerySm, QuerySmResp, ShortMessage, tlv, tlv_integer
from whimbrel.codec.smpp.receipt import STATES
from whimbrel.codec.smpp.tables import CANCEL_SM_RESP, ESM_UDHI, QUERY_SM_RESP, MessageState, Status, Tag
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.ids import MessageIds
from whimbrel_sandbox.log import Submitted
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.network import Network
from whimbrel_sandbox.outcomes import BY_NUMBER, DELIVERED, ORDINARY, PREFIX, Outcome, Reply
from whimbrel_sandbox.phones import digits
from whimbrel_sandbox.receipts import DELETED
from whimbrel_sandbox.recent import Recent
from whimbrel_sandbox.session import Session

MESSAGES_KEPT = 5_000  # accepted messages that query_sm and cancel_sm still know
RESPONSE_AFTER_RECEIPT_MS = 50

# Python 3.11 takes 0.16 µs to look up a member of an enum: not for each message.
_RESPONSE = Reply.RESPONSE
_PAYLOAD = Tag.MESSAGE_PAYLOAD


class Smsc:
    """The desk that sessions bring their messages to."""

    def __init__(self, center: Center, network: Network) -> None:
        self._center = center
        self._network = network
        self._ids = MessageIds(center.settings.ids, center.chance)
        self._messages: Recent[str, Message] = Recent(MESSAGES_KEPT)

    def submit(self, session: Session, pdu: Pdu) -> None:
        """Take a submit_sm and see to its answer."""
        message = self._read(session, pdu)
        status = self._verdict(session, message)
        if not status and message.outcome.accepted:
            self._accept(message)
        if self._center.log is not None:
            self._note(session, pdu.sequence, message, status=status, outcome=message.outcome.name)
        self._reply(session, pdu.sequence, message, status)
        if message.message_id:
            self._network.carry(message)

    def ignore(self, session: Session, pdu: Pdu) -> None:
        """Note a submit_sm that came while the SMSC is silent."""
        message = self._read(session, pdu)
        self._note(session, pdu.sequence, message, status=0, outcome="silent")

    def query(self, pdu: Pdu) -> Pdu:
        """The answer to a query_sm."""
        assert isinstance(pdu.body, QuerySm)
        message = self._messages.get(pdu.body.message_id)
        if message is None:
            return Pdu(QUERY_SM_RESP, Status.ESME_RQUERYFAIL, pdu.sequence)
        final_date = self._network.minutes.write(message.done_us).decode() + "00000+" if message.is_final else ""
        state = STATES.get(message.stat, MessageState.UNKNOWN)
        return Pdu(QUERY_SM_RESP, 0, pdu.sequence, QuerySmResp(message.message_id, final_date, state))

    def cancel(self, pdu: Pdu) -> Pdu:
        """The answer to a cancel_sm: a message without a final state is deleted, and its receipt says so."""
        assert isinstance(pdu.body, CancelSm)
        message = self._messages.get(pdu.body.message_id)
        if message is None or message.is_final:
            return Pdu(CANCEL_SM_RESP, Status.ESME_RCANCELFAIL, pdu.sequence)
        self._network.step((message, DELETED))
        message.is_canceled = True
        return Pdu(CANCEL_SM_RESP, 0, pdu.sequence)

    def _read(self, session: Session, pdu: Pdu) -> Message:
        submit = pdu.body
        esme = session.esme
        assert isinstance(submit, ShortMessage) and esme is not None
        counts = self._center.counts
        counts.submits += 1
        counts.last_submit_us = at_us = self._center.now_us()
        if not counts.first_submit_us:
            counts.first_submit_us = at_us
        octets = payload = submit.short_message or tlv(pdu.tlvs, _PAYLOAD) or b""
        place = None
        if submit.esm_class & ESM_UDHI or pdu.tlvs:
            payload, place = _parted(pdu, submit, octets)
        outcome = _outcome_of(submit.dest) if PREFIX in submit.dest else ORDINARY
        return Message(esme, submit, outcome, at_us, octets, payload, place)

    def _verdict(self, session: Session, message: Message) -> int:
        behaviour = self._center.behaviour
        refusal = message.outcome.refusal
        if not message.submit.dest.removeprefix("+").isdigit():
            return Status.ESME_RINVDSTADR
        if behaviour.window_limit and session.unanswered > behaviour.window_limit:
            return Status.ESME_RMSGQFUL
        if behaviour.rate_limit and not message.esme.within_rate(self._center.loop.time(), behaviour.rate_limit):
            return Status.ESME_RTHROTTLED
        return 0 if refusal is None or _is_spent(message) else refusal.status

    def _accept(self, message: Message) -> None:
        message.message_id, message.receipt_id = self._ids.pair(self._ids.new(), message.outcome.id_form)
        self._messages.put(message.message_id, message)
        self._center.counts.accepted += 1

    def _reply(self, session: Session, sequence: int, message: Message, status: int) -> None:
        outcome = message.outcome
        response = (sequence, status, message.message_id)
        latency_ms = self._center.behaviour.response_latency_ms
        if status:
            self._center.counts.refused += 1
        elif outcome.reply is _RESPONSE:
            if outcome.reply_after_ms:
                latency_ms += outcome.reply_after_ms * self._center.settings.time_scale
        elif outcome.reply is not Reply.AFTER_RECEIPT:
            session.misbehave(outcome.reply, sequence, message.message_id)
            return
        elif message.esme.receivers and self._network.wants(message, DELIVERED):
            message.on_receipt = lambda: self._center.wheel.after(RESPONSE_AFTER_RECEIPT_MS, session.respond, response)
            return
        if latency_ms:
            self._center.wheel.after(latency_ms, session.respond, response)
        else:
            session.respond(response)

    def _note(self, session: Session, sequence: int, message: Message, *, status: int, outcome: str) -> None:
        submit = message.submit
        self._center.note(
            Submitted(
                message.submitted_us,
                session.number,
                sequence,
                message.esme.system_id,
                submit.source,
                submit.dest,
                outcome,
                message.octets.hex(),
                decode(message.payload, submit.data_coding),
                message.message_id,
                status,
                submit.esm_class,
                submit.data_coding,
                submit.registered_delivery,
            )
        )


def _outcome_of(dest: str) -> Outcome:
    number = digits(dest)
    if number.startswith(PREFIX) and len(number) == len(PREFIX) + 4:
        return BY_NUMBER.get(number[len(PREFIX) :], ORDINARY)
    return ORDINARY


def _is_spent(message: Message) -> bool:
    """Whether the message was refused as often as its outcome wants; counts this submit when not."""
    refusal = message.outcome.refusal
    if refusal is None or not refusal.times:
        return False
    key = (message.submit.source, message.submit.dest, message.octets)
    return message.esme.was_refused(key, refusal.times)


def _parted(pdu: Pdu, submit: ShortMessage, octets: bytes) -> tuple[bytes, udh.Concat | None]:
    """The user data without its header, and the place in a long text by the header or by the SAR TLVs (5.3.2.22)."""
    if submit.esm_class & ESM_UDHI:
        try:
            user_data = udh.parse(octets)
        except udh.BadUdh:
            return octets, None
        return user_data.payload, udh.concat(user_data.elements)
    reference = tlv_integer(pdu.tlvs, Tag.SAR_MSG_REF_NUM)
    total = tlv_integer(pdu.tlvs, Tag.SAR_TOTAL_SEGMENTS)
    number = tlv_integer(pdu.tlvs, Tag.SAR_SEGMENT_SEQNUM)
    if reference is None or not total or not number or number > total:
        return octets, None
    return octets, udh.Concat(reference, total, number, wide=True)
