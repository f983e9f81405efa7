"""Recovery: attempts that a process committed and did not settle before it ended are in doubt. Looked for when a
carrier gets another owner, before its binds come up, so that receipts find them.

Where a process lives and only its claim is unknown (the database was replaced, or hung, in the middle of the commit),
no byte of it left: what turns out to have been committed is taken back, and waits in the queue again.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence

from whimbrel.base.clock import Clock
from whimbrel.store.errors import CommitUnknown, StoreError, StoreStopped
from whimbrel.store.interface import Answer, Owed, Store

_log = logging.getLogger("whimbrel.recovery")
_LIST = 500
_RETRY_S = 1.0


class NotOurs(Exception):
    """Another process may have the carrier by now: what is found may be under way there."""


def _always() -> bool:
    """Of whoever is the only one."""
    return True


async def recover(store: Store, clock: Clock, carrier_id: str, is_ours: Callable[[], bool] = _always) -> None:
    """Of one carrier, which nobody else may submit to any more. NotOurs, and nothing is recorded, when that was not so
    any more once they were read; what was read before is nobody's, however late it is recorded."""
    owed = await store.unanswered(carrier_id)
    if not is_ours():
        raise NotOurs(carrier_id)
    await _doubt(store, clock, owed)


async def recover_strays(store: Store, clock: Clock, carriers: Collection[str]) -> None:
    """Of carriers that are not there any more. `carriers`: those that are, as of now."""
    await _doubt(store, clock, [owed for owed in await store.unanswered() if owed.carrier_id not in carriers])


class Unsent:
    """Claims that nobody can say of whether they were committed. Nothing of them was handed to a carrier."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def take_back(self, claims: Mapping[str, int], error: CommitUnknown) -> None:
        """What turns out to be committed of these claims waits in the queue again. `claims`: by message the moment of
        the claim; a later one of the same message, here or at another node, may be on the wire."""
        task = asyncio.get_running_loop().create_task(self._take_back(claims, error))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_back(self, claims: Mapping[str, int], error: CommitUnknown) -> None:
        await error.decided()
        while True:
            try:
                found = await self._store.unanswered()
                owed = [each for each in found if claims.get(each.message_id) == each.committed_at]
                await _record(self._store, self._clock, owed, "withdrawn", "not_sent")
            except StoreStopped:
                return
            except StoreError:
                await asyncio.sleep(_RETRY_S)
                continue
            _log.warning("claims that may have been lost were looked for", extra={"taken_back": len(owed)})
            return


async def _doubt(store: Store, clock: Clock, owed: Sequence[Owed]) -> None:
    await _record(store, clock, owed, "in_doubt", "crash")
    if owed:
        _log.warning("attempts of a process that is gone are in doubt", extra={"count": len(owed)})


async def _record(store: Store, clock: Clock, owed: Sequence[Owed], kind: str, reason: str) -> None:
    now = clock.now_us()
    for start in range(0, len(owed), _LIST):
        await store.record_answers(
            [
                Answer(
                    attempt=attempt.attempt,
                    message_id=attempt.message_id,
                    carrier_id=attempt.carrier_id,
                    kind=kind,
                    at=now,
                    reason=reason,
                    tail_hash=attempt.tail_hash,
                )
                for attempt in owed[start : start + _LIST]
            ]
        )
