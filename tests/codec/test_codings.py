"""data_coding as a table: each group of SMPP 3.4 and TS 23.038, and the way back."""

import pytest

from whimbrel.codec import codings
from whimbrel.codec.codings import Coding, Waiting


@pytest.mark.parametrize(
    ("values", "kind", "message_class"),
    [
        ([0x00], "gsm7", None),
        ([0x01], "ascii", None),
        ([0x02, 0x04], "binary", None),
        ([0x03], "latin1", None),
        ([0x05, 0x09, 0x0A, 0x0D], "japanese", None),
        ([0x06], "cyrillic", None),
        ([0x07], "hebrew", None),
        ([0x08], "ucs2", None),
        ([0x0E], "korean", None),
        ([0x0B, 0x0C, 0x0F, *range(0x1C, 0x20), *range(0x20, 0x40), *range(0x60, 0xC0)], "unknown", ...),
        ([0x10, 0x50, 0xF0, 0xF8], "gsm7", 0),
        ([0x11, 0x51, 0xF1, 0xF9], "gsm7", 1),
        ([0x12, 0x52, 0xF2, 0xFA], "gsm7", 2),
        ([0x13, 0x53, 0xF3, 0xFB], "gsm7", 3),
        ([0x14, 0x54, 0xF4, 0xFC], "binary", 0),
        ([0x15, 0x55, 0xF5, 0xFD], "binary", 1),
        ([0x16, 0x56, 0xF6, 0xFE], "binary", 2),
        ([0x17, 0x57, 0xF7, 0xFF], "binary", 3),
        ([0x18, 0x58], "ucs2", 0),
        ([0x19, 0x59], "ucs2", 1),
        ([0x1A, 0x5A], "ucs2", 2),
        ([0x1B, 0x5B], "ucs2", 3),
        ([*range(0x40, 0x44)], "gsm7", None),
        ([*range(0x44, 0x48)], "binary", None),
        ([*range(0x48, 0x4C)], "ucs2", None),
        ([*range(0xC0, 0xE0)], "gsm7", None),
        ([*range(0xE0, 0xF0)], "ucs2", None),
    ],
)
def test_each_group(values, kind, message_class):
    for value in values:
        found = codings.of(value)
        assert found.kind == kind
        if message_class is not ...:
            assert found.message_class == message_class


def test_every_value_says_something():
    assert len({value: codings.of(value) for value in range(256)}) == 256
    assert [value for value in range(256) if codings.of(value).waiting] == list(range(0xC0, 0xF0))


@pytest.mark.parametrize(
    ("value", "kind", "waiting"),
    [
        (0xC0, "gsm7", Waiting("voicemail", active=False, stored=False)),
        (0xC8, "gsm7", Waiting("voicemail", active=True, stored=False)),
        (0xC9, "gsm7", Waiting("fax", active=True, stored=False)),
        (0xCA, "gsm7", Waiting("email", active=True, stored=False)),
        (0xCB, "gsm7", Waiting("other", active=True, stored=False)),
        (0xD8, "gsm7", Waiting("voicemail", active=True, stored=True)),
        (0xD3, "gsm7", Waiting("other", active=False, stored=True)),
        (0xE8, "ucs2", Waiting("voicemail", active=True, stored=True)),
        (0xE0, "ucs2", Waiting("voicemail", active=False, stored=True)),
    ],
)
def test_waiting_messages(value, kind, waiting):
    assert codings.of(value) == Coding(kind, None, waiting)


@pytest.mark.parametrize(
    ("kind", "form", "value"),
    [
        ("gsm7", "general", 0x10),
        ("gsm7", "class", 0xF0),
        ("ucs2", "general", 0x18),
        ("ucs2", "class", 0x18),
        ("binary", "general", 0x14),
        ("binary", "class", 0xF4),
    ],
)
def test_flash(kind, form, value):
    assert codings.flash(kind, form) == value
    assert codings.of(value) == Coding(kind, codings.FLASH)


@pytest.mark.parametrize("kind", ["gsm7", "ucs2", "binary"])
@pytest.mark.parametrize("form", ["general", "class"])
@pytest.mark.parametrize("message_class", [None, 0, 1, 2, 3])
def test_there_and_back(kind, form, message_class):
    assert codings.of(codings.data_coding(kind, message_class, form)) == Coding(kind, message_class)
