"""A carrier over HTTP: one request for each message, its answers read by the carrier's settings. The queue is that of
all carriers (`outbox`), the requests are made by `http_sender`. What the provider brings comes in by a door of ours
(`edges/providers/`), not over this.

Every part is answered exactly once. What nothing of a request left for goes back to its place in the queue; what is not
answered, or by nothing that says whether the message was taken, is in doubt, and never sent again by itself.

Runs in the event loop's thread.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from whimbrel.base.clock import Chance, Clock
from whimbrel.carriers.http_sender import Ended, HttpSender, why
from whimbrel.carriers.interface import Handlers, Health, Part, Question, Reply, Report
from whimbrel.carriers.outbox import Outbox
from whimbrel.domain.http_answers import Verdict, in_words, read_answer
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.model import Carrier
from whimbrel.domain.refusals import PERMANENT, TEMPORARY
from whimbrel.net.addresses import Reach
from whimbrel.net.http import Failure, HttpClient
from whimbrel.net.smpp import SmppLink
from whimbrel.net.tls import client_context

OPERATORS_REACH: Final = Reach(("0.0.0.0/0", "::/0"), plain_http=True)
"""Of requests to carriers: anywhere, as over SMPP. The operator names the address, and nobody else."""

_log = logging.getLogger("whimbrel.carrier")
_ACCOUNT_REFUSED: Final = "refused_now"
_UNASKABLE: Final = "bad_url"
"""Why a request cannot be made that no waiting mends. Where its host is refused (`address_refused`) nobody can look at
it either, so it counts as down until that changes."""
_UNNAMED_MAX: Final = 100
_NO_ID: Final = "took a text without an id at answer_id: its receipt will find nothing"


def client_of(settings: HttpSettings) -> HttpClient:
    """What makes the requests of a carrier; each has one of its own, which ends with it."""
    if settings.tls_verify and not settings.tls_ca_file and not settings.tls_cert_file:
        return HttpClient(OPERATORS_REACH)
    context = partial(
        client_context,
        verify=settings.tls_verify,
        ca_file=settings.tls_ca_file,
        cert_file=settings.tls_cert_file,
        key_file=settings.tls_key_file,
    )
    return HttpClient(OPERATORS_REACH, tls=context)


class HttpCarrier:
    """See the head of this file. Implements CarrierLink."""

    def __init__(
        self,
        carrier: Carrier,
        password: str,
        handlers: Handlers,
        *,
        client: HttpClient,
        callback: Callable[[], str],
        clock: Clock,
        chance: Chance,
    ) -> None:
        """`client` is its own, and not started; `callback` says where the carrier is to bring its receipts,
        which is known for sure when the first message leaves."""
        self.carrier = carrier
        self.settings = msgspec.json.decode(carrier.settings, type=HttpSettings)
        self._handlers = handlers
        self._client = client
        self._unnamed: set[str] = set()
        self._sender = HttpSender(
            carrier.name,
            self.settings,
            password,
            client=client,
            callback=callback,
            clock=clock,
            chance=chance,
            ended=self._on_ends,
            changed=self._has_room,
        )
        self._outbox = Outbox(
            [self._sender],
            handlers,
            window=self.settings.window,
            throughput_per_s=self.settings.throughput_per_s,
            clock=clock,
        )

    def start(self) -> None:
        """Nothing is opened before the first message."""
        self._client.ready()

    def room(self, priority: int) -> int:
        """Messages of a class that may be committed now: while one request tries, no more than could leave."""
        room = self._outbox.room(priority)
        if room and not self._sender.is_well:
            return min(room, max(0, self._sender.room - len(self._outbox) + self._outbox.set_aside))
        return room

    def submit(self, parts: Sequence[Part]) -> None:
        """Take parts, in order."""
        self._outbox.put(parts)

    def unsent(self) -> frozenset[str]:
        """Ids of messages with parts that have not left, those excepted that were set aside."""
        return self._outbox.unsent()

    def health(self) -> Health:
        """The carrier as an operator wants to see it; its requests count as one bind."""
        told, outbox = self._sender.health(), self._outbox
        return Health(
            state="up" if self._sender.is_well else "connecting",
            binds_up=int(self._sender.is_well),
            binds=1,
            in_flight=told.in_flight,
            waiting=len(outbox),
            set_aside=outbox.set_aside,
            throttled=outbox.throttled,
            window=self.settings.window,
            throughput_per_s=outbox.rate_per_s,
            last_error=told.last_error,
            since=told.since,
            stalled_s=outbox.stalled_s(),
            connections=(told,),
        )

    def adopt(self, link: SmppLink) -> bool:
        """It opens no connections to us."""
        return False

    async def query(self, questions: Sequence[Question]) -> list[Report]:
        """It is not asked: nothing that providers have for it is alike."""
        return []

    async def stop(self, deadline_s: float) -> None:
        """Give back what has not left, wait for the answers under way, then end the requests that are left."""
        self._outbox.finish()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        # looking is enough here: an event would have to be set by every answer of a carrier's life
        while self._sender.in_flight and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self._outbox.close()
        left = await self._sender.stop()
        self._outbox.close()
        if left:
            self._handlers.replies([Reply(part, "in_doubt", self.carrier.name, reason="link_lost") for part in left])

    def _has_room(self) -> None:
        self._outbox.pump()
        self._handlers.room()

    # What comes back.

    def _on_ends(self, ends: Sequence[Ended]) -> None:
        replies: list[Reply] = []
        waiting: list[Part] = []
        for part, end in ends:
            if isinstance(end, Failure):
                replies.append(self._failed(part, end))
                continue
            verdict = read_answer(self.settings, end.status, end.body, end.content_type)
            if verdict.kind == "throttled":
                self._sender.told_to_wait(end.retry_after_s)
            self._answered(part, verdict, replies, waiting)
        if waiting:
            self._outbox.told_to_wait(waiting)
        if replies:
            self._handlers.replies(replies)
        self._outbox.moved()
        if not self._sender.is_up:
            self._outbox.withdraw()
        self._outbox.pump()

    def _failed(self, part: Part, end: Failure) -> Reply:
        name = self.carrier.name
        if end.reason == _UNASKABLE:
            self._sender.complains(why(end))
            return Reply(part, "refused_now", name, reason=TEMPORARY.reason)
        if not end.was_sent:
            self._sender.unreachable(why(end))
            return Reply(part, "withdrawn", name, reason="not_sent")
        self._sender.in_doubt(why(end))
        reason = {"timeout": "response_timeout", "bad_answer": "carrier_error"}.get(end.reason, "link_lost")
        return Reply(part, "in_doubt", name, reason=reason)

    def _answered(self, part: Part, verdict: Verdict, replies: list[Reply], waiting: list[Part]) -> None:
        name = self.carrier.name
        if verdict.kind == "in_doubt":
            self._sender.in_doubt(f"answered {in_words(verdict)}")
            replies.append(Reply(part, "in_doubt", name, status_code=verdict.status, reason=verdict.reason))
            return
        if verdict.is_ours:
            replies.append(self._refused(part, verdict))
            return
        self._sender.went_well()
        if verdict.kind == "accepted":
            is_followed = bool(verdict.carrier_message_id or not self.settings.answer_id)
            self._sender.complains(None if is_followed else _NO_ID)
            self._outbox.taken()
            replies.append(Reply(part, "accepted", name, verdict.carrier_message_id))
            return
        if verdict.kind == _ACCOUNT_REFUSED:
            self._sender.complains(f"answered {in_words(verdict)}")
        elif verdict.word and verdict.reason == PERMANENT.reason:
            self._note(verdict)
        if verdict.kind == "throttled" and not self._outbox.is_stopping:
            waiting.append(part)
            return
        kind = "withdrawn" if verdict.kind == "throttled" else verdict.kind  # we stop: to its place in the queue
        reason = "not_sent" if verdict.kind == "throttled" else verdict.reason
        replies.append(Reply(part, kind, name, status_code=verdict.status, reason=reason))

    def _refused(self, part: Part, verdict: Verdict) -> Reply:
        """For what is ours. Once it is sure that others would hear the same, they and this one wait."""
        waits = self._sender.refused(f"answered {in_words(verdict)}")
        kind, reason = ("withdrawn", "not_sent") if waits else (verdict.kind, verdict.reason)
        return Reply(part, kind, self.carrier.name, status_code=verdict.status, reason=reason)

    def _note(self, verdict: Verdict) -> None:
        """A "no" that no setting names: told once for each word, for the operator to name it."""
        is_named = verdict.word in self.settings.statuses or verdict.word in self._unnamed
        if not is_named and len(self._unnamed) < _UNNAMED_MAX:
            self._unnamed.add(verdict.word)
            told = {"bind": self.carrier.name, "status": verdict.status, "word": verdict.word}
            _log.warning("refused with a word that its settings do not name", extra=told)
