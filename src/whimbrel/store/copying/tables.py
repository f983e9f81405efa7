"""Every table of an installation that is copied, with its key, whose rows it holds, and what is added up at the end.

Rows go over as they are, positions of events included: cursors, deliveries and what customers are owed refer to them.
Whoever opens the copy gives out positions above all of these.
"""

from typing import Final, NamedTuple

import msgspec

_OWN: Final = "account_id = {account}"
_OWN_OR_COMMON: Final = "(account_id = {account} OR account_id IS NULL)"
_NOBODYS: Final = "carrier_id = {account}"  # none: it is not known yet whose they are
_OF_MESSAGE: Final = "EXISTS (SELECT 1 FROM messages m WHERE m.id = {table}.message_id AND m.account_id = {account})"
_OF_USER: Final = (
    "EXISTS (SELECT 1 FROM users u WHERE u.id = {table}.user_id AND (u.account_id = {account} OR u.account_id IS NULL))"
)
_OF_CREDENTIAL: Final = (
    "EXISTS (SELECT 1 FROM smpp_credentials c WHERE c.id = {table}.credential_id AND c.account_id = {account})"
)


class Table(msgspec.Struct, frozen=True):
    """`key`: columns of its primary key, by which it is read in order. `whose`: the condition for the rows that go with
    one account; empty where all do. `sums`: columns that are added up for each group of `groups`."""

    name: str
    key: tuple[str, ...]
    whose: str = ""
    sums: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class Place(NamedTuple):
    """A column of the rows that meet a condition."""

    table: str
    column: str
    condition: str = "1 = 1"


