"""The deliver_sm of one bind that the client has not answered yet.

Apart from the session because this is where nothing may be lost: each delivery leaves by an answer, by going back to
the client's queue, or by a refusal for good.
"""

from whimbrel.codec.smpp.pdu import header
from whimbrel.codec.smpp.tables import Status
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.esme import Delivery, Esme
from whimbrel_sandbox.log import InboundAnswered, InboundSent, ReceiptAnswered, ReceiptSent

_FINAL_REFUSALS = frozenset({int(Status.ESME_RX_P_APPN), int(Status.ESME_RX_R_APPN)})
_RETRY_FACTOR_MAX = 10  # the wait before a refused delivery is tried again grows to ten times its start


class Window:
    """Unanswered deliveries by sequence number, oldest first; `bind` is the number of the connection."""

    def __init__(self, center: Center, bind: int) -> None:
        self._center = center
        self._bind = bind
        self._open: dict[int, Delivery] = {}

    def room(self) -> int:
        """How many more may be unanswered."""
        return self._center.settings.deliver_window - len(self._open)

    def send(self, sequence: int, delivery: Delivery) -> bytes:
        """Take a delivery in; answers the PDU to send."""
        self._open[sequence] = delivery
        delivery.tries += 1
        delivery.sent_at = self._center.loop.time()
        self._note_sent(sequence, delivery)
        if delivery.on_sent is not None:
            on_sent, delivery.on_sent = delivery.on_sent, None
            on_sent()
        return header(len(delivery.body), delivery.command_id, 0, sequence) + delivery.body

    def answer(self, esme: Esme, sequence: int, status: int) -> None:
        """The client answered; a delivery that it refused comes again later, unless the refusal is for good."""
        delivery = self._open.pop(sequence, None)
        if delivery is None:
            return
        self._note_answered(sequence, delivery, status)
        if status:
            self._center.counts.deliveries_refused += 1
            if status not in _FINAL_REFUSALS:
                wait_ms = self._center.settings.deliver_retry_ms * min(delivery.tries, _RETRY_FACTOR_MAX)
                self._center.wheel.after(wait_ms, self._give_back, (esme, [delivery]))
        if esme.waiting:
            self._center.touched(esme)

    def take_back(self, esme: Esme, *, sent_before: float | None = None) -> None:
        """Give what is unanswered (and was sent before that time of the loop) back to the client's queue."""
        open_ = self._open
        overdue = [seq for seq, delivery in open_.items() if sent_before is None or delivery.sent_at < sent_before]
        if overdue:
            self._give_back((esme, [open_.pop(sequence) for sequence in overdue]))

    def _give_back(self, entry: tuple[Esme, list[Delivery]]) -> None:
        esme, deliveries = entry
        esme.give_back(deliveries)
        self._center.touched(esme)

    def _note_sent(self, sequence: int, delivery: Delivery) -> None:
        center = self._center
        center.counts.deliveries_again += delivery.tries > 1
        if not delivery.stat:
            center.counts.inbound_sent += 1
            center.note(_inbound_sent(center.now_us(), self._bind, sequence, delivery))
            return
        center.counts.receipts_sent += 1
        if center.log is not None:
            at_us, named = center.now_us(), delivery.message_id
            center.log.add(ReceiptSent(at_us, self._bind, sequence, named, delivery.stat, delivery.err, delivery.tries))

    def _note_answered(self, sequence: int, delivery: Delivery, status: int) -> None:
        center = self._center
        named = delivery.message_id
        if not delivery.stat:
            center.counts.inbound_answered += not status
            center.note(InboundAnswered(center.now_us(), self._bind, sequence, named, delivery.part, status))
            return
        center.counts.receipts_answered += not status
        if center.log is not None:
            center.log.add(ReceiptAnswered(center.now_us(), self._bind, sequence, named, status))


def _inbound_sent(at_us: int, bind: int, sequence: int, delivery: Delivery) -> InboundSent:
    return InboundSent(
        at_us,
        bind,
        sequence,
        delivery.message_id,
        delivery.source,
        delivery.dest,
        delivery.octets.hex(),
        delivery.text,
        delivery.data_coding,
        delivery.part,
        delivery.parts,
        delivery.tries,
    )
