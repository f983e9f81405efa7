"""A million runs that wait: they cost no CPU, and one that falls due among them goes on within a second."""

import asyncio
import resource
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import ACTOR, installation, simulated, until
from whimbrel.domain.flows import FlowRun
from whimbrel.products.flows import keeping
from whimbrel.products.flows.keeping import NewFlow
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

RUNS = 1_000_000
CHUNK = 20_000
REST_S = 8.0
CPU_MORE = 0.02  # of one core, beside the same application before them: what that takes hangs on the machine
DOCUMENT: dict[str, Any] = {
    "trigger": {"type": "api"},
    "start": "rest",
    "steps": {"rest": {"type": "wait", "for_s": 60, "next": "say"}, "say": {"type": "send", "text": "Now"}},
}


async def at_rest() -> float:
    """What this process takes while nothing is asked of it, as a share of one core."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.sleep(REST_S)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / REST_S


@pytest.mark.ci
async def test_a_million_waiting_runs_cost_nothing_and_go_on_in_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    async with simulated() as simulator, installation(tmp_path, simulator) as r:
        await r.seed()
        await r.bound()
        new = NewFlow(name="f", document=DOCUMENT)
        flow = await keeping.create(r.app.manage, ACTOR, new, account_id=r.account_id)
        alone = await at_rest()
        now = r.clock.now_us()
        day = 86_400_000_000
        for start in range(0, RUNS, CHUNK):
            rows = tuple(
                to_columns(waiting(r.app.ids.new("FR"), r.account_id, flow.id, n, now + day + n * 1000))
                for n in range(start, start + CHUNK)
            )
            await r.app.store.write([Write("flow_run_start", rows)])
        among = await at_rest()
        due = waiting(r.app.ids.new("FR"), r.account_id, flow.id, RUNS, r.clock.now_us() + 1_500_000)
        await r.app.store.write([Write("flow_run_start", (to_columns(due),))])
        assert due.due_at is not None
        wait_s = (due.due_at - r.clock.now_us()) / 1_000_000
        began = time.monotonic()

        async def went_on() -> bool:
            (run,) = await r.app.store.fetch(FlowRun, "flow_run_by_id", r.account_id, 0, due.id)
            return run.state == "finished"

        await until(went_on, within_s=10)
        late_s = time.monotonic() - began - wait_s
        with capsys.disabled():
            sys.stdout.write(
                f"\n{RUNS:,} waiting runs: {among:.1%} of a core at rest ({alone:.1%} before them); "
                f"a due one {late_s:.2f} s late\n"
            )
        assert among - alone < CPU_MORE
        assert late_s < 1.0


def waiting(id_: str, account_id: str, flow_id: str, number: int, due_at: int) -> FlowRun:
    return FlowRun(
        id=id_, account_id=account_id, flow_id=flow_id, version=1, test=False, state="running", step="rest",
        waits_for="time", turn=1, steps=0, due_at=due_at, answer_key=None, answer_id=None, last_id=None,
        phone=f"+4479110{number % 100_000:05}", number="", phone_hash=number, variables="{}", tags=(),
        origin=str(number), depth=0, skip_waits=False, reason=None, started_at=1, updated_at=1, ended_at=None,
    )  # fmt: skip
