"""Recordings of a carrier's binds: an operator starts one, and the audit log says who did. What is recorded stays in
memory (`net.recorder`) and is never shown but masked.
"""

from whimbrel.manage import audit, carriers
from whimbrel.manage.context import Context, commit
from whimbrel.net.recorder import Recorders, Trace


async def start(ctx: Context, recorders: Recorders, actor: str, carrier_id: str, seconds: int) -> Trace:
    """Record a carrier's binds for so many seconds; `not_found`."""
    carrier = await carriers.existing(ctx, carrier_id)
    await commit(ctx, [audit.entry(ctx, actor, "carrier.trace_started", carrier.id, seconds=seconds)])
    return recorders.start(carrier.id, seconds)


async def stop(ctx: Context, recorders: Recorders, actor: str, carrier_id: str) -> Trace | None:
    """Record no more; what was kept can be read for an hour."""
    carrier = await carriers.existing(ctx, carrier_id)
    await commit(ctx, [audit.entry(ctx, actor, "carrier.trace_stopped", carrier.id)])
    recorders.stop(carrier.id)
    return recorders.trace(carrier.id)


async def drop(ctx: Context, recorders: Recorders, actor: str, carrier_id: str) -> None:
    """Stop, and forget what was kept."""
    carrier = await carriers.existing(ctx, carrier_id)
    await commit(ctx, [audit.entry(ctx, actor, "carrier.trace_deleted", carrier.id)])
    recorders.drop(carrier.id)
