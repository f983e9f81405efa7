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
    return {number: Piece(number, text, "gsm7", at) for number, text in pieces}


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
    assert placed(stored(*waiting), Piece(number, text, "gsm7", at), 3) == verdict


def test_join_orders_and_tells_the_wider_encoding():
    pieces = [Piece(2, "б", "ucs2", 5), Piece(1, "a", "gsm7", 9)]
    assert join(pieces, 2) == Joined("aб", "ucs2", 2, partial=False)


def test_join_of_some_is_partial():
    assert join([Piece(3, "c", "gsm7", 0), Piece(1, "a", "gsm7", 0)], 3) == Joined("ac", "gsm7", 2, partial=True)
