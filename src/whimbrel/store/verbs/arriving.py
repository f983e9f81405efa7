"""An account arrives in its new cell: parcels of the old one (`departing.py`) become rows. Each is stored in one commit
with the note that it is here, so one that is brought again changes nothing.

Until all are here and counted the account is `arriving`: nobody is served, and nothing of it is in the queue, the
schedule or the deadlines, so nothing is sent and nothing expires. Then one small commit makes it active, and what
waits takes its place, behind what waits in this cell already.
"""

from typing import Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.positions import day_floor
from whimbrel.store.script import Many, One, Query, Row, Rows, Script
from whimbrel.store.verbs.departing import IN, Move, move_of, stands

OPEN: Final = "open"
ACTIVE: Final = "active"
REFUSED: Final = "refused"  # it was called off: what has come of it goes again (`returning.py`)
PURGE_MAX: Final = 1000
_PLACED: Final = 20  # parcels in one commit
_OF_MESSAGES: Final = ("arrive_messages", "arrive_numbers", "arrive_attempts", "arrive_events")
OF_KIND: Final = {
    "messages": _OF_MESSAGES,
    "ledger": ("arrive_ledger",),
    "audit": ("arrive_audit",),
    "idempotency": ("arrive_idempotency",),
    "delivery_tries": ("arrive_delivery_tries",),
    "events": ("arrive_events",),
    "accounts": ("arrive_accounts",),
    "balances": ("arrive_balances",),
    "deliveries": ("arrive_deliveries",),
    "inbound_parts": ("arrive_inbound_parts",),
    "keys": ("arrive_keys",),
    "opt_outs": ("arrive_opt_outs",),
    "senders": ("arrive_senders",),
    "registrations": ("arrive_registrations",),
    "documents": ("arrive_documents",),
    "smpp_credentials": ("arrive_smpp_credentials",),
    "smpp_owed": ("arrive_smpp_owed",),
    "webhooks": ("arrive_webhooks",),
    "users": ("arrive_users",),
    "passkeys": ("arrive_passkeys",),
    "sign_in_codes": ("arrive_sign_in_codes",),
    "saved_views": ("arrive_saved_views",),
    "canned_answers": ("arrive_canned_answers",),
    "pools": ("arrive_pools",),
    "pool_members": ("arrive_pool_members",),
    "pool_sticky": ("arrive_pool_sticky",),
    "number_turns": ("arrive_number_turns",),
    "inbound_urls": ("arrive_inbound_urls",),
    "keywords": ("arrive_keywords",),
    "keyword_counts": ("arrive_keyword_counts",),
    "keyword_paces": ("arrive_keyword_paces",),
    "hooks": ("arrive_hooks",),
    "hook_calls": ("arrive_hook_calls",),
    "hook_outcomes": ("arrive_hook_outcomes",),
    "hook_latest": ("arrive_hook_latest",),
    "mailboxes": ("arrive_mailboxes",),
    "mailbox_senders": ("arrive_mailbox_senders",),
    "mailbox_mails": ("arrive_mailbox_mails",),
    "conversations": ("arrive_conversations",),
    "conversation_notes": ("arrive_conversation_notes",),
    "conversation_days": ("arrive_conversation_days",),
    "desks": ("arrive_desks",),
    "flows": ("arrive_flows",),
    "flow_versions": ("arrive_flow_versions",),
    "flow_runs": ("arrive_flow_runs",),
    "flow_steps": ("arrive_flow_steps",),
    "schedules": ("arrive_schedules",),
    "schedule_parts": ("arrive_schedule_parts",),
    "schedule_outcomes": ("arrive_schedule_outcomes",),
    "verify_services": ("arrive_verify_services",),
    "verifications": ("arrive_verifications",),
    "verify_attempts": ("arrive_verify_attempts",),
    "verify_numbers": ("arrive_verify_numbers",),
    "verify_counts": ("arrive_verify_counts",),
    "verify_channel_counts": ("arrive_verify_channel_counts",),
    "verify_rate_limits": ("arrive_verify_rate_limits",),
    "verify_buckets": ("arrive_verify_buckets",),
    "verify_bucket_counts": ("arrive_verify_bucket_counts",),
    "verify_blocks": ("arrive_verify_blocks",),
    "verify_safe": ("arrive_verify_safe",),
    "verify_entities": ("arrive_verify_entities",),
    "verify_factors": ("arrive_verify_factors",),
    "verify_challenges": ("arrive_verify_challenges",),
    "verify_guesses": ("arrive_verify_guesses",),
    "contacts": ("arrive_contacts", "arrive_contact_changes"),
    "contact_fields": ("arrive_contact_fields",),
    "contact_labels": ("arrive_contact_labels",),
    "contact_segments": ("arrive_contact_segments",),
    "contact_imports": ("arrive_contact_imports",),
    "contact_import_errors": ("arrive_contact_import_errors",),
    "contact_import_parts": ("arrive_contact_import_parts",),
    "contact_starts": ("arrive_contact_starts",),
    "campaigns": ("arrive_campaigns",),
    "campaign_numbers": ("arrive_campaign_numbers",),
    "campaign_refusals": ("arrive_campaign_refusals",),
    "campaign_figures": ("arrive_campaign_figures",),
    "campaign_minutes": ("arrive_campaign_minutes",),
    "campaign_policies": ("arrive_campaign_policies",),
    "campaign_recipients": ("arrive_campaign_recipients",),
    "links": ("arrive_links",),
    "media": ("arrive_media",),
    "media_data": ("arrive_media_data",),
    "message_media": ("arrive_message_media",),
    "link_clicks": ("arrive_link_clicks",),
    "link_conversions": ("arrive_link_conversions",),
    "link_figures": ("arrive_link_figures",),
    "link_settings": ("arrive_link_settings",),
    "usage_figures": ("arrive_usage_figures",),
    "brands": ("arrive_brands",),
    "consents": ("arrive_consents",),
    "consented": ("arrive_consented",),
    "consent_requests": ("arrive_consent_requests",),
    "suppression_lists": ("arrive_suppression_lists",),
    "suppressions": ("arrive_suppressions",),
    "consent_words": ("arrive_consent_words",),
    "consent_texts": ("arrive_consent_texts",),
    "policies": ("arrive_policies",),
    "frequency": ("arrive_frequency",),
    "templates": ("arrive_templates",),
    "template_versions": ("arrive_template_versions",),
}
"""Statements by kind of parcel."""
LATER: Final = {"deadlines": "arrive_deadlines", "queue": "arrive_queue", "schedule": "arrive_schedule"}


