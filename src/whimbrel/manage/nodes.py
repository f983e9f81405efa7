"""Nodes: who is there, and who has which carrier and duty. They belong to the installation, so only operators reach
this file.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.base.clock import SECOND_US
from whimbrel.domain.model import Carrier
from whimbrel.journey.streams import duty_name
from whimbrel.manage.context import Context
from whimbrel.store import cluster

_CARRIER, _DUTY, _CUSTOMER = "carrier:", "duty:", "customer:"
_STREAM = _DUTY + duty_name("")


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """A process that runs on this database."""

    id: str
    name: Annotated[str, Meta(description="Its machine and process.")]
    version: str
    roles: tuple[str, ...]
    started_at: str
    age_s: float
    draining: Annotated[bool, Meta(description="It stops: it gives up what it has, and takes nothing.")]
    carriers: Annotated[tuple[str, ...], Meta(description="Names of those whose binds it has.")]
    duties: Annotated[tuple[str, ...], Meta(description="What it does alone for all.")]
    customers: Annotated[int, Meta(description="SMPP credentials that it delivers to.")]


class NodeList(msgspec.Struct, frozen=True):
    """All nodes, the longest running first."""

    data: tuple[NodeView, ...]


async def find(ctx: Context) -> NodeList:
    """All nodes that are alive."""
    now = ctx.clock.now_us()
    known = {carrier.id: carrier.name for carrier in await ctx.store.fetch(Carrier, "carriers_all")}
    carriers, duties = defaultdict(list), defaultdict(list)
    for lease in await cluster.leases(ctx.store, _CARRIER):
        name = known.get(lease.name.removeprefix(_CARRIER))
        if name is not None:
            carriers[lease.node_id].append(name)
    for lease in await cluster.leases(ctx.store, _DUTY):
        duties[lease.node_id].append(lease.name.removeprefix(_DUTY))
    customers = Counter([lease.node_id for lease in await cluster.leases(ctx.store, _CUSTOMER)])
    return NodeList(
        tuple(
            [
                NodeView(
                    id=node.id,
                    name=node.name,
                    version=node.version,
                    roles=tuple([role for role in node.roles.split(",") if role and ":" not in role]),
                    started_at=moments.to_text(node.started_at),
                    age_s=(now - node.started_at) / SECOND_US,
                    draining=node.draining,
                    carriers=tuple(sorted(carriers[node.id])),
                    duties=tuple(duties[node.id]),
                    customers=customers[node.id],
                )
                for node in await cluster.nodes(ctx.store, now)
            ]
        )
    )


async def owners(ctx: Context) -> Mapping[str, str]:
    """The name of the node that has each carrier, by the carrier's id; without those that nobody has now."""
    return await _holders(ctx, _CARRIER)


async def followers(ctx: Context) -> Mapping[str, str]:
    """The name of the node that follows each stream to a broker, by the stream's name; without those that nobody
    follows now."""
    return await _holders(ctx, _STREAM)


async def _holders(ctx: Context, prefix: str) -> Mapping[str, str]:
    names = {node.id: node.name for node in await cluster.nodes(ctx.store, ctx.clock.now_us())}
    found = await cluster.leases(ctx.store, prefix)
    return {row.name.removeprefix(prefix): names[row.node_id] for row in found if row.node_id in names}
