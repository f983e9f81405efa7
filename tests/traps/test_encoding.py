"""Traps T51 to T65: alphabets, headers, parts and addresses, as peers get them wrong. One section for each trap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.limits import PARTS_MAX
from whimbrel.carriers.smpp_reader import Reader
from whimbrel.codec import alphabets, codings, gsm7, segments, septets, udh
from whimbrel.codec.segments import TooManyParts
from whimbrel.codec.shifts import ALL_LANGUAGES, NO_SHIFT, Shift
from whimbrel.codec.smpp.pdu import Decoder, Pdu, ShortMessage, encode, fills_both, user_data
from whimbrel.codec.smpp.tables import DELIVER_SM, Tag
from whimbrel.codec.udh import Concat, Element
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.joining import Piece, belongs, join, placed

UDHI = 0x40


def over_the_wire(body, tlvs=()):
    """A deliver_sm as its reader sees it after the octets of a connection."""
    (pdu,) = Decoder().feed(encode(Pdu(DELIVER_SM, 0, 1, body, tuple(tlvs))))
    return pdu


def arrived(octets, *, esm_class=0, data_coding=0, tlvs=()):
    pdu = over_the_wire(
        ShortMessage(source="1", dest="2", esm_class=esm_class, data_coding=data_coding, short_message=octets), tlvs
    )
    return Reader(CarrierSettings("h", 1)).read(pdu, "bind")


# --- T51: data_coding 0 is "SMSC default" ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alphabet", "octets"),
    [
        ("gsm7", "0148692040"),
        ("gsm7_packed", "01641a0404"),
        ("latin1", "a3486920a1"),
    ],
)
def test_t51_the_default_alphabet_is_the_carriers(alphabet, octets):
    """What data_coding 0 means is a table for each carrier, the same in both directions; `£` never becomes `B`."""
    text = "£Hi ¡"
    assert alphabets.encode(text, alphabet).hex() == octets
    assert alphabets.decode(bytes.fromhex(octets), alphabet) == text


def test_t51_a_text_that_the_carriers_alphabet_lacks_is_not_bent():
    """A character that the carrier's alphabet does not hold is known before sending, and nothing stands in for it."""
    assert not alphabets.fits("£", "ascii")
    assert not alphabets.fits("5 €", "latin1")
    assert alphabets.fits("5 €", "utf8")
    assert not alphabets.fits("привет", "utf8")


# --- T52: packed septets ---------------------------------------------------------------------------------------------


def test_t52_seven_characters_give_no_false_at_sign():
    """Seven spare bits are a carriage return when we write, and no "@" when others left them zero."""
    assert septets.pack(b"1234567").hex() == "31d98c56b3dd1a"
    assert septets.unpack(bytes.fromhex("31d98c56b3dd1a")) == b"1234567"
    assert septets.unpack(bytes.fromhex("31d98c56b3dd00")) == b"1234567"


def test_t52_a_text_of_eight_keeps_its_last_character():
    """An eighth character fills the same octets and is kept."""
    assert septets.unpack(septets.pack(b"12345678")) == b"12345678"


def test_t52_septets_begin_on_a_boundary_behind_a_header():
    """Fill bits follow the header: one after six octets, none after seven."""
    assert septets.pack(b"hi", 6).hex() == "d069"
    assert septets.pack(b"hi", 7).hex() == "e834"
    assert septets.unpack(bytes.fromhex("d069"), 6) == septets.unpack(bytes.fromhex("e834"), 7) == b"hi"


def test_t52_an_at_sign_is_nul_and_ends_nothing():
    """`@` is 0x00 inside of short_message, which has a length and is no C-string."""
    pdu = over_the_wire(ShortMessage(short_message=gsm7.encode("@a@b@")))
    assert user_data(pdu) == b"\0a\0b\0"
    assert segments.decode(user_data(pdu), 0) == "@a@b@"


# --- T53: characters of the extension table --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("a" * 160, [160]),
        ("a" * 161, [153, 8]),
        ("€" * 80, [160]),
        ("a" * 159 + "€", [153, 8]),
        ("a" * 152 + "€" + "a" * 7, [152, 9]),
        ("€" * 154, [152, 152, 4]),
        ("я" * 70, [140]),
        ("я" * 71, [134, 8]),
    ],
)
def test_t53_an_extension_character_counts_two_and_is_never_cut(text, sizes):
    """160 and 153 septets, 70 and 67 units; an escape moves to the next part with its code."""
    found = segments.measure(text)
    parts = segments.cut(text, encoding=found.encoding)
    assert [len(part) for part in parts] == sizes
    assert found.segments == len(sizes)
    assert not any(part.endswith(b"\x1b") for part in parts if found.encoding == "gsm7")


