"""Posts: what all destinations of events share: the poster, the store of results (in lists, one commit), and who is to
be called for a message's own callback.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.domain.callbacks import message_options, twilio_calls_back
from whimbrel.domain.model import Message
from whimbrel.journey.deliver import Job, Outbox
from whimbrel.journey.feed import Feed, Item
from whimbrel.journey.gather import Gatherer
from whimbrel.journey.posting import Outcome, Poster, Target
from whimbrel.journey.replies import Replies
from whimbrel.journey.tables import Tables
from whimbrel.store.errors import StoreStopped
from whimbrel.store.interface import Deliveries, Store, Wait, Write

_log = logging.getLogger("whimbrel.notify")
_RETRY_S = 1.0


class Result(msgspec.Struct, frozen=True):
    """What is to be stored of one try, or of a job that gets a row without one."""

    outcome: Outcome | None
    job: Job
    wait: Wait | None
    done: str | None


class Posts:
    """Shared by webhooks, callbacks and retries."""

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
        judged: Callable[[Outcome], tuple[Write, ...]],
        cursors: Callable[[], tuple[tuple[str, int], ...]],
    ) -> None:
        self.store = store
        self.tables = tables
        self.feed = feed
        self.poster = poster
        self.replies = replies
        self._clock = clock
        self._metrics = metrics
        self._judged = judged
        self._cursors = cursors
        self._results: Gatherer[Result, None] = Gatherer(self._record, overlap=1, limit=1000)
        self.active: set[str] = set()  # waiting rows whose try is under way

    def settle(self, outcome: Outcome, outbox: Outbox) -> None:
        """Store what a try came to; its job is settled once that is durable."""
        self._store_result(Result(outcome, outcome.job, outcome.wait, outcome.done), outbox)

    def postpone(self, job: Job, target: Target) -> None:
        """There is no room for a first try now: a row of its own, due at once."""
        now = self._clock.now_us()
        wait = self.poster.waiting(job, target, tries=job.number - 1, next_at=now, now=now)
        self._store_result(Result(None, job, wait, None), None)

    def drop(self, job: Job) -> None:
        """Its target is gone: nobody waits for it."""
        if job.wait is not None:
            self._store_result(Result(None, job, None, job.wait.id), None)

    def forget(self, jobs: Sequence[Job]) -> None:
        """They were not posted: rows of theirs are brought back when they are next looked for."""
        self.active.difference_update(job.wait.id for job in jobs if job.wait is not None)

    def _store_result(self, result: Result, outbox: Outbox | None) -> None:
        def stored(done: "object") -> None:
            failed = future.cancelled() or future.exception() is not None
            if result.job.wait is not None:
                self.active.discard(result.job.wait.id)
            if outbox is not None and not failed:
                outbox.settle(result.job)

        future = self._results.add([result])
        future.add_done_callback(stored)

    async def _record(self, results: list[Result]) -> list[None]:
        writes: list[Write] = []
        for result in results:
            if result.outcome is not None:
                writes += self._judged(result.outcome)
        tries = tuple(result.outcome.attempt for result in results if result.outcome is not None)
        await self._keep(
            Deliveries(
                tries=tries,
                waits=tuple(result.wait for result in results if result.wait is not None),
                done=tuple(result.done for result in results if result.done is not None),
                cursors=self._cursors(),
                also=tuple(writes),
            )
        )
        good = sum(1 for attempt in tries if attempt.ok)
        self._metrics.webhooks.labels("ok").inc(good)
        self._metrics.webhooks.labels("failed").inc(len(tries) - good)
        return [None] * len(results)

    async def _keep(self, batch: Deliveries) -> None:
        """What was posted is known only here. It is kept until the store takes it: posting it again because our disk is
        full would be our trouble made theirs."""
        while True:
            try:
                await self.store.record_deliveries(batch)
            except StoreStopped:
                raise
            except Exception:
                _log.exception("results of deliveries could not be stored; trying again")
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def drain(self, within_s: float) -> None:
        """Wait until every result is stored; what is not by then is posted again after the next start."""
        try:
            async with asyncio.timeout(within_s):
                await self._results.drain()
        except TimeoutError:
            _log.error("the last results of deliveries could not be stored")

    def callback_target(self, item: Item) -> Target | None:
        """Where a message's own callback goes for this event; None when it wants none or is gone."""
        message = item.message
        account = self.tables.accounts.get(message.account_id) if message is not None else None
        if message is None or account is None:
            return None
        if message.direction == "in":
            return self._inbound_target(message, item.event.type)
        options = message_options(message)
        if options.callback_url is None:
            return None
        if options.callback_format == "event":
            secret = self.tables.callback_secret(account.id)
            return Target(options.callback_url, "event", account.id, secrets=(secret,))
        if not twilio_calls_back(item.event):
            return None
        return Target(options.callback_url, "twilio", account.id, auth_token=self.tables.auth_token(account.id))

    def _inbound_target(self, message: Message, event_type: str) -> Target | None:
        owner = self.tables.senders_by_value.get(message.recipient.lstrip("+"))
        account = self.tables.accounts.get(message.account_id)
        if owner is None or account is None or owner.sms_url is None or event_type != "message.received":
            return None
        token = self.tables.auth_token(account.id)
        return Target(
            owner.sms_url,
            "twilio_inbound",
            account.id,
            auth_token=token,
            method=owner.sms_method,
            fallback_url=owner.sms_fallback_url,
        )
