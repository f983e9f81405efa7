"""What belongs together in the database, and how a copy of it differs: a root, such as a message, whose id tells its
time, and what names that root. Copies stand before what was copied, as if all had come within a day.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from whimbrel.domain.positions import DAY_US, NUMBER_BITS

_ROWS = 1_000_000  # more than a table has of what is copied
SHIFT: Final = "step.copy * step.us"
ID: Final = "substr(root.id, 1, 2) || {hex} || substr(root.id, 15)"
"""The id of the root's copy."""
_OWN: Final = "substr(row.id, 1, 2) || {hex} || substr(row.id, 15)"
"""The id of the copy of something that has one of its own."""
_NUMBERED = f"(step.copy * {_ROWS} + ROW_NUMBER() OVER ())"
_WHICH = "ROW_NUMBER() OVER (PARTITION BY step.copy ORDER BY row.id)"  # of what is copied
_NAMED = "row.name || '-' || step.copy"


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """`root` with the column of its time, for each table the column that names the root and what differs in a copy, and
    how many rows the root shall have in the end; 0: as many as are asked for. `which` are copied, `select`: what of
    them."""

    root: str
    rows: int = 0
    time: str = "created_at"
    which: str = "TRUE"
    select: str = "*"
    tables: Mapping[str, tuple[str, Mapping[str, str]]]


def _moved(*columns: str) -> dict[str, str]:
    """Times, so much earlier."""
    return {column: f"row.{column} - {SHIFT}" for column in columns}


_DAY = f"((root.created_at - {SHIFT}) / {DAY_US})"
MESSAGES: Final = Family(
    root="messages",
    which="final_at IS NOT NULL OR state = 'received'",
    tables={
        "message_numbers": ("message_id", {"message_id": ID}),
        "attempts": (
            "message_id",
            {
                "message_id": ID,
                "position": f"(({_DAY} << {NUMBER_BITS}) + {_NUMBERED})",
                "carrier_key": "row.carrier_key || '-' || step.copy",
                **_moved("committed_at", "answered_at", "resolved_at"),
            },
        ),
        "events": ("subject_id", {"subject_id": ID, "position": f"-{_NUMBERED}", **_moved("created_at")}),
        "conversations": ("last_id", {"id": _OWN, "last_id": ID, "their_hash": "row.their_hash + step.copy"}),
        "messages": (
            "id",
            {"id": ID, **_moved("created_at", "due_at", "expires_at", "updated_at", "sent_at", "final_at")},
        ),
    },
)  # fmt: skip


def _simple(root: str, rows: int, *, time: str = "created_at", **differs: str) -> Family:
    """A table that nothing names."""
    return Family(root=root, rows=rows, time=time, tables={root: ("id", {"id": ID, **_moved(time)} | differs)})


FAMILIES: Final = (
    _simple("contacts", 300_000, number=f"substr(row.number, 1, 3) || (100000000 + step.copy * 50 + {_WHICH})"),
    _simple("campaign_recipients", 300_000, number_hash="row.number_hash + step.copy"),
    Family(
        root="campaigns",
        rows=1_000,
        tables={
            "campaign_figures": ("campaign_id", {"campaign_id": ID}),
            "campaigns": ("id", {"id": ID, "name": _NAMED, "status": "'canceled'", "due_at": "NULL"}),
        },
    ),
    Family(
        root="verifications",
        rows=300_000,
        which="status <> 'pending'",
        tables={
            "verify_attempts": (
                "verification_id",  # nobody looks at a copy: 300,000 that are due would be work beside the pages
                {"id": _OWN, "verification_id": ID, "due_at": "NULL", **_moved("created_at")},
            ),
            "verifications": ("id", {"id": ID, **_moved("created_at", "updated_at", "expires_at", "ended_at")}),
        },
    ),
    Family(
        root="flow_runs",
        rows=300_000,
        time="started_at",
        which="due_at IS NULL AND answer_key IS NULL",
        tables={
            "flow_steps": ("run_id", {"run_id": ID, **_moved("at")}),
            "flow_runs": (
                "id", {"id": ID, "origin": "row.origin || '-' || step.copy", **_moved("started_at", "ended_at")},
            ),
        },
    ),
    Family(
        root="hook_calls",
        rows=300_000,
        tables={
            "hook_outcomes": ("call_id", {"call_id": ID, "taken": "NULL", **_moved("created_at")}),
            "hook_calls": ("id", {"id": ID, **_moved("created_at")}),
        },
    ),
    _simple("links", 300_000, code="row.code || '-' || step.copy", message_id="NULL"),  # of no message that is there
    _simple("link_clicks", 200_000, time="at"),
    _simple("audit", 200_000),
    _simple("opt_outs", 200_000, number_hash="row.number_hash + step.copy"),
    Family(
        root="consents",
        rows=200_000,
        tables={
            "consented": ("consent_id", {"consent_id": ID, "number_hash": "row.number_hash + step.copy"}),
            "consents": ("id", {"id": ID, "number_hash": "row.number_hash + step.copy", **_moved("created_at", "at")}),
        },
    ),
    Family(
        root="delivery_tries",
        rows=300_000,
        time="at",
        tables={
            "delivery_tries": (
                "position", {"position": f"-{_NUMBERED}", "event_position": f"-{_NUMBERED}", **_moved("at")},
            ),
        },
    ),
    _simple("deliveries", 100_000, next_at="NULL", event_position=f"-{_NUMBERED}"),
    Family(
        root="ledger",
        rows=500_000,
        tables={"ledger": ("position", {"position": f"-{_NUMBERED}", **_moved("created_at")})},
    ),
    Family(
        root="usage_figures",
        rows=700,
        select="DISTINCT starts_at",
        time="starts_at",
        which="hours = 1",
        tables={
            "usage_figures": ("starts_at", {"starts_at": f"row.starts_at - step.copy * {3 * 3_600_000_000}"}),
        },
    ),
    Family(
        root="templates",
        rows=1_000,
        tables={
            "template_versions": ("template_id", {"template_id": ID}),
            "templates": ("id", {"id": ID, "name": _NAMED}),
        },
    ),
    Family(
        root="flows",
        rows=500,
        tables={
            "flow_versions": ("flow_id", {"flow_id": ID}),
            "flows": ("id", {"id": ID, "name": _NAMED, "status": "'draft'"}),
        },
    ),
    _simple("schedules", 1_000),
    _simple("pools", 200, name=_NAMED),
    _simple("hooks", 500, name=_NAMED),
    _simple("verify_services", 200, name=_NAMED),
    _simple("registrations", 500),
    _simple("contact_segments", 200, name=_NAMED),
    _simple("accounts", 1_000, name=_NAMED),
    _simple("users", 1_000, email="step.copy || '.' || row.email"),
    _simple("routes", 300),
    _simple("prices", 3_000, prefix="row.prefix || (10000 + step.copy)"),
)  # fmt: skip
"""What there is besides messages, in the numbers of an installation that is used a lot."""
