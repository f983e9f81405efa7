"""What ends in the old cell begins its flow, also when the account leaves before anybody has looked: the run is begun
there and goes with the account."""

import pytest

from tests.cells import account as samples
from tests.cells.account import NAMES, Cell
from tests.cells.test_moving import finish
from tests.journey.rig import until
from whimbrel.base.metrics import Metrics
from whimbrel.domain.flows import FlowRun
from whimbrel.journey.follower import cursor
from whimbrel.products.flows import keeping
from whimbrel.products.flows.keeping import NewFlow
from whimbrel.products.flows.outcomes import MessageEnds, Outcomes
from whimbrel.products.flows.starting import Documents, Starter
from whimbrel.products.flows.verifications import VerificationEnds
from whimbrel.store.interface import Write

VERIFICATION = "VE" + "0" * 32


async def keep(cell: Cell, account_id: str, kind: str, *outcomes: str) -> str:
    steps = {"a": {"type": "tag", "add": ["x"]}}
    document = {"trigger": {"type": kind, "outcomes": outcomes}, "start": "a", "steps": steps}
    flow = NewFlow(name=kind, document=document)
    return (await keeping.create(cell.manage, samples.ACTOR, flow, account_id=account_id)).id


async def verified(cell: Cell, account_id: str) -> None:
    now = cell.clock.now_us()
    about = ("VA1", "+447911123450", 5, "GB", "44", "sms", "en", "approved", 1, 0, 1, None, "{}", 2)
    row = (VERIFICATION, account_id, 0, *about, now, now, now, now, now)
    event = (account_id, 0, VERIFICATION, 2, "verification.approved", "{}", 0, now)
    await cell.store.write([Write("verification_insert", (row,)), Write("event_insert", (event,))])


ENDS = [("message", "delivered"), ("verification", "approved")]


@pytest.mark.parametrize(("kind", "outcome"), ENDS)
async def test_an_end_of_which_no_flow_has_heard_is_waited_for(
    cells: tuple[Cell, Cell], kind: str, outcome: str
) -> None:
    eu, us = cells
    account = await samples.furnish(eu)
    flow_id = await keep(eu, account.id, kind, outcome)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    if kind == "message":
        assert await samples.receipt(eu, "id9") == "applied"
    else:
        await verified(eu, account.id)
    await samples.follow(eu)  # everybody but the part of flows: its node has just died
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    eu.clock.advance(60.0)
    moved = samples.mover(eu, us)
    for _ in range(3):
        await moved.look()
    assert await samples.active_in(cells, account) == []
    assert "still being delivered" in (await eu.moves.out())[0].waits_for

    await look(eu, kind)
    await finish(cells, account, moved)
    assert await samples.active_in(cells, account) == ["us"]
    runs = await us.store.fetch(FlowRun, "flow_runs_of_flow", flow_id, account.id, 0, ["running"], "~", 9)
    subject = account.messages["sending"].id if kind == "message" else VERIFICATION
    assert subject in [run.origin.partition(":")[0] for run in runs]


async def test_who_has_no_such_flow_is_not_kept_waiting(cells: tuple[Cell, Cell]) -> None:
    eu, _ = cells
    account = await samples.furnish(eu)
    await keep(eu, account.sub_id, "verification", "approved")
    await samples.answer(eu, account.messages["sending"].id, "id9")
    assert await samples.receipt(eu, "id9") == "applied"
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await finish(cells, account)
    assert await samples.active_in(cells, account) == ["us"]


async def look(cell: Cell, kind: str) -> None:
    """The part of flows that hears of these ends looks until it has seen all."""
    starter = Starter(cell.manage, metrics=Metrics(), documents=Documents(cell.store), begun=lambda: None)
    part: Outcomes = (MessageEnds if kind == "message" else VerificationEnds)(cell.store, starter)
    await part.start()
    last = await cell.store.last_position()

    async def seen() -> bool:
        return await cursor(cell.store, f"flow_outcomes:{kind}") >= last

    try:
        await until(seen)
    finally:
        await part.stop()
