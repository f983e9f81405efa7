"""Octets of a mail (RFC 5322, MIME) to what the mailbox door asks of them. Header fields are looked at as they came,
and decoded afterwards; parts that are not the text are counted and no more.
"""

import codecs
import email
import hashlib
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message as Part
from email.policy import compat32
from typing import Final, Literal

import msgspec

from whimbrel.domain.mail_addresses import only_address
from whimbrel.domain.mail_text import from_html, unflowed

Automatic = Literal["", "machine", "reply"]
"""Empty: a person wrote it. Else a machine on its own, or one that answers, which must never be answered."""

OUR_FIELD: Final = "X-Whimbrel-Mailbox"
_MULTIPARTS_MAX: Final = 50
_HEADER_MAX: Final = 64 * 1024
_TEXT_MAX: Final = 512 * 1024  # octets of the part that holds the text; what is said stands in front
_SUBJECT_MAX: Final = 500
_REFERENCES_MAX: Final = 10
_ID: Final = re.compile(r"<[^<>\s]{1,500}>")
_SPACE: Final = re.compile(r"\s+")
_WORD_END: Final = re.compile(r"[\s;(]")
_STRANGE: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
"""Charsets that no mail is written in and that cost time, or say what they do not seem to."""
_MACHINE: Final = frozenset({"bulk", "junk", "list"})
_REPLIES: Final = ("X-Autoreply", "X-Autorespond")


class Unreadable(ValueError):
    """What is wrong with a mail, in words."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail says. `sender` is the address of its From field, `reply_to` where answers are wanted; `results` are
    its Authentication-Results fields as they came, the newest first; `name` is its Message-ID, or made of what it says
    where it has none."""

    sender: str
    reply_to: str
    subject: str
    name: str
    message_id: str
    references: tuple[str, ...]
    automatic: Automatic
    results: tuple[str, ...]
    body: str
    attachments: int


def read(octets: bytes) -> Mail:
    """The mail. Raises Unreadable."""
    end = octets.find(b"\r\n\r\n")
    if max(end, 0 if end >= 0 else len(octets)) > _HEADER_MAX:
        raise Unreadable("its header fields are too large")
    small = octets.lower()
    if small.count(b"multipart/") + small.count(b"message/") > _MULTIPARTS_MAX:
        raise Unreadable("it has too many parts")
    try:
        message = email.message_from_bytes(octets, policy=compat32)
    except RecursionError:
        raise Unreadable("its parts stand within each other") from None
    fields = _Fields(message)
    sender = _sender(fields)
    body, attachments = _body(message)
    subject = _words(fields.one("Subject"))[:_SUBJECT_MAX]
    ids = _ID.findall(fields.one("Message-ID"))
    return Mail(
        sender=sender,
        reply_to=_reply_to(fields, sender),
        subject=subject,
        name=ids[0] if ids else _made_name(sender, fields.one("Date"), subject, body),
        message_id=ids[0] if ids else "",
        references=tuple(_ID.findall(fields.one("References"))[-_REFERENCES_MAX:]),
        automatic=_automatic(fields),
        results=tuple(fields.all("Authentication-Results")),
        body=body,
        attachments=attachments,
    )


class _Fields:
    """Header fields as they came, unfolded."""

    def __init__(self, message: Part) -> None:
        self._all: dict[str, list[str]] = {}
        for name, value in message.raw_items():
            text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            self._all.setdefault(name.lower(), []).append(_SPACE.sub(" ", text).strip())

    def all(self, name: str) -> list[str]:
        return self._all.get(name.lower(), [])

    def one(self, name: str) -> str:
        """The first; empty where there is none."""
        return next(iter(self.all(name)), "")


def _sender(fields: _Fields) -> str:
    if len(fields.all("From")) != 1:
        raise Unreadable("it must have one From field (RFC 5322 3.6)")
    address = only_address(fields.one("From"))
    if address is None:
        raise Unreadable("its From field must hold one address")
    return address


def _reply_to(fields: _Fields, sender: str) -> str:
    return only_address(fields.one("Reply-To")) or sender


def _automatic(fields: _Fields) -> Automatic:
    """RFC 3834 5: what answers by itself says so; older programs say it by Precedence or in words of their own."""
    submitted = _WORD_END.split(fields.one("Auto-Submitted"), maxsplit=1)[0].lower()
    if fields.all(OUR_FIELD) or submitted in ("auto-replied", "auto-notified"):
        return "reply"
    if any(fields.all(name) for name in _REPLIES) or fields.one("Precedence").lower() == "auto_reply":
        return "reply"
    if fields.one("Content-Type").lower().startswith("multipart/report"):
        return "reply"
    is_machine = submitted not in ("", "no") or fields.one("Precedence").lower() in _MACHINE or fields.all("List-Id")
    return "machine" if is_machine else ""


def _words(field: str) -> str:
    """Encoded words decoded (RFC 2047)."""
    try:
        return " ".join(str(make_header(decode_header(field))).split())
    except (LookupError, ValueError):
        return field


def _made_name(*parts: str) -> str:
    """Relays add fields when they try again, so only what the writer said counts."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _body(message: Part) -> tuple[str, int]:
    """The text, and how many parts beside it were left out."""
    leaves = list(_leaves(message))
    plain = next((leaf for leaf in leaves if _is_text(leaf, "plain")), None)
    page = next((leaf for leaf in leaves if _is_text(leaf, "html")), None)
    attachments = sum(not _is_text(leaf, "plain") and not _is_text(leaf, "html") for leaf in leaves)
    if plain is not None:
        text = _decoded(plain)
        if str(plain.get_param("format", "")).lower() == "flowed":
            text = unflowed(text, del_sp=str(plain.get_param("delsp", "")).lower() == "yes")
        if text.strip() or page is None:
            return text, attachments
    return (from_html(_decoded(page)) if page is not None else ""), attachments


def _leaves(message: Part) -> Iterator[Part]:
    """Parts that hold something, in order; what a forwarded mail holds is part of that."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        payload = part.get_payload()
        if isinstance(payload, list) and part.get_content_maintype() == "multipart":
            waiting += [each for each in reversed(payload) if isinstance(each, Part)]
        else:
            yield part


def _is_text(part: Part, kind: str) -> bool:
    is_attached = part.get_content_disposition() == "attachment" or part.get_filename() is not None
    return part.get_content_type() == f"text/{kind}" and not is_attached


def _decoded(part: Part) -> str:
    payload = part.get_payload(decode=True)
    octets = payload[:_TEXT_MAX] if isinstance(payload, bytes) else b""
    for charset in (_charset(part), "utf-8"):
        try:
            return octets.decode(charset)
        except UnicodeDecodeError as error:
            if error.end >= len(octets) - 4 and len(octets) == _TEXT_MAX:  # cut within a character
                return octets.decode(charset, "ignore")
    return octets.decode("cp1252", "replace")


def _charset(part: Part) -> str:
    """The name of a charset that can be decoded; UTF-8 in place of what is none."""
    try:
        found = codecs.lookup(str(part.get_content_charset("utf-8")))
        "".encode(found.name)
    except (LookupError, ValueError, UnicodeError):
        return "utf-8"
    return "utf-8" if found.name.replace("_", "-") in _STRANGE else found.name
