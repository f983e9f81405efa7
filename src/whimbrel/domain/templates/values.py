"""Values of variables: from what a message gives, JSON, to what filters work on; and how each is told without any.

A value is read by its variable's type and held to its limits. Characters that no phone shows are taken out of texts,
and nothing that is filled in is ever read as a part of the template.
"""

import datetime
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from whimbrel.base.limits import TEMPLATE_VALUE_DEFAULT, URL_MAX
from whimbrel.domain.numbers import Number, normalise
from whimbrel.domain.templates.document import Variable, VariableType

_ZONE_MAX: Final = 64  # characters; the longest name has half of them
DIGITS_MAX: Final = 30  # of a number: more is an attack and no amount
_CURRENCY = re.compile(r"[A-Z]{3}").fullmatch  # ISO 4217
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?").fullmatch
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*").fullmatch
_AMOUNT = re.compile(r"(?P<amount>[+-]?[0-9]+(?:\.[0-9]+)?)(?: (?P<currency>[A-Z]{3}))?").fullmatch
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]{5,15}([Zz]|[+-][0-9]{2}:[0-9]{2})").fullmatch
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?").fullmatch
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]").fullmatch
_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
# Controls, halves of surrogate pairs, marks that turn the direction of what follows, byte order marks: nothing of what
# somebody types in as a name.
_HIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount of a currency (ISO 4217)."""

    amount: Decimal
    currency: str


Value: TypeAlias = str | int | Decimal | Money | datetime.datetime | datetime.date | datetime.time | Number


class BadValue(ValueError):
    """A value that its variable cannot take; the words say what it must be."""


def read(variable: Variable, given: Any) -> Value:
    """The value; `BadValue`."""
    return _READERS[variable.type](variable, given)


def clean(text: str, *, lines: bool) -> str:
    """A text without what no phone shows; line breaks become spaces unless they are to stay."""
    if text.isprintable():
        return text
    text = _BREAKS.sub("\n" if lines else " ", text).replace("\t", " ")
    return _HIDDEN.sub("", text)


def zone_of(name: str) -> ZoneInfo | None:
    """A time zone of the IANA database, or None when it has no such zone."""
    return _zone_of(name) if len(name) <= _ZONE_MAX else None


@lru_cache(maxsize=256)
def _zone_of(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _text(variable: Variable, given: Any) -> str:
    """Also whole numbers, because many an order's name is one."""
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str):
        raise BadValue("must be a text")
    return _within(variable, clean(given, lines=variable.lines).strip())


def _within(variable: Variable, text: str) -> str:
    longest = variable.max_length or TEMPLATE_VALUE_DEFAULT
    if len(text) > longest:
        raise BadValue(f"must have at most {longest:,} characters")
    return text


def _code(variable: Variable, given: Any) -> str:
    text = _text(variable, given)
    if not _CODE(text):
        raise BadValue("must be letters, digits and dashes")
    return text


def _decimal(given: Any) -> Decimal:
    """Without exponents, infinities and the like: what people write."""
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        raise BadValue("must be a number, or one written as a text")
    text = given.strip() if isinstance(given, str) else format(Decimal(str(given)), "f")
    if not _NUMBER(text) or len(text) > DIGITS_MAX:
        raise BadValue(f"must be a number of at most {DIGITS_MAX} digits, with a point before decimals")
    return Decimal(text)


def bound(value: str | int | None) -> Decimal | None:
    """A limit of a variable as a number; `BadValue`."""
    return None if value is None else _decimal(value)


def _bounded(variable: Variable, value: Decimal) -> Decimal:
    least, greatest = bound(variable.min), bound(variable.max)
    if least is not None and value < least:
        raise BadValue(f"must be at least {least}")
    if greatest is not None and value > greatest:
        raise BadValue(f"must be at most {greatest}")
    return value


def _number(variable: Variable, given: Any) -> Decimal:
    return _bounded(variable, _decimal(given))


def _integer(variable: Variable, given: Any) -> int:
    value = _number(variable, given)
    if value != value.to_integral_value():
        raise BadValue("must be a whole number")
    return int(value)


