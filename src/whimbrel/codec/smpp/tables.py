"""SMPP as data: commands with their mandatory fields, TLV tags, and the bits that carry meaning.

Apart because both directions of the codec, the session machine and the simulator read the same tables, and because a
table can be compared with the specification line by line. Clauses are those of "Short Message Peer to Peer Protocol
Specification v3.4", issue 1.2; what 5.0 added is marked. The broadcast commands of 5.0 are none of ours.
"""

from enum import IntEnum
from typing import Final, Self

import msgspec

from whimbrel.codec.smpp.statuses import STATUSES as STATUSES
from whimbrel.codec.smpp.statuses import Status as Status
from whimbrel.codec.smpp.statuses import status_name as status_name


class Integer(msgspec.Struct, frozen=True):
    """Unsigned, big-endian, of a fixed number of octets (clause 3.1)."""

    octets: int = 1


class CString(msgspec.Struct, frozen=True):
    """Octets closed by NUL; `max_octets` counts the NUL, as the specification's tables do (clause 3.1)."""

    max_octets: int


class OctetString(msgspec.Struct, frozen=True):
    """Octets of known length: after a length of `length_octets`, or all of a TLV when that is 0 (clause 3.1)."""

    max_octets: int
    length_octets: int = 0


class Destinations(msgspec.Struct, frozen=True):
    """number_of_dests, then for each dest_flag and an SME address or a distribution list's name (clause 4.5.1.1)."""

    max_count: int = 254


class Unsuccessful(msgspec.Struct, frozen=True):
    """no_unsuccess, then the address and the status of each failed destination (clause 4.5.2.1)."""

    max_count: int = 255


Kind = Integer | CString | OctetString | Destinations | Unsuccessful


class Field(msgspec.Struct, frozen=True):
    """One mandatory field: its name in the body struct and its shape."""

    name: str
    kind: Kind


class Command(msgspec.Struct, frozen=True):
    """One PDU: number (clause 5.1.2.1), name, the clause that defines it, and its mandatory fields in order."""

    command_id: int
    name: str
    clause: str
    fields: tuple[Field, ...] = ()


RESPONSE_BIT: Final = 0x80000000
HEADER_OCTETS: Final = 16
SEQUENCE_MAX: Final = 0x7FFFFFFF
"""Sequence numbers run from 1 to this (clause 3.2)."""

GENERIC_NACK: Final = 0x80000000
BIND_RECEIVER: Final = 0x00000001
BIND_RECEIVER_RESP: Final = 0x80000001
BIND_TRANSMITTER: Final = 0x00000002
BIND_TRANSMITTER_RESP: Final = 0x80000002
QUERY_SM: Final = 0x00000003
QUERY_SM_RESP: Final = 0x80000003
SUBMIT_SM: Final = 0x00000004
SUBMIT_SM_RESP: Final = 0x80000004
DELIVER_SM: Final = 0x00000005
DELIVER_SM_RESP: Final = 0x80000005
UNBIND: Final = 0x00000006
UNBIND_RESP: Final = 0x80000006
REPLACE_SM: Final = 0x00000007
REPLACE_SM_RESP: Final = 0x80000007
CANCEL_SM: Final = 0x00000008
CANCEL_SM_RESP: Final = 0x80000008
BIND_TRANSCEIVER: Final = 0x00000009
BIND_TRANSCEIVER_RESP: Final = 0x80000009
OUTBIND: Final = 0x0000000B
ENQUIRE_LINK: Final = 0x00000015
ENQUIRE_LINK_RESP: Final = 0x80000015
SUBMIT_MULTI: Final = 0x00000021
SUBMIT_MULTI_RESP: Final = 0x80000021
ALERT_NOTIFICATION: Final = 0x00000102
DATA_SM: Final = 0x00000103
DATA_SM_RESP: Final = 0x80000103


def _address(prefix: str, max_octets: int = 21, name: str | None = None) -> tuple[Field, ...]:
    return (
        Field(f"{prefix}_ton", Integer()),
        Field(f"{prefix}_npi", Integer()),
        Field(name or prefix, CString(max_octets)),
    )


