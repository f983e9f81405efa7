"""Events that wait for another try: rows that cannot be posted hide no others, and our own trouble is not theirs."""

from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import ACTOR, Rig, rig, until
from tests.journey.sink import listening
from whimbrel.manage import webhooks
from whimbrel.store.errors import StoreError
from whimbrel.store.interface import Deliveries, Wait


def wait(number: int, webhook_id: str, position: int, r: Rig) -> Wait:
    """A row that is due, and was due the longer the smaller its number is."""
    return Wait(
        id=f"DL{number:032x}",
        webhook_id=webhook_id,
        account_id=r.account_id,
        event_position=position,
        event_id="EV",
        event_type="message.sent",
        url="",
        format="event",
        tries=1,
        next_at=number,
        created_at=number,
        last_error="",
    )


async def endpoint(r: Rig, url: str) -> str:
    request = webhooks.NewWebhook(url=url, events=("opt_out.created",))
    return (await webhooks.create(r.app.manage, ACTOR, request, account_id=r.account_id, test=False)).id


async def test_rows_of_endpoints_that_are_gone_hide_no_others(tmp_path: Path) -> None:
    async with listening() as sink, rig(tmp_path) as r:
        await r.seed()
        (message_id,) = await r.send(r.draft())
        await r.settled(message_id, "delivered")
        (event, *_) = await r.log_of(message_id)
        webhook_id = await endpoint(r, f"{sink.url}/")
        stuck = [wait(number, "WHgone", event.position, r) for number in range(1, 1201)]
        purged = wait(5000, webhook_id, 10_000_000, r)
        await r.app.store.record_deliveries(
            Deliveries(waits=(*stuck, purged, wait(9000, webhook_id, event.position, r)))
        )
        await until(lambda: sink.seen(message_id) == ["message.queued"])

        async def purged_is_gone() -> bool:  # stored after what was found with it is on its way
            return purged.id not in {row.id for row in await r.app.store.fetch(Wait, "deliveries_due", 6000, 5000)}

        await until(purged_is_gone)


async def test_what_cannot_be_stored_is_not_posted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as sink, rig(tmp_path) as r:
        await r.seed()
        record, refused = r.app.store.record_deliveries, 0

        async def full(batch: Deliveries) -> None:
            nonlocal refused
            if batch.tries and not refused:
                refused += 1
                raise OSError("disk full")
            await record(batch)

        monkeypatch.setattr(r.app.store, "record_deliveries", full)
        (message_id,) = await r.send(r.draft(options={"callback_url": f"{sink.url}/"}))
        await r.settled(message_id, "delivered")
        await until(lambda: refused)
        await until(lambda: len(sink.seen(message_id)) >= 4)
        await r.app.notify.stop()
        assert sorted(sink.seen(message_id)) == sorted(await r.events(message_id))


async def test_a_rotated_secret_signs_no_longer_than_it_may(tmp_path: Path) -> None:
    async with listening() as sink, rig(tmp_path) as r:
        await r.seed()
        request = webhooks.NewWebhook(url=f"{sink.url}/", events=("message.queued",))
        made = await webhooks.create(r.app.manage, ACTOR, request, account_id=r.account_id, test=False)
        await webhooks.rotate(r.app.manage, ACTOR, made.id, account_id=r.account_id, test=False)
        await r.app.notify.follow()
        await r.send(r.draft())
        await until(lambda: sink.posts)
        assert len(sink.posts[0].headers["webhook-signature"].split()) == 2
        r.clock.advance(30 * 86_400)

        async def signed_once() -> bool:
            await r.app.accept.submit([r.draft()])
            return len(sink.posts[-1].headers["webhook-signature"].split()) == 1

        await until(signed_once)


async def test_an_endpoint_that_could_not_be_looked_up_is_started_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody changes it again, so nobody else would start it."""
    async with listening() as sink, rig(tmp_path) as r:
        await r.seed()
        fetch, away = r.app.store.fetch, 0

        async def once_away(row: Any, statement: str, *params: Any) -> list[Any]:
            nonlocal away
            if statement == "webhook_cursor" and not away:
                away += 1
                raise StoreError("the database cannot be reached")
            return await fetch(row, statement, *params)

        monkeypatch.setattr(r.app.store, "fetch", once_away)
        request = webhooks.NewWebhook(url=f"{sink.url}/", events=("message.delivered",))
        await webhooks.create(r.app.manage, ACTOR, request, account_id=r.account_id, test=False)
        await until(lambda: away)
        (message_id,) = await r.send(r.draft())
        await until(lambda: sink.seen(message_id) == ["message.delivered"])


async def test_webhooks_begin_again_after_an_end_whose_cursors_could_not_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node loses its duties because the database is away, and is given them again when it is back."""
    async with listening() as sink, rig(tmp_path) as r:
        await r.seed()
        request = webhooks.NewWebhook(url=f"{sink.url}/", events=("message.delivered",))
        await webhooks.create(r.app.manage, ACTOR, request, account_id=r.account_id, test=False)
        (before,) = await r.send(r.draft())
        await until(lambda: sink.seen(before) == ["message.delivered"])

        async def away() -> None:
            raise StoreError("the database cannot be reached")

        with monkeypatch.context() as broken:
            broken.setattr(r.app.notify, "_save_cursors", away)
            with pytest.raises(StoreError):
                await r.app.notify.stop()
        await r.app.notify.start()
        (after,) = await r.send(r.draft())
        await until(lambda: sink.seen(after) == ["message.delivered"])
