"""Several nodes on one database: what each has, what moves when one comes, goes, dies or freezes, and that nothing is
lost or sent twice meanwhile. Judged by the simulator's log.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import POSTGRES, Rig, installation, simulated, until
from tests.journey.sink import listening
from whimbrel.domain.numbers import normalise
from whimbrel.journey import worker
from whimbrel.manage import carriers, nodes, webhooks
from whimbrel.store.cluster import leases_named
from whimbrel.store.interface import Search
from whimbrel.store.verbs.leases import CARRIER
from whimbrel_sandbox.log import Submitted
from whimbrel_sandbox.serve import Simulator

MOVED_S = 30.0  # however an owner ends, its carriers are up elsewhere within this time


class Cluster:
    """Nodes of one database, and the simulator that all their carriers bind to."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self._folder = folder
        self._stacks: dict[Rig, AsyncExitStack] = {}
        self.simulator = simulator
        self.nodes: list[Rig] = []

    async def join(self) -> Rig:
        """One more node."""
        stack = AsyncExitStack()
        made = await stack.enter_async_context(installation(self._folder, self.simulator))
        self._stacks[made] = stack
        self.nodes.append(made)
        made.account_id, made.carrier_id = self.nodes[0].account_id, self.nodes[0].carrier_id
        return made

    async def stop(self, node: Rig) -> None:
        """A node stops as it does on SIGTERM."""
        await self._stacks.pop(node).aclose()
        self.nodes.remove(node)

    async def seed(self, **settings: Any) -> Rig:
        """An account, and the simulator as its carrier; the node that has the carrier."""
        first = self.nodes[0]
        await first.seed(**settings)
        for node in self.nodes:
            node.account_id, node.carrier_id = first.account_id, first.carrier_id
            await until(lambda node=node: first.carrier_id in node.app.tables.carriers)
        return await self.bound(first.carrier_id)

    def owner(self, carrier_id: str) -> Rig | None:
        """The node on which a carrier's lane runs; None between two owners. Never two."""
        found = [node for node in self.nodes if node.app.worker.lane(carrier_id) is not None]
        assert len(found) <= 1
        return found[0] if found else None

    async def bound(self, carrier_id: str, *, not_at: Rig | None = None, within_s: float = MOVED_S) -> Rig:
        """The owner, once the carrier is bound there."""

        def there() -> Rig | None:
            node = self.owner(carrier_id)
            is_up = node is not None and node is not not_at and node.app.worker.health()[carrier_id].binds_up
            return node if is_up else None

        return await until(there, within_s=within_s)

    def sent(self) -> Counter[str]:
        """How often each number was sent a text, by the simulator's log."""
        log = self.simulator.center.log
        assert log is not None
        return Counter(e.dest for e in log.after(0, 10_000_000)[1] if isinstance(e, Submitted))


@asynccontextmanager
async def cluster(folder: Path, *, nodes: int = 2) -> AsyncIterator[Cluster]:
    async with simulated() as simulator:
        made = Cluster(folder, simulator)
        try:
            for _ in range(nodes):
                await made.join()
            yield made
        finally:
            for node in list(made.nodes):
                await made.stop(node)


@pytest.fixture(autouse=True)
def _on_postgresql(tmp_path: Path) -> None:
    if not (tmp_path / POSTGRES).exists():
        pytest.skip("one process owns a SQLite file")


def phones(count: int, start: int = 0) -> list[str]:
    return [f"+44791112{number:04}" for number in range(start, start + count)]


async def test_carriers_are_shared_out_and_any_node_takes_messages(tmp_path: Path):
    async with cluster(tmp_path) as c:
        first, second = c.nodes
        await c.seed()
        other = await first.add_carrier("other", system_id="other")
        await first.add_route(other, prefix="33", position=1)
        assert {await c.bound(first.carrier_id), await c.bound(other)} == {first, second}
        french = normalise("+33612340001")
        assert french is not None
        await until(lambda: second.app.tables.router.pick(french, first.account_id, False)[1] == (other,))
        ids = []
        for node in c.nodes:
            ids += await node.send(*(node.draft(phone) for phone in phones(20)))
            ids += await node.send(*(node.draft(f"+3361234{place:04}") for place in range(20)))
        await first.all_settled(ids, "delivered")
        assert set(c.sent().values()) == {2}


