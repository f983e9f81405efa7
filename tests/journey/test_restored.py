"""A database that went back to an earlier moment: what it believes to be waiting is put in doubt, not sent twice."""

from pathlib import Path

from tests.journey.rig import Rig, installation, simulated
from whimbrel.journey.restored import Restored

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
