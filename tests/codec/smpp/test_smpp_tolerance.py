"""What other stacks send wrongly and what stands for it: a message is never dropped for its trimmings (T24-T31)."""

import pytest

from whimbrel.codec.smpp.pdu import (
    BadPdu,
    BindResp,
    Decoder,
    MessageId,
    Pdu,
    QuerySmResp,
    ShortMessage,
    SubmitMultiResp,
    encode,
)
from whimbrel.codec.smpp.tables import DELIVER_SM, ENQUIRE_LINK, SUBMIT_SM, Status

READ = {
    "T24 submit_sm_resp without terminator": ("00000012 80000004 00000000 00000001 3132", MessageId("12"), ()),
    "T25 bind_resp of one octet": ("00000011 80000009 00000053 00000001 00", BindResp(""), ()),
    "T25 bind_resp without terminator": ("00000013 80000009 00000000 00000001 534d53", BindResp("SMS"), ()),
    "T25 bind_resp with a tag turned round": (
        "0000001a 80000009 00000000 00000001 534d534300 1002000134",
        BindResp("SMSC"),
        ((0x1002, b"\x34"),),
    ),
    "T25 bind_resp with half a TLV": ("00000018 80000009 00000000 00000001 534d534300 021000", BindResp("SMSC"), ()),
    "T27 TLV beyond the PDU": ("0000001a 80000009 00000000 00000001 534d534300 0210000234", BindResp("SMSC"), ()),
    "query_sm_resp cut after the id": ("00000014 80000003 00000000 00000001 61623100", QuerySmResp("ab1"), ()),
    "query_sm_resp cut inside": ("00000013 80000003 00000000 00000001 610032", QuerySmResp("a", "2"), ()),
    "submit_multi_resp without its list": ("00000013 80000021 00000000 00000001 6d3100", SubmitMultiResp("m1"), ()),
    "submit_multi_resp with a list cut": (
        "00000016 80000021 00000000 00000001 6d3100020101",
        SubmitMultiResp("m1"),
        (),
    ),
}


@pytest.mark.parametrize(("hexed", "body", "tlvs"), READ.values(), ids=READ.keys())
def test_truncated_responses_are_read(hexed, body, tlvs):
    [pdu] = Decoder().feed(bytes.fromhex(hexed))
    assert (pdu.body, pdu.tlvs) == (body, tlvs)


def test_octets_after_a_bare_command_are_ignored():
    assert Decoder().feed(bytes.fromhex("00000012 00000015 00000000 00000001 0000")) == [Pdu(ENQUIRE_LINK, 0, 1)]


def test_over_long_fields_of_a_peer_are_read():
    """Reading is liberal: the PDU bounds them, and an over-long id is still the carrier's id (T02)."""
    text = b"9" * 80
    octets = bytes.fromhex("00000061 80000004 00000000 00000001") + text + b"\0"
    assert Decoder().feed(octets) == [Pdu(0x80000004, 0, 1, MessageId(text.decode()))]


IN_STEP = {
    "T32 unknown command": ("00000010 00000077 00000000 00000009", 0x77, Status.ESME_RINVCMDID),
    "T30 sm_length beyond the PDU": (
        "00000023 00000004 00000000 00000009 0000000000003100400000000000000000 0541",
        SUBMIT_SM,
        Status.ESME_RINVMSGLEN,
    ),
    "T30 source without terminator": ("00000015 00000005 00000000 00000009 0001013132", DELIVER_SM, 2),
    "header only": ("00000010 00000004 00000000 00000009", SUBMIT_SM, Status.ESME_RINVCMDLEN),
    "data_sm cut": ("00000012 00000103 00000000 00000009 0001", 0x103, Status.ESME_RINVCMDLEN),
    "replace_sm with sm_length beyond the PDU": (
        "0000001b 00000007 00000000 00000009 3100000000000000000541",
        0x07,
        Status.ESME_RINVMSGLEN,
    ),
    "submit_multi with dest_flag 3": ("00000017 00000021 00000000 00000009 00000000010300", 0x21, 0x40),
}


@pytest.mark.parametrize(("hexed", "command_id", "status"), IN_STEP.values(), ids=IN_STEP.keys())
def test_unreadable_pdu_leaves_the_stream_in_step(hexed, command_id, status):
    alive = Pdu(ENQUIRE_LINK, 0, 10)
    [bad, after] = Decoder().feed(bytes.fromhex(hexed) + encode(alive))
    assert isinstance(bad, BadPdu)
    assert (bad.command_id, bad.sequence, bad.status, bad.in_step) == (command_id, 9, status, True)
    assert bad.reason
    assert after == alive


@pytest.mark.parametrize(
    "octets",
    [
        bytes.fromhex("00000002"),
        bytes.fromhex("00000000"),
        bytes.fromhex("0000000f"),
        bytes.fromhex("00010001"),
        bytes.fromhex("ffffffff"),
        b"GET ",
    ],
)
def test_impossible_length_is_known_at_the_fourth_octet_and_loses_the_stream(octets):
    decoder = Decoder()
    assert [found for value in octets[:3] for found in decoder.feed(bytes([value]))] == []
    [bad] = decoder.feed(octets[3:])
    assert (bad.in_step, bad.sequence, bad.status) == (False, 0, Status.ESME_RINVCMDLEN)
    assert decoder.is_lost
    assert decoder.feed(encode(Pdu(ENQUIRE_LINK, 0, 1))) == []


def test_cap_on_command_length_is_inclusive():
    pdu = Pdu(DELIVER_SM, 0, 1, ShortMessage(short_message=b"x"))
    octets = encode(pdu)
    assert Decoder(len(octets)).feed(octets) == [pdu]
    [bad] = Decoder(len(octets) - 1).feed(octets)
    assert not bad.in_step


def test_largest_pdu_octet_by_octet():
    pdu = Pdu(DELIVER_SM, 0, 1, ShortMessage(), ((0x0424, bytes(65_000)),))
    decoder = Decoder()
    assert [found for value in encode(pdu) for found in decoder.feed(bytes([value]))] == [pdu]
