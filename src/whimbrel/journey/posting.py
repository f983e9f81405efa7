"""Posting: one try of one event at one URL, in the format of its door, and what its outcome means for the event: done,
to be tried again, dead. Pure where it can be; the retry rule is `domain/retries.py`.
"""

from collections.abc import Sequence
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import Chance, Clock
from whimbrel.base.ids import Ids, event_id
from whimbrel.base.limits import WEBHOOK_TIMEOUT_S
from whimbrel.codec import signatures
from whimbrel.codec.twiml import Redirect
from whimbrel.domain import callbacks, retries
from whimbrel.domain.model import Message
from whimbrel.journey.deliver import Job
from whimbrel.net.http import Failure, HttpClient, Response
from whimbrel.store.interface import Try, Wait

_ANSWER_KEPT = 200  # characters of an answer that are kept for people to look at


class Target(msgspec.Struct, frozen=True, gc=False):
    """Where an event goes and how it is written: `format` is event, twilio or twilio_inbound."""

    url: str
    format: str
    account_id: str
    webhook_id: str | None = None
    secrets: tuple[str, ...] = ()  # event: whsec_…, the newest first
    auth_token: str = ""  # twilio: signs the form
    method: str = "POST"
    fallback_url: str | None = None  # twilio_inbound: asked where `url` gives no answer that can be used
    more: tuple[tuple[str, str], ...] = ()  # twilio_inbound: parameters beside those of the text

    def redirected(self, redirect: Redirect) -> "Target":
        """The same target at the place that a TwiML Redirect names."""
        return msgspec.structs.replace(self, url=urljoin(self.url, redirect.url), method=redirect.method, more=())

    def falling_back(self, twilio_error: int) -> "Target":
        """The fallback URL, which is told where and how it went wrong. It has none itself."""
        assert self.fallback_url is not None
        more = (("ErrorCode", str(twilio_error)), ("ErrorUrl", self.url))
        return msgspec.structs.replace(self, url=self.fallback_url, method="POST", fallback_url=None, more=more)


class Outcome(msgspec.Struct, frozen=True):
    """What one try came to."""

    job: Job
    attempt: Try
    wait: Wait | None  # the row that waits for another try, or is dead (next_at None)
    done: str | None  # id of the waiting row that was delivered
    following: retries.Next | None  # what the retry rule says after a failure
    body: bytes  # start of the answer: a TwiML door reads it
    content_type: str

    @property
    def rest_s(self) -> float:
        """How long the other side asked to be left alone; 0: not at all."""
        if self.following is None or self.following.rest_until is None:
            return 0.0
        return (self.following.rest_until - self.attempt.at) / 1_000_000


class Poster:
    """Posts and judges. Holds no state of its own."""

    def __init__(self, *, client: HttpClient, clock: Clock, chance: Chance, ids: Ids) -> None:
        self._client = client
        self._clock = clock
        self._chance = chance
        self._ids = ids

    async def post(self, job: Job, target: Target) -> Outcome:
        """One try, bounded in time and octets; never raises for trouble of the network or the other side."""
        now = self._clock.now_us()
        event = event_id(job.item.event.subject_id, job.item.event.seq)
        if target.method == "GET":
            url, headers = _asked(job, target, event)
            answer = await self._client.get(url, headers, timeout_s=WEBHOOK_TIMEOUT_S)
        else:
            body, headers = _written(job, target, event, now)
            answer = await self._client.post(target.url, body, headers, timeout_s=WEBHOOK_TIMEOUT_S)
        return self._judge(job, target, answer, now)

    def _judge(self, job: Job, target: Target, answer: Response | Failure, now: int) -> Outcome:
        event = job.item.event
        ok = isinstance(answer, Response) and 200 <= answer.status < 300
        status = answer.status if isinstance(answer, Response) else None
        body = answer.body if isinstance(answer, Response) else b""
        reason = None if ok else answer.reason if isinstance(answer, Failure) else f"HTTP {status}"
        content_type = answer.content_type if isinstance(answer, Response) else ""
        attempt = Try(
            delivery_id=job.wait.id if job.wait else None,
            webhook_id=target.webhook_id,
            account_id=event.account_id,
            event_position=event.position,
            event_id=event_id(event.subject_id, event.seq),
            event_type=event.type,
            number=job.number,
            at=now,
            latency_ms=answer.latency_ms,
            status=status,
            error=reason,
            answer="" if ok else body[:_ANSWER_KEPT].decode("utf-8", "replace"),
            ok=ok,
        )
        if ok:
            return Outcome(job, attempt, None, job.wait.id if job.wait else None, None, body, content_type)
        retry_after_s = answer.retry_after_s if isinstance(answer, Response) else None
        following = retries.after(job.number, status, retry_after_s, self._chance.uniform(0.0, 1.0), now)
        wait = self.waiting(job, target, tries=job.number, next_at=following.at, now=now, error=reason or "")
        return Outcome(job, attempt, wait, None, following, body, content_type)

    def waiting(self, job: Job, target: Target, *, tries: int, next_at: int | None, now: int, error: str = "") -> Wait:
        """The row of an event that waits for a try at this target."""
        event = job.item.event
        return Wait(
            id=job.wait.id if job.wait else self._ids.new(ids.DELIVERY),
            webhook_id=target.webhook_id,
            account_id=event.account_id,
            event_position=event.position,
            event_id=event_id(event.subject_id, event.seq),
            event_type=event.type,
            url=target.url,
            format=target.format,
            tries=tries,
            next_at=next_at,
            created_at=job.wait.created_at if job.wait else now,
            last_error=error,
        )


def _written(job: Job, target: Target, event: str, now: int) -> tuple[bytes, dict[str, str]]:
    item = job.item
    if target.format == "event":
        body = item.body()
        seconds = now // 1_000_000
        return body, {
            "content-type": "application/json",
            "webhook-id": event,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signatures.standard_webhook(target.secrets, event, seconds, body),
        }
    assert item.message is not None
    params = _form(target, item.message, item.event.type)
    return urlencode(params).encode(), {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": signatures.twilio(target.auth_token, target.url, params),
        "i-twilio-idempotency-token": event,
    }


def _asked(job: Job, target: Target, event: str) -> tuple[str, dict[str, str]]:
    """A GET carries its parameters, and is signed with them, in the query."""
    assert job.item.message is not None
    query = urlencode(_form(target, job.item.message, job.item.event.type))
    parts = urlsplit(target.url)
    url = urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
    return url, {"x-twilio-signature": signatures.twilio(target.auth_token, url), "i-twilio-idempotency-token": event}


def _form(target: Target, message: Message, event_type: str) -> Sequence[tuple[str, str]]:
    if target.format == "twilio_inbound":
        return [*callbacks.twilio_inbound(message), *target.more]
    return callbacks.twilio_status_callback(message, event_type)
