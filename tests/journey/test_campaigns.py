"""Campaigns from the audience to the phones, by the simulator's log: everybody once, and nobody else."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import ACTOR, Rig, rig, sqlite_first, until
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.campaigns import ACTIVITIES, Campaign
from whimbrel.manage import balance, opt_outs
from whimbrel.manage.context import Paging
from whimbrel.products.campaigns import keeping, recipients, sending, steering
from whimbrel.products.campaigns.shapes import (
    AudienceBody,
    CampaignView,
    NewCampaign,
    PaceBody,
    ScheduleBody,
    TrialBody,
    VariantBody,
)
from whimbrel.products.contacts import keeping as contacts
from whimbrel.products.contacts.shapes import ContactBatch, NewContact

WITHIN_S = 60.0
EVERYBODY = AudienceBody(everybody=True)


def phone(number: int) -> str:
    return f"+4479{number:08}"


async def people(rig: Rig, count: int, **more: Any) -> None:
    """So many contacts."""
    for start in range(0, count, 1000):
        made = tuple(
            NewContact(number=phone(n), name=f"P{n} Lee", **more) for n in range(start, min(start + 1000, count))
        )
        await contacts.put_many(rig.app.manage, ContactBatch(contacts=made), account_id=rig.account_id, test=False)


async def campaign(rig: Rig, *, text: str = "Sale", **more: Any) -> CampaignView:
    """A draft to everybody, if it is not said to whom. Not marketing: that would wait while it is night there."""
    said: dict[str, Any] = {"name": "sale", "audience": EVERYBODY, "message_class": "transactional"} | more
    if "variants" not in said:
        said["text"] = text
    return await keeping.create(
        rig.app.manage, ACTOR, NewCampaign(**said), account_id=rig.account_id, test=False
    )  # fmt: skip


async def steer(rig: Rig, what: str, made: CampaignView) -> CampaignView:
    verb = getattr(steering, what)
    found: CampaignView = await verb(rig.app.manage, ACTOR, made.id, account_id=rig.account_id, test=False)
    return found


async def read(rig: Rig, made: CampaignView) -> CampaignView:
    return await keeping.get(rig.app.manage, made.id, account_id=rig.account_id, test=False)


async def is_in(rig: Rig, made: CampaignView, *statuses: str) -> CampaignView:
    """The campaign once it has one of these states."""

    async def there() -> CampaignView | None:
        found = await read(rig, made)
        return found if found.status in statuses else None

    found: CampaignView = await until(there, within_s=WITHIN_S)
    return found


async def results(rig: Rig, made: CampaignView) -> recipients.Results:
    return await recipients.results(rig.app.manage, made.id, account_id=rig.account_id, test=False)


async def counted(rig: Rig, made: CampaignView, **wanted: int) -> recipients.Results:
    """The results once their totals are these."""

    async def there() -> recipients.Results | None:
        found = await results(rig, made)
        return found if all(getattr(found.total, name) == count for name, count in wanted.items()) else None

    found: recipients.Results = await until(there, within_s=WITHIN_S)
    return found


async def active(rig: Rig, made: CampaignView, activity: str, **paging: Any) -> list[recipients.RecipientView]:
    """Recipients who did something, in pages of two."""
    narrowed, found, cursor = recipients.Narrowed(activity=activity), [], None
    while True:
        about = {"account_id": rig.account_id, "test": False, "narrowed": narrowed}
        page = await recipients.find(rig.app.manage, made.id, **about, paging=Paging(cursor, 2, **paging))
        found += page.data
        cursor = page.next_cursor
        if cursor is None:
            return found


def reached(rig: Rig) -> Counter[str]:
    """How often each phone was written to."""
    return Counter("+" + each.dest for each in rig.submits())


async def test_everybody_of_the_audience_is_written_to_once(tmp_path: Path):
    async with rig(tmp_path) as made:
        await made.seed()
        await people(made, 620)
        await opt_outs.create(
            made.app.manage, ACTOR, opt_outs.NewOptOut(number=phone(3)), account_id=made.account_id
        )  # fmt: skip
        extra = AudienceBody(everybody=True, numbers=(phone(5), phone(900)))
        without = AudienceBody(numbers=(phone(7),))
        draft = await campaign(made, text='Hi {{ first_name|default:"you" }}', audience=extra, exclude=without)
        await steer(made, "start", draft)
        await steer(made, "start", draft)
        over = await is_in(made, draft, "finished")
        assert (over.progress.looked_at, over.progress.accepted) == (622, 619), over.progress
        await until(lambda: len(made.submits()) >= 619, within_s=WITHIN_S)
        wanted = {phone(n) for n in range(620)} - {phone(3), phone(7)} | {phone(900)}
        assert reached(made) == Counter(wanted)
        assert made.phone(phone(900))[0].text == "Hi you" and made.phone(phone(8))[0].text == "Hi P8"
        found = await counted(made, draft, accepted=619, delivered=619)
        assert {each.code: each.count for each in found.refusals} == {"duplicate": 1, "excluded": 1, "opted_out": 1}
        assert found.total.cost == "6.19" and [each.key for each in found.countries if each.key] == ["GB"]


async def steered_wrong(rig: Rig, what: str, made: CampaignView) -> str:
    """The code of a refusal."""
    with pytest.raises(WhimbrelError) as refused:
        await steer(rig, what, made)
    return refused.value.code


async def stuck(made: Rig, count: int) -> CampaignView:
    """A campaign that runs to a carrier that answers nothing: its window is full, and as many wait as may."""
    await made.seed(window=10, response_timeout_s=120)
    await made.bound()
    await people(made, count)
    made.behave(silent=True)
    draft = await campaign(made)
    await steer(made, "start", draft)

    async def is_full() -> bool:
        return (await read(made, draft)).progress.accepted >= 1000 and len(made.submits()) >= 10

    await until(is_full, within_s=WITHIN_S)
    return draft


@sqlite_first
async def test_no_more_than_the_window_goes_out_after_a_pause_and_the_rest_after_it_once(tmp_path: Path):
    async with rig(tmp_path, sandbox={"receipt_share": 0}) as made:
        draft = await stuck(made, 1300)
        await steer(made, "pause", draft)
        at_pause = len(made.submits())
        assert at_pause <= 13
        made.behave(silent=False, drop=True)  # what was in flight is in doubt
        await made.send(made.draft(phone(5000), "A code", message_class="otp"))
        await until(lambda: phone(5000) in reached(made), within_s=WITHIN_S)
        assert sum(reached(made).values()) <= 14  # the window, what was committed ahead of it, and the code
        paused = await read(made, draft)
        assert (paused.status, paused.reason) == ("paused", None)
        await steer(made, "resume", draft)
        await is_in(made, draft, "finished")
        await until(lambda: len(reached(made)) == 1301, within_s=WITHIN_S)
        assert set(reached(made).values()) == {1}


@sqlite_first
async def test_no_more_than_the_window_goes_out_after_canceling(tmp_path: Path):
    async with rig(tmp_path, sandbox={"receipt_share": 0}) as made:
        draft = await stuck(made, 1300)
        await steer(made, "cancel", draft)
        made.behave(silent=False, drop=True)  # what was in flight is in doubt
        await made.send(made.draft(phone(5000), "A code", message_class="otp"))
        await until(lambda: phone(5000) in reached(made), within_s=WITHIN_S)
        over = await is_in(made, draft, "canceled")

        def went() -> int:
            return sum(reached(made).values()) - 1

        async def adds_up() -> bool:
            """What was committed for the window may go out behind the code."""
            found = (await results(made, draft)).total
            return (found.accepted, found.canceled) == (over.progress.accepted, over.progress.accepted - went())

        await until(adds_up, within_s=WITHIN_S)
        assert went() <= 13


async def test_a_balance_that_is_spent_pauses_it_and_nobody_is_lost(tmp_path: Path):
    async with rig(tmp_path) as made:
        await made.seed()
        await made.set_price("2.5")  # credit for 400
        await people(made, 420)
        draft = await campaign(made)
        await steer(made, "start", draft)
        paused = await is_in(made, draft, "paused")
        assert paused.reason == "insufficient_balance"
        assert (await results(made, draft)).progress.refused == 0
        await balance.top_up(made.app.manage, ACTOR, balance.TopUp(amount="1000"), account_id=made.account_id)
        await steer(made, "resume", draft)
        over = await is_in(made, draft, "finished")
        assert (over.progress.looked_at, over.progress.accepted, over.progress.refused) == (420, 420, 0)
        await until(lambda: len(made.submits()) == 420, within_s=WITHIN_S)
        assert set(reached(made).values()) == {1}


async def test_a_sample_decides_what_the_others_get(tmp_path: Path):
    async with rig(tmp_path) as made:
        await made.seed()
        await people(made, 300)
        both = (VariantBody(name="A", text="Plain"), VariantBody(name="B", text="Better"))
        draft = await campaign(made, variants=both, winner=TrialBody(metric="answered", sample_percent=20, wait_s=3600))
        await steer(made, "start", draft)

        async def waits() -> bool:
            return (await read(made, draft)).phase == "wait"

        await until(waits, within_s=WITHIN_S)
        sample = (await read(made, draft)).progress.accepted
        assert 30 <= sample <= 90
        await until(lambda: len(made.submits()) == sample, within_s=WITHIN_S)
        for each in [each for each in made.submits() if each.text == "Better"][:3]:
            made.say("+" + each.dest, "Yes please")
        stopped = next(each for each in made.submits() if each.text == "Plain")
        made.say("+" + stopped.dest, "STOP")
        await counted(made, draft, answered=3, opted_out=1)
        assert [len(await active(made, draft, activity)) for activity in ACTIVITIES] == [0, 3, 1, 0]
        newest = await active(made, draft, "answered")
        assert newest == (await active(made, draft, "answered", order="asc"))[::-1]
        assert {each.answered_at is not None and each.variant for each in newest} == {"B"}
        made.clock.advance(3601)
        over = await is_in(made, draft, "finished")
        assert (over.won, over.progress.accepted) == ("B", 300)
        await until(lambda: len(reached(made)) == 300, within_s=WITHIN_S)
        texts = Counter(each.text for each in made.submits())
        assert texts["Better"] > 300 - sample and set(texts) >= {"Plain", "Better"}


@sqlite_first
async def test_one_whose_winner_is_chosen_just_before_it_rests_for_want_of_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with rig(tmp_path) as made:
        await made.seed()
        await people(made, 40)
        both = (VariantBody(name="A", text="Plain"), VariantBody(name="B", text="Better"))
        draft = await campaign(made, variants=both, winner=TrialBody(metric="answered", sample_percent=50, wait_s=60))
        rests = sending.Campaigns._pause

        async def too_late(self: sending.Campaigns, row: Campaign, reason: str) -> None:
            choice = steering.Choice(variant="B")
            await steering.choose(made.app.manage, ACTOR, row.id, choice, account_id=made.account_id, test=False)
            await rests(self, row, reason)

        monkeypatch.setattr(sending.Campaigns, "_pause", too_late)
        await steer(made, "start", draft)

        async def waits() -> bool:
            return (await read(made, draft)).phase == "wait"

        await until(waits, within_s=WITHIN_S)
        made.clock.advance(61)
        paused = await is_in(made, draft, "paused")
        assert (paused.reason, paused.won) == ("no_winner", "B")
        await steer(made, "resume", draft)
        over = await is_in(made, draft, "finished")
        assert (over.won, over.progress.accepted) == ("B", 40)


@sqlite_first
async def test_one_that_has_no_room_holds_up_none_that_is_younger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sending, "_READ", 1)
    async with rig(tmp_path) as made:
        await made.seed()
        slow = ScheduleBody(pace=PaceBody(count=1, per="hour"))
        first = await campaign(made, audience=AudienceBody(numbers=(phone(1),)), schedule=slow)
        await steer(made, "start", first)
        await is_in(made, first, "running")
        second = await campaign(made, audience=AudienceBody(numbers=(phone(2),)))
        await steer(made, "start", second)
        await is_in(made, second, "finished")
        await until(lambda: reached(made) == Counter([phone(2)]), within_s=WITHIN_S)


async def test_a_pace_is_kept_and_a_window_waited_for(tmp_path: Path):
    async with rig(tmp_path) as made:
        await made.seed()
        await people(made, 50)
        draft = await campaign(made, schedule=ScheduleBody(pace=PaceBody(count=40, per="second")))
        began = asyncio.get_running_loop().time()
        await steer(made, "start", draft)
        await until(lambda: len(made.submits()) == 50, within_s=WITHIN_S)
        assert asyncio.get_running_loop().time() - began >= 50 / 40 * 0.95
        later = ScheduleBody(at="2199-01-01T10:00", zone="Europe/Berlin")
        second = await campaign(made, schedule=later)
        waits = await steer(made, "start", second)
        assert (waits.status, waits.due_at) == ("scheduled", "2199-01-01T09:00:00.000000Z")
        await steer(made, "cancel", second)
        (row,) = await made.app.store.fetch(Campaign, "campaigns_by_id", made.account_id, 0, second.id)
        assert (row.status, row.accepted) == ("canceled", 0)
