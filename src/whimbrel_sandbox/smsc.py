"""The SMSC's desk: takes submits, decides whether to accept them, and sees to their answers.

Apart from the sessions, which speak SMPP, from the network, which carries what was accepted, and from the table of
outcomes, which says what is to be played. A message goes `submit` -> `_verdict` -> `_accept` -> `_reply` -> `carry`.
"""

from msgspec.structs import replace

from whimbrel.codec import udh
from whimbrel.codec.smpp.pdu import (
    DataSm,
    DistributionList,
    Pdu,
    ShortMessage,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessfulSme,
    tlv,
    tlv_integer,
)
from whimbrel.codec.smpp.tables import ESM_UDHI, SUBMIT_MULTI, SUBMIT_MULTI_RESP, Status, Tag
from whimbrel_sandbox import alphabets, strict
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.ids import MessageIds
from whimbrel_sandbox.log import Submitted
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.network import Network
from whimbrel_sandbox.outcome import DELIVERED, Reply
from whimbrel_sandbox.outcomes import PREFIX
from whimbrel_sandbox.phones import digits
from whimbrel_sandbox.registry import Registry
from whimbrel_sandbox.session import Session

RESPONSE_AFTER_RECEIPT_MS = 50

# Python 3.11 takes 0.16 µs to look up a member of an enum: not for each message.
_RESPONSE = Reply.RESPONSE
_PAYLOAD = Tag.MESSAGE_PAYLOAD


class Smsc:
    """The desk that sessions bring their messages to."""

    def __init__(self, center: Center, network: Network) -> None:
        self.registry = Registry(network)
        self._center = center
        self._network = network
        self._ids = MessageIds(center.settings.ids, center.chance)

    def submit(self, session: Session, pdu: Pdu) -> None:
        """Take a submit_sm, data_sm or submit_multi and see to its answer."""
        if pdu.command_id == SUBMIT_MULTI:
            self._submit_multi(session, pdu)
            return
        message = self._read(session, pdu)
        status = self._verdict(session, message)
        if message.outcome.accepted if not status else message.outcome.accepted_though_refused:
            self._accept(message, self._ids.new())
        if self._center.log is not None:
            self._note(session, pdu.sequence, message, status=status, outcome=message.outcome.name)
        self._reply(session, pdu, message, status)
        if message.message_id:
            self._network.carry(message)

    def ignore(self, session: Session, pdu: Pdu) -> None:
        """Note a submit_sm that came while the SMSC is silent."""
        message = self._read(session, pdu)
        self._note(session, pdu.sequence, message, status=0, outcome="silent")

    def accept(self, message: Message) -> None:
        """Take a message that came by another way than SMPP: it has an id, and can be asked about, from now on."""
        self._accept(message, self._ids.new())

    def manage(self, pdu: Pdu) -> Pdu:
        """The answer to a query_sm, replace_sm or cancel_sm."""
        return self.registry.manage(pdu)

    def _submit_multi(self, session: Session, pdu: Pdu) -> None:
        """4.5: one message for each destination, all under one id. Lists of the SMSC it has none."""
        multi = pdu.body
        assert isinstance(multi, SubmitMulti)
        if not multi.destinations or any(isinstance(each, DistributionList) for each in multi.destinations):
            wrong = Status.ESME_RINVDLNAME if multi.destinations else Status.ESME_RINVNUMDESTS
            session.answer(Pdu(SUBMIT_MULTI_RESP, wrong, pdu.sequence), "")
            return
        number = self._ids.new()
        accepted: list[Message] = []
        failed: list[UnsuccessfulSme] = []
        for message in [self._read(session, single) for single in _singles(pdu, multi)]:
            status = self._verdict(session, message)
            if status:
                submit = message.submit
                failed.append(UnsuccessfulSme(submit.dest_ton, submit.dest_npi, submit.dest, status))
                self._center.counts.refused += 1
            else:
                message.siblings = tuple(accepted)
                self._accept(message, number)
                accepted.append(message)
            if self._center.log is not None:
                self._note(session, pdu.sequence, message, status=status, outcome=message.outcome.name)
        message_id = accepted[0].message_id if accepted else ""
        status = 0 if accepted else int(Status.ESME_RSUBMITFAIL)
        body = SubmitMultiResp(message_id, tuple(failed))
        session.answer(Pdu(SUBMIT_MULTI_RESP, status, pdu.sequence, body), message_id)
        for message in accepted:
            self._network.carry(message)

    def _read(self, session: Session, pdu: Pdu) -> Message:
        submit = pdu.body
        esme = session.esme
        if isinstance(submit, DataSm):
            submit = _as_submit(submit)
        assert isinstance(submit, ShortMessage) and esme is not None
        center = self._center
        counts = center.counts
        counts.submits += 1
        counts.last_submit_us = at_us = center.now_us()
        if not counts.first_submit_us:
            counts.first_submit_us = at_us
        octets = payload = submit.short_message or tlv(pdu.tlvs, _PAYLOAD) or b""
        elements: tuple[udh.Element, ...] = ()
        place = None
        if submit.esm_class & ESM_UDHI or pdu.tlvs:
            payload, place, elements = _parted(pdu, submit, octets)
        outcome = esme.outcome
        if PREFIX in submit.dest or center.stage.has_numbers:
            outcome = center.stage.outcome_of(digits(submit.dest), outcome)
        alphabet = esme.conduct.alphabet
        return Message(
            esme, submit, outcome, at_us, octets, payload, place, session.number, elements, alphabet, pdu.tlvs
        )

    def _verdict(self, session: Session, message: Message) -> int:
        behaviour = self._center.behaviour
        conduct = message.esme.conduct
        window_limit = conduct.window_limit or behaviour.window_limit
        rate_limit = conduct.rate_limit or behaviour.rate_limit
        refusal = message.outcome.refusal
        submit = message.submit
        if not submit.dest.removeprefix("+").isdigit():
            return Status.ESME_RINVDSTADR
        if submit.schedule_time or submit.validity_period or conduct.strict_addresses:
            status = strict.wrong(submit, conduct, message.submitted_us)
            if status:
                return status
        if window_limit and session.unanswered > window_limit:
            return Status.ESME_RMSGQFUL
        if rate_limit and not message.esme.within_rate(self._center.loop.time(), rate_limit):
            return Status.ESME_RTHROTTLED
        return 0 if refusal is None or is_spent(message) else refusal.status

    def _accept(self, message: Message, number: int) -> None:
        ids = self._ids.pair(number, message.outcome.id_form)
        message.message_id, message.receipt_id, message.tlv_id = ids
        self.registry.keep(message)
        self._center.counts.accepted += 1

    def _reply(self, session: Session, pdu: Pdu, message: Message, status: int) -> None:
        outcome = message.outcome
        response = (pdu, status, message.message_id)
        latency_ms = self._center.behaviour.response_latency_ms
        if status:
            self._center.counts.refused += 1
            if outcome.reply is Reply.WITH_BODY:
                session.misbehave(outcome.reply, pdu, status, "")
                return
        elif outcome.reply is _RESPONSE:
            if outcome.reply_after_ms or outcome.reply_jitter_ms:
                jitter_ms = self._center.chance.uniform(0, outcome.reply_jitter_ms)
                latency_ms += (outcome.reply_after_ms + jitter_ms) * self._center.settings.time_scale
        elif outcome.reply is not Reply.AFTER_RECEIPT:
            session.misbehave(outcome.reply, pdu, 0, message.message_id)
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
                alphabets.read([message.piece], submit.data_coding, message.alphabet, message.elements),
                message.message_id,
                status,
                submit.esm_class,
                submit.data_coding,
                submit.registered_delivery,
                {f"0x{tag:04x}": value.hex() for tag, value in message.tlvs if tag != _PAYLOAD},
            )
        )


