"""Receipts and texts of phones as customers' binds are given them, read back by the codec as an ESME would."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.errors import CATALOGUE
from whimbrel.codec import segments, udh
from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.fields import tlv, tlv_integer, tlv_text
from whimbrel.codec.smpp.pdu import Pdu, user_data
from whimbrel.codec.smpp.shortmessage import read_short_message
from whimbrel.codec.smpp.tables import DELIVER_SM, MessageState, Tag
from whimbrel.domain import customer_receipts, customer_texts
from whimbrel.domain.customer_receipts import ERRORS, FINAL, Parcel
from whimbrel.domain.customers import CustomerSettings, shown_id
from whimbrel.domain.model import Flag, Options
from whimbrel.domain.states import STATES, event_type
from whimbrel.domain.wire import Origin, Wire

ID = "SM0199f2a7c3d47abc8def0123456789ab"
SUBMITTED = 1_790_000_000_000_000  # 2026-09-21 14:13:20
DONE = SUBMITTED + 125_000_000
ORIGIN = Origin("SC1", 1, (5, 0, "Acme"), (1, 1, "447700900123"), 77, "CMT")
PLAIN = CustomerSettings()


def parcel(kind: str = "message.delivered", data: str = "{}", **changes) -> Parcel:
    origin = changes.pop("origin", ORIGIN)
    options = Options(origin=origin, wire=changes.pop("wire", None))
    fields = {
        "position": 5,
        "message_id": ID,
        "kind": kind,
        "data": data,
        "at": DONE,
        "recipient": "+447700900123",
        "sender": "Acme",
        "text": "Your code is 123456, do not share it.",
        "encoding": "gsm7",
        "segments": 1,
        "created_at": SUBMITTED,
        "flags": Flag.ORIGIN,
        "options": msgspec.json.encode(options).decode(),
    }
    return Parcel(**{**fields, **changes})


def read(octets: bytes) -> Pdu:
    body, tlvs = read_short_message(octets, 0, len(octets))
    return Pdu(DELIVER_SM, 0, 1, body, tlvs)


def told(given: Parcel, settings: CustomerSettings = PLAIN, *, tlvs: bool = True) -> Pdu:
    octets = customer_receipts.body(given, settings, tlvs=tlvs)
    assert octets is not None
    return read(octets)


# ---------------------------------------------------------------- receipts


def test_a_receipt_is_that_of_appendix_b_with_the_addresses_turned_round():
    pdu = told(parcel())
    body = pdu.body
    assert body.short_message == (
        f"id:{ID} sub:001 dlvrd:001 submit date:2609211413 done date:2609211415 stat:DELIVRD err:000 "
        "Text:Your code is 123456,"
    ).encode("ascii")
    assert (body.source_ton, body.source_npi, body.source) == (1, 1, "447700900123")
    assert (body.dest_ton, body.dest_npi, body.dest) == (5, 0, "Acme")
    assert (body.esm_class, body.data_coding, body.service_type) == (0x04, 0, "CMT")
    assert tlv_text(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) == ID
    assert tlv(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID).endswith(b"\0")
    assert tlv(pdu.tlvs, Tag.MESSAGE_STATE) == b"\x02"
    assert tlv(pdu.tlvs, Tag.NETWORK_ERROR_CODE) is None
    assert tlv(pdu.tlvs, Tag.USER_MESSAGE_REFERENCE) == b"\x00\x4d"


@pytest.mark.parametrize(
    ("state", "word", "number"),
    [
        ("delivered", "DELIVRD", 2),
        ("undelivered", "UNDELIV", 5),
        ("expired", "EXPIRED", 3),
        ("failed", "UNDELIV", 5),
        ("rejected", "REJECTD", 8),
        ("canceled", "DELETED", 4),
        ("unknown", "UNKNOWN", 7),
    ],
)
def test_each_final_state_has_its_word(state: str, word: str, number: int):
    pdu = told(parcel(f"message.{state}", '{"reason":"absent_subscriber"}', segments=3))
    assert f"stat:{word} ".encode() in pdu.body.short_message
    assert tlv_integer(pdu.tlvs, Tag.MESSAGE_STATE) == number
    count = b"sub:003 dlvrd:003 " if state == "delivered" else b"sub:003 dlvrd:000 "
    assert count in pdu.body.short_message


def test_every_final_state_of_an_outbound_message_is_told():
    final = {event_type(name) for name, state in STATES.items() if state.final and name != "received"}
    assert set(FINAL) == final


@pytest.mark.parametrize(
    ("data", "error", "code"),
    [
        ('{"error":"0027","reason":"absent_subscriber"}', b"027", b"\x03\x00\x1b"),
        ('{"error":"954"}', b"954", b"\x08\x03\xba"),
        ('{"error":"000","reason":"undelivered"}', b"101", b"\x08\x00\x65"),
        ('{"error":"21b","reason":"memory_full"}', b"032", b"\x03\x00\x20"),
        ('{"error":"1234","reason":"filtered"}', b"110", b"\x08\x00\x6e"),
        ('{"error":"\\u0663","reason":"filtered"}', b"110", b"\x08\x00\x6e"),
        ('{"reason":"carrier_rejected","carrier_id":"CR1","part":1}', b"106", b"\x08\x00\x6a"),
        ('{"reason":"of a later version"}', b"199", b"\x08\x00\xc7"),
        ("{}", b"199", b"\x08\x00\xc7"),
    ],
)
def test_the_error_is_the_carriers_number_or_that_of_our_reason(data: str, error: bytes, code: bytes):
    pdu = told(parcel("message.undelivered", data))
    assert b" err:" + error + b" Text:" in pdu.body.short_message
    assert tlv(pdu.tlvs, Tag.NETWORK_ERROR_CODE) == code


def test_errors_are_of_reasons_that_there_are_and_each_has_its_own():
    assert set(ERRORS) <= set(CATALOGUE)
    assert len(set(ERRORS.values())) == len(ERRORS)


def documented(columns: int) -> list[list[str]]:
    """Rows of the tables of docs/smpp-server.md that have so many columns."""
    page = Path(__file__).parents[2] / "docs" / "smpp-server.md"
    rows = [line.strip("| ").split(" | ") for line in page.read_text("utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in row] for row in rows if len(row) == columns]


def test_the_page_has_every_error_and_every_word():
    rows = documented(2)
    assert {row[1]: int(row[0]) for row in rows if len(row[0]) == 3 and row[0].isdigit()} == {
        **ERRORS,
        "any other": 199,
    }
    told = {
        state.strip("` "): (word, int(number))
        for states, word, number in documented(3)
        if number.isdigit()
        for state in states.partition(" (")[0].split(",")
    }
    assert told == {
        **{kind.removeprefix("message."): (receipt.WORDS[state], state) for kind, state in FINAL.items()},
        "sent": ("ENROUTE", MessageState.ENROUTE),
    }


def test_a_delivered_message_has_no_error_whatever_the_carrier_wrote():
    assert b" err:000 " in told(parcel(data='{"error":"7"}')).body.short_message


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("id", ID),
        ("hex", ID[2:]),
        ("decimal", str(int(ID[2:], 16))),
    ],
)
def test_the_id_is_the_one_of_the_answer(form: str, shown: str):
    pdu = told(parcel(), CustomerSettings(id_format=form))
    assert shown_id(ID, form) == shown
    assert pdu.body.short_message.startswith(f"id:{shown} ".encode())
    assert tlv_text(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) == shown


def test_the_id_of_the_answer_may_be_another_messages():
    first = "SM" + "1" * 28 + "0000"
    pdu = told(parcel(origin=msgspec.structs.replace(ORIGIN, told_id=first)), CustomerSettings(id_format="hex"))
    assert pdu.body.short_message.startswith(f"id:{first[2:]} ".encode())
    assert tlv_text(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) == first[2:]


def test_text_alone_and_tlvs_alone():
    text = told(parcel(), CustomerSettings(receipt_format="text"))
    assert text.body.short_message.startswith(b"id:")
    assert [tag for tag, _ in text.tlvs] == [Tag.USER_MESSAGE_REFERENCE]
    tlvs = told(parcel(), CustomerSettings(receipt_format="tlv"))
    assert tlvs.body.short_message == b""
    assert tlv_text(tlvs.tlvs, Tag.RECEIPTED_MESSAGE_ID) == ID


@pytest.mark.parametrize("wanted", ["both", "text", "tlv"])
def test_a_bind_of_3_3_is_given_text_and_no_tlvs(wanted: str):
    pdu = told(parcel(), CustomerSettings(receipt_format=wanted), tlvs=False)
    assert (pdu.tlvs, pdu.body.short_message[:3]) == ((), b"id:")


@pytest.mark.parametrize(
    ("changes", "settings", "quoted"),
    [
        ({"text": "short"}, {}, b"short"),
        ({"text": "€" * 30}, {}, b"\x1be" * 10),
        ({"text": "x" * 19 + "€"}, {}, b"x" * 19),
        ({"text": "ñ" * 30}, {"alphabet": "latin1"}, b"\xf1" * 20),
        ({"text": "ñ" * 30}, {"alphabet": "utf8"}, "ñ".encode() * 10),
        ({"text": "ñ" * 30}, {"alphabet": "ascii"}, b""),
        ({"text": "Привет", "encoding": "ucs2"}, {}, b""),
        ({"text": "cafe01", "encoding": "binary"}, {}, b""),
        ({"text": "", "flags": Flag.REDACTED, "options": "{}"}, {}, b""),
        ({"text": "left over", "flags": Flag.REDACTED}, {}, b""),
    ],
)
def test_the_beginning_of_the_text_is_quoted_where_it_can_be(changes: dict, settings: dict, quoted: bytes):
    pdu = told(parcel(**changes), CustomerSettings(**settings))
    assert pdu.body.short_message.partition(b"Text:")[2] == quoted


def test_packed_septets_are_packed_whole():
    pdu = told(parcel(), CustomerSettings(alphabet="gsm7_packed"))
    plain = told(parcel()).body.short_message
    assert len(pdu.body.short_message) == (len(plain) * 7 + 7) // 8


def test_a_redacted_message_is_still_told_by_its_id():
    pdu = told(parcel(flags=Flag.REDACTED, options="{}", text="", recipient="", sender=""))
    assert (pdu.body.source, pdu.body.dest) == ("", "")
    assert pdu.body.short_message.startswith(f"id:{ID} ".encode())


def test_a_deleted_message_is_not_told_of():
    gone = parcel(recipient=None, sender=None, text=None, encoding=None, segments=None, created_at=None, options=None)
    assert customer_receipts.body(gone, PLAIN, tlvs=True) is None
    assert customer_texts.bodies(gone, PLAIN, tlvs=True) == ()


@pytest.mark.parametrize(
    ("kind", "data", "state"),
    [
        ("message.sent", "{}", MessageState.ENROUTE),
        ("message.receipt", '{"stat":"ENROUTE"}', MessageState.ENROUTE),
        ("message.receipt", '{"stat":"acceptd"}', MessageState.ACCEPTED),
        ("message.receipt", '{"stat":"BUFFRED"}', MessageState.ENROUTE),
        ("message.receipt", '{"stat":"DELIVRD","part":1}', None),
        ("message.receipt", '{"stat":"UNDELIV"}', None),
        ("message.receipt", '{"stat":"odd"}', None),
        ("message.receipt", "{}", None),
    ],
)
def test_an_intermediate_notification(kind: str, data: str, state: MessageState | None):
    given = parcel(kind, data)
    assert customer_receipts.is_wanted(0x11, kind, data) == (state is not None)
    assert not customer_receipts.is_wanted(0x01, kind, data)
    if state is None:
        assert customer_receipts.body(given, PLAIN, tlvs=True) is None
        return
    pdu = told(given)
    assert pdu.body.esm_class == 0x20
    assert tlv_integer(pdu.tlvs, Tag.MESSAGE_STATE) == state
    assert b" err:000 " in pdu.body.short_message
    assert tlv(pdu.tlvs, Tag.NETWORK_ERROR_CODE) is None


@pytest.mark.parametrize(
    ("registered", "delivered", "failed"),
    [
        (0x00, False, False),
        (0x01, True, True),
        (0x02, False, True),
        (0x03, True, False),
        (0x10, False, False),
        (0x11, True, True),
        (0x1D, True, True),  # bits of SME acknowledgements are none of ours
    ],
)
def test_registered_delivery_says_what_is_wanted(registered: int, delivered: bool, failed: bool):
    assert customer_receipts.is_wanted(registered, "message.delivered", "{}") is delivered
    for kind in set(FINAL) - {"message.delivered"}:
        assert customer_receipts.is_wanted(registered, kind, "{}") is failed


@given(
    kind=st.sampled_from(sorted(FINAL)),
    form=st.sampled_from(["id", "hex", "decimal"]),
    wanted=st.sampled_from(["both", "text", "tlv"]),
    alphabet=st.sampled_from(["gsm7", "latin1", "ascii", "utf8"]),
    text=st.text(max_size=60),
    tlvs=st.booleans(),
)
def test_our_own_parser_reads_every_receipt(kind, form, wanted, alphabet, text, tlvs):
    settings = CustomerSettings(id_format=form, receipt_format=wanted, alphabet=alphabet)
    pdu = told(parcel(kind, text=text), settings, tlvs=tlvs)
    found = receipt.parse(pdu.body.short_message, pdu.body.data_coding, pdu.tlvs)
    assert found is not None
    assert (found.message_ids, found.state) == ((shown_id(ID, form),), FINAL[kind])


# ---------------------------------------------------------------- texts of phones


def text_parcel(text: str = "Yes please", **changes) -> Parcel:
    fields = {
        "kind": "message.received",
        "text": text,
        "recipient": "+12025550100",
        "sender": "+447700900123",
        "origin": None,
    }
    return parcel(**{**fields, **changes})


def given_texts(given: Parcel, *, tlvs: bool = True, **settings) -> list[Pdu]:
    return [read(octets) for octets in customer_texts.bodies(given, CustomerSettings(**settings), tlvs=tlvs)]


def joined(pdus: list[Pdu]) -> str:
    """The text as a phone that knows headers would show it."""
    parts = {}
    for pdu in pdus:
        parsed = udh.parse(pdu.body.short_message)
        place = udh.concat(parsed.elements)
        assert pdu.body.esm_class == 0x40
        assert place.total == len(pdus)
        parts[place.number] = parsed.payload
    assert sorted(parts) == list(range(1, len(pdus) + 1))
    return segments.decode_parts([parts[n] for n in sorted(parts)], pdus[0].body.data_coding)


def test_a_short_text():
    (pdu,) = given_texts(text_parcel())
    body = pdu.body
    assert (body.source_ton, body.source_npi, body.source) == (1, 1, "447700900123")
    assert (body.dest_ton, body.dest_npi, body.dest) == (1, 1, "12025550100")
    assert (body.esm_class, body.data_coding, body.short_message, pdu.tlvs) == (0, 0, b"Yes please", ())


@pytest.mark.parametrize(
    ("settings", "source", "dest"),
    [
        ({}, (1, 1, "447700900123"), (3, 0, "72345")),
        ({"plus": True}, (1, 1, "+447700900123"), (3, 0, "72345")),
        ({"source_ton": 0, "source_npi": 0}, (0, 0, "447700900123"), (3, 0, "72345")),
        ({"source_ton": 2}, (2, 1, "447700900123"), (3, 0, "72345")),
    ],
)
def test_addresses_as_the_credential_wants_them(settings: dict, source: tuple, dest: tuple):
    (pdu,) = given_texts(text_parcel(recipient="72345"), **settings)
    body = pdu.body
    assert (body.source_ton, body.source_npi, body.source) == source
    assert (body.dest_ton, body.dest_npi, body.dest) == dest


@pytest.mark.parametrize(
    ("text", "alphabet", "coding", "octets"),
    [
        ("ñ€", "gsm7", 0, b"\x7d\x1be"),
        ("ñ", "latin1", 0, b"\xf1"),
        ("ñ€", "latin1", 8, "ñ€".encode("utf-16-be")),
        ("ñ", "ascii", 8, "ñ".encode("utf-16-be")),
        ("ñ", "utf8", 0, "ñ".encode()),
        ("Привет", "utf8", 8, "Привет".encode("utf-16-be")),
        ("hellohello", "gsm7_packed", 0, bytes.fromhex("e8329bfd4697d9ec37")),
    ],
)
def test_the_alphabet_or_ucs2(text: str, alphabet: str, coding: int, octets: bytes):
    (pdu,) = given_texts(text_parcel(text), alphabet=alphabet)
    assert (pdu.body.data_coding, pdu.body.short_message) == (coding, octets)


def test_binary_is_given_as_it_came():
    (pdu,) = given_texts(text_parcel("00ff1b", encoding="binary"))
    assert (pdu.body.data_coding, pdu.body.short_message) == (4, b"\x00\xff\x1b")


@pytest.mark.parametrize("text", ["a€" * 200, "Привет, мир 😀 " * 20])
def test_a_long_text_in_parts_with_headers(text: str):
    assert joined(given_texts(text_parcel(text))) == text


@pytest.mark.parametrize("text", ["a€" * 200, "Привет, мир 😀 " * 20])
def test_a_long_text_by_sar_parameters(text: str):
    pdus = given_texts(text_parcel(text), long_inbound="sar")
    assert len({tlv_integer(pdu.tlvs, Tag.SAR_MSG_REF_NUM) for pdu in pdus}) == 1
    assert {tlv_integer(pdu.tlvs, Tag.SAR_TOTAL_SEGMENTS) for pdu in pdus} == {len(pdus)}
    assert [tlv_integer(pdu.tlvs, Tag.SAR_SEGMENT_SEQNUM) for pdu in pdus] == list(range(1, len(pdus) + 1))
    assert {pdu.body.esm_class for pdu in pdus} == {0}
    coding = pdus[0].body.data_coding
    assert segments.decode_parts([pdu.body.short_message for pdu in pdus], coding) == text


@pytest.mark.parametrize("text", ["a€" * 200, "Привет, мир 😀 " * 20])
def test_a_long_text_in_one_piece(text: str):
    (pdu,) = given_texts(text_parcel(text), long_inbound="payload")
    assert (pdu.body.short_message, pdu.body.esm_class) == (b"", 0)
    assert segments.decode(user_data(pdu), pdu.body.data_coding) == text


@pytest.mark.parametrize("way", ["udh", "sar", "payload"])
def test_a_bind_of_3_3_is_given_headers(way: str):
    pdus = given_texts(text_parcel("x" * 400), tlvs=False, long_inbound=way)
    assert (joined(pdus), {pdu.tlvs for pdu in pdus}) == ("x" * 400, {()})


def test_a_text_that_utf8_makes_too_long_for_a_part_is_given_in_ucs2():
    pdus = given_texts(text_parcel("ñ" * 150), alphabet="utf8")
    assert {pdu.body.data_coding for pdu in pdus} == {8}
    assert joined(pdus) == "ñ" * 150


def test_what_came_on_the_wire_is_passed_on():
    wire = Wire(tlvs=((0x1400, "313233"),), message_class=0, header="0504158a0000", protocol_id=65, service_type="WAP")
    (pdu,) = given_texts(text_parcel(wire=wire))
    body = pdu.body
    assert pdu.tlvs == ((0x1400, b"123"),)
    assert (body.protocol_id, body.service_type, body.data_coding, body.esm_class) == (65, "WAP", 0x10, 0x40)
    assert body.short_message == bytes.fromhex("060504158a0000") + b"Yes please"
    long = given_texts(text_parcel("x" * 300, wire=wire))
    assert joined(long) == "x" * 300
    assert all(bytes.fromhex("0504158a0000") in pdu.body.short_message[:13] for pdu in long)
    assert {pdu.tlvs for pdu in long} == {((0x1400, b"123"),)}


@pytest.mark.parametrize(("octets", "is_kept"), [(2, True), (130, True), (131, False), (139, False)])
def test_a_header_that_leaves_no_room_is_left_out_and_the_text_is_not(octets: int, is_kept: bool):
    header = bytes((0x70, octets - 2)) + bytes(octets - 2)
    pdus = given_texts(text_parcel("Привет, мир! " * 6, wire=Wire(header=header.hex())))
    assert joined(pdus) == "Привет, мир! " * 6
    assert all((header in pdu.body.short_message) is is_kept for pdu in pdus)


def test_a_redacted_text_is_not_told():
    assert given_texts(text_parcel("", flags=Flag.REDACTED)) == []


_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\ufeff\ufffe")  # byte order marks to whoever reads


@given(text=st.text(_CHARACTERS, min_size=1, max_size=400), way=st.sampled_from(["udh", "sar", "payload"]))
def test_no_character_is_lost(text: str, way: str):
    pdus = given_texts(text_parcel(text), long_inbound=way)
    if way == "udh" and len(pdus) > 1:
        assert joined(pdus) == text
    else:
        assert segments.decode_parts([user_data(pdu) for pdu in pdus], pdus[0].body.data_coding) == text
