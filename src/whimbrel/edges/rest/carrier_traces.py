"""/v1/carriers/{id}/trace: what a carrier's binds say and hear, decoded and masked; off unless an operator asks."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.base.limits import TRACE_PDUS_MAX, TRACE_SECONDS_MAX
from whimbrel.codec.smpp.describe import Described, describe
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import carriers, traces
from whimbrel.net.recorder import Entry, Trace

_TAG = "carriers"


class TraceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether to record, and for how long; a recording ends by itself."""

    enabled: bool
    seconds: Annotated[int, Meta(ge=1, le=TRACE_SECONDS_MAX)] = 600


class TraceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last `limit` entries, of those behind the number `after`."""

    limit: Annotated[int, Meta(ge=1, le=TRACE_PDUS_MAX)] = 100
    after: Annotated[int, Meta(ge=0)] = 0


class TraceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One PDU as it crossed the wire, or a note of what became of a connection."""

    number: Annotated[int, Meta(description="Grows by one with each entry.")]
    at: str
    connection: str
    direction: Annotated[str, Meta(description="`out` is ours, `in` the carrier's; `note`.")]
    note: str
    pdu: Annotated[Described | None, Meta(description="Numbers and texts masked; the password never shown.")]


class TraceView(msgspec.Struct, frozen=True, kw_only=True):
    """A recording: `enabled` while it runs, until `until`. What was kept can be read for an hour after."""

    carrier_id: str
    enabled: bool
    until: str | None
    data: tuple[TraceEntry, ...]


async def change(services: Services, call: Call[NoQuery, TraceChange]) -> Answer:
    carrier_id, ctx = call.path["id"], services.manage
    trace: Trace | None
    if call.body.enabled:
        trace = await traces.start(ctx, services.recorders, call.actor, carrier_id, call.body.seconds)
    else:
        trace = await traces.stop(ctx, services.recorders, call.actor, carrier_id)
    return Answer(_view(carrier_id, trace, []))


async def read(services: Services, call: Call[TraceQuery, None]) -> Answer:
    carrier = await carriers.get(services.manage, call.path["id"])
    trace = services.recorders.trace(carrier.id)
    found = trace.recorder.entries(call.query.after, call.query.limit) if trace is not None else []
    return Answer(_view(carrier.id, trace, found))


async def drop(services: Services, call: Call[NoQuery, None]) -> Answer:
    await traces.drop(services.manage, services.recorders, call.actor, call.path["id"])
    return Answer()


def _view(carrier_id: str, trace: Trace | None, found: list[Entry]) -> TraceView:
    return TraceView(
        carrier_id=carrier_id,
        enabled=trace is not None and trace.is_on,
        until=moments.to_text(trace.until) if trace is not None else None,
        data=tuple([entry_view(each) for each in found]),
    )


def entry_view(entry: Entry) -> TraceEntry:
    """An entry as it may be shown."""
    return TraceEntry(
        number=entry.number,
        at=moments.to_text(entry.at),
        connection=entry.connection,
        direction=entry.direction,
        note=entry.note,
        pdu=describe(entry.octets) if entry.octets else None,
    )


OPERATIONS = (
    Operation(
        method="POST", path="/v1/carriers/{id}/trace", name="traceCarrier", tag=_TAG,
        summary="Record what a carrier's binds say and hear",
        description="Up to 1,000 PDUs in memory, the newest; it ends by itself. `enabled` false ends it at once.",
        access="operator", account_header="refused", scope="carriers:write", handle=change,
        body=TraceChange, answer=TraceView, example={"enabled": True, "seconds": 600},
    ),
    Operation(
        method="GET", path="/v1/carriers/{id}/trace", name="getCarrierTrace", tag=_TAG,
        summary="Read the recording",
        description="Decoded; numbers, texts and passwords are masked.",
        access="operator", account_header="refused", scope="carriers:read", handle=read,
        query=TraceQuery, answer=TraceView,
    ),
    Operation(
        method="DELETE", path="/v1/carriers/{id}/trace", name="deleteCarrierTrace", tag=_TAG,
        summary="End the recording and forget it",
        access="operator", account_header="refused", scope="carriers:write", handle=drop, status=204,
    ),
)  # fmt: skip
