"""A move is called off: what has left comes back, parcel by parcel, each in one commit with its end. What was copied is
still here, and so is who the account is.

The other cell must never serve the account after that. While rows leave it cannot: only a closed account is activated
there. After that it is asked first, and refuses the move in the commit in which it says that it has not begun; a cell
that is gone for good cannot be asked, and then the operator answers for it. What has come there goes again
(`discard_messages` and after), by the statements that let an account depart.
"""

from typing import Final

from whimbrel.base.errors import WhimbrelError
from whimbrel.store.script import Many, One, Query, Rows, Script
from whimbrel.store.verbs import arriving
from whimbrel.store.verbs.arriving import ACTIVE, LATER, OPEN, REFUSED
from whimbrel.store.verbs.departing import ARRIVED, CLOSED, COPIED, DEPARTING, IN, OUT, PAGE, Move, move_of, stands

RECALLED: Final = "recalled"  # the other cell has to say that it does not serve the account
RETURNING: Final = "returning"  # rows come back
RETURNED: Final = "returned"  # the account works here; the other cell has still to forget it
_STAYED: Final = frozenset(
    {
        "accounts", "balances", "brands", "campaign_figures", "campaign_minutes", "campaign_numbers",
        "campaign_policies", "campaign_refusals", "campaigns", "canned_answers", "consent_requests", "consent_texts",
        "consent_words", "consented", "consents", "contact_fields", "contact_import_errors", "contact_imports",
        "contact_labels",
        "contact_segments", "conversation_days", "conversation_notes", "conversations", "deliveries", "desks",
        "flow_runs", "flow_steps", "flow_versions", "flows", "frequency", "hook_calls", "hook_latest",
        "hook_outcomes", "hooks", "inbound_urls", "keys", "keyword_counts", "keyword_paces", "keywords",
        "link_clicks", "link_conversions", "link_figures", "link_settings", "links", "mailbox_mails",
        "mailbox_senders", "mailboxes", "media", "message_media", "number_turns", "opt_outs", "passkeys", "policies",
        "pool_members", "pool_sticky", "pools", "registrations", "saved_views", "schedule_outcomes",
        "schedule_parts", "schedules", "senders", "sign_in_codes", "smpp_credentials", "suppression_lists",
        "suppressions", "template_versions", "templates", "usage_figures", "users", "verifications",
        "verify_attempts", "verify_blocks", "verify_bucket_counts", "verify_buckets", "verify_challenges",
        "verify_channel_counts", "verify_counts", "verify_entities",
        "verify_factors", "verify_guesses", "verify_numbers", "verify_rate_limits", "verify_safe", "verify_services",
        "webhooks",
    }
)  # fmt: skip
"""Kinds of parcels whose rows were copied, and are still here."""


# the old cell


def call_off(account_id: str, now: int, *, lost: bool) -> Script[None]:
    """The account stays. `lost`: the other cell is gone for good. WhimbrelError conflict when it is too late, or was
    under way nowhere."""
    move = yield from move_of(account_id, OUT)
    state = "" if move is None else move.state
    if state in (RETURNING, RETURNED) or (state == RECALLED and not lost):
        return
    if move is None or state not in (DEPARTING, CLOSED, RECALLED):
        raise WhimbrelError("conflict", "The account is not on its way from here.")
    to = RETURNING if state == DEPARTING or lost else RECALLED
    changed: int = yield One("move_state", (account_id, OUT, state, to, now))
    if not changed:
        raise WhimbrelError("conflict", "The move has just gone on: try again.")
    if to == RETURNING:
        yield from _sends_again(move, now)


def refused(move: Move, now: int) -> Script[None]:
    """The other cell does not serve the account, and never will by this move."""
    changed: int = yield One("move_state", (move.account_id, OUT, RECALLED, RETURNING, now))
    if changed:
        yield from _sends_again(move, now)


def too_late(move: Move, now: int) -> Script[None]:
    """The other cell serves it already."""
    yield One("move_state", (move.account_id, OUT, RECALLED, ARRIVED, now))


def take_back(move: Move, number: int, now: int) -> Script[None]:
    """A parcel becomes rows again; what waits takes its place at once."""
    if not (yield from stands(move.account_id, OUT, RETURNING)):
        return
    parcels: Rows = yield Query("parcel", (move.account_id, number))
    for kind, rows in parcels:
        if kind in _STAYED:
            continue
        yield from arriving.unpack(kind, rows, now)
        if kind == "messages":
            for _, statement in sorted(LATER.items()):
                yield One(statement, (rows,))
    yield One("parcel_delete", (move.account_id, number))


def end(move: Move, now: int) -> Script[None]:
    """Everything is back: the account is as it was."""
    left: Rows = yield Query("parcels_numbers", (move.account_id,))
    if left:
        return
    changed: int = yield One("move_state", (move.account_id, OUT, RETURNING, RETURNED, now))
    if changed:
        yield One("departing_release", (move.accounts,))
        yield Many("accounts_set_status", [(each, status, now) for each, status in sorted(move.status_of.items())])


def forgotten(move: Move) -> Script[None]:
    """Nothing of it is in the other cell any more."""
    if (yield from stands(move.account_id, OUT, RETURNED)):
        yield One("move_delete", (move.account_id, OUT))


def _sends_again(move: Move, now: int) -> Script[None]:
    """What comes back to the queue can be sent."""
    yield Many("accounts_set_status", [(each, "moving", now) for each in move.accounts])


# the new cell


def refuse(move: Move, cell: str, now: int) -> Script[str]:
    """The move from that cell will not be: `active` when it is too late for that, `refused` while something of it is
    here, empty when nothing is."""
    known = yield from move_of(move.account_id, IN)
    if known is None or (known.cell, known.started_at) != (cell, move.started_at):
        return ""
    changed: int = yield One("move_state", (move.account_id, IN, OPEN, REFUSED, now))
    return REFUSED if changed or known.state == REFUSED else ACTIVE


def discard_messages(move: Move) -> Script[bool]:
    """Messages of a refused move go, with all that is theirs; whether there may be more."""
    if not (yield from stands(move.account_id, IN, REFUSED)):
        return False
    page: Rows = yield Query("departing_page", (move.accounts, "", PAGE))
    if page:
        yield One("departing_pack", (move.account_id, [row[0] for row in page]))
        yield One("parcels_delete", (move.account_id,))
    return bool(page)


def discard_rows(move: Move, statement: str) -> Script[int]:
    """Rows of one table go; 0 when none is left."""
    if not (yield from stands(move.account_id, IN, REFUSED)):
        return 0
    packed: int = yield One(statement, (move.account_id, move.accounts, PAGE))
    yield One("parcels_delete", (move.account_id,))
    return packed


def discard_stretch(move: Move, statement: str, start: int, end: int) -> Script[None]:
    """Those go whose positions are above `start` and not above `end`."""
    if (yield from stands(move.account_id, IN, REFUSED)):
        yield One(statement, (move.accounts, start, end))


def discarded(move: Move) -> Script[None]:
    """The rest goes: nothing is left of the refused move."""
    if not (yield from stands(move.account_id, IN, REFUSED)):
        return
    yield One("departing_parts", (move.account_id, move.accounts))
    for name in COPIED:
        yield One(name, (move.accounts,))
    yield One("departed_delete_accounts", (move.accounts,))
    yield One("parcels_delete", (move.account_id,))
    yield One("arrivals_delete", (move.account_id,))
    yield One("move_delete", (move.account_id, IN))
