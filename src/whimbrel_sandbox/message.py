"""A message inside the SMSC.

Apart because the SMSC, the network, the phones and the receipts all look at it.
"""

from collections.abc import Callable

from msgspec import Struct

from whimbrel.codec.smpp.pdu import ShortMessage
from whimbrel.codec.udh import Concat
from whimbrel_sandbox.esme import Esme
from whimbrel_sandbox.outcomes import Outcome


class Message(Struct, gc=False):
    """One submit_sm; accepted exactly if it has a `message_id`.

    `octets` is its user data as it came, `payload` without the header; `stat` is its latest state. `on_receipt` is
    called when its first receipt is handed to a socket.
    """

    esme: Esme
    submit: ShortMessage
    outcome: Outcome
    submitted_us: int
    octets: bytes
    payload: bytes
    place: Concat | None = None
    message_id: str = ""
    receipt_id: str = ""
    stat: str = "ENROUTE"
    done_us: int = 0
    is_final: bool = False
    is_canceled: bool = False
    has_arrived: bool = False
    on_receipt: Callable[[], None] | None = None