async def test_what_another_node_accepts_leaves_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The owner is told: nobody waits for its next look, which does not come here."""
    monkeypatch.setattr(worker, "_LOOK_S", 3600.0)
    async with cluster(tmp_path) as c:
        owner = await c.seed()
        (other,) = [node for node in c.nodes if node is not owner]
        for phone in phones(5):
            (message_id,) = await other.send(other.draft(phone))
            await other.settled(message_id, "delivered")


async def test_a_node_that_comes_is_given_its_share_under_load(tmp_path: Path):
    async with cluster(tmp_path, nodes=1) as c:
        await c.seed(window=20)
        (first,) = c.nodes
        others = [await first.add_carrier(f"other-{place}", system_id=f"other-{place}") for place in range(3)]
        for place, carrier_id in enumerate(others):
            await first.add_route(carrier_id, prefix=f"4479111{place}", position=1)
        every = [first.carrier_id, *others]
        for carrier_id in every:
            await c.bound(carrier_id)
        ids: list[str] = []

        async def send() -> None:
            for start in range(0, 1000, 25):
                ids.extend(await first.send(*(first.draft(phone) for phone in phones(25, start))))

        sending = asyncio.create_task(send())
        second = await c.join()
        shares = lambda: [sum(c.owner(i) is node for i in every) for node in (first, second)]  # noqa: E731
        await until(lambda: shares() == [2, 2])
        await sending
        await first.all_settled(ids, "delivered", within_s=90)
        assert len(c.sent()) == 1000
        assert set(c.sent().values()) == {1}


async def test_a_node_that_stops_under_load_gives_up_its_carriers_at_once(tmp_path: Path):
    async with cluster(tmp_path) as c:
        owner = await c.seed(window=20)
        (other,) = [node for node in c.nodes if node is not owner]
        ids: list[str] = []

        async def send() -> None:
            for start in range(0, 1000, 25):
                ids.extend(await other.send(*(other.draft(phone) for phone in phones(25, start))))

        sending = asyncio.create_task(send())
        await until(lambda: len(c.sent()) > 300)
        began = asyncio.get_running_loop().time()
        await c.stop(owner)
        (lease,) = await leases_named(other.app.store, [CARRIER + other.carrier_id])
        assert lease.node_id != owner.app.owners.node_id, "given up, not left to run out"
        assert await c.bound(other.carrier_id) is other
        assert asyncio.get_running_loop().time() - began < MOVED_S
        await sending
        await other.all_settled(ids, "delivered", within_s=90)
        assert len(c.sent()) == 1000
        assert set(c.sent().values()) == {1}


async def test_a_node_that_lost_its_lease_submits_nothing_more(tmp_path: Path):
    """As after a stop of the whole process that lasted longer than its term: it is found out before anything is
    written, and what was committed and had not left goes back to the queue."""
    async with cluster(tmp_path) as c:
        owner = await c.seed(window=10, throughput_per_s=20)
        (other,) = [node for node in c.nodes if node is not owner]
        ids = await other.send(*(other.draft(phone) for phone in phones(60)))
        await until(lambda: len(c.sent()) > 10)
        owner.clock.asleep_us += 7_000_000  # monotonic: no renewal was sent for longer than a term
        before = sum(c.sent().values())
        lane = owner.app.worker.lane(owner.carrier_id)
        assert lane is not None
        lane.link._outbox.pump()
        assert lane.places() == 0
        assert sum(c.sent().values()) == before
        await other.all_settled(ids, "delivered", within_s=90)
        assert set(c.sent().values()) == {1}


async def test_a_rate_holds_while_a_carrier_moves(tmp_path: Path):
    """Each owner lets a tenth of a second's texts go at once, and no more than that comes on top."""
    rate = 40
    async with cluster(tmp_path) as c:
        owner = await c.seed(window=20, throughput_per_s=rate)
        (other,) = [node for node in c.nodes if node is not owner]
        ids = await other.send(*(other.draft(phone) for phone in phones(120)))
        await until(lambda: len(c.sent()) > 40)
        await c.stop(owner)
        await other.all_settled(ids, "delivered", within_s=90)
        log = c.simulator.center.log
        assert log is not None
        times = [event.at_us for event in log.after(0, 10_000_000)[1] if isinstance(event, Submitted)]
        most = max(sum(at <= other_at < at + 1_000_000 for other_at in times) for at in times)
        assert len(times) == 120
        assert most <= rate * 1.2 + 1


