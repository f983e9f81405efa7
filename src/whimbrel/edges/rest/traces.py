"""/v1/carriers/{id}/trace and /v1/smpp-credentials/{id}/trace: what binds say and hear, decoded and masked; off unless
somebody asks.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import TRACE_PDUS_MAX, TRACE_SECONDS_MAX
from whimbrel.codec.smpp.describe import Described, describe
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import nodes, traces
from whimbrel.manage.traces import Subject
from whimbrel.net.recorder import Entry, Trace


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
    direction: Annotated[str, Meta(description="`out` is ours, `in` the peer's; `note`.")]
    note: str
    pdu: Annotated[Described | None, Meta(description="Numbers and texts masked; the password never shown.")]


class TraceView(msgspec.Struct, frozen=True, kw_only=True):
    """A recording: `enabled` while it runs, until `until`. What was kept can be read for an hour after."""

    subject_id: Annotated[str, Meta(description="The carrier or the SMPP credential.")]
    enabled: bool
    until: str | None
    data: tuple[TraceEntry, ...]


class _Handlers:
    """The three of one kind of subject, which `find` finds."""

    def __init__(self, find: Callable[[Services, Call[Any, Any]], Awaitable[Subject]]) -> None:
        self._find = find

    async def change(self, services: Services, call: Call[NoQuery, TraceChange]) -> Answer:
        """Begin or end."""
        subject, ctx, recorders = await self._find(services, call), services.manage, services.recorders
        trace: Trace | None
        if call.body.enabled:
            trace = await traces.start(ctx, recorders, call.actor, subject, call.body.seconds)
        else:
            trace = await traces.stop(ctx, recorders, call.actor, subject)
        return Answer(_view(subject, trace, []))

    async def read(self, services: Services, call: Call[TraceQuery, None]) -> Answer:
        """What was recorded."""
        subject = await self._find(services, call)
        trace = services.recorders.trace(subject.id)
        found = trace.recorder.entries(call.query.after, call.query.limit) if trace is not None else []
        return Answer(_view(subject, trace, found))

    async def drop(self, services: Services, call: Call[NoQuery, None]) -> Answer:
        """Forget it."""
        subject = await self._find(services, call)
        await traces.drop(services.manage, services.recorders, call.actor, subject)
        return Answer()


async def _carrier(services: Services, call: Call[Any, Any]) -> Subject:
    """Its binds are where its owner is, and so is what is recorded of them."""
    subject = await traces.of_carrier(services.manage, call.path["id"])
    if services.runs_elsewhere(subject.id):
        owner = (await nodes.owners(services.manage)).get(subject.id, "another node")
        raise WhimbrelError("at_another_node", f"The carrier's binds are at {owner}: ask that node.")
    return subject


async def _credential(services: Services, call: Call[Any, Any]) -> Subject:
    return await traces.of_credential(services.manage, call.path["id"], account_id=call.account_id, test=call.test)


def _view(subject: Subject, trace: Trace | None, found: list[Entry]) -> TraceView:
    return TraceView(
        subject_id=subject.id,
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


_CARRIERS = _Handlers(_carrier)
_CUSTOMERS = _Handlers(_credential)
_BEGIN = "Up to 1,000 PDUs in memory, the newest; it ends by itself. `enabled` false ends it at once."
_READ = "Decoded; numbers, texts and passwords are masked."

OPERATIONS = (
    Operation(
        method="POST", path="/v1/carriers/{id}/trace", name="traceCarrier", tag="carriers",
        summary="Record what a carrier's binds say and hear", description=_BEGIN,
        access="operator", account_header="refused", scope="carriers:write", handle=_CARRIERS.change,
        body=TraceChange, answer=TraceView, errors=("at_another_node",), example={"enabled": True, "seconds": 600},
    ),
    Operation(
        method="GET", path="/v1/carriers/{id}/trace", name="getCarrierTrace", tag="carriers",
        summary="Read the recording", description=_READ,
        access="operator", account_header="refused", scope="carriers:read", handle=_CARRIERS.read,
        query=TraceQuery, answer=TraceView, errors=("at_another_node",),
    ),
    Operation(
        method="DELETE", path="/v1/carriers/{id}/trace", name="deleteCarrierTrace", tag="carriers",
        summary="End the recording and forget it",
        access="operator", account_header="refused", scope="carriers:write", handle=_CARRIERS.drop, status=204,
        errors=("at_another_node",),
    ),
    Operation(
        method="POST", path="/v1/smpp-credentials/{id}/trace", name="traceSmppCredential", tag="smpp-credentials",
        summary="Record what a credential's binds say and hear", description=_BEGIN,
        scope="smpp:write", handle=_CUSTOMERS.change,
        body=TraceChange, answer=TraceView, example={"enabled": True, "seconds": 600},
    ),
    Operation(
        method="GET", path="/v1/smpp-credentials/{id}/trace", name="getSmppCredentialTrace", tag="smpp-credentials",
        summary="Read the recording", description=_READ,
        scope="smpp:read", handle=_CUSTOMERS.read, query=TraceQuery, answer=TraceView,
    ),
    Operation(
        method="DELETE", path="/v1/smpp-credentials/{id}/trace", name="deleteSmppCredentialTrace",
        tag="smpp-credentials", summary="End the recording and forget it",
        scope="smpp:write", handle=_CUSTOMERS.drop, status=204,
    ),
)  # fmt: skip
