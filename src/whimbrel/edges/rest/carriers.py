"""/v1/carriers: the operator's upstreams, and how they are doing."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.carriers.interface import BindHealth, Health
from whimbrel.domain.carrier_kinds import Kind
from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import carriers, nodes
from whimbrel.manage.carriers import CarrierChange, CarrierView, NewCarrier
from whimbrel.manage.context import Page

_TAG = "carriers"


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """One connection; a bind of a pair has two."""

    name: str
    role: str
    host: Annotated[str, Meta(description="That it is with, or tries next.")]
    state: Annotated[str, Meta(description="`up`, `connecting`, or `waiting` for its next try or for outbind.")]
    last_error: str | None
    since: str
    peer_version: Annotated[str | None, Meta(description="Of SMPP, where the carrier says it.")]
    in_flight: int


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """How its binds are doing; `since` is when it came up or went down last."""

    state: str
    binds_up: int
    binds: int
    in_flight: int
    waiting: int
    set_aside: Annotated[int, Meta(description="Of these: told to wait time and again; they let others pass.")]
    throttled: Annotated[int, Meta(description="How often it told us to wait, since its binds were made.")]
    window: int
    throughput_per_s: Annotated[float, Meta(description="What it is granted now; 0 is no limit.")]
    last_error: str | None
    since: str
    stalled_s: Annotated[float, Meta(description="For how long a full window has not moved while parts wait.")]
    ignored: Annotated[int, Meta(description="Its requests that mean nothing to us, as alert_notification.")]
    connections: tuple[ConnectionView, ...]


class CarrierHealth(msgspec.Struct, frozen=True):
    """How a carrier is doing. `node` is the name of the node whose binds they are, null while none has it; `health` is
    null when it does not run. What another node tells is a second or two old."""

    id: str
    name: str
    kind: Kind
    status: str
    node: str | None
    health: HealthView | None


class CarriersHealth(msgspec.Struct, frozen=True):
    """All carriers."""

    data: tuple[CarrierHealth, ...]


async def create(services: Services, call: Call[NoQuery, NewCarrier]) -> Answer:
    made = await carriers.create(services.manage, call.actor, call.body)
    return Answer(made, location=f"/v1/carriers/{made.id}")


async def find(services: Services, call: Call[PageQuery, None]) -> Answer:
    found = await carriers.find(services.manage, call.query.paging())
    return Answer(msgspec.structs.replace(found, data=tuple([_shown(call, each) for each in found.data])))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(_shown(call, await carriers.get(services.manage, call.path["id"])))


def _shown(call: Call[Any, Any], found: CarrierView) -> CarrierView:
    """Who may only read gets no address by which receipts and texts can be brought."""
    if call.principal.may("carriers:write"):
        return found
    return msgspec.structs.replace(found, receipts_url=None, inbound_url=None)


async def update(services: Services, call: Call[NoQuery, CarrierChange]) -> Answer:
    return Answer(await carriers.update(services.manage, call.actor, call.path["id"], call.body))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await carriers.delete(services.manage, call.actor, call.path["id"])
    return Answer()


async def pause(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await carriers.pause(services.manage, call.actor, call.path["id"]))


async def resume(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await carriers.resume(services.manage, call.actor, call.path["id"]))


async def health(services: Services, call: Call[NoQuery, None]) -> Answer:
    carrier = await carriers.get(services.manage, call.path["id"])
    now, owners = services.health().get(carrier.id), await nodes.owners(services.manage)
    node = owners.get(carrier.id)
    return Answer(CarrierHealth(carrier.id, carrier.name, carrier.kind, carrier.status, node, _view(now)))


async def health_of_all(services: Services, call: Call[NoQuery, None]) -> Answer:
    now, owners = services.health(), await nodes.owners(services.manage)
    found = [
        CarrierHealth(c.id, c.name, c.kind, c.status, owners.get(c.id), _view(now.get(c.id)))
        for c in services.tables.carriers.values()
    ]
    return Answer(CarriersHealth(tuple(found)))


def _view(now: Health | None) -> HealthView | None:
    if now is None:
        return None
    connections = tuple([ConnectionView(**_dated(each)) for each in now.connections])
    return HealthView(**_dated(now) | {"connections": connections})


def _dated(found: Health | BindHealth) -> dict[str, Any]:
    return msgspec.structs.asdict(found) | {"since": moments.to_text(found.since)}


OPERATIONS = (
    Operation(
        method="POST", path="/v1/carriers", name="createCarrier", tag=_TAG, summary="Create a carrier",
        description="Its binds are opened at once. Over HTTP the answer's `receipts_url` and `inbound_url` are what "
        "its provider has to call.", access="operator", account_header="refused",
        scope="carriers:write",
        handle=create, body=NewCarrier, answer=CarrierView, status=201, errors=("conflict",),
        example={
            "name": "Tern Telecom",
            "password": "secret",
            "settings": {"host": "smpp.example.com", "port": 2775, "system_id": "us", "binds": 2, "window": 50},
        },
    ),
    Operation(
        method="GET", path="/v1/carriers", name="listCarriers", tag=_TAG, summary="List carriers",
        access="operator", account_header="refused",
        scope="carriers:read", handle=find, query=PageQuery, answer=Page[CarrierView],
    ),
    Operation(
        method="GET", path="/v1/carriers/health", name="getCarriersHealth", tag=_TAG,
        summary="How all carriers are doing",
        access="operator", account_header="refused", scope="carriers:read", handle=health_of_all, answer=CarriersHealth,
    ),
    Operation(
        method="GET", path="/v1/carriers/{id}", name="getCarrier", tag=_TAG, summary="Read a carrier",
        access="operator", account_header="refused", scope="carriers:read", handle=get, answer=CarrierView,
    ),
    Operation(
        method="PATCH", path="/v1/carriers/{id}", name="updateCarrier", tag=_TAG, summary="Change a carrier",
        description="Its binds are opened anew; absent settings stay.", access="operator", account_header="refused",
        scope="carriers:write",
        handle=update, body=CarrierChange, answer=CarrierView, errors=("conflict",),
        example={"settings": {"window": 100}},
    ),
    Operation(
        method="DELETE", path="/v1/carriers/{id}", name="deleteCarrier", tag=_TAG, summary="Delete a carrier",
        description="No route may name it any more.", access="operator", account_header="refused",
        scope="carriers:write",
        handle=delete, status=204, errors=("in_use",),
    ),
    Operation(
        method="POST", path="/v1/carriers/{id}/pause", name="pauseCarrier", tag=_TAG, summary="Pause a carrier",
        description="It is unbound and sends nothing; routes go on to their next carrier.",
        access="operator", account_header="refused", scope="carriers:write", handle=pause, answer=CarrierView,
    ),
    Operation(
        method="POST", path="/v1/carriers/{id}/resume", name="resumeCarrier", tag=_TAG, summary="Resume a carrier",
        access="operator", account_header="refused", scope="carriers:write", handle=resume, answer=CarrierView,
    ),
    Operation(
        method="GET", path="/v1/carriers/{id}/health", name="getCarrierHealth", tag=_TAG,
        summary="How a carrier is doing",
        access="operator", account_header="refused", scope="carriers:read", handle=health, answer=CarrierHealth,
    ),
)  # fmt: skip
