"""Which scenarios are on: for everyone, for one client, for one number. Changed at run time by the HTTP control.

Apart from the center, which tells the links when something changed.
"""

from msgspec import Struct

from whimbrel_sandbox.outcome import ORDINARY, Outcome
from whimbrel_sandbox.scenarios.conduct import GOOD
from whimbrel_sandbox.scenarios.table import BY_NUMBER, NOTHING, Play, UnknownScenario, play


class Staging(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scenarios to put in place of those before: for all, or for one `system_id` beside those for all, or for the
    messages to one `number`. An empty list ends them."""

    scenarios: list[str]
    system_id: str | None = None
    number: str | None = None


class Playing(Struct, frozen=True):
    """What is on."""

    all: tuple[str, ...]
    clients: dict[str, tuple[str, ...]]
    numbers: dict[str, tuple[str, ...]]


class Stage:
    """The scenarios of one simulator. Raises UnknownScenario for names that are none."""

    def __init__(self, names: tuple[str, ...], prefix: str) -> None:
        self._prefix = prefix
        self._first = play(names)
        self._all = self._first
        self._clients: dict[str, tuple[str, ...]] = {}
        self._plays: dict[str, Play] = {}
        self._numbers: dict[str, Play] = {}
        self.has_numbers = False
        """Whether any number but the reserved ones has scenarios: asked for each message."""

    def play_for(self, system_id: str | None) -> Play:
        """What is on for a client, or for a connection whose client is not known yet."""
        return self._plays.get(system_id, self._all) if system_id is not None else self._all

    def outcome_of(self, number: str, otherwise: Outcome) -> Outcome:
        """The outcome of a number, in digits without a plus sign."""
        if number in self._numbers:
            return self._numbers[number].outcome
        prefix = self._prefix
        if number.startswith(prefix) and len(number) == len(prefix) + 4:
            return BY_NUMBER.get(number[len(prefix) :], otherwise)
        return otherwise

    def set(self, staging: Staging, number: str | None) -> None:
        """Put scenarios in place; `number` is that of the staging in digits."""
        names = tuple(staging.scenarios)
        if number is not None:
            self._set_number(number, play(names))
        elif staging.system_id is not None:
            play(names)
            self._clients[staging.system_id] = names
        else:
            self._all = play(names)
        self._clients = {system_id: names for system_id, names in self._clients.items() if names}
        self._plays = {system_id: play((*self._all.names, *own)) for system_id, own in self._clients.items()}

    def playing(self) -> Playing:
        """What is on."""
        numbers = {number: play.names for number, play in self._numbers.items()}
        return Playing(self._all.names, dict(self._clients), numbers)

    def reset(self) -> None:
        """Go back to the scenarios of the start."""
        self._all = self._first
        self._clients.clear()
        self._plays.clear()
        self._numbers.clear()
        self.has_numbers = False

    def _set_number(self, number: str, asked: Play) -> None:
        if asked.conduct != GOOD:
            raise UnknownScenario("a number takes scenarios of submits and receipts, not of links, binds or alphabets")
        self._numbers.pop(number, None)
        if asked is not NOTHING and asked.outcome is not ORDINARY:
            self._numbers[number] = asked
        self.has_numbers = bool(self._numbers)
