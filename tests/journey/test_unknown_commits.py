"""The database was replaced, or hung, in the middle of a commit that claims: nobody can say whether it was stored. No
byte of it left, so what turns out to be stored is sent all the same, once, and nothing is in doubt."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import Rig, rig, until
from whimbrel.domain.model import TRANSACTIONAL
from whimbrel.store.errors import CommitUnknown

PHONES = [f"+4479112{number:05}" for number in range(5)]


def lose(
    r: Rig, monkeypatch: pytest.MonkeyPatch, verb: str, *, stored: bool, over: asyncio.Event | None = None
) -> None:
    """The next commit of a verb is stored, or not; its answer is lost."""
    whole, lost = getattr(r.app.store, verb), []

    async def once(*args: Any) -> Any:
        if lost:
            return await whole(*args)
        lost.append(True)
        if stored:
            await whole(*args)
        raise CommitUnknown("it may or may not have been stored", over)

    monkeypatch.setattr(r.app.store, verb, once)


def has_room(r: Rig) -> bool:
    """Whether accept claims what it stores now; a carrier that has just bound takes what is queued first."""
    lane = r.app.accept._lane_of(r.carrier_id)
    return lane is not None and lane.places(TRANSACTIONAL) > 0


def times_sent(r: Rig) -> Counter[str]:
    return Counter(submit.dest for submit in r.submits())


async def in_doubt(r: Rig) -> list[str]:
    return [e.subject_id for e in await r.log() if e.type == "message.in_doubt"]


async def test_what_was_accepted_and_claimed_is_sent_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await until(lambda: has_room(r))
        lose(r, monkeypatch, "accept", stored=True)
        with pytest.raises(CommitUnknown):
            await r.send(*[r.draft(phone) for phone in PHONES])
        await until(lambda: times_sent(r) == {phone[1:]: 1 for phone in PHONES})
        assert await in_doubt(r) == []
        await r.nothing_held()


async def test_what_was_not_accepted_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await until(lambda: has_room(r))
        lose(r, monkeypatch, "accept", stored=False)
        with pytest.raises(CommitUnknown):
            await r.send(*[r.draft(phone) for phone in PHONES])
        (later,) = await r.send(r.draft("+447911290000"))
        await r.settled(later, "delivered")
        assert times_sent(r) == {"447911290000": 1}


@pytest.mark.parametrize("stored", [True, False])
async def test_what_was_claimed_from_the_queue_is_sent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    async with rig(tmp_path) as r:
        r.behave(refuse_binds=0x0D)
        await r.seed()
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        lose(r, monkeypatch, "claim", stored=stored)
        r.behave(refuse_binds=0)
        await r.all_settled(ids, "delivered")
        assert times_sent(r) == {phone[1:]: 1 for phone in PHONES}
        assert await in_doubt(r) == []


async def test_a_commit_that_hangs_is_looked_at_when_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await until(lambda: has_room(r))
        over = asyncio.Event()
        lose(r, monkeypatch, "accept", stored=True, over=over)
        with pytest.raises(CommitUnknown):
            await r.send(r.draft(PHONES[0]))
        (later,) = await r.send(r.draft(PHONES[1]))
        await r.settled(later, "delivered")
        assert times_sent(r) == {PHONES[1][1:]: 1}
        over.set()
        await until(lambda: times_sent(r) == {phone[1:]: 1 for phone in PHONES[:2]})


async def test_a_claim_that_was_made_again_and_is_on_the_wire_is_not_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one was not stored, so the lane claims the same messages once more before anybody looks."""
    async with rig(tmp_path) as r:
        r.behave(refuse_binds=0x0D, response_latency_ms=1_000)
        await r.seed()
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        over = asyncio.Event()
        lose(r, monkeypatch, "claim", stored=False, over=over)
        r.behave(refuse_binds=0)
        await until(lambda: sum(times_sent(r).values()) == len(PHONES))
        over.set()
        await until(lambda: not r.app.worker.unsent._tasks)
        await r.all_settled(ids, "delivered")
        assert times_sent(r) == {phone[1:]: 1 for phone in PHONES}
