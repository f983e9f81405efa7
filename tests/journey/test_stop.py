"""A lane that stops: nothing is committed and then forgotten, whatever the moment."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import Rig, rig, until
from whimbrel.store.errors import CommitFailed
from whimbrel.store.interface import Answer

WAYS = ("straight", "queued")


async def claims_that_take_long(
    r: Rig, monkeypatch: pytest.MonkeyPatch, way: str
) -> tuple[asyncio.Event, asyncio.Event]:
    """Claims commit, and come back only when the second event is set; the first says that one has committed. They are
    part of accept's commit, or of one of their own where something waits in the queue."""
    committed, release = asyncio.Event(), asyncio.Event()
    verb = "accept" if way == "straight" else "claim"
    commit = getattr(r.app.store, verb)

    async def slow(*rows: Any) -> Any:
        done = await commit(*rows)
        committed.set()
        await release.wait()
        return done

    lane = r.app.worker.lane(r.carrier_id)
    assert lane is not None
    await until(lambda: lane.places() > 0)
    if way == "queued":  # to say that it falls behind would hold until its next look only
        monkeypatch.setattr(lane, "places", lambda *_: 0)
    monkeypatch.setattr(r.app.store, verb, slow)
    return committed, release


async def sending(r: Rig, way: str) -> "asyncio.Task[list[str]]":
    """A text on its way; where it has to wait in the queue, its acceptance is through."""
    task = asyncio.create_task(r.send(r.draft()))
    if way == "queued":
        await task
    return task


@pytest.mark.parametrize("way", WAYS)
async def test_a_claim_under_way_when_its_lane_stops_is_sent_or_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        committed, release = await claims_that_take_long(r, monkeypatch, way)
        accepted = await sending(r, way)
        await committed.wait()
        stopping = asyncio.create_task(r.stop_carriers(30.0))
        await asyncio.sleep(0)
        release.set()
        await stopping
        (message_id,) = await accepted
        assert [attempt.state for attempt in await r.attempts(message_id)] != ["committed"]
        assert (await r.message(message_id)).state in {"queued", "sent", "delivered"}


@pytest.mark.parametrize("way", WAYS)
async def test_a_carrier_that_changes_in_the_middle_of_a_claim_sends_the_text_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        committed, release = await claims_that_take_long(r, monkeypatch, way)
        accepted = await sending(r, way)
        await committed.wait()
        await r.change_carrier(window=7)
        await asyncio.sleep(0)
        release.set()
        (message_id,) = await accepted
        await r.settled(message_id, "delivered")
        assert len(r.submits()) == 1


async def test_a_long_text_that_has_begun_to_leave_is_finished(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=2)
        await r.bound()
        r.behave(response_latency_ms=50, receipt_share=0)
        begun, not_begun = await r.send(r.draft(text="long " * 120), r.draft("+447911123457", text="text " * 120))
        await until(lambda: r.submits())
        await r.stop_carriers(30.0)
        assert [submit.accepted for submit in r.submits()] == [True] * 4
        assert (await r.message(begun)).state == "sent"
        assert (await r.message(not_begun)).state == "queued"


async def test_a_stop_leaves_no_answer_behind_when_the_carrier_is_silent(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        r.behave(silent=True)
        (message_id,) = await r.send(r.draft())
        await until(lambda: r.submits())
        await r.stop_carriers(0.1)
        assert [attempt.state for attempt in await r.attempts(message_id)] == ["in_doubt"]


async def test_a_host_that_no_resolver_can_read_is_told_and_tried_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        carrier_id = await r.add_carrier("typo", host="a" * 70)
        await until(lambda: carrier_id in r.app.worker.health())
        await until(lambda: r.app.worker.health()[carrier_id].last_error)
        assert (r.app.worker.health()[carrier_id].last_error or "").startswith("connect: ")


async def test_an_answer_that_cannot_be_recorded_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        record = r.app.store.record_answers
        troubles = [CommitFailed("disk full")]  # of the first call, whichever answers it brings
        poison = ""

        async def broken(answers: Sequence[Answer]) -> list[str]:
            if troubles:
                raise troubles.pop()
            if any(answer.message_id == poison for answer in answers):
                raise ValueError("a broken row")
            return await record(answers)

        monkeypatch.setattr(r.app.store, "record_answers", broken)
        r.behave(response_latency_ms=100)
        ids = await r.send(*[r.draft(f"+4479111234{number:02}") for number in range(20)])
        poison = ids[7]
        await r.all_settled(ids[:7] + ids[8:], "delivered")
        assert (await r.message(poison)).state == "sending"
