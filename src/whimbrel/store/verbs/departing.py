"""An account leaves its cell, as parcels: rows that leave the tables and become one piece of JSON in the same commit.

A message goes with all that is its own (attempts, events, its place in the queue), so a receipt that comes a moment
later finds either everything or nothing: it is applied before the message leaves, or it is parked, and looked for in
the other cells. So nothing has to be frozen, and nothing that happens during a move is lost. What must not be doubled
stays until it is over: a message that a carrier has not answered for, an event that a webhook or a callback has not
been told of.

Parcels are numbered and stay until the move is over. The other cell notes which of them it has in the commit that
stores their rows (`arriving.py`), so each arrives once however often it is brought.
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.store.script import Many, One, Query, Rows, Script

OUT: Final = "out"
IN: Final = "in"
DEPARTING: Final = "departing"  # rows leave
CLOSED: Final = "closed"  # all have left; the account is not here any more
ARRIVED: Final = "arrived"  # the other cell serves it; what was copied can go
CLEARED: Final = "cleared"  # nothing is here any more; the other cell has still to hear that it is over
MOVED: Final = "moved"  # done
PAGE: Final = 500
SETTLED_US: Final = 10_000_000
"""Events that are younger may still be on their way to those who follow the log."""
_AT_REST: Final = frozenset({"active", "suspended", "closed"})
COPIED: Final = (
    "departed_delete_balances",
    "departed_delete_deliveries",
    "departed_delete_keys",
    "departed_delete_opt_outs",
    "departed_delete_senders",
    "departed_delete_registrations",
    "departed_delete_credentials",
    "departed_delete_webhooks",
    "departed_delete_canned_answers",
    "departed_delete_pools",
    "departed_delete_pool_members",
    "departed_delete_pool_sticky",
    "departed_delete_number_turns",
    "departed_delete_inbound_urls",
    "departed_delete_keywords",
    "departed_delete_keyword_counts",
    "departed_delete_keyword_paces",
    "departed_delete_hooks",
    "departed_delete_hook_calls",
    "departed_delete_hook_outcomes",
    "departed_delete_hook_latest",
    "departed_delete_mailboxes",
    "departed_delete_mailbox_senders",
    "departed_delete_mailbox_mails",
    "departed_delete_conversations",
    "departed_delete_conversation_notes",
    "departed_delete_conversation_days",
    "departed_delete_desks",
    "departed_delete_flows",
    "departed_delete_flow_versions",
    "departed_delete_flow_runs",
    "departed_delete_flow_steps",
    "departed_delete_schedules",
    "departed_delete_schedule_parts",
    "departed_delete_schedule_outcomes",
    "departed_delete_verify_services",
    "departed_delete_verifications",
    "departed_delete_verify_attempts",
    "departed_delete_verify_numbers",
    "departed_delete_verify_counts",
    "departed_delete_verify_channel_counts",
    "departed_delete_verify_rate_limits",
    "departed_delete_verify_buckets",
    "departed_delete_verify_bucket_counts",
    "departed_delete_verify_blocks",
    "departed_delete_verify_safe",
    "departed_delete_verify_entities",
    "departed_delete_verify_factors",
    "departed_delete_verify_challenges",
    "departed_delete_verify_guesses",
    "departed_delete_contact_fields",
    "departed_delete_contact_labels",
    "departed_delete_contact_segments",
    "departed_delete_contact_imports",
    "departed_delete_contact_import_errors",
    "departed_delete_campaigns",
    "departed_delete_campaign_numbers",
    "departed_delete_campaign_refusals",
    "departed_delete_campaign_figures",
    "departed_delete_campaign_minutes",
    "departed_delete_campaign_policies",
    "departed_delete_links",
    "departed_delete_media",
    "departed_delete_message_media",
    "departed_delete_link_clicks",
    "departed_delete_link_conversions",
    "departed_delete_link_figures",
    "departed_delete_link_settings",
    "departed_delete_usage_figures",
    "departed_delete_brands",
    "departed_delete_consents",
    "departed_delete_consented",
    "departed_delete_consent_requests",
    "departed_delete_suppression_lists",
    "departed_delete_suppressions",
    "departed_delete_consent_words",
    "departed_delete_consent_texts",
    "departed_delete_policies",
    "departed_delete_frequency",
    "departed_delete_template_versions",
    "departed_delete_templates",
    "departed_delete_passkeys",  # before the people that they belong to
    "departed_delete_saved_views",
    "departed_delete_sessions",
    "departed_delete_sign_in_codes",
    "departed_delete_users",
)


class Move(msgspec.Struct, frozen=True, gc=False):
    """A row of `moves`."""

    account_id: str
    direction: str
    cell: str
    state: str
    statuses: str
    waits_for: str
    started_at: int
    updated_at: int

    @property
    def accounts(self) -> list[str]:
        """The account and its sub-accounts."""
        return sorted(self.status_of)

    @property
    def status_of(self) -> Mapping[str, str]:
        """By account, as it was and will be."""
        return msgspec.json.decode(self.statuses, type=dict[str, str])


class Page(msgspec.Struct, frozen=True, gc=False):
    """`last`: the id of the last message that was looked at, empty when there was none; `left` went, `held` stay."""

    last: str
    left: int
    held: int


def move_of(account_id: str, direction: str) -> Script[Move | None]:
    """An account's move out of this cell, or into it."""
    found: Rows = yield Query("moves_of_account", (account_id,))
    return next((move for move in (Move(*row) for row in found) if move.direction == direction), None)


