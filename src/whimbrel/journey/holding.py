"""Holding: what waits for a place on its carrier and may not be sent any more just now, because its recipient's quiet
hours began or a person got enough meanwhile, goes back to the schedule until it may be; what would be over by then
ends. It looks at marketing only, and reads the database, once for a list, only where a limit concerns a message.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.domain import numbers
from whimbrel.domain.frequency import Send
from whimbrel.domain.model import MARKETING, Flag
from whimbrel.domain.quiet_hours import MINUTE_US
from whimbrel.domain.states import EXPIRED, QUEUED, REJECTED
from whimbrel.journey.plan import Wait
from whimbrel.journey.recent import Queued
from whimbrel.journey.restraint import CAPPED, Restraint, answer, calendar_of, data_of, settle, wish_of
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Ending, Moved, PutOff, Store

AHEAD_US: Final = MINUTE_US
"""What is claimed leaves within this time: hours that end sooner have ended."""
_LATE_US: Final = MINUTE_US  # what leaves later than that after it was due counts anew
_OPTIONS: Final = ('"quiet_hours"', '"zone"')

_People = dict[tuple[str, int, int], tuple[int, list[Send]]]


class Held(NamedTuple):
    """What is to become of messages that may not be sent."""

    put_off: list[PutOff]
    endings: list[Ending]
    moves: list[Moved]
    ids: set[str]


class Holding:
    """Decides on lists of queued messages of one node, in the order of their classes."""

    def __init__(self, store: Store, tables: Tables, clock: Clock, vault: Vault, metrics: Metrics) -> None:
        self._store = store
        self._tables = tables
        self._clock = clock
        self._metrics = metrics
        self._restraint = Restraint(store, tables, vault)

    async def again(self, waiting: list[Queued]) -> tuple[list[Queued], bool]:
        """Those that may be sent now, and whether any may not, which then wait elsewhere."""
        now = self._clock.now_us()
        marketing = [message for message in waiting if message.priority == MARKETING and message.expires_at > now]
        people = await self._people(marketing)
        held = self._held(marketing, people, now)
        if held.put_off or held.endings:
            await self._tables.current()
            held = self._held(marketing, people, now)
        if held.moves:
            await self._store.move_counted(held.moves)
        if held.put_off:
            await self._store.put_off(held.put_off)
        if held.endings:
            await self._store.finish(held.endings)
        for item in held.put_off:
            self._metrics.put_off.labels(item.reason).inc()
        return [message for message in waiting if message.id not in held.ids], bool(held.ids)

    async def _people(self, marketing: Sequence[Queued]) -> _People:
        keys = {(m.account_id, test, m.recipient_hash) for m in marketing if m.flags & Flag.COUNTED for test in (0, 1)}
        return await self._store.counted(keys) if keys else {}

    def _held(self, marketing: Sequence[Queued], people: _People, now: int) -> Held:
        held = Held([], [], [], set())
        for message in marketing:
            self._look(message, people, now, held)
        return held

    def _look(self, message: Queued, people: _People, now: int, held: Held) -> None:
        number = numbers.normalise(message.recipient)
        if number is None:
            return
        wish, zone = wish_of(message.options) if any(name in message.options for name in _OPTIONS) else (None, None)
        answers = answer(self._tables, message.account_id, wish)
        calendar = calendar_of(self._tables, message.account_id, number, zone, answers)
        sends = self._others(message, people, now)
        limits = [] if sends is None else self._restraint.limits(message.account_id, number, message.sender, answers)
        begins = now
        if calendar is not None and calendar.is_open(now) and not calendar.is_open(now + AHEAD_US):
            begins = now + AHEAD_US
        due, wait = settle(calendar, limits, sends or [], begins)
        if wait is None:
            if sends is not None and now - message.due_at > _LATE_US:
                held.moves.append(Moved(message.id, now))
            return
        held.ids.add(message.id)
        refuses = self._tables.policies.of(message.account_id).on_cap if wait.reason == CAPPED else answers
        if refuses == "refuse":
            held.endings.append(Ending(message.id, (QUEUED,), REJECTED, wait.reason, now))
        elif due is None or due >= message.expires_at:
            held.endings.append(Ending(message.id, (QUEUED,), EXPIRED, wait.reason, now))
        else:
            told = data_of(Wait(wait.reason, wait.rule, due))
            held.put_off.append(PutOff(message.id, due, wait.reason, told, now))

    def _others(self, message: Queued, people: _People, now: int) -> list[Send] | None:
        """The other messages to the same person that came before it; None where it is not counted."""
        for test in (0, 1):
            _, sends = people.get((message.account_id, test, message.recipient_hash), (0, []))
            others = [send for send in sends if send.message_id != message.id]
            if len(others) < len(sends):
                return [send for send in others if send.at <= now]
        return None
