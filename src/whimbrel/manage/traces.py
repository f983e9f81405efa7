"""Recordings of a carrier's or a customer's binds: somebody starts one, and the audit log says who did. What is
recorded stays in memory (`net.recorder`) and is never shown but masked.
"""

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.manage import audit, carriers, smpp_credentials
from whimbrel.manage.context import Context, commit
from whimbrel.net.recorder import Recorders, Trace


class Subject(msgspec.Struct, frozen=True):
    """Whose binds: `noun` is "carrier" or "smpp_credential", as the audit log says it."""

    id: str
    noun: str
    account_id: str | None = None
    has_binds: bool = True


async def of_carrier(ctx: Context, carrier_id: str) -> Subject:
    """A carrier; `not_found`."""
    carrier = await carriers.existing(ctx, carrier_id)
    return Subject(carrier.id, "carrier", has_binds=carrier.kind == "smpp")


async def of_credential(ctx: Context, credential_id: str, *, account_id: str, test: bool) -> Subject:
    """A customer's credential; `not_found`."""
    found = await smpp_credentials.get(ctx, credential_id, account_id=account_id, test=test)
    return Subject(found.id, "smpp_credential", account_id)


async def start(ctx: Context, recorders: Recorders, actor: str, subject: Subject, seconds: int) -> Trace:
    """Record its binds for so many seconds; `invalid_request` where it has none."""
    if not subject.has_binds:
        raise WhimbrelError("invalid_request", "A carrier over HTTP has no binds: its test shows what is said.")
    await _note(ctx, actor, subject, "trace_started", seconds=seconds)
    return recorders.start(subject.id, seconds)


async def stop(ctx: Context, recorders: Recorders, actor: str, subject: Subject) -> Trace | None:
    """Record no more; what was kept can be read for an hour."""
    await _note(ctx, actor, subject, "trace_stopped")
    recorders.stop(subject.id)
    return recorders.trace(subject.id)


async def drop(ctx: Context, recorders: Recorders, actor: str, subject: Subject) -> None:
    """Stop, and forget what was kept."""
    await _note(ctx, actor, subject, "trace_deleted")
    recorders.drop(subject.id)


async def _note(ctx: Context, actor: str, subject: Subject, verb: str, **detail: int) -> None:
    action = f"{subject.noun}.{verb}"
    await commit(ctx, [audit.entry(ctx, actor, action, subject.id, subject.account_id, **detail)])
