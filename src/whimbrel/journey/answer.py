"""Answer: what a carrier said to one part, and its way to the store. It is known here only: it is kept until the store
has it, and its place at the carrier is not free before that.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.carriers.interface import Reply
from whimbrel.domain.dialect import IdBase
from whimbrel.domain.model import Carrier
from whimbrel.domain.receipts import carrier_key
from whimbrel.journey.gather import Gatherer
from whimbrel.journey.later import Later
from whimbrel.store.errors import StoreError, StoreStopped
from whimbrel.store.interface import Answer, Store

_log = logging.getLogger("whimbrel.worker")
_RETRY_S: Final = 1.0


class Answers:
    """Those of one carrier. `requeued`: some of them may have put messages into a queue again; `stored`: places became
    free."""

    def __init__(
        self,
        carrier: Carrier,
        *,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        requeued: Callable[[], None],
        stored: Callable[[], None],
    ) -> None:
        self._carrier = carrier
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._requeued = requeued
        self._stored = stored
        self._later = Later(store, metrics, carrier.name)
        self._step = metrics.step.labels("answers")
        self._gatherer: Gatherer[Answer, None] = Gatherer(self._record, overlap=2, limit=1000)
        self.waiting = 0
        """How many are not stored yet."""

    def add(self, replies: Sequence[Reply], base: IdBase) -> None:
        """Store them; `base` is how the carrier writes its ids."""
        now = self._clock.now_us()
        self.waiting += len(replies)
        future = self._gatherer.add([answer_of(self._carrier.id, reply, now, base) for reply in replies])
        future.add_done_callback(lambda _: self._recorded(len(replies)))

    async def handed_over(self) -> None:
        """Those that came before are on their way: what is stored from now on is stored after them."""
        await self._gatherer.handed_over()

    async def drain(self) -> None:
        """Wait until all are stored."""
        await self._gatherer.drain()

    def _recorded(self, count: int) -> None:
        self.waiting -= count
        self._stored()

    async def _record(self, answers: list[Answer]) -> list[None]:
        with self._step.time():
            later = await self._keep(answers)
            if later:
                await self._later.put_off(later, self._clock.now_us())
        kinds = Counter([answer.kind for answer in answers])
        for kind, count in kinds.items():
            self._metrics.answers.labels(self._carrier.name, kind).inc(count)
        if len(kinds) > 1 or "accepted" not in kinds:
            self._requeued()  # in another lane now, or again in this one
        return [None] * len(answers)

    async def _keep(self, answers: Sequence[Answer]) -> Sequence[str]:
        """Until the store takes them. One that it can never take is found by halving, and holds up no other."""
        while True:
            try:
                return await self._store.record_answers(answers)
            except StoreStopped:
                _log.error("answers came after the store was closed", extra={"carrier": self._carrier.name})
            except StoreError:
                _log.exception("answers could not be stored; trying again", extra={"carrier": self._carrier.name})
                await asyncio.sleep(_RETRY_S)
                continue
            except Exception:
                return await self._keep_apart(answers)
            return ()

    async def _keep_apart(self, answers: Sequence[Answer]) -> Sequence[str]:
        if len(answers) > 1:
            middle = len(answers) // 2
            return [*await self._keep(answers[:middle]), *await self._keep(answers[middle:])]
        (answer,) = answers  # its attempt stays without an answer: in doubt from the next start on
        _log.exception("an answer cannot be recorded", extra={"message_id": answer.message_id, "kind": answer.kind})
        return ()


def answer_of(carrier_id: str, reply: Reply, now: int, base: IdBase) -> Answer:
    """What is kept; `base` is how the carrier writes its ids."""
    part, expired = reply.part, reply.kind == "expired"
    carrier_message_id = reply.carrier_message_id
    return Answer(
        attempt=part.attempt,
        message_id=part.message_id,
        carrier_id=carrier_id,
        kind="refused" if expired else reply.kind,
        at=now,
        bind=reply.bind,
        carrier_message_id=carrier_message_id,
        carrier_key=carrier_key(carrier_message_id, base) if carrier_message_id else None,
        status_code=reply.status_code,
        reason="expired" if expired else reply.reason,
        throttled=part.throttled,
        tail_hash=part.tail_hash,
        parts=part.parts,
    )
