"""Is this a phone number, and of which country? The verdict of `phonenumbers` (parse, is_valid_number and
region_code_for_number) at a tenth or less of its cost, because every recipient passes here.

How it is fast. The library asks up to eleven patterns a number through the cache of `re`, which holds 512 of the
several thousand that rotate. Here the patterns of a region that allow one length are compiled into one alternation,
kept for good, and chosen by calling code and length; the order in which line types are tried does not matter for
"valid or not". The metadata stays the library's: nothing is copied, and a property test compares the verdicts.

Apart from `senders` because a sender need not be a number.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import msgspec
import phonenumbers
from phonenumbers import PhoneMetadata

MIN_DIGITS = 3  # phonenumberutil._MIN_LENGTH_FOR_NSN + 1: fewer cannot hold a calling code and a number
MAX_NATIONAL_DIGITS = 17  # phonenumberutil._MAX_LENGTH_FOR_NSN
MAX_INPUT = 40  # characters: the longest number written with generous punctuation
SANDBOX_PREFIX = "+1500555"  # area code 500 is not geographic; its 555 exchange is never assigned
SANDBOX_LENGTH = 12

_TYPES = (
    "mobile",
    "fixed_line",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_LINE_TYPES = {
    phonenumbers.PhoneNumberType.FIXED_LINE: "fixed",
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    phonenumbers.PhoneNumberType.TOLL_FREE: "toll_free",
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "premium_rate",
    phonenumbers.PhoneNumberType.SHARED_COST: "shared_cost",
    phonenumbers.PhoneNumberType.VOIP: "voip",
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: "personal",
    phonenumbers.PhoneNumberType.PAGER: "pager",
    phonenumbers.PhoneNumberType.UAN: "uan",
    phonenumbers.PhoneNumberType.VOICEMAIL: "voicemail",
}

LINE_TYPES = frozenset({*_LINE_TYPES.values(), "unknown"})

# What people write between digits, and the direction marks that a copy from an address book brings along.
_PUNCTUATION = dict.fromkeys(map(ord, " \t-.()/\u00a0\u2009\u202f\u2010\u2011\u2012\u2013\u200e\u202a\u202c\u2060"))

_NUMBERS_KEPT = 1024  # an accepted recipient is asked about twice, and those who are texted often come again

_Match = Callable[[str], object]


class Number(msgspec.Struct, frozen=True, gc=False):
    """A valid number."""

    e164: str  # with plus
    digits: str  # without plus
    country: str  # ISO 3166 alpha-2; "001" for numbers of no country (satellite, international freephone)
    calling_code: int


def normalise(text: str) -> Number | None:
    """The number that `text` means, or None when it is no valid one.

    Takes `+` and digits; also with spaces, dashes, dots, slashes and parentheses between them, and with `00` in place
    of the plus. A number without either is refused: its country would be a guess."""
    return None if len(text) > MAX_INPUT else _normalised(text)


@lru_cache(maxsize=_NUMBERS_KEPT)
def _normalised(text: str) -> Number | None:
    digits = text[1:]
    if not (text[:1] == "+" and digits.isdigit() and digits.isascii()):
        digits = _tidy(text)
    plan = _plan(digits[:3])
    if plan is None:
        return None
    national = digits[plan.code_length :]
    if plan.may_strip(national):
        national = plan.stripped(national)
        digits = plan.code_text + national
    country = plan.country(national)
    return None if country is None else Number("+" + digits, digits, country, plan.code)


def is_sandbox(e164: str) -> bool:
    """Whether this is one of the reserved numbers +1 500 555 xxxx, each of which has its outcome in the sandbox. They
    are valid by the metadata (US, personal numbers); routing lets only sandbox carriers have them."""
    return e164.startswith(SANDBOX_PREFIX) and len(e164) == SANDBOX_LENGTH


def line_type(number: Number) -> str:
    """What kind of line it is (mobile, fixed, fixed_or_mobile, toll_free, …, unknown). Costs up to 250 µs: for
    look-ups and configuration, not for every message."""
    return _LINE_TYPES.get(phonenumbers.number_type(phonenumbers.parse(number.e164)), "unknown")


def _tidy(text: str) -> str:
    """Digits after the plus or the 00 of a number written for people; empty when it is none."""
    bare = text.translate(_PUNCTUATION)
    digits = bare[1:] if bare.startswith("+") else bare[2:] if bare.startswith("00") else ""
    return digits if digits.isdigit() and digits.isascii() else ""


@cache
def _plan(lead: str) -> "_Plan | None":
    """The numbering plan of the calling code that begins these three digits; at most 1,000 are kept. Codes are
    prefix-free (ITU-T E.164 6.2.1), so the shortest that exists is the one."""
    if len(lead) < MIN_DIGITS or lead[0] == "0":
        return None
    for length in (1, 2, 3):
        if int(lead[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return _plan_of_code(int(lead[:length]))
    return None


@cache
def _plan_of_code(code: int) -> "_Plan":
    return _Plan(code)


class _Plan:
    """All regions that share one calling code, in the library's order (the main country first)."""

    __slots__ = ("_by_length", "_regions", "code", "code_length", "code_text", "may_strip")

    def __init__(self, code: int) -> None:
        self.code = code
        self.code_text = str(code)
        self.code_length = len(self.code_text)
        self._regions: tuple[tuple[str, Any], ...] = tuple(
            (region, PhoneMetadata.metadata_for_region_or_calling_code(code, region))
            for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
        )
        self._by_length: dict[int, tuple[tuple[str, _Match | None, _Match], ...]] = {}
        self.may_strip = _national_prefix(self._regions[0][1])

    def country(self, national: str) -> str | None:
        """The region in which this national number is valid. A region with leading digits claims every number that
        begins with them, valid or not (region_code_for_number)."""
        length = len(national)
        if length not in self._by_length:
            self._by_length[length] = self._candidates(length)
        for region, leading, valid in self._by_length[length]:
            if leading is not None:
                if leading(national):
                    return region if valid(national) else None
            elif valid(national):
                return region
        return None

    def _candidates(self, length: int) -> tuple[tuple[str, _Match | None, _Match], ...]:
        if length > MAX_NATIONAL_DIGITS:
            return ()
        alone = len(self._regions) == 1
        found = []
        for region, metadata in self._regions:
            leading = None if alone or metadata.leading_digits is None else re.compile(metadata.leading_digits).match
            pattern = _valid_pattern(metadata, length)
            if leading is not None or pattern is not None:
                found.append((region, leading, pattern or _never))
        return tuple(found)

    def stripped(self, national: str) -> str:
        """Without a national prefix that does not belong there (+44 (0)20…), by the rule of phonenumbers.parse. Rare,
        so the library does it."""
        try:
            parsed = phonenumbers.parse(f"+{self.code_text}{national}")
        except phonenumbers.NumberParseException:
            return national
        return str(phonenumbers.national_significant_number(parsed))


