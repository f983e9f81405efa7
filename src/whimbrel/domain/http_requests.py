"""The request that brings one message to a carrier over HTTP: made once of the carrier's settings, and filled in for
each message.

A text of the settings may hold placeholders, `{to}`; `{name:number}` writes a JSON number, `{{` and `}}` are braces.
What nobody but the operator has a say in (`{username}`, `{password}`) is filled in once. Everything else is escaped for
the place where it stands: percent-encoded in a URL and a form, as a JSON string in JSON; in a header nothing is, so
what could end one is refused.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlsplit

import msgspec

from whimbrel.domain.http_dialect import HttpSettings, Method

PLACEHOLDERS: Final = frozenset(
    {
        "callback",
        "encoding",
        "from",
        "from_digits",
        "media",
        "password",
        "reference",
        "text",
        "to",
        "to_digits",
        "username",
        "validity_s",
    }
)
"""What may stand in braces."""

_FIXED: Final = frozenset({"username", "password"})
_MARK: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}").fullmatch
_PLACE: Final = re.compile(r"https?://[^/?#]+[/?#]").match  # scheme and host, up to what may hold a message's values
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]").search
_OMITTED: Final = object()
_UNESCAPED: Final = "-._~"  # RFC 3986 2.3


class TemplateError(ValueError):
    """Settings that make no request; `setting` is the name of the one, `detail` in words."""

    def __init__(self, setting: str, detail: str) -> None:
        super().__init__(f"{setting}: {detail}")
        self.setting = setting
        self.detail = detail


class Unrenderable(ValueError):
    """A message that this carrier cannot be given; `reason` is a code of the catalogue."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Values(msgspec.Struct, frozen=True, gc=False):
    """What is filled in of one message."""

    to: str  # E.164 with plus
    sender: str  # as the account wrote it
    text: str
    reference: str  # one for each attempt; the same when its request is made again
    callback: str = ""  # where its receipts are to go; empty: the node has no public address
    validity_s: int = 0
    encoding: str = "gsm7"  # what it takes on the air: gsm7, ucs2
    media: tuple[str, ...] = ()  # URLs


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request to make. `body` is None for GET."""

    method: Method
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class _Slot(msgspec.Struct, frozen=True, gc=False):
    """A place to fill in."""

    name: str
    is_number: bool


_Pieces = tuple[str | _Slot, ...]


class Template:
    """The requests of one carrier. TemplateError when its settings make none."""

    def __init__(self, settings: HttpSettings, password: str) -> None:
        self._method = settings.method
        self._encoding = settings.encoding
        self._encodings = settings.encodings
        self._fixed = {"username": settings.username, "password": password}
        self.names = frozenset(_names([settings.url, *settings.headers.values(), settings.fields]))
        """The placeholders that it uses."""
        if settings.method == "GET" and settings.encoding != "query":
            raise TemplateError("encoding", "must be query for GET, which has no body")
        self._url = self._compiled_url(settings.url)
        place = _PLACE(str(self._url[0]))
        self.place = place[0] if place is not None else f"{self._url[0]}/"
        """Scheme and host."""
        self.host = _netloc(self.place)
        self._headers = {
            name: self._line(f"headers/{name}", text) for name, text in self._given_headers(settings).items()
        }
        self._fields = {
            name: self._node(f"fields/{name}", value, is_flat=settings.encoding != "json")
            for name, value in settings.fields.items()
        }

    def request(self, values: Values) -> Request:
        """The request that brings one message. Unrenderable: there is none."""
        filled = _filled(values)
        filled["encoding"] = self._encodings.get(values.encoding, values.encoding)
        try:
            fields = _rendered(self._fields, filled, values.media)
            url, body = _text(self._url, filled, _quoted), None
            if self._encoding == "query":
                url = _with_query(url, fields)
                body = None if self._method == "GET" else b""
            elif self._encoding == "form":
                body = "&".join([f"{quote_plus(k)}={quote_plus(v)}" for k, v in _pairs(fields)]).encode()
            else:
                body = msgspec.json.encode(fields)
        except UnicodeEncodeError:
            raise Unrenderable("carrier_rejected", "the text holds what is no character") from None
        headers = {name: _header(name, pieces, filled) for name, pieces in self._headers.items()}
        return Request(self._method, url, headers, body)

    def _given_headers(self, settings: HttpSettings) -> dict[str, str]:
        """The operator's, and what he need not write."""
        own = {name.lower() for name in settings.headers}
        given: dict[str, str] = {}
        if settings.encoding != "query" and "content-type" not in own:
            is_form = settings.encoding == "form"
            given["Content-Type"] = "application/x-www-form-urlencoded" if is_form else "application/json"
        if "accept" not in own:
            given["Accept"] = "application/json, */*;q=0.5"
        if settings.auth != "none" and "authorization" not in own:
            given["Authorization"] = _braced(self._authorization(settings))
        return given | settings.headers

    def _authorization(self, settings: HttpSettings) -> str:
        if settings.auth == "bearer":
            return f"Bearer {self._fixed['password']}"
        pair = f"{settings.username}:{self._fixed['password']}"  # RFC 7617 2, with its charset UTF-8
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _compiled_url(self, url: str) -> _Pieces:
        pieces = self._pieces("url", url, _quoted)
        if not pieces:
            raise TemplateError("url", "is missing")
        if "#" in url:
            raise TemplateError("url", "must not have a fragment")
        if any(isinstance(piece, _Slot) for piece in pieces) and not _PLACE(str(pieces[0])):
            raise TemplateError("url", "must name its host without what is of a message")
        return pieces

    def _line(self, setting: str, text: str) -> _Pieces:
        pieces = self._pieces(setting, text, str)
        if any(isinstance(piece, str) and _CONTROL(piece) for piece in pieces):
            raise TemplateError(setting, "holds a control character")
        return pieces

    def _pieces(self, setting: str, text: str, escaped: Any) -> _Pieces:
        """A text with what is fixed filled in; neighbouring texts are one."""
        found: list[str | _Slot] = []
        for piece in _parsed(setting, text):
            told = escaped(self._fixed[piece.name]) if isinstance(piece, _Slot) and piece.name in _FIXED else piece
            if isinstance(told, _Slot) and (told.is_number or told.name == "media"):
                raise TemplateError(setting, f"{{{told.name}}} must stand alone in a field")
            if isinstance(told, str) and found and isinstance(found[-1], str):
                found[-1] += told
            else:
                found.append(told)
        return tuple(found)

    def _node(self, setting: str, value: Any, *, is_flat: bool) -> Any:
        """A field's value, ready to be filled in: a constant, pieces, a slot, or a dict or list of these."""
        if isinstance(value, str):
            return self._leaf(setting, value)
        if not isinstance(value, dict | list):
            return value
        if is_flat and (isinstance(value, dict) or any(isinstance(each, dict | list) for each in value)):
            raise TemplateError(setting, "must be a text, a number, true, false, or a list of these outside JSON")
        if isinstance(value, dict):
            return {key: self._node(f"{setting}/{key}", each, is_flat=is_flat) for key, each in value.items()}
        return [self._node(f"{setting}/{place}", each, is_flat=is_flat) for place, each in enumerate(value)]

    def _leaf(self, setting: str, text: str) -> Any:
        parsed = _parsed(setting, text)
        slot = parsed[0] if len(parsed) == 1 else None
        if not isinstance(slot, _Slot):
            return self._pieces(setting, text, str)
        if slot.name not in _FIXED:
            return slot
        return _scalar(slot, self._fixed[slot.name])