def stands(account_id: str, direction: str, *states: str) -> Script[bool]:
    """Whether a move is in one of these states, and stays so until the end of the commit."""
    rows: Rows = yield Query("move_stands", (account_id, direction))
    return bool(rows) and rows[0][0] in states


def depart(account_id: str, cell: str, cells: Collection[str], now: int) -> Script[None]:
    """An account with its sub-accounts takes no more requests here: it is about to move. `cells`: all there are.
    WhimbrelError not_found, conflict."""
    family: Rows = yield Query("move_family", (account_id,))
    statuses = {row[0]: row[2] for row in family}
    if account_id not in statuses:
        raise WhimbrelError("not_found", "There is no such account in this cell.")
    if next(row[1] for row in family if row[0] == account_id) is not None:
        raise WhimbrelError("conflict", "A sub-account lives where its parent does: move the parent.")
    if not set(statuses.values()) <= _AT_REST:
        raise WhimbrelError("conflict", f"The account is {statuses[account_id]} already.")
    came = yield from move_of(account_id, IN)
    if came is not None and came.cell in cells:
        detail = f"It has just come from cell {came.cell}, which still brings what was late: try again in a minute."
        raise WhimbrelError("conflict", detail)
    row = (account_id, OUT, cell, DEPARTING, msgspec.json.encode(statuses).decode(), "", now, now)
    yield One("move_put", row)
    yield Many("accounts_set_status", [(each, "moving", now) for each in sorted(statuses)])


def depart_messages(move: Move, after_id: str, now: int) -> Script[Page]:
    """The next messages leave, those excepted of which something is under way."""
    if not (yield from stands(move.account_id, OUT, DEPARTING, ARRIVED)):
        return Page("", 0, 0)
    accounts = move.accounts
    yield One("departing_hold", (accounts,))
    rows: Rows = yield Query("departing_page", (accounts, after_id, PAGE))
    ids = [row[0] for row in rows]
    if not ids:
        return Page("", 0, 0)
    held = {row[0] for row in (yield Query("departing_held", (ids, accounts, now - SETTLED_US)))}
    free = [each for each in ids if each not in held]
    if free:
        yield One("departing_pack", (move.account_id, free))
    return Page(ids[-1], len(free), len(held))


def depart_rows(move: Move, statement: str) -> Script[int]:
    """Rows of one table leave; 0 when none is left."""
    if not (yield from stands(move.account_id, OUT, DEPARTING)):
        return 0
    packed: int = yield One(statement, (move.account_id, move.accounts, PAGE))
    return packed


def depart_tries(move: Move, start: int, end: int) -> Script[None]:
    """Tries of deliveries leave whose positions are above `start` and not above `end`."""
    if (yield from stands(move.account_id, OUT, DEPARTING)):
        yield One("departing_tries", (move.account_id, move.accounts, start, end))


def depart_events(move: Move, start: int, end: int, now: int) -> Script[bool]:
    """The same for events that are about no message; whether any of them had to stay."""
    if not (yield from stands(move.account_id, OUT, DEPARTING, ARRIVED)):
        return False
    yield One("departing_events", (move.account_id, move.accounts, start, end, now - SETTLED_US))
    left: Rows = yield Query("departing_events_left", (move.accounts, start, end))
    return bool(left)


def close(move: Move, now: int) -> Script[bool]:
    """Everything configured is copied, and the account is not here any more; False while something is left, or when the
    move was called off. What was copied stays for those who still ask here, and changes nothing any more. Once, whoever
    else does the same."""
    moved: int = yield One("move_state", (move.account_id, OUT, DEPARTING, CLOSED, now))
    if not moved:
        return (yield from stands(move.account_id, OUT, CLOSED, ARRIVED, CLEARED, MOVED))
    (left,) = yield Query("departing_left", (move.accounts,))
    if any(left):
        yield One("move_state", (move.account_id, OUT, CLOSED, DEPARTING, now))
        return False
    yield from _depart_waiting(move)
    yield One("departing_account", (move.account_id, move.accounts))
    yield Many("accounts_set_status", [(each, "moved", now) for each in move.accounts])
    return True


def depart_late(move: Move) -> Script[None]:
    """What came while the account was closed: a STOP is never lost."""
    if (yield from stands(move.account_id, OUT, ARRIVED)):
        yield from _depart_waiting(move)
        yield One("departing_late", (move.account_id, move.accounts))


def _depart_waiting(move: Move) -> Script[None]:
    """Texts of phones that wait for their other parts, and what waits for customers to bind."""
    yield One("departing_parts", (move.account_id, move.accounts))
    while (yield One("departing_owed", (move.account_id, move.accounts, PAGE))):
        pass


def clear(move: Move, now: int) -> Script[None]:
    """The account is at home in the other cell: what was copied, and the parcels, go."""
    moved: int = yield One("move_state", (move.account_id, OUT, ARRIVED, CLEARED, now))
    if not moved:
        return
    for name in COPIED:
        yield One(name, (move.accounts,))
    yield One("parcels_delete", (move.account_id,))


def over(move: Move, now: int) -> Script[None]:
    """The other cell has heard that it is over."""
    yield One("move_state", (move.account_id, OUT, CLEARED, MOVED, now))


def arrived(move: Move, now: int) -> Script[None]:
    """The other cell serves it."""
    yield One("move_state", (move.account_id, OUT, CLOSED, ARRIVED, now))


def waits(move: Move, reason: str, now: int) -> Script[None]:
    """Why it does not go on, as far as it had come."""
    yield One("move_waits", (move.account_id, move.state, reason, now))
