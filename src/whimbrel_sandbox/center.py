"""What all parts of a running simulator share: settings, clock, log, counts, clients, and the end of a turn.

Apart so that sessions and the SMSC need not know each other: a session tells the center what changed, and once per
turn of the loop the center hands out deliveries and lets every session write once.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from whimbrel.base.clock import Chance, Clock
from whimbrel_sandbox.esme import Esme
from whimbrel_sandbox.log import Event, EventLog
from whimbrel_sandbox.outcomes import PREFIX
from whimbrel_sandbox.scenarios.table import split
from whimbrel_sandbox.settings import COUNTS, Change, Settings, apply, behaviour
from whimbrel_sandbox.stage import Stage, Staging
from whimbrel_sandbox.wheel import Wheel

# For clients that do not read: after half a second their connections are broken.
_CLOSE_TURNS = 100
_CLOSE_TURN_S = 0.005


class Counts(Struct):
    """Totals since the start or the last reset; `waiting` deliveries are counted when somebody looks."""

    binds: int = 0
    sessions: int = 0
    submits: int = 0
    accepted: int = 0
    refused: int = 0
    responses: int = 0
    receipts_sent: int = 0
    receipts_answered: int = 0
    inbound_sent: int = 0
    inbound_answered: int = 0
    deliveries_again: int = 0
    deliveries_refused: int = 0
    malformed: int = 0
    waiting: int = 0
    first_submit_us: int = 0
    last_submit_us: int = 0


class Link(Protocol):
    """A connection as the center sees it."""

    @property
    def system_id(self) -> str | None:
        """The client, once it is bound."""
        ...

    def write(self, octets: bytes) -> None:
        """Send octets as they stand."""
        ...

    def flush(self) -> None:
        """Write what the turn collected."""
        ...

    def sweep(self, now: float) -> None:
        """Look after timers."""
        ...

    def unbind(self) -> None:
        """Ask the client to go."""
        ...

    def abort(self) -> None:
        """Break the connection."""
        ...

    def close(self) -> None:
        """Write the rest and close."""
        ...

    def reset(self) -> None:
        """Forget which submits wait for their response: the timers that would send it are gone."""
        ...

    def take_conduct(self) -> None:
        """Behave as the stage says now."""
        ...


class Center:
    """The state of one simulator; lives in one event loop."""

    def __init__(self, settings: Settings, clock: Clock, chance: Chance) -> None:
        self.loop = asyncio.get_running_loop()
        self.settings = settings
        self.behaviour = behaviour(settings)
        self.stage = Stage(split(settings.scenario or ""), PREFIX)
        self.chance = chance
        self.now_us = clock.now_us
        self.wheel = Wheel(self.loop)
        self.log = None if settings.log == COUNTS else EventLog(settings.log)
        self.counts = Counts()
        self.links: set[Link] = set()
        self.esmes: dict[str, Esme] = {}
        self._link_count = 0
        self._dirty: list[Link] = []
        self._touched: dict[str, Esme] = {}
        self._turn_is_due = False

    def next_link(self) -> int:
        """The number of a new connection; bind numbers in the log are these."""
        self._link_count += 1
        return self._link_count

    def esme(self, system_id: str) -> Esme:
        """The client with this system_id."""
        esme = self.esmes.get(system_id)
        if esme is None:
            esme = self.esmes[system_id] = Esme(system_id)
            self._direct(esme)
        return esme

    def later(self, delay_ms: float, call: Callable[[Any], None], argument: Any) -> None:
        """Call `call(argument)` after a delay of a scenario, which `time_scale` multiplies."""
        self.wheel.after(delay_ms * self.settings.time_scale, call, argument)

    def note(self, event: Event) -> None:
        """Write an event to the log, when there is one."""
        if self.log is not None:
            self.log.add(event)

    def dirty(self, link: Link) -> None:
        """This connection has something to write at the end of the turn."""
        self._dirty.append(link)
        self._see_to_turn()

    def touched(self, esme: Esme) -> None:
        """This client has something to deliver, or room for more."""
        self._touched[esme.system_id] = esme
        self._see_to_turn()

    def snapshot(self) -> Counts:
        """The counts as they are now."""
        self.counts.sessions = len(self.links)
        self.counts.waiting = sum(len(esme.waiting) + len(esme.elsewhere) for esme in self.esmes.values())
        return self.counts

    def change(self, change: Change) -> None:
        """Change the behaviour; drop or unbind every link when told to."""
        apply(change, self.behaviour)
        for link in list(self.links):
            if change.drop:
                link.abort()
            elif change.unbind:
                link.unbind()
        for esme in self.esmes.values():
            self.touched(esme)

    def restage(self, staging: Staging, number: str | None) -> None:
        """Put other scenarios in place, for new links and those that are up. Raises UnknownScenario."""
        self.stage.set(staging, number)
        self._direct_all()

    def sweep(self) -> None:
        """Let every link look after its timers."""
        now = self.loop.time()
        for link in list(self.links):
            link.sweep(now)

    def reset(self) -> None:
        """Stop what is on its way, go back to the behaviour of the settings, and count from zero."""
        self.wheel.clear()
        for esme in self.esmes.values():
            esme.waiting.clear()
            esme.elsewhere.clear()
            esme.refused.clear()
            esme.lingering = 0
        for link in self.links:
            link.reset()
        self.behaviour = behaviour(self.settings)
        self.stage.reset()
        self._direct_all()
        self.counts = Counts()

    async def close(self) -> None:
        """Tell every client to go, stop the timers, write the rest of the log."""
        self.wheel.clear()
        for link in list(self.links):
            link.unbind()
            link.close()
        for _ in range(_CLOSE_TURNS):
            if not self.links:
                break
            await asyncio.sleep(_CLOSE_TURN_S)
        for link in list(self.links):
            link.abort()
        if self.log is not None:
            self.log.close()

    def _direct_all(self) -> None:
        for esme in self.esmes.values():
            self._direct(esme)
            self.touched(esme)
        for link in list(self.links):
            link.take_conduct()

    def _direct(self, esme: Esme) -> None:
        play = self.stage.play_for(esme.system_id)
        esme.conduct, esme.outcome = play.conduct, play.outcome

    def _see_to_turn(self) -> None:
        if not self._turn_is_due:
            self._turn_is_due = True
            self.loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        touched, self._touched = self._touched, {}
        for esme in touched.values():
            esme.pump()
        dirty, self._dirty = self._dirty, []
        self._turn_is_due = False
        for link in dirty:
            link.flush()
