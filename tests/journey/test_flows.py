"""Flows over the real application and the simulator: a phone writes, is asked, answers, and hears what follows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.flows import FlowRun, FlowStep
from whimbrel.domain.local_times import to_local
from whimbrel.domain.model import Draft
from whimbrel.journey.accept import Accepted
from whimbrel.manage import users
from whimbrel.manage.users import UserChange
from whimbrel.products.conversations import notes
from whimbrel.products.conversations import reading as conversations
from whimbrel.products.conversations.reading import Wanted
from whimbrel.products.flows import keeping, running
from whimbrel.products.flows.keeping import FlowChange, NewFlow
from whimbrel.products.flows.running import NewRun
from whimbrel.products.flows.starting import Beginning
from whimbrel.products.schedules import keeping as schedules
from whimbrel.products.schedules.shapes import NewSchedule
from whimbrel.products.templates import keeping as templates
from whimbrel.products.templates import versions
from whimbrel.products.templates.shapes import NewTemplate, TemplateChange
from whimbrel.store.interface import RunChange, Write

from .rig import ACTOR, SENDER, Rig, installation, rig, simulated, until
from .sink import listening

PHONE = "+447911123456"
CONFIRM: dict[str, Any] = {
    "trigger": {"type": "keyword", "keywords": ["join"]},
    "start": "ask",
    "steps": {
        "ask": {"type": "send", "text": "Hello {{ trigger.word }}: YES or NO?", "next": "answer"},
        "answer": {"type": "wait_for_answer", "timeout_s": 600, "next": "which", "on_timeout": "late"},
        "which": {"type": "branch", "cases": [{"when": "answer.word == 'OK'", "next": "good"}], "otherwise": "bad"},
        "good": {"type": "send", "text": "Good: {{ answer.text }}"},
        "bad": {"type": "send", "text": "Pity"},
        "late": {"type": "send", "text": "Too late"},
    },
}


async def keep(made: Rig, document: dict[str, Any], name: str = "flow") -> str:
    flow = await keeping.create(
        made.app.manage, ACTOR, NewFlow(name=name, document=document), account_id=made.account_id
    )
    return flow.id


async def runs(made: Rig, flow_id: str, *states: str) -> list[FlowRun]:
    wanted = list(states or ("running", "finished", "failed", "stopped"))
    return await made.app.store.fetch(FlowRun, "flow_runs_of_flow", flow_id, made.account_id, 0, wanted, "~", 1000)


async def texts(made: Rig, phone: str, count: int) -> list[str]:
    async def there() -> list[str] | None:
        got = [text.text for text in made.phone(phone)]
        return got if len(got) >= count else None

    return await until(there)


async def test_a_keyword_is_asked_answers_and_hears_what_follows(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        flow_id = await keep(made, CONFIRM)
        made.say(PHONE, "Join")
        assert await texts(made, PHONE, 1) == ["Hello JOIN: YES or NO?"]
        made.say(PHONE, "ok, I do")
        assert (await texts(made, PHONE, 2))[1] == "Good: ok, I do"
        (run,) = await until(lambda: runs(made, flow_id, "finished"))
        assert (run.phone, run.number, run.steps) == (PHONE, SENDER, 4)
        steps = await made.app.store.fetch(FlowStep, "flow_steps_page", made.account_id, run.id, 0, 100)
        assert [(s.seq, s.step, s.outcome) for s in steps] == [
            (1, "ask", "sent"),
            (2, "answer", "answered"),
            (3, "which", "case_1"),
            (4, "good", "sent"),
        ]


def minutes(document: dict[str, Any], **steps: Any) -> dict[str, Any]:
    return document | {"start": next(iter(steps)), "steps": steps}


API = {"trigger": {"type": "api"}}


async def begin(made: Rig, flow_id: str, phone: str = PHONE, **more: Any) -> str:
    run = await running.start(
        made.app.manage,
        made.app.products.flows,
        flow_id,
        NewRun(phone=phone, variables=more.pop("variables", {})),
        account_id=made.account_id,
        test=False,
        origin=made.app.ids.new("RQ"),
        **more,
    )
    return run.id


async def ended(made: Rig, run_id: str) -> FlowRun:
    async def there() -> FlowRun | None:
        (run,) = await made.app.store.fetch(FlowRun, "flow_run_by_id", made.account_id, 0, run_id)
        return run if run.state != "running" else None

    return await until(there)


async def waits(made: Rig, run_id: str, what: str) -> None:
    async def there() -> bool:
        (run,) = await made.app.store.fetch(FlowRun, "flow_run_by_id", made.account_id, 0, run_id)
        return run.waits_for == what

    await until(there)


async def test_nobody_answers_in_time(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        flow_id = await keep(made, CONFIRM)
        made.say(PHONE, "join")
        (run,) = await until(lambda: runs(made, flow_id))
        await waits(made, run.id, "answer")
        made.clock.advance(601)
        assert (await texts(made, PHONE, 2))[1] == "Too late"
        assert (await ended(made, run.id)).state == "finished"


async def test_a_run_goes_on_where_the_process_ended(tmp_path: Path) -> None:
    async with simulated() as simulator:
        async with installation(tmp_path, simulator) as made:
            await made.ready()
            account_id, flow_id = made.account_id, await keep(made, CONFIRM)
            made.say(PHONE, "join")
            (run,) = await until(lambda: runs(made, flow_id))
            await waits(made, run.id, "answer")
            # a change is for new runs
            change = FlowChange(document=minutes(API, other={"type": "stop"}))
            await keeping.update(made.app.manage, ACTOR, flow_id, change, account_id=account_id)
        async with installation(tmp_path, simulator) as made:
            made.account_id = account_id
            await made.bound()
            made.say(PHONE, "OK")
            assert (await texts(made, PHONE, 2))[1] == "Good: OK"
            assert (await ended(made, run.id)).version == 1


async def test_a_refused_text_fails_the_run_with_its_reason(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        flow_id = await keep(made, minutes(API, a={"type": "send", "text": "Hello"}))
        made.say(PHONE, "STOP")
        await made.acknowledged()
        run = await ended(made, await begin(made, flow_id))
        assert (run.state, run.reason) == ("failed", "opted_out")


async def test_a_run_that_is_stopped_in_the_moment_of_its_text_sends_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        flow_id = await keep(made, minutes(API, a={"type": "send", "text": "Hello"}))
        submit = made.app.accept.submit

        async def late(drafts: Sequence[Draft], **more: Any) -> Accepted:
            """The turn is taken, and then somebody stops the run: its text comes to the commit afterwards."""
            run_id = (drafts[0].options.metadata or {})["flow_run"]
            await running.stop(made.app.manage, ACTOR, run_id, account_id=made.account_id, test=False)
            return await submit(drafts, **more)

        monkeypatch.setattr(made.app.accept, "submit", late)
        run = await ended(made, await begin(made, flow_id))
        monkeypatch.setattr(made.app.accept, "submit", submit)
        again = await ended(made, await begin(made, flow_id))  # whoever comes later sends
        assert (run.state, again.state) == ("stopped", "finished")
        assert len(await texts(made, PHONE, 1)) == 1
        assert await made.app.store.fetch(FlowStep, "flow_steps_page", made.account_id, run.id, 0, 9) == []


async def test_a_run_that_takes_a_step_as_it_is_stopped_is_stopped_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        flow_id = await keep(made, minutes(API, a={"type": "wait", "for_s": 3600}))
        run_id = await begin(made, flow_id)
        await waits(made, run_id, "time")
        real = made.app.store.advance_flow_runs
        seen: list[int] = []

        async def raced(changes: Sequence[RunChange]) -> Sequence[bool]:
            """The first stop is of a turn that has passed."""
            (change,) = changes
            seen.append(change.turn)
            return await real([RunChange(run_id, change.turn - (len(seen) == 1), change.writes)])

        monkeypatch.setattr(made.app.store, "advance_flow_runs", raced)
        run = await running.stop(made.app.manage, ACTOR, run_id, account_id=made.account_id, test=False)
        assert (run.state, len(seen)) == ("stopped", 2)


async def test_runs_of_a_deleted_flow_end_with_an_event_and_send_nothing_more(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        steps = {"a": {"type": "wait", "for_s": 60, "next": "b"}, "b": {"type": "send", "text": "Hello"}}
        flow_id = await keep(made, minutes(API, **steps))
        begun = [await begin(made, flow_id, f"+4479111234{number:02}") for number in range(3)]
        for run_id in begun:
            await waits(made, run_id, "time")
        await keeping.delete(made.app.manage, ACTOR, flow_id, account_id=made.account_id)
        made.clock.advance(61)
        found = [await ended(made, run_id) for run_id in begun]
        assert {(run.state, run.reason) for run in found} == {("stopped", "flow_gone")}
        for run_id in begun:
            last = (await made.log_of(run_id))[-1]
            about = {"outcome": "stopped", "reason": "flow_gone"}
            assert (last.type, msgspec.json.decode(last.data)) == (
                "flow.run.finished",
                {"run_id": run_id, "flow_id": flow_id, "version": 1, "test": False} | about,
            )
        await keep(made, minutes(API, **steps))  # its name is free


async def test_a_run_that_begins_as_its_flow_is_deleted_sends_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        flow_id = await keep(made, minutes(API, a={"type": "send", "text": "Hello"}))
        await ended(made, await begin(made, flow_id))
        flow = await keeping.existing(made.app.manage, flow_id, made.account_id)
        await keeping.delete(made.app.manage, ACTOR, flow_id, account_id=made.account_id)
        (run,) = await made.app.products.flows.start([Beginning(flow=flow, phone=PHONE, origin="late")])
        assert run is not None
        assert (await ended(made, run.id)).reason == "flow_gone"
        assert len(await texts(made, PHONE, 1)) == 1


async def test_a_message_that_arrives_begins_a_flow_and_flows_begin_each_other_only_so_deep(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        trigger = {"trigger": {"type": "message", "outcomes": ["delivered"], "tag": "parcel"}}
        steps = {
            "a": {"type": "tag", "add": ["parcel"], "next": "b"},
            "b": {"type": "send", "text": "How was it? {{ trigger.outcome }}"},
        }
        flow_id = await keep(made, minutes(trigger, **steps))
        await made.send(made.draft(PHONE, "no tag"), made.draft(PHONE, "Here it is", options={"tags": ("parcel",)}))
        found = await until(lambda: _many(made, flow_id, 4))
        assert sorted(run.depth for run in found) == [0, 1, 2, 3]
        assert (await texts(made, PHONE, 6)).count("How was it? delivered") == 4
        await until(lambda: _counted(made, "too_deep"))
        assert len(await runs(made, flow_id)) == 4


async def _many(made: Rig, flow_id: str, count: int) -> list[FlowRun] | None:
    found = await runs(made, flow_id, "finished")
    return found if len(found) >= count else None


def _counted(made: Rig, result: str) -> float:
    return made.app.metrics.registry.get_sample_value("whimbrel_flow_runs_total", {"result": result}) or 0.0


async def test_a_verification_that_ends_begins_a_flow_for_its_phone(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        trigger = {"trigger": {"type": "verification", "outcomes": ["approved"]}}
        flow_id = await keep(made, minutes(trigger, a={"type": "send", "text": "Welcome: {{ trigger.outcome }}"}))
        now = made.clock.now_us()
        for number, outcome in enumerate(("expired", "approved")):
            verification = f"VE{number:032x}"
            about = ("VA1", f"+44791112345{number}", number, "GB", "44", "sms", "en", outcome, 1, 0, 1, None, "{}", 2)
            row = (verification, made.account_id, 0, *about, now, now, now, now, now)
            event = (made.account_id, 0, verification, 2, f"verification.{outcome}", "{}", 0, now)
            await made.app.store.write([Write("verification_insert", (row,)), Write("event_insert", (event,))])
        assert await texts(made, "+447911123451", 1) == ["Welcome: approved"]
        (run,) = await runs(made, flow_id)
        assert run.phone == "+447911123451"


async def test_two_machines_that_answer_each_other_are_stopped(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        trigger = {"trigger": {"type": "text"}}
        flow_id = await keep(made, minutes(trigger, a={"type": "tag", "add": ["x"]}))
        for number in range(limits.FLOW_RUNS_PER_HOUR + 2):
            made.say(PHONE, f"Hello {number}")
        await until(lambda: _counted(made, "too_many") >= 2)
        await until(lambda: _many(made, flow_id, limits.FLOW_RUNS_PER_HOUR))
        assert len(await runs(made, flow_id)) == limits.FLOW_RUNS_PER_HOUR


async def test_another_system_is_asked_with_a_key_of_its_own(tmp_path: Path) -> None:
    async with rig(tmp_path) as made, listening() as sink:
        await made.ready()
        sink.answers.extend([200, 500])
        ask = {"type": "request", "url": f"{sink.url}/orders", "body": {"who": "phone", "n": "n"}, "save_as": "said"}
        steps = {"a": ask | {"next": "b"}, "b": ask | {"on_error": "c"}, "c": {"type": "tag", "add": ["sorry"]}}
        flow_id = await keep(made, minutes(API, **steps))
        run = await ended(made, await begin(made, flow_id, variables={"n": 7}, depth=1))
        assert (run.state, run.tags) == ("finished", ("sorry",))
        first, second = sink.posts
        assert (first.path, first.json) == ("/orders", {"who": PHONE, "n": 7})
        assert first.headers["whimbrel-flow-depth"] == "2"
        assert (first.headers["idempotency-key"], second.headers["idempotency-key"]) == (f"{run.id}-1", f"{run.id}-2")


async def test_a_request_of_which_nothing_is_heard_is_made_again(tmp_path: Path) -> None:
    async with listening() as sink, simulated() as simulator:
        async with installation(tmp_path, simulator) as made:
            await made.ready()
            account_id = made.account_id
            flow_id = await keep(made, minutes(API, a={"type": "request", "url": f"{sink.url}/slow"}))
            run_id = await begin(made, flow_id)
            await until(lambda: sink.posts)
        sink.held.set()
        async with installation(tmp_path, simulator) as made:
            made.account_id = account_id
            made.clock.advance(60)
            assert (await ended(made, run_id)).state == "finished"
            assert len({post.headers["idempotency-key"] for post in sink.posts}) == 1


async def test_a_phone_is_handed_over_to_people(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        trigger = {"trigger": {"type": "keyword", "keywords": ["HELP2"]}}
        await keep(
            made, minutes(trigger, a={"type": "send", "text": "Wait"} | {"next": "b"}, b={"type": "conversation"})
        )
        made.say(PHONE, "help2")

        async def unread() -> int:
            found = await conversations.find(made.app.manage, Wanted(), account_id=made.account_id, test=False)
            return sum(each.unread for each in found.data)

        await until(lambda: _is(unread, 2))


async def test_people_get_whom_it_is_for_tags_and_a_note_in_one_commit_with_the_step(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        ctx, whose = made.app.manage, {"account_id": made.account_id, "test": False}
        email = "ada@example.org"
        invited = await users.invite(
            ctx, ACTOR, users.NewUser(email=email, name="Ada", role="developer"), account_id=made.account_id
        )
        step = {
            "type": "conversation",
            "assign": "US0",
            "add_tags": ["complaint", "vip"],
            "note": "Mark: {{ trigger.text }}",
        }
        trigger = {"trigger": {"type": "keyword", "keywords": ["BAD"]}}
        with pytest.raises(WhimbrelError) as refused:
            await keep(made, minutes(trigger, a=step))
        assert [each.pointer for each in refused.value.errors] == ["/document/steps/a/assign"]
        verdict = await keeping.check(ctx, minutes(trigger, a=step), account_id=made.account_id)
        assert [each.pointer for each in verdict.errors] == ["/steps/a/assign"]
        flow_id = await keep(made, minutes(trigger, a=step | {"assign": invited.id}))
        made.say(PHONE, "bad service")

        async def handed() -> Any:
            found = (await conversations.find(ctx, Wanted(), **whose)).data
            return [each for each in found if each.assignee]

        (talk,) = await until(handed)
        assert (talk.state, talk.assignee, talk.tags) == ("open", invited.id, ("complaint", "vip"))
        assert talk.their_number == PHONE
        (note,) = (await notes.find(ctx, talk.id, **whose)).data
        assert (note.text, note.author) == ("Mark: bad service", flow_id)
        await users.update(ctx, ACTOR, invited.id, UserChange(role="read_only"), account_id=made.account_id)
        made.say("+447911123460", "bad again")

        async def failed() -> Any:
            return (await running.find(ctx, flow_id=flow_id, state="failed", **whose)).data

        (run,) = await until(failed)
        assert run.reason is not None and run.reason.code == "flow_assignee_gone"
        assert [each.their_number for each in await handed()] == [PHONE]
        with pytest.raises(WhimbrelError, match="assign"):
            await keep(made, minutes(trigger, a=step | {"assign": invited.id}), "other")


async def test_a_test_run_hands_over_among_test_data_and_one_without_a_text_not_at_all(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        ctx = made.app.manage
        talking = minutes(API, a={"type": "send", "text": "Hi", "next": "b"}, b={"type": "conversation"})
        silent = minutes(API, a={"type": "conversation"})
        started = {"account_id": made.account_id, "test": True}
        for name, document, state in (("a", talking, "finished"), ("b", silent, "failed")):
            flow_id = await keep(made, document, name)
            run = await running.start(
                ctx, made.app.products.flows, flow_id, NewRun(phone="+15005550001"), **started, origin=name
            )

            async def over(run_id: str = run.id, state: str = state) -> bool:
                return (await running.get(ctx, run_id, **started)).state == state

            await until(over)
        (talk,) = (await conversations.find(ctx, Wanted(), **started)).data
        assert talk.their_number == "+15005550001"
        live = await conversations.find(ctx, Wanted(), account_id=made.account_id, test=False)
        assert live.data == ()  # what is tried is no work for anybody


async def _is(count: Any, wanted: int) -> bool:
    return await count() == wanted


async def test_a_schedule_sends_once_at_each_of_its_times_and_begins_flows(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        starts = to_local(made.clock.now_us() + 3_600_000_000, "UTC").isoformat(timespec="minutes")
        flow_id = await keep(made, minutes(API, a={"type": "send", "text": "Flow {{ trigger.type }} {{ n }}"}))
        about = {"name": "s", "starts_at": starts, "rrule": "FREQ=DAILY;COUNT=2"}
        other = "+447911123457"
        texting = NewSchedule(recipients=(PHONE, other), text="Hi {{ n }}", variables={"n": 1}, **about)
        beginning = NewSchedule(recipients=(PHONE,), flow_id=flow_id, variables={"n": 2}, **about)
        kept = [
            await schedules.create(made.app.manage, ACTOR, each, account_id=made.account_id, test=False)
            for each in (texting, beginning)
        ]
        for day in (1, 2):
            made.clock.advance(3_700 if day == 1 else 86_400)
            assert sorted(await texts(made, PHONE, 2 * day)) == ["Flow schedule 2"] * day + ["Hi 1"] * day
            assert await texts(made, other, day) == ["Hi 1"] * day

        async def finished() -> bool:
            found = [
                await schedules.get(made.app.manage, each.id, account_id=made.account_id, test=False) for each in kept
            ]
            return all(each.status == "finished" for each in found)

        await until(finished)


async def test_a_schedule_sends_a_template_in_its_version_of_then(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        ctx, account_id = made.app.manage, made.account_id
        texts_of = {"en": "Hi {{name}}", "de": "Hallo {{name}}"}
        await templates.create(ctx, ACTOR, NewTemplate(name="greeting", texts=texts_of), account_id=account_id)
        await versions.publish(ctx, ACTOR, "greeting", account_id=account_id)
        starts = to_local(made.clock.now_us() + 3_600_000_000, "UTC").isoformat(timespec="minutes")
        wanted = NewSchedule(
            name="s",
            starts_at=starts,
            recipients=(PHONE,),
            template="greeting",
            language="de",
            variables={"name": "Ana"},
        )
        await schedules.create(ctx, ACTOR, wanted, account_id=account_id, test=False)
        change = TemplateChange(texts=texts_of | {"de": "Guten Tag, {{name}}"})
        await templates.update(ctx, ACTOR, "greeting", change, account_id=account_id)
        await versions.publish(ctx, ACTOR, "greeting", account_id=account_id)
        made.clock.advance(3_700)
        assert await texts(made, PHONE, 1) == ["Guten Tag, Ana"]
