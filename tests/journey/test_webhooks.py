"""Webhooks: every event at least once, signed, at the pace of each endpoint, whatever the endpoint answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.journey.rig import ACTOR, Rig, installation, rig, simulated, until
from tests.journey.sink import Post, Sink, listening
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.retries import SCHEDULE_S, TRIES_MAX
from whimbrel.manage import deliveries, webhooks

WAY = ["message.queued", "message.sending", "message.sent", "message.delivered"]
PHONES = [f"+4479111237{number:02}" for number in range(40)]


@asynccontextmanager
async def hooked(folder: Path) -> AsyncIterator[tuple[Rig, Sink]]:
    """A rig and a sink."""
    async with listening() as sink, rig(folder) as r:
        await r.seed()
        await r.bound()
        yield r, sink


async def hook(r: Rig, url: str, *events: str, test: bool = False) -> webhooks.WebhookCreated:
    """An endpoint of the account."""
    request = webhooks.NewWebhook(url=url, events=events or ("*",))
    return await webhooks.create(r.app.manage, ACTOR, request, account_id=r.account_id, test=test)


def verify(secret: str, post: Post) -> None:
    Webhook(secret).verify(post.body, post.headers)


async def waiting(r: Rig, webhook_id: str, state: deliveries.State | None = None) -> list[deliveries.DeliveryView]:
    page = await deliveries.find(r.app.manage, webhook_id, account_id=r.account_id, test=False, state=state)
    return list(page.data)


async def test_every_event_comes_once_and_verifies(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        made = await hook(r, f"{sink.url}/")
        (message_id,) = await r.send(r.draft(options={"metadata": {"order": 7}}))
        await until(lambda: len(sink.posts) == 4)
        assert sorted(sink.seen(message_id)) == sorted(WAY)
        for post in sink.posts:
            verify(made.secret, post)
            event = post.json
            assert event["id"] == post.headers["webhook-id"]
            assert (event["account_id"], event["seq"]) == (r.account_id, WAY.index(event["type"]) + 1)
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verify(sink.posts[0].body, sink.posts[0].headers)


async def test_after_a_rotation_both_secrets_verify(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        old = await hook(r, f"{sink.url}/")
        new = await webhooks.rotate(r.app.manage, ACTOR, old.id, account_id=r.account_id, test=False)
        await r.app.notify.follow()
        await r.send(r.draft())
        await until(lambda: len(sink.posts) == 4)
        for post in sink.posts:
            verify(old.secret, post)
            verify(new.secret, post)


async def test_an_endpoint_gets_what_it_asked_for_and_nothing_of_others(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        other = await r.add_account("Bolt", "+12025550111")
        await hook(r, f"{sink.url}/final", "message.delivered")
        await hook(r, f"{sink.url}/test", test=True)
        (theirs,) = await r.send(r.draft(account_id=other))
        (tested,) = await r.send(r.draft(test=True))
        (ours,) = await r.send(r.draft())
        await until(lambda: len(sink.posts) == 5)
        assert sink.seen(ours, "/final") == ["message.delivered"]
        assert sorted(sink.seen(tested, "/test")) == sorted(WAY)
        assert theirs not in {post.json["message_id"] for post in sink.posts}


async def test_a_failed_try_is_repeated_with_the_same_id_and_number(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        made = await hook(r, f"{sink.url}/", "message.delivered")
        sink.answers.extend([500, 503])
        await r.send(r.draft())
        await until(lambda: len(sink.posts) == 1)
        (row,) = await until(lambda: waiting(r, made.id))
        assert (row.state, row.tries, row.last_error) == ("waiting", 1, "HTTP 500")
        for tries, seconds in ((2, SCHEDULE_S[1]), (3, SCHEDULE_S[2])):
            await until(lambda wanted=tries - 1: tried(r, made.id, wanted))  # its time is counted from what is stored
            r.clock.advance(seconds * 1.2)
            await until(lambda wanted=tries: len(sink.posts) == wanted)
        for post in sink.posts:
            verify_later(made.secret, post)
        assert len({post.headers["webhook-id"] for post in sink.posts}) == 1

        async def done() -> bool:
            return not await waiting(r, made.id)

        await until(done)
        tries_ = await deliveries.tries(r.app.manage, made.id, account_id=r.account_id, test=False)
        assert [(t.number, t.status, t.ok) for t in tries_.data] == [(3, 204, True), (2, 503, False), (1, 500, False)]


def verify_later(secret: str, post: Post) -> None:
    """The package compares with the machine's clock, which the rig has left behind."""
    signer = Webhook(secret)
    at = datetime.fromtimestamp(int(post.headers["webhook-timestamp"]), tz=UTC)
    expected = signer.sign(post.headers["webhook-id"], at, post.body.decode())
    assert expected in post.headers["webhook-signature"].split()


