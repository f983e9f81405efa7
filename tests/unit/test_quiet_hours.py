"""When marketing may be sent: every rule of the reference on both sides of its borders, and for any number at any
moment of ten years, clock changes among them, what the zones' own clocks say.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from whimbrel.domain.numbers import normalise
from whimbrel.domain.quiet_hours import Calendar, Constraint, QuietHours
from whimbrel.domain.quiet_rules import DAYS, MIDNIGHT, Rule, RuleBook, holidays, of_product, problem, week
from whimbrel.domain.whereabouts import whereabouts

MINUTE = 60_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALL = QuietHours(RuleBook())


def us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def alone(rule_id: str) -> QuietHours:
    """One rule of the product, and no other."""
    others = [rule for rule in of_product() if rule.id != rule_id]
    off = [Rule(id=rule.id, title="", country=rule.country, enabled=False) for rule in others]
    return QuietHours(RuleBook(off))


def number(text: str):
    found = normalise(text)
    assert found is not None
    return found


# rule, number, zone; of a Tuesday, a Saturday and a Sunday without holidays: first and last minute that are allowed
RULES = [
    ("US", "+12065550123", "America/Los_Angeles", "08:00-21:00", "08:00-21:00", "08:00-21:00"),
    ("US-SAFE", "+12065550123", "America/Los_Angeles", "09:00-20:00", "09:00-20:00", "12:00-20:00"),
    ("US-FL", "+13055550123", "America/New_York", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("US-OK", "+14055550123", "America/Chicago", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("US-MD", "+14105550123", "America/New_York", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("US-MS", "+16015550123", "America/Chicago", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("US-NJ", "+12015550123", "America/New_York", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("US-CT", "+12035550123", "America/New_York", "09:00-20:00", "09:00-20:00", "09:00-20:00"),
    ("US-WA", "+12065550123", "America/Los_Angeles", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("US-AL", "+12055550123", "America/Chicago", "08:00-20:00", "08:00-20:00", None),
    ("US-LA", "+15045550123", "America/Chicago", "08:00-20:00", "08:00-20:00", None),
    ("US-IL", "+13125550123", "America/Chicago", "08:00-21:00", "08:00-21:00", "08:00-21:00"),
    ("US-KY", "+15025550123", "America/New_York", "10:00-21:00", "10:00-21:00", "10:00-21:00"),
    ("US-TX", "+12145550123", "America/Chicago", "09:00-21:00", "09:00-21:00", "12:00-21:00"),
    ("US-RI", "+14015550123", "America/New_York", "09:00-18:00", "10:00-17:00", "10:00-17:00"),
    ("FR", "+33612345678", "Europe/Paris", "08:00-20:00", "10:00-18:00", None),
    ("IN", "+919812345678", "Asia/Kolkata", "10:00-21:00", "10:00-21:00", "10:00-21:00"),
    ("JO", "+962790123456", "Asia/Amman", "07:00-21:00", "07:00-21:00", "07:00-21:00"),
    ("BY", "+375294911911", "Europe/Minsk", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
]
TUESDAY, SATURDAY, SUNDAY = date(2027, 3, 9), date(2027, 3, 6), date(2027, 3, 7)


def test_every_rule_is_a_case_and_says_where_it_is_from():
    assert {case[0] for case in RULES} == {rule.id for rule in of_product()}
    for rule in of_product():
        assert rule.source and rule.title and date.fromisoformat(rule.as_of) and problem(rule.hours) is None
        assert rule.confidence in {"primary", "secondary", "verify", "recommended"}


@pytest.mark.parametrize(("rule", "to", "zone", "tuesday", "saturday", "sunday"), RULES, ids=[row[0] for row in RULES])
def test_a_rule_at_its_borders(rule, to, zone, tuesday, saturday, sunday):
    rules = alone(rule)
    for day, span in ((TUESDAY, tuesday), (SATURDAY, saturday), (SUNDAY, sunday)):
        allowed = []
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for minute in range(MIDNIGHT):
            look = rules.look(number(to), us(midnight + timedelta(minutes=minute)))
            if look.allowed:
                allowed.append(minute)
            else:
                assert (look.reasons[0].rule, look.next_at is not None) == (rule, True)
        told = None if not allowed else f"{_clock(allowed[0])}-{_clock(allowed[-1] + 1)}"
        assert told == span
        assert len(allowed) == (allowed[-1] - allowed[0] + 1 if allowed else 0)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def test_florida_counts_to_three_in_a_day():
    (found,) = ALL.caps(number("+13055550123"))
    assert (found[0], found[1].max, found[1].hours) == ("US-FL", 3, 24)
    assert ALL.caps(number("+12065550123")) == ()
    assert [rule for rule, _ in ALL.caps(number("+18005550123"))] == ["US-FL"], "a number that may be anywhere"


@pytest.mark.parametrize(
    ("to", "subdivisions", "zones"),
    [
        ("+12065550123", {"WA"}, 1),
        ("+18505550123", {"FL"}, 2),  # the panhandle is in Chicago's zone, in part
        ("+14485550123", {"FL"}, 2),  # and so is what lies over it
        ("+15415550123", {"OR"}, 2),
        ("+18005550123", None, 11),
        ("+33612345678", None, 1),
        ("+79161234567", None, 12),
        ("+77011234567", None, 2),
        ("+447911123456", None, 4),
        ("+61412345678", None, 8),
    ],
)
def test_all_places_that_a_number_may_be_in(to, subdivisions, zones):
    place = whereabouts(number(to))
    assert place.subdivisions == (None if subdivisions is None else frozenset(subdivisions))
    assert len(place.zones) >= min(zones, 3) and (zones > 2 or len(place.zones) == zones)
    assert all(ZoneInfo(zone) for zone in place.zones)


@pytest.mark.parametrize(
    ("place", "year", "day", "is_holiday"),
    [
        ("FR", 2027, "2027-03-29", True),  # Easter Monday
        ("FR", 2027, "2027-05-06", True),  # Ascension
        ("FR", 2028, "2028-06-05", True),  # Whit Monday
        ("FR", 2027, "2027-07-14", True),
        ("FR", 2027, "2027-07-13", False),
        ("US-AL", 2027, "2027-11-25", True),  # Thanksgiving
        ("US-AL", 2027, "2027-07-05", True),  # the fourth is a Sunday
        ("US-AL", 2027, "2027-05-31", True),  # Memorial Day: the last Monday
        ("US-LA", 2027, "2027-02-09", True),  # Mardi Gras
        ("US-LA", 2027, "2027-03-26", True),  # Good Friday
        ("DE", 2027, "2027-12-25", False),  # no rule names them
    ],
)
def test_holidays(place, year, day, is_holiday):
    assert (date.fromisoformat(day) in holidays(place, year)) == is_holiday


def test_a_holiday_is_told_as_the_reason():
    look = ALL.look(number("+33612345678"), us(datetime(2027, 7, 14, 10, tzinfo=UTC)))
    assert not look.allowed and look.reasons[0].holiday and look.reasons[0].hours == "closed"
    assert look.next_at == us(datetime(2027, 7, 15, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("hours", "member"),
    [
        ({"every": "09:00-20:00", "sun": "closed", "holiday": "10:00-12:00"}, None),
        ({"every": "00:00-24:00"}, None),
        ({"someday": "closed"}, "someday"),
        ({"mon": "9-20"}, "mon"),
        ({"mon": "20:00-09:00"}, "mon"),
        ({"mon": "09:00-24:30"}, "mon"),
        ({"every": "closed"}, "every"),
    ],
)
def test_hours_as_they_are_written(hours, member):
    found = problem(hours)
    assert (found and found[0]) == member


def test_a_closed_day_goes_before_the_group_that_it_is_of():
    found = week({"weekdays": "08:00-20:00", "fri": "closed", "every": "10:00-12:00"})
    assert found[0] == (480, 1200) and found[4] is None and found[6] == (600, 720)


def test_the_operator_changes_and_switches_off():
    paris = number("+33612345678")
    night = us(datetime(2027, 3, 9, 2, tzinfo=UTC))
    off = Rule(id="FR", title="", country="FR", enabled=False)
    assert QuietHours(RuleBook([off])).look(paris, night).allowed
    own = Rule(id="FR-OWN", title="", country="FR", hours={"every": "11:00-12:00"})
    look = QuietHours(RuleBook([own])).look(paris, night)
    assert look.next_at == us(datetime(2027, 3, 9, 10, tzinfo=UTC))


def test_hours_that_never_meet_have_no_next_moment():
    own = (week({"every": "03:00-03:30"}),)
    look = ALL.look(number("+33612345678"), us(datetime(2027, 3, 9, 2, tzinfo=UTC)), own)
    assert (look.allowed, look.next_at) == (False, None)


# ---------------------------------------------------------------- any zone, any hours, any moment

ZONES = [
    "America/New_York", "America/St_Johns", "America/Phoenix", "Pacific/Honolulu", "America/Adak", "Europe/London",
    "Europe/Paris", "Africa/Casablanca", "Africa/Cairo", "Asia/Amman", "Asia/Tehran", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia",
    "America/Santiago",
]  # fmt: skip
spans = st.tuples(st.integers(0, 23 * 60), st.integers(30, 20 * 60)).map(
    lambda pair: f"{_clock(pair[0])}-{_clock(min(pair[0] + pair[1], MIDNIGHT))}"
)
hours = st.dictionaries(st.sampled_from((*DAYS, "holiday")), spans | st.just("closed"), max_size=3).flatmap(
    lambda days: spans.map(lambda every: {"every": every, **days})
)
moments = st.integers(
    us(datetime(2024, 1, 1, tzinfo=UTC)) // MINUTE, us(datetime(2034, 1, 1, tzinfo=UTC)) // MINUTE
).map(lambda minute: minute * MINUTE)
SPRING = us(datetime(2027, 3, 14, 6, 45, tzinfo=UTC))  # 01:45 in New York, where 02:00 to 03:00 does not exist
AUTUMN = us(datetime(2027, 11, 7, 5, 15, tzinfo=UTC))  # 01:15, the first of two


def by_the_clock(at: int, rules, zones) -> bool:
    """What the definition says, minute by minute and without any arithmetic of ours."""
    for zone in zones:
        local = (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        for written in rules:
            days = week(written)
            found = [days[local.weekday()]]
            if "holiday" in written and local.date() in holidays("FR", local.year):
                found.append(days[7])
            if not all(span is not None and span[0] <= minute < span[1] for span in found):
                return False
    return True


@settings(max_examples=150, deadline=None)
@given(
    at=moments,
    rules=st.lists(hours, min_size=1, max_size=2),
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
)
@example(SPRING, [{"every": "02:30-20:00"}], ["America/New_York"])
@example(SPRING, [{"every": "00:00-02:30"}], ["America/New_York"])
@example(AUTUMN, [{"every": "01:30-02:00"}], ["America/New_York"])
@example(AUTUMN, [{"every": "00:00-01:30"}], ["America/New_York"])
@example(us(datetime(2027, 10, 2, 15, 15, tzinfo=UTC)), [{"every": "02:15-09:00"}], ["Australia/Lord_Howe"])
def test_what_is_allowed_is_what_all_the_clocks_say_and_the_next_moment_is_the_first(at, rules, zones):
    constraints = tuple(Constraint(f"r{place}", week(each), ("FR",)) for place, each in enumerate(rules))
    look = Calendar(constraints, tuple(zones)).look(at)
    assert look.allowed == by_the_clock(at, rules, zones)
    if look.allowed:
        assert look.next_at == at
        return
    assert look.reasons
    if look.next_at is None:
        assert not any(by_the_clock(at + day * 1440 * MINUTE, rules, zones) for day in range(0, 366, 5))
        return
    assert by_the_clock(look.next_at, rules, zones)
    assert not by_the_clock(look.next_at - MINUTE, rules, zones)
    ahead = (look.next_at - at) // MINUTE
    step = max(1, ahead // 700)  # every minute of half a day, of longer waits a part of them
    assert not any(by_the_clock(at + minute * MINUTE, rules, zones) for minute in range(0, ahead, step))


@settings(max_examples=60, deadline=None)
@given(
    to=st.sampled_from([row[1] for row in RULES] + ["+18505550123", "+18005550123", "+15415550123"]),
    at=st.integers(us(datetime(2024, 1, 1, tzinfo=UTC)), us(datetime(2034, 1, 1, tzinfo=UTC))),
)
def test_never_inside_a_forbidden_window_in_any_candidate_zone(to, at):
    found = number(to)
    place = ALL.place(found)
    rules = ALL.book.concerning(place.country, place.subdivisions)

    def allowed(moment: int) -> bool:
        return all(_allows(rule, zone, moment) for rule in rules for zone in place.zones)

    look = ALL.look(found, at)
    assert look.allowed == allowed(at)
    assert look.next_at is not None and allowed(look.next_at)
    assert look.allowed or not allowed(look.next_at - 1)


def _allows(rule: Rule, zone: str, at: int) -> bool:
    local = (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))
    days = week(rule.hours)
    places = [rule.country, *(f"{rule.country}-{name}" for name in rule.subdivisions)]
    free = "holiday" in rule.hours and any(local.date() in holidays(place, local.year) for place in places)
    found = [days[local.weekday()], *([days[7]] if free else [])]
    return all(span is not None and span[0] <= local.hour * 60 + local.minute < span[1] for span in found)


def test_stretches_of_a_week_are_the_same_answer():
    calendar = ALL.calendar(number("+33612345678"))
    first = us(datetime(2027, 3, 26, 23, tzinfo=UTC))  # a Saturday; clocks are set on Sunday, Monday is a holiday
    found = calendar.stretches(first, first + 5 * 1440 * MINUTE)
    told = [
        f"{EPOCH + timedelta(microseconds=start):%d %H:%M}-{EPOCH + timedelta(microseconds=end):%H:%M}"
        for start, end in found
    ]
    assert told == ["27 09:00-17:00", "30 06:00-18:00", "31 06:00-18:00"]
