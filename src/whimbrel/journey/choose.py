"""Choose: what of the head of a lane may be sent now. Consent, expiry, the account and its sender's approval are looked
at again at claim, by the tables of now, and no more is chosen than there is room for.
"""

import logging
from collections.abc import Callable, Sequence
from typing import TypeAlias

from whimbrel.domain.active import SENDS
from whimbrel.domain.model import MARKETING
from whimbrel.domain.states import EXPIRED, FAILED, QUEUED, REJECTED
from whimbrel.journey.recent import Queued
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Ending

_log = logging.getLogger("whimbrel.worker")

Ready: TypeAlias = tuple[Queued, tuple[bytes, ...]]
"""A message with the octets of its parts."""


def decide(
    waiting: Sequence[Queued], build: Callable[[Queued], tuple[bytes, ...]], *, tables: Tables, now: int
) -> tuple[list[Ready], list[Ending]]:
    """Who may still be sent, with its octets: a STOP since accept wins, and so does the operator who suspends an
    account or approves a sender no more. What cannot be built is set aside and never holds up its lane."""
    permissions, accounts, senders = tables.permissions, tables.accounts, tables.senders
    sendable: list[Ready] = []
    endings: list[Ending] = []
    for message in waiting:
        if message.expires_at <= now:
            endings.append(Ending(message.id, (QUEUED,), EXPIRED, "expired", now))
        elif (barrier := permissions.barrier(message)) is not None:
            endings.append(Ending(message.id, (QUEUED,), REJECTED, barrier, now))
        elif (account := accounts.get(message.account_id)) is None or account.status not in SENDS:
            endings.append(Ending(message.id, (QUEUED,), REJECTED, "account_suspended", now))
        elif (book := senders.get(message.account_id)) is not None and message.sender in book.barred:
            endings.append(Ending(message.id, (QUEUED,), REJECTED, "sender_not_approved", now))
        else:
            try:
                sendable.append((message, build(message)))
            except Exception:
                _log.exception("message quarantined", extra={"message_id": message.id})
                endings.append(Ending(message.id, (QUEUED,), FAILED, "quarantined", now))
    return sendable, endings


def within(waiting: Sequence[Queued], bulk: int) -> int:
    """How many of these may be claimed now, with so many segments of marketing among them. They are in the order of
    their classes; alone, a text may have more parts than there is room for."""
    for place, message in enumerate(waiting):
        if message.priority >= MARKETING:
            if bulk <= 0:
                return place
            bulk -= message.segments
    return len(waiting)


def fit(messages: Sequence[Ready], room: int) -> list[Ready]:
    """As many as there is room for; the first goes even when it has more parts than that, or it would wait for ever."""
    chosen: list[Ready] = []
    for message, built in messages:
        if chosen and len(built) > room:
            break
        room -= len(built)
        chosen.append((message, built))
    return chosen
