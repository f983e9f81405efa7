"""Collects the rounds of a run and prints them as a table at its end, also where several processes played them."""

from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest

from .rounds import Played

_PROPERTY = "fault round"
_FIGURES = ("messages", "doubted", "in_doubt", "lost", "twice", "retold", "replayed")
_HEAD = ("where", "rounds", "in flight min/med", *(f.replace("_", " ") for f in _FIGURES))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Iterator[list[Played]]:
    """The counted rounds of a test, which adds them."""
    played: list[Played] = []
    yield played
    request.node.user_properties.extend((_PROPERTY, _figures(each)) for each in played)


def _figures(played: Played) -> dict[str, Any]:
    verdict = played.verdict
    figures = {figure: getattr(verdict, figure) for figure in _FIGURES}
    return {"where": played.scenario.name, "in flight": verdict.in_flight, **figures}


def _row(name: str, rounds: list[dict[str, Any]]) -> tuple[str, ...]:
    flights = [each["in flight"] for each in rounds]
    sums = (sum(each[figure] for each in rounds) for figure in _FIGURES)
    return (name, str(len(rounds)), f"{min(flights)} / {median(flights):.0f}", *map(str, sums))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """doubted: in doubt for a while; in doubt: at the end, never at the carrier, and shown so; retold: events that came
    again under their id; replayed: requests answered from the store."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    ended = [report for report in reports if getattr(report, "when", "") == "teardown"]
    found = [value for report in ended for name, value in report.user_properties if name == _PROPERTY]
    if not found:
        return
    names = list(dict.fromkeys(each["where"] for each in found))
    table = [_HEAD, *(_row(name, [each for each in found if each["where"] == name]) for name in names)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
    terminalreporter.section("fault rounds")
    for row in table:
        terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
