"""Who events are posted to: the webhooks of accounts, and the callback URLs that messages and inbound senders carry
themselves. Each keeps a cursor over the event log: everything up to it is delivered or has a row of its own.

A webhook that cannot keep up falls behind and reads the log for itself, at its own pace. Callbacks have one outbox a
host; what does not fit gets a row at once.
"""

import asyncio
import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from whimbrel.base import faults
from whimbrel.base.limits import WEBHOOK_CONCURRENCY
from whimbrel.domain.events import Interest, types_of
from whimbrel.domain.model import Webhook
from whimbrel.journey.deliver import Job, Outbox
from whimbrel.journey.feed import Item, load
from whimbrel.journey.posting import Sent, Target
from whimbrel.journey.posts import Posts
from whimbrel.net.http import Failure, Response

_log = logging.getLogger("whimbrel.notify")
_RETRY_S = 1.0
_ROOM = 2000  # events of one endpoint in memory
_READ = 500
_HOST_WORKERS = 16


class Endpoint:
    """One webhook of an account."""

    def __init__(self, posts: Posts, webhook: Webhook, target: Target) -> None:
        self.webhook = webhook
        self.interest = Interest(webhook.account_id, webhook.test, types_of(webhook.events))
        self._posts = posts
        self.target = target
        self._outbox = Outbox(self._post, workers=WEBHOOK_CONCURRENCY, room=_ROOM)
        self._read = webhook.cursor  # the log is read up to here
        self._saved = webhook.cursor
        self._behind = True
        self._catching_up: asyncio.Task[None] | None = None
        self.disabled = False  # its own answers switched it off; the table follows

    @property
    def lag(self) -> int:
        """Events in memory that are not delivered."""
        return self._outbox.lag

    def offer(self, items: Sequence[Item], position: int) -> None:
        """New events from the feed; too many make the endpoint fall behind."""
        if self._behind:
            self.catch_up()
            return
        jobs = self._jobs(items)
        if len(jobs) > self._outbox.room:
            self._behind = True
            self.catch_up()
            return
        self._read = position
        self._outbox.put(jobs)

    def catch_up(self) -> None:
        """Read the log from where this endpoint stands until it has caught up with the feed."""
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        while self._behind:
            try:
                await self._read_log()
            except Exception:
                _log.exception("the event log could not be read; trying again", extra={"webhook_id": self.webhook.id})
                await asyncio.sleep(_RETRY_S)

    async def _read_log(self) -> None:
        tail = self._posts.feed.all
        while self._behind:
            while self._outbox.room < _READ:  # noqa: ASYNC110 - behind by thousands: looking costs nothing beside that
                await asyncio.sleep(0.05)  # the other side sets the pace
            events = await self._posts.store.events_after(self._read, _READ)
            wanted = [event for event in events if self.interest.wants(event)]
            items = await load(self._posts.store, wanted)
            if events:
                self._read = events[-1].position
            self._outbox.put([Job(item) for item in items])
            self._behind = self._read < tail.position

    def _jobs(self, items: Sequence[Item]) -> list[Job]:
        return [Job(item) for item in items if item.event.position > self._read]

    def retry(self, job: Job) -> bool:
        """Take a waiting event for its next try; False when there is no room now."""
        if self._outbox.room < 1:
            return False
        self._outbox.put([job])
        return True

    def _post(self, job: Job) -> None:
        self._posts.poster.begin(job, self.target, self._told)

    def _told(self, sent: Sent, answer: Response | Failure) -> None:
        try:
            outcome = self._posts.poster.judge(sent, answer)
            faults.hit("notify.after_post")
            self._posts.settle(outcome, self._outbox)
        except Exception:
            self._outbox.failed(sent.job)
            return
        if outcome.following is not None and outcome.rest_s:
            self._outbox.rest(asyncio.get_running_loop().time() + outcome.rest_s)
        self._outbox.ended()

    def cursor(self) -> int:
        """Everything up to here is delivered or has a row of its own."""
        first = self._outbox.first_outstanding()
        return self._read if first is None else first - 1

    def unsaved(self) -> tuple[str, int] | None:
        """The cursor, when it moved since it was last asked for."""
        position = self.cursor()
        if position == self._saved:
            return None
        self._saved = position
        return self.webhook.id, position

    async def stop(self) -> None:
        """Finish what is under way; the rest is in the log."""
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.gather(self._catching_up, return_exceptions=True)
        self._posts.forget(await self._outbox.stop())