def expect(move: Move, cell: str, now: int) -> Script[bool]:
    """A move begins to arrive; False while what an earlier one has left here is in its way, and once it is refused."""
    known = yield from move_of(move.account_id, IN)
    is_same = known is not None and (known.cell, known.started_at) == (cell, move.started_at)
    if known is not None and known.state in (OPEN, REFUSED):
        if not is_same:
            yield One("move_state", (move.account_id, IN, OPEN, REFUSED, now))
        return is_same and known.state == OPEN
    if is_same:
        return True
    yield One("arrivals_delete", (move.account_id,))
    yield One("move_put", (move.account_id, IN, cell, OPEN, move.statuses, "", move.started_at, now))
    return True


def arrive(account_id: str, number: int, kind: str, rows: str, now: int) -> Script[bool]:
    """A parcel's rows; False when they are here already. WhimbrelError conflict when they are not expected."""
    if not (yield from stands(account_id, IN, OPEN, ACTIVE)):
        raise WhimbrelError("conflict", "The move was called off.")
    stored: int = yield One("arrival_put", (account_id, number, rows))
    if stored:
        yield from unpack(kind, rows, now)
    return bool(stored)


def unpack(kind: str, rows: str, now: int) -> Script[None]:
    """A parcel becomes rows."""
    for statement in OF_KIND[kind]:
        params: Row = (rows, day_floor(now)) if statement == "arrive_attempts" else (rows,)
        yield One(statement, params)


def activate(move: Move, now: int) -> Script[None]:
    """From now on the account is served here. Once: what was done to it since is not undone."""
    moved: int = yield One("move_state", (move.account_id, IN, OPEN, ACTIVE, now))
    if not moved:
        return
    yield Many("accounts_set_status", [(each, status, now) for each, status in sorted(move.status_of.items())])


def place(account_id: str) -> Script[bool]:
    """What waits takes its place; whether there is more."""
    parcels: Rows = yield Query("arrivals_later", (account_id, _PLACED))
    for number, later in parcels:
        for table in sorted(msgspec.json.decode(later)):
            yield One(LATER[table], (later,))
        yield One("arrival_placed", (account_id, number))
    return len(parcels) == _PLACED


def purge(before: int) -> Script[int]:
    """Events that came with accounts and are older than that; how many."""
    gone: int = yield One("moved_events_purge", (before, PURGE_MAX))
    return gone


def forget(account_id: str, cell: str) -> Script[None]:
    """The move from that cell is over."""
    known = yield from move_of(account_id, IN)
    if known is None or (known.cell, known.state) != (cell, ACTIVE):
        return
    yield One("arrivals_delete", (account_id,))
    yield One("move_delete", (account_id, IN))
