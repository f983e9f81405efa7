"""keep, hold, forget: files of an account come, are held by the messages that they are sent in, and go.

Whoever looks at a medium to decide about it locks its row first, and looks for messages with it in a statement after
that: so a message that is being accepted and a deletion never miss each other.
"""

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from whimbrel.base.clock import DAY_US
from whimbrel.domain.media import MediaUse, Medium, Source
from whimbrel.store.script import Many, One, Query, Row, Rows, Script
from whimbrel.store.values import Write

OF_MESSAGE: Final[Source] = "message"
_as_row = msgspec.structs.astuple


def _medium(row: Row) -> Medium:
    columns: Row = (*row[:2], row[2] == 1, *row[3:])
    return Medium(*columns)


def keep(medium: Medium, data: bytes, bytes_max: int, count_max: int, also: Sequence[Write]) -> Script[Medium | None]:
    """The medium as it is kept: another one where the account has these octets already, which then stays as long as
    this one would, and is the account's where this one is. None: the account has as much as it may have. `also`:
    written with one that is new."""
    known = yield from _same(medium)
    if known is not None:
        return known
    used: Rows = yield Query("media_usage", (medium.account_id,))
    size, count = used[0]
    if size + medium.size > bytes_max or count >= count_max:
        return None
    stored: int = yield One("media_insert", _as_row(medium))
    if not stored:  # another node has just stored the same
        return (yield from _same(medium))
    yield One("media_data_insert", (medium.id, medium.account_id, data))
    yield from _also(also)
    return medium


def _also(writes: Sequence[Write]) -> Script[None]:
    for write in writes:
        yield Many(write.statement, write.rows)


def _same(medium: Medium) -> Script[Medium | None]:
    rows: Rows = yield Query("media_same", (medium.account_id, int(medium.test), medium.sha256))
    if not rows:
        return None
    known = _medium(rows[0])
    source = medium.source if known.source == OF_MESSAGE else known.source
    kept = msgspec.structs.replace(known, source=source, expires_at=max(known.expires_at, medium.expires_at))
    if kept != known:
        yield Many("media_until", [(kept.id, kept.expires_at)])
        yield Many("media_came", [(kept.id, kept.source)])
    return kept


def hold(uses: Sequence[MediaUse]) -> Script[frozenset[str]]:
    """Ids of the messages that name a medium which is not there. Media stay as long as the messages that are accepted
    with them ask for, to the day."""
    until: dict[str, int] = {}
    for use in uses:
        until[use.media_id] = max(use.until, until.get(use.media_id, 0))
    rows: Rows = yield Query("media_to_hold", (sorted(until),))
    there = {row[0] for row in rows}
    later = [(id_, until[id_]) for id_, expires_at in rows if expires_at + DAY_US < until[id_]]
    if later:
        yield Many("media_until", later)
    return frozenset(use.message_id for use in uses if use.media_id not in there)


def insert_uses(uses: Sequence[MediaUse], stored: Collection[str]) -> Script[None]:
    """Say which media the messages have that were stored."""
    rows = [(use.message_id, use.place, use.media_id, use.account_id) for use in uses if use.message_id in stored]
    if rows:
        yield Many("message_media_insert", rows)


def forget(media_ids: Sequence[str], also: Sequence[Write]) -> Script[int]:
    """Remove media, also where messages have them; how many. `also`: written where any is gone."""
    locked: Rows = yield Query("media_to_hold", (sorted(media_ids),))
    gone = yield from _remove([row[0] for row in locked])
    if gone:
        yield from _also(also)
    return gone


def _remove(media_ids: list[str]) -> Script[int]:
    if not media_ids:
        return 0
    yield One("media_uses_delete", (media_ids,))
    yield One("media_data_delete", (media_ids,))
    gone: int = yield One("media_delete", (media_ids,))
    return gone


def take_away(message_id: str, media_id: str, also: Sequence[Write]) -> Script[int]:
    """A message loses a medium, which goes where no other message has it. `also`: written where it had it."""
    locked: Rows = yield Query("media_to_hold", ([media_id],))
    gone: int = yield One("message_media_forget", (message_id, media_id))
    if gone and locked:
        yield from _remove_unused([media_id])
    if gone:
        yield from _also(also)
    return gone


def forget_of_messages(message_ids: Sequence[str], *, everything: bool = False) -> Script[None]:
    """What came with these messages, and no other has, goes with them; `everything`: what the account brought by itself
    too."""
    rows: Rows = yield Query("message_media_of", (list(message_ids),))
    if not rows:
        return
    media_ids = sorted(row[0] for row in rows)
    yield Query("media_to_hold", (media_ids,))
    yield One("message_media_delete", (list(message_ids),))
    if not everything:
        came: Rows = yield Query("media_that_came", (media_ids, OF_MESSAGE))
        media_ids = [row[0] for row in came]
    if media_ids:
        yield from _remove_unused(media_ids)


def _remove_unused(media_ids: Sequence[str]) -> Script[None]:
    used: Rows = yield Query("media_in_use", (list(media_ids),))
    yield from _remove([each for each in media_ids if (each,) not in used])


def purge(before: int, limit: int) -> Script[int]:
    """Remove up to `limit` media whose time is over; how many."""
    rows: Rows = yield Query("media_over", (before, limit))
    return (yield from _remove([row[0] for row in rows]))
