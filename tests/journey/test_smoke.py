"""Thousands of messages through everything at once: every side counts the same."""

from collections import Counter
from pathlib import Path

from tests.journey.rig import ACTOR, PRICE_MICROS, rig, until
from tests.journey.sink import listening
from whimbrel.domain.model import Flag
from whimbrel.manage import balance, webhooks

COUNT, BATCH = 5_000, 1_000


async def test_five_thousand(tmp_path: Path) -> None:
    async with listening() as sink, rig(tmp_path) as r:
        await r.seed(window=100)
        request = webhooks.NewWebhook(url=f"{sink.url}/", events=("message.delivered",))
        await webhooks.create(r.app.manage, ACTOR, request, account_id=r.account_id, test=False)
        ids: list[str] = []
        for start in range(0, COUNT, BATCH):
            batch = range(start, start + BATCH)
            ids += await r.send(*[r.draft(f"+4479{11_000_000 + n:08}", f"Order {n} is on its way.") for n in batch])
        await until(lambda: len(sink.posts) >= COUNT, within_s=60)
        messages = await r.app.store.messages(ids)
        assert Counter(message.state for message in messages) == {"delivered": COUNT}
        assert Counter(message.flags for message in messages) == {Flag.SENDER_FORBIDDEN: COUNT}, (
            "a number of another country: noted"
        )
        told = Counter(post.json["message_id"] for post in sink.posts)
        assert told == Counter(ids)
        assert Counter(submit.text for submit in r.submits()) == Counter(
            f"Order {n} is on its way." for n in range(COUNT)
        )
        events = Counter(event.type for event in await r.log() if event.subject_id in told)
        assert events == {f"message.{state}": COUNT for state in ("queued", "sending", "sent", "delivered")}
        view = await balance.get(r.app.manage, account_id=r.account_id)
        assert [float(view.held), float(view.spent)] == [0, COUNT * PRICE_MICROS / 1_000_000]
        counts = r.simulator.center.snapshot()
        assert (counts.submits, counts.accepted, counts.receipts_answered, counts.deliveries_again) == (
            COUNT,
            COUNT,
            COUNT,
            0,
        )
