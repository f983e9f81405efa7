"""What a carrier over HTTP brings: calls with receipts, and calls with texts from phones, read by the paths of its
settings (`http_dialect`). Pure; the door is `edges/providers/`.

A call may hold one of them or a list. What of a list cannot be read is left out and told, so that it does not hold up
the others; a call of which nothing can be read is the operator's to see, for his paths are wrong or the provider's
calls are of another kind.
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from whimbrel.codec.signatures import twilio
from whimbrel.codec.smpp.tables import MessageState
from whimbrel.domain.hook_bodies import BodyError, payload_of
from whimbrel.domain.hook_paths import PathError, found
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.receipts import outcome_of
from whimbrel.domain.refusals import own_reason

WORD_MAX: Final = 200  # characters of an id, a state, an error or an address
TEXT_MAX: Final = 40_000  # characters of a text; the longest that a phone can send has 39,015 (TS 23.040 9.2.3.24.1)
MEDIA_MAX: Final = 20
_FIELDS_MAX: Final = 2_000
_NAMES_MAX: Final = 20  # that are told
_NAME_MAX: Final = 40
_FORM: Final = "application/x-www-form-urlencoded"
_SHA: Final = "bodySHA256"
_RAW: Final = re.compile(rb"[\x80-\xff]")

_T = TypeVar("_T")


class CallError(ValueError):
    """Why a call, or one of its items, cannot be read; in words without anything that stands in it but names."""


class HttpReceipt(msgspec.Struct, frozen=True, gc=False):
    """What a receipt says: the provider's id and words, the state of SMPP 3.4 5.2.28 that they mean."""

    message_id: str
    state: str
    stat: str
    error: str | None = None
    reason: str | None = None
    recipient: str = ""


class HttpText(msgspec.Struct, frozen=True, gc=False):
    """A text of a phone. `message_id` is empty where the provider gives none. `media`: URLs of what came with it, but
    for what is `kept`: ids and content types."""

    message_id: str
    source: str
    destination: str
    text: str
    media: tuple[str, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()


class Brought(msgspec.Struct, Generic[_T], frozen=True):
    """What was read of a call, and why the rest was not."""

    items: list[_T]
    problems: list[str]


_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{state.name.lower(): state.name for state in MessageState},
        "delivrd": "DELIVERED",
        "read": "DELIVERED",
        "seen": "DELIVERED",
        "undeliv": "UNDELIVERABLE",
        "undelivered": "UNDELIVERABLE",
        "not_delivered": "UNDELIVERABLE",
        "failed": "UNDELIVERABLE",
        "delivery_failed": "UNDELIVERABLE",
        "sending_failed": "UNDELIVERABLE",
        "aborted": "UNDELIVERABLE",
        "rejectd": "REJECTED",
        "blocked": "REJECTED",
        "canceled": "DELETED",
        "cancelled": "DELETED",
        "acceptd": "ACCEPTED",
        "sent": "ENROUTE",
        "sending": "ENROUTE",
        "dispatched": "ENROUTE",
        "submitted": "ENROUTE",
        "buffered": "ENROUTE",
        "pending": "ENROUTE",
        "queued": "ENROUTE",
    }
)
"""Words that providers use alike, in small letters with underscores. A word that stands in no table is UNKNOWN, which
is no end."""


def call_of(query: str, content_type: str, body: bytes) -> Any:
    """The value of a call: its body, or its query (octets as Latin-1) where it has none. CallError."""
    if not body or _is_form(content_type):
        return _fields(body or query.encode("latin-1", "replace"))
    try:
        return payload_of(content_type, body)
    except BodyError as error:
        raise CallError(f"the body is {error}") from None


def _is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == _FORM