async def test_any_node_tells_who_is_there_and_how_the_carriers_of_others_are(tmp_path: Path):
    async with cluster(tmp_path) as c:
        owner = await c.seed()
        (other,) = [node for node in c.nodes if node is not owner]
        every = len(owner.app.duties.names)
        await until(lambda: sorted(map(duties_of, c.nodes)) == [every // 2, every - every // 2])
        found = {view.id: view for view in (await nodes.find(other.app.manage)).data}
        assert found.keys() == {node.app.owners.node_id for node in c.nodes}
        mine, its = (found[node.app.owners.node_id] for node in (owner, other))
        assert (mine.carriers, its.carriers) == (("sim",), ())
        duties = [*mine.duties, *its.duties]
        assert sorted(duties) == sorted(name.removeprefix("duty:") for name in owner.app.duties.names)
        assert abs(len(mine.duties) - len(its.duties)) <= 1
        assert mine.roles == ("worker",) and not mine.draining and mine.version
        assert await nodes.owners(other.app.manage) == {owner.carrier_id: mine.name}
        await until(lambda: (health := other.app.standing.health().get(owner.carrier_id)) and health.binds_up)
        assert other.app.standing.is_elsewhere(owner.carrier_id)
        assert not owner.app.standing.is_elsewhere(owner.carrier_id)
        await carriers.pause(other.app.manage, "test", owner.carrier_id)  # from anywhere
        await until(lambda: owner.app.worker.lane(owner.carrier_id) is None)


async def test_duties_go_on_where_another_node_stopped_and_come_back(tmp_path: Path):
    """Three times each duty begins at another node, also at one that had it before: every event of every text reaches
    its endpoint, and every number is found."""
    async with listening() as sink, cluster(tmp_path, nodes=1) as c:
        await c.seed()
        (first,) = c.nodes
        request = webhooks.NewWebhook(url=f"{sink.url}/", events=("message.delivered",))
        await webhooks.create(first.app.manage, "test", request, account_id=first.account_id, test=False)
        every = len(first.app.duties.names)
        ids: list[str] = []
        for turn in range(3):
            second = await c.join() if turn != 1 else c.nodes[-1]
            if turn != 1:
                await until(lambda node=second: duties_of(node) >= every // 2)
            else:
                await c.stop(second)
                await until(lambda: duties_of(first) == every)
            ids += await first.send(*(first.draft(phone) for phone in phones(20, start=20 * turn)))
            await first.all_settled(ids, "delivered", within_s=90)
        await until(lambda: {post.json["message_id"] for post in sink.posts} == set(ids), within_s=90)
        for phone in phones(60):

            async def indexed(phone: str = phone) -> bool:
                wanted = first.app.vault.number_hash(phone)
                search = Search(account_id=first.account_id, test=False, number_hash=wanted)
                return len(await first.app.store.search(search, 10)) == 1

            await until(indexed)


def duties_of(node: Rig) -> int:
    return sum(node.app.owners.fence(name) > 0 for name in node.app.duties.names)