def is_spent(message: Message) -> bool:
    """Whether the message was refused as often as its outcome wants; counts this submit when not."""
    refusal = message.outcome.refusal
    if refusal is None or not refusal.times:
        return False
    key = (message.submit.source, message.submit.dest, message.octets)
    return message.esme.was_refused(key, refusal.times)


def _as_submit(data: DataSm) -> ShortMessage:
    return ShortMessage(
        data.service_type,
        data.source_ton,
        data.source_npi,
        data.source,
        data.dest_ton,
        data.dest_npi,
        data.dest,
        data.esm_class,
        registered_delivery=data.registered_delivery,
        data_coding=data.data_coding,
    )


def _singles(pdu: Pdu, multi: SubmitMulti) -> list[Pdu]:
    """A submit_multi as one submit_sm for each destination."""
    shared = {name: getattr(multi, name) for name in ShortMessage.__struct_fields__ if hasattr(multi, name)}
    found = []
    for each in multi.destinations:
        assert not isinstance(each, DistributionList)
        body = ShortMessage(**shared, dest_ton=each.ton, dest_npi=each.npi, dest=each.address)
        found.append(replace(pdu, body=body))
    return found


def _parted(pdu: Pdu, submit: ShortMessage, octets: bytes) -> tuple[bytes, udh.Concat | None, tuple[udh.Element, ...]]:
    """The user data without its header, its place in a long text by the header or by the SAR TLVs (5.3.2.22), and the
    header's elements."""
    if submit.esm_class & ESM_UDHI:
        try:
            user_data = udh.parse(octets)
        except udh.BadUdh:
            return octets, None, ()
        return user_data.payload, udh.concat(user_data.elements), user_data.elements
    reference = tlv_integer(pdu.tlvs, Tag.SAR_MSG_REF_NUM)
    total = tlv_integer(pdu.tlvs, Tag.SAR_TOTAL_SEGMENTS)
    number = tlv_integer(pdu.tlvs, Tag.SAR_SEGMENT_SEQNUM)
    if reference is None or not total or not number or number > total:
        return octets, None, ()
    return octets, udh.Concat(reference, total, number, wide=True), ()
