"""Flows in the store: a turn is written once and where the run still stands, an answer finds its run once, and what is
due is found by its time."""

from typing import Any

import msgspec
from store_samples import ACCOUNT, HOUR, IDS, NOW, SECOND, message

from whimbrel.base import limits
from whimbrel.base.clock import SystemClock
from whimbrel.domain.audience_terms import EVERYBODY
from whimbrel.domain.contacts import ContactWrite
from whimbrel.domain.flow_effects import Outgoing, Turn
from whimbrel.domain.flows import DELETED, Flow, FlowRun, FlowStep
from whimbrel.domain.model import Event
from whimbrel.domain.schedules import DuePart, Schedule, SchedulePart
from whimbrel.products.flows.ending import end_runs
from whimbrel.products.flows.rows import start_writes, still_stands, turn_change, turn_writes
from whimbrel.store.contacts import ContactScope
from whimbrel.store.interface import Submission, Write
from whimbrel.store.rows import to_columns
from whimbrel.store.store import SqlStore


def a_flow(id_: str, status: Any = "active") -> Flow:
    return Flow(id_, ACCOUNT, id_, status, 1, "api", "{}", NOW, NOW, NOW)


EVERY = ["running", "finished", "failed", "stopped"]


def a_run(**changes: Any) -> FlowRun:
    fields: dict[str, Any] = {
        "id": IDS.new("FR"), "account_id": ACCOUNT, "flow_id": "FW1", "version": 1, "test": False, "state": "running",
        "step": "a", "waits_for": "", "turn": 0, "steps": 0, "due_at": NOW, "answer_key": None, "answer_id": None,
        "last_id": None, "phone": "+447911123456", "number": "", "phone_hash": 31, "variables": "{}", "tags": (),
        "origin": IDS.new("RQ"), "depth": 0, "skip_waits": False, "reason": None, "started_at": NOW, "updated_at": NOW,
        "ended_at": None,
    }  # fmt: skip
    return FlowRun(**fields | changes)


async def begin(store: SqlStore, *runs: FlowRun) -> None:
    await store.write(start_writes(list(runs)))


async def read(store: SqlStore, run: FlowRun) -> FlowRun:
    (found,) = await store.fetch(FlowRun, "flow_run_by_id", run.account_id, 0, run.id)
    return found


async def events(store: SqlStore, run: FlowRun) -> list[str]:
    return [event.type for event in await store.fetch(Event, "events_of_subject", run.account_id, run.id)]


def moved(run: FlowRun, **changes: Any) -> Turn:
    seq = run.steps + 1
    step = FlowStep(run.id, seq, run.account_id, run.step, "set", "done", None, "", NOW)
    return Turn(msgspec.structs.replace(run, turn=run.turn + 1, steps=seq, **changes), (step,))


async def test_a_run_begins_once_for_its_origin(store: SqlStore) -> None:
    run = a_run()
    again = msgspec.structs.replace(run, id=IDS.new("FR"))
    await begin(store, run)
    await begin(store, again)
    assert await store.fetch(FlowRun, "flow_run_by_id", ACCOUNT, 0, again.id) == []
    assert await read(store, run) == run
    assert (await events(store, run), await events(store, again)) == (["flow.run.started"], [])


PERSON = ContactWrite("CT1", "+447911123456", "GB", {"language": "de"}, (1,))


