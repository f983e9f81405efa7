"""Language tags (BCP 47) and which text is taken for one: the lookup of RFC 4647 3.4, so pt-BR, then pt, then the
template's default. The locale data of dates, numbers and money are CLDR's, by way of babel.
"""

import re
from collections.abc import Container
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError

LANGUAGE_MAX: Final = 35  # characters; RFC 5646 4.4.1
_TAG = re.compile(
    r"(?P<language>[A-Za-z]{2,3})(?:[-_](?P<script>[A-Za-z]{4}))?(?:[-_](?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:[-_](?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
).fullmatch
_LAST_RESORT: Final = "en"


def canonical(tag: str) -> str | None:
    """The tag as RFC 5646 2.1.1 writes it (`pt_br` is pt-BR), or None when it is none."""
    return _canonical(tag) if len(tag) <= LANGUAGE_MAX else None


@lru_cache(maxsize=1024)
def _canonical(tag: str) -> str | None:
    found = _TAG(tag)
    if found is None:
        return None
    parts = [found["language"].lower()]
    if found["script"]:
        parts.append(found["script"].title())
    if found["region"]:
        parts.append(found["region"].upper())
    return "-".join(parts) + found["variants"].replace("_", "-").lower()


def chosen(wanted: str | None, have: Container[str], default: str) -> str:
    """The language whose text is taken: the one that is wanted, what it is a kind of, or the default."""
    tag = wanted or default
    while tag:
        if tag in have:
            return tag
        tag = tag.rpartition("-")[0]
    return default


@lru_cache(maxsize=256)
def locale_of(language: str) -> Locale:
    """The conventions of a language; those of what it is a kind of, or of English, where nobody knows any."""
    tag = language
    while tag:
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            tag = tag.rpartition("-")[0]
    return Locale.parse(_LAST_RESORT)
