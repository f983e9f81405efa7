"""Refusals as problem details (RFC 9457), rendered from the catalogue; and what msgspec says about a body in words of
the catalogue, with JSON pointers (RFC 6901).
"""

import re
from typing import Any

import msgspec

from whimbrel.base.errors import CATALOGUE, FieldError, WhimbrelError
from whimbrel.edges.shared.asgi import PROBLEM_TYPE, Headers
from whimbrel.manage.checks import in_words
from whimbrel.manage.choices import choice

TYPE_PREFIX = "/docs/errors#"

_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_MEMBER = re.compile(r"(?P<kind>unknown|missing required) field `(?P<name>[^`]*)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


class FieldProblem(msgspec.Struct, frozen=True, gc=False):
    """What is wrong with one field: a JSON pointer into the body, or the name of a parameter."""

    pointer: str
    detail: str
    code: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Problem details (RFC 9457): `type` leads to the words about `code`, which is stable; `advice` is what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    advice: str = ""
    errors: tuple[FieldProblem, ...] = ()
    request_id: str = ""


def problem_of(error: WhimbrelError, request_id: str = "") -> Problem:
    """The error as problem details."""
    spec = error.spec
    return Problem(
        type=TYPE_PREFIX + spec.code,
        title=spec.title,
        status=spec.http,
        detail=error.detail,
        code=spec.code,
        advice=spec.advice,
        errors=tuple(FieldProblem(field.pointer, field.detail, field.code) for field in error.errors),
        request_id=request_id,
    )


def problem_body(code: str) -> tuple[int, bytes]:
    """Status and body of a code without particulars, for places where no application runs."""
    return CATALOGUE[code].http, msgspec.json.encode(problem_of(WhimbrelError(code)))


def problem_answer(error: WhimbrelError, request_id: str = "") -> tuple[int, Headers, bytes]:
    """Status, headers and body for an error."""
    headers: Headers = [PROBLEM_TYPE]
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after_s))
    if error.spec.http == 401:
        headers.append((b"www-authenticate", b'Bearer realm="whimbrel", Basic realm="whimbrel"'))
    return error.spec.http, headers, msgspec.json.encode(problem_of(error, request_id))


def invalid_body(error: msgspec.ValidationError, kind: Any) -> WhimbrelError:
    """A body that is JSON and not what the route takes (a value of `kind`), with a pointer to the field."""
    field = _field_error(str(error), kind)
    return WhimbrelError("invalid_request", field.detail, errors=[field])


def invalid_query(error: msgspec.ValidationError, kind: Any) -> WhimbrelError:
    """A query parameter that is unknown or has a bad value, with its name."""
    field = _field_error(str(error), kind)
    field = FieldError(field.pointer.lstrip("/"), field.detail.replace("field", "parameter"), field.code)
    return WhimbrelError("invalid_parameter", field.detail, errors=[field])


def _field_error(words: str, kind: Any) -> FieldError:
    """msgspec says "what - at `$.messages[1].to`"; of unknown and missing members it names the parent only."""
    found = _PLACE.match(words)
    assert found is not None
    what, path = found["what"], found["path"] or "$"
    pointer = _pointer(path)
    member = _MEMBER.search(what)
    if member is None:
        said = choice(kind, pointer) if what.startswith("Invalid enum value") else in_words(what)
        name = f"`{pointer.rpartition('/')[2]}`" if pointer else "The body"
        return FieldError(pointer, _sentence(said if said is what else f"{name} {said}"), "invalid")
    pointer += "/" + _escape(member["name"])
    if member["kind"] == "unknown":
        return FieldError(pointer, f"The field `{member['name']}` is unknown.", "unknown")
    return FieldError(pointer, f"The field `{member['name']}` is missing.", "missing")


def _pointer(path: str) -> str:
    """`$.messages[1].to` -> `/messages/1/to`; keys of free-form objects stand as `[...]` and end the pointer."""
    steps = _STEP.findall(path.partition("[...]")[0])
    return "".join("/" + _escape(name or index) for name, index in steps)


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _sentence(what: str) -> str:
    return what if what.endswith(".") else what + "."
