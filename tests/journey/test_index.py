"""Messages by number: the index follows the log, misses nothing, and reads no part of it for ever."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.journey.rig import Rig, rig, until
from whimbrel.journey.index import CURSOR
from whimbrel.store.interface import Search, Write

PHONE = "+447911123456"


async def found(r: Rig) -> list[str]:
    wanted = Search(r.account_id, False, number_hash=r.app.vault.number_hash(PHONE))
    return [message.id for message in await r.app.store.search(wanted, 10)]


async def test_where_nothing_is_new_it_goes_on_behind_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        reached: list[int] = []
        advance = r.app.store.advance

        async def watched(name: str, start: int, end: int, also: Sequence[Write]) -> bool:
            moved = await advance(name, start, end, also)
            reached.extend([end] if moved and name == CURSOR else [])
            return moved

        monkeypatch.setattr(r.app.store, "advance", watched)
        (message_id,) = await r.send(r.draft(PHONE))
        await r.settled(message_id, "delivered")
        end = await r.app.store.last_position()
        await until(lambda: end in reached)
        assert [*reached] == sorted(set(reached)), "no part of the log is taken twice"
        assert await found(r) == [message_id]


async def test_what_could_not_be_stored_is_indexed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        advance, failed = r.app.store.advance, 0

        async def full(name: str, start: int, end: int, also: Sequence[Write]) -> bool:
            nonlocal failed
            if name == CURSOR and also and not failed:
                failed += 1
                raise OSError("disk full")
            return await advance(name, start, end, also)

        monkeypatch.setattr(r.app.store, "advance", full)
        (message_id,) = await r.send(r.draft(PHONE))
        await until(lambda: failed)

        async def there() -> bool:
            return await found(r) == [message_id]

        await until(there)
