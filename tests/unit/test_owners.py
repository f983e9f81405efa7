"""A process among the others, step by step, on a store that is no database."""

from typing import Any

import pytest

from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.ids import Ids
from whimbrel.journey.owners import BEAT_S, Identity, Owners
from whimbrel.store.interface import Node
from whimbrel.store.signals import LocalSignals

CLOCK = ManualClock()


class Store:
    """Rows of nodes; the answer to a join may be lost."""

    def __init__(self) -> None:
        self.signals = LocalSignals()
        self.nodes: dict[str, Node] = {}
        self.loses_answer = False

    async def join(self, node: Node) -> None:
        self.nodes[node.id] = node
        if self.loses_answer:
            self.loses_answer = False
            raise TimeoutError

    async def beat(self, node_id: str, *, alive_until: int, draining: bool) -> bool:
        return node_id in self.nodes

    async def fetch(self, row: Any, statement: str, *params: Any) -> list[Any]:
        return list(self.nodes.values()) if statement == "nodes_all" else []


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def owners(store: Any) -> Owners:
    return Owners(
        store=store,
        clock=CLOCK,
        ids=Ids(CLOCK, SeededChance(1)),
        identity=lambda: Identity("here", "1", ("worker",)),
        names=lambda: (),
        alone=False,
    )


async def test_a_node_that_joins_anew_and_never_hears_of_it_leaves_no_row_of_nobody(
    store: Store, owners: Owners
) -> None:
    """Others would keep a share of the carriers for it until its time is over."""
    await owners.join()
    store.nodes.clear()  # it was taken for dead
    store.loses_answer = True
    for _ in range(3):
        CLOCK.advance(BEAT_S)
        await owners._round()
    assert list(store.nodes) == [owners.node_id]
