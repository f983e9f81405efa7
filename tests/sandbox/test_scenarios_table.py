"""The table of scenarios: documented as it is, without contradictions, and merged as its page says."""

import re
from pathlib import Path

import pytest

from whimbrel_sandbox.outcome import ORDINARY, Refusal
from whimbrel_sandbox.outcomes import OUTCOMES
from whimbrel_sandbox.scenarios.conduct import GOOD, Conduct, Where
from whimbrel_sandbox.scenarios.table import BY_NUMBER, SCENARIOS, UnknownScenario, play, split

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")


def test_the_document_lists_every_scenario_as_it_is():
    rows = re.findall(r"^\| `([a-z0-9_]+)` \| (?:`(\d{4})` )?\| (?:(`=N`) )?\| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert rows == [(row.name, row.number, "`=N`" if row.takes else "", row.about) for row in SCENARIOS]


def test_the_document_has_a_table_for_each_place():
    order = [row.where for row in SCENARIOS]
    assert list(dict.fromkeys(order)) == [where for where in Where if where in order]
    assert set(order) == set(Where)


def test_names_and_numbers_are_unique_and_leave_the_reserved_ones_alone():
    names = [row.name for row in (*OUTCOMES, *SCENARIOS)]
    numbers = [row.number for row in (*OUTCOMES, *SCENARIOS) if row.number]
    assert len(names) == len(set(names)) and len(numbers) == len(set(numbers)) == len(BY_NUMBER)
    assert all(row.number >= "1000" for row in SCENARIOS if row.number)


@pytest.mark.parametrize("row", SCENARIOS, ids=[row.name for row in SCENARIOS])
def test_every_scenario_changes_something(row):
    assert row.conduct != GOOD or row.outcome != ORDINARY
    if row.number:
        assert (row.outcome.number, row.outcome.name, row.conduct) == (row.number, row.name, GOOD)


def test_nothing_asked_for_is_the_ordinary_way():
    assert (play(()).conduct, play(()).outcome) == (GOOD, ORDINARY)
    assert split(" black_hole, flapping=3 ,") == ("black_hole", "flapping=3")


def test_scenarios_together_and_the_later_one_counts():
    made = play(("bind_limit=3", "flapping=100", "bind_limit", "receipt_late", "id_big"))
    assert made.conduct == Conduct(bind_limit=1, drop_after_ms=100)
    assert made.outcome.name == "id_big" and made.outcome.receipts[0].after_ms == 10_000


def test_commands_without_an_answer_add_up():
    made = play(("enquire_unanswered", "unbind_unanswered"))
    assert made.conduct.unanswered == play(("enquire_unanswered",)).conduct.unanswered | {6}


@pytest.mark.parametrize(
    "name, field, value",
    [("refused=0x410", "refusal", Refusal(0x410)), ("response_slow=7", "reply_after_ms", 7)],
)
def test_values_of_outcomes(name, field, value):
    assert getattr(play((name,)).outcome, field) == value


@pytest.mark.parametrize("row", [row for row in SCENARIOS if row.takes], ids=lambda row: row.name)
def test_every_row_that_takes_a_value_takes_it(row):
    usual, other = play((row.name,)), play((f"{row.name}=12345",))
    assert usual.conduct != other.conduct or usual.outcome != other.outcome


@pytest.mark.parametrize("asked", ["nonsense", "black_hole=1", "flapping=soon", "flapping="])
def test_what_is_no_scenario_is_refused_with_words(asked):
    with pytest.raises(UnknownScenario, match=asked.partition("=")[0]):
        play((asked,))


def test_an_outcome_of_the_table_is_a_scenario():
    assert play(("throttled_always",)).outcome.refusal == Refusal(0x58)
