"""Refusals in Twilio's form: `{"code","message","more_info","status"}`, where `code` is Twilio's number. `details`, an
object that the SDKs hand on as it is, holds our own code, which never changes its meaning, and what to do about it.

The statuses are Twilio's too: a message that is refused is 400, whatever the catalogue says for other doors.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from whimbrel.base.errors import ErrorSpec, WhimbrelError
from whimbrel.edges.shared.asgi import JSON_TYPE, Headers

_PAGE: Final = "/docs/errors#"
_OF_THE_REQUEST: Final = frozenset({"idempotency_key_reused"})
_PLAIN: Final = frozenset({402, 422})
_REFUSED: Final = frozenset({"sender_not_allowed"})
_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/to": "To",
        "/text": "Body",
        "/sender": "From",
        "/send_at": "SendAt",
        "/validity": "ValidityPeriod",
        "/callback_url": "StatusCallback",
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


class Problem(msgspec.Struct, frozen=True, gc=False):
    """The body of every answer that is no success."""

    code: int
    message: str
    more_info: str
    status: int
    details: Details


def status_of(spec: ErrorSpec) -> int:
    """The HTTP status of a refusal at this door."""
    plain = (spec.http in _PLAIN and spec.code not in _OF_THE_REQUEST) or spec.code in _REFUSED
    return 400 if plain else spec.http


def problem_answer(error: WhimbrelError, request_id: str, base_url: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body for an error. `base_url`: where this server is found, for `more_info`."""
    spec, status = error.spec, status_of(error.spec)
    headers: Headers = [JSON_TYPE]
    if error.retry_after_s is not None:
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
        parameter=_FIELDS.get(pointer, pointer) if pointer else None,
    )
    problem = Problem(spec.twilio, error.detail, f"{base_url}{_PAGE}{spec.code}", status, details)
    return status, headers, msgspec.json.encode(problem)
