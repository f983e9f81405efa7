"""Numbers as people's lists have them: international, or national with a country that says how they are read.

`numbers.normalise` reads international ones. A national one is read by its country's rule: without the prefix that is
dialled at home, behind the calling code. Only where that gives no number of the country is the library asked, which
knows every exception and takes thirty times as long.

Spreadsheets take the plus of a number away. So digits that begin with the country's calling code, and are a number of
the country so, are read like that, where the library would rather see a national number in them.
"""

from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata

from whimbrel.domain.numbers import MAX_INPUT, Number, normalise

COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)
_PUNCTUATION = dict.fromkeys(map(ord, " \t-.()/\u00a0\u2009\u202f\u2010\u2011\u2012\u2013\u200e\u202a\u202c\u2060'"))


def read_number(text: str, country: str | None) -> Number | None:
    """The number that a list means; None when it is none. Without a country only international ones are read."""
    said = text.strip().removeprefix("'")
    found = normalise(said)
    if found is not None or country is None or len(said) > MAX_INPUT:
        return found
    code, prefix = _rule(country)
    bare = said.translate(_PUNCTUATION)
    if bare.isascii() and bare.isdigit():
        whole = normalise(f"+{bare}") if bare.startswith(str(code)) else None
        if whole is not None and whole.country == country and whole.digits == bare:
            return whole
        national = bare.removeprefix(prefix) if prefix else bare
        quick = normalise(f"+{code}{national}")
        if quick is not None and quick.country == country:
            return quick
    return _asked(said, country)


@lru_cache(maxsize=512)
def _rule(country: str) -> tuple[int, str]:
    """Calling code, and the prefix of national numbers; empty where there is none."""
    metadata = PhoneMetadata.metadata_for_region(country)
    prefix = "" if metadata is None else metadata.national_prefix or ""
    return phonenumbers.country_code_for_region(country), prefix


def _asked(text: str, country: str) -> Number | None:
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if parsed.extension:
        return None
    return normalise(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