def _never(national: str) -> None:
    """The matcher of a region that has no number of this length."""


def _national_prefix(metadata: Any) -> Callable[[str], bool]:
    """Whether the parser might take digits off the front of a national number of this plan."""
    if not metadata.national_prefix_for_parsing:
        return lambda _: False
    search = re.compile(metadata.national_prefix_for_parsing).match

    def may_strip(national: str) -> bool:
        # Some patterns (AR, MX, BR) match the empty string: then nothing is taken off.
        found = search(national)
        return found is not None and found.end() > 0

    return may_strip


def _valid_pattern(metadata: Any, length: int) -> _Match | None:
    """One matcher for "some line type of this region allows this national number of `length` digits"."""
    general = metadata.general_desc
    if not _allows(general, length):
        return None
    descriptions = [getattr(metadata, name) for name in _TYPES]
    patterns = {
        description.national_number_pattern: None
        for description in descriptions
        if description is not None and _allows(description, length)
    }
    if not patterns:
        return None
    either = "|".join(patterns)
    return re.compile(f"(?=(?:{general.national_number_pattern})\\Z)(?:{either})").fullmatch


def _allows(description: Any, length: int) -> bool:
    """Whether a description has a pattern and takes this length (no lengths given: any, the general one decides)."""
    if description.national_number_pattern is None:
        return False
    return not description.possible_length or length in description.possible_length


@lru_cache(maxsize=_NUMBERS_KEPT)
def international(e164: str) -> str:
    """A number as people write it, in the groups of its country ("+44 7911 123456"); as it is where it has none."""
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
