"""User data headers: vectors in hex, headers of other senders, and what a malformed one gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec import udh
from whimbrel.codec.errors import CodecError
from whimbrel.codec.shifts import Shift
from whimbrel.codec.udh import Concat, Element

elements = st.builds(Element, identifier=st.integers(0, 255), data=st.binary(max_size=20))
headers = st.lists(elements, max_size=6).map(tuple)

places = st.booleans().flatmap(
    lambda wide: st.integers(1, 255).flatmap(
        lambda total: st.builds(
            Concat,
            reference=st.integers(0, 0xFFFF if wide else 0xFF),
            total=st.just(total),
            number=st.integers(1, total),
            wide=st.just(wide),
        )
    )
)


@pytest.mark.parametrize(
    ("octets", "place", "payload"),
    [
        ("050003cc0201" + "6869", Concat(0xCC, 2, 1, wide=False), b"hi"),
        ("06080412340302" + "6869", Concat(0x1234, 3, 2, wide=True), b"hi"),
        ("0b05040b8423f0" + "0003070201", Concat(7, 2, 1, wide=False), b""),
        ("08240101" + "0003070202" + "41", Concat(7, 2, 2, wide=False), b"A"),
        ("0a7002aabb" + "0804ffff0101" + "41", Concat(0xFFFF, 1, 1, wide=True), b"A"),
    ],
    ids=["8-bit", "16-bit", "after port addressing", "after a shift table", "after an unknown element"],
)
def test_concat_wherever_it_stands(octets, place, payload):
    user_data = udh.parse(bytes.fromhex(octets))
    assert udh.concat(user_data.elements) == place
    assert user_data.payload == payload
    assert udh.build(user_data.elements) + payload == bytes.fromhex(octets)


def test_unknown_elements_are_kept():
    user_data = udh.parse(bytes.fromhex("077002aabb7101ff"))
    assert user_data.elements == (Element(0x70, b"\xaa\xbb"), Element(0x71, b"\xff"))
    assert user_data.payload == b""


def test_an_empty_header_and_an_empty_element():
    assert udh.parse(b"\x00hi") == udh.UserData((), b"hi")
    assert udh.parse(b"\x02\x70\x00hi") == udh.UserData((Element(0x70, b""),), b"hi")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        ("", "no octets at all"),
        ("05", "only the length"),
        ("050003cc02", "one octet short"),
        ("4869", "the indicator set, but a text and no header"),
        ("0100", "an identifier without its length"),
        ("03000301", "an element longer than the header"),
        ("0400010200", "a second element cut after its identifier"),
        ("060003cc020100", "an octet left over after the last element"),
    ],
)
def test_malformed_headers_are_typed_errors(octets, why):
    with pytest.raises(udh.BadUdh) as raised:
        udh.parse(bytes.fromhex(octets))
    assert isinstance(raised.value, CodecError), why


@pytest.mark.parametrize(
    ("data", "wide", "why"),
    [
        ("cc0200", False, "part 0"),
        ("cc0203", False, "part beyond the total"),
        ("cc0001", False, "no parts"),
        ("cc0000", False, "nothing at all"),
        ("cc02", False, "too short"),
        ("cc020100", False, "too long"),
        ("12340200", True, "part 0, wide"),
        ("cc0201", True, "too short for wide"),
    ],
)
def test_what_is_no_concat(data, wide, why):
    element = Element(udh.IEI_CONCAT_WIDE if wide else udh.IEI_CONCAT, bytes.fromhex(data))
    assert udh.concat((element,)) is None, why


def test_of_several_concats_the_last_good_one_counts():
    first = Element(udh.IEI_CONCAT, bytes((1, 2, 1)))
    second = Element(udh.IEI_CONCAT_WIDE, bytes((0, 2, 2, 2)))
    bad = Element(udh.IEI_CONCAT, bytes((3, 2, 0)))
    assert udh.concat((first, second, bad)) == Concat(2, 2, 2, wide=True)
    assert udh.concat((second, first)) == Concat(1, 2, 1, wide=False)
    assert udh.concat(()) is None


@given(places)
def test_concat_round_trip(place):
    octets = udh.build((udh.concat_element(place),))
    assert len(octets) == (7 if place.wide else 6)
    assert udh.concat(udh.parse(octets).elements) == place


@given(headers, st.binary())
def test_header_round_trip(header, payload):
    assert udh.parse(udh.build(header) + payload) == udh.UserData(header, payload)


@given(st.binary(max_size=200))
def test_octets_give_a_header_or_a_typed_error(octets):
    try:
        user_data = udh.parse(octets)
    except udh.BadUdh:
        return
    rebuilt = b"".join(bytes((each.identifier, len(each.data))) + each.data for each in user_data.elements)
    assert bytes((len(rebuilt),)) + rebuilt + user_data.payload == octets


@pytest.mark.parametrize(
    "header",
    [
        (Element(256, b""),),
        (Element(-1, b""),),
        (Element(0x70, bytes(140)),),
        (Element(0x70, bytes(100)), Element(0x70, bytes(36))),
    ],
    ids=["identifier too large", "identifier negative", "element too long", "all together too long"],
)
def test_headers_that_cannot_be_built(header):
    with pytest.raises(udh.BadUdh):
        udh.build(header)


def test_the_longest_header():
    header = (Element(0x70, bytes(100)), Element(0x70, bytes(35)))
    assert len(udh.build(header)) == 140


@pytest.mark.parametrize(
    "place",
    [
        Concat(0x100, 2, 1, wide=False),
        Concat(-1, 2, 1, wide=False),
        Concat(0x10000, 2, 1, wide=True),
        Concat(1, 2, 0, wide=False),
        Concat(1, 2, 3, wide=False),
        Concat(1, 256, 1, wide=False),
        Concat(1, 0, 0, wide=True),
    ],
)
def test_places_that_cannot_be_stated(place):
    with pytest.raises(udh.BadUdh):
        udh.concat_element(place)


@pytest.mark.parametrize(
    ("header", "shift"),
    [
        ("03240101", Shift(0, 1)),
        ("03250101", Shift(1, 0)),
        ("06240101250101", Shift(1, 1)),
        ("06250101240102", Shift(1, 2)),
        ("080003070201240103", Shift(0, 3)),
        ("082401030003070201", Shift(0, 3)),
        ("0624010124010d", Shift(0, 13)),
        ("0624010124010e", Shift(0, 1)),
        ("03250102", Shift()),
        ("03240100", Shift()),
        ("022400", Shift()),
        ("0424020101", Shift()),
        ("00", Shift()),
    ],
    ids=[
        "single",
        "locking",
        "both",
        "both, of two languages",
        "after the place",
        "before the place",
        "the last counts",
        "a reserved one is ignored",
        "Spanish has no locking table",
        "the default",
        "no octet",
        "two octets",
        "none",
    ],
)
def test_the_national_language_that_a_header_names(header, shift):
    assert udh.shift_of(udh.parse(bytes.fromhex(header)).elements) == shift


@given(st.integers(0, 13).filter(lambda language: language != 2), st.integers(0, 13))
def test_shift_elements_round_trip(locking, single):
    shift = Shift(locking, single)
    elements = udh.shift_elements(shift)
    assert udh.shift_of(elements) == shift
    header = udh.build(elements)
    assert len(header) - 1 == shift.header_octets
    assert udh.parse(header).elements == elements
