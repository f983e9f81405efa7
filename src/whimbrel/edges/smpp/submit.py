"""submit_sm, data_sm and submit_multi: from what one read brought to one list for accept, and back to the answers.

All plain submits of a read go to accept together and are answered together when their commit is durable: no task and no
query for each. What is over a limit is answered at once and costs nothing more. A request that cannot be stored is
refused, never left without an answer, and an answer other than success means that nothing of it was stored.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from whimbrel.base import faults
from whimbrel.base.clock import Clock
from whimbrel.base.ids import MESSAGE, Ids
from whimbrel.base.metrics import Metrics, Tally
from whimbrel.codec.smpp.bodies import (
    DistributionList,
    MessageId,
    ShortMessage,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessfulSme,
)
from whimbrel.codec.smpp.fields import Tlvs
from whimbrel.codec.smpp.pdu import Pdu, make_tlv
from whimbrel.codec.smpp.statuses import Status, status_name
from whimbrel.codec.smpp.tables import COMMANDS, SUBMIT_MULTI, Tag
from whimbrel.codec.smpp.versions import CONGESTION_MAX
from whimbrel.domain import numbers
from whimbrel.domain.customers import shown_id
from whimbrel.domain.model import Draft
from whimbrel.edges.smpp import drafts
from whimbrel.edges.smpp.customers import Customer
from whimbrel.edges.smpp.statuses import NO_ANSWER, refusal_of, status_of
from whimbrel.journey.accept import Accept, Accepted
from whimbrel.journey.record import IdempotencyKey
from whimbrel.net.smpp import SmppLink
from whimbrel.store.interface import Verdict

_log = logging.getLogger("whimbrel.smpp")
_ANY: Final = 1
_VERSION_5_0: Final = 0x50
_Outcome = list[Verdict] | Exception | None
"""What became of one request: verdicts of its messages, or why there are none."""


class Requester(Protocol):
    """A session as far as its requests are concerned. `under_way` counts those that wait for an answer of ours."""

    customer: Customer
    link: SmppLink
    under_way: int

    def settled(self, count: int) -> None:
        """So many of them are answered."""
        ...

    def still(self) -> None:
        """WhimbrelError unauthorized when who is bound may be so no more."""
        ...


class Answers:
    """Writes answers and counts them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._tallies: dict[tuple[int, int], Tally] = {}

    def count(self, command_id: int, status: int, count: int = 1) -> None:
        """So many requests got this answer."""
        tally = self._tallies.get((command_id, status))
        if tally is None:
            labels = (COMMANDS[command_id].name, status_name(status))
            tally = self._tallies[command_id, status] = self._metrics.tally(self._metrics.smpp_requests.labels(*labels))
        tally.count += count

    def accepted(self, peer: Requester, answers: Sequence[tuple[Pdu, str]]) -> None:
        """Messages that are stored, with their ids as the customer wants them."""
        peer.link.session.respond_ids(answers, _congestion(peer))
        peer.link.wake()
        for request, _ in answers:
            self.count(request.command_id, 0)

    def refused(self, peer: Requester, request: Pdu, status: int, words: str = "") -> None:
        """A request that nothing came of; the words reach peers that take TLVs."""
        if status == NO_ANSWER:
            return
        link = peer.link
        told = words and link.session.sends_tlvs
        body = (SubmitMultiResp() if request.command_id == SUBMIT_MULTI else MessageId()) if told else None
        tlvs = (make_tlv(Tag.ADDITIONAL_STATUS_INFO_TEXT, _short(words)),) if told else ()
        link.respond(request, status, body, tlvs=tlvs)
        self.count(request.command_id, status)

    def refused_all(self, peer: Requester, requests: Sequence[Pdu], status: int) -> None:
        """The same for many, without words."""
        peer.link.session.respond_list(requests, status)
        peer.link.wake()
        for request in requests:
            self.count(request.command_id, status)


