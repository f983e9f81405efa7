"""What explain says of consent: the opt-out, the list or the missing consent that keeps a number from being texted."""

import msgspec

from whimbrel.base import moments
from whimbrel.domain.model import OptOut
from whimbrel.journey.plan import Plan
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Store


class ConsentStep(msgspec.Struct, frozen=True, gc=False):
    """Why the number may not be texted: which opt-out keeps it from that and how far that reaches, or which list."""

    code: str
    scope: str | None = None  # all, or `sender:`, `pool:` or `brand:` with which
    opt_out: str | None = None  # its id
    source: str | None = None
    at: str | None = None  # RFC 3339
    list_id: str | None = None
    list_name: str | None = None
    reason: str | None = None  # of the list


async def consent_step(plan: Plan, tables: Tables, store: Store) -> ConsentStep | None:
    """The evidence of the store for what `permit` found; None: nothing."""
    barrier = plan.barrier
    if barrier is None:
        return None
    if barrier.code == "suppressed":
        found = tables.permissions.list_of(barrier.list_id)
        named = (None, None, None) if found is None else (found.id, found.name, found.reason)
        return ConsentStep(barrier.code, list_id=named[0], list_name=named[1], reason=named[2])
    if barrier.code == "opted_out":
        for row in await store.fetch(OptOut, "opt_out_by_hash", plan.draft.account_id, barrier.key):
            at = moments.to_text(row.created_at)
            return ConsentStep(barrier.code, row.scope or "all", row.id, row.source, at)
    return ConsentStep(barrier.code)
