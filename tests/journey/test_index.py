"""Messages by number: the index follows the log, misses nothing, and reads no part of it for ever."""

from pathlib import Path

import pytest

from tests.journey.rig import Rig, rig, until
from whimbrel.journey.index import CURSOR
from whimbrel.store.interface import Deliveries, Search

PHONE = "+447911123456"


async def found(r: Rig) -> list[str]:
    wanted = Search(r.account_id, False, number_hash=r.app.vault.number_hash(PHONE))
    return [message.id for message in await r.app.store.search(wanted, 10)]


async def test_where_nothing_is_new_it_goes_on_behind_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        (message_id,) = await r.send(r.draft(PHONE))
        await r.settled(message_id, "delivered")
        reached: list[int] = []
        record = r.app.store.record_deliveries

        async def watched(batch: Deliveries) -> None:
            await record(batch)
            reached.extend(position for name, position in batch.cursors if name == CURSOR)

        monkeypatch.setattr(r.app.store, "record_deliveries", watched)
        end = await r.app.store.last_position()
        await until(lambda: end in reached)
        assert [*reached] == sorted(set(reached)), "no part of the log is taken twice"
        assert await found(r) == [message_id]


async def test_what_could_not_be_stored_is_indexed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        record, failed = r.app.store.record_deliveries, 0

        async def full(batch: Deliveries) -> None:
            nonlocal failed
            if batch.also and not failed:
                failed += 1
                raise OSError("disk full")
            await record(batch)

        monkeypatch.setattr(r.app.store, "record_deliveries", full)
        (message_id,) = await r.send(r.draft(PHONE))
        await until(lambda: failed)

        async def there() -> bool:
            return await found(r) == [message_id]

        await until(there)
