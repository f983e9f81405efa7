"""What the pages of Verify share: values of a form, and who may change things."""

import re
from typing import Any, Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.twilio.forms import Form, one, parse, read, wrong
from whimbrel.edges.twilio.routes import Request
from whimbrel.manage.scopes import allows

_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII).fullmatch
_BOOLEANS: Final = {"true": True, "false": False}
_READS_NUMBERS: Final = "messages:read"


async def form_of(request: Request) -> Form:
    """The form that was sent."""
    return parse(await read(request))


def text(form: Form, name: str) -> str | None:
    """A field; None where it is empty or absent, which means the same to the SDKs."""
    return one(form, name) or None


def needed(form: Form, name: str) -> str:
    """A field that has to be there."""
    value = one(form, name)
    if not value:
        raise wrong(name, f"Missing required parameter {name}.")
    return value


def whole(form: Form, name: str) -> int | None:
    """A whole number."""
    value = one(form, name)
    if not value:
        return None
    if not _WHOLE(value):
        raise wrong(name, f"Invalid parameter `{name}`: is no whole number.")
    return int(value)


def flag(form: Form, name: str) -> bool | None:
    """`true` or `false`."""
    value = one(form, name)
    if not value:
        return None
    if value.lower() not in _BOOLEANS:
        raise wrong(name, f"Invalid parameter `{name}`: is neither true nor false.")
    return _BOOLEANS[value.lower()]


def strings(form: Form, name: str) -> dict[str, str] | None:
    """A JSON object whose values are strings or numbers, as a dictionary of strings."""
    value = one(form, name)
    if not value:
        return None
    detail = f"Invalid parameter `{name}`: is no JSON object of strings."
    try:
        found: Any = msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise wrong(name, detail) from None
    if not isinstance(found, dict) or not all(isinstance(each, str | int | float) for each in found.values()):
        raise wrong(name, detail)
    return {key: each if isinstance(each, str) else str(each) for key, each in found.items()}


def check_live(request: Request) -> None:
    """`test_mode`: services and limits are of both modes, so a test key leaves them as they are."""
    if request.test:
        raise WhimbrelError("test_mode")


def sees_numbers(request: Request) -> bool:
    """Whether whoever asks may read whole numbers; others see them masked."""
    return allows(request.principal.scopes, _READS_NUMBERS)
