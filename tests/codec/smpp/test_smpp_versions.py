"""What the versions of both sides mean: who is sent TLVs (T64), and the congestion that SMPP 5.0 tells."""

import pytest

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.events import BindRequested, Bound, Role, Settings
from whimbrel.codec.smpp.pdu import (
    Bind,
    BindResp,
    DataSm,
    Decoder,
    MessageId,
    Pdu,
    ShortMessage,
    encode,
    encode_body,
    make_tlv,
    submit_template,
)
from whimbrel.codec.smpp.session import Session
from whimbrel.codec.smpp.tables import (
    BIND_TRANSCEIVER,
    DATA_SM,
    DELIVER_SM,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    Tag,
)
from whimbrel.codec.smpp.versions import congestion, takes_tlvs, without_tlvs

TEXT = ShortMessage(source="Wimb", dest="15005550100", short_message=b"hello")
TLVS = (make_tlv(Tag.USER_MESSAGE_REFERENCE, 7), (0x1400, b"1701158019811140068"))
PAYLOAD = (make_tlv(Tag.MESSAGE_PAYLOAD, b"long"),)


def bound_esme(*, ours=0x34, answer=b""):
    """An ESME that binds with version `ours`; `answer` are the octets after the header of the bind's response."""
    esme = Session(Role.ESME, Settings(), 0)
    esme.bind(BIND_TRANSCEIVER, Bind("whmbrel", "secret", interface_version=ours), now_ms=0)
    [asked] = Decoder().feed(esme.take_output())
    head = (16 + len(answer)).to_bytes(4, "big") + bytes.fromhex("80000009 00000000")
    [bound] = esme.receive(head + asked.sequence.to_bytes(4, "big") + answer, 0)
    assert isinstance(bound, Bound)
    return esme


def bound_smsc(version, *, tlvs=()):
    smsc = Session(Role.SMSC, Settings(), 0)
    octets = encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("phones", "secret", interface_version=version)))
    [asked] = smsc.receive(octets, 0)
    assert isinstance(asked, BindRequested)
    smsc.respond(asked.pdu, 0, BindResp("SMSC"), tlvs=tlvs)
    return smsc


def written(session):
    return Decoder().feed(session.take_output())


ANSWERS = {
    # ours, what follows the header of bind_transceiver_resp, peer_version, sends_tlvs
    "3.4 and 3.4": (0x34, "534d534300 0210000134", 0x34, True),
    "3.4 and 5.0": (0x34, "534d534300 0210000150", 0x50, True),
    "5.0 and 5.0": (0x50, "534d534300 0210000150", 0x50, True),
    "3.4 and 3.3": (0x34, "534d534300 0210000133", 0x33, False),
    "3.4 and 0": (0x34, "534d534300 0210000100", 0, False),
    "3.4 and nothing said": (0x34, "534d534300", None, True),
    "3.4 and an empty answer": (0x34, "", None, True),
    "3.4 and two octets": (0x34, "534d534300 021000020034", 0x34, True),
    "3.4 and a TLV without value": (0x34, "534d534300 02100000", None, True),
    "3.4 and the tag turned round": (0x34, "534d534300 1002000134", None, True),
    "3.3 by contract, and nothing said": (0x33, "534d534300", None, False),
    "3.3 by contract, and 3.4": (0x33, "534d534300 0210000134", 0x34, False),
}


@pytest.mark.parametrize(("ours", "answer", "version", "sends"), ANSWERS.values(), ids=ANSWERS.keys())
def test_esme_knows_the_version_of_its_smsc(ours, answer, version, sends):
    esme = bound_esme(ours=ours, answer=bytes.fromhex(answer))
    assert (esme.peer_version, esme.sends_tlvs) == (version, sends)
    esme.send(SUBMIT_SM, TEXT, token="a", now_ms=0, tlvs=TLVS)
    [pdu] = written(esme)
    assert (pdu.body, pdu.tlvs) == (TEXT, TLVS if sends else ())


