"""PDUs that scenarios send as they stand: at the wrong time, unknown, or broken.

Apart from the rows, which name them. Their sequence numbers are far from those that the SMSC counts, so that an answer
to them is an answer to nothing.
"""

from whimbrel.codec.smpp.pdu import (
    AlertNotification,
    DataSm,
    Outbind,
    Pdu,
    ShortMessage,
    encode,
    header,
    make_tlv,
)
from whimbrel.codec.smpp.tables import (
    ALERT_NOTIFICATION,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    OUTBIND,
    UNBIND,
    Tag,
)

SEQUENCE = 0x70000001
UNKNOWN_REQUEST = 0x00000999
UNKNOWN_RESPONSE = 0x80000999
_STORM = 200

TEXT = encode(
    Pdu(
        DELIVER_SM,
        0,
        SEQUENCE,
        ShortMessage(
            source_ton=1, source_npi=1, source="15005550000", dest_ton=5, dest="Shop", short_message=b"too early"
        ),
    )
)
DATA = encode(
    Pdu(
        DATA_SM,
        0,
        SEQUENCE,
        DataSm(source_ton=1, source_npi=1, source="15005550000", dest_ton=5, dest="Shop"),
        (make_tlv(Tag.MESSAGE_PAYLOAD, b"a text as data_sm"),),
    )
)
ENQUIRY = header(0, ENQUIRE_LINK, 0, SEQUENCE)
ENQUIRIES = b"".join([header(0, ENQUIRE_LINK, 0, SEQUENCE + number) for number in range(_STORM)])
CALL = encode(Pdu(OUTBIND, 0, SEQUENCE, Outbind("whimbrel", "secret")))
ALERT = encode(Pdu(ALERT_NOTIFICATION, 0, SEQUENCE, AlertNotification(1, 1, "15005550000", 5, 0, "Shop")))
GOODBYE = header(0, UNBIND, 0, SEQUENCE)
UNKNOWN = header(4, UNKNOWN_REQUEST, 0, SEQUENCE) + b"what"
UNREADABLE = header(5, DELIVER_SM, 0, SEQUENCE) + b"\x00\x01\x01no"  # ends inside source_addr
TRUNCATED_HEADER = header(0, ENQUIRE_LINK, 0, SEQUENCE)[:7]
LENGTH_SHORT = bytes.fromhex("00000008 00000015 00000000 70000001")
LENGTH_HUGE = bytes.fromhex("7fffffff 00000015 00000000 70000001")
TEXT_NOT_SMPP = b"220 mail.example.com ESMTP ready\r\n"

ALIEN_TLVS = bytes.fromhex(
    "1403 0003 323334"  # vendor: MCC and MNC in digits
    "1454 0000"  # vendor, empty
    "060d 0004 00010203"  # in no table of SMPP 3.4
    "0428 0001 05"  # congestion_state of SMPP 5.0
    "002b 0002 ffff"
    "3fff 0001 00"
)
WRONG_TLVS = bytes.fromhex(
    "0427 0002 0002"  # message_state with two octets
    "0381 0001 ff"  # callback_num with one
    "0426 0001 01"  # more_messages_to_send, which belongs to submit_sm
    "0204 0001 07"  # user_message_reference with one octet
    "020c 0001 01"  # sar_msg_ref_num with one octet
)
TLV_BEYOND = bytes.fromhex("1400 0040 0102")  # claims 64 octets and has two
TLV_HALF = bytes.fromhex("1400 00")  # ends inside its length