async def test_a_turn_and_its_contact_are_one_commit(store: SqlStore) -> None:
    run = a_run()
    await begin(store, run)
    taken = turn_change(run, moved(run, step="b"), None)
    scope = ContactScope(ACCOUNT, False, NOW, labels={1: "TG1", 2: "TG2"}, flow_run=run.id)
    full = msgspec.structs.replace(PERSON, add=tuple(range(1, limits.CONTACT_LABELS_MAX + 2)))
    drop = msgspec.structs.replace(PERSON, columns={}, add=(), drop=(1,))

    async def people() -> list[tuple[str, str | None, str]]:
        rows = await store.contacts.page(ACCOUNT, False, EVERYBODY, "", 9, oldest=True)
        return [(each.number, each.language, each.labels) for each in rows]

    stale = msgspec.structs.replace(taken, turn=7)
    assert await store.advance_flow_run_with_contact(stale, scope, PERSON) == "gone"
    assert (await people(), (await read(store, run)).turn) == ([], 0)
    assert await store.advance_flow_run_with_contact(taken, scope, PERSON) == "written"
    assert await store.advance_flow_run_with_contact(taken, scope, PERSON) == "gone"
    assert (await people(), (await read(store, run)).turn) == ([(PERSON.number, "de", ",1,")], 1)
    told = await store.fetch(Event, "events_of_subject", ACCOUNT, PERSON.id)
    assert [(each.type, msgspec.json.decode(each.data)["flow_run"]) for each in told] == [
        ("contact.created", run.id),
        ("contact.tagged", run.id),
    ]
    now = await read(store, run)
    after = turn_change(now, moved(now, step="c"), None)
    assert await store.advance_flow_run_with_contact(after, scope, full) == "full"
    assert (await read(store, run)).turn == 1
    nobody = msgspec.structs.replace(drop, id="CT2", number="+447911123457")
    assert await store.advance_flow_run_with_contact(after, scope, nobody) == "written"
    assert await people() == [(PERSON.number, "de", ",1,")]
    now = await read(store, run)
    after = turn_change(now, moved(now, step="d"), None)
    assert await store.advance_flow_run_with_contact(after, scope, drop) == "written"
    assert await people() == [(PERSON.number, "de", "")]


async def test_a_turn_is_written_once(store: SqlStore) -> None:
    run, other = a_run(), a_run()
    await begin(store, run, other)
    ended = moved(run, state="finished", step="", due_at=None, ended_at=NOW)
    going = moved(other, step="b", due_at=NOW + HOUR)
    changes = [turn_change(run, ended, None), turn_change(other, going, 77)]
    assert await store.advance_flow_runs(changes) == [True, True]
    assert await store.advance_flow_runs(changes) == [False, False]
    assert (await read(store, run)) == ended.run
    assert (await read(store, other)).answer_key == 77
    assert await events(store, run) == ["flow.run.started", "flow.run.finished"]
    assert len(await store.fetch(FlowStep, "flow_steps_page", ACCOUNT, run.id, 0, 10)) == 1


async def test_an_answer_is_noted_once_and_overtakes_the_time_out(store: SqlStore) -> None:
    run = a_run(waits_for="answer", answer_key=5, due_at=NOW + HOUR)
    await begin(store, run)
    assert [each.id for each in await store.fetch(FlowRun, "flow_runs_waiting", [4, 5])] == [run.id]
    row = (run.id, 5, "SM1", NOW)
    assert await store.write([Write("flow_run_answered", (row,))]) == [1]
    assert await store.write([Write("flow_run_answered", (row,))]) == [0]
    late = moved(run, step="late", due_at=NOW)
    assert await store.advance_flow_runs([turn_change(run, late, None)]) == [False]
    (due,) = await store.fetch(FlowRun, "flow_runs_due", NOW, 10)
    assert (due.id, due.answer_id, due.answer_key) == (run.id, "SM1", None)


async def test_a_text_that_leaves_is_not_undone_by_an_answer_of_the_same_moment(store: SqlStore) -> None:
    run = a_run(waits_for="answer", answer_key=5)
    await begin(store, run)
    text = Outgoing("SM1", "+447911123456", None, "Too late", None, None, {}, "transactional")
    late = msgspec.structs.replace(moved(run, step="", state="finished", due_at=None, ended_at=NOW), send=text)
    late = msgspec.structs.replace(late, run=msgspec.structs.replace(late.run, turn=run.turn + 2))
    await store.write([Write("flow_run_answered", ((run.id, 5, "SM1", NOW),))])
    await store.write(turn_writes(run, late, None))
    assert (await read(store, run)).state == "finished"
    assert len(await store.fetch(FlowStep, "flow_steps_page", ACCOUNT, run.id, 0, 10)) == 1
    assert await events(store, run) == ["flow.run.started", "flow.run.finished"]


async def test_a_text_of_a_run_that_ended_meanwhile_is_not_stored(store: SqlStore) -> None:
    going, stopped, orphan = a_run(), a_run(), a_run(flow_id="FW2")
    await begin(store, going, stopped, orphan)
    await store.write([Write("flow_insert", (to_columns(a_flow("FW1")), to_columns(a_flow("FW2", DELETED))))])
    await store.write([Write("flow_run_stop", ((ACCOUNT, 0, stopped.id, NOW),))])
    texts = [message(), message(), message()]
    runs = (going, stopped, orphan)
    found = await store.accept(
        [Submission((text,), only=(still_stands(run),)) for text, run in zip(texts, runs, strict=True)]
    )
    assert [each.overtaken for each in found] == [False, True, True]
    assert [each.id for each in await store.messages([text.id for text in texts])] == [texts[0].id]
    await store.write([Write("flow_delete", (("FW1",), ("FW2",)))])


