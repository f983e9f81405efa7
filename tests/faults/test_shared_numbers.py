"""Numbers that two nodes share: real processes on one PostgreSQL, each with a carrier of its own, send from the same
two numbers while two nodes accept for the same people at the same time, and one process is killed in between. Judged by
the simulator's log: no window is above a number's rate, and everybody hears from one number.
"""

import asyncio
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.faults.test_nodes_die import PATIENCE_S, Nodes, nodes, settled
from tests.journey.rig import ACTOR, Rig, installation, until
from tests.windows import most_in
from whimbrel.manage import pools, senders
from whimbrel.store import cluster
from whimbrel.store.interface import Node
from whimbrel_sandbox.log import Bound, Submitted

pytestmark = pytest.mark.ci

RATE = 600  # segments a minute: ten a second
NUMBERS = ("+447400123401", "+447400123402")
SECOND_US = 1_000_000
LATE = 1  # of a second, where one process was kept waiting longer than a number's pace leaves room for (40 ms)
WINDOWS = ((SECOND_US, RATE // 60 + LATE), (2 * SECOND_US, 2 * RATE // 60), (10 * SECOND_US, 10 * RATE // 60))
PEOPLE = [f"+4479111230{n:02}" for n in range(20)] + [f"+4915112345{n:03}" for n in range(20)]


async def pool(rig: Rig) -> str:
    """A pool of the two numbers, each with the rate."""
    ctx, account_id = rig.app.manage, rig.account_id
    for value in NUMBERS:
        await senders.create(ctx, ACTOR, senders.NewSender(value=value), account_id=account_id)
    made = await pools.create(ctx, ACTOR, pools.NewPool(name="shared", senders=NUMBERS), account_id=account_id)
    for value in NUMBERS:
        member = pools.NewMember(rate_per_min=RATE)
        await pools.put_member(ctx, ACTOR, made.pool.id, value, member, account_id=account_id)
    return made.pool.id


async def owners(made: Nodes) -> dict[str, int]:
    """The process that has each carrier."""
    store = made.rig.app.store
    named = {node.id: node.name for node in await store.fetch(Node, "nodes_all")}
    found = await cluster.leases(store, "carrier:")
    return {
        lease.name.removeprefix("carrier:"): int(named[lease.node_id].rpartition(":")[2])
        for lease in found
        if lease.node_id in named
    }


async def another(made: Nodes, stack: AsyncExitStack, folder: Path) -> Rig:
    """A second node that takes messages."""
    found = await stack.enter_async_context(installation(folder, made.simulator, roles=()))
    found.account_id, found.carrier_id = made.rig.account_id, made.rig.carrier_id
    return found


async def test_nodes_share_the_rate_of_a_number_and_people_keep_their_sender(tmp_path: Path, postgres: str):
    async with nodes(tmp_path, postgres) as made, AsyncExitStack() as stack:
        one = made.rig
        german = await one.add_carrier("second", system_id="second", window=20)
        await one.add_route(german, prefix="49", position=1)
        shared = await pool(one)
        two = await another(made, stack, tmp_path)

        async def apart() -> bool:
            return len(set((await owners(made)).values())) == 2

        await until(apart, within_s=PATIENCE_S)

        async def both_write(text: str) -> list[str]:
            """Each node accepts a text to everybody, at the same time."""
            drafts = [
                [rig.draft(phone, f"{text} {name}", options={"pool_id": shared}) for phone in PEOPLE]
                for name, rig in (("one", one), ("two", two))
            ]
            mine, others = await asyncio.gather(one.send(*drafts[0]), two.send(*drafts[1]))
            return [*mine, *others]

        def sent() -> list[Submitted]:
            log = made.simulator.center.log
            assert log is not None
            return [event for event in log.after(0, 10_000_000)[1] if isinstance(event, Submitted)]

        ids = await both_write("first")
        await until(lambda: len(sent()) > 40, within_s=PATIENCE_S)
        killed_us = time.time_ns() // 1000
        pid = (await owners(made))[one.carrier_id]
        (victim,) = [process for process in made.processes if process.pid == pid]
        victim.kill()
        await senders.create(one.app.manage, ACTOR, senders.NewSender(value="+447400123403"), account_id=one.account_id)
        heavy = pools.NewMember(weight=1000, rate_per_min=RATE)  # would get nearly everybody who has no sender yet
        await pools.put_member(one.app.manage, ACTOR, shared, "+447400123403", heavy, account_id=one.account_id)
        ids += await both_write("second")
        states = await settled(made, ids)
        assert sum(states.values()) == 4 * len(PEOPLE)
        assert states["delivered"] >= sum(states.values()) - 25, "a window and a quarter, at most, is in doubt"
        assert any(event.at_us > killed_us for event in made._log(Bound)), "the carrier has moved"

        wrote: defaultdict[str, set[str]] = defaultdict(set)
        times: defaultdict[str, list[int]] = defaultdict(list)
        for event in sent():
            wrote[event.dest].add(event.source)
            times[event.source].append(event.at_us)
        assert len(wrote) == len(PEOPLE)
        assert [phone for phone, by in wrote.items() if len(by) > 1] == []
        assert len(times) == 2, "both numbers write, and the new one to nobody who has one"
        for source, moments in times.items():
            assert len(moments) > 40, source
            found = [most_in(moments, window_us) for window_us, _ in WINDOWS]
            assert all(most <= held for most, (_, held) in zip(found, WINDOWS, strict=True)), (source, found)
