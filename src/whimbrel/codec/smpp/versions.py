"""What the versions of SMPP mean for one session: who may be sent TLVs, and what 5.0 says in them.

Apart from `session` because these are rules about values. SMPP 3.3 has no optional parameters, and its parsers take
octets after a PDU's last field for the next PDU; so clause 3.3 of 3.4 forbids to send it any. Numbers are those of
interface_version (clause 5.2.4) and sc_interface_version (clause 5.3.2.25): everything below 0x34 is 3.3 or earlier.
"""

from typing import Final

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.fields import Tlvs, read_fields, read_tlvs, tlv, tlv_integer
from whimbrel.codec.smpp.tables import COMMANDS, INTERFACE_VERSION_3_4, Tag

CONGESTION_MAX: Final = 99
"""SMPP 5.0 clause 4.8.4.18: 0 is idle, 80 to 89 optimum, 90 to 99 congested; the rest is reserved."""


def takes_tlvs(version: int | None) -> bool:
    """Whether a peer of this version may be sent TLVs; None is a peer that did not say.

    Clause 3.3 has silence mean 3.3. But many SMSCs that ask for TLVs leave sc_interface_version out, so whose contract
    says 3.3 is bound as 3.3 (interface_version of our own bind), and the silent others are not held to it.
    """
    return version is None or version >= INTERFACE_VERSION_3_4


def without_tlvs(command_id: int, octets: bytes) -> bytes:
    """A request's body without its TLVs; CodecError where one of them is the message: it must not travel empty."""
    _, end = read_fields(COMMANDS[command_id].fields, octets, 0, len(octets))
    if end < len(octets) and tlv(read_tlvs(octets, end, len(octets)), Tag.MESSAGE_PAYLOAD) is not None:
        raise CodecError("a peer of SMPP 3.3 takes no message_payload")
    return octets[:end]


def congestion(tlvs: Tlvs) -> int | None:
    """How busy the peer of SMPP 5.0 says it is, from 0 to `CONGESTION_MAX`; None when it says nothing of use."""
    state = tlv_integer(tlvs, Tag.CONGESTION_STATE)
    return state if state is not None and state <= CONGESTION_MAX else None
