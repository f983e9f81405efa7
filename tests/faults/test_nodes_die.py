"""Nodes that are killed and frozen: real processes on one PostgreSQL, judged by the simulator's log. What an owner had
moves within ten seconds; no text is lost; none is sent twice, and at most a window of them is in doubt.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.cli.product import COMMAND, START_S, environ
from tests.freezing import freeze, thaw
from tests.journey.rig import KEY, POSTGRES, Rig, installation, simulated, until
from whimbrel.store import cluster
from whimbrel.store.interface import Node
from whimbrel_sandbox.log import Bound, Submitted
from whimbrel_sandbox.serve import Simulator

MOVED_S = 10.0  # on a machine that has time for it
PATIENCE_S = 60.0
_TICK_S = 0.05
WINDOW = 20


class Nodes:
    """Workers in processes of their own, and one node in this process that takes messages and looks."""

    def __init__(self, folder: Path, url: str, rig: Rig, simulator: Simulator) -> None:
        self._folder = folder
        self._url = url
        self.rig = rig
        self.simulator = simulator
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        """One more worker."""
        place = len(self.processes)
        folder = self._folder / f"node-{place}"
        folder.mkdir()
        (folder / "node.toml").write_text(
            f'database = "{self._url}"\nroles = ["worker"]\n[server]\ndata = "{folder}"\n'
        )
        log = (folder / "log").open("wb")
        with log:
            made = await asyncio.create_subprocess_exec(
                *COMMAND,
                "serve",
                "--config",
                folder / "node.toml",
                env=environ(WHIMBREL_MASTER_KEY=KEY.hex()),
                stdout=log,
                stderr=log,
            )
        self.processes.append(made)

    async def have_joined(self) -> bool:
        """Whether all of them are nodes."""
        found = await cluster.nodes(self.rig.app.store, time.time_ns() // 1000)
        dead = [process for process in self.processes if process.returncode is not None]
        assert not dead, (self._folder / "node-0" / "log").read_text()
        return len(found) == len(self.processes) + 1

    async def owner(self) -> asyncio.subprocess.Process | None:
        """The process that has the carrier, alive or dead; None while nobody has."""
        store = self.rig.app.store
        nodes = {node.id: node for node in await store.fetch(Node, "nodes_all")}
        (lease,) = await cluster.leases(store, "carrier:")
        node = nodes.get(lease.node_id)
        pid = int(node.name.rpartition(":")[2]) if node is not None else 0
        return next((process for process in self.processes if process.pid == pid), None)

    async def another_owner(self, than: asyncio.subprocess.Process | None) -> asyncio.subprocess.Process:
        """The next one."""

        async def moved() -> asyncio.subprocess.Process | None:
            found = await self.owner()
            return found if found is not than else None

        return await until(moved, within_s=PATIENCE_S)

    async def bound_since(self, at_us: int) -> None:
        """Wait until the carrier has bound again."""
        await until(lambda: any(event.at_us > at_us for event in self._log(Bound)), within_s=PATIENCE_S)

    def sent(self) -> Counter[str]:
        """How often each number was sent a text."""
        return Counter(event.dest for event in self._log(Submitted))

    def _log(self, kind):
        log = self.simulator.center.log
        assert log is not None
        return [event for event in log.after(0, 10_000_000)[1] if isinstance(event, kind)]

    async def send(self, count: int, start: int = 0) -> list[str]:
        """Texts to numbers of their own, a few at a time."""
        ids: list[str] = []
        for place in range(start, start + count, 20):
            drafts = [self.rig.draft(f"+44791112{number:04}") for number in range(place, place + 20)]
            ids += await self.rig.send(*drafts)
            await asyncio.sleep(0.02)
        return ids

    async def end(self) -> None:
        """Every process, however it stands."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def nodes(folder: Path, url: str) -> AsyncIterator[Nodes]:
    (folder / POSTGRES).write_text(url)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(simulated())
        rig = await stack.enter_async_context(installation(folder, simulator, roles=()))
        made = Nodes(folder, url, rig, simulator)
        stack.push_async_callback(made.end)
        await made.start()
        await made.start()
        await until(made.have_joined, within_s=START_S)
        await rig.seed(window=WINDOW, throughput_per_s=400)
        await made.another_owner(None)
        yield made


@asynccontextmanager
async def time_taken() -> AsyncIterator[list[float]]:
    """How long the block takes, without what the machine gives to others meanwhile: so much later than it asked to be
    is this process woken, all in all."""
    late = 0.0

    async def ticks() -> None:
        nonlocal late
        while True:
            asked = time.monotonic()
            await asyncio.sleep(_TICK_S)
            late += time.monotonic() - asked - _TICK_S

    taken: list[float] = []
    task, began = asyncio.create_task(ticks()), time.monotonic()
    try:
        yield taken
    finally:
        task.cancel()
    taken.append(time.monotonic() - began - late)


async def settled(made: Nodes, ids: list[str]) -> Counter[str]:
    """States of all messages once each is delivered, in doubt, or failed: what was put in doubt and of which its first
    owner says later that no octet left is never sent after that doubt was told (`domain/outcomes.py`)."""

    async def there() -> Counter[str] | None:
        states = Counter(message.state for message in await made.rig.app.store.messages(ids))
        return states if set(states) <= {"delivered", "in_doubt", "failed"} else None

    return await until(there, within_s=120)


async def test_what_a_killed_node_had_moves_and_nothing_is_lost_or_sent_twice(tmp_path: Path, postgres: str):
    async with nodes(tmp_path, postgres) as made:
        sending = asyncio.create_task(made.send(1200))
        await until(lambda: sum(made.sent().values()) > 200, within_s=60)
        first = await made.another_owner(None)
        async with time_taken() as taken:
            killed_us = time.time_ns() // 1000
            first.kill()
            await made.bound_since(killed_us)
        assert taken[0] < MOVED_S
        states = await settled(made, await sending)
        assert sum(states.values()) == 1200
        assert states["in_doubt"] <= WINDOW + WINDOW // 4
        sent = made.sent()
        assert max(sent.values()) == 1
        assert len(sent) >= states["delivered"]


@pytest.mark.ci
async def test_a_node_that_was_frozen_submits_nothing_of_what_another_has_by_now(tmp_path: Path, postgres: str):
    async with nodes(tmp_path, postgres) as made:
        sending = asyncio.create_task(made.send(1200))
        await until(lambda: sum(made.sent().values()) > 200, within_s=60)
        first = await made.another_owner(None)
        frozen_us = time.time_ns() // 1000
        freeze(first.pid)
        async with time_taken() as taken:
            second = await made.another_owner(first)
            await made.bound_since(frozen_us)
        thaw(first.pid)
        assert taken[0] < MOVED_S
        ids = await sending
        states = await settled(made, ids)
        assert sum(states.values()) == 1200
        assert states["in_doubt"] + states["failed"] <= WINDOW + WINDOW // 4
        sent = made.sent()
        assert max(sent.values()) == 1
        failed = [m for m in await made.rig.app.store.messages(ids) if m.state == "failed"]
        assert not [m for m in failed if m.recipient.lstrip("+") in sent or m.recipient in sent]

        async def back() -> bool:
            return len(await cluster.nodes(made.rig.app.store, time.time_ns() // 1000)) == 3

        await until(back, within_s=60)  # it is a node again, under another id
        assert await made.owner() is second
        second.terminate()
        assert await second.wait() == 0
        assert await made.owner() in (None, first)
        assert await settled(made, await made.send(20, start=1200)) == {"delivered": 20}