TABLES: Final = (
    Table("accounts", ("id",), "id = {account}"),
    Table("keys", ("id",), _OWN_OR_COMMON, groups=("status",)),
    Table("senders", ("id",), _OWN),
    Table("registrations", ("id",), _OWN, ("seq",), ("state",)),
    Table("documents", ("id",), _OWN, ("size",)),
    Table("sender_rules", ("id",)),
    Table("carriers", ("id",)),
    Table("routes", ("id",), _OWN_OR_COMMON),
    Table("prices", ("id",), _OWN_OR_COMMON, ("price_micros",)),
    Table("opt_outs", ("account_id", "number_hash"), _OWN),
    Table("webhooks", ("id",), _OWN, ("failures",)),
    Table("smpp_credentials", ("id",), _OWN),
    Table("hooks", ("id",), _OWN),
    Table("hook_calls", ("id",), _OWN, ("events", "sent"), ("verdict",)),
    Table("hook_outcomes", ("call_id", "number"), _OWN, groups=("verdict",)),
    Table("hook_latest", ("hook_id", "subject"), _OWN),
    Table("mailboxes", ("id",), _OWN, groups=("status",)),
    Table("mailbox_senders", ("allowed", "mailbox_id"), _OWN),
    Table("mailbox_mails", ("id",), _OWN, ("tries",), ("kind", "state")),
    Table("audit", ("id",), _OWN_OR_COMMON),
    Table("users", ("id",), _OWN_OR_COMMON, groups=("role", "status")),
    Table("passkeys", ("id",), _OF_USER),
    Table("sign_in_codes", ("digest",), _OF_USER, groups=("purpose",)),
    Table("saved_views", ("id",), _OF_USER),
    Table("canned_answers", ("id",), _OWN),
    Table("pools", ("id",), _OWN),
    Table("pool_members", ("pool_id", "sender_id"), _OWN, ("weight", "rate_per_min", "daily_cap")),
    Table("pool_sticky", ("pool_id", "number_hash"), _OWN),
    Table("number_turns", ("sender_id",), _OWN, ("sent",)),
    Table("inbound_urls", ("owner_id",), _OWN),
    Table("keywords", ("id",), _OWN),
    Table("keyword_counts", ("keyword_id",), _OWN, ("uses",)),
    Table("keyword_paces", ("number_hash", "account_id"), _OWN, ("answers",)),
    Table("brands", ("id",), _OWN),
    Table("consents", ("account_id", "id"), _OWN, groups=("action",)),
    Table("consented", ("account_id", "number_hash", "purpose"), _OWN),
    Table("consent_requests", ("account_id", "id"), _OWN, ("sends",), ("state",)),
    Table("suppression_lists", ("id",), _OWN_OR_COMMON),
    Table("suppressions", ("list_id", "number_hash"), _OWN_OR_COMMON),
    Table("consent_words", ("id",), _OWN_OR_COMMON, ("enabled",)),
    Table("consent_texts", ("id",), _OWN_OR_COMMON),
    Table("policies", ("id",), _OWN_OR_COMMON),
    Table("quiet_rules", ("id",)),
    Table("frequency", ("account_id", "test", "number_hash"), _OWN, ("version",)),
    Table("templates", ("id",), _OWN, ("newest", "seq"), ("status",)),
    Table("template_versions", ("template_id", "number"), _OWN, groups=("approval",)),
    Table("conversations", ("id",), _OWN, ("unread", "seq"), ("state",)),
    Table("conversation_notes", ("id",), _OWN),
    Table("conversation_days", ("account_id", "test", "day", "user_id"), _OWN, ("replies", "closed", "rated")),
    Table("desks", ("account_id",), _OWN),
    Table("flows", ("id",), _OWN, ("version",), ("status",)),
    Table("flow_versions", ("flow_id", "version"), _OWN),
    Table("flow_runs", ("id",), _OWN, ("turn", "steps"), ("state",)),
    Table("flow_steps", ("run_id", "seq"), _OWN, groups=("outcome",)),
    Table("schedules", ("id",), _OWN, ("runs",), ("status",)),
    Table("schedule_parts", ("schedule_id", "part"), _OWN),
    Table("schedule_outcomes", ("schedule_id", "occurrence", "code"), _OWN, ("count",), ("code",)),
    Table("contact_fields", ("id",), _OWN, ("place",), ("kind",)),
    Table("contact_labels", ("id",), _OWN, ("number",), ("kind",)),
    Table("contacts", ("account_id", "test", "id"), _OWN, ("seq", "import_no"), ("test",)),
    Table("contact_changes", ("contact_id", "seq"), _OWN, groups=("type",)),
    Table("contact_segments", ("id",), _OWN),
    Table("contact_imports", ("id",), _OWN, ("size", "position", "created"), ("state",)),
    Table("contact_import_parts", ("import_id", "part"), _OWN),
    Table("contact_import_errors", ("import_id", "row"), _OWN),
    Table("contact_starts", ("account_id", "import_id", "position"), _OWN),
    Table("links", ("id",), _OWN, ("people", "bots", "conversions", "seq"), ("test",)),
    Table("media", ("id",), _OWN, ("size",), ("test", "content_type")),
    Table("media_data", ("media_id",), _OWN),
    Table("message_media", ("message_id", "place"), _OWN),
    Table("link_clicks", ("id",), _OWN, groups=("kind",)),
    Table("link_conversions", ("link_id", "name", "reference"), _OWN),
    Table("link_figures", ("group_id", "variant", "account_id", "test"), _OWN, ("recipients", "people", "bots")),
    Table("link_settings", ("account_id",), _OWN),
    Table("campaigns", ("id",), _OWN, ("step", "taken", "accepted", "refused", "left_out"), ("status",)),
    Table("campaign_numbers", ("campaign_id", "excluded", "place"), _OWN),
    Table("campaign_recipients", ("id",), _OWN, groups=("state",)),
    Table("campaign_refusals", ("campaign_id", "code"), _OWN, ("count",)),
    Table(
        "campaign_figures",
        ("campaign_id", "variant", "country", "carrier_id", "currency"),
        _OWN,
        ("accepted", "sent", "delivered", "charged_micros"),
    ),
    Table("campaign_minutes", ("campaign_id", "minute", "variant"), _OWN, ("sent", "delivered", "clicked")),
    Table("campaign_policies", ("account_id",), _OWN),
    Table("verify_services", ("id",), _OWN),
    Table("verifications", ("id",), _OWN, ("generation", "checks", "sends", "seq"), ("status",)),
    Table("verify_attempts", ("id",), _OWN, groups=("channel",)),
    Table("verify_numbers", ("account_id", "test", "number_hash"), _OWN, ("version",)),
    Table(
        "verify_counts",
        ("account_id", "test", "slot", "prefix", "service_id"),
        _OWN,
        ("starts", "sends", "approvals"),
        ("country",),
    ),
    Table(
        "verify_channel_counts",
        ("account_id", "test", "slot", "channel", "service_id"),
        _OWN,
        ("sends", "failures", "approvals"),
        ("channel",),
    ),
    Table("verify_rate_limits", ("id",), _OWN),
    Table("verify_buckets", ("id",), _OWN, ("max", "interval_s")),
    Table("verify_bucket_counts", ("bucket_id", "key_hash"), _OWN, ("count",)),
    Table("verify_blocks", ("id",), _OWN, groups=("reason",)),
    Table("verify_safe", ("id",), _OWN),
    Table("verify_entities", ("id",), _OWN),
    Table("verify_factors", ("id",), _OWN, ("last_step", "seq"), ("status",)),
    Table("verify_challenges", ("id",), _OWN, ("seq",), ("status",)),
    Table("verify_guesses", ("account_id", "test", "owner_hash"), _OWN, ("version", "failures")),
    Table(
        "usage_figures",
        (
            "account_id",
            "test",
            "hours",
            "starts_at",
            "direction",
            "message_class",
            "country",
            "carrier_id",
            "currency",
        ),
        _OWN,
        ("accepted", "sent", "delivered", "undelivered", "received", "segments", "charged_micros", "took_ms"),
        ("hours", "direction"),
    ),
    Table("balances", ("account_id",), _OWN, ("available", "held", "spent"), ("currency",)),
    Table("ledger", ("position",), _OWN, ("amount_micros",), ("debit", "credit")),
    Table(
        "messages",
        ("id",),
        _OWN,
        ("segments", "price_micros", "held_micros", "charged_micros", "seq", "flags"),
        ("direction", "state"),
    ),
    Table("message_numbers", ("number_hash", "message_id"), _OF_MESSAGE),
    Table("queue", ("lane", "priority", "rank", "message_id"), _OF_MESSAGE, groups=("lane", "priority")),
    Table("schedule", ("due_at", "message_id"), _OF_MESSAGE),
    Table("deadlines", ("message_id",), _OF_MESSAGE),
    Table("attempts", ("position",), _OWN, ("part", "parts", "receipts", "throttled"), ("state",)),
    Table("parked_receipts", ("position",), _NOBODYS),
    Table("inbound_parts", ("carrier_id", "source_hash", "destination_hash", "reference", "total", "number"), _NOBODYS),
    Table("inbound_seen", ("carrier_id", "fingerprint", "received_at"), _NOBODYS),
    Table("idempotency", ("account_id", "door", "key", "chunk"), _OWN, ("chunks",), ("door",)),
    Table("events", ("position",), _OWN, ("seq", "callback"), ("type",)),
    Table("deliveries", ("id",), _OWN, ("tries",), ("format",)),
    Table("delivery_tries", ("position",), _OWN, ("number", "latency_ms", "ok")),
    Table("smpp_owed", ("credential_id", "position"), _OF_CREDENTIAL, groups=("kind",)),
    Table("cursors", ("name",)),
    Table("streams", ("name",)),
)

