"""Round trips of every PDU, the hand-shaped codec against the general one, and what the writer refuses."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp import fields, shortmessage
from whimbrel.codec.smpp.bodies import (
    Bind,
    DistributionList,
    MessageId,
    ShortMessage,
    SmeAddress,
    SubmitMulti,
    UnsuccessfulSme,
)
from whimbrel.codec.smpp.pdu import (
    Decoder,
    Pdu,
    body_of,
    encode,
    encode_body,
    fills_both,
    make_tlv,
    submit_template,
    tlv,
    tlv_integer,
    tlv_text,
    user_data,
)
from whimbrel.codec.smpp.tables import (
    COMMANDS,
    DELIVER_SM,
    RESPONSE_BIT,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    CString,
    Destinations,
    Integer,
    OctetString,
    Tag,
    Unsuccessful,
)


def characters(max_octets):
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=max_octets - 1)


SME_ADDRESSES = st.builds(SmeAddress, st.integers(0, 255), st.integers(0, 255), characters(21))
LISTS = st.builds(DistributionList, characters(21))
FAILURES = st.builds(
    UnsuccessfulSme, st.integers(0, 255), st.integers(0, 255), characters(21), st.integers(0, 0xFFFFFFFF)
)


def values(kind):
    match kind:
        case Integer(size):
            return st.integers(0, 256**size - 1)
        case CString(max_octets):
            return characters(max_octets)
        case OctetString(max_octets, _):
            return st.binary(max_size=max_octets)
        case Destinations():
            return st.lists(SME_ADDRESSES | LISTS, max_size=4).map(tuple)
        case Unsuccessful():
            return st.lists(FAILURES, max_size=4).map(tuple)


TLVS = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=3).map(tuple)
NUMBERS = st.integers(0, 0xFFFFFFFF)


@st.composite
def pdus_of(draw, command):
    kind = body_of(command.command_id)
    body = None
    if kind is not None and not (command.command_id & RESPONSE_BIT and draw(st.booleans())):
        body = kind(*[draw(values(field.kind)) for field in command.fields])
    tlvs = draw(TLVS) if body is not None or kind is None else ()
    return Pdu(command.command_id, draw(NUMBERS), draw(NUMBERS), body, tlvs)


def pdus():
    return st.sampled_from(list(COMMANDS.values())).flatmap(pdus_of)


@given(pdus())
def test_every_pdu_comes_back(pdu):
    assert Decoder().feed(encode(pdu)) == [pdu]


@given(st.lists(pdus(), max_size=5), st.data())
def test_any_cut_of_the_stream_gives_the_same(stream, data):
    octets = b"".join(encode(pdu) for pdu in stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    decoder = Decoder()
    edges = [0, *cuts, len(octets)]
    found = [pdu for start, stop in itertools.pairwise(edges) for pdu in decoder.feed(octets[start:stop])]
    assert found == stream


SHORT_MESSAGES = st.builds(ShortMessage, *[values(field.kind) for field in COMMANDS[SUBMIT_SM].fields])


@given(SHORT_MESSAGES)
def test_hand_shaped_short_message_agrees_with_the_table(body):
    octets = fields.write_fields(COMMANDS[DELIVER_SM].fields, body)
    assert shortmessage.write_short_message(body) == octets
    general, _ = fields.read_fields(COMMANDS[DELIVER_SM].fields, octets, 0, len(octets))
    assert shortmessage.read_short_message(octets, 0, len(octets)) == (ShortMessage(*general), ())


@given(SHORT_MESSAGES, TLVS, characters(21), st.binary(max_size=254))
def test_template_agrees_with_the_whole_message(example, tlvs, dest, text):
    template = submit_template(example, tlvs)
    whole = msgspec.structs.replace(example, dest=dest, short_message=text)
    assert template.body(dest, text) == encode_body(SUBMIT_SM, whole, tlvs)


@given(characters(65))
def test_hand_shaped_message_id_agrees_with_the_table(message_id):
    body = MessageId(message_id)
    assert shortmessage.write_message_id(body) == fields.write_fields(COMMANDS[SUBMIT_SM_RESP].fields, body)


REFUSED = {
    "address too long": {"dest": "1" * 21},
    "sender too long": {"source": "1" * 21},
    "sender with NUL": {"source": "a\0b"},
    "address with NUL": {"dest": "1\0"},
    "address beyond Latin-1": {"source": "Ω"},
    "text too long": {"short_message": b"x" * 255},
    "service type too long": {"service_type": "123456"},
    "service type with NUL": {"service_type": "\0"},
    "validity too long": {"validity_period": "0" * 17},
    "schedule with NUL": {"schedule_time": "0\0"},
    "octet too large": {"data_coding": 256},
    "octet negative": {"priority": -1},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
def test_writer_refuses(changes):
    body = ShortMessage(**changes)
    with pytest.raises(CodecError):
        encode(Pdu(SUBMIT_SM, 0, 1, body))
    with pytest.raises(CodecError):
        fields.write_fields(COMMANDS[SUBMIT_SM].fields, body)


@pytest.mark.parametrize(
    ("dest", "text"),
    [("1" * 21, b""), ("1\0", b""), ("Ω", b""), ("1", b"x" * 255)],
    ids=["long", "nul", "wide", "text"],
)
def test_template_refuses(dest, text):
    with pytest.raises(CodecError):
        submit_template(ShortMessage(source="Wimb")).body(dest, text)


@pytest.mark.parametrize(
    "pdu",
    [
        Pdu(SUBMIT_SM, 0, 1),
        Pdu(SUBMIT_SM, 0, 1, MessageId("1")),
        Pdu(0x77, 0, 1, MessageId("1")),
        Pdu(SUBMIT_SM_RESP, 0, 1, MessageId("1" * 65)),
        Pdu(SUBMIT_SM_RESP, 0, 1, MessageId("Ω")),
        Pdu(SUBMIT_SM_RESP, -1, 1),
        Pdu(SUBMIT_SM_RESP, 0, 1 << 32),
        Pdu(SUBMIT_SM_RESP, 0, 1, MessageId(""), ((70000, b""),)),
        Pdu(SUBMIT_SM_RESP, 0, 1, MessageId(""), ((1, bytes(70000)),)),
        Pdu(0x21, 0, 1, SubmitMulti(destinations=(SmeAddress(),) * 255)),
        Pdu(0x02, 0, 1, Bind(system_id="x" * 16)),
    ],
    ids=[
        "no body",
        "wrong body",
        "unknown",
        "long id",
        "wide id",
        "status",
        "sequence",
        "tag",
        "value",
        "many",
        "name",
    ],
)
def test_encode_refuses(pdu):
    with pytest.raises(CodecError):
        encode(pdu)


@pytest.mark.parametrize(
    ("tag", "value", "octets"),
    [
        (Tag.SAR_MSG_REF_NUM, 258, b"\x01\x02"),
        (Tag.RECEIPTED_MESSAGE_ID, "6aad5", b"6aad5\0"),
        (Tag.NETWORK_ERROR_CODE, b"\3\0\x08", b"\3\0\x08"),
        (Tag.ALERT_ON_MESSAGE_DELIVERY, b"", b""),
    ],
)
def test_make_tlv(tag, value, octets):
    assert make_tlv(tag, value) == (tag, octets)


def test_tlv_readers_take_any_width():
    tlvs = ((Tag.SAR_MSG_REF_NUM, b"\7"), (Tag.SAR_MSG_REF_NUM, b"\0\x08"), (Tag.MESSAGE_STATE, b""))
    assert tlv(tlvs, Tag.SAR_MSG_REF_NUM) == b"\7"
    assert tlv_integer(tlvs, Tag.SAR_MSG_REF_NUM) == 7
    assert tlv_integer(tlvs, Tag.MESSAGE_STATE) is None
    assert tlv_integer(tlvs, Tag.SOURCE_PORT) is None
    assert tlv_text(((0x1E, b"a\0"),), 0x1E) == tlv_text(((0x1E, b"a"),), 0x1E) == "a"
    assert tlv_text((), 0x1E) is None


def test_user_data_is_the_payload_when_the_text_is_empty():
    payload = ((Tag.MESSAGE_PAYLOAD, b"long"),)
    assert user_data(Pdu(DELIVER_SM, 0, 1, ShortMessage(short_message=b"short"), payload)) == b"short"
    assert user_data(Pdu(DELIVER_SM, 0, 1, ShortMessage(), payload)) == b"long"
    assert user_data(Pdu(DELIVER_SM, 0, 1, ShortMessage())) == b""


@pytest.mark.parametrize(
    ("text", "tlvs", "both"),
    [
        (b"short", ((Tag.MESSAGE_PAYLOAD, b"long"),), True),
        (b"short", ((Tag.MESSAGE_PAYLOAD, b""),), False),
        (b"short", (), False),
        (b"", ((Tag.MESSAGE_PAYLOAD, b"long"),), False),
    ],
)
def test_a_message_with_two_texts_is_told(text, tlvs, both):
    assert fills_both(Pdu(DELIVER_SM, 0, 1, ShortMessage(short_message=text), tlvs)) is both
    assert not fills_both(Pdu(SUBMIT_SM_RESP, 0, 1, None, tlvs))
