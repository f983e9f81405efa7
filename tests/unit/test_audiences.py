"""The language of segments: what it says, what it refuses and where, and that a filter never becomes a statement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base import limits
from whimbrel.domain.audience_binding import Vocabulary, bind
from whimbrel.domain.audience_language import FilterError, read
from whimbrel.domain.audience_sql import COLUMNS, condition
from whimbrel.domain.audience_terms import All, Ask, No, Some
from whimbrel.domain.contacts import ContactField

DAY = 86_400_000_000
NOW = 1_800_000_000_000_000
JANUARY = 1_769_817_600_000_000  # 2026-01-31
FIELDS = {
    name: ContactField(f"CF{place}", "AC1", False, name, kind, (), place, None, 0)
    for place, (name, kind) in enumerate(
        (("plan", "choice"), ("age", "number"), ("since", "date"), ("vip", "boolean")), 1
    )
}  # fmt: skip
KNOWN = Vocabulary(FIELDS, {("tag", "vip"): 3, ("list", "News"): 7, ("tag", "old"): 9})
PLAN, AGE, SINCE, VIP = "t1", "n2", "n3", "n4"


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ('plan = "pro"', Ask(PLAN, "eq", ("pro",))),
        ('PLAN = "pro" AND Age >= 30', All((Ask(PLAN, "eq", ("pro",)), Ask(AGE, "ge", (30.0,))))),
        ('plan != "pro"', No(Ask(PLAN, "eq", ("pro",)))),
        ('plan in ("a", "b")', Ask(PLAN, "in", ("a", "b"))),
        ("age not in (1, -2.5)", No(Ask(AGE, "in", (1.0, -2.5)))),
        ("vip = true or vip = false", Some((Ask(VIP, "eq", (1.0,)), Ask(VIP, "eq", (0.0,))))),
        ("plan is empty", No(Ask(PLAN, "set"))),
        ("age is not empty", No(No(Ask(AGE, "set")))),
        ("name is empty", Ask("name_key", "eq", ("",))),
        ('name contains "Lee"', Ask("name_key", "has", ("lee",))),
        ('not name starts with "É"', No(Ask("name_key", "begins", ("é",)))),
        ('name not contains "x"', No(Ask("name_key", "has", ("x",)))),
        ('time_zone = "Europe/Berlin"', Ask("zone", "eq", ("Europe/Berlin",))),
        ('tag = "vip"', Ask("labels", "has", (",3,",))),
        ('tag != "vip"', No(Ask("labels", "has", (",3,",)))),
        ('tag in ("vip", "old")', Some((Ask("labels", "has", (",3,",)), Ask("labels", "has", (",9,",))))),
        ('list = "News"', Ask("labels", "has", (",7,",))),
        ("created_at > now-30d", Ask("created_at", "gt", (NOW - 30 * DAY,))),
        ("updated_at <= now", Ask("updated_at", "le", (NOW,))),
        ("last_sent_at < now-90d", Ask("last_sent_at", "lt", (NOW - 90 * DAY,))),
        ("last_received_at is empty", No(Ask("last_received_at", "set"))),
        (
            "last_clicked_at = 2026-01-31",
            All((Ask("last_clicked_at", "ge", (JANUARY,)), Ask("last_clicked_at", "lt", (JANUARY + DAY,)))),
        ),
        ("opted_out = true", Ask("opted_out_at", "set")),
        ("not opted_out = false", No(No(Ask("opted_out_at", "set")))),
        ("since = 2026-01-31", All((Ask(SINCE, "ge", (float(JANUARY),)), Ask(SINCE, "lt", (float(JANUARY + DAY),))))),
        ("since > 2026-01-31", Ask(SINCE, "ge", (float(JANUARY + DAY),))),
        ("since <= 2026-01-31", Ask(SINCE, "lt", (float(JANUARY + DAY),))),
        ("created_at < 2026-01-31T00:00:01Z", Ask("created_at", "lt", (JANUARY + 1_000_000,))),
        (r'plan = "a\"b\\"', Ask(PLAN, "eq", ('a"b\\',))),
        (
            'age = 1 or age = 2 and not (age = 3 or plan = "x")',
            Some((
                Ask(AGE, "eq", (1.0,)),
                All((Ask(AGE, "eq", (2.0,)), No(Some((Ask(AGE, "eq", (3.0,)), Ask(PLAN, "eq", ("x",))))))),
            )),
        ),
    ],
)  # fmt: skip
def test_what_a_filter_means(text: str, term: object):
    assert bind(text, KNOWN, NOW) == term


@pytest.mark.parametrize(
    ("text", "problem", "place"),
    [
        ("", "must stand", 0),
        ('colour = "red"', "no attribute `colour`", 0),
        ("age = ", "a value", 6),
        ('age = "x"', "needs a number", 6),
        ("plan = 1", "needs a text", 7),
        ('plan > "a"', "cannot compare", 0),
        ('age contains "x"', "what it `contains`", 0),
        ("vip > true", "whether it", 0),
        ('tag = "nobody"', "knows no tag", 6),
        ('tag contains "v"', "can ask of `tag`", 0),
        ("since = 2026-02-31", "is no date", 8),
        ("since = true", "needs a date", 8),
        ("last_sent_at = true", "needs a date", 15),
        ("opted_out is empty", "whether it `=` true", 0),
        ("opted_out = 1", "needs true or false", 12),
        ('plan contains ""', "empty text", 14),
        ('plan = "a" plan = "b"', "`and`, `or` or the end", 11),
        ('(plan = "a"', "`)`", 11),
        ('plan = "a', "not understood", 7),
        ("plan = 'a'", "not understood", 7),
        ('plan = "a"; DROP TABLE contacts', "not understood", 10),
        ('length(plan) = "a"', "where `in`", 6),
        ("plan not = 1", "where `in`", 9),
        ("(" * 30 + 'plan = "a"' + ")" * 30, "too deeply", 20),
        (" or ".join(["age = 1"] * (limits.SEGMENT_COMPARISONS_MAX + 1)), "comparisons", 1100),
        ("age in (" + ", ".join("1" * (limits.SEGMENT_VALUES_MAX + 1)) + ")", "values", 609),
        ('plan = "' + "x" * limits.SEGMENT_FILTER_MAX + '"', "characters", 0),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, problem: str, place: int):
    with pytest.raises(FilterError) as error:
        bind(text, KNOWN, NOW)
    assert problem in error.value.problem
    assert error.value.place == place


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    try:
        read(text)
    except FilterError as error:
        assert 0 <= error.place <= len(text)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40))
def test_a_value_is_a_parameter_whatever_it_holds(value: str):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    made = condition(bind(f'plan = "{quoted}" or name contains "{quoted}"', KNOWN, NOW))
    assert made.sql == "((t1 IS NOT NULL AND t1 = ?) OR (strpos(name_key, ?) > 0))"
    assert made.params == (value, value.casefold())


def test_columns_are_from_a_closed_list():
    assert len(COLUMNS) == 54
    with pytest.raises(ValueError, match="no column"):
        condition(Ask("account_id", "eq", ("AC1",)))


def test_all_of_nothing_is_true_and_some_of_nothing_is_false():
    assert (condition(All(())).sql, condition(Some(())).sql) == ("(1 = 1)", "(1 = 0)")
    assert condition(Ask("t1", "in", ())).sql == "(t1 IS NOT NULL AND (1 = 0))"


SEGMENTS = Vocabulary(
    FIELDS,
    KNOWN.labels,
    {
        "Pro": 'plan = "pro"',
        "Grown": "age >= 18",
        "Both": 'segment = "Pro" and segment = "Grown"',
        "Round": 'segment = "Trip"',
        "Trip": 'vip = true or segment = "Round"',
        "Self": 'segment = "Self"',
        "Stale": "colour = 1",
        **{f"D{depth}": f'segment = "D{depth + 1}"' for depth in range(10)},
        "D10": "vip = true",
        "Many": " or ".join(["vip = true"] * 60),
    },
)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ('segment = "Pro"', Ask(PLAN, "eq", ("pro",))),
        ('segment != "Pro"', No(Ask(PLAN, "eq", ("pro",)))),
        ('segment in ("Pro", "Grown")', Some((Ask(PLAN, "eq", ("pro",)), Ask(AGE, "ge", (18.0,))))),
        ('segment not in ("Pro")', No(Ask(PLAN, "eq", ("pro",)))),
        ('vip = true and segment = "Both"',
         All((Ask(VIP, "eq", (1.0,)), All((Ask(PLAN, "eq", ("pro",)), Ask(AGE, "ge", (18.0,))))))),
        ('segment = "D5"', Ask(VIP, "eq", (1.0,))),
        ('segment = "Pro" or segment = "Pro"', Some((Ask(PLAN, "eq", ("pro",)), Ask(PLAN, "eq", ("pro",))))),
    ],
)  # fmt: skip
def test_a_segment_within_another_means_what_its_filter_means(text, term):
    assert bind(text, SEGMENTS, NOW) == term


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('segment = "Nobody"', "knows no segment `Nobody`"),
        ("segment = 3", "has no name of a segment"),
        ('segment contains "P"', "can ask of `segment`"),
        ("segment is empty", "can ask of `segment`"),
        ('vip = true and segment = "Self"', "within itself"),
        ('segment = "Round"', "within itself"),
        ('segment = "Stale"', "names `Stale`, which knows no attribute `colour`"),
        ('segment = "D0"', "too deeply"),
        ('segment = "Many" and segment = "Many"', "comparisons with those of its segments"),
    ],
)
def test_segments_that_cannot_be_within_another_are_told_where_they_are_named(text, problem):
    with pytest.raises(FilterError) as refused:
        bind(text, SEGMENTS, NOW)
    assert problem in refused.value.problem
    assert text[refused.value.place :].startswith(('"', "3", "segment"))


def test_a_segment_must_not_name_itself_by_its_name_or_by_the_one_that_it_had():
    for name in ("Pro", "Gold"):
        with pytest.raises(FilterError, match="within itself"):
            bind(f'segment = "{name}"', SEGMENTS, NOW, own=("Gold", "Pro"))
    with pytest.raises(FilterError, match="within itself"):
        bind('segment = "Both"', SEGMENTS, NOW, own=("Grown",))
    assert bind('segment = "D5"', SEGMENTS, NOW, own=("Gold", "Silver")) == Ask(VIP, "eq", (1.0,))
