"""Who should do what one node does for all: carriers and duties, shared out evenly among the nodes that work.

Every node computes this by itself from the same rows and comes to the same result. What is held stays where it is as
far as that is even: a node that comes is given its share and no more moves than that, and what a node leaves behind
goes to those that have least.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

KINDS: Final = ("carrier", "duty")
"""What stands before the colon of a name that is assigned."""
WORKER: Final = "worker"


class Member(msgspec.Struct, frozen=True, gc=False):
    """A node that is alive. `roles`: `worker` for carriers, and by its whole name each duty that its version knows.
    One that drains is given nothing."""

    id: str
    roles: frozenset[str]
    draining: bool = False


def assign(members: Collection[Member], names: Collection[str], held: Mapping[str, str]) -> dict[str, str]:
    """The node that should have each name; names that no node may have are left out. `held`: who has what now, as far
    as anybody does. Of what the same nodes may do, of each kind, no node has two more than another."""
    wanted: dict[str, str] = {}
    total: Counter[str] = Counter()
    for kind in KINDS:
        groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in sorted(name for name in set(names) if name.partition(":")[0] == kind):
            role = WORKER if kind == "carrier" else name
            groups[tuple(sorted(m.id for m in members if role in m.roles and not m.draining))].append(name)
        for able, own in sorted(groups.items()):
            shared = _share_out(able, own, held, total) if able else {}
            total.update(shared.values())
            wanted |= shared
    return wanted


def _share_out(
    able: Sequence[str], names: Sequence[str], held: Mapping[str, str], total: Mapping[str, int]
) -> dict[str, str]:
    has: dict[str, list[str]] = {node: [] for node in able}
    for name in names:
        if held.get(name) in has:
            has[held[name]].append(name)
    least, more = divmod(len(names), len(able))
    # those that have most already may have the one more that does not come out even; then who has least of other kinds
    by_need = sorted(able, key=lambda node: (-len(has[node]), total.get(node, 0), node))
    quota = {node: least + (place < more) for place, node in enumerate(by_need)}
    wanted = {name: node for node in able for name in has[node][: quota[node]]}
    load = Counter(wanted.values())
    for name in names:
        if name not in wanted:
            node = min((n for n in able if load[n] < quota[n]), key=lambda n: (load[n], total.get(n, 0), n))
            wanted[name] = node
            load[node] += 1
    return wanted
