"""What a file is by its octets, what it may be called, and how it is found in a form."""

import pytest

from whimbrel.domain.media import KINDS, MediaUse, ids_of, name_of, target_of, type_of
from whimbrel.edges.shared.multipart import file_in
from whimbrel.store.verbs import media as verbs

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)
FILES = [
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\0", "image/jpeg"),
    (PNG, "image/png"),
    (b"GIF89a\x01\0\x01\0\0\0\0\0\0", "image/gif"),
    (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
    (b"\0\0\0\x18ftyp3gp4\0\0\0\0", "video/3gpp"),
    (b"\0\0\0\x18ftypisom\0\0\x02\0", "video/mp4"),
    (b"\0\0\0\x18ftypM4A \0\0\0\0", "audio/mp4"),
    (b"#!AMR\n<", "audio/amr"),
    (b"OggS\0\x02\0\0", "audio/ogg"),
    (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
    (b"\xff\xfb\x90\x64\0\0", "audio/mpeg"),
    (b"%PDF-1.7\n", "application/pdf"),
    (b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nEND:VCARD\r\n", "text/vcard"),
    (b"\xef\xbb\xbfbegin:vcard\nFN:\xc3\x84nn\nend:vcard\n", "text/vcard"),
    (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "text/calendar"),
]
REFUSED = [
    b"",
    b"hello",
    b"<!doctype html><script>alert(1)</script>",
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    b"<?xml version='1.0'?><svg/>",
    b"\x89PNG\r\n\x1a\n<script>",  # the start of a picture, and no picture
    b"RIFF\x24\0\0\0WAVEfmt ",
    b"\xff\xff\xff\xff",  # the sync word of layer I, and reserved bits
    b"\xff\xfb\xf0\x64",
    b"BEGIN:VCARDS\r\n",
    b"BEGIN:VCARD\r\n\xff\xfe",  # not UTF-8
    b"BEGIN:VCARD\r\n\0",
    b"MZ\x90\0",
    b"PK\x03\x04",
    b"\0\0\0\x18ftypheic\0\0\0\0",
    b" %PDF-1.7",
    b"\x1f\x8b\x08\0" + bytes(10),
]
POLYGLOTS = [
    (b"GIF89a/*" + bytes(8) + b"*/=1;alert(1)", "image/gif"),
    (b"%PDF-1.4\n<html><script>alert(1)</script>", "application/pdf"),
    (b"\xff\xd8\xff\xe0<script>alert(1)</script>", "image/jpeg"),
    (PNG + b"PK\x03\x04", "image/png"),
]


@pytest.mark.parametrize(("octets", "expected"), [*FILES, *POLYGLOTS])
def test_a_file_is_what_its_beginning_says(octets: bytes, expected: str) -> None:
    assert type_of(octets) == expected


def test_every_type_has_a_file_here() -> None:
    assert {expected for _, expected in FILES} == set(KINDS)


@pytest.mark.parametrize("octets", REFUSED)
def test_what_is_not_taken(octets: bytes) -> None:
    assert type_of(octets) is None


def test_nothing_that_is_kept_can_run_in_a_browser() -> None:
    assert not [name for name in KINDS if "html" in name or "svg" in name or "xml" in name or "script" in name]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("cat.png", "cat.png"),
        ("cat.html", "cat.png"),
        ("../../etc/passwd", "passwd.png"),
        ("C:\\Users\\ann\\cat.jpeg", "cat.png"),
        ('a"; filename="b.html', "a_ filename_b.png"),
        ("a\r\nSet-Cookie: x=1", "a_Set-Cookie_ x_1.png"),
        ("Ölbild", "lbild.png"),
        ("", "media.png"),
        ("...", "media.png"),
        ("x" * 300, "x" * 100 + ".png"),
    ],
)
def test_names_are_safe_in_a_header(given: str, expected: str) -> None:
    assert name_of(given, "image/png") == expected


def test_targets_of_links_that_show_media() -> None:
    assert ids_of(target_of(("ME1", "ME2"))) == ("ME1", "ME2")
    assert ids_of("https://media.example/media:1") == ()


def test_a_form_is_cut_at_its_borders_alone() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a \\" b"\r\nX: y\r\n\r\n1\r\n--\r\n2\r\n--b--\r\n'
    )
    assert file_in(body, b'multipart/form-data; boundary="b"') == (b"1\r\n--\r\n2", 'a \\" b')


def test_who_holds_media_is_told_which_messages_have_none() -> None:
    uses = [
        MediaUse("SM1", 0, "ME1", "AC1", 5),
        MediaUse("SM2", 0, "ME2", "AC1", 9),
        MediaUse("SM2", 1, "ME1", "AC1", 9),
    ]
    script = verbs.hold(uses)
    assert next(script).params == (["ME1", "ME2"],)
    with pytest.raises(StopIteration) as ended:
        script.send([("ME1", 10**18)])
    assert ended.value.value == frozenset({"SM2"})
