"""Asking carriers what became of messages before they are given up: those that were taken, of which no receipt came by
the deadline, at carriers whose query_sm can be trusted. An answer goes the way of a receipt. An attempt whose answer
was lost has no id to ask by, and is not asked after.

The sweep asks the carriers that its own node has. Those of others are asked by their owners, who look some seconds
ahead for deadlines of theirs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.carriers.interface import CarrierLink, Question, Report
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.model import Attempt, Message
from whimbrel.domain.positions import floor_of_messages
from whimbrel.domain.states import IN_DOUBT, SENT
from whimbrel.journey.worker import Lane
from whimbrel.store.interface import Store

_log = logging.getLogger("whimbrel.asking")
_SETTLED = frozenset({"refused", "resolved"})
_EVERY_S: Final = 4.0
AHEAD_US: Final = 20 * SECOND_US
"""A deadline is set so far ahead where a carrier of another node is to be asked first."""
_LIST: Final = 500


class Asking:
    """Asks in lists, one for each carrier."""

    def __init__(
        self,
        *,
        store: Store,
        lane_of: Callable[[str], Lane | None],
        take: Callable[[str, Sequence[Report]], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """`take` stores reports of a carrier."""
        self._store = store
        self._lane_of = lane_of
        self._take = take
        self._clock = clock
        self._asked: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Ask ahead of deadlines."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def ahead(self) -> None:
        """Once, of messages whose deadline is near and whose carriers this node has."""
        near = await self._store.overdue(self._clock.now_us() + AHEAD_US, _LIST)
        new = [m for m in near if m.state in (IN_DOUBT, SENT) and m.id not in self._asked]
        await self.after(new)
        self._asked = {message.id for message in near}

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.ahead()
            except Exception:
                _log.exception("carriers could not be asked; trying again")

    async def after(self, messages: Sequence[Message]) -> bool:
        """Whether any carrier said something of these messages; it is stored then."""
        questions: dict[str, list[Question]] = {}
        for message in messages:
            lane = self._lane_of(message.carrier_id or "")
            if lane is not None and _answers_questions(lane.link):
                questions.setdefault(lane.carrier.id, []).extend(await self._questions(message, lane.carrier.id))
        found = [await self._ask(carrier_id, asked) for carrier_id, asked in questions.items() if asked]
        return any(found)

    async def _questions(self, message: Message, carrier_id: str) -> list[Question]:
        floor = floor_of_messages([message.id])
        attempts = await self._store.fetch(Attempt, "attempts_of_message", message.id, floor)
        return [
            Question(attempt.carrier_message_id, message.sender, message.recipient)
            for attempt in attempts
            if attempt.carrier_id == carrier_id and attempt.carrier_message_id and attempt.state not in _SETTLED
        ]

    async def _ask(self, carrier_id: str, questions: list[Question]) -> bool:
        lane = self._lane_of(carrier_id)
        reports = await lane.link.query(questions) if lane is not None else []
        if reports:
            await self._take(carrier_id, reports)
        return bool(reports)


def _answers_questions(link: CarrierLink) -> bool:
    """Whether the carrier can be asked about a message, and be trusted."""
    return isinstance(link.settings, CarrierSettings) and link.settings.query_sm
