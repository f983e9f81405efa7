"""Where the phone of a number may be: its country, the subdivisions and the time zones that its digits leave open.
People take numbers along, so this is never one place for sure; who asks (`quiet_hours`) lets the strictest decide.

Numbers of the United States go by their area code (`us_area_codes.csv`); one that names no area (toll-free, personal)
may be anywhere in the country. Of other countries `phonenumbers` tells the zones.
"""

import csv
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import msgspec
import phonenumbers
from phonenumbers import timezone
from phonenumbers.tzdata import TIMEZONE_DATA

from whimbrel.domain.numbers import Number
from whimbrel.domain.quiet_rules import zones_of_product

_US: Final = "US"
_NOWHERE: Final = ("UTC",)
_KEPT: Final = 4096


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a number may be at home. `subdivisions` None: in any."""

    country: str
    subdivisions: frozenset[str] | None
    zones: tuple[str, ...]  # IANA


def whereabouts(number: Number) -> Place:
    """Where this number may be at home."""
    if number.country == _US:
        return _areas().get(number.digits[1:4]) or _anywhere_in_us()
    return _of_country(number.country, str(number.calling_code)) or _looked_up(number.e164, number.country)


@cache
def _areas() -> Mapping[str, Place]:
    text = (files(__package__) / "us_area_codes.csv").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {
        row["area_code"]: Place(_US, frozenset({row["subdivision"]}), tuple(row["zones"].split()))
        for row in csv.DictReader(lines)
    }


@cache
def _anywhere_in_us() -> Place:
    return Place(_US, None, tuple(sorted({zone for place in _areas().values() for zone in place.zones})))


@cache
def _of_country(country: str, calling_code: str) -> Place | None:
    """The one place of a country that has one zone; None: it depends on the number."""
    zones = _known(country, TIMEZONE_DATA.get(calling_code, ()))
    return Place(country, None, zones) if len(zones) == 1 else None


@lru_cache(maxsize=_KEPT)
def _looked_up(e164: str, country: str) -> Place:
    return Place(country, None, _known(country, timezone.time_zones_for_number(phonenumbers.parse(e164))))


def _known(country: str, found: tuple[str, ...]) -> tuple[str, ...]:
    """Some countries share a calling code with others, whose zones are not theirs."""
    own = zones_of_product().get(country)
    zones = tuple(zone for zone in found if zone != timezone.UNKNOWN_TIMEZONE)
    if own is None:
        return zones or _NOWHERE
    return tuple(zone for zone in zones if zone in own) or own
