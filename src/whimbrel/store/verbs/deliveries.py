"""record_deliveries: what became of a batch of webhook tries, and how far its endpoints have come. advance: what a
follower made of the log, and how far it has come.
"""

from collections.abc import Sequence

import msgspec

from whimbrel.base.ids import WEBHOOK
from whimbrel.store.interface import Deliveries, Write
from whimbrel.store.script import Many, One, Row, Script

_as_row = msgspec.structs.astuple


def record_deliveries(batch: Deliveries) -> Script[None]:
    """A cursor only moves forward, whatever order batches come in."""
    if batch.tries:
        yield Many("delivery_try_insert", [_as_row(item) for item in batch.tries])
    if batch.waits:
        yield Many("delivery_put", [_as_row(item) for item in batch.waits])
    if batch.done:
        yield One("deliveries_done", (list(batch.done),))
    yield from _move_cursors(batch.cursors)
    for write in batch.also:
        yield Many(write.statement, write.rows)


def advance(name: str, start: int, end: int, also: Sequence[Write]) -> Script[bool]:
    """Whether the cursor stood at `start`, is at `end` now, and the rest is written."""
    moved: int = yield One("cursor_move", (name, start, end))
    if not moved:
        return False
    for write in also:
        yield Many(write.statement, write.rows)
    return True


def _move_cursors(cursors: Sequence[Row]) -> Script[None]:
    webhooks = [cursor for cursor in cursors if cursor[0].startswith(WEBHOOK)]
    others = [cursor for cursor in cursors if not cursor[0].startswith(WEBHOOK)]
    if webhooks:
        yield Many("webhook_cursor_set", webhooks)
    if others:
        yield Many("cursor_set", others)
