"""What happens to the nodes, at random and by a seed: killed, stopped, frozen, upgraded, and started again. One of them
is always left alone.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

from .nodes import Node

_ACTIONS = ("kill", "kill", "stop", "upgrade", "freeze")
_PAUSE_S = (2.0, 8.0)
_AWAY_S = (0.5, 4.0)
_FROZEN_S = (2.0, 12.0)  # shorter and longer than a term


class Storm:
    """`done` counts what was done."""

    def __init__(self, nodes: Sequence[Node], seed: int) -> None:
        self.done: Counter[str] = Counter()
        self.statuses: list[int] = []  # of nodes that were stopped
        self._nodes = nodes
        self._chance = random.Random(seed)
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(self._chance.uniform(*_PAUSE_S))
                free = [node for node in self._nodes if node.name not in self._busy]
                if len(free) > 1:
                    node, action = self._chance.choice(free), self._chance.choice(_ACTIONS)
                    self._busy.add(node.name)
                    group.create_task(self._act(node, action))

    async def _act(self, node: Node, action: str) -> None:
        away = self._chance.uniform(*(_FROZEN_S if action == "freeze" else _AWAY_S))
        if action == "freeze":
            node.freeze()
            await asyncio.sleep(away)
            node.thaw()
        else:
            if action == "kill":
                await node.kill()
            else:
                self.statuses.append(await node.stop())
            await asyncio.sleep(away)
            await node.start(upgraded=action == "upgrade")
        self.done[action] += 1
        self._busy.discard(node.name)