class Submits:
    """Takes messages of all sessions."""

    def __init__(self, *, accept: Accept, clock: Clock, ids: Ids, answers: Answers) -> None:
        self._accept = accept
        self._ids = ids
        self._clock = clock
        self._answers = answers
        self._tasks: set[asyncio.Task[Accepted]] = set()

    def take(self, peer: Requester, requests: Sequence[Pdu]) -> bool:
        """What one read brought, in order. False when all of it was over a limit."""
        customer, now_us, ticks = peer.customer, self._clock.now_us(), self._clock.monotonic_us()
        room = customer.settings.window - peer.under_way
        throttled: list[Pdu] = []
        taken: list[Pdu] = []
        made: list[Draft] = []
        for request in requests:
            body = request.body
            count = len(body.destinations) if isinstance(body, SubmitMulti) else _ANY
            if room <= 0 or not customer.take(count, ticks):
                throttled.append(request)
                continue
            room -= 1
            draft = self._made(peer, request, now_us)
            if draft is not None:
                taken.append(request)
                made.append(draft)
        if throttled:
            self._answers.refused_all(peer, throttled, Status.ESME_RTHROTTLED)
        if made:
            self._submit(peer, taken, made)
        return len(throttled) < len(requests)

    def _made(self, peer: Requester, request: Pdu, now_us: int) -> Draft | None:
        """The draft of a request that can go with others; None when it goes its own way or is refused."""
        body, customer = request.body, peer.customer
        try:
            if isinstance(body, SubmitMulti):
                _Multi(self, peer, request, body, now_us).begin()
                return None
            whole = body if isinstance(body, ShortMessage) else drafts.as_submit(body)  # type: ignore[arg-type]
            what = drafts.content(whole, request.tlvs, customer, now_us)
            draft = drafts.draft(what, customer, whole.dest_ton, whole.dest_npi, whole.dest)
            key = None if what.reference is None else drafts.key(what, customer, whole)
        except drafts.Refuse as refusal:
            self._answers.refused(peer, request, refusal.status, refusal.words)
            return None
        if key is None:
            return draft
        self._submit_keyed(peer, [draft], key, partial(self._answer_one, peer, request))
        return None

    def _submit(self, peer: Requester, taken: list[Pdu], made: list[Draft]) -> None:
        try:
            future = self._accept.submit_each(made, peer.still)
        except Exception as error:
            status, words = refusal_of(error)
            for request in taken:
                self._answers.refused(peer, request, status, words)
            return
        peer.under_way += len(taken)
        future.add_done_callback(partial(self._stored, peer, taken))

    def _stored(self, peer: Requester, taken: list[Pdu], future: "asyncio.Future[list[Any]]") -> None:
        faults.hit("smpp.after_commit")
        outcomes = _outcomes(future, len(taken))
        wanted = peer.customer.settings.id_format
        accepted: list[tuple[Pdu, str]] = []
        for request, outcome in zip(taken, outcomes, strict=True):
            message_id = outcome[0].id if isinstance(outcome, list) else None
            if message_id is not None:
                accepted.append((request, shown_id(message_id, wanted)))
            else:
                self._answers.refused(peer, request, *_refusal(outcome))
        self._answers.accepted(peer, accepted)
        peer.settled(len(taken))

    def _answer_one(self, peer: Requester, request: Pdu, outcome: _Outcome) -> None:
        message_id = outcome[0].id if isinstance(outcome, list) else None
        if message_id is None:
            self._answers.refused(peer, request, *_refusal(outcome))
        else:
            self._answers.accepted(peer, [(request, shown_id(message_id, peer.customer.settings.id_format))])

    def _submit_keyed(self, peer: Requester, made: list[Draft], key: IdempotencyKey | None, answer: Any) -> None:
        """One request with a key, or of several messages; `answer` is told its outcome."""

        def done(task: asyncio.Task[Accepted]) -> None:
            self._tasks.discard(task)
            faults.hit("smpp.after_commit")
            error = task.exception()
            if error is not None:
                _told(error)
            answer(error if isinstance(error, Exception) else task.result().verdicts)
            peer.settled(1)

        peer.under_way += 1
        task = asyncio.ensure_future(self._accept.submit(made, key=key, still=peer.still))
        self._tasks.add(task)
        task.add_done_callback(done)


