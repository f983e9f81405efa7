"""What a number says about itself: whether it can be one, how it is written, where it belongs, who was given it. All of
it is the data of `phonenumbers`; nothing is asked of a network, so a number that was taken along to another operator
still shows the one that its block was given to.

Apart from `numbers`, which every message passes: this costs up to a millisecond a number.
"""

from functools import lru_cache
from typing import Final, Literal

import msgspec
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult, carrier, timezone

from whimbrel.domain.numbers import MAX_INPUT, Number, line_type

Reason = Literal[
    "not_a_number", "invalid_country_code", "too_short", "too_long", "invalid_length", "invalid_but_possible"
]
"""Why a number is none: the first that was found."""

NOWHERE: Final = "001"
"""What `phonenumbers` calls the country of numbers that belong to none."""
_KEPT: Final = 1024
_UNKNOWN_ZONE: Final = "Etc/Unknown"
_UNPARSED: Final[dict[int, Reason]] = {
    NumberParseException.INVALID_COUNTRY_CODE: "invalid_country_code",
    NumberParseException.NOT_A_NUMBER: "not_a_number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}
_IMPOSSIBLE: Final[dict[int, Reason]] = {
    ValidationResult.INVALID_COUNTRY_CODE: "invalid_country_code",
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.INVALID_LENGTH: "invalid_length",
}


class Found(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is known of a number. What an invalid one does not have is None."""

    given: str
    valid: bool
    reason: Reason | None = None
    number: str | None = None  # E.164
    national: str | None = None
    international: str | None = None
    country: str | None = None
    calling_code: str | None = None
    line_type: str | None = None
    operator: str | None = None  # whom the block of numbers was given to
    time_zones: tuple[str, ...] = ()


def is_country(text: str) -> bool:
    """Whether this is a country (ISO 3166 alpha-2) that has a numbering plan."""
    return text in phonenumbers.SUPPORTED_REGIONS


@lru_cache(maxsize=_KEPT)
def look(given: str, country: str = "") -> Found:
    """What is known of a number. `country` is that of a number without a plus sign; without it such a number has an
    invalid country code."""
    if len(given) > MAX_INPUT:
        return Found(given=given[:MAX_INPUT], valid=False, reason="too_long")
    try:
        parsed = phonenumbers.parse(given, country or None)
    except NumberParseException as error:
        return Found(given=given, valid=False, reason=_UNPARSED.get(error.error_type, "not_a_number"))
    code = int(parsed.country_code or 0)
    region = phonenumbers.region_code_for_number(parsed)
    if region is None or not phonenumbers.is_valid_number(parsed):
        number = _written(parsed, PhoneNumberFormat.E164)
        return Found(given=given, valid=False, reason=_invalid(parsed), number=number, calling_code=str(code))
    e164 = _written(parsed, PhoneNumberFormat.E164)
    return Found(
        given=given,
        valid=True,
        number=e164,
        national=_written(parsed, PhoneNumberFormat.NATIONAL),
        international=_written(parsed, PhoneNumberFormat.INTERNATIONAL),
        country=None if region == NOWHERE else region,
        calling_code=str(code),
        line_type=line_type(Number(e164, e164[1:], region, code)),
        operator=carrier.name_for_valid_number(parsed, "en") or None,
        time_zones=_zones(parsed),
    )


def _invalid(parsed: phonenumbers.PhoneNumber) -> Reason:
    return _IMPOSSIBLE.get(phonenumbers.is_possible_number_with_reason(parsed), "invalid_but_possible")


def _written(parsed: phonenumbers.PhoneNumber, how: int) -> str:
    return str(phonenumbers.format_number(parsed, how))


def _zones(parsed: phonenumbers.PhoneNumber) -> tuple[str, ...]:
    return tuple(zone for zone in timezone.time_zones_for_number(parsed) if zone != _UNKNOWN_ZONE)