LEFT: Final = {
    "schema_migrations": "says what the database is, and not what is in it",
    "copying": "how far the copy is",
    "nodes": "processes that run on the database",
    "leases": "what these do for all",
    "lanes": "what these tell each other",
    "smpp_seats": "who is bound at them",
    "store_answers": "calls of processes that are gone",
    "sessions": "people sign in anew",
    "configuration": "versions that processes compare; they begin again",
    "moves": "accounts that are under way between cells: there must be none",
    "parcels": "what of them has left",
    "arrivals": "what of them has come",
    "opt_out_changes": "what processes that run have to read; they begin with the whole list",
}
"""Tables that stay behind, and why."""

FOLLOWS_EVENTS: Final = "name <> 'receipt_deadline'"
"""Of cursors: the one that the sweep keeps for itself is a time."""

CONFIGURATION: Final = Table("configuration", ("kind",), sums=("version",))
WRITTEN: Final = (
    Place("events", "position"),
    Place("ledger", "position"),
    Place("attempts", "position"),
    Place("delivery_tries", "position"),
    Place("cursors", "position", FOLLOWS_EVENTS),
    Place("webhooks", "cursor"),
)
"""Whose greatest value moves on while somebody works with an installation; so do the versions of its configuration."""

UNDER_WAY: Final = {"moves": "state <> 'moved'", "parcels": "true", "arrivals": "true"}
"""Tables of PostgreSQL whose rows belong to two databases, and which of them: while there are any, neither is copied.
"""

POSITIONS: Final = (
    Place("events", "position"),
    Place("cursors", "position", FOLLOWS_EVENTS),
    Place("webhooks", "cursor"),
    Place("deliveries", "event_position"),
    Place("delivery_tries", "event_position"),
    Place("smpp_owed", "position"),
)
"""Where positions of events stand: new ones have to be above all of these."""


def whose(table: Table, account_id: str | None, place: int) -> str:
    """The condition for the rows of an account (or for all rows), with the account as parameter `place`."""
    if account_id is None or not table.whose:
        return "1 = 1"
    return table.whose.format(account=f"${place}", table=table.name)


def page_sql(table: Table, columns: tuple[str, ...], account_id: str | None, *, first: bool) -> str:
    """Rows behind a key in its order. Parameters: the limit, the account if any, the key unless it is the first."""
    place = 2 if account_id is None or not table.whose else 3
    keys = ", ".join(table.key)
    after = f"({keys}) > ({', '.join(f'${place + n}' for n in range(len(table.key)))})" if not first else "1 = 1"
    return (
        f"SELECT {', '.join(columns)} FROM {table.name} WHERE {after} AND {whose(table, account_id, 2)} "
        f"ORDER BY {keys} LIMIT $1"
    )


def totals_sql(table: Table, account_id: str | None) -> str:
    """Rows and sums by group. Parameter: the account if any."""
    listed = ", ".join([*table.groups, "COUNT(*)", *(f"SUM({column})" for column in table.sums)])
    grouped = f" GROUP BY {', '.join(table.groups)}" if table.groups else ""
    return f"SELECT {listed} FROM {table.name} WHERE {whose(table, account_id, 1)}{grouped}"


def highest_sql(place: Place) -> str:
    """The greatest value; NULL when there is none."""
    return f"SELECT MAX({place.column}) FROM {place.table} WHERE {place.condition}"
