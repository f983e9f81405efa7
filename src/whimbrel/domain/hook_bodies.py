"""Bodies of calls as plain values: JSON, forms and XML. What is read here is hostile until its signature was looked at,
and bounded after it.
"""

import json
from typing import Any, Final
from urllib.parse import parse_qsl

from whimbrel.codec import xml_values
from whimbrel.codec.xml_values import XmlError

_DEPTH_MAX: Final = 64
_FIELDS_MAX: Final = 2_000
_JSON: Final = frozenset({"", "application/json", "text/json", "text/plain", "application/octet-stream"})
_PAYLOAD: Final = "payload"


class BodyError(ValueError):
    """A body that cannot be read, in words."""


def payload_of(content_type: str, body: bytes) -> Any:
    """The value of a body; what declares no type is JSON. BodyError."""
    media = content_type.partition(";")[0].strip().lower()
    if media == "application/x-www-form-urlencoded":
        return _form(body)
    if is_xml(content_type):
        try:
            return xml_values.values(body)
        except XmlError as error:
            raise BodyError(f"no XML that is taken here: {error}") from None
    if media in ("", "application/json", "text/json", "text/plain", "application/octet-stream") or media.endswith(
        "+json"
    ):
        return _json_of(body)
    raise BodyError(f"the content type {media[:64]!r} is neither JSON, a form nor XML")


def is_xml(content_type: str) -> bool:
    """Whether a body is read as XML."""
    media = content_type.partition(";")[0].strip().lower()
    return media in ("application/xml", "text/xml", "application/soap+xml") or media.endswith("+xml")


def _json_of(body: bytes) -> Any:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise BodyError("no JSON in UTF-8") from None
    _check_depth(value)
    return value


def _form(body: bytes) -> Any:
    """An object of texts; a name that stands twice has a list. One field `payload` that is JSON is what it holds, as
    GitHub sends it (GitHub, "Creating webhooks": content type)."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise BodyError("no form, percent-encoded in UTF-8") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        known = found.get(name)
        found[name] = value if known is None else [*known, value] if isinstance(known, list) else [known, value]
    if found.keys() == {_PAYLOAD} and str(found[_PAYLOAD]).startswith("{"):
        return _json_of(str(found[_PAYLOAD]).encode())
    return found


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEPTH_MAX):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
        ]
        if not level:
            return
    raise BodyError(f"nested deeper than {_DEPTH_MAX} levels")
