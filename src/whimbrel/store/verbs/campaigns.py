"""Campaigns stop and go on: what of one waits in the queues leaves them in the very commit that says so. So whatever a
worker has read of a queue a moment before, its claim comes after that commit and finds nothing, or before it.

A campaign has few messages in the queues at a time (`limits.CAMPAIGN_AHEAD`), so that this is one short commit. What is
scheduled (it waits for the end of quiet hours) may be everybody, and so may be what is queued in the morning: what is
more than one commit takes is taken in further ones (`clearing` of the row says that there may be more), and what falls
due of a campaign that rests or is over enters no queue (`fall_due`, under the lock of the campaign's row).
"""

from collections.abc import Sequence

from whimbrel.domain.states import CANCELABLE, CANCELED, QUEUED, SCHEDULED
from whimbrel.store.interface import Ending, Write
from whimbrel.store.script import Many, One, Query, Rows, Script
from whimbrel.store.verbs import frequency
from whimbrel.store.verbs.events import Subject, moved
from whimbrel.store.verbs.finish import finish
from whimbrel.store.verbs.queue import queue_key

PARKED = "parked"
"""The state of a recipient whose message waits for its campaign, and for no time."""
_PAGE = 5_000


def pause_campaign(only: Write, also: Sequence[Write], campaign_id: str, at: int) -> Script[bool]:
    """Pause it, if the row of `only` changes; whether it did. Its queued messages wait for it."""
    if not (yield from _begun(only, also)):
        return False
    yield from _rest(campaign_id, at, _PAGE)
    return True


def park_campaign(campaign_id: str, at: int, limit: int) -> Script[int]:
    """What is still queued of one that is paused waits for it, some of it; how many there were."""
    resting: Rows = yield Query("campaigns_resting", (campaign_id,))
    return (yield from _rest(campaign_id, at, limit)) if resting else 0


def _rest(campaign_id: str, at: int, limit: int) -> Script[int]:
    ids = yield from _queued(campaign_id, limit)
    rows: Rows = (yield Query("messages_to_finish", (ids,))) if ids else []
    queued = [row for row in rows if row[3] == QUEUED]
    if queued:
        yield Many("queue_delete", [queue_key(row[8], row[9], row[10], row[0]) for row in queued])
        yield from _park([Subject(row[0], row[1], row[2], row[4], row[5]) for row in queued], at)
    return len(ids)


def resume_campaign(only: Write, also: Sequence[Write], campaign_id: str, at: int) -> Script[bool]:
    """Let it go on, if the row of `only` changes; whether it did. What waited for it falls due now: the sweep takes it
    as it takes whatever falls due, with consent, route and price of now."""
    if not (yield from _begun(only, also)):
        return False
    yield from unpark_campaign(campaign_id, at)
    return True


def unpark_campaign(campaign_id: str, at: int) -> Script[int]:
    """Some of what waited for it falls due now; how many there were."""
    ids = yield from _waiting(campaign_id, PARKED, _PAGE)
    rows: Rows = (yield Query("messages_to_finish", (ids,))) if ids else []
    parked = [row[0] for row in rows if row[3] == SCHEDULED]
    if parked:
        yield Many("message_unpark", [(id_, at) for id_ in parked])
        yield Many("schedule_insert", [(at, id_) for id_ in parked])
        yield Many("campaign_recipient_state", [(id_, SCHEDULED) for id_ in parked])
    return len(parked)


def fall_due(ids: Sequence[str], at: int) -> Script[frozenset[str]]:
    """Which of these messages of campaigns, whose time has come, enter no queue: their campaign rests, and they wait
    for it; or it is over, and they are canceled."""
    rows: Rows = yield Query("campaigns_of_due", (ids,))
    resting = {row[0] for row in rows if row[1] == "paused"}
    over = {row[0] for row in rows if row[1] == "canceled"}
    found: Rows = (yield Query("messages_to_finish", (sorted(resting),))) if resting else []
    parked = [row for row in found if row[3] == SCHEDULED]
    if parked:
        yield Many("schedule_delete", [(row[11], row[0]) for row in parked])
        yield from _park([Subject(row[0], row[1], row[2], row[4], row[5]) for row in parked], at)
    yield from _cancel(sorted(over), at)
    if over:
        yield Many("campaign_recipient_state", [(id_, CANCELED) for id_ in sorted(over)])
    return frozenset(resting | over)


def cancel_campaign(only: Write, also: Sequence[Write], campaign_id: str, at: int) -> Script[bool]:
    """End it, if the row of `only` changes; whether it did. What waits in the queues is canceled."""
    yield from frequency.lock((yield from _still(campaign_id)))  # accept too has counters first, and then the campaign
    if not (yield from _begun(only, also)):
        return False
    ids = yield from _still(campaign_id)
    yield from _cancel(ids, at)
    return True


def clear_campaign(campaign_id: str, at: int, limit: int) -> Script[int]:
    """Cancel some of what waits of one that is over, what is queued first; how many there were."""
    ids = yield from _queued(campaign_id, limit)
    for state in () if ids else (SCHEDULED, PARKED):
        ids = ids or (yield from _waiting(campaign_id, state, limit))
    yield from _cancel(ids, at)
    if ids:
        yield Many("campaign_recipient_state", [(id_, CANCELED) for id_ in ids])
    return len(ids)


def _begun(only: Write, also: Sequence[Write]) -> Script[bool]:
    changed: int = yield One(only.statement, only.rows[0])
    for write in also if changed else ():
        yield Many(write.statement, write.rows)
    return bool(changed)


def _waiting(campaign_id: str, state: str, limit: int) -> Script[list[str]]:
    rows: Rows = yield Query("campaign_recipients_in", (campaign_id, state, limit))
    return [row[0] for row in rows]


def _queued(campaign_id: str, limit: int) -> Script[list[str]]:
    rows: Rows = yield Query("campaign_recipients_queued", (campaign_id, limit))
    return [row[0] for row in rows]


def _still(campaign_id: str) -> Script[list[str]]:
    """Of which messages wait, by what is known of them: one may have just been put off."""
    return [*(yield from _waiting(campaign_id, QUEUED, _PAGE)), *(yield from _waiting(campaign_id, PARKED, _PAGE))]


def _park(subjects: Sequence[Subject], at: int) -> Script[None]:
    yield Many("message_park", [(subject.id, at) for subject in subjects])
    yield Many("event_insert", [moved(subject, SCHEDULED, at) for subject in subjects])
    yield Many("campaign_recipient_state", [(subject.id, PARKED) for subject in subjects])


def _cancel(ids: Sequence[str], at: int) -> Script[None]:
    if ids:
        yield from finish([Ending(id_, tuple(CANCELABLE), CANCELED, "canceled", at) for id_ in ids])
