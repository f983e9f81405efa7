"""What is written of runs: the beginning of one, and a turn with its steps and the event of its end. Each statement
goes by the run's turn, so nothing is written twice. A turn with a text counts as two: the text leaves whatever comes in
the same moment, and an answer that does so (and counts as one) is too late.
"""

from typing import Any, Final

import msgspec

from whimbrel.domain.flow_effects import Turn
from whimbrel.domain.flows import ENDED_SEQ, STARTED_SEQ, STOPPED_TURN, FlowRun
from whimbrel.store.interface import RunChange, Write
from whimbrel.store.rows import to_columns

STARTED: Final = "flow.run.started"
FINISHED: Final = "flow.run.finished"
FAILED: Final = "flow.run.failed"


def start_writes(runs: list[FlowRun]) -> list[Write]:
    """New runs. One whose flow had its origin before is none, and has no event."""
    return [
        Write("flow_run_start", tuple(to_columns(run) for run in runs)),
        Write("flow_run_event", tuple(_event(run, STARTED_SEQ, STARTED, run.started_at) for run in runs)),
    ]


def turn_writes(before: FlowRun, turn: Turn, answer_key: int | None) -> tuple[Write, ...]:
    """A turn, guarded by the number of the one before."""
    run = turn.run
    advance = (
        run.id, before.turn, run.state, run.step, run.waits_for, run.steps, run.due_at, answer_key, run.last_id,
        run.number, run.variables, msgspec.json.encode(run.tags).decode(), run.reason, run.updated_at, run.ended_at,
        run.turn,
    )  # fmt: skip
    writes = [Write("flow_run_advance" if turn.send is None else "flow_run_sent", (advance,))]
    if turn.steps:
        writes.append(Write("flow_step_add", tuple((*to_columns(step), run.turn) for step in turn.steps)))
    if run.ended_at is not None:
        kind = FINISHED if run.state == "finished" else FAILED
        writes.append(Write("flow_run_event", (_event(run, ENDED_SEQ, kind, run.ended_at),)))
    return tuple(writes)


def turn_change(before: FlowRun, turn: Turn, answer_key: int | None, *more: Write) -> RunChange:
    """The same for the store's own verb."""
    return RunChange(before.id, before.turn, (*turn_writes(before, turn, answer_key), *more))


class RunMark(msgspec.Struct, frozen=True, gc=False):
    """Where a run stands. Columns of `flow_runs_marks`."""

    id: str
    account_id: str
    version: int
    test: bool
    turn: int
    state: str


def gone_change(flow_id: str, run: RunMark | FlowRun, at: int) -> RunChange:
    """The end of a run whose flow is deleted."""
    data = {"run_id": run.id, "flow_id": flow_id, "version": run.version, "test": run.test}
    data |= {"outcome": "stopped", "reason": "flow_gone"}
    event = (run.id, STOPPED_TURN, ENDED_SEQ, FINISHED, msgspec.json.encode(data).decode(), at)
    return RunChange(
        run.id, run.turn, (Write("flow_run_gone", ((run.id, run.turn, at),)), Write("flow_run_event", (event,)))
    )


def still_stands(run: FlowRun) -> Write:
    """The condition of a text: its run has not ended meanwhile, nor gone on elsewhere, nor lost its flow."""
    return Write("flow_run_stands", ((run.id, run.turn),))


def ended_event(run: FlowRun, at: int) -> Write:
    """Somebody stopped it: its turn is that of a run that was stopped."""
    return Write("flow_run_event", (_event(msgspec.structs.replace(run, turn=-1), ENDED_SEQ, FINISHED, at),))


def _event(run: FlowRun, seq: int, kind: str, at: int) -> tuple[Any, ...]:
    outcome = "stopped" if run.turn < 0 else run.state
    data: dict[str, Any] = {"run_id": run.id, "flow_id": run.flow_id, "version": run.version, "test": run.test}
    if seq == ENDED_SEQ:
        data |= {"outcome": outcome, "reason": run.reason}
    return (run.id, run.turn, seq, kind, msgspec.json.encode(data).decode(), at)
