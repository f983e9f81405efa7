"""What the fields of a submit_sm mean, as a table: pure, with the credential's settings and the time given."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.limits import SMPP_TLVS_MAX, VALIDITY_MAX_S
from whimbrel.codec import septets
from whimbrel.codec.smpp.bodies import DataSm, ShortMessage, SubmitMulti
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import Tag
from whimbrel.domain.customers import CustomerSettings
from whimbrel.domain.model import PLAIN, Account, Draft, Options, SmppCredential
from whimbrel.domain.wire import Origin, Wire
from whimbrel.edges.smpp import addresses, drafts
from whimbrel.edges.smpp.customers import Customer
from whimbrel.edges.smpp.gate import Admitted

NOW_US = 1_800_000_000_000_000  # 2027-01-15T08:00:00Z
SECOND_US = 1_000_000
TO = ShortMessage(dest_ton=1, dest_npi=1, dest="447911123456", short_message=b"Hello")
CONCAT = bytes.fromhex("0003070201")  # part 1 of 2 under reference 7


def customer(**settings: Any) -> Customer:
    credential = SmppCredential("SC1", "AC1", False, "n", "acme", "", "active", "{}", 0, 0)
    account = Account("AC1", None, "Acme", "active", "USD", 0, b"", b"", 0, 0)
    return Customer(Admitted(credential, CustomerSettings(**settings), account, "127.0.0.1"))


def made(tlvs: tuple[tuple[int, bytes], ...] = (), settings: dict[str, Any] | None = None, **fields: Any) -> Draft:
    body = msgspec.structs.replace(TO, **fields)
    of = customer(**settings or {})
    what = drafts.content(body, tlvs, of, NOW_US)
    return drafts.draft(what, of, body.dest_ton, body.dest_npi, body.dest)


def wire(**more: Any) -> Wire:
    found = made(**more).options.wire
    assert found is not None
    return found


def refused(**more: Any) -> Status:
    with pytest.raises(drafts.Refuse) as caught:
        made(**more)
    return caught.value.status


def udh(elements: bytes) -> bytes:
    return bytes([len(elements)]) + elements


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("ton", "address", "meant"),
    [
        (1, "447911123456", "+447911123456"),
        (0, "447911123456", "+447911123456"),
        (1, "+447911123456", "+447911123456"),
        (0, "00447911123456", "00447911123456"),  # accept knows 00
        (2, "+447911123456", "+447911123456"),
        (2, "07911123456", None),
        (2, "2025550123", None),
        (1, "", ""),
        (5, "ACME", "ACME"),
    ],
)
def test_a_destination_is_international_unless_ton_says_that_it_is_national(ton, address, meant):
    assert addresses.recipient(ton, address) == meant


@pytest.mark.parametrize(
    ("ton", "address", "meant"),
    [
        (0, "", None),
        (5, "ACME Ltd", "ACME Ltd"),
        (5, "12345", "12345"),
        (0, "ACME", "ACME"),  # no digits: a name whatever TON says
        (1, "ACME", "ACME"),
        (1, "12025550100", "+12025550100"),
        (0, "12025550100", "+12025550100"),
        (0, "+12025550100", "+12025550100"),
        (1, "0012025550100", "+12025550100"),
        (3, "12345", "12345"),
        (0, "12345", "12345"),
        (1, "12345", "12345"),  # trap T65: TON 1 with a short code
        (6, "872727", "872727"),
        (3, "12025550100", "+12025550100"),  # longer than any short code
    ],
)
def test_a_source_is_a_number_a_short_code_or_a_name(ton, address, meant):
    assert addresses.sender(ton, address) == meant


def test_a_national_destination_is_refused_because_its_country_would_be_a_guess():
    assert refused(dest_ton=2, dest="2025550123") is Status.ESME_RINVDSTTON


# ---------------------------------------------------------------- texts


def test_a_plain_text_asks_for_nothing_more():
    draft = made()
    assert (draft.recipient, draft.text, draft.sender, draft.door) == ("+447911123456", "Hello", None, "smpp")
    assert draft.options is PLAIN and draft.data is None
    assert (draft.message_class, draft.validity_s, draft.send_at_us) == ("transactional", None, None)


def test_the_credential_decides_class_validity_and_mode():
    draft = made(settings={"message_class": "otp", "validity_s": 300})
    assert (draft.message_class, draft.validity_s) == ("otp", 300)
    assert made(settings={"validity_s": 300}, data_coding=8, short_message="Ж".encode("utf-16-be")).validity_s == 300


@pytest.mark.parametrize(
    ("data_coding", "octets", "text"),
    [
        (0, b"\x00\x02\x1b\x65", "@$€"),
        (1, b"plain [ascii]", "plain [ascii]"),
        (3, "Ça va £".encode("latin-1"), "Ça va £"),
        (6, "Привет".encode("iso8859-5"), "Привет"),
        (7, "שלום".encode("iso8859-8"), "שלום"),
        (8, "Ж😀".encode("utf-16-be"), "Ж😀"),
        (8, b"\xff\xfe" + "Ж".encode("utf-16-le"), "Ж"),
        (0x0E, "안녕".encode("euc-kr"), "안녕"),
    ],
)
def test_octets_become_text_by_their_data_coding(data_coding, octets, text):
    draft = made(data_coding=data_coding, short_message=octets)
    assert (draft.text, draft.data, draft.options) == (text, None, PLAIN)


@pytest.mark.parametrize(
    ("alphabet", "octets"),
    [
        ("latin1", "Ça £".encode("latin-1")),
        ("utf8", "Ça £".encode()),
        ("gsm7_packed", septets.pack(b"\x09a \x01", 0)),
    ],
)
def test_data_coding_0_is_in_the_credentials_alphabet(alphabet, octets):
    assert made(settings={"alphabet": alphabet}, short_message=octets).text == "Ça £"


def test_octets_that_the_alphabet_does_not_hold_are_refused_and_not_guessed_at():
    assert refused(short_message="Ça".encode("latin-1")) is Status.ESME_RSUBMITFAIL
    assert refused(settings={"alphabet": "ascii"}, short_message="Ça".encode("latin-1")) is Status.ESME_RSUBMITFAIL
    assert refused(data_coding=1, short_message=b"\xc7a") is Status.ESME_RSUBMITFAIL


@pytest.mark.parametrize(
    ("data_coding", "octets", "text", "message_class"),
    [
        (0x10, b"Hi", "Hi", 0),
        (0xF0, b"Hi", "Hi", 0),
        (0x18, "Ж".encode("utf-16-be"), "Ж", 0),
        (0x12, b"Hi", "Hi", 2),
    ],
)
def test_a_message_class_goes_on_with_the_text(data_coding, octets, text, message_class):
    draft = made(data_coding=data_coding, short_message=octets)
    assert draft.text == text
    assert draft.options.wire == Wire(message_class=message_class)


@pytest.mark.parametrize(("data_coding", "message_class"), [(2, None), (4, None), (0xF4, 0), (0xF5, 1), (0x16, 2)])
def test_binary_stays_octets(data_coding, message_class):
    draft = made(data_coding=data_coding, short_message=b"\x00\xff")
    assert (draft.text, draft.data) == ("", b"\x00\xff")
    found = draft.options.wire
    assert (found.message_class if found else None) == message_class


def test_a_waiting_indication_keeps_its_data_coding():
    draft = made(data_coding=0xC8, short_message=b"One voicemail")
    assert draft.text == "One voicemail" and draft.options.wire == Wire(data_coding=0xC8)
    draft = made(data_coding=0xE8, short_message="Ж".encode("utf-16-be"))
    assert draft.data == "Ж".encode("utf-16-be") and draft.options.wire == Wire(data_coding=0xE8)


@pytest.mark.parametrize("data_coding", [0x0B, 0x20, 0x80, 0x1C])
def test_a_reserved_or_compressed_coding_is_refused(data_coding):
    assert refused(data_coding=data_coding) is Status.ESME_RINVDCS


# ---------------------------------------------------------------- headers and parts


def test_a_part_of_the_customers_own_keeps_its_place_and_must_fit_one_segment():
    draft = made(esm_class=0x40, short_message=udh(CONCAT) + b"first half")
    assert draft.text == "first half"
    assert draft.options.wire == Wire(header=CONCAT.hex())
    assert draft.options.max_parts == 1


def test_parts_that_are_not_gsm7_stay_as_they_are_so_that_all_are_in_one_coding():
    octets = "only ascii".encode("utf-16-be")
    draft = made(esm_class=0x40, data_coding=8, short_message=udh(CONCAT) + octets)
    assert draft.data == octets
    assert draft.options.wire == Wire(header=CONCAT.hex(), data_coding=8)


def test_sar_parameters_become_the_element_that_phones_read():
    sar = ((Tag.SAR_MSG_REF_NUM, b"\x00\x07"), (Tag.SAR_TOTAL_SEGMENTS, b"\x02"), (Tag.SAR_SEGMENT_SEQNUM, b"\x01"))
    draft = made(tlvs=sar)
    assert draft.options.wire == Wire(header=CONCAT.hex()) and draft.options.max_parts == 1
    wide = ((Tag.SAR_MSG_REF_NUM, b"\x01\x07"), *sar[1:])
    assert wire(tlvs=wide).header == "080401070201"
    beyond = (*sar[:2], (Tag.SAR_SEGMENT_SEQNUM, b"\x03"))
    assert refused(tlvs=beyond) is Status.ESME_RINVOPTPARAMVAL


def test_sar_of_a_single_part_means_nothing():
    sar = ((Tag.SAR_MSG_REF_NUM, b"\x00\x07"), (Tag.SAR_TOTAL_SEGMENTS, b"\x01"), (Tag.SAR_SEGMENT_SEQNUM, b"\x01"))
    assert made(tlvs=sar).options is PLAIN


def test_a_header_with_ports_stays_and_its_text_may_be_long():
    ports = bytes.fromhex("05041f9023f0")
    draft = made(esm_class=0x40, data_coding=4, short_message=udh(ports) + b"\x01\x02")
    assert draft.data == b"\x01\x02"
    assert draft.options.wire == Wire(header=ports.hex()) and draft.options.max_parts is None


def test_national_tables_are_read_and_not_passed_on_because_the_text_is_encoded_anew():
    turkish = bytes.fromhex("240101")
    draft = made(esm_class=0x40, short_message=udh(turkish) + b"\x1bs")
    assert draft.text == "ş" and draft.options is PLAIN


@pytest.mark.parametrize("octets", [b"", b"\x05\x00\x03", b"\x03\x00\x03\x07"])
def test_a_header_that_is_none_is_refused(octets):
    assert refused(esm_class=0x40, short_message=octets) is Status.ESME_RINVESMCLASS


# ---------------------------------------------------------------- message_payload


def test_message_payload_is_the_text_where_short_message_is_empty():
    payload = ((Tag.MESSAGE_PAYLOAD, b"long " * 100),)
    assert made(tlvs=payload, short_message=b"").text == "long " * 100


def test_short_message_and_message_payload_together_are_refused():
    assert refused(tlvs=((Tag.MESSAGE_PAYLOAD, b"x"),)) is Status.ESME_ROPTPARNOTALLWD


def test_nothing_at_all_is_left_to_accept_but_a_predefined_message_is_refused():
    assert made(short_message=b"").text == ""
    assert refused(short_message=b"", sm_default_msg_id=3) is Status.ESME_RINVDFTMSGID
    assert made(sm_default_msg_id=3).text == "Hello"


# ---------------------------------------------------------------- esm_class, TLVs, times


@pytest.mark.parametrize("esm_class", [0, 1, 2, 3, 0x80])
def test_every_messaging_mode_is_store_and_forward(esm_class):
    assert made(esm_class=esm_class).options is PLAIN


@pytest.mark.parametrize("esm_class", [0x04, 0x08, 0x10, 0x20])
def test_receipts_and_acknowledgements_are_refused(esm_class):
    assert refused(esm_class=esm_class) is Status.ESME_RINVESMCLASS


def test_vendors_tlvs_and_those_for_the_phone_go_on_and_the_others_are_ignored():
    given = ((0x1400, b"1107"), (Tag.DESTINATION_PORT, b"\x23\xf0"), (Tag.PRIVACY_INDICATOR, b"\x01"), (0x0999, b"?"))
    assert wire(tlvs=given).tlvs == ((0x1400, b"1107".hex()), (int(Tag.DESTINATION_PORT), "23f0"))
    assert refused(tlvs=((0x1401, bytes(SMPP_TLVS_MAX + 1)),)) is Status.ESME_RINVPARLEN


def test_protocol_id_goes_on():
    assert wire(protocol_id=0x41) == Wire(protocol_id=0x41)


@pytest.mark.parametrize(
    ("schedule", "validity", "ahead_s", "live_s"),
    [
        ("", "", None, None),
        ("270115090000000+", "", 3600, None),
        ("000000010000000R", "", 3600, None),
        ("", "000000020000000R", None, 7200),
        ("", "270115100000000+", None, 7200),
        ("270115090000000+", "270115100000000+", 3600, 3600),  # validity counts from when it is due
        ("", "000100000000000R", None, VALIDITY_MAX_S),  # longer than the longest is the longest
        ("", "000000000000000R", None, None),
        ("270115103000006+", "", 3600, None),  # an hour and a half ahead of UTC
    ],
)
def test_times_in_both_forms(schedule, validity, ahead_s, live_s):
    draft = made(schedule_time=schedule, validity_period=validity)
    assert draft.send_at_us == (None if ahead_s is None else NOW_US + ahead_s * SECOND_US)
    assert draft.validity_s == live_s


def test_times_that_are_none_are_refused():
    assert refused(schedule_time="tomorrow") is Status.ESME_RINVSCHED
    assert refused(validity_period="later") is Status.ESME_RINVEXPIRY


# ---------------------------------------------------------------- receipts and references


@pytest.mark.parametrize("registered", [0x01, 0x02, 0x03, 0x10, 0x11])
def test_who_wants_receipts_is_told_in_the_words_of_the_submit(registered):
    origin = made(registered_delivery=registered, source_ton=5, source="ACME", service_type="CMT").options.origin
    assert origin == Origin(
        "SC1", registered, source=(5, 0, "ACME"), destination=(1, 1, "447911123456"), service_type="CMT"
    )


@pytest.mark.parametrize("registered", [0, 0x04, 0x08])
def test_who_wants_none_leaves_no_trace(registered):
    assert made(registered_delivery=registered).options is PLAIN


def test_a_reference_is_kept_and_is_a_key_only_where_the_credential_says_so():
    reference = ((Tag.USER_MESSAGE_REFERENCE, b"\x00\x07"),)
    origin = made(tlvs=reference).options.origin
    assert origin is not None and origin.reference == 7

    def key(of: Customer, text: bytes = b"Hello") -> Any:
        body = msgspec.structs.replace(TO, short_message=text)
        return drafts.key(drafts.content(body, reference, of, NOW_US), of, body)

    assert key(customer()) is None
    unique = customer(unique_reference=True)
    first = key(unique)
    assert (first.account_id, first.door, first.key) == ("AC1", "smpp", "SC1:7")
    assert key(unique) == first and key(unique, b"Other").fingerprint != first.fingerprint


# ---------------------------------------------------------------- the other commands


def test_data_sm_and_submit_multi_are_read_as_submit_sm():
    data = DataSm(service_type="CMT", source="ACME", dest="447911123456", registered_delivery=1, data_coding=8)
    whole = drafts.as_submit(data)
    assert (whole.service_type, whole.source, whole.dest, whole.data_coding) == ("CMT", "ACME", "447911123456", 8)
    multi = SubmitMulti(source="ACME", protocol_id=5, short_message=b"x")
    assert drafts.as_submit(multi) == ShortMessage(source="ACME", protocol_id=5, short_message=b"x")


def test_qos_time_to_live_is_a_validity():
    assert made(tlvs=((Tag.QOS_TIME_TO_LIVE, (600).to_bytes(4, "big")),)).validity_s == 600


# ---------------------------------------------------------------- anything at all

OCTET = st.integers(0, 255)
WORD = st.text(st.characters(max_codepoint=255), max_size=21)
TAGS = st.one_of(st.sampled_from([int(tag) for tag in Tag]), st.integers(0, 0xFFFF))
ANY_TLVS = st.lists(st.tuples(TAGS, st.binary(max_size=12)), max_size=5).map(tuple)
ANY_BODY = st.builds(
    ShortMessage,
    service_type=WORD,
    source_ton=OCTET,
    source=WORD,
    dest_ton=OCTET,
    dest=st.one_of(st.just("447911123456"), WORD),
    esm_class=st.one_of(st.sampled_from([0, 3, 0x40]), OCTET),
    protocol_id=OCTET,
    schedule_time=st.one_of(st.just(""), WORD),
    validity_period=st.one_of(st.just(""), WORD),
    registered_delivery=OCTET,
    data_coding=OCTET,
    sm_default_msg_id=OCTET,
    short_message=st.one_of(st.binary(max_size=254), st.binary(max_size=150).map(lambda text: udh(CONCAT) + text)),
)


@given(
    ANY_BODY,
    ANY_TLVS,
    st.builds(
        CustomerSettings,
        alphabet=st.sampled_from(["gsm7", "gsm7_packed", "latin1", "ascii", "utf8"]),
        unique_reference=st.booleans(),
    ),
)
def test_any_submit_becomes_a_draft_that_can_be_stored_or_a_refusal(body, tlvs, settings):
    of = customer(**msgspec.structs.asdict(settings))
    try:
        what = drafts.content(body, tlvs, of, NOW_US)
        draft = drafts.draft(what, of, body.dest_ton, body.dest_npi, body.dest)
    except drafts.Refuse as refusal:
        assert refusal.status and refusal.words
        return
    drafts.key(what, of, body)
    stored = msgspec.json.decode(msgspec.json.encode(draft.options), type=Options)
    assert stored == draft.options
    assert isinstance(draft.data, bytes) != bool(draft.text) or not draft.text
