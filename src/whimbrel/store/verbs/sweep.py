"""The sweep's writes: scheduled messages that fall due enter the queue; what is older than its retention goes."""

from collections.abc import Mapping, Sequence

import msgspec

from whimbrel.base.clock import DAY_US
from whimbrel.base.ids import MESSAGE, floor_id
from whimbrel.domain.states import QUEUED, REJECTED, SCHEDULED
from whimbrel.store.interface import Due, Ending
from whimbrel.store.script import Many, One, Query, Row, Rows, Script
from whimbrel.store.verbs import campaigns, media
from whimbrel.store.verbs.erase import remove
from whimbrel.store.verbs.events import Subject, event_data, moved
from whimbrel.store.verbs.finish import finish
from whimbrel.store.verbs.ledger import Entry, hold, release
from whimbrel.store.verbs.queue import queue_key

PURGES = {
    "dead": "deliveries_purge",
    "events": "events_purge",
    "frequency": "frequency_purge",
    "hook_calls": "hook_calls_purge",
    "hook_latest": "hook_latest_purge",
    "hook_outcomes": "hook_outcomes_purge",
    "hook_payloads": "hook_payloads_purge",
    "idempotency": "idempotency_purge",
    "link_clicks": "link_clicks_purge",
    "link_conversions": "link_conversions_purge",
    "links": "links_purge",
    "mailbox_mails": "mailbox_mails_purge",
    "opt_out_changes": "opt_out_changes_purge",
    "owed": "smpp_owed_purge",
    "parked": "parked_receipts_purge",
    "seen": "inbound_seen_purge",
    "tries": "delivery_tries_purge",
    "usage_days": "usage_purge",
    "usage_hours": "usage_purge",
}
"""Kinds of rows with a retention, beside `messages`, and the statement that removes the oldest of them."""
_PERIODS = {"usage_days": (24,), "usage_hours": (1,)}
"""Figures of one table, by the hours of their periods."""


class _Waiting(msgspec.Struct, frozen=True, gc=False):
    """Columns of `messages_to_enqueue`, and with the last two of `messages_to_reroute`."""

    id: str
    account_id: str
    test: int
    seq: int
    flags: int
    held_micros: int
    priority: int
    due_at: int
    expires_at: int
    candidates: str = ""
    rank: int = 0


def enqueue(due: Sequence[Due]) -> Script[None]:
    """Scheduled messages enter the queue, and queued ones another lane, with the route and price of now. A lower price
    gives the difference back; a higher one is held too, and where the balance does not cover it the message is
    rejected."""
    ids = [item.message_id for item in due]
    of_campaigns = [item.message_id for item in due if item.of_campaign]
    kept_back = (yield from campaigns.fall_due(of_campaigns, due[0].at)) if of_campaigns else ()
    if kept_back:
        ids = [id_ for id_ in ids if id_ not in kept_back]
    scheduled = _by_id((yield Query("messages_to_enqueue", (ids,))))
    queued = _by_id((yield Query("messages_to_reroute", (ids,)))) if len(scheduled) < len(ids) else {}
    found = scheduled | queued
    ready = [(item, found.pop(item.message_id)) for item in due if item.message_id in found]
    uncovered = yield from _settle_difference(ready)
    if uncovered:
        poor = [item for item, _ in ready if item.message_id in uncovered]
        states = (SCHEDULED, QUEUED)
        yield from finish([Ending(d.message_id, states, REJECTED, "insufficient_balance", d.at) for d in poor])
        ready = [(item, message) for item, message in ready if item.message_id not in uncovered]
    entering = [(item, message) for item, message in ready if message.id in scheduled]
    moving = [(item, message) for item, message in ready if message.id in queued]
    if entering:
        yield from _enter(entering)
        if of_campaigns:
            yield Many("campaign_recipient_state", [(m.id, QUEUED) for item, m in entering if item.of_campaign])
    if moving:
        yield from _change_lane(moving)


def purge(before_us: Mapping[str, int], limit: int) -> Script[int]:
    """Remove up to `limit` rows of each kind given (`messages`, `bare_messages` whose attempts go by themselves,
    `media`, or one of `PURGES`); how many. Events go with their messages only where they would be kept for longer."""
    removed = 0
    for kind, before in before_us.items():
        if kind in ("messages", "bare_messages"):
            rows: Rows = yield Query("messages_old", (floor_id(MESSAGE, before), limit))
            yield One("conversation_notes_purge", (floor_id(MESSAGE, before), limit))  # of those that go next
            yield One("conversations_purge", (floor_id(MESSAGE, before), limit))
            yield One("conversation_days_purge", (before // DAY_US,))
            yield One("flow_steps_purge", (before, limit))  # of the runs that go next
            yield One("flow_runs_purge", (before, limit))
            events_outlive = before_us.get("events", 0) < before
            yield from remove(rows, attempts=kind == "messages", events=events_outlive)
            removed += len(rows)
        elif kind == "media":
            removed += yield from media.purge(before, limit)
        else:
            count: int = yield One(PURGES[kind], (before, limit, *_PERIODS.get(kind, ())))
            removed += count
    return removed


def _by_id(rows: Rows) -> dict[str, _Waiting]:
    return {row[0]: _Waiting(*row) for row in rows}


def _settle_difference(ready: Sequence[tuple[Due, _Waiting]]) -> Script[frozenset[str]]:
    cheaper: list[Entry] = []
    dearer: list[Entry] = []
    for item, message in ready:
        difference = _to_hold(item, message) - message.held_micros
        (dearer if difference > 0 else cheaper).append(Entry(message.account_id, message.id, abs(difference), item.at))
    yield from release(cheaper)
    return (yield from hold(dearer))


def _to_hold(item: Due, message: _Waiting) -> int:
    return 0 if message.test else item.price_micros


def _enter(ready: Sequence[tuple[Due, _Waiting]]) -> Script[None]:
    yield Many("message_enqueue", [_message(item, message) for item, message in ready])
    yield Many("schedule_delete", [(message.due_at, message.id) for _, message in ready])
    yield Many("queue_insert", [_place(item, message) for item, message in ready])
    yield Many("event_insert", [_event(item, message) for item, message in ready])


def _change_lane(ready: Sequence[tuple[Due, _Waiting]]) -> Script[None]:
    """No event: it is queued as before, and the next one tells its carrier."""
    yield Many("message_reroute", [_message(item, message) for item, message in ready])
    yield Many("queue_delete", [queue_key(m.candidates, m.priority, m.rank, m.id) for _, m in ready])
    yield Many("queue_insert", [_place(item, message) for item, message in ready])


def _message(item: Due, message: _Waiting) -> Row:
    held = _to_hold(item, message)
    return (message.id, item.candidates, item.route_id, item.price_micros, held, item.rank, item.at)


def _place(item: Due, message: _Waiting) -> Row:
    return (*queue_key(item.candidates, message.priority, item.rank, message.id), message.expires_at)


def _event(item: Due, message: _Waiting) -> Row:
    subject = Subject(message.id, message.account_id, message.test, message.seq, message.flags)
    return moved(subject, QUEUED, item.at, event_data(route_id=item.route_id))
