"""claim: messages leave the queue for one carrier, with an attempt for each part, before any byte leaves. What is no
longer queued (canceled, expired, claimed before), or whose carrier another node has by now, is left alone.
"""

from collections.abc import Sequence

from whimbrel.domain.positions import day_floor
from whimbrel.domain.states import SENDING
from whimbrel.store.interface import Basis, Claim
from whimbrel.store.script import Each, Many, Query, Row, Rows, Script
from whimbrel.store.verbs.configuration import has_changed
from whimbrel.store.verbs.events import Subject, carrier_data, moved
from whimbrel.store.verbs.leases import lost
from whimbrel.store.verbs.queue import queue_key


def claim(
    claims: Sequence[Claim], basis: Basis | None = None, recipients: Sequence[tuple[str, int]] = ()
) -> Script[list[tuple[int, ...]] | None]:
    """Attempt numbers for each claim, in the order of its parts; empty where nothing was claimed. None: what they were
    decided with has changed for one of the recipients (account and keyed hash of the number)."""
    if (yield from has_changed(basis, recipients)):
        return None
    elsewhere = yield from lost(claims)
    rows: Rows = yield Each(
        "message_sending", [(c.message_id, c.carrier_id, c.at) for c in claims if c.carrier_id not in elsewhere]
    )
    sending = {row[0]: row for row in rows}
    taken = [(claim, sending.pop(claim.message_id)) for claim in claims if claim.message_id in sending]
    if not taken:
        return [()] * len(claims)
    numbers = yield from attempt_numbers([claim for claim, _ in taken])
    attempts: list[Row] = []
    events: list[Row] = []
    for claim_, (message_id, account_id, test, seq, flags, *_) in taken:
        attempts.extend(attempt_rows(claim_, account_id, numbers[message_id]))
        data = carrier_data(claim_.carrier_id)
        events.append(moved(Subject(message_id, account_id, test, seq - 1, flags), SENDING, claim_.at, data))
    yield Many("queue_delete", [queue_key(row[5], row[6], row[7], row[0]) for _, row in taken])
    yield Many("attempt_insert", attempts)
    yield Many("event_insert", events)
    return [numbers.pop(claim.message_id, ()) for claim in claims]


def attempt_numbers(claims: Sequence[Claim]) -> Script[dict[str, tuple[int, ...]]]:
    """New attempt numbers by message, one a part."""
    floor = day_floor(max(claim.at for claim in claims))
    rows: Rows = yield Query("attempts_reserve", (sum(claim.parts for claim in claims), floor))
    free = [row[0] for row in rows]
    numbers: dict[str, tuple[int, ...]] = {}
    start = 0
    for claim in claims:
        numbers[claim.message_id] = tuple(free[start : start + claim.parts])
        start += claim.parts
    return numbers


def attempt_rows(claim: Claim, account_id: str, numbers: tuple[int, ...]) -> list[Row]:
    """Rows for `attempt_insert`."""
    parts, carrier, tail, at = claim.parts, claim.carrier_id, claim.tail_hash, claim.at
    return [
        (number, claim.message_id, account_id, part, parts, carrier, "", "committed", 0, tail, at, 0)
        for part, number in enumerate(numbers, start=1)
    ]
