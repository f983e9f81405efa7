"""Posting: one try of one event at one URL, in the format of its door, and what its outcome means for the event: done,
to be tried again, dead. Pure where it can be; the retry rule is `domain/retries.py`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import Chance, Clock
from whimbrel.base.ids import Ids
from whimbrel.base.limits import WEBHOOK_TIMEOUT_S
from whimbrel.codec import signatures
from whimbrel.codec.twiml import Redirect
from whimbrel.domain import callbacks, retries
from whimbrel.domain.model import Message
from whimbrel.journey.deliver import Job
from whimbrel.net.http import Failure, HeaderLines, Headers, HttpClient, Response
from whimbrel.store.interface import Try, Wait

_ANSWER_KEPT = 200  # characters of an answer that are kept for people to look at


TWILIO_INBOUND: Final = "twilio_inbound"
EVENT_INBOUND: Final = "event_inbound"
"""Formats of texts from phones, whose answers may hold replies."""


class Target(msgspec.Struct, frozen=True, gc=False):
    """Where an event goes and how it is written: `format` is event, twilio, event_inbound or twilio_inbound."""

    url: str
    format: str
    account_id: str
    webhook_id: str | None = None
    secrets: tuple[str, ...] = ()  # event: whsec_…, the newest first
    auth_token: str = ""  # twilio: signs the form
    method: str = "POST"
    fallback_url: str | None = None  # inbound: asked where `url` gives no answer that can be used
    fallback_method: str = "POST"
    more: tuple[tuple[str, str], ...] = ()  # twilio_inbound: parameters beside those of the text

    def redirected(self, redirect: Redirect) -> "Target":
        """The same target at the place that a TwiML Redirect names."""
        return msgspec.structs.replace(self, url=urljoin(self.url, redirect.url), method=redirect.method, more=())

    def falling_back(self, twilio_error: int) -> "Target":
        """The fallback URL, which is told where and how it went wrong. It has none itself."""
        assert self.fallback_url is not None
        more = (*self.more, ("ErrorCode", str(twilio_error)), ("ErrorUrl", self.url))
        method = self.fallback_method
        return msgspec.structs.replace(self, url=self.fallback_url, method=method, fallback_url=None, more=more)

    @property
    def is_inbound(self) -> bool:
        """Whether its answer may hold replies."""
        return self.format in (EVENT_INBOUND, TWILIO_INBOUND)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What one try came to."""

    job: Job
    attempt: Try
    wait: Wait | None  # the row that waits for another try, or is dead (next_at None)
    done: str | None  # id of the waiting row that was delivered
    following: retries.Next | None  # what the retry rule says after a failure
    body: bytes = b""  # start of the answer: a TwiML door reads it
    content_type: str = ""

    @property
    def rest_s(self) -> float:
        """How long the other side asked to be left alone; 0: not at all."""
        if self.following is None or self.following.rest_until is None:
            return 0.0
        return (self.following.rest_until - self.attempt.at) / 1_000_000


class Sent(msgspec.Struct, frozen=True, gc=False):
    """A try on its way."""

    job: Job
    target: Target
    at: int  # microseconds UTC


