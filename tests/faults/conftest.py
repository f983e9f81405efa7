"""Collects the rounds of a run and prints them as a table at its end."""

from statistics import median

import pytest

from .rounds import Played

_ROUNDS = pytest.StashKey[list[Played]]()
_FIGURES = ("messages", "doubted", "in_doubt", "lost", "twice", "retold", "replayed")
_HEAD = ("where", "rounds", "in flight min/med", *(f.replace("_", " ") for f in _FIGURES))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> list[Played]:
    """The counted rounds of the whole run; a test adds its own."""
    return request.config.stash.setdefault(_ROUNDS, [])


def _row(name: str, rounds: list[Played]) -> tuple[str, ...]:
    flights = [each.verdict.in_flight for each in rounds]
    verdicts = [each.verdict for each in rounds]
    sums = (sum(getattr(verdict, figure) for verdict in verdicts) for figure in _FIGURES)
    return (name, str(len(rounds)), f"{min(flights)} / {median(flights):.0f}", *map(str, sums))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """doubted: in doubt for a while; in doubt: at the end, never at the carrier, and shown so; retold: events that came
    again under their id; replayed: requests answered from the store."""
    found = config.stash.get(_ROUNDS, [])
    if not found:
        return
    names = list(dict.fromkeys(each.scenario.name for each in found))
    table = [_HEAD, *(_row(name, [each for each in found if each.scenario.name == name]) for name in names)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
    terminalreporter.section("fault rounds")
    for row in table:
        terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
