"""Forms (application/x-www-form-urlencoded), read within a cap and decoded strictly. By hand, because the library's
parser costs three times as much and every message comes through here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote_to_bytes

from whimbrel.base import limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.edges.shared.bodies import read_body
from whimbrel.edges.twilio.routes import Request

FIELDS_MAX = 100  # Twilio's longest form has thirty
_MEDIA_TYPE = b"application/x-www-form-urlencoded"
_UTF_8 = frozenset({b"", b"charset=utf-8", b'charset="utf-8"', b"charset=utf8"})

Form = dict[str, list[str]]
"""Values by name, in the order in which they came; a name may stand several times (`MediaUrl`)."""


async def read(request: Request) -> bytes:
    """The octets of a form; unsupported_media_type, body_too_large."""
    declared = request.headers.get(b"content-type", b"")
    if declared != _MEDIA_TYPE and not _is_form(declared.lower()):
        raise WhimbrelError("unsupported_media_type", f"Send `Content-Type: {_MEDIA_TYPE.decode()}` in UTF-8.")
    if request.headers.get(b"content-encoding", b"identity") != b"identity":
        raise WhimbrelError("unsupported_media_type", "Send the body without Content-Encoding.")
    return await read_body(request.receive, request.headers.get(b"content-length"), limits.BODY_MAX)


def _is_form(declared: bytes) -> bool:
    media, _, parameter = declared.partition(b";")
    return media.strip() == _MEDIA_TYPE and parameter.strip() in _UTF_8


def parse(octets: bytes) -> Form:
    """The fields; malformed_form when they are no UTF-8 or too many."""
    form: Form = {}
    if not octets:
        return form
    try:
        pairs = octets.split(b"&", FIELDS_MAX)
        for pair in pairs:
            name, _, value = pair.partition(b"=")
            form.setdefault(_decoded(name), []).append(_decoded(value))
    except UnicodeDecodeError:
        raise WhimbrelError("malformed_form", "The form is not percent-encoded UTF-8.") from None
    if len(pairs) > FIELDS_MAX:
        raise WhimbrelError("malformed_form", f"The form has more than {FIELDS_MAX} fields.")
    return form


def _decoded(octets: bytes) -> str:
    if b"+" in octets:
        octets = octets.replace(b"+", b" ")
    return (unquote_to_bytes(octets) if b"%" in octets else octets).decode()


def one(form: Form, name: str) -> str:
    """The value of a field, empty when it is absent; invalid_request when it stands twice."""
    values = form.get(name)
    if values is None:
        return ""
    if len(values) > 1:
        raise wrong(name, f"The parameter '{name}' stands twice.")
    return values[0]


def wrong(name: str, detail: str) -> WhimbrelError:
    """The refusal of one field."""
    return WhimbrelError("invalid_request", detail, errors=[FieldError(name, detail)])


@contextmanager
def named(names: Mapping[str, str]) -> Iterator[None]:
    """What is refused within names the parameters of the form, not the fields of the product. A pointer with a member
    after it (`/rate_keys/address`) is known by what stands before."""
    try:
        yield
    except WhimbrelError as error:
        if not error.errors:
            raise
        told = [FieldError(_name(names, each.pointer), each.detail, each.code) for each in error.errors]
        detail = f"Invalid parameter `{told[0].pointer}`: {told[0].detail}."
        raise WhimbrelError(error.code, detail, errors=told, retry_after_s=error.retry_after_s) from None


def _name(names: Mapping[str, str], pointer: str) -> str:
    return names.get(pointer) or names.get(pointer.rpartition("/")[0], pointer)
