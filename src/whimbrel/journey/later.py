"""Later: a carrier takes no more of a sender today, and no other carrier of the route is left. Such a message waits for
the morning where its recipient lives; what would be over by then ends.
"""

import logging
from collections.abc import Sequence

from whimbrel.base.metrics import Metrics
from whimbrel.domain.daily_caps import next_morning
from whimbrel.domain.model import Message
from whimbrel.domain.refusals import DAILY_CAP
from whimbrel.domain.states import EXPIRED, QUEUED
from whimbrel.journey.plan import Wait
from whimbrel.journey.restraint import data_of, wish_of
from whimbrel.store.interface import Ending, PutOff, Store

_log = logging.getLogger("whimbrel.worker")


class Later:
    """What waits for tomorrow. A message that is claimed again before it is put off is refused again, and not lost."""

    def __init__(self, store: Store, metrics: Metrics, carrier: str) -> None:
        self._store = store
        self._metrics = metrics
        self._carrier = carrier

    async def put_off(self, ids: Sequence[str], now: int) -> None:
        """Messages that are queued for this carrier, which has just refused them for today. What fails is told, and
        the messages are queued as they were."""
        try:
            await self._put_off(await self._store.messages(ids), now)
        except Exception:
            _log.exception("messages could not be put off", extra={"carrier": self._carrier, "count": len(ids)})

    async def _put_off(self, messages: Sequence[Message], now: int) -> None:
        put_off: list[PutOff] = []
        endings: list[Ending] = []
        for message in messages:
            due = _due(message, now)
            if due < message.expires_at:
                told = data_of(Wait(DAILY_CAP, self._carrier, due))
                put_off.append(PutOff(message.id, due, DAILY_CAP, told, now))
            else:
                endings.append(Ending(message.id, (QUEUED,), EXPIRED, DAILY_CAP, now))
        if put_off:
            self._metrics.put_off.labels(DAILY_CAP).inc(await self._store.put_off(put_off))
        if endings:
            await self._store.finish(endings)


def _due(message: Message, now: int) -> int:
    try:
        _, zone = wish_of(message.options)
        return next_morning(message.recipient, now, zone)
    except (ValueError, KeyError):  # a zone that this machine does not know (any more)
        return next_morning(message.recipient, now)
