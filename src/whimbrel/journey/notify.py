"""Notify: every event reaches every endpoint that wants it at least once, or stands in the dead letters.

First tries come straight from the feed; what fails gets a row and waits for its next try, so one failing event holds
up no other, and a slow endpoint costs nobody else anything. This file starts and stops the destinations
(`endpoints.py`), follows the table of webhooks, and brings waiting rows back when they are due.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.domain.model import Event, Webhook
from whimbrel.journey.deliver import Job
from whimbrel.journey.endpoints import Callbacks, Endpoint
from whimbrel.journey.feed import Feed, Item, load
from whimbrel.journey.posting import Outcome, Poster, Target
from whimbrel.journey.posts import Posts
from whimbrel.journey.replies import Replies
from whimbrel.journey.tables import Tables
from whimbrel.store.errors import StoreError
from whimbrel.store.interface import Deliveries, Store, Try, Wait, Write

_log = logging.getLogger("whimbrel.notify")
_LOOK_S = 1.0  # how often due rows are looked for; they are seconds to hours apart
_DUE = 500  # rows in one look
_ROUNDS = 10  # of one look: many rows that cannot be placed must not hide those that can
_LATER_US = 5_000_000
_STOP_S = 5.0  # for the last results: a store that takes nothing must not keep us from stopping


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
        api_url: Callable[[], str] = lambda: "",
    ) -> None:
        """`api_url`: where media of inbound texts are had from."""
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
            api_url=api_url,
        )
        self._endpoints: dict[str, Endpoint] = {}
        self._callbacks: Callbacks | None = None
        self._delivered_at: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        self._is_running = False
        self._is_incomplete = False  # an endpoint could not be started, and could a moment later
        tables.subscribe("webhooks", self._webhooks_changed)

    async def start(self) -> None:
        """Go on where the cursors stand."""
        self._is_running = True
        rows = await self._store.fetch(_Position, "cursor_by_name", Callbacks.NAME)
        self._callbacks = Callbacks(self._posts, rows[0].position if rows else 0)
        await self._feed.callbacks.listen(self._callbacks)
        await self._callbacks.catch_up()
        await self.follow()
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def stop(self) -> None:
        """Finish the tries under way and save the cursors."""
        self._is_running = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        async with self._changing:
            endpoints, self._endpoints = self._endpoints, {}
        for endpoint in endpoints.values():
            self._feed.all.leave(endpoint)
        await asyncio.gather(*(endpoint.stop() for endpoint in endpoints.values()))
        if self._callbacks is not None:
            self._feed.callbacks.leave(self._callbacks)
            await self._callbacks.stop()
        await self._posts.drain(_STOP_S)
        self._endpoints = endpoints
        try:
            await self._save_cursors()
        finally:  # what has ended must not be taken for what is at work when this begins again
            self._endpoints, self._callbacks = {}, None
            self._metrics.webhook_lag.set(0)

    def _webhooks_changed(self) -> None:
        if not self._is_running:
            return
        asyncio.get_running_loop().create_task(self.follow()).add_done_callback(_report)

    async def follow(self) -> None:
        """Make the endpoints what the table says."""
        async with self._changing:
            if not self._is_running:
                return
            wanted = {w.id: w for hooks in self._tables.webhooks.values() for w in hooks if w.status == "active"}
            for endpoint in list(self._endpoints.values()):
                if not _same(wanted.get(endpoint.webhook.id), endpoint.webhook):
                    del self._endpoints[endpoint.webhook.id]
                    self._feed.all.leave(endpoint)
                    await endpoint.stop()
                    await self._posts.drain(_STOP_S)
                    await self._save(endpoint.unsaved())
            for webhook in wanted.values():
                if webhook.id not in self._endpoints:
                    await self._add_safely(webhook)

    async def _add_safely(self, webhook: Webhook) -> None:
        try:
            await self._add(webhook)
        except Exception as error:  # such as a secret of another master key: no reason to keep events from all others
            self._endpoints.pop(webhook.id, None)
            self._is_incomplete = self._is_incomplete or isinstance(error, StoreError)
            _log.exception("a webhook could not be started", extra={"webhook_id": webhook.id})

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
                self._drop_old_secrets()
                if self._is_incomplete:
                    self._is_incomplete = False
                    await self.follow()
            except Exception:
                _log.exception("due deliveries could not be looked for; trying again")
            if self._callbacks is not None:
                self._callbacks.forget_idle_hosts()
                lag = sum(endpoint.lag for endpoint in self._endpoints.values()) + self._callbacks.lag
                self._metrics.webhook_lag.set(lag)

    async def _drop_disabled(self) -> None:
        if any(endpoint.disabled for endpoint in self._endpoints.values()):
            await self._tables.refresh("webhooks")

    def _drop_old_secrets(self) -> None:
        """A rotated secret signs beside the new one until its time is over, and not until the next change."""
        now = self._clock.now_us()
        for endpoint in self._endpoints.values():
            if len(endpoint.target.secrets) > 1 and (endpoint.webhook.old_secret_until or 0) <= now:
                endpoint.target = self._target(endpoint.webhook)

    async def _bring_back(self) -> None:
        """Waiting rows that are due go to their outbox, each once at a time. What cannot be placed now makes room for
        the others: its turn comes again a little later. A row whose event was purged goes too."""
        for _ in range(_ROUNDS):
            active, now = self._posts.active, self._clock.now_us()
            found = await self._store.fetch(Wait, "deliveries_due", now, _DUE + len(active))
            waits = [wait for wait in found if wait.id not in active]
            items = await self._items_of(waits)
            later = [wait.id for wait in waits if wait.event_position in items and not self._place(wait, items)]
            gone = tuple(wait.id for wait in waits if wait.event_position not in items)
            if later or gone:
                postponed = Write("deliveries_postpone", ((later, now + _LATER_US),))
                await self._store.record_deliveries(Deliveries(done=gone, also=(postponed,)))
            if len(waits) < _DUE:
                return

    async def _items_of(self, waits: Sequence[Wait]) -> dict[int, Item]:
        positions = sorted({wait.event_position for wait in waits})
        if not positions:
            return {}
        events = await self._store.fetch(Event, "events_at", positions)
        return {item.event.position: item for item in await load(self._store, events)}

    def _place(self, wait: Wait, items: Mapping[int, Item]) -> bool:
        job = Job(items[wait.event_position], wait, wait.tries + 1)
        is_placed = self._placed(job, wait)
        if is_placed:
            self._posts.active.add(wait.id)
        return is_placed

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
        await self._save(*self._cursors())

    async def _save(self, *cursors: tuple[str, int] | None) -> None:
        moved = tuple(cursor for cursor in cursors if cursor is not None)
        if moved:
            await self._store.record_deliveries(Deliveries(cursors=moved))


def _event(attempt: Try, kind: str, **data: str) -> tuple[Write, ...]:
    """An event of the endpoint itself; other endpoints and live streams hear of it. A node that was taken for dead may
    still write one, and its number is by those that are there."""
    row = (attempt.webhook_id, kind, msgspec.json.encode(data).decode(), attempt.at)
    return Write("webhook_hold", ((attempt.webhook_id,),)), Write("webhook_event", (row,))


def _same(wanted: Webhook | None, running: Webhook) -> bool:
    """Whether an endpoint may go on as it is: what changes by itself (cursor, failures) does not count."""
    if wanted is None:
        return False
    volatile = {"cursor": 0, "failures": 0, "updated_at": 0}
    return msgspec.structs.replace(wanted, **volatile) == msgspec.structs.replace(running, **volatile)


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("webhooks could not be changed", exc_info=task.exception())
