"""Asking carriers what became of messages before they are given up: those that were taken, of which no receipt came by
the deadline, at carriers whose query_sm can be trusted. An answer goes the way of a receipt. An attempt whose answer
was lost has no id to ask by, and is not asked after.
"""

from collections.abc import Awaitable, Callable, Sequence

from whimbrel.carriers.interface import Question, Report
from whimbrel.domain.model import Attempt, Message
from whimbrel.domain.positions import floor_of_messages
from whimbrel.journey.worker import Lane
from whimbrel.store.interface import Store

_SETTLED = frozenset({"refused", "resolved"})


class Asking:
    """Asks in lists, one for each carrier."""

    def __init__(
        self,
        *,
        store: Store,
        lane_of: Callable[[str], Lane | None],
        take: Callable[[str, Sequence[Report]], Awaitable[None]],
    ) -> None:
        """`take` stores reports of a carrier."""
        self._store = store
        self._lane_of = lane_of
        self._take = take

    async def after(self, messages: Sequence[Message]) -> bool:
        """Whether any carrier said something of these messages; it is stored then."""
        questions: dict[str, list[Question]] = {}
        for message in messages:
            lane = self._lane_of(message.carrier_id or "")
            if lane is not None and lane.link.settings.query_sm:
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