class _Multi:
    """One submit_multi (SMPP 3.4 4.5): a message for each destination, one answer for all."""

    def __init__(self, submits: Submits, peer: Requester, request: Pdu, body: SubmitMulti, now_us: int) -> None:
        self._submits = submits
        self._peer = peer
        self._request = request
        self._body = body
        self._now_us = now_us
        self._unsuccessful: list[UnsuccessfulSme] = []
        self._sent_to: list[SmeAddress] = []
        self._told_id = ""

    def begin(self) -> None:
        """Up to accept. Raises `Refuse`."""
        customer = self._peer.customer
        if not self._body.destinations:
            raise drafts.Refuse(Status.ESME_RINVNUMDESTS, "no destination")
        whole = drafts.as_submit(self._body)
        what = drafts.content(whole, self._request.tlvs, customer, self._now_us)
        made = [draft for each in self._body.destinations if (draft := self._draft(what, each)) is not None]
        if not made:
            self._answer([])
            return
        made = self._named(made)
        self._submits._submit_keyed(self._peer, made, drafts.key(what, customer, self._body), self._answer)

    def _draft(self, what: drafts.Content, to: SmeAddress | DistributionList) -> Draft | None:
        if isinstance(to, DistributionList):
            self._fail(SmeAddress(address=to.name), Status.ESME_RINVDLNAME)
            return None
        try:
            made = drafts.draft(what, self._peer.customer, to.ton, to.npi, to.address)
        except drafts.Refuse as refusal:
            self._fail(to, refusal.status)
            return None
        if numbers.normalise(made.recipient) is None:  # accept would say so too; the first of those left gives its id
            self._fail(to, Status.ESME_RINVDSTADR)
            return None
        self._sent_to.append(to)
        return made

    def _named(self, made: list[Draft]) -> list[Draft]:
        """With their ids. The answer has one for all of them, the first's, and so have their receipts (4.5.2)."""
        named = [msgspec.structs.replace(draft, id=self._submits._ids.new(MESSAGE)) for draft in made]
        self._told_id = named[0].id
        return [named[0], *(_told_by(draft, self._told_id) for draft in named[1:])]

    def _fail(self, to: SmeAddress, status: int) -> None:
        self._unsuccessful.append(UnsuccessfulSme(to.ton, to.npi, to.address, int(status)))

    def _answer(self, outcome: _Outcome) -> None:
        answers, peer, request = self._submits._answers, self._peer, self._request
        if not isinstance(outcome, list):
            answers.refused(peer, request, *_refusal(outcome))
            return
        for to, verdict in zip(self._sent_to, outcome, strict=True):
            if verdict.id is None:
                self._fail(to, status_of(verdict.code or ""))
        if not any(verdict.id for verdict in outcome):
            answers.refused(peer, request, self._unsuccessful[0].status, "no destination was accepted")
            return
        # what was sent before under the same reference keeps the id that was told then
        message_id = shown_id(outcome[0].id or self._told_id, peer.customer.settings.id_format)
        peer.link.respond(request, 0, SubmitMultiResp(message_id, tuple(self._unsuccessful)))
        answers.count(request.command_id, 0)


def _congestion(peer: Requester) -> Tlvs:
    """How full its window is, for a peer of 5.0, whose clients pace themselves by it (SMPP 5.0 4.8.4.18)."""
    if (peer.link.session.peer_version or 0) < _VERSION_5_0:
        return ()
    return (make_tlv(Tag.CONGESTION_STATE, min(CONGESTION_MAX, 100 * peer.under_way // peer.customer.settings.window)),)


def _told_by(draft: Draft, told_id: str) -> Draft:
    options = draft.options
    if options.origin is None:
        return draft
    origin = msgspec.structs.replace(options.origin, told_id=told_id)
    return msgspec.structs.replace(draft, options=msgspec.structs.replace(options, origin=origin))


def _outcomes(future: "asyncio.Future[list[Any]]", count: int) -> Sequence[_Outcome]:
    error = future.exception()
    if error is None:
        outcomes = future.result()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                _told(outcome)
        return outcomes
    _told(error)
    return [error if isinstance(error, Exception) else None] * count


def _told(error: BaseException) -> None:
    """One line for what is our own fault."""
    if refusal_of(error)[1] == "internal_error":
        _log.error("messages of a customer could not be stored", exc_info=error)


def _refusal(outcome: _Outcome) -> tuple[int, str]:
    """command_status and words for a request that nothing came of."""
    if isinstance(outcome, list):
        verdict = outcome[0]
        code = verdict.code or "internal_error"
        return status_of(code), f"{code}: {verdict.detail}" if verdict.detail else code
    return refusal_of(outcome) if outcome is not None else (status_of("idempotency_in_progress"), "")


def _short(words: str) -> str:
    """What fits additional_status_info_text (5.3.2.11): 255 characters of Latin-1."""
    return words[:255].encode("latin-1", "replace").decode("latin-1").replace("\0", " ")
