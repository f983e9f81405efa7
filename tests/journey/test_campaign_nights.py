"""Campaigns whose texts wait for the morning: who pauses or cancels one at night stops what would go out then."""

from pathlib import Path

import pytest

from tests.journey.rig import ACTOR, Rig, rig, sqlite_first, until
from tests.journey.test_campaigns import WITHIN_S, campaign, counted, is_in, reached, steer
from tests.journey.test_restraint import DAY, PARIS, set_clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.products.campaigns import estimating, keeping
from whimbrel.products.campaigns.shapes import AudienceBody, CampaignView, NewCampaign, PaceBody, ScheduleBody
from whimbrel.store.interface import PutOff
from whimbrel.store.verbs import campaigns as verbs

NIGHT = f"{DAY}T22:30+01:00"
OPENS = "2027-03-03T07:00:00.000000Z"
MORNING = "2027-03-03T08:00:05+01:00"
NOON = "2027-03-03T12:00:00+01:00"
FRENCH = AudienceBody(numbers=tuple(PARIS[:3]))


async def of_the_night(r: Rig) -> CampaignView:
    """A campaign at night that has looked at everybody: all of its messages wait for the morning."""
    set_clock(r, NIGHT)
    await r.seed()
    await r.bound()
    made = await campaign(r, audience=FRENCH, message_class="marketing")
    await steer(r, "start", made)
    return await is_in(r, made, "finished")


async def test_an_estimate_counts_who_waits_for_the_morning_and_until_when(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        set_clock(r, NIGHT)
        await r.seed()
        about = {"account_id": r.account_id, "test": False}
        made = await campaign(r, audience=FRENCH, message_class="marketing")
        set_clock(r, NIGHT)
        kept = await estimating.estimate(r.app.manage, r.app.accept, made.id, **about)
        assert (kept.recipients, kept.waits, kept.ends_at) == (3, 3, OPENS)
        assert kept.seconds is not None and 0 <= 9.5 * 3600 - kept.seconds < 30  # the clock goes on
        # Begun at eight in the evening by Paris's clocks they go at once; at one in an hour the last waits.
        slow = ScheduleBody(at=f"{DAY}T19:30", zone="Europe/Paris", pace=PaceBody(count=1, per="hour"))
        for schedule, waits in ((ScheduleBody(at=f"{DAY}T23:00", zone="Europe/Paris"), 3), (slow, None)):
            if waits is None:
                set_clock(r, f"{DAY}T19:00+01:00")
            wanted = NewCampaign(
                name="sale", audience=FRENCH, text="Sale", message_class="marketing", schedule=schedule
            )
            found = await estimating.estimate_new(r.app.manage, r.app.accept, ACTOR, wanted, **about)
            assert found.ends_at == OPENS
            assert found.waits == (waits or 2), found
        assert [each.name for each in (await keeping.find(r.app.manage, **about)).data] == ["sale"]  # the draft alone


async def nobody_gets_it(r: Rig) -> None:
    """The morning comes, everything that is due is taken, and a code that queues behind it goes out alone."""
    set_clock(r, MORNING)
    while await r.app.sweep.fall_due():
        pass
    (code,) = await r.send(r.draft(PARIS[9], message_class="otp"))
    await r.settled(code, "delivered", within_s=WITHIN_S)
    assert set(reached(r)) == {PARIS[9]}


async def test_what_waits_for_the_morning_waits_for_a_paused_campaign_and_goes_once_when_it_goes_on(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as r:
        made = await of_the_night(r)
        assert made.waiting
        assert (await steer(r, "pause", made)).status == "paused"
        await nobody_gets_it(r)
        await r.check_money(charged_segments=1, held_segments=3)
        set_clock(r, NOON)
        await steer(r, "resume", made)
        await until(lambda: len(reached(r)) == 4, within_s=WITHIN_S)
        assert set(reached(r).values()) == {1}
        await counted(r, made, delivered=3)
        over = await is_in(r, made, "finished")
        assert not over.waiting  # the last of it has left
        await r.check_money(charged_segments=4)


async def test_what_waits_for_the_morning_is_canceled_with_its_campaign(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        made = await of_the_night(r)
        await steer(r, "pause", made)
        await nobody_gets_it(r)
        assert (await steer(r, "cancel", made)).status == "canceled"
        await counted(r, made, canceled=3)
        await r.nothing_held()


@sqlite_first
@pytest.mark.parametrize("verb", ["pause", "cancel"])
async def test_in_the_morning_more_is_queued_than_one_commit_takes_and_all_of_it_stops(
    tmp_path: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "_PAGE", 1)
    async with rig(tmp_path) as r:
        made = await of_the_night(r)
        await r.cut()
        set_clock(r, MORNING)
        while await r.app.sweep.fall_due():
            pass
        assert len(await r.app.store.waiting(r.carrier_id, 10)) == 3
        await steer(r, verb, made)

        async def none_is_queued() -> bool:
            return not await r.app.store.waiting(r.carrier_id, 10)

        await until(none_is_queued, within_s=WITHIN_S)
        if verb == "cancel":
            await counted(r, made, canceled=3)
            await r.nothing_held()
            return
        r.behave(refuse_binds=0)
        await r.bound()
        await steer(r, "resume", made)
        await until(lambda: len(reached(r)) == 3, within_s=WITHIN_S)
        assert set(reached(r).values()) == {1}


async def test_one_whose_messages_wait_is_not_deleted_before_it_is_canceled_and_then_at_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        made = await of_the_night(r)
        of = {"account_id": r.account_id, "test": False}
        with pytest.raises(WhimbrelError) as refused:
            await keeping.delete(r.app.manage, ACTOR, made.id, **of)
        assert refused.value.code == "campaign_state"
        await steer(r, "cancel", made)
        await keeping.delete(r.app.manage, ACTOR, made.id, **of)  # what waits is still being taken back
        await nobody_gets_it(r)
        await r.nothing_held()


@sqlite_first
async def test_what_waits_for_a_paused_campaign_gets_no_time_of_its_own(tmp_path: Path) -> None:
    """A node has read it in the queue, and its quiet hours begin, while somebody pauses the campaign."""
    async with rig(tmp_path) as r:
        set_clock(r, NOON)
        await r.seed()
        await r.bound()
        await r.cut()
        made = await campaign(r, audience=FRENCH, message_class="marketing")
        await steer(r, "start", made)
        await is_in(r, made, "finished")
        waiting = await r.app.store.waiting(r.carrier_id, 10)
        assert len(waiting) == 3
        await steer(r, "pause", made)
        now = r.clock.now_us()
        late = [PutOff(each.id, now + 1, "quiet_hours", "{}", now) for each in waiting]
        assert await r.app.store.put_off(late) == 0
        set_clock(r, "2027-03-03T12:00:05+01:00")
        assert not await r.app.store.due(r.clock.now_us(), 10, 0)
