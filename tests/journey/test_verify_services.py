"""Services of Verify as they are kept: channels that there are not, and changes that meet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.journey.rig import ACTOR, Rig, rig, sqlite_first
from whimbrel.base.errors import WhimbrelError
from whimbrel.manage.context import Context
from whimbrel.products.verify import services
from whimbrel.products.verify.services import NewService, ServiceChange
from whimbrel.store.interface import Store, Write


class Overtaken:
    """A store in which somebody else is quicker, once."""

    def __init__(self, store: Store, other: Any) -> None:
        self._store = store
        self._other = other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def turn(self, only: Write, also: Sequence[Write]) -> bool:
        other, self._other = self._other, None
        if other is not None:
            await other()
        return await self._store.turn(only, also)


def about(made: Rig) -> dict[str, Any]:
    return {"account_id": made.account_id, "channels": {"sms", "voice"}}


async def changed(made: Rig, ctx: Context, service_id: str, extra: dict[str, Any], **settings: Any) -> None:
    change = ServiceChange(settings=settings)
    await services.update(ctx, ACTOR, service_id, change, extra=extra, **about(made))


async def test_of_two_changes_at_once_none_is_lost(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.seed()
        ctx = made.app.manage
        service_id = (await services.create(ctx, ACTOR, NewService(name="Acme"), **about(made))).id

        async def other() -> None:
            await changed(made, ctx, service_id, {"TtsName": "Ann"}, code_length=8)

        late = msgspec.structs.replace(ctx, store=Overtaken(ctx.store, other))  # type: ignore[arg-type]
        await changed(made, late, service_id, {"DtmfInputRequired": False}, ttl_s=120)
        row = await services.existing(ctx, service_id, made.account_id)
        kept = services.settings_of(row)
        assert kept.extra == {"TtsName": "Ann", "DtmfInputRequired": False}
        assert (kept.code_length, kept.ttl_s) == (8, 120)


@sqlite_first
async def test_a_channel_that_there_is_not_is_refused_when_it_is_saved(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.seed()
        ctx = made.app.manage
        wrong = {"channels": ["sms", "pigeon"]}
        with pytest.raises(WhimbrelError) as caught:
            await services.create(ctx, ACTOR, NewService(name="Acme", settings=wrong), **about(made))
        assert [each.pointer for each in caught.value.errors] == ["/settings/channels/1"]
        assert "sms, voice" in caught.value.errors[0].detail
        right = NewService(name="Acme", settings={"channels": ["sms", "voice"]})
        kept = await services.create(ctx, ACTOR, right, **about(made))
        with pytest.raises(WhimbrelError):
            await services.update(ctx, ACTOR, kept.id, ServiceChange(settings=wrong), **about(made))
        gone: dict[str, Any] = {"account_id": made.account_id, "channels": {"sms"}}
        await services.update(ctx, ACTOR, kept.id, ServiceChange(settings={"ttl_s": 99}), **gone)
        assert services.settings_of(await services.existing(ctx, kept.id, made.account_id)).channels == ("sms", "voice")
