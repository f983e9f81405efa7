"""Media, as rules: what a medium is, and of which type its octets are. What a header or a name says of them is never
believed: the type is read from the octets, only types of this table are kept, and none of them can run in a browser.

A file may be valid as several types at once. Here it is of the one that its beginning says, it is given out under that
name alone and with `nosniff`, and neither HTML nor SVG nor a script is among them; so what else it may be read as does
not matter.
"""

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, Literal

import msgspec

Source = Literal["upload", "url", "message"]
"""By itself, from whoever asked or from a URL: then it is the account's, to be sent again. Or a message brought it by
its URL, and it goes with the last message that has it."""
TARGET: Final = "media:"
"""How the target of a short link begins that shows media; their ids follow, with a comma between them."""
_NAME_MAX: Final = 100
_NOT_IN_NAMES = re.compile(r"[^\w .()+-]+")
_BRANDS_3GP: Final = (b"3gp", b"3g2")
_BRANDS_MP4: Final = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"MSNV")
_BRANDS_M4A: Final = (b"M4A ", b"M4B ")


class Medium(msgspec.Struct, frozen=True, gc=False):
    """A file of an account, without its octets. Column order of the `media` table. An account has equal
    octets once."""

    id: str
    account_id: str
    test: bool
    name: str
    content_type: str
    size: int
    sha256: str
    source: Source
    created_at: int
    expires_at: int  # moves on with each message that it is sent in


class MediaUse(msgspec.Struct, frozen=True, gc=False):
    """A medium of a message. The first four are the columns of the `message_media` table."""

    message_id: str
    place: int
    media_id: str
    account_id: str
    until: int  # it is kept at least so long


def _is_text(start: bytes) -> Callable[[bytes], bool]:
    """Text in UTF-8 that begins with this line, whatever the case of its letters."""

    def test(octets: bytes) -> bool:
        body = octets.removeprefix(b"\xef\xbb\xbf")
        if body[: len(start)].upper() != start or body[len(start) : len(start) + 1] not in (b"\r", b"\n"):
            return False
        try:
            return "\0" not in body.decode()
        except UnicodeDecodeError:
            return False

    return test


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda octets: octets.startswith(starts)


def _has(start: bytes, place: int, further: bytes) -> Callable[[bytes], bool]:
    return lambda octets: octets.startswith(start) and octets[place:].startswith(further)


def _is_brand(*brands: bytes) -> Callable[[bytes], bool]:
    """A file of ISO 14496-12 4.3: its first box is `ftyp`, and names this brand."""
    return lambda octets: octets[4:8] == b"ftyp" and octets[:2] == b"\0\0" and octets[8:12].startswith(brands)


def _is_mp3(octets: bytes) -> bool:
    """A tag, or the head of a frame of layer III: the sync word, and no reserved version, rate or frequency."""
    if octets.startswith(b"ID3"):
        return octets[3:4] in (b"\x02", b"\x03", b"\x04")
    if len(octets) < 4 or octets[0] != 0xFF or octets[1] & 0xE6 != 0xE2:
        return False
    return octets[1] & 0x18 != 0x08 and octets[2] & 0xF0 not in (0x00, 0xF0) and octets[2] & 0x0C != 0x0C


class Kind(msgspec.Struct, frozen=True):
    """A type that is kept. `shown`: how a page shows it; what is not shown is a download."""

    ending: str
    shown: Literal["image", "video", "audio", ""]
    test: Callable[[bytes], bool]


KINDS: Final = MappingProxyType(
    {
        "image/jpeg": Kind("jpg", "image", _begins(b"\xff\xd8\xff")),
        "image/png": Kind("png", "image", _has(b"\x89PNG\r\n\x1a\n", 12, b"IHDR")),
        "image/gif": Kind("gif", "image", _begins(b"GIF87a", b"GIF89a")),
        "image/webp": Kind("webp", "image", _has(b"RIFF", 8, b"WEBP")),
        "video/3gpp": Kind("3gp", "video", _is_brand(*_BRANDS_3GP)),
        "video/mp4": Kind("mp4", "video", _is_brand(*_BRANDS_MP4)),
        "audio/mp4": Kind("m4a", "audio", _is_brand(*_BRANDS_M4A)),
        "audio/amr": Kind("amr", "audio", _begins(b"#!AMR\n", b"#!AMR-WB\n")),
        "audio/ogg": Kind("ogg", "audio", _begins(b"OggS\0")),
        "audio/mpeg": Kind("mp3", "audio", _is_mp3),
        "application/pdf": Kind("pdf", "", _begins(b"%PDF-")),
        "text/vcard": Kind("vcf", "", _is_text(b"BEGIN:VCARD")),
        "text/calendar": Kind("ics", "", _is_text(b"BEGIN:VCALENDAR")),
    }
)  # fmt: skip
"""Types by name, in the order in which they are tried."""


def type_of(octets: bytes) -> str | None:
    """The type of a file by its octets; None: none that is kept."""
    return next((name for name, kind in KINDS.items() if kind.test(octets)), None)


def kind_of(content_type: str) -> Kind:
    """The row of a type that is kept."""
    return KINDS[content_type]


def name_of(given: str, content_type: str) -> str:
    """A name for people, without a path and with the ending of its type: it may go into a header as it is."""
    last = re.split(r"[/\\]", given)[-1]
    ending = KINDS[content_type].ending
    plain = _NOT_IN_NAMES.sub("_", last.encode("ascii", "replace").decode().replace("?", "_")).strip(" ._")
    stem = plain.rpartition(".")[0] if "." in plain else plain
    return f"{stem[:_NAME_MAX] or 'media'}.{ending}"


def target_of(media_ids: tuple[str, ...]) -> str:
    """The target of a link that shows these."""
    return TARGET + ",".join(media_ids)


def ids_of(target: str) -> tuple[str, ...]:
    """What a link with this target shows; empty for one that leads elsewhere."""
    return tuple(target.removeprefix(TARGET).split(",")) if target.startswith(TARGET) else ()