def _money(variable: Variable, given: Any) -> Money:
    """`{"amount": "12.50", "currency": "EUR"}`, `"12.50 EUR"`, or the amount alone where the variable says of what."""
    currency: Any = None
    if isinstance(given, Mapping):
        if not {"amount"} <= given.keys() <= {"amount", "currency"}:
            raise BadValue("must have `amount` and may have `currency`, nothing else")
        given, currency = given["amount"], given.get("currency")
    elif isinstance(given, str) and (found := _AMOUNT(given.strip())):
        given, currency = found["amount"], found["currency"]
    currency = currency or variable.currency
    if not isinstance(currency, str) or not _CURRENCY(currency):
        raise BadValue("must say its currency with three capital letters (ISO 4217)")
    if variable.currency and currency != variable.currency:
        raise BadValue(f"must be an amount of {variable.currency}")
    return Money(_bounded(variable, _decimal(given)), currency)


def _date(variable: Variable, given: Any) -> datetime.date:
    try:
        return datetime.date.fromisoformat(_matching(_DATE, given))
    except ValueError:
        raise BadValue("must be a date such as 2026-11-27") from None


def _matching(form: Callable[[str], object], given: Any) -> str:
    """A text of this form; ValueError."""
    if isinstance(given, str) and form(given):
        return given
    raise ValueError


def _time(variable: Variable, given: Any) -> datetime.time:
    try:
        return datetime.time.fromisoformat(_matching(_TIME, given))
    except ValueError:
        raise BadValue("must be a time of day such as 14:30") from None


def _datetime(variable: Variable, given: Any) -> datetime.datetime:
    """RFC 3339, or `{"at": …, "zone": …}` where each message has a zone of its own."""
    name: Any = variable.zone or "UTC"
    if isinstance(given, Mapping):
        if given.keys() != {"at", "zone"}:
            raise BadValue("must have `at` and `zone`, and nothing else")
        given, name = given["at"], given["zone"]
    zone = zone_of(name) if isinstance(name, str) else None
    if zone is None:
        raise BadValue("must name a time zone such as Europe/Berlin")
    try:
        at = datetime.datetime.fromisoformat(_matching(_MOMENT, given))
        return at.astimezone(zone)
    except (ValueError, OverflowError):
        raise BadValue("must be a moment with its offset such as 2026-11-27T14:30:00+01:00") from None


def _url(variable: Variable, given: Any) -> str:
    text = given.strip() if isinstance(given, str) else ""
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        host = ""
    if not (host and parts.scheme in {"http", "https"} and text.isprintable() and " " not in text):
        raise BadValue("must be a URL that begins with https:// or http://")
    if parts.username is not None or not _HOST(parts.netloc.rpartition(":")[0] or parts.netloc):
        raise BadValue("must be a URL of a host's name, without a user in it")
    longest = variable.max_length or URL_MAX
    if len(text) > longest:
        raise BadValue(f"must have at most {longest:,} characters")
    if variable.hosts and not any(host == own or host.endswith("." + own) for own in variable.hosts):
        raise BadValue(f"must lead to {' or '.join(variable.hosts)}")
    return text


def _phone(variable: Variable, given: Any) -> Number:
    number = normalise(given) if isinstance(given, str) else None
    if number is None:
        raise BadValue("must be a phone number in E.164: a plus sign, country code and number")
    return number


_READERS: Final[Mapping[VariableType, Callable[[Variable, Any], Value]]] = {
    "text": _text,
    "number": _number,
    "integer": _integer,
    "money": _money,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "url": _url,
    "phone": _phone,
    "code": _code,
}

SAMPLES: Final[Mapping[VariableType, Any]] = {
    "text": "Robin",
    "number": "12.5",
    "integer": 3,
    "money": "24.90",
    "date": "2026-11-27",
    "time": "14:30",
    "datetime": "2026-11-27T14:30:00+00:00",
    "url": "https://example.com/o/8F3K",
    "phone": "+14155550123",
    "code": "493817",
}
"""What a preview fills in where nobody gives an example."""


def sample(variable: Variable) -> Any:
    """A value of this variable for a preview, as a message would give it."""
    if variable.example is not None:
        return variable.example
    if variable.default is not None:
        return variable.default
    plain = SAMPLES[variable.type]
    if variable.type == "money":
        return {"amount": plain, "currency": variable.currency or "USD"}
    if variable.type == "url" and variable.hosts:
        return f"https://{variable.hosts[0]}/o/8F3K"
    return plain
