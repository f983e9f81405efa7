"""outbind: the SMSC connects to a client and asks it to bind (SMPP 3.4, 4.1.7 and 2.2.1).

Apart from `serve.py`, because here it is us who connect.
"""

from msgspec import Struct

from whimbrel.codec.smpp.pdu import Outbind, Pdu, encode
from whimbrel.codec.smpp.tables import OUTBIND
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.session import Desk, Session


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a client listens, and what outbind tells it."""

    host: str
    port: int
    system_id: str = "whimbrel"
    password: str = ""


async def outbind(call: Call, center: Center, desk: Desk) -> None:
    """Connect and send outbind; the client may then bind on this connection. Raises OSError."""
    octets = encode(Pdu(OUTBIND, 0, 1, Outbind(call.system_id, call.password)))
    _, session = await center.loop.create_connection(lambda: Session(center, desk), call.host, call.port)
    session.write(octets)
