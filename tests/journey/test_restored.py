"""A database that went back to an earlier moment: what it believes to be waiting is put in doubt, not sent twice."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.journey.rig import POSTGRES, Rig, installation, simulated
from whimbrel.domain.model import Flag, Message
from whimbrel.journey import restored
from whimbrel.journey.restored import Restored
from whimbrel.store.errors import StoreBusy
from whimbrel.store.interface import Node
from whimbrel.store.verbs.leases import CARRIER

PHONES = [f"+4479112{number:05}" for number in range(7)]
LONG = "a long text " * 30  # three segments


def tool(r: Rig) -> Restored:
    app = r.app
    return Restored(
        store=app.store,
        tables=app.tables,
        vault=app.vault,
        clock=app.clock,
        owners=app.owners,
        fall_due=app.sweep.fall_due,
    )


async def test_what_waited_is_in_doubt_and_is_not_sent(tmp_path: Path) -> None:
    async with simulated() as simulator:
        simulator.center.behaviour.refuse_binds = 0x0D
        async with installation(tmp_path, simulator) as r:
            await r.seed()
            account_id = r.account_id
            due_at = r.clock.now_us() + 3_600_000_000
            ids = await r.send(*[r.draft(phone) for phone in PHONES[:4]], r.draft(PHONES[4], LONG))
            (soon,) = await r.send(r.draft(PHONES[5], send_at_us=due_at))
            (later,) = await r.send(r.draft(PHONES[6], send_at_us=due_at + 7_200_000_000))
        async with installation(tmp_path, simulator, is_started=False) as r:
            r.account_id = account_id
            r.clock.advance(3_700)
            before = await tool(r).standing()
            assert [(each.carrier, each.by_class) for each in before.queued] == [("sim", {"transactional": 5})]
            assert before.as_of is not None and not before.alive
            assert await tool(r).put_in_doubt(list(r.app.tables.carriers)) == 6
            after = await tool(r).standing()
            assert (after.queued, after.unanswered) == ([], 0)
        simulator.center.behaviour.refuse_binds = 0
        async with installation(tmp_path, simulator) as r:
            r.account_id = account_id
            await r.bound()
            for id_ in (*ids, soon):
                message = await r.message(id_)
                assert (message.state, message.reason) == ("in_doubt", "crash")
            assert len(await r.attempts(ids[-1])) == 3, "a receipt of each segment finds it"
            (other,) = await r.send(r.draft("+447911290000"))
            await r.settled(other, "delivered")
            assert [submit.dest for submit in r.submits()] == ["447911290000"]
            assert (await r.message(later)).state == "scheduled", "its time has not come"


async def test_a_code_that_is_sent_once_more_after_doubt_waits_again_and_is_doubted_once(tmp_path: Path) -> None:
    """Whether its only carrier takes it again or the next one of its route."""
    async with simulated() as simulator:
        simulator.center.behaviour.refuse_binds = 0x0D
        async with installation(tmp_path, simulator) as r:
            await r.seed()
            other = await r.add_carrier("other", system_id="other")
            await r.add_route(r.carrier_id, other, prefix="4479112", position=1)
            await r.add_route(other, r.carrier_id, prefix="49", position=2)
            account_id, codes = r.account_id, {"message_class": "otp", "options": {"on_doubt": "retry_once"}}
            phones = ("+33612340001", "+447911200001", "+4915112345678")
            ids = await r.send(*[r.draft(phone, **codes) for phone in phones])
        async with installation(tmp_path, simulator, is_started=False) as r:
            r.account_id = account_id
            assert await tool(r).put_in_doubt(list(r.app.tables.carriers)) == 3
            for id_ in ids:
                assert len(await r.attempts(id_)) == 1
                message = await r.message(id_)
                assert message.state == "queued" and message.flags & Flag.POSSIBLE_DUPLICATE
            after = await tool(r).standing()
            assert sum(each.by_class["otp"] for each in after.queued) == 3
        simulator.center.behaviour.refuse_binds = 0
        async with installation(tmp_path, simulator) as r:
            await r.all_settled(ids, "delivered")
            assert sorted(submit.dest for submit in r.submits()) == sorted(phone[1:] for phone in phones)


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not (tmp_path / POSTGRES).exists():
        pytest.skip("one process owns a SQLite file")
    monkeypatch.setattr(restored, "_LIST", 2)


@pytest.mark.usefixtures("two_at_a_time")
async def test_a_node_that_starts_meanwhile_gets_no_carrier_however_long_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated() as simulator:
        simulator.center.behaviour.refuse_binds = 0x0D
        async with installation(tmp_path, simulator) as r:
            await r.seed()
            await r.send(*[r.draft(phone) for phone in PHONES])
        async with installation(tmp_path, simulator, is_started=False) as r:
            messages, refused = r.app.store.messages, []

            async def looked_up(ids: Sequence[str]) -> list[Message]:
                r.clock.advance(4)
                refused.append(await take_all(r))
                return await messages(ids)

            monkeypatch.setattr(r.app.store, "messages", looked_up)
            assert await tool(r).put_in_doubt(list(r.app.tables.carriers)) == 7
            assert refused == [{}] * 4
            assert await take_all(r) != {}


@pytest.mark.usefixtures("two_at_a_time")
async def test_a_node_that_has_a_carrier_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulated() as simulator:
        simulator.center.behaviour.refuse_binds = 0x0D
        async with installation(tmp_path, simulator) as r:
            await r.seed()
            await r.send(*[r.draft(phone) for phone in PHONES])
        async with installation(tmp_path, simulator, is_started=False) as r:
            messages = r.app.store.messages

            async def looked_up(ids: Sequence[str]) -> list[Message]:
                r.clock.advance(10)  # this process stood still
                await take_all(r)
                return await messages(ids)

            monkeypatch.setattr(r.app.store, "messages", looked_up)
            for _ in range(2):  # the second time from the start
                with pytest.raises(StoreBusy, match="a node works with carrier CR"):
                    await tool(r).put_in_doubt(list(r.app.tables.carriers))


async def take_all(r: Rig) -> dict[str, int]:
    """What another node gets of the carriers."""
    now, store = r.clock.now_us(), r.app.store
    if not any(node.id == "ND1" for node in await store.fetch(Node, "nodes_all")):
        await store.join(Node("ND1", "tern", "1", "worker", now, now + 3_600_000_000, False))
    return await store.take_leases([CARRIER + id_ for id_ in r.app.tables.carriers], "ND1", now)