_PASSWORD = Field("password", CString(65))
"""Clause 5.2.2 allows 9 octets; carriers issue longer ones, and a bind that cannot be written helps nobody."""
_BIND = (
    Field("system_id", CString(16)),
    _PASSWORD,
    Field("system_type", CString(13)),
    Field("interface_version", Integer()),
    *_address("address", name="address_range", max_octets=41),
)
_BIND_RESP = (Field("system_id", CString(16)),)
_MESSAGE_ID = (Field("message_id", CString(65)),)
_SERVICE_TYPE = Field("service_type", CString(6))
_TIMES = (Field("schedule_time", CString(17)), Field("validity_period", CString(17)))
_TEXT = Field("short_message", OctetString(254, length_octets=1))
_DELIVERY = (
    Field("esm_class", Integer()),
    Field("protocol_id", Integer()),
    Field("priority", Integer()),
    *_TIMES,
    Field("registered_delivery", Integer()),
    Field("replace_if_present", Integer()),
    Field("data_coding", Integer()),
    Field("sm_default_msg_id", Integer()),
    _TEXT,
)
_SHORT_MESSAGE = (_SERVICE_TYPE, *_address("source"), *_address("dest"), *_DELIVERY)

COMMANDS: Final[dict[int, Command]] = {
    command.command_id: command
    for command in (
        Command(BIND_TRANSMITTER, "bind_transmitter", "4.1.1", _BIND),
        Command(BIND_TRANSMITTER_RESP, "bind_transmitter_resp", "4.1.2", _BIND_RESP),
        Command(BIND_RECEIVER, "bind_receiver", "4.1.3", _BIND),
        Command(BIND_RECEIVER_RESP, "bind_receiver_resp", "4.1.4", _BIND_RESP),
        Command(BIND_TRANSCEIVER, "bind_transceiver", "4.1.5", _BIND),
        Command(BIND_TRANSCEIVER_RESP, "bind_transceiver_resp", "4.1.6", _BIND_RESP),
        Command(OUTBIND, "outbind", "4.1.7", (Field("system_id", CString(16)), _PASSWORD)),
        Command(UNBIND, "unbind", "4.2.1"),
        Command(UNBIND_RESP, "unbind_resp", "4.2.2"),
        Command(GENERIC_NACK, "generic_nack", "4.3.1"),
        Command(SUBMIT_SM, "submit_sm", "4.4.1", _SHORT_MESSAGE),
        Command(SUBMIT_SM_RESP, "submit_sm_resp", "4.4.2", _MESSAGE_ID),
        Command(
            SUBMIT_MULTI,
            "submit_multi",
            "4.5.1",
            (_SERVICE_TYPE, *_address("source"), Field("destinations", Destinations()), *_DELIVERY),
        ),
        Command(SUBMIT_MULTI_RESP, "submit_multi_resp", "4.5.2", (*_MESSAGE_ID, Field("unsuccessful", Unsuccessful()))),
        Command(DELIVER_SM, "deliver_sm", "4.6.1", _SHORT_MESSAGE),
        Command(DELIVER_SM_RESP, "deliver_sm_resp", "4.6.2", _MESSAGE_ID),
        Command(
            DATA_SM,
            "data_sm",
            "4.7.1",
            (
                _SERVICE_TYPE,
                *_address("source", 65),
                *_address("dest", 65),
                Field("esm_class", Integer()),
                Field("registered_delivery", Integer()),
                Field("data_coding", Integer()),
            ),
        ),
        Command(DATA_SM_RESP, "data_sm_resp", "4.7.2", _MESSAGE_ID),
        Command(QUERY_SM, "query_sm", "4.8.1", (*_MESSAGE_ID, *_address("source"))),
        Command(
            QUERY_SM_RESP,
            "query_sm_resp",
            "4.8.2",
            (
                *_MESSAGE_ID,
                Field("final_date", CString(17)),
                Field("message_state", Integer()),
                Field("error_code", Integer()),
            ),
        ),
        Command(CANCEL_SM, "cancel_sm", "4.9.1", (_SERVICE_TYPE, *_MESSAGE_ID, *_address("source"), *_address("dest"))),
        Command(CANCEL_SM_RESP, "cancel_sm_resp", "4.9.2"),
        Command(
            REPLACE_SM,
            "replace_sm",
            "4.10.1",
            (
                *_MESSAGE_ID,
                *_address("source"),
                *_TIMES,
                Field("registered_delivery", Integer()),
                Field("sm_default_msg_id", Integer()),
                _TEXT,
            ),
        ),
        Command(REPLACE_SM_RESP, "replace_sm_resp", "4.10.2"),
        Command(ENQUIRE_LINK, "enquire_link", "4.11.1"),
        Command(ENQUIRE_LINK_RESP, "enquire_link_resp", "4.11.2"),
        Command(ALERT_NOTIFICATION, "alert_notification", "4.12.1", (*_address("source", 65), *_address("esme", 65))),
    )
}
"""Every PDU of SMPP 3.4 by its command_id."""

