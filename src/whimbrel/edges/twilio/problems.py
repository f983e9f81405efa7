"""Refusals in Twilio's form: `{"code","message","more_info","status"}`, where `code` is Twilio's number. `details`, an
object that the SDKs hand on as it is, holds our own code, which never changes its meaning, and what to do about it.

The statuses are Twilio's too: a message that is refused is 400, whatever the catalogue says for other doors. Verify
has a number of its own for what is wrong with a parameter.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from whimbrel.base.errors import ErrorSpec, WhimbrelError
from whimbrel.edges.shared.asgi import JSON_TYPE, Headers

_PAGE: Final = "/docs/errors#"
_OF_THE_REQUEST: Final = frozenset({"idempotency_key_reused"})
_PLAIN: Final = frozenset({402, 422})
_STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "sender_not_allowed": 400,
        "pool_busy": 400,
        "link_gone": 404,
        "too_many_pools": 400,
        "verify_custom_code_refused": 403,
        "verify_not_pending": 404,
        "verify_limit_exists": 400,
        "verify_too_many_limits": 400,
        "verify_too_many_buckets": 400,
        "verify_factor_unverified": 403,
        "verify_challenge_ended": 403,
        "too_many_factors": 400,
    }
)
"""Where Twilio's status is neither that of the catalogue nor 400 for what cannot be done."""
_OF_VERIFY: Final = re.compile("/v2/(?:Services|Attempts|Templates|SafeList|Forms)(?:/|$)").match
_NUMBERS_OF_VERIFY: Final[Mapping[str, int]] = MappingProxyType(
    {
        "invalid_request": 60200,
        "invalid_parameter": 60200,
        "invalid_number": 60200,
        "invalid_callback_url": 60200,
        "webhook_url_refused": 60200,
        "not_supported": 60204,
    }
)
_UNTOLD: Final = "verify_"
"""How codes begin that are answered without `Retry-After`: the HTTP client of Java's SDK waits up to half a minute by
itself where it stands, and sends the request again. Nobody has asked for a second text then."""
_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/to": "To",
        "/text": "Body",
        "/sender": "From",
        "/send_at": "SendAt",
        "/validity": "ValidityPeriod",
        "/callback_url": "StatusCallback",
        "/template": "ContentSid",
        "/variables": "ContentVariables",
    }
)
"""What accept calls the fields of a draft, and what they are called here."""


class Details(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the SDKs hand on as `details`: the row of our catalogue, and where to look."""

    code: str
    permanent: bool
    fault: str
    advice: str
    request_id: str
    parameter: str | None = None
    retry_after_s: int | None = None


class Problem(msgspec.Struct, frozen=True, gc=False):
    """The body of every answer that is no success."""

    code: int
    message: str
    more_info: str
    status: int
    details: Details


def status_of(spec: ErrorSpec) -> int:
    """The HTTP status of a refusal at this door."""
    plain = spec.http in _PLAIN and spec.code not in _OF_THE_REQUEST
    return _STATUSES.get(spec.code, 400 if plain else spec.http)


def number_of(spec: ErrorSpec, path: str) -> int:
    """Twilio's number for a refusal on this path."""
    return _NUMBERS_OF_VERIFY.get(spec.code, spec.twilio) if _OF_VERIFY(path) else spec.twilio


def problem_answer(error: WhimbrelError, request_id: str, base_url: str, path: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body for an error. `base_url`: where this server is found, for `more_info`; `path`: what was
    asked for."""
    spec, status = error.spec, status_of(error.spec)
    headers: Headers = [JSON_TYPE]
    if error.retry_after_s is not None and not spec.code.startswith(_UNTOLD):
        headers.append((b"retry-after", b"%d" % error.retry_after_s))
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="whimbrel"'))
    pointer = error.errors[0].pointer if error.errors else None
    details = Details(
        code=spec.code,
        permanent=spec.permanent,
        fault=spec.fault,
        advice=spec.advice,
        request_id=request_id,
        parameter=_parameter(pointer) if pointer else None,
        retry_after_s=error.retry_after_s,
    )
    detail = error.detail
    if spec.code == "not_found" and detail == spec.title:
        detail = f"The requested resource {path[:200]} was not found."
    problem = Problem(number_of(spec, path), detail, f"{base_url}{_PAGE}{spec.code}", status, details)
    return status, headers, msgspec.json.encode(problem)


def _parameter(pointer: str) -> str:
    """What a field is called here; a member of one by the field."""
    return _FIELDS.get(pointer) or _FIELDS.get("/" + pointer[1:].partition("/")[0], pointer)
