"""The rules of verifications as tables, and the texts of every language."""

import hashlib
from collections import Counter

import pytest

from whimbrel.codec import segments
from whimbrel.domain import verify as rules
from whimbrel.domain.verify import SECOND_US, NumberState
from whimbrel.manage.checks import COUNTRIES
from whimbrel.products.verify import texts

NOW = 1_800_000_000 * SECOND_US
HOUR = 3600 * SECOND_US
UCS2 = {"mk", "bg", "ru", "uk", "el", "ka", "hy", "ar", "he", "fa", "hi", "bn", "zh", "zh-TW", "ja", "ko", "th"}
"""Languages whose letters are not in the alphabet of GSM."""


@pytest.mark.parametrize(
    ("failures", "waits_s"),
    [
        ([], 0),
        ([NOW - 1] * 9, 0),
        ([NOW - 1] * 10, 3600),
        ([NOW - HOUR + 5 * SECOND_US] + [NOW - 1] * 9, 5),
        ([NOW - HOUR] + [NOW - 1] * 9, 0),
    ],
)
def test_ten_failures_an_hour(failures: list[int], waits_s: int) -> None:
    assert rules.failed_wait(NumberState(1, tuple(failures)), NOW) == waits_s


@pytest.mark.parametrize(
    ("ago_s", "waits_s"),
    [([], 0), ([10] * 4, 0), ([10] * 5, 3590), ([40_000] * 5 + [4000] * 4, 0), ([40_000] * 5 + [4000] * 5, 46_400)],
)
def test_five_texts_an_hour_and_ten_a_day(ago_s: list[int], waits_s: int) -> None:
    state = NumberState(1, (), tuple(NOW - each * SECOND_US for each in ago_s))
    assert rules.send_wait(state, NOW, 5, 10) == waits_s


def test_what_is_counted_is_forgotten_in_time() -> None:
    state = NumberState(4, (NOW - HOUR - 1, NOW - 1), (NOW - 24 * HOUR - 1, NOW - 1))
    assert rules.sent(state, NOW) == NumberState(5, (NOW - 1,), (NOW - 1, NOW))
    assert rules.guessed(state, NOW, right=False) == NumberState(5, (NOW - 1, NOW), (NOW - 1,))
    assert rules.guessed(state, NOW, right=True) == NumberState(5, (), (NOW - 1,))
    assert rules.guessed(state, NOW, right=None) == NumberState(5, (NOW - 1,), (NOW - 1,))


def test_waits_grow() -> None:
    assert [(rules.next_send(NOW, sends) - NOW) // SECOND_US for sends in range(1, 7)] == [30, 60, 120, 240, 240, 240]


@pytest.mark.parametrize("alphabet", ["digits", "letters", "alphanumeric"])
def test_codes_have_their_length_and_no_sign_is_likelier(alphabet: rules.Alphabet) -> None:
    codes = [rules.code_of(hashlib.sha256(b"%d" % n).digest(), 10, alphabet) for n in range(2000)]
    signs = Counter("".join(codes))
    expected = 20_000 / len(signs)
    assert {len(code) for code in codes} == {10}
    assert all(abs(count - expected) < 6 * expected**0.5 for count in signs.values()), signs
    assert all(rules.tidied(f" {code[:5].lower()}-{code[5:]}\n") == code for code in codes[:20])


@pytest.mark.parametrize(
    ("code", "is_one"),
    [("1234", True), ("12345678AB", True), ("123", False), ("12345678901", False), ("12 34", False), ("١٢٣٤", False)],
)
def test_codes_of_the_caller(code: str, is_one: bool) -> None:
    assert rules.is_code(code) is is_one


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 20, 0.0, 0.161), (0, 35, 0.0, 0.099), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0)],
)
def test_wilsons_interval(successes: int, trials: int, low: float, high: float) -> None:
    assert rules.wilson(successes, trials) == pytest.approx((low, high), abs=0.001)


@pytest.mark.parametrize(
    ("lasts", "run"), [([], 0), ([5], 1), ([5, 5, 5], 1), ([9, 7, 8, 5], 3), ([0, 1, 2, 3, 4], 5), ([98, 99, 0], 2)]
)
def test_runs_of_neighbours(lasts: list[int], run: int) -> None:
    assert rules.neighbours([f"+4474001234{last:02d}" for last in lasts]) == run


@pytest.mark.parametrize("tag", sorted(texts.languages()))
def test_every_language_has_the_code_once_in_one_segment(tag: str) -> None:
    text, shown = texts.render("123456", service="Acme", language=tag)
    assert (text.count("123456"), shown.count("******"), shown.count("1")) == (1, 1, 0)
    assert "Acme" in text and "{" not in text
    warned, _ = texts.render("123456", service="Acme", language=tag, warns=True)
    for each in (text, warned):
        measure = segments.measure(each)
        assert (measure.segments, measure.encoding) == (1, "ucs2" if tag in UCS2 else "gsm7"), each


def test_there_are_many_languages_and_no_country_has_two() -> None:
    every = [country for language in texts.languages().values() for country in language.countries]
    assert len(texts.languages()) >= 40
    assert len(every) == len(set(every))
    assert set(every) <= COUNTRIES


@pytest.mark.parametrize(
    ("tag", "ours"),
    [("de", "de"), ("de-AT", "de"), ("pt-br", "pt-BR"), ("pt_PT", "pt"), ("zh-TW", "zh-TW"), ("xx", None)],
)
def test_tags_of_languages(tag: str, ours: str | None) -> None:
    assert texts.known_language(tag) == ours


def test_lines_for_machines_stand_last_and_names_may_hold_braces() -> None:
    text, shown = texts.render(
        "4711", service="{code}{service}", language="en", warns=True, app_hash="FA+9qCX9VSu", domain="example.com"
    )
    assert text.split("\n") == [
        "<#> Your {code}{service} code is 4711. Do not share it with anyone.",
        "FA+9qCX9VSu",
        "@example.com #4711",
    ]
    assert shown == text.replace("4711", "****")