class Poster:
    """Posts and judges. Holds no state of its own."""

    def __init__(self, *, client: HttpClient, clock: Clock, chance: Chance, ids: Ids) -> None:
        self._client = client
        self._clock = clock
        self._chance = chance
        self._ids = ids

    def begin(self, job: Job, target: Target, told: Callable[[Sent, Response | Failure], None]) -> None:
        """One try by POST, as `post` makes it; what came of it is `told`, never before this returns, and is then to be
        judged. `told` must not raise."""
        now = self._clock.now_us()
        body, headers = _written(job, target, now)
        done = partial(told, Sent(job, target, now))
        self._client.begin(target.url, body, headers, timeout_s=WEBHOOK_TIMEOUT_S, done=done)

    async def post(self, job: Job, target: Target) -> Outcome:
        """One try, bounded in time and octets; never raises for trouble of the network or the other side."""
        now = self._clock.now_us()
        if target.method == "GET":
            url, headers = _asked(job, target)
            answer = await self._client.get(url, headers, timeout_s=WEBHOOK_TIMEOUT_S)
        else:
            body, headers = _written(job, target, now)
            answer = await self._client.post(target.url, body, headers, timeout_s=WEBHOOK_TIMEOUT_S)
        return self.judge(Sent(job, target, now), answer)

    def judge(self, sent: Sent, answer: Response | Failure) -> Outcome:
        """What the answer to a try means for its event."""
        if isinstance(answer, Failure):
            return self._failed(sent, _attempt(sent, answer.latency_ms, status=None, error=answer.reason), None)
        status = answer.status
        if 200 <= status < 300:
            attempt = _attempt(sent, answer.latency_ms, status=status)
            return Outcome(sent.job, attempt, None, attempt.delivery_id, None, answer.body, answer.content_type)
        said = answer.body[:_ANSWER_KEPT].decode("utf-8", "replace")
        attempt = _attempt(sent, answer.latency_ms, status=status, error=f"HTTP {status}", answer=said)
        return self._failed(sent, attempt, answer)

    def _failed(self, sent: Sent, attempt: Try, answer: Response | None) -> Outcome:
        job, error = sent.job, attempt.error or ""
        retry_after_s = None if answer is None else answer.retry_after_s
        draw = self._chance.uniform(0.0, 1.0)
        following = retries.after(job.number, attempt.status, retry_after_s, draw, attempt.at)
        wait = self.waiting(job, sent.target, tries=job.number, next_at=following.at, now=sent.at, error=error)
        if answer is None:
            return Outcome(job, attempt, wait, None, following)
        return Outcome(job, attempt, wait, None, following, answer.body, answer.content_type)

    def waiting(self, job: Job, target: Target, *, tries: int, next_at: int | None, now: int, error: str = "") -> Wait:
        """The row of an event that waits for a try at this target."""
        event = job.item.event
        return Wait(
            id=job.wait.id if job.wait else self._ids.new(ids.DELIVERY),
            webhook_id=target.webhook_id,
            account_id=event.account_id,
            event_position=event.position,
            event_id=job.item.id(),
            event_type=event.type,
            url=target.url,
            format=target.format,
            tries=tries,
            next_at=next_at,
            created_at=job.wait.created_at if job.wait else now,
            last_error=error,
        )


def _attempt(sent: Sent, latency_ms: int, *, status: int | None, error: str | None = None, answer: str = "") -> Try:
    job, target = sent.job, sent.target
    event = job.item.event
    return Try(
        delivery_id=None if job.wait is None else job.wait.id,
        webhook_id=target.webhook_id,
        account_id=event.account_id,
        event_position=event.position,
        event_id=job.item.id(),
        event_type=event.type,
        number=job.number,
        at=sent.at,
        latency_ms=latency_ms,
        status=status,
        error=error,
        answer=answer,
        ok=error is None,
    )


def _written(job: Job, target: Target, now: int) -> tuple[bytes, Headers]:
    item = job.item
    if target.format in ("event", EVENT_INBOUND):
        event, body, seconds = item.id(), item.body(), now // 1_000_000
        signature = signatures.standard_webhook(target.secrets, event, seconds, body)
        return body, HeaderLines(
            f"content-type: application/json\r\nwebhook-id: {event}\r\n"
            f"webhook-timestamp: {seconds}\r\nwebhook-signature: {signature}\r\n"
        )
    assert item.message is not None
    params = _form(target, item.message, item.event.type)
    return urlencode(params).encode(), {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": signatures.twilio(target.auth_token, target.url, params),
        "i-twilio-idempotency-token": item.id(),
    }


def _asked(job: Job, target: Target) -> tuple[str, Headers]:
    """A GET carries its parameters, and is signed with them, in the query."""
    assert job.item.message is not None
    query = urlencode(_form(target, job.item.message, job.item.event.type))
    parts = urlsplit(target.url)
    url = urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
    signature = signatures.twilio(target.auth_token, url)
    return url, {"x-twilio-signature": signature, "i-twilio-idempotency-token": job.item.id()}


def _form(target: Target, message: Message, event_type: str) -> Sequence[tuple[str, str]]:
    if target.format == TWILIO_INBOUND:
        return [*callbacks.twilio_inbound(message), *target.more]
    return callbacks.twilio_status_callback(message, event_type)