def _netloc(place: str) -> str:
    try:
        return urlsplit(place).netloc
    except ValueError:
        raise TemplateError("url", "cannot be read") from None


def _parsed(setting: str, text: str) -> list[str | _Slot]:
    """Texts and slots in turn."""
    found: list[str | _Slot] = []
    end = 0
    for mark in _MARK.finditer(text):
        if mark.start() > end:
            found.append(text[end : mark.start()])
        end = mark.end()
        if mark[1] is None:
            if len(mark[0]) == 1:
                raise TemplateError(setting, f"a single {mark[0]} must be doubled")
            found.append(mark[0][0])
            continue
        name, colon, kind = mark[1].partition(":")
        if name not in PLACEHOLDERS:
            raise TemplateError(setting, f"{{{mark[1]}}} is no placeholder")
        if colon and (kind != "number" or name == "media"):
            raise TemplateError(setting, f"{{{mark[1]}}} is no placeholder: only :number may follow a name")
        found.append(_Slot(name, bool(colon)))
    if end < len(text):
        found.append(text[end:])
    return found


def _names(values: Any) -> Iterator[str]:
    """Names of placeholders in texts, however deep."""
    if isinstance(values, str):
        yield from [mark[1].partition(":")[0] for mark in _MARK.finditer(values) if mark[1]]
    elif isinstance(values, dict | list):
        for value in values.values() if isinstance(values, dict) else values:
            yield from _names(value)


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _filled(values: Values) -> dict[str, str]:
    return {
        "to": values.to,
        "to_digits": values.to.removeprefix("+"),
        "from": values.sender,
        "from_digits": values.sender.removeprefix("+"),
        "text": values.text,
        "reference": values.reference,
        "callback": values.callback,
        "validity_s": str(values.validity_s) if values.validity_s > 0 else "",
    }


def _rendered(node: Any, filled: Mapping[str, str], media: Sequence[str]) -> Any:
    if isinstance(node, dict):
        members = {key: _rendered(each, filled, media) for key, each in node.items()}
        return {key: value for key, value in members.items() if value is not _OMITTED}
    if isinstance(node, list):
        return [value for value in [_rendered(each, filled, media) for each in node] if value is not _OMITTED]
    if isinstance(node, tuple):
        return _text(node, filled, str)
    if not isinstance(node, _Slot):
        return node
    if node.name == "media":
        return list(media) if media else _OMITTED
    return _scalar(node, filled[node.name])


def _scalar(slot: _Slot, value: str) -> Any:
    if not value:
        return _OMITTED
    if not slot.is_number:
        return value
    if not _NUMBER(value):
        reason = "invalid_source" if slot.name.startswith("from") else "carrier_rejected"
        raise Unrenderable(reason, f"{slot.name} is no number")
    return int(value)


def _text(pieces: _Pieces, filled: Mapping[str, str], escaped: Any) -> str:
    return "".join([piece if isinstance(piece, str) else escaped(filled[piece.name]) for piece in pieces])


def _quoted(value: str) -> str:
    return quote(value, safe=_UNESCAPED)


def _header(name: str, pieces: _Pieces, filled: Mapping[str, str]) -> str:
    text = _text(pieces, filled, str)
    if _CONTROL(text):
        raise Unrenderable("carrier_rejected", f"a control character cannot stand in the header {name}")
    return text


def _pairs(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of a form: a list repeats its name; null is left out."""
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                yield name, each
            elif each is not None:
                yield name, msgspec.json.encode(each).decode()


def _with_query(url: str, fields: Mapping[str, Any]) -> str:
    query = "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in _pairs(fields)])
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{query}"
