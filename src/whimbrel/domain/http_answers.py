"""What a carrier over HTTP says to a request, as a verdict on its message: by its own words first, as its settings name
them, then by HTTP's status.

HTTP's statuses say less than they seem to. A 4xx speaks of the request, so the message is refused, unless the status
speaks of our account there (401, 402, 403, 404, 405, 407): then another carrier may take it. A 5xx says that something
failed, and not before or after the message was taken: it is in doubt (RFC 9110 15.6), except 503 and 429, which ask to
come back later. So it is after a 302 or 303, which may follow what was done; other redirects name another address for
the same request. A 2xx in which nothing is where the settings say, neither an id nor a word, is not the carrier's own
answer: in doubt too.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal
from urllib.parse import parse_qs

import msgspec

from whimbrel.domain.hook_paths import PathError, found
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.refusals import PERMANENT, TEMPORARY, THROTTLED, WORDS, Refusal

Kind = Literal["accepted", "throttled", "refused_now", "refused", "in_doubt"]
DOUBT: Final = "doubt"
WORDS_OF_STATUSES: Final = frozenset({*WORDS, DOUBT})
"""What `statuses` may call a status or word, beside the reasons that are final."""

ID_MAX: Final = 255  # characters of an id; providers' have 10 to 100
_WORD_MAX: Final = 200
_FORM: Final = "application/x-www-form-urlencoded"
_OK, _REDIRECTS, _REQUEST, _SERVER = 200, 300, 400, 500
_OF_OUR_ACCOUNT: Final = frozenset({401, 402, 403, 404, 405, 407})
_FORBIDDEN: Final = 403  # said of single texts too, of a sender that is not the account's say
_CARRIED_OUT: Final = frozenset({302, 303})  # RFC 9110 15.4.3, 15.4.4: the usual answers to a POST that was
_LATER: Final = frozenset({429, 503})
_DIGITS_MAX: Final = 9


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What became of one message. `status` is the carrier's own number for it where it has one, else HTTP's; `word`
    its own word, for the log. `is_ours`: nothing but HTTP's status says so, and it speaks of our account there or of
    where we ask, so that the next message will hear the same."""

    kind: Kind
    status: int
    carrier_message_id: str | None = None
    reason: str | None = None
    word: str = ""
    is_ours: bool = False


_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {"throttled": "throttled", "refused_now": "refused_now", "refused": "refused"}
)


def read_answer(settings: HttpSettings, status: int, body: bytes, content_type: str) -> Verdict:
    """The verdict in an answer."""
    data = read_body(body, content_type)
    word = scalar(settings.answer_code, data) if settings.answer_code else ""
    is_number = word.isascii() and word.isdigit() and len(word) <= _DIGITS_MAX
    number = int(word) or status if is_number else status
    is_ok = _OK <= status < _REDIRECTS
    said = None if is_ok and word and word in settings.answer_ok else _said(settings, word, status)
    if said == DOUBT:
        return Verdict("in_doubt", number, reason="carrier_error", word=word)
    if said is not None:
        return _refused(WORDS.get(said) or Refusal("refused", said), number, word)
    if not is_ok:
        return _by_status(status, number, word)
    says_so = bool(settings.answer_code and settings.answer_ok)
    if says_so and word and word not in settings.answer_ok:
        # a "no" that nobody has named: a resend of what it took would be worse than a refusal
        return _refused(PERMANENT, number, word)
    carrier_message_id = scalar(settings.answer_id, data, ID_MAX) or None
    is_its_own = bool(word) if says_so else carrier_message_id is not None or not settings.answer_id
    if not is_its_own:  # the page of a proxy, or settings that are wrong
        return Verdict("in_doubt", status, reason="carrier_error")
    return Verdict("accepted", status, carrier_message_id)


def in_words(verdict: Verdict) -> str:
    """What it said, for an operator."""
    if verdict.kind == "in_doubt" and _OK <= verdict.status < _REDIRECTS:
        return f"{verdict.status} with nothing where answer_id or answer_code says"
    return f"{verdict.status}" + (f" ({verdict.word})" if verdict.word not in ("", str(verdict.status)) else "")


def _said(settings: HttpSettings, word: str, status: int) -> str | None:
    return (settings.statuses.get(word) if word else None) or settings.statuses.get(str(status))


def _by_status(status: int, number: int, word: str) -> Verdict:
    if status in _LATER:
        return _refused(THROTTLED, number, word)
    if status >= _SERVER or status in _CARRIED_OUT:
        return Verdict("in_doubt", number, reason="carrier_error", word=word)
    if status in _OF_OUR_ACCOUNT or status < _REQUEST:
        is_ours = status != _FORBIDDEN
        return Verdict(TEMPORARY.kind, number, reason=TEMPORARY.reason, word=word, is_ours=is_ours)
    return _refused(PERMANENT, number, word)


def _refused(refusal: Refusal, number: int, word: str) -> Verdict:
    return Verdict(_KINDS[refusal.kind], number, reason=refusal.reason, word=word)


def read_body(body: bytes, content_type: str = "") -> Any:
    """What a body says: JSON whatever it is called, a form, or plain text (which the path `@` finds); None for what
    cannot be read."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        text = body.decode().strip()
        if content_type.partition(";")[0].strip().lower() == _FORM:
            form = parse_qs(text, keep_blank_values=True, max_num_fields=1000)
            return {name: values[0] if len(values) == 1 else values for name, values in form.items()}
    except ValueError:
        return None
    return text or None


def scalar(path: str, data: Any, most: int = _WORD_MAX) -> str:
    """The text, number or truth at a path, as text; empty where there is none, or one that is too long."""
    value = _at(path, data) if path else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    return text if len(text) <= most else ""


def _at(path: str, data: Any) -> Any:
    if isinstance(data, dict) and path.isascii() and path.isidentifier():
        return data.get(path)  # as JMESPath finds it too, in 20 times as long
    try:
        return found(path, data)
    except PathError:
        return None