@given(st.text(alphabet="a€ş", min_size=1, max_size=400), st.booleans())
def test_t53_nor_under_a_national_language(text, wide):
    """The same with a single shift table, whose characters are escapes too."""
    parts = segments.cut(text, encoding="gsm7", wide=wide, shift=Shift(0, 1))
    assert not any(part.endswith(b"\x1b") for part in parts)
    assert "".join(segments.decode(part, 0, Shift(0, 1)) for part in parts) == text


@pytest.mark.parametrize(("data", "sizes"), [(140, [140]), (141, [134, 7]), (269, [134, 134, 1])])
def test_t53_binary_has_140_octets_and_134(data, sizes):
    """8-bit data is cut by octets."""
    assert [len(part) for part in segments.cut_octets(bytes(data))] == sizes


# --- T54: UCS-2 ------------------------------------------------------------------------------------------------------


@given(st.text(alphabet="я😀", max_size=300), st.booleans())
def test_t54_a_surrogate_pair_is_never_cut(text, wide):
    """Each part is whole UTF-16, big-endian, of an even number of octets."""
    parts = segments.cut(text, encoding="ucs2", wide=wide)
    assert "".join(part.decode("utf-16-be") for part in parts) == text
    assert all(len(part) % 2 == 0 for part in parts)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("feff043f", "п"),
        ("fffe3f04", "п"),
        ("043f", "п"),
        ("d83dde00", "😀"),
        ("043fd83d", "п\ufffd"),
        ("043f04", "п\ufffd"),
    ],
    ids=["big-endian mark", "little-endian mark", "no mark", "emoji", "half a pair", "half a unit"],
)
def test_t54_a_byte_order_mark_is_no_text(octets, text):
    """A mark is obeyed and dropped; what was cut shows as U+FFFD and loses nothing else."""
    assert segments.decode(bytes.fromhex(octets), 8) == text


def test_t54_we_send_no_mark_and_big_endian():
    """No peer has to guess."""
    assert segments.cut("п😀", encoding="ucs2") == (bytes.fromhex("043fd83dde00"),)


def test_t54_a_pair_that_a_peer_cut_is_joined():
    """Parts are joined before they are read, a mark before each dropped."""
    parts = [bytes.fromhex("feff043fd83d"), bytes.fromhex("feffde00043f")]
    assert segments.decode_parts(parts, 8) == "п😀п"


# --- T55: the header -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("050003cc0201", Concat(0xCC, 2, 1, wide=False)),
        ("06080412340201", Concat(0x1234, 2, 1, wide=True)),
        ("0b05040b8423f0" + "0003cc0201", Concat(0xCC, 2, 1, wide=False)),
        ("09240101" + "0804ffff0202", Concat(0xFFFF, 2, 2, wide=True)),
        ("08240101" + "0003cc0202", Concat(0xCC, 2, 2, wide=False)),
        ("0a7003010203" + "0003cc0201", Concat(0xCC, 2, 1, wide=False)),
    ],
    ids=["8-bit", "16-bit", "after ports", "16-bit after a language", "after a language", "after an unknown element"],
)
def test_t55_the_place_is_found_wherever_it_stands(header, place):
    """Elements come in any number and order; the length octet says where the text begins."""
    octets = bytes.fromhex(header)
    found = arrived(octets + b"text", esm_class=UDHI)
    assert (found.reference, found.total, found.number) == (place.reference, place.total, place.number)
    assert segments.decode(found.octets, found.data_coding) == "text"
    assert udh.concat(udh.parse(octets).elements) == place


@pytest.mark.parametrize("octets", [b"Hello there", b"\x05", b"\x05\x00\x03\x01\x02", b""])
def test_t55_the_bit_without_a_header_loses_no_text(octets):
    """UDHI set and no header there: the octets are the text."""
    found = arrived(octets, esm_class=UDHI)
    assert (found.octets, found.total, found.number) == (octets, 1, 1)


def test_t55_without_the_bit_there_is_no_header():
    """Octets that look like a header are text where esm_class does not say so."""
    found = arrived(bytes.fromhex("050003cc0201"))
    assert (found.octets, found.total) == (bytes.fromhex("050003cc0201"), 1)


