"""Recovery: attempts that a process committed and did not settle before it ended are in doubt. Looked for when a
carrier gets another owner, before its binds come up, so that receipts find them.
"""

import logging
from collections.abc import Collection, Sequence

from whimbrel.base.clock import Clock
from whimbrel.store.interface import Answer, Owed, Store

_log = logging.getLogger("whimbrel.recovery")
_LIST = 500


async def recover(store: Store, clock: Clock, carrier_id: str) -> None:
    """Of one carrier, which nobody else may submit to any more."""
    await _doubt(store, clock, await store.unanswered(carrier_id))


async def recover_strays(store: Store, clock: Clock, carriers: Collection[str]) -> None:
    """Of carriers that are not there any more."""
    await _doubt(store, clock, [owed for owed in await store.unanswered() if owed.carrier_id not in carriers])


async def _doubt(store: Store, clock: Clock, owed: Sequence[Owed]) -> None:
    now = clock.now_us()
    for start in range(0, len(owed), _LIST):
        await store.record_answers(
            [
                Answer(
                    attempt=attempt.attempt,
                    message_id=attempt.message_id,
                    carrier_id=attempt.carrier_id,
                    kind="in_doubt",
                    at=now,
                    reason="crash",
                    tail_hash=attempt.tail_hash,
                )
                for attempt in owed[start : start + _LIST]
            ]
        )
    if owed:
        _log.warning("attempts of a process that is gone are in doubt", extra={"count": len(owed)})