class Callbacks:
    """The callback URLs that messages and inbound senders carry themselves: one outbox for each host."""

    NAME = "callbacks"
    interest = Interest(None, None, types_of(("*",)))

    def __init__(self, posts: Posts, position: int) -> None:
        self._posts = posts
        self._hosts: dict[str, Outbox] = {}
        self._read = position
        self._saved = position
        self._behind = True  # until it has caught up with the feed, it reads the log for itself

    def offer(self, items: Sequence[Item], position: int) -> None:
        """New events whose message has a callback."""
        if self._behind:
            return  # what is older comes first: to take these would be to pass over it
        for item in items:
            if item.event.position > self._read:
                self._offer(item)
        self._read = max(self._read, position)

    def _offer(self, item: Item) -> None:
        try:
            target = self._posts.callback_target(item)
        except Exception:  # such as a secret of another master key: no reason to pass over what comes after it
            _log.exception("a callback cannot be addressed", extra={"message_id": item.event.subject_id})
            return
        if target is not None:
            self._place(Job(item), target)

    async def catch_up(self) -> None:
        """At start: what happened since the cursor was saved, and meanwhile."""
        tail = self._posts.feed.callbacks
        while self._behind:
            seen = tail.position  # before the read, which may miss what the feed brings during it
            events = await self._posts.store.events_after(self._read, _READ, callbacks_only=True)
            for item in await load(self._posts.store, events):
                self._offer(item)
            self._read = max(seen if len(events) < _READ else 0, events[-1].position if events else self._read)
            self._behind = self._read < tail.position

    def _place(self, job: Job, target: Target) -> None:
        outbox = self._outbox(target.url)
        if outbox.room > 0:
            outbox.put([job])
        else:
            self._posts.postpone(job, target)

    def retry(self, job: Job, url: str) -> bool:
        """Take a waiting event for its next try; False when its host has no room now."""
        outbox = self._outbox(url)
        if outbox.room < 1:
            return False
        outbox.put([job])
        return True

    def _outbox(self, url: str) -> Outbox:
        host = urlsplit(url).netloc
        known = self._hosts.get(host)
        if known is not None:
            return known
        outbox = Outbox(lambda job: self._post(job, outbox), workers=_HOST_WORKERS, room=_ROOM)
        self._hosts[host] = outbox
        return outbox

    async def _post(self, job: Job, outbox: Outbox) -> None:
        """`outbox` holds the job; where it leads may have changed since it came there."""
        target = self._posts.callback_target(job.item)
        if target is None:
            outbox.settle(job)
            self._posts.drop(job)
            return
        poster = self._posts.poster
        outcome = await poster.post(job, target)
        faults.hit("notify.after_post")
        if target.is_inbound:
            # before it counts as delivered: a crash in between makes it be told again, and the replies know their key
            outcome = await self._posts.replies.take(job.item, target, outcome, lambda other: poster.post(job, other))
        self._posts.settle(outcome, outbox)

    def cursor(self) -> int:
        """Everything up to here is delivered or has a row of its own."""
        firsts = [first for outbox in self._hosts.values() if (first := outbox.first_outstanding()) is not None]
        return min(firsts) - 1 if firsts else self._read

    def unsaved(self) -> tuple[str, int] | None:
        """The cursor, when it moved since it was last asked for."""
        position = self.cursor()
        if position == self._saved:
            return None
        self._saved = position
        return self.NAME, position

    def forget_idle_hosts(self) -> None:
        """Hosts without work keep no memory."""
        busy = {host: box for host, box in self._hosts.items() if box.lag or box.first_outstanding() is not None}
        self._hosts = busy

    @property
    def lag(self) -> int:
        """Events in memory that are not delivered."""
        return sum(outbox.lag for outbox in self._hosts.values())

    async def stop(self) -> None:
        """Finish what is under way; the rest is in the log."""
        for dropped in await asyncio.gather(*(outbox.stop() for outbox in self._hosts.values())):
            self._posts.forget(dropped)
