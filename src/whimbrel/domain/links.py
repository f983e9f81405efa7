"""Short links, as rules: which addresses in a text are made short, what a code is, where a link leads and until when.

A code is all that protects a link, so it is drawn by chance: eight characters of 58 are 46 bits. Letters and digits
that people mix up (0 O I l) are left out, and each of the others is one septet of GSM-7.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import msgspec

from whimbrel.base.limits import LINK_CODE_MAX, LINK_CODE_MIN, LINK_TARGET_MAX

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
Privacy = Literal["none", "coarse", "full"]
Repeats = Literal["first", "every"]
Kind = Literal["person", "previewer", "bot"]
Utm = Literal["source", "medium", "campaign", "term", "content"]
CLICKED: Final = "link.clicked"
CONVERTED: Final = "link.converted"
_MARK: Final = "{url="
_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_MARKED = re.compile(r"\{url=([^{}]*)\}")
_BOTH = re.compile(rf"{_MARKED.pattern}|({_ADDRESS.pattern})", re.IGNORECASE)
_CODE = re.compile(rf"[{ALPHABET}]{{{LINK_CODE_MIN},{LINK_CODE_MAX}}}")
_TRAILING: Final = ".,;:!?'»”’…"
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}
_PATH_SAFE: Final = "/:@!$&'()*+,;=~%-._"
_QUERY_SAFE: Final = f"{_PATH_SAFE}?[]"


class BadTarget(ValueError):
    """It cannot be the target of a link; the message says why."""


class LinkUse(msgspec.Struct, frozen=True, gc=False):
    """What a message asks for: every address made short, or only those that stand in `{url=…}`. The group (a campaign)
    and the variant are what its clicks are counted for."""

    every: bool = True
    text: bool = True  # False: only media, which the message has, get one
    group_id: str = ""
    variant: str = ""


EVERY: Final = LinkUse()
MARKED: Final = LinkUse(every=False)
FOR_MEDIA: Final = LinkUse(every=False, text=False)


class NewLink(msgspec.Struct, frozen=True, gc=False):
    """A link of a text that is being accepted."""

    code: str
    target: str
    base: str


class Link(msgspec.Struct, frozen=True, gc=False):
    """A short link. Column order of the `links` table."""

    id: str
    code: str
    account_id: str
    test: bool
    message_id: str | None  # the message whose text it stands in
    target: str
    base: str  # what stands before the code
    name: str
    group_id: str
    variant: str
    created_at: int
    expires_at: int | None
    people: int = 0  # clicks by people
    bots: int = 0  # the others
    conversions: int = 0
    first_click_at: int | None = None  # by a person
    last_click_at: int | None = None
    seq: int = 0  # number of its newest event, where it has no message

    @property
    def url(self) -> str:
        """The short address."""
        return f"{self.base}/{self.code}"


class Click(msgspec.Struct, frozen=True, gc=False):
    """One request for a link. Column order of the `link_clicks` table."""

    id: str
    link_id: str
    account_id: str
    test: bool
    kind: Kind
    reason: str  # why it is not taken for a person's
    agent: str
    country: str
    ip: str
    first: bool  # the first by a person
    at: int


class Conversion(msgspec.Struct, frozen=True, gc=False):
    """What somebody did after a click. Column order of the `link_conversions` table."""

    link_id: str
    name: str
    reference: str  # one of them counts once
    account_id: str
    test: bool
    click_id: str
    value_micros: int | None
    currency: str
    at: int


class Figures(msgspec.Struct, frozen=True, gc=False):
    """What links of a group brought. Column order of the `link_figures` table."""

    account_id: str
    test: bool
    group_id: str
    variant: str
    recipients: int  # messages of which a person opened a link
    people: int
    bots: int
    conversions: int


class LinkSettings(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What an account wants of its links."""

    base_url: str = ""  # of its own domain; empty: the installation's
    privacy: Privacy = "coarse"
    repeats: Repeats = "first"
    expires_days: int | None = None  # None: the installation's
    click_parameter: str = ""  # the name under which the target is given the click's id; empty: it is not
    utm: dict[Utm, str] = {}


