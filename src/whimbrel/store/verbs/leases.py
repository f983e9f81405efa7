"""Leases: what one node does for all. A lease is taken where it is free or its node is gone, and its fence grows with
each taking; whoever writes as the holder of a lease has the store look whether it still has that fence.

A node that did not renew in time is removed by whoever takes leases next, in the same transaction: two nodes can never
both believe that it is theirs, however late a renewal comes.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from whimbrel.store.interface import Claim, Node
from whimbrel.store.script import Each, Many, One, Query, Rows, Script

CARRIER: Final = "carrier:"
"""The prefix of the lease of a carrier: its lane and all its binds."""
_END_OF_TIME: Final = (1 << 63) - 1


def join(node: Node) -> Script[None]:
    """A process begins."""
    row = (node.id, node.name, node.version, node.roles, node.started_at, node.alive_until, node.draining)
    yield One("node_insert", row)


def beat(node_id: str, alive_until: int, draining: bool) -> Script[bool]:
    """Whether the node is alive until the given time; False: it was taken for dead."""
    renewed: int = yield One("node_renew", (node_id, alive_until, draining))
    return renewed > 0


def leave(node_id: str) -> Script[None]:
    """A process ends: what it held is free at once."""
    yield One("leases_release_of", (node_id,))
    yield One("seats_delete_of", ([node_id],))
    yield One("node_delete", (node_id,))


def take(names: Sequence[str], node_id: str, now: int) -> Script[dict[str, int]]:
    """Those of the leases that the node has got, each with its fence."""
    gone: Rows = yield Query("nodes_bury", (now,))
    if gone:
        yield One("seats_delete_of", ([row[0] for row in gone],))
    known: Rows = yield Query("leases_to_take", (sorted(names),))
    alive = {row[0] for row in (yield Query("nodes_ids"))}  # after the leases are locked: who joined meanwhile counts
    if node_id not in alive:
        return {}
    free = [(name, fence, node_id, now) for name, holder, fence in known if holder not in alive]
    new = [(name, node_id, now) for name in sorted(set(names) - {row[0] for row in known})]
    taken: Rows = yield Each("lease_move", free)
    made: Rows = yield Each("lease_new", new)
    return dict(taken + made)


def release(names: Sequence[str], node_id: str) -> Script[None]:
    """The node does it no more; what is not its own is left alone."""
    yield Many("lease_release", [(name, node_id) for name in sorted(names)])


def take_seat(credential_id: str, node_id: str, own: int, binds_max: int) -> Script[bool]:
    """Whether the node may have so many binds of a credential, beside those at other nodes; they are written down then.
    Of two nodes that ask at the same time the second one counts what the first was given."""
    yield Query("smpp_credential_locked", (credential_id,))
    rows: Rows = yield Query("seats_of", (credential_id,))
    alive = {row[0] for row in (yield Query("nodes_ids"))}
    if own + sum(binds for other, binds in rows if other in alive and other != node_id) > binds_max:
        return False
    yield Many("seats_set", [(credential_id, node_id, own)])
    return True


def alone() -> Script[None]:
    """All processes of before are gone: whoever says so has the database to himself."""
    gone: Rows = yield Query("nodes_bury", (_END_OF_TIME,))
    yield One("seats_delete_of", ([row[0] for row in gone],))


def lost(claims: Iterable[Claim]) -> Script[frozenset[str]]:
    """Carriers for which claims are made by a node that does not hold them any more. The others stay with their holders
    until the transaction ends."""
    fences = {CARRIER + claim.carrier_id: claim.fence for claim in claims if claim.fence}
    if not fences:
        return frozenset()
    held = dict((yield Query("leases_held", (sorted(fences),))))
    return frozenset(name.removeprefix(CARRIER) for name, fence in fences.items() if held.get(name) != fence)