def _fields(octets: bytes) -> dict[str, Any]:
    """An object of texts; a name that stands twice has a list. Some providers leave octets as they are that should be
    escaped, and write Latin-1: what is no UTF-8 is taken for that, for a text is not to be lost over it."""
    escaped = _RAW.sub(lambda raw: b"%%%02X" % raw[0][0], octets).decode("ascii")
    try:
        pairs = parse_qsl(escaped, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX)
    except UnicodeDecodeError:
        pairs = parse_qsl(escaped, keep_blank_values=True, encoding="latin-1", max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise CallError(f"there are more than {_FIELDS_MAX:,} fields") from None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        known = fields.get(name)
        fields[name] = value if known is None else [*known, value] if isinstance(known, list) else [known, value]
    return fields


def receipts_in(settings: HttpSettings, call: Any) -> Brought[HttpReceipt]:
    """The receipts of a call. CallError when it has no list of them where there must be one."""
    states = _states_of(settings)
    return _each(settings.receipt_items, call, lambda item: _receipt(settings, states, item))


def texts_in(settings: HttpSettings, call: Any) -> Brought[HttpText]:
    """The texts of a call. CallError when it has no list of them where there must be one."""
    return _each(settings.inbound_items, call, lambda item: _text(settings, item))


def word_of(value: Any) -> str:
    """An id or another word as text: numbers are written as they stand; nothing, and what is no word, is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def is_signed_by_twilio(token: str, signature: str, urls: Sequence[str], content_type: str, body: bytes) -> bool:
    """Whether X-Twilio-Signature is that of the call: over its URL (of those that it may have been called by) and the
    fields of a form; of any other body over the URL alone, whose `bodySHA256` tells the body (Twilio, "Webhooks
    security")."""
    form: list[tuple[str, str]] = []
    if _is_form(content_type):
        try:
            form = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX)
        except ValueError:
            return False
    elif body:
        digest = sha256(body).hexdigest()
        urls = [url for url in urls if hmac.compare_digest(dict(parse_qsl(urlsplit(url).query)).get(_SHA, ""), digest)]
    is_his = False
    for url in urls:
        is_his |= hmac.compare_digest(twilio(token, url, form).encode(), signature.encode("utf-8", "surrogateescape"))
    return is_his


def _states_of(settings: HttpSettings) -> Mapping[str, str]:
    return {**_STATES, **{_plain(word): state for word, state in settings.receipt_states.items()}}


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def _each(path: str, call: Any, read: Callable[[Any], _T]) -> Brought[_T]:
    items = [call]
    if path:
        listed = _found(path, call)
        items = listed if isinstance(listed, list) else [listed]
        if listed is None:
            raise CallError(f"there is no list where the settings say{_names(call)}")
    read_items: list[_T] = []
    problems: list[str] = []
    for item in items:
        try:
            read_items.append(read(item))
        except CallError as error:
            problems.append(f"{error}{_names(item)}")
    return Brought(read_items, problems)


def _names(value: Any) -> str:
    """What there is to find: operators set paths by it, and the values are nobody's to log."""
    if not isinstance(value, dict):
        return ""
    names = [str(name)[:_NAME_MAX] for name in list(value)[:_NAMES_MAX] if str(name).isprintable()]
    return f"; there are {', '.join(names)}" if names else "; it is empty"


def _receipt(settings: HttpSettings, states: Mapping[str, str], item: Any) -> HttpReceipt:
    message_id = _needed(settings.receipt_id, item, "receipt_id")
    stat = _needed(settings.receipt_state, item, "receipt_state")
    state = states.get(_plain(stat), "UNKNOWN")
    error = _told(settings.receipt_error, item)[:WORD_MAX] or None
    recipient = "".join(re.findall("[0-9]+", _beside(settings.receipt_to, item)))
    # a provider's numbers are its own: nothing is guessed of them, as it is of errors over SMPP
    reason = own_reason(error, settings.receipt_errors) or outcome_of(state, None).reason
    return HttpReceipt(message_id, state, stat, error, reason, recipient)


def _text(settings: HttpSettings, item: Any) -> HttpText:
    source = _needed(settings.inbound_from, item, "inbound_from")
    destination = _needed(settings.inbound_to, item, "inbound_to")
    media = _media(settings, item)
    text = _found(settings.inbound_text, item)
    if not isinstance(text, str | int) and not media:
        raise CallError("inbound_text finds no text")
    words = word_of(text) if not isinstance(text, str) else text.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL
    if len(words) > TEXT_MAX:
        raise CallError(f"the text has more than {TEXT_MAX:,} characters")
    return HttpText(_beside(settings.inbound_id, item), source, destination, words, media)


def _media(settings: HttpSettings, item: Any) -> tuple[str, ...]:
    listed = _found(settings.inbound_media, item) if settings.inbound_media else None
    every = listed if isinstance(listed, list) else [listed]
    return tuple([url for url in map(word_of, every) if url][:MEDIA_MAX])


def _told(path: str, item: Any) -> str:
    """What is told beside the rest, on one line; a path that fails must not cost the rest."""
    try:
        words = word_of(_found(path, item)) if path else ""
    except CallError:
        return ""
    return "".join([each if each.isprintable() else " " for each in words])


def _beside(path: str, item: Any) -> str:
    """The same of a word, of which a part means something else."""
    word = _told(path, item)
    return word if len(word) <= WORD_MAX else ""


def _needed(path: str, item: Any, name: str) -> str:
    word = _word(path, item, name)
    if not word:
        raise CallError(f"{name} finds nothing")
    return word


def _word(path: str, item: Any, name: str) -> str:
    word = word_of(_found(path, item)) if path else ""
    if len(word) > WORD_MAX or not word.isprintable():
        raise CallError(f"{name} finds what is too long, or no word")
    return word


def _found(path: str, item: Any) -> Any:
    if isinstance(item, dict) and path.isascii() and path.isidentifier():
        return item.get(path)  # as JMESPath finds it too, in 20 times as long
    try:
        return found(path, item)
    except PathError as error:
        raise CallError(f"a path {error}") from None