class Span(msgspec.Struct, frozen=True, gc=False):
    """A place of a text that is replaced by a short link."""

    start: int
    end: int
    target: str


def marks(text: str) -> bool:
    """Whether something in it asks to be made short by itself."""
    return _MARK in text


def wished(text: str | None, *, every: bool) -> LinkUse | None:
    """What a text asks for that is written before it is filled in; of a template's own marks whoever fills it knows."""
    if every:
        return EVERY
    return MARKED if text is not None and marks(text) else None


def find(text: str, *, every: bool) -> list[Span]:
    """The addresses to make short, in order. A full stop or bracket after an address is the sentence's."""
    if not every:
        return [Span(found.start(), found.end(), found[1].strip()) for found in _MARKED.finditer(text)]
    spans = []
    for found in _BOTH.finditer(text):
        if found[1] is not None:
            spans.append(Span(found.start(), found.end(), found[1].strip()))
            continue
        address = _without_sentence(found[2])
        spans.append(Span(found.start(), found.start() + len(address), address))
    return spans


def _without_sentence(address: str) -> str:
    while address:
        last = address[-1]
        opening = _BRACKETS.get(last)
        if last not in _TRAILING and (opening is None or address.count(opening) >= address.count(last)):
            break
        address = address[:-1]
    return address


def replaced(text: str, spans: Sequence[Span], urls: Iterable[str]) -> str:
    """The text with these addresses in the places."""
    parts, done = [], 0
    for span, url in zip(spans, urls, strict=True):
        parts += [text[done : span.start], url]
        done = span.end
    return "".join([*parts, text[done:]])


def target_of(address: str) -> str:
    """The address as a target: http or https, in ASCII. Raises BadTarget."""
    if not address or len(address) > LINK_TARGET_MAX:
        raise BadTarget(f"An address has 1 to {LINK_TARGET_MAX:,} characters.")
    if any(char.isspace() or not char.isprintable() for char in address):
        raise BadTarget("An address has no spaces and no control characters.")
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise BadTarget("It is not a valid address.") from None
    if parts.scheme not in ("http", "https"):
        raise BadTarget("Only addresses that begin with http:// or https:// can be made short.")
    if not host or "\\" in parts.netloc:
        raise BadTarget("The address names no host.")
    if parts.username is not None or parts.password is not None:
        raise BadTarget("An address with a user name in it looks like another host than it leads to.")
    place = f"{_host(host)}:{port}" if port is not None else _host(host)
    path = quote(parts.path, safe=_PATH_SAFE)
    query, fragment = quote(parts.query, safe=_QUERY_SAFE), quote(parts.fragment, safe=_QUERY_SAFE)
    made = urlunsplit((parts.scheme, place, path, query, fragment))
    if len(made) > LINK_TARGET_MAX:
        raise BadTarget(f"An address has 1 to {LINK_TARGET_MAX:,} characters.")
    return made


def _host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    try:
        return host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        raise BadTarget("The host is not a valid name.") from None


def with_parameters(target: str, pairs: Mapping[str, str]) -> str:
    """The target with those parameters added that its query does not have."""
    if not pairs:
        return target
    parts = urlsplit(target)
    known = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode({name: value for name, value in pairs.items() if name not in known})
    query = "&".join(part for part in (parts.query, added) if part)
    return urlunsplit(parts._replace(query=query))


def utm_of(settings: LinkSettings) -> dict[str, str]:
    """The parameters that an account's targets are given."""
    return {f"utm_{name}": value for name, value in settings.utm.items()}


def code_of(octets: bytes, length: int) -> str:
    """A code of random octets: one octet for each character, and some to spare, so that all codes are alike."""
    number, chars = int.from_bytes(octets, "big"), []
    for _ in range(length):
        number, place = divmod(number, len(ALPHABET))
        chars.append(ALPHABET[place])
    return "".join(chars)


def is_code(text: str) -> bool:
    """Whether it is shaped like a code."""
    return _CODE.fullmatch(text) is not None


def is_gone(link: Link, now: int) -> bool:
    """Whether it leads nowhere any more."""
    return link.expires_at is not None and link.expires_at <= now