async def test_gone_disables_the_endpoint_and_says_so(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        made = await hook(r, f"{sink.url}/gone", "message.delivered")
        await hook(r, f"{sink.url}/", "webhook.disabled")
        sink.always["/gone"] = 410
        await r.send(r.draft())

        async def disabled() -> bool:
            row = await webhooks.get(r.app.manage, made.id, account_id=r.account_id, test=False)
            return (row.status, row.disabled_reason) == ("disabled", "gone")

        await until(disabled)
        await until(lambda: not r.app.notify._endpoints.keys() & {made.id})
        await r.send(r.draft())
        await until(lambda: sink.types() == ["webhook.disabled"])
        assert len(sink.types("/gone")) == 1


async def test_a_slow_endpoint_delays_nobody_else(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        await hook(r, f"{sink.url}/slow")
        await hook(r, f"{sink.url}/")
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        await r.all_settled(ids, "delivered")
        await until(lambda: len(sink.types()) == 4 * len(PHONES))
        sink.held.set()

        def told() -> set[tuple[str, str]]:  # one that was held for too long has come again
            return {(post.json["message_id"], post.json["type"]) for post in sink.posts if post.path == "/slow"}

        await until(lambda: len(told()) == 4 * len(PHONES))


async def test_an_overloaded_endpoint_rests_as_a_whole(tmp_path: Path) -> None:
    """429 is about the endpoint, not the event: nothing is posted to it for a while, others go on."""
    async with hooked(tmp_path) as (r, sink):
        await hook(r, f"{sink.url}/busy", "message.queued", "message.delivered")
        await hook(r, f"{sink.url}/")
        sink.always["/busy"] = 429
        await r.send(r.draft())
        await until(lambda: sink.types("/busy"))
        busy = len(sink.types("/busy"))
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        await r.all_settled(ids, "delivered")
        await until(lambda: len(sink.types()) == 4 * len(PHONES) + 4)
        assert busy <= len(sink.types("/busy")) <= 2


async def test_a_rest_holds_up_neither_a_change_of_the_endpoint_nor_what_waits_for_it(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        made = await hook(r, f"{sink.url}/busy", "message.delivered")
        sink.always["/busy"] = 429
        sink.retry_after = "3600"
        (message_id,) = await r.send(r.draft())
        await until(lambda: sink.types("/busy"))
        await until(lambda: waiting(r, made.id))
        r.clock.advance(3700)
        await until(lambda: r.app.notify._posts.active)  # it is due, and waits for the end of the rest
        change = webhooks.WebhookChange(url=f"{sink.url}/")
        await webhooks.update(r.app.manage, ACTOR, made.id, change, account_id=r.account_id, test=False)
        await until(lambda: sink.seen(message_id) == ["message.delivered"])


async def test_dead_letters_and_their_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hooked(tmp_path) as (r, sink):
        bring_back, alone = r.app.notify._bring_back, asyncio.Lock()

        async def one_by_one() -> None:
            """What the application looks for each second and what this test looks for at once: two that read the same
            row beside each other would both post it."""
            async with alone:
                await bring_back()

        monkeypatch.setattr(r.app.notify, "_bring_back", one_by_one)
        made = await hook(r, f"{sink.url}/", "message.delivered")
        await hook(r, f"{sink.url}/operator", "webhook.*")
        sink.always["/"] = 500
        (message_id,) = await r.send(r.draft())
        for tries in range(1, TRIES_MAX + 1):
            await until(lambda wanted=tries: len(sink.types()) >= wanted)
            await until(lambda wanted=tries: tried(r, made.id, wanted))
            r.clock.advance(SCHEDULE_S[min(tries, TRIES_MAX - 1)] * 1.2)
            await r.app.notify._bring_back()
        (row,) = await until(lambda: waiting(r, made.id, "dead"))
        assert (row.tries, row.next_at, row.event_type) == (TRIES_MAX, None, "message.delivered")
        # three days without one delivery switch the endpoint off; its owner mends it and asks for what is dead
        sink.always.clear()
        await until(lambda: sorted(sink.types("/operator")) == ["webhook.disabled", "webhook.exhausted"])
        await until(lambda: made.id not in r.app.notify._endpoints)
        with pytest.raises(WhimbrelError):
            await deliveries.replay_dead(r.app.manage, ACTOR, made.id, account_id=r.account_id, test=False)
        await webhooks.enable(r.app.manage, ACTOR, made.id, account_id=r.account_id, test=False)
        replayed = await deliveries.replay_dead(r.app.manage, ACTOR, made.id, account_id=r.account_id, test=False)
        assert replayed.count == 1
        await until(lambda: len(sink.seen(message_id)) == TRIES_MAX + 1)


async def tried(r: Rig, webhook_id: str, tries: int) -> bool:
    """Whether so many tries of the one delivery are stored."""
    return [row.tries for row in await waiting(r, webhook_id)] == [tries]


async def test_one_event_is_replayed(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        made = await hook(r, f"{sink.url}/", "message.delivered")
        await r.send(r.draft())
        await until(lambda: len(sink.posts) == 1)
        request = deliveries.ReplayOne(event_id=sink.posts[0].json["id"])
        scope = {"account_id": r.account_id, "test": False}
        await deliveries.replay_one(r.app.manage, ACTOR, made.id, request, **scope)
        await until(lambda: len(sink.posts) == 2)
        assert sink.posts[0].headers["webhook-id"] == sink.posts[1].headers["webhook-id"]


async def test_an_endpoint_that_was_away_gets_everything_after_a_restart(tmp_path: Path) -> None:
    async with simulated() as simulator, listening() as sink:
        async with installation(tmp_path, simulator) as r:
            await r.seed()
            made = await hook(r, f"{sink.url}/", "message.delivered")
            ids = await r.send(*[r.draft(phone) for phone in PHONES[:5]])
            await until(lambda: len(sink.posts) == 5)
            account_id = r.account_id
        cursor = len(sink.posts)
        async with installation(tmp_path, simulator) as r:
            r.account_id = account_id
            more = await r.send(*[r.draft(phone) for phone in PHONES[5:10]])
            await until(lambda: len(sink.posts) >= cursor + 5)
            assert [sink.seen(message_id) for message_id in ids + more] == [["message.delivered"]] * 10
            assert not await waiting(r, made.id)


async def test_events_of_the_time_when_an_endpoint_was_disabled_come_when_it_is_enabled(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        made = await hook(r, f"{sink.url}/", "message.delivered")
        scope = {"account_id": r.account_id, "test": False}
        await webhooks.disable(r.app.manage, ACTOR, made.id, **scope)
        await r.app.notify.follow()
        (message_id,) = await r.send(r.draft())
        await r.settled(message_id, "delivered")
        assert sink.posts == []
        await webhooks.enable(r.app.manage, ACTOR, made.id, **scope)
        await until(lambda: sink.seen(message_id) == ["message.delivered"])


async def test_a_message_has_a_callback_of_its_own(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        await r.send(r.draft(PHONES[0]))
        (message_id,) = await r.send(r.draft(options={"callback_url": f"{sink.url}/mine"}))
        await until(lambda: len(sink.posts) == 4)
        assert sorted(sink.seen(message_id, "/mine")) == sorted(WAY)
        secret = r.app.tables.callback_secret(r.account_id)
        for post in sink.posts:
            verify(secret, post)


async def test_a_callback_is_retried_too(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (r, sink):
        sink.answers.extend([500] * 4)
        (message_id,) = await r.send(r.draft(options={"callback_url": f"{sink.url}/mine"}))
        await until(lambda: len(sink.posts) == 4)
        await r.settled(message_id, "delivered")
        await until(lambda: rows_waiting(r, 4))
        r.clock.advance(SCHEDULE_S[1] * 1.2)
        await until(lambda: len(sink.posts) == 8)
        assert sorted(sink.seen(message_id, "/mine")) == sorted(WAY * 2)
        await until(lambda: rows_waiting(r, 0))


async def test_callbacks_go_on_after_a_restart_where_they_were(tmp_path: Path) -> None:
    async with simulated() as simulator, listening() as sink:
        async with installation(tmp_path, simulator) as r:
            await r.seed()
            told = r.draft(PHONES[0], options={"callback_url": f"{sink.url}/good"})
            untold = r.draft(PHONES[1], options={"callback_url": f"{sink.url}/bad"})
            sink.always["/bad"] = 500
            good, bad = await r.send(told, untold)
            await until(lambda: len(sink.posts) == 8)
            await until(lambda: rows_waiting(r, 4))
        sink.always.clear()
        async with installation(tmp_path, simulator) as r:
            r.clock.advance(SCHEDULE_S[1] * 1.2)
            await until(lambda: rows_waiting(r, 0))
        assert sorted(sink.seen(bad, "/bad")) == sorted(WAY * 2)
        assert sorted(sink.seen(good, "/good")) == sorted(WAY)


async def rows_waiting(r: Rig, count: int) -> bool:
    """Whether so many events wait for another try, at whatever time."""
    later = r.clock.now_us() + 86_400_000_000 * 30
    return len(await r.app.store.fetch(lambda *columns: columns, "deliveries_due", later, 100)) == count
