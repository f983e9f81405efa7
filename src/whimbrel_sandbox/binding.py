"""Whether a client may bind, and the octets that tell it.

Apart from the session, which knows the connection: here a bind is judged by settings, behaviour and conduct alone.
"""

from whimbrel.codec.smpp.pdu import Bind, BindResp, Pdu, encode, header
from whimbrel.codec.smpp.pdu import make_tlv as tlv_of
from whimbrel.codec.smpp.tables import (
    BIND_TRANSCEIVER,
    GENERIC_NACK,
    INTERFACE_VERSION_3_4,
    RESPONSE_BIT,
    Status,
    Tag,
)
from whimbrel_sandbox.scenarios import octets
from whimbrel_sandbox.scenarios.conduct import BindBody, Conduct
from whimbrel_sandbox.settings import Behaviour, Settings

SYSTEM_ID = "whimbrel"
_ODD_TLV = bytes.fromhex("0210 0002 34")


def verdict(pdu: Pdu, *, binds: int, conduct: Conduct, settings: Settings, behaviour: Behaviour) -> int:
    """The command_status of a first bind; `binds` are those that the client has already."""
    bind = pdu.body
    assert isinstance(bind, Bind)
    if conduct.bind_status or behaviour.refuse_binds:
        return conduct.bind_status or behaviour.refuse_binds
    if settings.system_id is not None and bind.system_id != settings.system_id:
        return Status.ESME_RINVSYSID
    if settings.password is not None and bind.password != settings.password:
        return Status.ESME_RINVPASWD
    if conduct.no_transceiver and pdu.command_id == BIND_TRANSCEIVER:
        return conduct.no_transceiver
    if conduct.bind_limit and binds >= conduct.bind_limit:
        return conduct.bind_limit_status
    return Status.ESME_ROK


def refusal(pdu: Pdu, status: int, conduct: Conduct) -> bytes:
    """The bind_resp that says no, and what the conduct puts behind it."""
    body = SYSTEM_ID.encode() + b"\0" if conduct.bind_error_body else b""
    answer = header(len(body), pdu.command_id | RESPONSE_BIT, status, pdu.sequence) + body
    return answer + header(0, GENERIC_NACK, status, pdu.sequence) if conduct.bind_nack else answer


def acceptance(pdu: Pdu, conduct: Conduct) -> bytes:
    """The bind_resp that says yes, and what the conduct puts around it."""
    assert isinstance(pdu.body, Bind)
    # 4.1.2: a client older than 3.4 must not be sent optional parameters.
    speaks_tlvs = min(pdu.body.interface_version, conduct.version) >= INTERFACE_VERSION_3_4
    return conduct.before_bind_resp + _answer(pdu, conduct, speaks_tlvs) + conduct.after_bind


def _answer(pdu: Pdu, conduct: Conduct, speaks_tlvs: bool) -> bytes:
    command_id = pdu.command_id | RESPONSE_BIT
    if conduct.bind_body is BindBody.WHOLE or conduct.bind_body is BindBody.BARE:
        has_tlv = speaks_tlvs and conduct.bind_body is BindBody.WHOLE
        tlvs = (tlv_of(Tag.SC_INTERFACE_VERSION, conduct.version),) if has_tlv else ()
        return encode(Pdu(command_id, 0, pdu.sequence, BindResp(SYSTEM_ID), tlvs))
    named = SYSTEM_ID.encode()
    body = {
        BindBody.NONE: b"",
        BindBody.OCTET: b"\0",
        BindBody.OPEN: named,
        BindBody.ODD_TLV: named + b"\0" + _ODD_TLV,
        BindBody.ALIEN_TLVS: named + b"\0" + octets.ALIEN_TLVS,
    }[conduct.bind_body]
    return header(len(body), command_id, 0, pdu.sequence) + body
