"""The network behind the SMSC: brings accepted messages to phones, step by step, and texts of phones to clients.

Apart from the SMSC, which talks to clients about submits. Each receipt of an outcome is a step, taken now or later.
"""

from itertools import count

from msgspec import Struct

from whimbrel.codec.smpp.tables import DELIVER_SM
from whimbrel_sandbox import times
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.dialect_receipts import INTERMEDIATE, command_of, dialect_body
from whimbrel_sandbox.esme import Delivery, Esme
from whimbrel_sandbox.inbound import KEYWORDS, Order, address, answer_words, deliveries, ordered
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.outcome import Answer, Receipt
from whimbrel_sandbox.outcomes import BY_NUMBER
from whimbrel_sandbox.phone_texts import Address
from whimbrel_sandbox.phones import Phones, Said, digits, text_of
from whimbrel_sandbox.receipts import EXPIRED, Minutes, receipt_body
from whimbrel_sandbox.recent import Recent

SOURCES_KEPT = 10_000  # senders whose client is remembered, so that a phone can answer them
SCHEDULED = "SCHEDULED"
KEYWORD_PAUSE_US = 10_000_000  # a phone says STOP, START or HELP to the same sender at most this often

_MEMORY_FULL = BY_NUMBER["0232"].receipts
_FAILURES_ONLY = 2  # registered_delivery, 5.2.17


class NobodyToTell(Exception):
    """A phone's text has no client to go to."""


