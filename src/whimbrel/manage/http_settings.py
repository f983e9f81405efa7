"""What the settings of a carrier over HTTP may be, and how they come about: those of `carrier_settings` for the other
kind of carriers. Everything that is wrong is told at once, each with a pointer.

A template is judged by making a request of it, as each message will, and its URL as that of any request of ours: but it
may lead anywhere, also into a private network, because an operator wrote it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from whimbrel.base.limits import URL_MAX
from whimbrel.carriers.http import OPERATORS_REACH
from whimbrel.domain import refusals
from whimbrel.domain.hook_paths import PathError, compiled
from whimbrel.domain.http_answers import WORDS_OF_STATUSES
from whimbrel.domain.http_dialect import PATHS, HttpSettings
from whimbrel.domain.http_profiles import HTTP_PROFILES
from whimbrel.domain.http_requests import Template, TemplateError, Unrenderable, Values
from whimbrel.manage.carrier_settings import (
    ENTRIES_MAX,
    check_profile,
    check_receipt_words,
    check_shared,
    check_table,
    over_profile,
    pointer_to,
)
from whimbrel.manage.checks import Checks, converted

USERNAME_MAX = 256
PASSWORD_MAX = 2_048  # some providers' tokens are signed documents
FIELDS_MAX: Final = 16_384  # octets of JSON
DEPTH_MAX: Final = 8
NEEDED_PATHS: Final = ("receipt_id", "receipt_state", "inbound_from", "inbound_to", "inbound_text")

_RANGES: Final[dict[str, tuple[float, float]]] = {
    "window": (1, 1_000),
    "throughput_per_s": (0, 100_000),
    "response_timeout_s": (0.1, 120),
    "reconnect_min_s": (0.05, 3600),
    "reconnect_max_s": (0.05, 3600),
    "callback_version": (1, 1_000_000),
}
_TABLES: Final = ("headers", "encodings", "statuses", "receipt_states", "receipt_errors")
_MERGED: Final = ("fields", "headers")
_ENCODINGS: Final = frozenset({"gsm7", "ucs2"})
_OURS: Final = frozenset({"host", "content-length", "connection", "transfer-encoding", "upgrade", "te", "expect"})
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}").fullmatch  # RFC 9110 5.1
_SAMPLE: Final = Values(
    to="+447700900123",
    sender="+447700900456",
    text="Hello",
    reference="0",
    callback="https://example.com/",
    validity_s=3600,
    media=("https://example.com/",),
)


def settled(given: Mapping[str, Any], stored: Mapping[str, Any] | None = None) -> HttpSettings:
    """`given` over the values of the profile that it names, over what is stored; `invalid_request` where a name is
    unknown, a value has the wrong type, or something is missing that the profile cannot know. Beside a profile,
    `fields` and `headers` are put into its own by name; otherwise they take the place of those that are stored."""
    checks = Checks()
    for name in given:
        known = name in HttpSettings.__struct_fields__
        checks.require(known, f"/settings/{name}", "is no setting of a carrier over HTTP")
    for name in _TABLES:
        check_table(checks, name, given.get(name))
    _check_fields(checks, given.get("fields"))
    check_profile(checks, given, HTTP_PROFILES)
    checks.done()
    profile = HTTP_PROFILES.get(given.get("profile", ""))
    values = over_profile(given, stored, HTTP_PROFILES)
    for name in _MERGED:
        if profile is not None and isinstance(given.get(name), Mapping):
            values[name] = {**profile.settings.get(name, {}), **given[name]}
    for name in dict.fromkeys((*(profile.needs if profile else ()), "url")):
        _need(checks, values, name)
    checks.done()
    return converted(values, HttpSettings)


def _need(checks: Checks, values: Mapping[str, Any], name: str) -> None:
    setting, _, field = name.partition(".")
    if setting == "password":  # no setting: `check` asks for it
        return
    value = values.get(setting, "")
    is_there = isinstance(value, Mapping) and field in value if field else value != ""
    pointer = pointer_to(setting, field) if field else f"/settings/{setting}"
    checks.require(is_there, pointer, "is missing")


def _check_fields(checks: Checks, fields: Any) -> None:
    if not isinstance(fields, Mapping):
        return
    checks.require(len(fields) <= ENTRIES_MAX, "/settings/fields", f"must have at most {ENTRIES_MAX} entries")
    size, depth = len(msgspec.json.encode(fields)), _depth(fields)
    checks.require(size <= FIELDS_MAX, "/settings/fields", f"must be at most {FIELDS_MAX} octets of JSON")
    checks.require(depth <= DEPTH_MAX, "/settings/fields", f"must be at most {DEPTH_MAX} levels deep")


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def check(checks: Checks, settings: HttpSettings, password: str | None) -> None:
    """Note everything that cannot be. `password`: the one that comes with it; None: there is one already."""
    for field, (low, high) in _RANGES.items():
        checks.require(low <= getattr(settings, field) <= high, f"/settings/{field}", f"must be {low} to {high}")
    check_shared(checks, settings)
    check_receipt_words(checks, settings)
    _check_request(checks, settings, password)
    _check_answers(checks, settings)
    for name in PATHS:
        _check_path(checks, name, getattr(settings, name))


def _check_path(checks: Checks, name: str, path: str) -> None:
    checks.require(bool(path) or name not in NEEDED_PATHS, f"/settings/{name}", "must not be empty")
    if path:
        try:
            compiled(path)
        except PathError as error:
            checks.require(False, f"/settings/{name}", str(error))


def _check_request(checks: Checks, settings: HttpSettings, password: str | None) -> None:
    """The request that these settings make of a message."""
    checks.text(settings.username, "/settings/username", longest=USERNAME_MAX, empty=True)
    fits = password is None or (len(password) <= PASSWORD_MAX and password.isascii() and _is_printable(password))
    checks.require(fits, "/password", f"must be at most {PASSWORD_MAX} printable ASCII characters")
    has_both = bool(settings.tls_cert_file) == bool(settings.tls_key_file)
    checks.require(has_both, "/settings/tls_key_file", "goes together with tls_cert_file")
    checks.require(len(settings.url) <= URL_MAX, "/settings/url", f"must have at most {URL_MAX} characters")
    for name in settings.headers:
        holds = _HEADER(name) is not None and name.lower() not in _OURS
        checks.require(holds, pointer_to("headers", name), "is no header that can be set")
    for name in settings.encodings:
        checks.require(name in _ENCODINGS, pointer_to("encodings", name), "must be gsm7 or ucs2")
    try:
        template = Template(settings, password or "x")
        url = template.request(_SAMPLE).url
    except TemplateError as error:
        setting, _, entry = error.setting.partition("/")
        checks.require(False, pointer_to(setting, entry) if entry else f"/settings/{setting}", error.detail)
    except Unrenderable as error:
        checks.require(False, "/settings/fields", f"make no request: {error}")
    else:
        problem = OPERATORS_REACH.url_problem(url)
        checks.require(problem is None, "/settings/url", problem.detail if problem else "")
        _check_used(checks, settings, template.names, password)


def _is_printable(text: str) -> bool:
    return not text or text.isprintable()


def _check_used(checks: Checks, settings: HttpSettings, names: frozenset[str], password: str | None) -> None:
    """Whether the request says what it has to."""
    has_number = bool(names & {"to", "to_digits"})
    checks.require(has_number, "/settings/fields", "must hold {to} or {to_digits}: whom the text is for")
    checks.require("text" in names, "/settings/fields", "must hold {text}")
    checks.require("media" in names or not settings.media, "/settings/media", "needs {media} in the fields")
    needs_name = "username" in names or settings.auth == "basic"
    checks.require(bool(settings.username) or not needs_name, "/settings/username", "is missing: the request holds it")
    needs_password = "password" in names or settings.auth != "none" or settings.check == "twilio"
    checks.require(password != "" or not needs_password, "/password", "is missing: the settings use it")


def _check_answers(checks: Checks, settings: HttpSettings) -> None:
    is_read = bool(settings.answer_code) or not settings.answer_ok
    checks.require(is_read, "/settings/answer_ok", "needs answer_code, the path of the word")
    checks.require(len(settings.answer_ok) <= ENTRIES_MAX, "/settings/answer_ok", f"must be at most {ENTRIES_MAX}")
    meanings = sorted({*WORDS_OF_STATUSES, *refusals.FINAL_REASONS})
    for word, meaning in settings.statuses.items():
        checks.require(meaning in meanings, pointer_to("statuses", word), f"must be one of {', '.join(meanings)}")
        said = f"{word} stands in answer_ok too"
        checks.require(word not in settings.answer_ok, pointer_to("statuses", word), said)