def test_t55_a_header_in_message_payload():
    """The user data may stand in message_payload, its header with it."""
    found = arrived(b"", esm_class=UDHI, tlvs=[(Tag.MESSAGE_PAYLOAD, bytes.fromhex("050003cc0202") + b"text")])
    assert (found.octets, found.reference, found.total, found.number) == (b"text", 0xCC, 2, 2)


# --- T56: joining parts ----------------------------------------------------------------------------------------------


def piece(number, octets, *, coding=0, at=0):
    return Piece(number, octets, coding, "ucs2" if coding == 8 else "gsm7", at)


def test_t56_parts_are_joined_in_their_order_whatever_order_they_came_in():
    """Order of arrival means nothing, a missing part leaves a text that is told as partial, codings may differ."""
    assert join([piece(2, b"lo"), piece(1, b"hel")], 2).text == "hello"
    partial = join([piece(3, b"c"), piece(1, b"a")], 3)
    assert (partial.text, partial.partial) == ("ac", True)
    assert join([piece(1, b"a\0"), piece(2, bytes.fromhex("0431"), coding=8)], 2).text == "a@б"


def test_t56_a_part_twice_and_a_reference_again():
    """The same part again is dropped; another text in its place begins a new set."""
    waiting = {1: piece(1, b"a")}
    assert placed(waiting, piece(1, b"a", at=5), 2) == "repeated"
    assert placed(waiting, piece(1, b"b", at=5), 2) == "anew"
    assert placed(waiting, piece(2, b"b", at=5), 2) == "complete"


@pytest.mark.parametrize(("total", "number"), [(2, 0), (2, 3), (0, 0), (1, 1)])
def test_t56_a_part_out_of_range_is_a_text_of_its_own(total, number):
    """Part 0, or one beyond the total, waits for nothing and is not lost."""
    assert not belongs(total, number)


# --- T57: SAR parameters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 2, 4])
def test_t57_sar_parameters_of_any_width(width):
    """Peers send one octet or two for each; both say the same."""
    values = {Tag.SAR_MSG_REF_NUM: 0xCC, Tag.SAR_TOTAL_SEGMENTS: 3, Tag.SAR_SEGMENT_SEQNUM: 2}
    found = arrived(b"text", tlvs=[(tag, value.to_bytes(width, "big")) for tag, value in values.items()])
    assert (found.octets, found.reference, found.total, found.number) == (b"text", 0xCC, 3, 2)


def test_t57_a_header_comes_before_sar_parameters():
    """Given both, the header, which the phone wrote, is believed."""
    tlvs = [(Tag.SAR_MSG_REF_NUM, b"\0\x01"), (Tag.SAR_TOTAL_SEGMENTS, b"\x05"), (Tag.SAR_SEGMENT_SEQNUM, b"\x05")]
    found = arrived(bytes.fromhex("050003cc0201") + b"text", esm_class=UDHI, tlvs=tlvs)
    assert (found.reference, found.total, found.number) == (0xCC, 2, 1)


@pytest.mark.parametrize("missing", [Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM])
def test_t57_two_of_three_sar_parameters_say_nothing(missing):
    """A text with half a place is a text of its own."""
    values = {Tag.SAR_MSG_REF_NUM: b"\0\x01", Tag.SAR_TOTAL_SEGMENTS: b"\x02", Tag.SAR_SEGMENT_SEQNUM: b"\x01"}
    found = arrived(b"text", tlvs=[(tag, value) for tag, value in values.items() if tag is not missing])
    assert (found.octets, found.total, found.number) == (b"text", 1, 1)


# --- T58: message_payload --------------------------------------------------------------------------------------------


def test_t58_message_payload_with_sm_length_0():
    """The text is in message_payload."""
    pdu = over_the_wire(ShortMessage(), [(Tag.MESSAGE_PAYLOAD, b"x" * 1000)])
    assert user_data(pdu) == b"x" * 1000
    assert not fills_both(pdu)


def test_t58_both_filled_is_known_and_short_message_counts():
    """The clause forbids both; sm_length is believed and the reader can tell."""
    pdu = over_the_wire(ShortMessage(short_message=b"short"), [(Tag.MESSAGE_PAYLOAD, b"payload")])
    assert user_data(pdu) == b"short"
    assert fills_both(pdu)


def test_t58_a_payload_counts_as_the_parts_it_becomes():
    """A text that travels whole is priced by the parts that the air needs."""
    assert segments.measure("x" * 1000).segments == 7


