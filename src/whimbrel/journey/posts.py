"""Posts: what all destinations of events share: the poster, the store of results (in lists, one commit), and who is to
be called for a message's own callback.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.domain.callbacks import message_options, twilio_calls_back, twilio_media
from whimbrel.domain.model import Message
from whimbrel.journey.deliver import Job, Outbox
from whimbrel.journey.feed import Feed, Item
from whimbrel.journey.posting import EVENT_INBOUND, TWILIO_INBOUND, Outcome, Poster, Target
from whimbrel.journey.replies import Replies
from whimbrel.journey.tables import Tables
from whimbrel.store.errors import StoreStopped
from whimbrel.store.interface import Deliveries, Store, Wait, Write

_log = logging.getLogger("whimbrel.notify")
_RETRY_S = 1.0
_LIST_MAX = 1000  # results in one commit


class Result(msgspec.Struct, frozen=True, gc=False):
    """What is to be stored of one try, or of a job that gets a row without one. `outbox` waits until it is."""

    outcome: Outcome | None
    job: Job
    wait: Wait | None
    done: str | None
    outbox: Outbox | None = None


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
        api_url: Callable[[], str],
    ) -> None:
        """`api_url`: of the API, without a slash at its end, as those who are called may reach it."""
        self.store = store
        self.tables = tables
        self.feed = feed
        self.poster = poster
        self.replies = replies
        self._clock = clock
        self._metrics = metrics
        self._judged = judged
        self._cursors = cursors
        self._api_url = api_url
        self._results: list[Result] = []
        self._storing: asyncio.Task[None] | None = None
        self.active: set[str] = set()  # waiting rows whose try is under way

    def settle(self, outcome: Outcome, outbox: Outbox) -> None:
        """Store what a try came to; its job is settled once that is durable."""
        self._add(Result(outcome, outcome.job, outcome.wait, outcome.done, outbox))

    def postpone(self, job: Job, target: Target) -> None:
        """There is no room for a first try now: a row of its own, due at once."""
        now = self._clock.now_us()
        wait = self.poster.waiting(job, target, tries=job.number - 1, next_at=now, now=now)
        self._add(Result(None, job, wait, None))

    def drop(self, job: Job) -> None:
        """Its target is gone: nobody waits for it."""
        if job.wait is not None:
            self._add(Result(None, job, None, job.wait.id))

    def forget(self, jobs: Sequence[Job]) -> None:
        """They were not posted: rows of theirs are brought back when they are next looked for."""
        self.active.difference_update(job.wait.id for job in jobs if job.wait is not None)

    def _add(self, result: Result) -> None:
        self._results.append(result)
        if self._storing is None:
            self._storing = asyncio.get_running_loop().create_task(self._store())

    async def _store(self) -> None:
        """One commit after the other; the results that come meanwhile are the next list."""
        try:
            while self._results:
                results, self._results = self._results[:_LIST_MAX], self._results[_LIST_MAX:]
                await self._store_list(results)
        finally:
            self._storing = None

    async def _store_list(self, results: list[Result]) -> None:
        try:
            await self._record(results)
        except Exception as error:  # nothing is settled, so it is posted again after the next start
            _log.warning("results of deliveries were not stored", extra={"error": str(error), "count": len(results)})
        else:
            for result in results:
                if result.outbox is not None:
                    result.outbox.settle(result.job)
        finally:
            self.active.difference_update(result.job.wait.id for result in results if result.job.wait is not None)

    async def _record(self, results: list[Result]) -> None:
        outcomes = [result.outcome for result in results if result.outcome is not None]
        writes: list[Write] = []
        for outcome in outcomes:
            writes += self._judged(outcome)
        tries = tuple([outcome.attempt for outcome in outcomes])
        await self._keep(
            Deliveries(
                tries=tries,
                waits=tuple([result.wait for result in results if result.wait is not None]),
                done=tuple([result.done for result in results if result.done is not None]),
                cursors=self._cursors(),
                also=tuple(writes),
            )
        )
        good = sum([attempt.ok for attempt in tries])
        self._metrics.webhooks.labels("ok").inc(good)
        self._metrics.webhooks.labels("failed").inc(len(tries) - good)

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
                while self._storing is not None:
                    await asyncio.wait([self._storing])
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
        if owner is None or account is None or event_type != "message.received":
            return None
        way, pool_id = self.tables.pools.inbound_url(owner)
        if way is None:
            return None
        is_twilio = way.format == "twilio"
        more = (("MessagingServiceSid", pool_id),) if pool_id else ()
        if is_twilio:
            more = (*more, *twilio_media(message, self._api_url()))
        return Target(
            way.url,
            TWILIO_INBOUND if is_twilio else EVENT_INBOUND,
            account.id,
            secrets=() if is_twilio else (self.tables.callback_secret(account.id),),
            auth_token=self.tables.auth_token(account.id) if is_twilio else "",
            method=way.method,
            fallback_url=way.fallback_url,
            fallback_method=way.fallback_method,
            more=more,
        )
