"""When a schedule runs: at local times, once or by a recurrence rule (RFC 5545 3.3.10), of a zone or of each
recipient's own. Rules are read by python-dateutil; here is which of them are taken, and how their local times become
moments.

A rule that never comes true would be looked for until the year 9999, so only combinations that come true within some
years are taken. Hours and minutes stand in the start.
"""

import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final

import msgspec
from dateutil.rrule import rrule, rrulestr

from whimbrel.domain.local_times import to_local, to_utc

RULE_MAX: Final = 200
"""Characters of a rule."""
_LONGEST: Final = 10_000  # occurrences that a search goes through: 27 years of every day
_SLACK: Final = timedelta(days=1)  # clocks are set forward or back by less
_PART: Final = re.compile(r"([A-Z]+)=([^;=]+)").fullmatch
_FREQUENCIES: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_ALLOWED: Final = {
    "DAILY": frozenset({"BYDAY", "BYMONTH"}),
    "WEEKLY": frozenset({"BYDAY", "WKST"}),
    "MONTHLY": frozenset({"BYDAY", "BYMONTHDAY", "BYSETPOS"}),
    "YEARLY": frozenset({"BYMONTH", "BYMONTHDAY"}),
}
_COMMON: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL"})
_PATTERNS: Final = {
    "INTERVAL": re.compile(r"[1-9]\d{0,2}"),
    "COUNT": re.compile(r"[1-9]\d{0,3}"),
    "UNTIL": re.compile(r"\d{8}(T\d{6})?"),
    "WKST": re.compile(r"MO|TU|WE|TH|FR|SA|SU"),
    "BYDAY": re.compile(r"(-?[1-4])?(MO|TU|WE|TH|FR|SA|SU)(,(-?[1-4])?(MO|TU|WE|TH|FR|SA|SU))*"),
    "BYMONTH": re.compile(r"([1-9]|1[0-2])(,([1-9]|1[0-2]))*"),
    "BYMONTHDAY": re.compile(r"(-?([1-9]|[12]\d|3[01]))(,-?([1-9]|[12]\d|3[01]))*"),
    "BYSETPOS": re.compile(r"-?[1-4]"),
}
_ALWAYS_THERE: Final = 28  # whichever months an interval meets
_DAYS: Final = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


class Occurrence(msgspec.Struct, frozen=True, gc=False):
    """A local time (`2026-12-24T09:00:00`) and the moment that it is."""

    local: str
    at: int


def start_problem(text: str) -> str | None:
    """Why a start cannot be used, or None."""
    try:
        if datetime.fromisoformat(text).tzinfo is None:
            return None
    except ValueError:
        pass
    return "must be a local time without a zone, such as 2026-12-24T09:00"


def rule_problem(text: str, day: int = 1) -> str | None:
    """Why a rule cannot be used, or None. `day`: of the month, of its start."""
    if len(text) > RULE_MAX:
        return f"has more than {RULE_MAX} characters"
    found = [_PART(part) for part in text.split(";")]
    parts = {match[1]: match[2] for match in found if match}
    if None in found or len(parts) < len(found):
        return "must be a rule of RFC 5545, such as FREQ=WEEKLY;BYDAY=MO,TH"
    frequency = parts.get("FREQ", "")
    if frequency not in _FREQUENCIES:
        return "must have FREQ=DAILY, WEEKLY, MONTHLY or YEARLY"
    for name, value in parts.items():
        if name not in _COMMON and name not in _ALLOWED[frequency]:
            return f"{name} is not taken with FREQ={frequency}"
        if name != "FREQ" and not (_PATTERNS[name].fullmatch(value) and (name != "UNTIL" or _is_moment(value))):
            return f"{name}={value} is not taken"
    return _combination_problem(frequency, parts, day)


def _combination_problem(frequency: str, parts: dict[str, str], day: int) -> str | None:
    """What might never come true."""
    days = parts.get("BYDAY", "")
    is_numbered = any(letter.isdigit() for letter in days)
    further = parts.keys() - _COMMON
    wrong = {
        "has either COUNT or UNTIL": {"COUNT", "UNTIL"} <= parts.keys(),
        "BYDAY has numbers with FREQ=MONTHLY only": is_numbered and frequency != "MONTHLY",
        "INTERVAL stands alone with FREQ=DAILY": frequency == "DAILY" and "INTERVAL" in parts and bool(further),
        "BYSETPOS needs BYDAY without numbers": "BYSETPOS" in parts and (not days or is_numbered),
        "has either BYDAY or BYMONTHDAY": "BYMONTHDAY" in parts and bool(days),
        "names a day that its months do not have": frequency == "YEARLY" and not _has_day(parts, day),
        "INTERVAL goes with a day that every month has": "INTERVAL" in parts and _least_day(parts, 1) > _ALWAYS_THERE,
    }
    return next((words for words, holds in wrong.items() if holds), None)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _has_day(parts: dict[str, str], day: int) -> bool:
    months = [int(month) for month in parts.get("BYMONTH", "1").split(",")]
    longest = max(_DAYS.get(month, 31) for month in months)
    return _least_day(parts, day) <= longest


def _least_day(parts: dict[str, str], day: int) -> int:
    """Of the days of the month that a rule names; `day`: where it names none."""
    return min(abs(int(each)) for each in parts.get("BYMONTHDAY", str(day)).split(","))


@lru_cache(maxsize=256)
def _rule(text: str, starts: str) -> rrule:
    found = rrulestr(text, dtstart=datetime.fromisoformat(starts), cache=False)
    assert isinstance(found, rrule)
    return found


def _local_times(starts: str, rule: str | None) -> Iterator[datetime]:
    if rule is None:
        yield datetime.fromisoformat(starts)
        return
    yield from islice(_rule(rule, starts), _LONGEST)


def following(
    starts: str, rule: str | None, zone: str, *, after_us: int, skipped: Collection[str] = ()
) -> Iterator[Occurrence]:
    """The occurrences after a moment, in order, without those that are skipped (local times)."""
    passed = to_local(after_us, zone) - _SLACK
    for local in _local_times(starts, rule):
        if local < passed:  # most of those of an old rule: it costs less than to say when it was
            continue
        text = local.isoformat()
        at = to_utc(local, zone)
        if at > after_us and text not in skipped:
            yield Occurrence(text, at)


def first(
    starts: str, rule: str | None, zone: str, *, after_us: int, skipped: Collection[str] = ()
) -> Occurrence | None:
    """The next one; None when there is none."""
    return next(following(starts, rule, zone, after_us=after_us, skipped=skipped), None)