# --- T59: national language shift tables -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "text", "shift"),
    [
        ("03240101" + "1b731b67", "şğ", Shift(0, 1)),
        ("03250101" + "1d0c", "şğ", Shift(1, 0)),
        ("06240101250101" + "1d", "ş", Shift(1, 1)),
        ("03240102" + "1b61", "á", Shift(0, 2)),
        ("0325010d" + "00", "ا", Shift(13, 0)),
    ],
)
def test_t59_tables_are_named_in_the_header_under_data_coding_0(octets, text, shift):
    """`03 24 01 01` and `03 25 01 01` before the septets, nothing else: data_coding stays 0, both ways."""
    user = udh.parse(bytes.fromhex(octets))
    assert udh.shift_of(user.elements) == shift
    assert segments.decode(user.payload, 0, shift) == text
    assert segments.build(text, encoding="gsm7", reference=1, shift=shift) == (bytes.fromhex(octets),)


@pytest.mark.parametrize(
    ("shift", "single", "part"),
    [(NO_SHIFT, 160, 153), (Shift(0, 1), 155, 149), (Shift(1, 0), 155, 149), (Shift(1, 1), 152, 146)],
)
def test_t59_the_header_costs_septets(shift, single, part):
    """155 and 149 septets with one table, 152 and 146 with two."""
    sizes = {
        length: [len(octets) for octets in segments.cut("a" * length, encoding="gsm7", shift=shift)]
        for length in (single, single + 1)
    }
    assert sizes == {single: [single], single + 1: [part, single + 1 - part]}


def test_t59_every_part_names_its_tables():
    """A part that came alone must be readable."""
    parts = [udh.parse(octets) for octets in segments.build("ş" * 400, encoding="gsm7", reference=1, shift=Shift(1, 0))]
    assert len(parts) == 3
    assert all(Element(udh.IEI_LOCKING_SHIFT, b"\x01") in part.elements for part in parts)
    assert [udh.concat(part.elements).number for part in parts] == [1, 2, 3]


def test_t59_tables_are_used_only_where_allowed_and_where_they_save_segments():
    """UCS-2, which every phone reads, wherever it needs no more segments."""
    assert segments.measure("ş" * 70, languages=ALL_LANGUAGES).encoding == "ucs2"
    assert segments.measure("ş" * 71).encoding == "ucs2"
    found = segments.measure("ş" * 71, languages={1})
    assert (found.encoding, found.data_coding, found.segments, found.shift) == ("gsm7", 0, 1, Shift(0, 1))


# --- T60: message classes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data_coding", [0x10, 0xF0])
def test_t60_flash_in_gsm7(data_coding):
    """0x10 and 0xF0 are a text in GSM-7, to be shown at once."""
    assert codings.of(data_coding) == codings.Coding("gsm7", codings.FLASH)
    assert segments.decode(b"\0\x1b\x65", data_coding) == "@€"
    assert data_coding in {codings.flash("gsm7", "general"), codings.flash("gsm7", "class")}


def test_t60_flash_in_ucs2():
    """0x18 is UCS-2, to be shown at once; the message class group has none."""
    assert codings.flash("ucs2", "general") == codings.flash("ucs2", "class") == 0x18
    assert segments.decode(bytes.fromhex("043f"), 0x18) == "п"


@pytest.mark.parametrize("data_coding", [0x02, 0x04, *range(0x14, 0x18), *range(0xF4, 0xF8)])
def test_t60_binary_is_no_text(data_coding):
    """8-bit data, with or without a class, is told apart from texts."""
    assert codings.of(data_coding).kind == "binary"


@pytest.mark.parametrize(("data_coding", "kind"), [(0xC8, "gsm7"), (0xD8, "gsm7"), (0xE8, "ucs2")])
def test_t60_a_waiting_message_is_a_text(data_coding, kind):
    """An indication of waiting messages may carry one, in GSM-7 or UCS-2."""
    found = codings.of(data_coding)
    assert (found.kind, found.waiting.mailbox, found.waiting.active) == (kind, "voicemail", True)


# --- T63: many parts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [5, 6, PARTS_MAX, PARTS_MAX + 1, 255])
def test_t63_no_part_is_cut_off(parts):
    """However many parts a text needs, so many are counted and so many are sent."""
    text = "a" * 153 * parts
    assert segments.measure(text).segments == parts
    assert b"".join(segments.cut(text, encoding="gsm7")) == text.encode()


def test_t63_more_than_a_header_can_count_are_refused():
    """256 parts are counted as such, so that they can be refused before anything is charged, and never sent."""
    text = "a" * (153 * 255 + 1)
    assert segments.measure(text).segments == 256 > PARTS_MAX
    with pytest.raises(TooManyParts):
        segments.cut(text, encoding="gsm7")
