"""All scenarios by name and by number, and what several of them make together."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from whimbrel_sandbox.outcome import ORDINARY, Outcome, Refusal
from whimbrel_sandbox.outcomes import BY_NUMBER as _RESERVED
from whimbrel_sandbox.outcomes import OUTCOMES
from whimbrel_sandbox.scenarios.conduct import GOOD, Conduct, Scenario, Where
from whimbrel_sandbox.scenarios.dialects import DIALECTS
from whimbrel_sandbox.scenarios.inbound import INBOUND
from whimbrel_sandbox.scenarios.links import BINDS, LINKS
from whimbrel_sandbox.scenarios.receipts import RECEIPTS
from whimbrel_sandbox.scenarios.submits import SUBMITS

SCENARIOS: tuple[Scenario, ...] = (*LINKS, *BINDS, *SUBMITS, *RECEIPTS, *DIALECTS, *INBOUND)
"""Every row. The outcomes of the reserved numbers are scenarios too, under their own names."""

BY_NUMBER = {**_RESERVED, **{row.number: row.outcome for row in SCENARIOS if row.number}}
"""Outcomes by the last four digits of their number."""

_BY_NAME = {row.name: Scenario(row.name, Where.SUBMIT, row.about, outcome=row) for row in OUTCOMES} | {
    row.name: row for row in SCENARIOS
}
_NAMES = frozenset({"number", "name", "about"})


class UnknownScenario(ValueError):
    """A name that no row has, or a value that it does not take."""


class Play(Struct, frozen=True):
    """What scenarios make together; `names` are as they were asked for."""

    names: tuple[str, ...] = ()
    conduct: Conduct = GOOD
    outcome: Outcome = ORDINARY


NOTHING = Play()


def play(names: tuple[str, ...]) -> Play:
    """Scenarios together, each `name` or `name=value`: where two change the same, the later one counts."""
    conduct, outcome = GOOD, ORDINARY
    for asked in names:
        row = _found(asked)
        conduct = _merged(conduct, row.conduct)
        changes = _changes(row.outcome, ORDINARY)
        if changes:
            outcome = replace(outcome, name=row.name, about=row.about, **changes)
    return Play(names, conduct, outcome)


def _merged(conduct: Conduct, more: Conduct) -> Conduct:
    """Commands without an answer are those of both; else the later value counts."""
    changes = _changes(more, GOOD)
    for name, value in changes.items():
        if isinstance(value, frozenset):
            changes[name] = value | getattr(conduct, name)
    return replace(conduct, **changes) if changes else conduct


def split(words: str) -> tuple[str, ...]:
    """The names in `NAME[,NAME…]`."""
    return tuple(word.strip() for word in words.split(",") if word.strip())


def _found(asked: str) -> Scenario:
    name, has_value, value = asked.partition("=")
    row = _BY_NAME.get(name)
    if row is None:
        raise UnknownScenario(f"{name} is no scenario; docs/sandbox.md lists them, and so does GET /scenarios")
    if not has_value:
        return row
    if not row.takes:
        raise UnknownScenario(f"{name} takes no value")
    try:
        number = int(value, 0)
    except ValueError:
        raise UnknownScenario(f"{name} takes a whole number, not {value!r}") from None
    if row.takes == "refusal":
        return replace(row, outcome=replace(row.outcome, refusal=Refusal(number)))
    if row.takes in Conduct.__struct_fields__:
        return replace(row, conduct=replace(row.conduct, **{row.takes: number}))
    return replace(row, outcome=replace(row.outcome, **{row.takes: number}))


def _changes(changed: Struct, from_: Struct) -> dict[str, Any]:
    values = {name: getattr(changed, name) for name in changed.__struct_fields__ if name not in _NAMES}
    return {name: value for name, value in values.items() if value != getattr(from_, name)}
