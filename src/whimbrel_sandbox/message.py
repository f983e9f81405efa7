"""A message inside the SMSC.

Apart because the SMSC, the network, the phones and the receipts all look at it.
"""

from collections.abc import Callable

from msgspec import Struct

from whimbrel.codec.smpp.pdu import ShortMessage, Tlvs
from whimbrel.codec.udh import Concat, Element
from whimbrel_sandbox.esme import Esme
from whimbrel_sandbox.outcome import Outcome
from whimbrel_sandbox.scenarios.conduct import Alphabet

_GSM7 = Alphabet.GSM7


class Message(Struct, gc=False):
    """One submit_sm, data_sm, or destination of a submit_multi; accepted exactly if it has a `message_id`.

    `octets` is its user data as it came, `payload` without the header and `elements` what the header held; `link` is
    the number of the connection that brought it; `stat` is its latest state. `on_receipt` is called when its first
    receipt is handed to a socket. `tlvs` are those that came with it. `siblings` came in the same submit_multi.
    """

    esme: Esme
    submit: ShortMessage
    outcome: Outcome
    submitted_us: int
    octets: bytes
    payload: bytes
    place: Concat | None = None
    link: int = 0
    elements: tuple[Element, ...] = ()
    alphabet: Alphabet = _GSM7
    tlvs: Tlvs = ()
    message_id: str = ""
    receipt_id: str = ""
    stat: str = "ENROUTE"
    done_us: int = 0
    tlv_id: str = ""
    siblings: tuple["Message", ...] = ()
    is_final: bool = False
    is_canceled: bool = False
    has_arrived: bool = False
    on_receipt: Callable[[], None] | None = None

    @property
    def piece(self) -> tuple[bytes, int]:
        """The octets after the header, and the header's length."""
        return self.payload, len(self.octets) - len(self.payload)
