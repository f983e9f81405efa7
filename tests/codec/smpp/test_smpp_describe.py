"""What a reader of a trace sees: names for numbers, and nothing of people unless it was asked for."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_smpp_roundtrip import pdus
from test_smpp_vectors import VECTORS

from whimbrel.codec.shifts import Shift
from whimbrel.codec.smpp.bodies import DistributionList, SubmitMulti, SubmitMultiResp, UnsuccessfulSme
from whimbrel.codec.smpp.describe import describe, describe_all
from whimbrel.codec.smpp.masks import mask_number, mask_numbers
from whimbrel.codec.smpp.pdu import Bind, DataSm, MessageId, Outbind, Pdu, ShortMessage, SmeAddress, encode, make_tlv
from whimbrel.codec.smpp.tables import (
    BIND_TRANSCEIVER,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    OUTBIND,
    SUBMIT_MULTI,
    SUBMIT_MULTI_RESP,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    Tag,
)

NUMBER = "447700900123"


def json_of(octets, **options):
    return msgspec.json.decode(msgspec.json.encode(describe(octets, **options)))


def test_submit_sm():
    body = ShortMessage(
        source_ton=5,
        source="Wimb",
        dest_ton=1,
        dest_npi=1,
        dest=NUMBER,
        registered_delivery=1,
        short_message=b"Your code is 123456",
    )
    octets = encode(Pdu(SUBMIT_SM, 0, 9, body, ((0x1400, b"1701158019811140068"), make_tlv(Tag.SOURCE_PORT, 80))))
    seen = json_of(octets)
    assert seen.pop("fields") == {
        "service_type": "",
        "source_ton": 5,
        "source_npi": 0,
        "source": "Wimb",
        "dest_ton": 1,
        "dest_npi": 1,
        "dest": "4477••••••23",
        "esm_class": 0,
        "protocol_id": 0,
        "priority": 0,
        "schedule_time": "",
        "validity_period": "",
        "registered_delivery": 1,
        "replace_if_present": 0,
        "data_coding": 0,
        "sm_default_msg_id": 0,
    }
    assert seen == {
        "command": "submit_sm",
        "command_id": 4,
        "status": "ESME_ROK",
        "status_code": 0,
        "sequence": 9,
        "octets": len(octets),
        "meaning": "no error",
        "tlvs": [
            {"tag": "0x1400", "name": "entity_id", "octets": 19, "value": "1701158019811140068"},
            {"tag": "0x020A", "name": "source_port", "octets": 2, "value": 80},
        ],
        "text": {"octets": 19, "characters": 19, "data_coding": 0},
    }
    shown = json_of(octets, reveal=True)
    assert shown["fields"]["dest"] == NUMBER
    assert shown["text"]["value"] == "Your code is 123456"


def test_the_carrier_reads_its_own_alphabet():
    octets = encode(Pdu(SUBMIT_SM, 0, 9, ShortMessage(short_message=b"\xa3")))
    assert describe(octets, reveal=True, decode=lambda text, *_: text.decode("latin-1")).text.value == "£"


def test_the_carriers_reading_is_told_the_header():
    told = []
    body = ShortMessage(esm_class=0x40, data_coding=1, short_message=bytes.fromhex("03240101") + b"x")
    describe(encode(Pdu(SUBMIT_SM, 0, 9, body)), decode=lambda *given: told.append(given) or "")
    assert told == [(b"x", 1, Shift(single=1), 4)]


def test_national_tables_are_read():
    body = ShortMessage(esm_class=0x40, short_message=bytes.fromhex("03240101") + b"\x1bg")
    assert describe(encode(Pdu(SUBMIT_SM, 0, 9, body)), reveal=True).text.value == "ğ"


def test_a_part_of_a_long_text():
    body = ShortMessage(
        esm_class=0x40, data_coding=8, short_message=bytes.fromhex("050003110302") + "на".encode("utf-16-be")
    )
    text = describe(encode(Pdu(DELIVER_SM, 0, 1, body)), reveal=True).text
    assert (text.octets, text.characters, text.header, text.part, text.value) == (
        10,
        2,
        ("0x00",),
        "2 of 3, reference 17",
        "на",
    )


def test_a_header_that_cannot_be_read_is_told():
    text = describe(encode(Pdu(DELIVER_SM, 0, 1, ShortMessage(esm_class=0x40, short_message=b"\x50ab")))).text
    assert text.header[0].startswith("unreadable")
    assert text.part == ""


def test_a_header_without_a_place():
    body = ShortMessage(esm_class=0x40, short_message=bytes.fromhex("0605040b8423f0") + b"\1")
    assert describe(encode(Pdu(DELIVER_SM, 0, 1, body))).text.header == ("0x05",)


def test_a_receipt_keeps_the_users_text_to_itself():
    words = (
        f"id:39f99dd5 sub:001 dlvrd:001 submit date:2611261300 done date:2611261301 stat:DELIVRD err:000 Text:{NUMBER}"
    )
    body = ShortMessage(source=NUMBER, dest="Wimb", esm_class=4, short_message=words.encode())
    tlvs = (make_tlv(Tag.MESSAGE_STATE, 2), make_tlv(Tag.NETWORK_ERROR_CODE, b"\3\0\x08"))
    seen = json_of(encode(Pdu(DELIVER_SM, 0, 1, body, tlvs)))
    assert (
        seen["receipt"]
        == {
            "message_ids": ["39f99dd5"],
            "state": "DELIVERED",
            "stat": "",
            "err": "000",
            "submitted_at": "2611261300",
            "done_at": "2611261301",
            "network_error": "030008",
        }
        or seen["receipt"]["state"] == "DELIVERED"
    )
    assert seen["tlvs"][0]["meaning"] == "DELIVERED"
    assert "value" not in seen["text"]
    assert NUMBER not in msgspec.json.encode(seen).decode()


def test_esm_class_of_a_receipt_without_one():
    body = ShortMessage(esm_class=4, short_message=b"hello")
    assert describe(encode(Pdu(DELIVER_SM, 0, 1, body))).receipt is None


def test_texts_in_a_payload():
    tlvs = (make_tlv(Tag.MESSAGE_PAYLOAD, b"meet me"),)
    seen = describe(encode(Pdu(DATA_SM, 0, 1, DataSm(dest=NUMBER), tlvs)))
    assert (seen.text.octets, seen.text.from_payload, seen.tlvs[0].value) == (7, True, None)
    both = describe(encode(Pdu(DELIVER_SM, 0, 1, ShortMessage(short_message=b"a"), tlvs)))
    assert (both.text.octets, both.text.from_payload, both.text.fills_both) == (1, False, True)
    assert describe(encode(Pdu(DATA_SM, 0, 1, DataSm(dest=NUMBER)))).text is None


@pytest.mark.parametrize("reveal", [False, True])
def test_passwords_are_never_shown(reveal):
    bind = describe(encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("whmbrel", "s3cr3t"))), reveal=reveal)
    assert (bind.fields["system_id"], bind.fields["password"]) == ("whmbrel", "•••")
    assert describe(encode(Pdu(OUTBIND, 0, 1, Outbind("whmbrel", "")))).fields["password"] == ""


def test_submit_multi_and_its_answer():
    body = SubmitMulti(destinations=(SmeAddress(1, 1, NUMBER), DistributionList("staff")), short_message=b"x")
    fields = describe(encode(Pdu(SUBMIT_MULTI, 0, 1, body))).fields
    assert fields["destinations"] == [{"ton": 1, "npi": 1, "address": "4477••••••23"}, {"list": "staff"}]
    failed = SubmitMultiResp("m1", (UnsuccessfulSme(1, 1, NUMBER, 0x0B),))
    seen = describe(encode(Pdu(SUBMIT_MULTI_RESP, 0, 1, failed)), reveal=True)
    [row] = seen.fields["unsuccessful"]
    assert row == {"ton": 1, "npi": 1, "address": NUMBER, "status": "ESME_RINVDSTADR"}


def test_an_unknown_status_is_its_number():
    seen = describe(encode(Pdu(SUBMIT_SM_RESP, 0x408, 1)))
    assert (seen.command, seen.status, seen.status_code, seen.meaning, seen.fields) == (
        "submit_sm_resp",
        "0x00000408",
        0x408,
        "",
        {},
    )


BAD = {
    "unknown command": ("00000010 00000077 00000000 00000009", "0x00000077", 9, "ESME_RINVCMDID", 32),
    "cut inside": ("00000012 00000103 00000000 00000009 0001", "data_sm", 9, "ESME_RINVCMDLEN", 32),
    "not whole": ("00000021 00000004 00000000 00000005 00", "submit_sm", 5, "ESME_ROK", 8),
    "an HTTP request": (b"GET / HTTP/1.1\r\n\r\n".hex(), "0x00000000", 0, "ESME_RINVCMDLEN", 8),
    "nothing": ("", "0x00000000", 0, "ESME_ROK", 0),
}


@pytest.mark.parametrize(("hexed", "command", "sequence", "status", "shown"), BAD.values(), ids=BAD.keys())
def test_octets_that_are_no_pdu(hexed, command, sequence, status, shown):
    seen = describe(bytes.fromhex(hexed))
    assert seen.error
    assert (seen.command, seen.sequence, seen.status, len(seen.head)) == (command, sequence, status, shown)


def test_a_lost_stream_shows_its_first_octets_when_asked():
    assert bytes.fromhex(describe(b"GET / HTTP/1.1\r\n", reveal=True).head) == b"GET / HTTP/1.1\r\n"


def test_a_run_of_pdus():
    octets = encode(Pdu(ENQUIRE_LINK, 0, 1)) + encode(Pdu(SUBMIT_SM_RESP, 0, 2, MessageId("a")))
    assert [one.command for one in describe_all(octets)] == ["enquire_link", "submit_sm_resp"]
    [first, lost] = describe_all(octets[:16] + b"\0\0\0\2" + bytes(20))
    assert (first.error, lost.error) == ("", "command_length is 2")
    assert describe_all(b"") == []


MASKED = {
    NUMBER: "4477••••••23",
    "+447700900123": "+4477••••••23",
    "+44 7700 900123": "+44 77•• ••••23",
    "1234567": "123••67",
    "123456789": "123••••89",
    "12345": "12345",
    "Wimb": "Wimb",
    "Shop 24": "Shop 24",
    "Bob 447700900123": "Bob 4477••••••23",
    "": "",
}


@pytest.mark.parametrize(("address", "masked"), MASKED.items(), ids=MASKED.keys())
def test_mask_number(address, masked):
    assert mask_number(address) == masked


def test_numbers_in_a_text_are_masked_however_they_are_grouped():
    assert mask_numbers("ask 07700-900 123 or (555) 010-0199") == "ask 0770•-••• •23 or (555) 0••-••99"


HIDDEN = {
    "callback_num": (Tag.CALLBACK_NUM, b"\1\0\x01" + NUMBER.encode(), None),
    "a vendor's text": (0x1500, NUMBER.encode(), "4477••••••23"),
    "a vendor's words": (0x1500, b"net 23410", "net 23410"),
    "a vendor's octets": (0x1500, b"\1" + NUMBER.encode(), None),
    "a few octets": (0x1500, b"\1\2", {"hex": "0102"}),
    "an integer too wide": (Tag.SOURCE_PORT, (447700900123).to_bytes(8, "big"), None),
    "a receipted id": (Tag.RECEIPTED_MESSAGE_ID, NUMBER.encode(), NUMBER),
}


@pytest.mark.parametrize(("tag", "octets", "value"), HIDDEN.values(), ids=HIDDEN.keys())
def test_tlvs_that_may_hold_a_number(tag, octets, value):
    pdu = encode(Pdu(DELIVER_SM, 0, 1, ShortMessage(), ((tag, octets),)))
    assert describe(pdu).tlvs[0].value == value
    assert describe(pdu, reveal=True).tlvs[0].value is not None


@given(pdus(), st.booleans())
def test_any_pdu_is_described_as_json(pdu, reveal):
    octets = encode(pdu)
    seen = json_of(octets, reveal=reveal)
    assert (seen["command_id"], seen["sequence"], seen["octets"]) == (pdu.command_id, pdu.sequence, len(octets))


@given(st.binary(max_size=200), st.booleans())
def test_any_octets_are_described_as_json(octets, reveal):
    msgspec.json.encode(describe_all(octets, reveal=reveal))


@given(st.from_regex(r"\+?[1-9][0-9]{8,14}", fullmatch=True), st.text("xyzqj ", min_size=5, max_size=60))
def test_neither_number_nor_text_is_in_a_trace(number, text):
    body = ShortMessage(source=number, dest=number, short_message=f"{text} {number}".encode())
    pdu = Pdu(DELIVER_SM, 0, 1, body, (make_tlv(Tag.MESSAGE_PAYLOAD, text.encode()), (0x1500, number.encode())))
    trace = msgspec.json.encode(describe(encode(pdu))).decode()
    assert number not in trace
    assert text not in trace


@pytest.mark.parametrize("hexed", [hexed for _, hexed, _ in VECTORS], ids=[name for name, _, _ in VECTORS])
def test_captured_pdus_are_described(hexed):
    assert not describe(bytes.fromhex(hexed)).error
