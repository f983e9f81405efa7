"""Which parts belong together and when they are one text."""

import pytest

from whimbrel.domain.joining import PART_WAIT_US, Joined, Piece, belongs, join, placed


@pytest.mark.parametrize(
    ("total", "number", "expected"),
    [(1, 1, False), (2, 1, True), (2, 2, True), (2, 3, False), (2, 0, False), (0, 0, False), (255, 255, True)],
)
def test_what_can_be_a_part(total, number, expected):
    assert belongs(total, number) is expected


def stored(*pieces, at=0):
    return {number: gsm(number, text, at) for number, text in pieces}


def gsm(number, text, at=0):
    return Piece(number, text.encode(), 0, "gsm7", at)


def ucs2(number, octets, at=0):
    return Piece(number, octets, 8, "ucs2", at)


PLACED = {
    # parts that wait, the new part and when it comes: verdict
    "the first": ((), (1, "a", 0), "waiting"),
    "the last missing": (((1, "a"), (3, "c")), (2, "b", 9), "complete"),
    "one of several missing": (((3, "c"),), (2, "b", 9), "waiting"),
    "the same again": (((1, "a"),), (1, "a", 9), "repeated"),
    "another in its place": (((1, "a"),), (1, "x", 9), "anew"),
    "at the border of the wait": (((1, "a"), (2, "b")), (3, "c", PART_WAIT_US), "complete"),
    "too late": (((1, "a"), (2, "b")), (3, "c", PART_WAIT_US + 1), "anew"),
    "the same, too late": (((1, "a"),), (1, "a", PART_WAIT_US + 1), "anew"),
}


@pytest.mark.parametrize(("waiting", "new", "verdict"), PLACED.values(), ids=PLACED)
def test_placed(waiting, new, verdict):
    number, text, at = new
    assert placed(stored(*waiting), gsm(number, text, at), 3) == verdict


def test_join_orders_and_tells_the_wider_encoding():
    pieces = [ucs2(2, "б".encode("utf-16-be"), 5), gsm(1, "a", 9)]
    assert join(pieces, 2) == Joined("aб", "ucs2", 2, partial=False)


def test_join_of_some_is_partial():
    assert join([gsm(3, "c"), gsm(1, "a")], 3) == Joined("ac", "gsm7", 2, partial=True)


BIRD = "🐦".encode("utf-16-be")  # d8 3d dc 26
MARK = b"\xfe\xff"

CUT = {
    # parts as they came, of how many: the text
    "a surrogate pair": ([ucs2(1, BIRD[:2]), ucs2(2, BIRD[2:])], 2, "🐦"),
    "a surrogate pair, in any order": ([ucs2(2, BIRD[2:]), ucs2(1, BIRD[:2])], 2, "🐦"),
    "a unit of sixteen bits": ([ucs2(1, BIRD[:1]), ucs2(2, BIRD[1:])], 2, "🐦"),
    "a pair over three parts": ([ucs2(1, BIRD[:1]), ucs2(2, BIRD[1:3]), ucs2(3, BIRD[3:])], 3, "🐦"),
    "an escape and its code": ([gsm(1, "a\x1b"), gsm(2, "eb")], 2, "a€b"),
    "a mark before each part": ([ucs2(1, MARK + BIRD[:2]), ucs2(2, MARK + BIRD[2:])], 2, "🐦"),
    "a mark of the other order before the first": ([ucs2(1, b"\xff\xfe\x3d\xd8"), ucs2(2, b"\x26\xdc")], 2, "🐦"),
    "an escape before another coding": ([gsm(1, "a\x1b"), ucs2(2, BIRD)], 2, "a 🐦"),
    "runs of two codings": ([ucs2(1, BIRD[:2]), ucs2(2, BIRD[2:]), gsm(3, "\x1b"), gsm(4, "e")], 4, "🐦€"),
    "the end is missing": ([ucs2(1, BIRD[:2])], 2, "\ufffd"),
    "the beginning is missing": ([ucs2(2, BIRD[2:])], 2, "\ufffd"),
    "half a unit": ([ucs2(1, BIRD[:3])], 2, "\ufffd"),
    "a dangling escape": ([gsm(1, "a\x1b")], 2, "a "),
    "halves of two characters": ([ucs2(1, BIRD[:2]), ucs2(3, BIRD[2:])], 3, "\ufffd\ufffd"),
    "halves of two pairs": ([gsm(1, "\x1b"), gsm(3, "e")], 3, " e"),
}


@pytest.mark.parametrize(("pieces", "total", "text"), CUT.values(), ids=CUT)
def test_a_character_cut_between_two_parts(pieces, total, text):
    assert join(pieces, total).text == text