@pytest.mark.parametrize(
    ("version", "sends"), [(0, False), (0x03, False), (0x33, False), (0x34, True), (0x50, True), (0xFF, True)]
)
def test_smsc_sends_no_tlvs_to_an_esme_of_3_3(version, sends):
    tlvs = (make_tlv(Tag.SC_INTERFACE_VERSION, 0x34),)
    smsc = bound_smsc(version, tlvs=tlvs)
    assert (smsc.peer_version, smsc.sends_tlvs) == (version, sends)
    [answer] = written(smsc)
    assert (answer.body, answer.tlvs) == (BindResp("SMSC"), tlvs if sends else ())
    smsc.send(DELIVER_SM, TEXT, token="a", now_ms=0, tlvs=TLVS)
    assert written(smsc) == [Pdu(DELIVER_SM, 0, 1, TEXT, TLVS if sends else ())]
    [received] = smsc.receive(encode(Pdu(SUBMIT_SM, 0, 2, TEXT)), 0)
    smsc.respond(received.pdu, 0, MessageId("1f"), tlvs=TLVS)
    assert written(smsc) == [Pdu(SUBMIT_SM_RESP, 0, 2, MessageId("1f"), TLVS if sends else ())]


def test_a_bind_that_was_refused_leaves_no_version_behind():
    smsc = Session(Role.SMSC, Settings(), 0)
    [asked] = smsc.receive(encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("phones", "no", interface_version=0x33))), 0)
    smsc.respond(asked.pdu, 0x0E)
    smsc.receive(encode(Pdu(BIND_TRANSCEIVER, 0, 2, Bind("phones", "secret"))), 0)
    assert (smsc.peer_version, smsc.sends_tlvs) == (0x34, True)


def test_octets_that_were_made_before_lose_their_tlvs_too():
    esme = bound_esme(ours=0x33)
    body = submit_template(TEXT, TLVS).body("15005550100", b"hello")
    esme.send(SUBMIT_SM, body, token="a", now_ms=0)
    esme.send(SUBMIT_SM, encode_body(SUBMIT_SM, TEXT), token="b", now_ms=0, tlvs=TLVS)
    esme.send_list(SUBMIT_SM, [(body, "c")], now_ms=0)
    assert written(esme) == [Pdu(SUBMIT_SM, 0, sequence, TEXT) for sequence in (2, 3, 4)]


@pytest.mark.parametrize(
    "send",
    [
        lambda esme: esme.send(SUBMIT_SM, ShortMessage(dest="1"), token="a", now_ms=0, tlvs=PAYLOAD),
        lambda esme: esme.send(DATA_SM, DataSm(dest="1"), token="a", now_ms=0, tlvs=PAYLOAD),
        lambda esme: esme.send(SUBMIT_SM, encode_body(SUBMIT_SM, ShortMessage(), PAYLOAD), token="a", now_ms=0),
        lambda esme: esme.send_list(SUBMIT_SM, [(encode_body(SUBMIT_SM, ShortMessage(), PAYLOAD), "a")], now_ms=0),
    ],
    ids=["submit_sm", "data_sm", "octets", "list"],
)
def test_a_text_is_never_dropped_with_the_tlvs(send):
    esme = bound_esme(ours=0x33)
    with pytest.raises(CodecError, match="message_payload"):
        send(esme)
    assert not esme.has_output
    assert esme.in_flight == 0


def test_without_tlvs_leaves_a_body_without_them_as_it_is():
    octets = encode_body(SUBMIT_SM, TEXT)
    assert without_tlvs(SUBMIT_SM, octets) == octets


@pytest.mark.parametrize(
    ("tlvs", "state"),
    [
        ("0428000100", 0),
        ("0428000155", 85),
        ("0428000163", 99),
        ("0428000164", None),
        ("042800020055", 85),
        ("04280000", None),
        ("0427000102", None),
        ("", None),
    ],
)
def test_congestion(tlvs, state):
    head = bytes.fromhex("80000004 00000000 00000001 3100") + bytes.fromhex(tlvs)
    [pdu] = Decoder().feed((len(head) + 4).to_bytes(4, "big") + head)
    assert congestion(pdu.tlvs) == state


def test_silence_about_the_version_allows_tlvs():
    assert takes_tlvs(None)
