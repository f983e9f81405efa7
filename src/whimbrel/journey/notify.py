"""Notify: every event reaches every endpoint that wants it at least once, or stands in the dead letters.

First tries come straight from the feed; what fails gets a row and waits for its next try, so one failing event holds
up no other, and a slow endpoint costs nobody else anything. This file starts and stops the destinations
(`endpoints.py`), follows the table of webhooks, and brings waiting rows back when they are due.
"""

import asyncio
import logging

import msgspec

from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.domain.model import Webhook
from whimbrel.journey.deliver import Job
from whimbrel.journey.endpoints import Callbacks, Endpoint
from whimbrel.journey.feed import Feed, load
from whimbrel.journey.posting import Outcome, Poster, Target
from whimbrel.journey.posts import Posts
from whimbrel.journey.replies import Replies
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Deliveries, Store, Try, Wait, Write

_log = logging.getLogger("whimbrel.notify")
_LOOK_S = 1.0  # how often due rows are looked for; they are seconds to hours apart
_DUE = 500


class _Position(msgspec.Struct, frozen=True):
    position: int


class Notify:
    """All destinations of events."""

    def __init__(
        self,
        *,
        store: Store,
        tables: Tables,
        feed: Feed,
        poster: Poster,
        clock: Clock,
        metrics: Metrics,
        replies: Replies,
    ) -> None:
        self._store = store
        self._tables = tables
        self._feed = feed
        self._clock = clock
        self._metrics = metrics
        self._posts = Posts(
            store=store,
            tables=tables,
            feed=feed,
            poster=poster,
            clock=clock,
            metrics=metrics,
            replies=replies,
            judged=self._judged,
            cursors=self._cursors,
        )
        self._endpoints: dict[str, Endpoint] = {}
        self._callbacks: Callbacks | None = None
        self._delivered_at: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Go on where the cursors stand."""
        rows = await self._store.fetch(_Position, "cursor_by_name", Callbacks.NAME)
        self._callbacks = Callbacks(self._posts, rows[0].position if rows else 0)
        await self._feed.callbacks.listen(self._callbacks)
        await self._callbacks.catch_up()
        self._tables.subscribe("webhooks", self._webhooks_changed)
        await self.follow()
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def stop(self) -> None:
        """Finish the tries under way and save the cursors."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        endpoints, self._endpoints = self._endpoints, {}
        await asyncio.gather(*(endpoint.stop() for endpoint in endpoints.values()))
        if self._callbacks is not None:
            await self._callbacks.stop()
        await self._posts.drain()
        self._endpoints = endpoints
        await self._save_cursors()
        self._endpoints = {}

    def _webhooks_changed(self) -> None:
        asyncio.get_running_loop().create_task(self.follow()).add_done_callback(_report)

    async def follow(self) -> None:
        """Make the endpoints what the table says."""
        async with self._changing:
            wanted = {w.id: w for hooks in self._tables.webhooks.values() for w in hooks if w.status == "active"}
            for endpoint in list(self._endpoints.values()):
                if not _same(wanted.get(endpoint.webhook.id), endpoint.webhook):
                    del self._endpoints[endpoint.webhook.id]
                    self._feed.all.leave(endpoint)
                    await endpoint.stop()
                    await self._posts.drain()
            for webhook in wanted.values():
                if webhook.id not in self._endpoints:
                    await self._add(webhook)

    async def _add(self, webhook: Webhook) -> None:
        rows = await self._store.fetch(_Position, "webhook_cursor", webhook.id)
        start = rows[0].position if rows else webhook.cursor
        endpoint = Endpoint(self._posts, msgspec.structs.replace(webhook, cursor=start), self._target(webhook))
        self._endpoints[webhook.id] = endpoint
        await self._feed.all.listen(endpoint)
        endpoint.catch_up()

    def _target(self, webhook: Webhook) -> Target:
        secrets = self._tables.webhook_secrets(webhook, self._clock.now_us())
        return Target(webhook.url, "event", webhook.account_id, webhook.id, secrets)

    def _judged(self, outcome: Outcome) -> tuple[Write, ...]:
        """What a try says about its endpoint: 410, or three days without one delivery, switch it off."""
        webhook_id, attempt = outcome.attempt.webhook_id, outcome.attempt
        if webhook_id is None:
            return ()
        if attempt.ok:
            self._delivered_at[webhook_id] = attempt.at
            return ()
        is_dead = outcome.wait is not None and outcome.wait.next_at is None
        gone = outcome.following is not None and outcome.following.disable
        since = outcome.wait.created_at if outcome.wait is not None else attempt.at
        silent = is_dead and self._delivered_at.get(webhook_id, 0) < since
        told = _event(attempt, "webhook.exhausted", event_id=attempt.event_id) if is_dead and not gone else ()
        if not (gone or silent) or webhook_id not in self._endpoints:
            return told
        reason = "gone" if gone else "exhausted"
        self._endpoints[webhook_id].disabled = True
        disable = Write("webhook_disable", ((webhook_id, reason, attempt.at),))
        return (*told, *_event(attempt, "webhook.disabled", reason=reason), disable)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await self._bring_back()
                await self._save_cursors()
                await self._drop_disabled()
            except Exception:
                _log.exception("due deliveries could not be looked for; trying again")
            if self._callbacks is not None:
                self._callbacks.forget_idle_hosts()
                lag = sum(endpoint.lag for endpoint in self._endpoints.values()) + self._callbacks.lag
                self._metrics.webhook_lag.set(lag)

    async def _drop_disabled(self) -> None:
        if any(endpoint.disabled for endpoint in self._endpoints.values()):
            await self._tables.refresh("webhooks")

    async def _bring_back(self) -> None:
        """Waiting rows that are due go to their outbox, each once at a time."""
        active = self._posts.active
        waits = await self._store.fetch(Wait, "deliveries_due", self._clock.now_us(), _DUE + len(active))
        for wait in waits:
            if wait.id in active:
                continue
            events = await self._store.events_after(wait.event_position - 1, 1)
            if not events or events[0].position != wait.event_position:
                continue  # the event was purged: its row goes with the next purge
            (item,) = await load(self._store, events)
            job = Job(item, wait, wait.tries + 1)
            if self._placed(job, wait):
                active.add(wait.id)

    def _placed(self, job: Job, wait: Wait) -> bool:
        if wait.webhook_id is None:
            return self._callbacks is not None and self._callbacks.retry(job, wait.url)
        endpoint = self._endpoints.get(wait.webhook_id)
        return endpoint is not None and endpoint.retry(job)

    def _cursors(self) -> tuple[tuple[str, int], ...]:
        moved = [endpoint.unsaved() for endpoint in self._endpoints.values()]
        if self._callbacks is not None:
            moved.append(self._callbacks.unsaved())
        return tuple(cursor for cursor in moved if cursor is not None)

    async def _save_cursors(self) -> None:
        cursors = self._cursors()
        if cursors:
            await self._store.record_deliveries(Deliveries(cursors=cursors))


def _event(attempt: Try, kind: str, **data: str) -> tuple[Write, ...]:
    """An event of the endpoint itself; other endpoints and live streams hear of it."""
    return (Write("webhook_event", ((attempt.webhook_id, kind, msgspec.json.encode(data).decode(), attempt.at),)),)


def _same(wanted: Webhook | None, running: Webhook) -> bool:
    """Whether an endpoint may go on as it is: what changes by itself (cursor, failures) does not count."""
    if wanted is None:
        return False
    volatile = {"cursor": 0, "failures": 0, "updated_at": 0}
    return msgspec.structs.replace(wanted, **volatile) == msgspec.structs.replace(running, **volatile)


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("webhooks could not be changed", exc_info=task.exception())