async def test_all_runs_of_a_deleted_flow_end_with_an_event_each(store: SqlStore) -> None:
    await store.write([Write("flow_insert", (to_columns(a_flow("FW3", DELETED)),))])
    runs = [a_run(flow_id="FW3") for _ in range(1_200)]
    done = a_run(flow_id="FW3", state="finished", due_at=None, ended_at=NOW)
    await begin(store, done, *runs)
    clock = SystemClock()
    assert not await end_runs(store, clock, "FW3", pages=1)
    assert [flow.id for flow in await store.fetch(Flow, "flows_deleted", "", 9)] == ["FW3"]
    assert await end_runs(store, clock, "FW3", pages=9)
    assert await store.fetch(Flow, "flows_deleted", "", 9) == []
    ended = [await read(store, run) for run in (runs[0], runs[600], runs[-1])]
    assert {(run.state, run.reason, run.due_at) for run in ended} == {("stopped", "flow_gone", None)}
    for run in runs[::100]:
        assert await events(store, run) == ["flow.run.started", "flow.run.finished"]
    assert await events(store, done) == ["flow.run.started"]


async def test_what_is_due_comes_in_the_order_of_its_time(store: SqlStore) -> None:
    later, first, future = a_run(due_at=NOW - SECOND), a_run(due_at=NOW - HOUR), a_run(due_at=NOW + 1)
    await begin(store, later, first, future)
    assert [each.id for each in await store.fetch(FlowRun, "flow_runs_due", NOW, 10)] == [first.id, later.id]
    assert len(await store.fetch(FlowRun, "flow_runs_due", NOW, 1)) == 1


async def test_a_stopped_run_goes_no_further(store: SqlStore) -> None:
    run = a_run()
    await begin(store, run)
    assert await store.write([Write("flow_run_stop", ((ACCOUNT, 0, run.id, NOW),))]) == [1]
    assert await store.advance_flow_runs([turn_change(run, moved(run), None)]) == [False]
    assert (await read(store, run)).state == "stopped"
    assert await store.fetch(FlowRun, "flow_runs_due", NOW, 10) == []


async def test_lists_and_retention(store: SqlStore) -> None:
    old = a_run(state="finished", due_at=None, ended_at=NOW - HOUR)
    runs = [old, a_run(flow_id="FW2"), a_run()]
    await begin(store, *runs)
    page = await store.fetch(FlowRun, "flow_runs_page", ACCOUNT, 0, EVERY, "~", 10)
    assert [each.id for each in page] == [run.id for run in reversed(runs)]
    assert [each.id for each in await store.fetch(FlowRun, "flow_runs_of_flow", "FW2", ACCOUNT, 0, EVERY, "~", 9)] == [
        runs[1].id
    ]
    await store.purge({"messages": NOW}, 10)
    assert old.id not in [r.id for r in await store.fetch(FlowRun, "flow_runs_page", ACCOUNT, 0, EVERY, "~", 10)]


async def test_a_part_of_a_schedule_goes_on_once(store: SqlStore) -> None:
    schedule = Schedule("SD1", ACCOUNT, False, "s", "active", "{}", (), 1, 0, None, NOW, NOW)
    part = SchedulePart("SD1", 0, ACCOUNT, "UTC", ("+447911123456",), "one", NOW)
    writes = [Write("schedules_insert", (to_columns(schedule),)), Write("schedule_part_insert", (to_columns(part),))]
    await store.write(writes)
    (due,) = await store.fetch(DuePart, "schedule_parts_due", NOW, 10)
    assert (due.recipients, due.occurrence, due.test) == (part.recipients, "one", False)
    step = Write("schedule_part_next", (("SD1", 0, "one", "two", NOW + HOUR),))
    assert await store.write([step, Write("schedules_ended", (("SD1", NOW),))]) == [1, 0]
    assert await store.write([step]) == [0]
    last = [Write("schedule_part_next", (("SD1", 0, "two", "", None),)), Write("schedules_ended", (("SD1", NOW),))]
    assert await store.write(last) == [1, 1]