BINDS: Final = frozenset({BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER})
BIND_RESPS: Final = frozenset({BIND_RECEIVER_RESP, BIND_TRANSMITTER_RESP, BIND_TRANSCEIVER_RESP})
WITHOUT_RESPONSE: Final = frozenset({ALERT_NOTIFICATION, OUTBIND})
WINDOWED: Final = frozenset({SUBMIT_SM, DELIVER_SM, DATA_SM, SUBMIT_MULTI})
"""Requests that carry a message; the window limits these only (clause 2.9)."""
FROM_TRANSMITTER: Final = frozenset({SUBMIT_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM})
"""What an ESME may ask on a transmitter or transceiver bind (clause 2.3, table 2-1)."""
FROM_SMSC: Final = frozenset({DELIVER_SM, DATA_SM, ALERT_NOTIFICATION})
"""What an SMSC may ask. Table 2-1 wants a receiver bind; some SMSCs send receipts on transmitters too."""
EMPTY_BODIES: Final = dict.fromkeys((SUBMIT_SM_RESP, DELIVER_SM_RESP, DATA_SM_RESP, *BIND_RESPS), b"\0")
"""A successful response without a value still has its field: deliver_sm_resp has 17 octets (clause 4.6.2)."""


class Tag(IntEnum):
    """TLV tags with the shape of their value (clause 5.3.1 table 5-7 and 5.3.2; those from 0x0428 to 0x0613 are of SMPP
    5.0, clause 4.8.4). Other tags are kept raw."""

    kind: Kind

    def __new__(cls, number: int, kind: Kind) -> Self:
        """A member is its number; the shape of the value rides along."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.kind = kind
        return member

    DEST_ADDR_SUBUNIT = 0x0005, Integer()
    DEST_NETWORK_TYPE = 0x0006, Integer()
    DEST_BEARER_TYPE = 0x0007, Integer()
    DEST_TELEMATICS_ID = 0x0008, Integer(2)
    SOURCE_ADDR_SUBUNIT = 0x000D, Integer()
    SOURCE_NETWORK_TYPE = 0x000E, Integer()
    SOURCE_BEARER_TYPE = 0x000F, Integer()
    SOURCE_TELEMATICS_ID = 0x0010, Integer()
    QOS_TIME_TO_LIVE = 0x0017, Integer(4)
    PAYLOAD_TYPE = 0x0019, Integer()
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D, CString(256)
    RECEIPTED_MESSAGE_ID = 0x001E, CString(65)
    MS_MSG_WAIT_FACILITIES = 0x0030, Integer()
    PRIVACY_INDICATOR = 0x0201, Integer()
    SOURCE_SUBADDRESS = 0x0202, OctetString(23)
    DEST_SUBADDRESS = 0x0203, OctetString(23)
    USER_MESSAGE_REFERENCE = 0x0204, Integer(2)
    USER_RESPONSE_CODE = 0x0205, Integer()
    SOURCE_PORT = 0x020A, Integer(2)
    DESTINATION_PORT = 0x020B, Integer(2)
    SAR_MSG_REF_NUM = 0x020C, Integer(2)
    LANGUAGE_INDICATOR = 0x020D, Integer()
    SAR_TOTAL_SEGMENTS = 0x020E, Integer()
    SAR_SEGMENT_SEQNUM = 0x020F, Integer()
    SC_INTERFACE_VERSION = 0x0210, Integer()
    CALLBACK_NUM_PRES_IND = 0x0302, Integer()
    CALLBACK_NUM_ATAG = 0x0303, OctetString(65)
    NUMBER_OF_MESSAGES = 0x0304, Integer()
    CALLBACK_NUM = 0x0381, OctetString(19)
    DPF_RESULT = 0x0420, Integer()
    SET_DPF = 0x0421, Integer()
    MS_AVAILABILITY_STATUS = 0x0422, Integer()
    NETWORK_ERROR_CODE = 0x0423, OctetString(3)
    MESSAGE_PAYLOAD = 0x0424, OctetString(0xFFFF)
    DELIVERY_FAILURE_REASON = 0x0425, Integer()
    MORE_MESSAGES_TO_SEND = 0x0426, Integer()
    MESSAGE_STATE = 0x0427, Integer()
    CONGESTION_STATE = 0x0428, Integer()
    USSD_SERVICE_OP = 0x0501, OctetString(1)
    BROADCAST_CHANNEL_INDICATOR = 0x0600, Integer()
    BROADCAST_CONTENT_TYPE = 0x0601, OctetString(3)
    BROADCAST_CONTENT_TYPE_INFO = 0x0602, OctetString(255)
    BROADCAST_MESSAGE_CLASS = 0x0603, Integer()
    BROADCAST_REP_NUM = 0x0604, Integer(2)
    BROADCAST_FREQUENCY_INTERVAL = 0x0605, OctetString(3)
    BROADCAST_AREA_IDENTIFIER = 0x0606, OctetString(255)
    BROADCAST_ERROR_STATUS = 0x0607, Integer(4)
    BROADCAST_AREA_SUCCESS = 0x0608, Integer()
    BROADCAST_END_TIME = 0x0609, CString(17)
    BROADCAST_SERVICE_GROUP = 0x060A, OctetString(255)
    BILLING_IDENTIFICATION = 0x060B, OctetString(1024)
    SOURCE_NETWORK_ID = 0x060D, CString(65)
    DEST_NETWORK_ID = 0x060E, CString(65)
    SOURCE_NODE_ID = 0x060F, OctetString(6)
    DEST_NODE_ID = 0x0610, OctetString(6)
    DEST_ADDR_NP_RESOLUTION = 0x0611, Integer()
    DEST_ADDR_NP_INFORMATION = 0x0612, OctetString(10)
    DEST_ADDR_NP_COUNTRY = 0x0613, OctetString(5)
    DISPLAY_TIME = 0x1201, Integer()
    SMS_SIGNAL = 0x1203, Integer(2)
    MS_VALIDITY = 0x1204, Integer()
    ALERT_ON_MESSAGE_DELIVERY = 0x130C, OctetString(0)
    ITS_REPLY_TYPE = 0x1380, Integer()
    ITS_SESSION_INFO = 0x1383, OctetString(2)


class MessageState(IntEnum):
    """message_state (clause 5.2.28); 0 and 9 come from SMPP 5.0, whose peers send them on 3.4 binds too."""

    SCHEDULED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SKIPPED = 9


ESM_TYPE_MASK: Final = 0x3C
"""Bits 5-2 of esm_class hold the message type (clause 5.2.12)."""
ESM_RECEIPT: Final = 0x04
ESM_INTERMEDIATE: Final = 0x20
ESM_UDHI: Final = 0x40
"""The user data starts with a user data header (clause 5.2.12)."""
REGISTERED_RECEIPT: Final = 0x01
"""registered_delivery: receipt wanted, whether delivered or not (clause 5.2.17)."""
INTERFACE_VERSION_3_4: Final = 0x34
"""interface_version (clause 5.2.4); a peer that binds with less is one of SMPP 3.3."""
