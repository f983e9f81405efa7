"""What changes with a verification, as writes of one commit: the turn of its number, its row, its event, what is
counted. No code and no number stands in an event.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.domain.verify import (
    APPROVED,
    CANCELED,
    EXPIRED,
    FAILED,
    PENDING,
    SLOT_US,
    SPENT,
    NumberState,
    SendAttempt,
    Status,
    Verification,
)
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

STARTED: Final = "verification.started"
FALLBACK: Final = "verification.fallback"
IN_DOUBT: Final = "verification.in_doubt"
_EVENTS: Final = {
    PENDING: STARTED,
    APPROVED: "verification.approved",
    SPENT: "verification.failed",
    FAILED: "verification.failed",
    EXPIRED: "verification.expired",
    CANCELED: "verification.canceled",
}
_encode = msgspec.json.Encoder().encode


class _Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an event tells of a verification."""

    verification_id: str
    service_id: str
    status: str
    channel: str
    country: str
    sends: int
    checks: int
    reason: str = ""


class _AttemptFacts(msgspec.Struct, frozen=True):
    """What an event tells of an attempt."""

    verification_id: str
    attempt_id: str
    service_id: str
    channel: str
    reason: str


def turn(row: Verification, state: NumberState, now: int) -> Write:
    """The number's next state, where the one before it stands."""
    return _turn(row.account_id, row.test, row.number_hash, state, now)


def nobody(account_id: str, test: bool, state: NumberState, now: int) -> Write:
    """The same where there is no verification: a guess costs as much then."""
    return _turn(account_id, test, 0, msgspec.structs.replace(state, version=state.version + 1), now)


def _turn(account_id: str, test: bool, number_hash: int, state: NumberState, now: int) -> Write:
    failures, sends = _encode(state.failures).decode(), _encode(state.sends).decode()
    return Write("verify_number_turn", ((account_id, int(test), number_hash, state.version, failures, sends, now),))


def attempt(row: Verification, id_: str, now: int) -> SendAttempt:
    """An attempt at bringing the code by the channel that the row names."""
    return SendAttempt(
        id=id_,
        account_id=row.account_id,
        test=row.test,
        service_id=row.service_id,
        verification_id=row.id,
        channel=row.channel,
        message_id=None,
        country=row.country,
        prefix=row.prefix,
        created_at=now,
        converted_at=None,
    )


def moved(row: SendAttempt) -> Write:
    """What has changed of an attempt, whose version has gone on by one."""
    changed = (row.id, row.seq, row.state, row.reason, row.reference, row.moved_on, row.tries, row.due_at)
    return Write("verify_attempt_set", (changed,))


def refused(rows: Sequence[SendAttempt]) -> tuple[Write, ...]:
    """Attempts that their channels refused at once."""
    return tuple(write for row in rows for write in (Write("verify_attempt_insert", (to_columns(row),)), failed(row)))


def failed(row: SendAttempt) -> Write:
    """One more attempt of its channel that brought nothing."""
    return _count_channel(row, failures=1)


def doubted(row: SendAttempt, now: int) -> Write:
    """The event of an attempt of which nobody knows what became."""
    facts = _AttemptFacts(row.verification_id, row.id, row.service_id, row.channel, row.reason)
    told = (row.account_id, int(row.test), row.id, row.seq, IN_DOUBT, _encode(facts).decode(), 0)
    return Write("event_insert", ((*told, now),))


def fell_back(row: Verification, reason: str) -> Write:
    """The event of the next channel."""
    return _event(row, FALLBACK, reason)


def sent(row: Verification, attempt: SendAttempt, *, is_new: bool) -> tuple[Write, ...]:
    """A code goes out, the first time or again."""
    first = Write("verification_insert", (to_columns(row),)) if is_new else _changed(row)
    told = (_event(row),) if is_new else ()
    return (
        first,
        Write("verify_attempt_insert", (to_columns(attempt),)),
        *told,
        _count(row, starts=int(is_new), sends=1),
        _count_channel(attempt, sends=1),
    )


def changed(row: Verification) -> tuple[Write, ...]:
    """A verification after a guess, or after its end; when it was approved, its newest text has converted."""
    if row.status == PENDING:
        return (_changed(row),)
    if row.status != APPROVED:
        return (_changed(row), _event(row))
    converted = Write("verify_attempts_converted", ((row.id, row.updated_at),))
    by_channel = _count_channel(attempt(row, "", row.created_at), approvals=1)
    return (_changed(row), _event(row), converted, _count(row, approvals=1), by_channel)


def ended(row: Verification, status: Status, now: int) -> Verification:
    """The row as it ends: a caller's own code is erased."""
    return msgspec.structs.replace(row, status=status, custom=None, seq=row.seq + 1, updated_at=now, ended_at=now)


def _changed(row: Verification) -> Write:
    return Write(
        "verification_set",
        (
            (
                row.id,
                row.status,
                row.checks,
                row.sends,
                row.custom,
                row.seq,
                row.updated_at,
                row.next_send_at,
                row.ended_at,
                row.channel,
            ),
        ),
    )


def _event(row: Verification, kind: str = "", reason: str = "") -> Write:
    facts = _Facts(row.id, row.service_id, row.status, row.channel, row.country, row.sends, row.checks, reason)
    kind = kind or _EVENTS[row.status]
    told = (row.account_id, int(row.test), row.id, row.seq, kind, _encode(facts).decode(), 0)
    return Write("event_insert", ((*told, row.updated_at),))


def _count(row: Verification, *, starts: int = 0, sends: int = 0, approvals: int = 0) -> Write:
    """Approvals count where the verification began: conversion is told of the same ones."""
    slot = row.created_at // SLOT_US
    place = (row.account_id, int(row.test), slot, row.prefix, row.service_id, row.country)
    return Write("verify_count", ((*place, starts, sends, approvals),))


def _count_channel(row: SendAttempt, *, sends: int = 0, failures: int = 0, approvals: int = 0) -> Write:
    place = (row.account_id, int(row.test), row.created_at // SLOT_US, row.channel, row.service_id)
    return Write("verify_channel_count", ((*place, sends, failures, approvals),))
