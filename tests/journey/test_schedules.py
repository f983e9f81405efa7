"""Schedules to contacts: who is in a list when the time comes, where their clocks show it, each once, and the reasons
of those who get nothing.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from whimbrel.domain.local_times import to_local, to_utc
from whimbrel.manage import opt_outs
from whimbrel.manage.opt_outs import NewOptOut
from whimbrel.products import erasing
from whimbrel.products.contacts import keeping as contacts
from whimbrel.products.contacts import labels, segments
from whimbrel.products.contacts.labels import Members, NewLabel
from whimbrel.products.contacts.segments import NewSegment
from whimbrel.products.contacts.shapes import NewContact
from whimbrel.products.schedules import keeping, running
from whimbrel.products.schedules import runs as outcomes
from whimbrel.products.schedules.shapes import NewSchedule, PeopleBody, ScheduleChange, Skip

from .rig import ACTOR, Rig, rig, until
from .test_flows import API, keep, minutes, texts

HOUR = 3600
ANA, BO, CY, DEE = "+447911123401", "+447911123402", "+447911123403", "+447911123404"


async def person(made: Rig, number: str, name: str = "", *, lists: tuple[str, ...] = ("club",), **more: Any) -> str:
    wanted = NewContact(number=number, name=name or None, lists=lists, **more)
    return (await contacts.create(made.app.manage, ACTOR, wanted, account_id=made.account_id, test=False)).id


async def listed(made: Rig, *names: str) -> None:
    await made.seed()
    for name in names:
        await labels.create(made.app.manage, ACTOR, "list", NewLabel(name=name), account_id=made.account_id, test=False)


async def schedule(made: Rig, **more: Any) -> str:
    starts = to_local(made.clock.now_us() + HOUR * 1_000_000, "UTC").isoformat(timespec="minutes")
    about: dict[str, Any] = {"name": "s", "starts_at": starts, "text": "Hi {{ first_name || 'there' }}"}
    about["audience"] = PeopleBody(lists=("club",))
    wanted = NewSchedule(**(about | more))
    return (await keeping.create(made.app.manage, ACTOR, wanted, account_id=made.account_id, test=False)).id


async def ran(made: Rig, id_: str, count: int = 1) -> list[tuple[int, dict[str, int]]]:
    """What came of its times that are over, the oldest first: how many got it, and the others by reason."""

    async def over() -> bool:
        return (await made.events(id_)).count(outcomes.RAN) >= count

    await until(over)
    found = await outcomes.find(made.app.manage, id_, account_id=made.account_id, test=False)
    return [(run.accepted, {each.code: each.count for each in run.left_out}) for run in reversed(found.data)]


async def test_who_is_in_the_list_when_the_time_comes_gets_it_once_by_name(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await listed(made, "club", "staff")
        ana = await person(made, ANA, "Ana Ott")
        await person(made, BO)
        await person(made, CY, lists=("club", "staff"))
        whose = {"account_id": made.account_id, "test": False}
        id_ = await schedule(
            made, recipients=(BO, "+447911123409"), exclude=PeopleBody(lists=("staff",)), rrule="FREQ=DAILY;COUNT=2"
        )
        (times,) = (await keeping.coming(made.app.manage, id_, **whose, count=1)).data
        assert times.people == 3
        await opt_outs.create(made.app.manage, ACTOR, NewOptOut(number="+447911123409"), account_id=made.account_id)
        await person(made, DEE, "Dee")  # she came later
        made.clock.advance(HOUR + 60)
        assert await ran(made, id_) == [(3, {"duplicate": 1, "opted_out": 1})]
        for number in (ANA, BO, DEE):
            await texts(made, number, 1)
        got = {number: [each.text for each in made.phone(number)] for number in (ANA, BO, CY, DEE, "+447911123409")}
        assert got == {ANA: ["Hi Ana"], BO: ["Hi there"], CY: [], DEE: ["Hi Dee"], "+447911123409": []}
        club = (await labels.find(made.app.manage, "list", **whose)).data[0]
        await labels.change_members(made.app.manage, "list", club.id, Members(contacts=(ana,)), **whose, add=False)
        made.clock.advance(24 * HOUR)
        assert (await ran(made, id_, 2))[1] == (2, {"duplicate": 1, "opted_out": 1})
        for number in (BO, DEE):
            await texts(made, number, 2)
        assert [len(made.phone(number)) for number in (ANA, BO, DEE)] == [1, 2, 2]
        assert (await keeping.get(made.app.manage, id_, **whose)).status == "finished"


async def test_everybody_gets_it_when_his_own_clocks_show_the_time(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await listed(made, "club")
        await person(made, ANA, time_zone="Asia/Tokyo")
        await person(made, BO, time_zone="America/New_York")
        await person(made, CY)  # where the number is at home
        local = datetime.fromisoformat("2190-03-01T09:00")
        made.clock.advance((to_utc(local, "UTC") - made.clock.now_us()) / 1_000_000 - 12 * HOUR)
        id_ = await schedule(made, starts_at="2190-03-01T09:00", zone="recipient", text="Good morning")
        for number, zone in ((ANA, "Asia/Tokyo"), (CY, "Europe/London"), (BO, "America/New_York")):
            made.clock.advance((to_utc(local, zone) - made.clock.now_us()) / 1_000_000 - 60)
            await made.app.products.duties["schedules"].look()  # type: ignore[attr-defined]
            assert made.phone(number) == []
            made.clock.advance(120)
            await texts(made, number, 1)
        assert await ran(made, id_) == [(3, {})]


async def test_who_is_late_or_gone_is_counted_and_gets_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await listed(made, "club")
        whose = {"account_id": made.account_id, "test": False}
        await person(made, ANA, time_zone="Asia/Tokyo")
        bo = await person(made, BO, time_zone="America/New_York")
        await person(made, CY, time_zone="America/New_York")
        local = datetime.fromisoformat("2190-03-01T09:00")
        made.clock.advance((to_utc(local, "UTC") - made.clock.now_us()) / 1_000_000 - 12 * HOUR)
        id_ = await schedule(made, starts_at="2190-03-01T09:00", zone="recipient")
        made.clock.advance((to_utc(local, "Asia/Tokyo") - made.clock.now_us()) / 1_000_000 + 60)
        await texts(made, ANA, 1)
        request = erasing.NewErasure(number=BO)
        await erasing.erase(made.app.manage, ACTOR, request, **whose)  # he was read, and is gone
        made.clock.advance((to_utc(local, "America/New_York") - made.clock.now_us()) / 1_000_000 + 60)
        assert await ran(made, id_) == [(2, {"not_in_audience": 1})]
        await texts(made, CY, 1)
        assert bo and [len(made.phone(each)) for each in (ANA, BO, CY)] == [1, 0, 1]


async def test_a_change_ends_the_run_that_is_under_way_and_a_new_name_does_not(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await listed(made, "club")
        ctx, whose = made.app.manage, {"account_id": made.account_id, "test": False}
        await person(made, ANA, time_zone="Asia/Tokyo")
        await person(made, BO, time_zone="America/New_York")
        local = datetime.fromisoformat("2190-03-01T09:00")
        made.clock.advance((to_utc(local, "UTC") - made.clock.now_us()) / 1_000_000 - 12 * HOUR)
        kept = [
            await schedule(made, starts_at="2190-03-01T09:00", zone="recipient", rrule="FREQ=DAILY", text=name)
            for name in ("renamed", "changed", "skipped")
        ]
        made.clock.advance((to_utc(local, "Asia/Tokyo") - made.clock.now_us()) / 1_000_000 + 60)
        await texts(made, ANA, 3)

        async def all_counted() -> bool:
            """Each counts her after her text has left; changed before that it would count her among the stopped."""
            found = [(await outcomes.find(ctx, id_, **whose)).data for id_ in kept]
            return all(runs and runs[0].accepted == 1 for runs in found)

        await until(all_counted)
        await keeping.update(ctx, ACTOR, kept[0], ScheduleChange(name="t"), **whose)
        await keeping.update(ctx, ACTOR, kept[1], ScheduleChange(text="Other"), **whose)
        await keeping.skip(ctx, ACTOR, kept[2], Skip(occurrence="2190-03-01T09:00:00"), **whose)
        made.clock.advance((to_utc(local, "America/New_York") - made.clock.now_us()) / 1_000_000 + 60)
        # what was changed goes on with whose time is still to come: Ana has had hers
        assert sorted(await texts(made, BO, 2)) == ["Other", "renamed"]
        assert len(made.phone(ANA)) == 3
        for id_, counts in zip(kept, ({}, {"stopped": 1}, {"stopped": 1}), strict=True):
            found = (await outcomes.find(ctx, id_, **whose)).data[0]
            assert {each.code: each.count for each in found.left_out} == counts


async def test_a_schedule_whose_list_is_gone_pauses_and_says_why(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await listed(made, "club", "other")
        ctx, whose = made.app.manage, {"account_id": made.account_id, "test": False}
        await person(made, ANA, lists=("club", "other"))
        id_ = await schedule(made)
        club = next(each for each in (await labels.find(ctx, "list", **whose)).data if each.name == "club")
        await labels.remove(ctx, ACTOR, "list", club.id, **whose)
        made.clock.advance(HOUR + 60)

        async def paused() -> bool:
            return (await keeping.get(ctx, id_, **whose)).status == "paused"

        await until(paused)
        assert (await keeping.get(ctx, id_, **whose)).reason == "not_found"
        assert outcomes.PAUSED in await made.events(id_)
        assert made.phone(ANA) == []
        starts = to_local(made.clock.now_us() + HOUR * 1_000_000, "UTC").isoformat(timespec="minutes")
        change = ScheduleChange(audience=PeopleBody(lists=("other",)), starts_at=starts, status="active")
        assert (await keeping.update(ctx, ACTOR, id_, change, **whose)).reason is None
        made.clock.advance(HOUR + 60)
        assert await ran(made, id_) == [(1, {})]


async def test_an_empty_list_and_a_segment_run_too(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await listed(made, "club")
        whose = {"account_id": made.account_id, "test": False}
        wanted = NewSegment(name="others", filter='name != "Cy"')
        others = await segments.create(made.app.manage, ACTOR, wanted, **whose)
        empty = await schedule(made)
        by_filter = await schedule(made, audience=PeopleBody(segments=(others.id,)))
        await person(made, ANA, "Ana", lists=())
        await person(made, CY, "Cy", lists=())
        made.clock.advance(HOUR + 60)
        assert await ran(made, empty) == [(0, {})]
        assert await ran(made, by_filter) == [(1, {})]


async def test_a_flow_begins_for_each_contact_and_knows_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await listed(made, "club")
        await person(made, ANA, "Ana")
        say = {"type": "send", "text": "{{ trigger.contact.name }} {{ trigger.contact.lists[0] }}"}
        flow_id = await keep(made, minutes(API, a=say))
        id_ = await schedule(made, text=None, flow_id=flow_id)
        made.clock.advance(HOUR + 60)
        assert await texts(made, ANA, 1) == ["Ana club"]
        assert await ran(made, id_) == [(1, {})]


async def test_a_death_between_the_messages_and_the_counts_sends_nothing_twice(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await listed(made, "club")
        await person(made, ANA)
        duty = made.app.products.duties["schedules"]
        assert isinstance(duty, running.Schedules)
        done, died = duty._done, []

        async def dying(*args: Any) -> bool:
            if not died:
                died.append(1)
                raise RuntimeError("killed here")
            return await done(*args)

        duty._done = dying  # type: ignore[method-assign]
        id_ = await schedule(made)
        made.clock.advance(HOUR + 60)
        await texts(made, ANA, 1)
        await until(lambda: _is(died, [1]))
        made.clock.advance(2 * HOUR)  # too late for a new one
        assert await ran(made, id_) == [(1, {})]
        assert len(made.phone(ANA)) == 1


async def _is(found: object, wanted: object) -> bool:
    return found == wanted