class PhoneText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text to send from a phone: the receiver is one of the client's senders.

    `system_id` names the client; without it, it is the one that last used `to` as its sender. `wide` numbers the
    parts with 16 bits.
    """

    to: str
    text: str
    system_id: str | None = None
    order: Order = "forward"
    wide: bool = False


class Network:
    """All phones and the messages on their way to them."""

    def __init__(self, center: Center) -> None:
        self.phones = Phones(center.settings.phones, center.settings.inbox)
        self.minutes = Minutes()
        self._center = center
        self._sources: Recent[str, Esme] = Recent(SOURCES_KEPT)
        self._said: Recent[tuple[str, str], int] = Recent(SOURCES_KEPT)
        self._text_numbers = count(1)

    def carry(self, message: Message) -> None:
        """Bring an accepted message to its phone, now or at its schedule_delivery_time."""
        if message.submit.schedule_time:
            due_us = times.read(message.submit.schedule_time, message.submitted_us) or 0
            if due_us > message.submitted_us:
                message.stat = SCHEDULED
                self._center.later((due_us - message.submitted_us) / 1000, self._carry_in_time, message)
                return
        self._carry(message)

    def _carry_in_time(self, message: Message) -> None:
        if not message.is_canceled:
            message.stat = "ENROUTE"
            self._carry(message)

    def _carry(self, message: Message) -> None:
        """As its outcome says."""
        phones = self.phones
        receipts = message.outcome.receipts
        self._sources.put(message.submit.source, message.esme)
        if phones.off or phones.memory_full:
            number = digits(message.submit.dest)
            if number in phones.off:
                self._hold(number, message)
                return
            if number in phones.memory_full:
                receipts = _MEMORY_FULL
        if not receipts:
            self._arrive(message)
        for receipt in receipts:
            delay_ms = self._delay_ms(message, receipt)
            if delay_ms > 0:
                self._center.wheel.after(delay_ms, self.step, (message, receipt))
            else:
                self.step((message, receipt))

    def step(self, step: tuple[Message, Receipt]) -> None:
        """The message takes the state of the receipt; whoever wants to know is told."""
        message, receipt = step
        if message.is_canceled:
            return
        message.stat = stat = receipt.stat
        message.done_us = self._center.now_us()
        message.is_final = stat not in INTERMEDIATE
        if self.wants(message, receipt):
            on_sent, message.on_receipt = message.on_receipt, None
            outcome = message.outcome
            if outcome.dialect is None:
                command_id, body = DELIVER_SM, receipt_body(message, receipt, self.minutes)
            else:
                command_id, body = command_of(outcome.dialect), dialect_body(message, receipt, outcome.dialect)
            delivery = Delivery(
                body, message.message_id, stat, receipt.err, on_sent=on_sent, command_id=command_id, end=outcome.end
            )
            if outcome.receipts_elsewhere:
                delivery.avoid = message.link
                message.esme.elsewhere.append(delivery)
            else:
                message.esme.waiting.append(delivery)
            self._center.touched(message.esme)
        if stat == "DELIVRD" and not message.has_arrived:
            self._arrive(message)

    def wants(self, message: Message, receipt: Receipt) -> bool:
        """Whether the client asked for this receipt and the share of receipts lets it through."""
        wanted = message.submit.registered_delivery & 3
        outcome = message.outcome
        if outcome.only_part and not _is_part(message, outcome.only_part):
            return False
        if outcome.unasked:
            return True
        if not wanted or (wanted == _FAILURES_ONLY and receipt.stat == "DELIVRD"):
            return False
        share = self._center.behaviour.receipt_share
        return share >= 1 or self._center.chance.uniform(0, 1) < share

    def send_text(self, number: str, sent: PhoneText) -> str:
        """The phone sends a text; answers its id. Raises NobodyToTell, and CodecError for the text."""
        esme = self._client_for(sent)
        return self._queue_text(esme, address(number), address(sent.to), sent)

    def set_phone(self, number: str, *, off: bool | None, memory_full: bool | None) -> None:
        """Switch a phone off or on, fill or empty its memory. A phone that comes on gets what waited for it."""
        for wanted, numbers in ((off, self.phones.off), (memory_full, self.phones.memory_full)):
            if wanted is not None:
                (numbers.add if wanted else numbers.discard)(number)
        if off is False:
            for message in self.phones.held.pop(number, {}).values():
                self._carry(message)
        self.phones.changes.note(number)

    def reset(self) -> None:
        """Forget phones and what waits for them."""
        self.phones.reset()
        self._said.clear()

    def _delay_ms(self, message: Message, receipt: Receipt) -> float:
        behaviour = self._center.behaviour
        delay_ms = behaviour.receipt_delay_ms
        if receipt.after_ms:
            delay_ms += receipt.after_ms * self._center.settings.time_scale
        if message.outcome.receipt_jitter_ms:
            jitter_ms = self._center.chance.uniform(0, message.outcome.receipt_jitter_ms)
            delay_ms += jitter_ms * self._center.settings.time_scale
        if behaviour.receipt_jitter_ms:
            delay_ms += self._center.chance.uniform(0, behaviour.receipt_jitter_ms)
        return delay_ms

    def _arrive(self, message: Message) -> None:
        message.has_arrived = True
        whole = self.phones.take(message)
        answer = message.outcome.answer
        if answer is not None and whole is not None:
            self._answer(answer, message, text_of(whole).text)

    def _answer(self, answer: Answer, message: Message, received: str) -> None:
        submit = message.submit
        pair = (submit.dest, submit.source)
        if answer in KEYWORDS:
            if message.done_us - (self._said.get(pair) or 0) < KEYWORD_PAUSE_US:
                return
            self._said.put(pair, message.done_us)
        source = Address(submit.dest, submit.dest_ton, submit.dest_npi)
        dest = Address(submit.source, submit.source_ton, submit.source_npi)
        order: Order = "shuffled" if answer is Answer.LONG_SHUFFLED else "forward"
        text = PhoneText(to=submit.source, text=answer_words(answer, received), order=order)
        self._queue_text(message.esme, source, dest, text)

    def _queue_text(self, esme: Esme, source: Address, dest: Address, sent: PhoneText) -> str:
        number = next(self._text_numbers)
        text_id = f"text{number}"
        parts = deliveries(
            sent.text, source, dest, text_id=text_id, reference=number, conduct=esme.conduct, wide=sent.wide
        )
        esme.waiting.extend(ordered(parts, sent.order, self._center.chance))
        self._center.touched(esme)
        self.phones.say(digits(source.number), Said(self._center.now_us(), dest.number, sent.text, text_id))
        return text_id

    def _client_for(self, sent: PhoneText) -> Esme:
        esmes = self._center.esmes
        esme = esmes.get(sent.system_id) if sent.system_id is not None else self._sources.get(digits(sent.to))
        if esme is None and sent.system_id is None and len(esmes) == 1:
            esme = next(iter(esmes.values()))
        if esme is None:
            raise NobodyToTell("no client is known for this sender; name its system_id")
        return esme

    def _hold(self, number: str, message: Message) -> None:
        self.phones.held.setdefault(number, {})[message.message_id] = message
        self.phones.changes.note(number)
        validity_ms: float = self._center.settings.validity_ms
        if message.submit.validity_period:
            ends_us = times.read(message.submit.validity_period, message.submitted_us) or message.submitted_us
            validity_ms = max(0, ends_us - message.submitted_us) / 1000
        self._center.later(validity_ms, self._expire, (number, message))

    def _expire(self, entry: tuple[str, Message]) -> None:
        number, message = entry
        if self.phones.held.get(number, {}).pop(message.message_id, None) is not None:
            self.phones.changes.note(number)
            self.step((message, EXPIRED))


def _is_part(message: Message, wanted: int) -> bool:
    """Whether the message is the first (1) or the last (-1) part of a long text; a text of one part is both."""
    place = message.place
    return place is None or place.number == (1 if wanted > 0 else place.total)
