"""The live feed: what is new as it happens, from any position, and a reader that lags is cut, not waited for."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from tests.journey.rig import Rig, rig, until

PHONES = [f"+4479111238{number:02}" for number in range(50)]
WAY = ["message.queued", "message.sending", "message.sent", "message.delivered"]


class Reader:
    """Reads a live stream to a list."""

    def __init__(self, r: Rig, account_id: str | None, *, test: bool = False, after: int | None = None) -> None:
        self._stream = r.app.feed.subscribe(account_id, test, after)
        self.seen: list[tuple[int, dict[str, Any]]] = []

    async def take(self, count: int) -> list[str]:
        """The types of the next `count` events."""
        async with asyncio.timeout(30):
            for _ in range(count):
                position, body = await anext(self._stream)
                self.seen.append((position, msgspec.json.decode(body)))
        return [event["type"] for _, event in self.seen[-count:]] if count else []

    async def close(self) -> None:
        await self._stream.aclose()


async def test_events_come_as_they_happen_and_of_one_account_and_mode(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        other = await r.add_account("Bolt", "+12025550111")
        readers = [Reader(r, r.account_id), Reader(r, None), Reader(r, r.account_id, test=True)]
        takes = [asyncio.create_task(reader.take(count)) for reader, count in zip(readers, (4, 8, 4), strict=True)]
        await until(lambda: len(r.app.feed.all._listeners) == 3)  # a stream begins when it is first asked
        (theirs,) = await r.send(r.draft(PHONES[0], account_id=other))
        await r.settled(theirs, "delivered")
        (tested,) = await r.send(r.draft(PHONES[1], test=True))
        await r.settled(tested, "delivered")
        (ours,) = await r.send(r.draft(PHONES[2]))
        assert await takes[0] == WAY
        assert await takes[1] == WAY * 2
        assert await takes[2] == WAY
        ids = [{event["message_id"] for _, event in reader.seen} for reader in readers]
        assert ids == [{ours}, {theirs, ours}, {tested}]
        for reader in readers:
            await reader.close()


async def test_a_reader_goes_on_where_it_was(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        await r.all_settled(ids, "delivered")
        first = Reader(r, r.account_id, after=0)
        await first.take(77)
        await first.close()
        second = Reader(r, r.account_id, after=first.seen[-1][0])
        more = asyncio.create_task(second.take(4 * len(PHONES) - 77 + 4))
        (last,) = await r.send(r.draft("+14155550123"))
        await more
        positions = [position for position, _ in first.seen + second.seen]
        assert positions == sorted(set(positions))
        assert len(positions) == 4 * len(PHONES) + 4
        assert second.seen[-1][1]["message_id"] == last
        await second.close()


async def test_a_slow_reader_is_cut_and_resumes(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=500)
        reader = Reader(r, r.account_id)
        first = asyncio.create_task(reader.take(4))
        await until(lambda: r.app.feed.all._listeners)
        ids = await r.send(r.draft())
        await first
        for _ in range(12):
            ids += await r.send(*[r.draft(phone) for phone in PHONES])
        await r.all_settled(ids, "delivered", within_s=60)
        assert len(ids) * 4 > 2000  # more than a stream keeps for its reader
        end = (await r.log())[-1].position
        await until(lambda: r.app.feed.all.position >= end)  # what the feed has not read yet would not be too much
        async with asyncio.timeout(30):
            rest = [position async for position, _ in reader._stream]
        assert len(rest) < len(ids) * 4 - 4
        again = Reader(r, r.account_id, after=[reader.seen[-1][0], *rest][-1])
        await again.take(len(ids) * 4 - 4 - len(rest))
        await again.close()
