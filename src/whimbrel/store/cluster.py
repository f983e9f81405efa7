"""Who is there and who does what, as the nodes themselves and operators read it. Apart from `interface`, because none
of it is a verb of the journey.
"""

from collections.abc import Collection, Sequence

from whimbrel.store.interface import Lease, Node, Store


async def nodes(store: Store, now: int) -> Sequence[Node]:
    """Those that are alive at `now`, the longest running first."""
    found = await store.fetch(Node, "nodes_all")
    return [node for node in found if node.alive_until > now]


async def leases(store: Store, prefix: str) -> Sequence[Lease]:
    """All leases whose names begin so, held or free."""
    below = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return await store.fetch(Lease, "leases_between", prefix, below)


async def leases_named(store: Store, names: Collection[str]) -> Sequence[Lease]:
    """Those of these leases that were ever taken, held or free."""
    return await store.fetch(Lease, "leases_named", sorted(names))
