"""Checks of input that several nouns share. A `Checks` collects everything that is wrong, so that a caller reads all
of it at once; nothing is written before `done`.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import phonenumbers

from whimbrel.base import limits, money
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.manage.choices import choice
from whimbrel.manage.context import Context

S = TypeVar("S", bound=msgspec.Struct)

MAX_PREFIX = 15  # ITU-T E.164: a number has at most fifteen digits
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)
_CURRENCY = re.compile(r"[A-Z]{3}").fullmatch  # ISO 4217
_PREFIX = re.compile(rf"[0-9]{{0,{MAX_PREFIX}}}").fullmatch
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}").fullmatch


_EXPECTED = re.compile(r"Expected `(?P<kind>\w+)(?: \| null)?`(?P<more>.*)", re.DOTALL).fullmatch
_KINDS = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
    "datetime": "a moment of RFC 3339",
}


def in_words(said: str) -> str:
    """What msgspec says of a value, in JSON's words and not in Python's: "Expected `int | null`, got `str`" is "must be
    a whole number", "Expected `int` <= 10" is "must be a whole number <= 10"."""
    if said == "Invalid RFC3339 encoded datetime":
        return "must be a moment of RFC 3339"
    found = _EXPECTED(said)
    if found is None:
        return said
    more = "" if found["more"].startswith(", got") else found["more"].replace("timezone component", "time zone")
    return f"must be {_KINDS.get(found['kind'], found['kind'])}{more}"


class Checks:
    """What is wrong with a request so far."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    def require(self, holds: bool, pointer: str, detail: str) -> None:
        """Note an error at `pointer` unless `holds`."""
        if not holds:
            self._errors.append(FieldError(pointer, detail))

    def done(self) -> None:
        """`invalid_request` with every error noted; the first in its `detail`."""
        if self._errors:
            first = self._errors[0]
            detail = f"`{first.pointer.removeprefix('/')}` {first.detail}."
            raise WhimbrelError("invalid_request", detail, errors=self._errors)

    def text(self, value: str, pointer: str, *, longest: int = limits.NAME_MAX, empty: bool = False) -> None:
        """A name or note: printable, not too long."""
        if not value:
            self.require(empty, pointer, "must not be empty")
        self.require(len(value) <= longest, pointer, f"must have at most {longest} characters")
        self.require(value.isprintable(), pointer, "must not hold control characters")

    def language(self, value: str, pointer: str) -> None:
        """A language tag."""
        self.require(is_language(value), pointer, "must be such as `de`")

    def currency(self, value: str, pointer: str) -> None:
        """An ISO 4217 code."""
        self.require(bool(_CURRENCY(value)), pointer, "must be three capital letters, such as USD (ISO 4217)")

    def prefix(self, value: str, pointer: str) -> None:
        """The first digits of numbers, without plus."""
        self.require(bool(_PREFIX(value)), pointer, f"must be up to {MAX_PREFIX} digits without plus")

    def country(self, value: str, pointer: str) -> None:
        """An ISO 3166 code of a country with phone numbers."""
        self.require(value in COUNTRIES, pointer, "must be a country's two capital letters, such as GB (ISO 3166)")

    def amount(self, value: str, pointer: str, *, positive: bool = False) -> int:
        """Micros of a decimal string, not negative; 0 when it is wrong, which is noted."""
        try:
            micros = money.from_text(value)
        except ValueError as error:
            self.require(False, pointer, f'{error}; write it as a string such as "0.0075"')
            return 0
        self.require(
            micros > 0 or (micros == 0 and not positive),
            pointer,
            "must be more than 0" if positive else "must not be negative",
        )
        return micros


def is_language(text: str) -> bool:
    """Whether it is a language tag of BCP 47, as far as form says."""
    return _LANGUAGE(text) is not None


def merged(kept: str, given: Mapping[str, Any], kind: type[S], what: str) -> S:
    """Settings that are kept as JSON, with the given ones put in; `invalid_request` when one is unknown or of the
    wrong type. `what` they are settings of, in words."""
    checks = Checks()
    for name in given:
        checks.require(name in kind.__struct_fields__, f"/settings/{name}", f"is no setting of {what}")
    checks.done()
    return converted(msgspec.json.decode(kept) | dict(given), kind)


def converted(values: Mapping[str, Any], kind: type[S]) -> S:
    """The settings that these values are; `invalid_request` when one has the wrong type."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$.")
        checks = Checks()
        pointer = "/" + path.rstrip("`]").replace("[", "/")
        said = choice(kind, pointer) if detail.startswith("Invalid enum value") else in_words(detail)
        checks.require(False, "/settings" + pointer, said)
        checks.done()
        raise


def check_url(ctx: Context, url: str, pointer: str) -> None:
    """A URL that we shall call: `webhook_url_refused` when it may not be. Its name is resolved at each call, and each
    answer vetted then."""
    found = ctx.reach.url_problem(url)
    detail = found.detail if found else f"must have at most {limits.URL_MAX} characters"
    if found is not None or len(url) > limits.URL_MAX:
        raise WhimbrelError("webhook_url_refused", detail, errors=[FieldError(pointer, detail)])
