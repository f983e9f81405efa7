"""Bodies of requests: read within a cap, of the type that the route takes, decoded strictly. What is refused here has
touched nothing.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar

import msgspec

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.edges.shared.asgi import ClientGone, Receive
from whimbrel.edges.shared.problems import invalid_body

T = TypeVar("T")

_JSON = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})


async def read_body(receive: Receive, content_length: bytes | None, limit: int) -> bytes:
    """The whole body; body_too_large before it is read, or as soon as it grows beyond `limit` octets."""
    if content_length is not None and int(content_length) > limit:
        raise _too_large(limit)
    event = await receive()
    body: bytes = event.get("body", b"")
    if event["type"] == "http.request" and not event.get("more_body") and len(body) <= limit:
        return body
    parts, size = [], 0
    while True:
        if event["type"] != "http.request":
            raise ClientGone
        part: bytes = event.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        if not event.get("more_body"):
            return b"".join(parts)
        event = await receive()


async def body_pieces(receive: Receive, content_length: bytes | None, limit: int, size: int) -> AsyncIterator[bytes]:
    """The body in pieces of `size` octets, the last one smaller; body_too_large, ClientGone."""
    if content_length is not None and int(content_length) > limit:
        raise _too_large(limit)
    held = bytearray()
    total, more = 0, True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise ClientGone
        part: bytes = event.get("body", b"")
        more = bool(event.get("more_body"))
        total += len(part)
        if total > limit:
            raise _too_large(limit)
        held += part
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)


def check_size(body: bytes, limit: int) -> None:
    """body_too_large for a body that came at once and has more than `limit` octets."""
    if len(body) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> WhimbrelError:
    return WhimbrelError("body_too_large", f"The body may have {limit:,} octets here.")


def check_json(headers: dict[bytes, bytes]) -> None:
    """unsupported_media_type unless the body is declared as plain JSON in UTF-8."""
    declared = headers.get(b"content-type", b"").lower()
    if declared not in _JSON and not _is_json(declared):
        raise WhimbrelError("unsupported_media_type", "Send `Content-Type: application/json`.")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise WhimbrelError("unsupported_media_type", "Send the body without Content-Encoding.")


def _is_json(declared: bytes) -> bool:
    media, _, parameters = declared.partition(b";")
    if media.strip() != b"application/json":
        return False
    charset = [p.strip() for p in parameters.split(b";") if p.strip().startswith(b"charset=")]
    return all(c.removeprefix(b"charset=").strip(b'"') in (b"utf-8", b"utf8") for c in charset)


class JsonBody(Generic[T]):
    """Decodes bodies of one type. Strict: no conversions, unknown and repeated members refused.

    `members` may tell how many members a decoded value certainly had. A body with no more colons than that has none
    twice, which spares hot routes a second parse."""

    def __init__(self, kind: type[T], members: Callable[[T], int] | None = None) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)
        self._members = members

    def decode(self, body: bytes) -> T:
        """The value; WhimbrelError malformed_json or invalid_request with a pointer."""
        try:
            value = self._decoder.decode(body)
            if self._members is None or body.count(b":") != self._members(value):
                _REPEATED.decode(body.decode())
        except msgspec.ValidationError as error:
            raise invalid_body(error, self._kind) from None
        except RecursionError:
            raise WhimbrelError("malformed_json", "The body is nested too deeply.") from None
        except UnicodeDecodeError:
            raise WhimbrelError("malformed_json", "The body is not UTF-8.") from None
        except msgspec.DecodeError as error:
            raise WhimbrelError("malformed_json", _lone_surrogate(body) or f"{error}.") from None
        return value


def _once(members: list[tuple[str, Any]]) -> None:
    """A member that stands twice reads differently in different parsers (RFC 8259 section 4): refused."""
    names = {name for name, _ in members}
    if len(names) == len(members):
        return
    twice = next(name for i, (name, _) in enumerate(members) if name in {n for n, _ in members[:i]})
    field = FieldError("", f"The member `{twice}` stands twice.", "repeated")
    raise WhimbrelError("malformed_json", field.detail, errors=[field])


def _lone_surrogate(body: bytes) -> str:
    """Words about half of a pair, if that is all that is wrong: it stands for no character, and parsers differ about it
    (RFC 8259 section 8.2)."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for found in _ESCAPES.finditer(body):
        if found["half"]:
            half, place = found["half"].decode(), found.start()
            return f"The escape {half} at octet {place} is half of a surrogate pair: it stands for no character."
    return ""


_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_REPEATED = json.JSONDecoder(object_pairs_hook=_once)
