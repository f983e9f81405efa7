"""Octets in hex beside the value they mean, read in both directions. The numbers are fictitious; the shapes are those
that SMSCs and clients send.
"""

import pytest

from whimbrel.codec.smpp.pdu import (
    AlertNotification,
    Bind,
    BindResp,
    CancelSm,
    DataSm,
    Decoder,
    DistributionList,
    MessageId,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ShortMessage,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessfulSme,
    encode,
)
from whimbrel.codec.smpp.tables import COMMANDS, Tag

VECTORS = [
    (
        "bind_transceiver",
        "00000027 00000009 00000000 00000001 77686d6272656c0073656372657400564d530034000000",
        Pdu(0x09, 0, 1, Bind("whmbrel", "secret", "VMS", 0x34)),
    ),
    (
        "bind_receiver with address range",
        "0000001e 00000001 00000000 00000002 61006200003301015e3135303000",
        Pdu(0x01, 0, 2, Bind("a", "b", "", 0x33, 1, 1, "^1500")),
    ),
    (
        "bind_transceiver_resp with sc_interface_version",
        "0000001a 80000009 00000000 00000001 534d5343000210000134",
        Pdu(0x80000009, 0, 1, BindResp("SMSC"), ((Tag.SC_INTERFACE_VERSION, b"\x34"),)),
    ),
    (
        "bind_receiver_resp refused, header only",
        "00000010 80000001 0000000e 00000001",
        Pdu(0x80000001, 0x0E, 1),
    ),
    (
        "outbind",
        "00000014 0000000b 00000000 00000001 61006200",
        Pdu(0x0B, 0, 1, Outbind("a", "b")),
    ),
    (
        "unbind",
        "00000010 00000006 00000000 00000005",
        Pdu(0x06, 0, 5),
    ),
    (
        "unbind_resp",
        "00000010 80000006 00000000 00000005",
        Pdu(0x80000006, 0, 5),
    ),
    (
        "generic_nack that names no request",
        "00000010 80000000 00000003 00000000",
        Pdu(0x80000000, 3, 0),
    ),
    (
        "enquire_link with the last sequence number",
        "00000010 00000015 00000000 7fffffff",
        Pdu(0x15, 0, 0x7FFFFFFF),
    ),
    (
        "enquire_link_resp",
        "00000010 80000015 00000000 7fffffff",
        Pdu(0x80000015, 0, 0x7FFFFFFF),
    ),
    (
        "submit_sm from a name, receipt wanted",
        "0000003f 00000004 00000000 00000002 "
        "00050057696d620001013135303035353530313030000000000000010000000f596f757220636f64653a"
        "2031323334",
        Pdu(
            0x04,
            0,
            2,
            ShortMessage(
                source_ton=5,
                source="Wimb",
                dest_ton=1,
                dest_npi=1,
                dest="15005550100",
                registered_delivery=1,
                short_message=b"Your code: 1234",
            ),
        ),
    ),
    (
        "submit_sm with service type and both times",
        "00000056 00000004 00000000 00000003 "
        "574150000300373233343500010131353030353535303130300000400132363131323331323030303030"
        "30302b0030303030303030303035303030303052001101f107026869",
        Pdu(
            0x04,
            0,
            3,
            ShortMessage(
                "WAP",
                3,
                0,
                "72345",
                1,
                1,
                "15005550100",
                0,
                0x40,
                1,
                "261123120000000+",
                "000000000500000R",
                0x11,
                1,
                0xF1,
                7,
                b"hi",
            ),
        ),
    ),
    (
        "submit_sm, one part with UDH",
        "00000036 00000004 00000000 00000004 "
        "0000000000003135303035353530313030004000000000000008000a0500032a0201d83ddc4b",
        Pdu(
            0x04,
            0,
            4,
            ShortMessage(
                dest="15005550100", esm_class=0x40, data_coding=8, short_message=bytes.fromhex("0500032a0201d83ddc4b")
            ),
        ),
    ),
    (
        "submit_sm with sm_length 0, UDHI and message_payload",
        "0000002d 00000004 00000000 00000005 000000000000310040000000000000000000042400070500032a020168",
        Pdu(
            0x04,
            0,
            5,
            ShortMessage(dest="1", esm_class=0x40),
            ((Tag.MESSAGE_PAYLOAD, bytes.fromhex("0500032a020168")),),
        ),
    ),
    (
        "submit_sm_resp",
        "00000019 80000004 00000000 00000002 333966393964643500",
        Pdu(0x80000004, 0, 2, MessageId("39f99dd5")),
    ),
    (
        "submit_sm_resp with an error and no body",
        "00000010 80000004 0000000b 00000003",
        Pdu(0x80000004, 0x0B, 3),
    ),
    (
        "submit_sm_resp with an error and a body",
        "00000019 80000004 0000000a 00000002 303030303030303000",
        Pdu(0x80000004, 0x0A, 2, MessageId("00000000")),
    ),
    (
        "submit_sm_resp with a status nobody knows",
        "00000010 80000004 00000408 00000002",
        Pdu(0x80000004, 0x408, 2),
    ),
    (
        "deliver_sm, a receipt with TLVs",
        "00000068 00000005 00000000 00000009 "
        "000101313530303535353031303000050057696d62000400000000000000002269643a30303030343336"
        "39343920737461743a44454c49565244206572723a303030001e00063661616435000427000102042300"
        "03030000",
        Pdu(
            0x05,
            0,
            9,
            ShortMessage(
                "", 1, 1, "15005550100", 5, 0, "Wimb", 0x04, short_message=b"id:0000436949 stat:DELIVRD err:000"
            ),
            ((Tag.RECEIPTED_MESSAGE_ID, b"6aad5\0"), (Tag.MESSAGE_STATE, b"\2"), (Tag.NETWORK_ERROR_CODE, b"\3\0\0")),
        ),
    ),
    (
        "deliver_sm with vendor and reserved TLVs",
        "00000050 00000005 00000000 0000000a "
        "000101313530303535353031303000000137323334350000000000000000000004546573741454000400"
        "000001002b0000060d00063132373030000426000101",
        Pdu(
            0x05,
            0,
            10,
            ShortMessage("", 1, 1, "15005550100", 0, 1, "72345", short_message=b"Test"),
            ((0x1454, b"\0\0\0\1"), (0x002B, b""), (0x060D, b"12700\0"), (Tag.MORE_MESSAGES_TO_SEND, b"\1")),
        ),
    ),
    (
        "deliver_sm_resp with its empty message_id",
        "00000011 80000005 00000000 00000009 00",
        Pdu(0x80000005, 0, 9, MessageId("")),
    ),
    (
        "deliver_sm_resp that asks to try again",
        "00000010 80000005 00000064 00000009",
        Pdu(0x80000005, 0x64, 9),
    ),
    (
        "data_sm",
        "00000033 00000103 00000000 0000000b 00010131353030353535303130300000013732333435000001000424000568656c6c6f",
        Pdu(0x103, 0, 11, DataSm("", 1, 1, "15005550100", 0, 1, "72345", 0, 1, 0), ((Tag.MESSAGE_PAYLOAD, b"hello"),)),
    ),
    (
        "data_sm_resp",
        "00000013 80000103 00000000 0000000b 643100",
        Pdu(0x80000103, 0, 11, MessageId("d1")),
    ),
    (
        "query_sm",
        "00000020 00000003 00000000 0000000c 333966393964643500050057696d6200",
        Pdu(0x03, 0, 12, QuerySm("39f99dd5", 5, 0, "Wimb")),
    ),
    (
        "query_sm_resp",
        "0000002c 80000003 00000000 0000000c 3339663939646435003236313132333132303030303030302b000200",
        Pdu(0x80000003, 0, 12, QuerySmResp("39f99dd5", "261123120000000+", 2, 0)),
    ),
    (
        "cancel_sm",
        "0000002f 00000008 00000000 0000000d 00333966393964643500050057696d62000101313530303535353031303000",
        Pdu(0x08, 0, 13, CancelSm("", "39f99dd5", 5, 0, "Wimb", 1, 1, "15005550100")),
    ),
    (
        "cancel_sm_resp",
        "00000010 80000008 00000011 0000000d",
        Pdu(0x80000008, 0x11, 13),
    ),
    (
        "replace_sm",
        "00000038 00000007 00000000 0000000e "
        "333966393964643500050057696d62000030303030303130303030303030303052000100036e6577",
        Pdu(0x07, 0, 14, ReplaceSm("39f99dd5", 5, 0, "Wimb", "", "000001000000000R", 1, 0, b"new")),
    ),
    (
        "replace_sm_resp",
        "00000010 80000007 00000000 0000000e",
        Pdu(0x80000007, 0, 14),
    ),
    (
        "submit_multi to a subscriber and a list",
        "0000003a 00000021 00000000 0000000f "
        "00050057696d620002010101313530303535353031303000027669707300000000000001000000026869",
        Pdu(
            0x21,
            0,
            15,
            SubmitMulti(
                "",
                5,
                0,
                "Wimb",
                (SmeAddress(1, 1, "15005550100"), DistributionList("vips")),
                registered_delivery=1,
                short_message=b"hi",
            ),
        ),
    ),
    (
        "submit_multi_resp with one failure",
        "00000026 80000021 00000000 0000000f 6d31000101013135303035353530313031000000000b",
        Pdu(0x80000021, 0, 15, SubmitMultiResp("m1", (UnsuccessfulSme(1, 1, "15005550101", 0x0B),))),
    ),
    (
        "alert_notification",
        "0000002b 00000102 00000000 00000010 010131353030353535303130300000013732333435000422000100",
        Pdu(
            0x102, 0, 16, AlertNotification(1, 1, "15005550100", 0, 1, "72345"), ((Tag.MS_AVAILABILITY_STATUS, b"\0"),)
        ),
    ),
]


def octets(text):
    return bytes.fromhex(text)


@pytest.mark.parametrize(("hexed", "pdu"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS])
def test_vector_is_read(hexed, pdu):
    assert Decoder().feed(octets(hexed)) == [pdu]


@pytest.mark.parametrize(("hexed", "pdu"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS])
def test_vector_is_written(hexed, pdu):
    assert encode(pdu).hex() == octets(hexed).hex()


def test_vectors_name_every_family():
    seen = {pdu.command_id for _, _, pdu in VECTORS}
    families = {0x02, 0x80000001, 0x80000002}
    assert seen | families == set(COMMANDS)


def test_all_vectors_in_one_read_and_octet_by_octet():
    stream = b"".join(octets(hexed) for _, hexed, _ in VECTORS)
    whole = Decoder().feed(stream)
    assert whole == [pdu for _, _, pdu in VECTORS]
    slow = Decoder()
    assert [pdu for value in stream for pdu in slow.feed(bytes([value]))] == whole
