"""Accept: from a door's drafts to stored messages, in one commit.

Each list is screened, routed and priced on the snapshots of that moment (`plan`), then stored with its ledger holds,
first events, queue rows and idempotency keys (`record`). Nothing is acknowledged before that commit is durable; an
answer other than success means that nothing was stored. `explain` runs the same `plan` and stores nothing.

Where other processes write too, the commit first compares the version of the snapshots. When something has changed
since the plan was made (a key was revoked, an account suspended, somebody said STOP), nothing is stored: the snapshots
are brought up to date, and the list is planned anew. Who was let in by other snapshots than those of the plan is looked
at again: they may have been brought up to date while his request waited for its commit.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

import msgspec

from whimbrel.base import faults
from whimbrel.base.clock import Clock
from whimbrel.base.errors import CATALOGUE, FieldError, Unanswerable, WhimbrelError
from whimbrel.base.ids import Ids
from whimbrel.base.limits import COMMIT_CHUNK
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.domain.active import check_active
from whimbrel.domain.model import Draft
from whimbrel.domain.pacing import FairRank
from whimbrel.domain.sender_fitness import WARNED, warnings_of
from whimbrel.journey import mms, pools
from whimbrel.journey.encode import encode
from whimbrel.journey.explain import Explanation, explanation, with_balance
from whimbrel.journey.explain_consent import consent_step
from whimbrel.journey.fill import fill, point, register, wanted
from whimbrel.journey.fit import fit
from whimbrel.journey.gather import Gatherer
from whimbrel.journey.permit import permit
from whimbrel.journey.plan import Plan
from whimbrel.journey.pools import Sticky
from whimbrel.journey.price import price
from whimbrel.journey.record import IdempotencyKey, Record, Request, replay
from whimbrel.journey.recovery import Unsent
from whimbrel.journey.restraint import Restraint
from whimbrel.journey.retell import told_again
from whimbrel.journey.route import route
from whimbrel.journey.screen import screen
from whimbrel.journey.shorten import Shorten
from whimbrel.journey.straight import LaneOf, Passage
from whimbrel.journey.tables import Tables
from whimbrel.journey.templates import Templates
from whimbrel.store.errors import CommitUnknown
from whimbrel.store.interface import Basis, Store, Stored, Submission, Verdict, Write

_PLANS_MAX: Final = 50  # of one list, while what it is planned with changes every few milliseconds
_NO_TEMPLATES: Final[Templates] = {}
_NOT_STORED = Verdict(code="overloaded", detail=CATALOGUE["overloaded"].title)
_LINKS, _MEDIA = attrgetter("links"), attrgetter("options.media")
_log = logging.getLogger("whimbrel.accept")


class Superseded(Exception):
    """What the caller decided on has changed: nothing was stored, and he decides again."""


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A verdict for each draft, in order; `replayed` when they were stored by an earlier request with the same key."""

    verdicts: list[Verdict]
    replayed: bool = False


_Prepared: TypeAlias = tuple[Submission, list[Verdict]]
_Answer: TypeAlias = list[Verdict] | None
"""What became of a request: verdicts; None when another one has its key."""
Still: TypeAlias = Callable[[], object]
"""Raises what the door answers when who asks may do so no more."""


class Accept:
    """The one way in for every door."""

    def __init__(
        self,
        *,
        store: Store,
        tables: Tables,
        clock: Clock,
        ids: Ids,
        vault: Vault,
        fair: FairRank,
        metrics: Metrics,
        lane_of: LaneOf,
        shorten: Shorten,
    ) -> None:
        self._store = store
        self._tables = tables
        self._clock = clock
        self._vault = vault
        self._metrics = metrics
        self._record = Record(tables=tables, ids=ids, vault=vault, fair=fair, metrics=metrics, shorten=shorten)
        self._shorten = shorten
        self._step = metrics.step.labels("accept")
        self._lane_of = lane_of
        self._unsent = Unsent(store, clock)
        self._gatherer: Gatherer[Request, _Answer] = Gatherer(self._store_list, limit=256)
        self._restraint = Restraint(store, tables, vault)
        self._under_way: set[tuple[str, str, str]] = set()

    async def submit(
        self,
        drafts: Sequence[Draft],
        *,
        key: IdempotencyKey | None = None,
        also: Sequence[Write] = (),
        still: Still | None = None,
        only: Sequence[Write] = (),
    ) -> Accepted:
        """Accept drafts of one request; more than a chunk's worth commits in chunks. When a later chunk cannot be
        stored, its messages are refused one by one (`overloaded`): what is stored is never answered with an error.

        Raises WhimbrelError: account_suspended, account_moving, idempotency_key_reused, idempotency_in_progress,
        overloaded, and what `still` raises: it is called when the configuration has changed since the request came.
        Superseded when a row of `only` changes nothing: nothing of the first chunk is stored then.
        """
        self._check_accounts(drafts)
        request = Request(drafts, key, tuple(also), still, self._tables.version, only=tuple(only))
        if key is None:
            return Accepted(await self._submit_chunks(request, done=[]))
        scope = (key.account_id, key.door, key.key)
        if scope in self._under_way:
            raise WhimbrelError("idempotency_in_progress", retry_after_s=1)
        self._under_way.add(scope)
        try:
            return await self._submit_keyed(request, key)
        finally:
            self._under_way.discard(scope)

    def submit_one(self, draft: Draft, still: Still | None = None) -> "asyncio.Future[list[Verdict] | None]":
        """`submit` for one draft without a key, and without a coroutine: the future brings a list of its verdict, or
        raises. WhimbrelError account_suspended is raised at once."""
        self._check_account(draft.account_id)
        return self._gatherer.put(Request((draft,), None, (), still, self._tables.version))

    def submit_each(
        self, drafts: Sequence[Draft], still: Still | None = None
    ) -> "asyncio.Future[list[list[Verdict] | None]]":
        """`submit_one` for drafts of one account: their results in order, each of which may be an exception."""
        self._check_account(drafts[0].account_id)
        version = self._tables.version
        return self._gatherer.add([Request((draft,), None, (), still, version) for draft in drafts])

    async def explain(self, draft: Draft) -> Explanation:
        """What accept would do with this draft now, with the evidence of every step; stores nothing."""
        await self._tables.current()
        self._check_account(draft.account_id)
        await self._restraint.prepare([draft], self._clock.now_us())
        sticky = await self._tables.pools.sticky([draft], self._vault)
        plan = self._plan([draft], await self._templates([draft]), sticky)[0]
        told = explanation(plan, self._tables, await consent_step(plan, self._tables, self._store))
        return await with_balance(told, draft.account_id, self._store)

    async def weigh(self, drafts: Sequence[Draft]) -> list[Plan]:
        """The plans that accept would make of drafts now; stores nothing."""
        await self._tables.current()
        self._check_accounts(drafts)
        await self._restraint.prepare(drafts, self._clock.now_us())
        return self._plan(drafts, await self._templates(drafts), await self._tables.pools.sticky(drafts, self._vault))

    def opens(self, plan: Plan, at: int) -> int | None:
        """When a planned message may go that falls due then, by the hours at its recipient's; None: within no year."""
        return self._restraint.opens(plan, at)

    def _check_accounts(self, drafts: Sequence[Draft]) -> None:
        for account_id in {draft.account_id for draft in drafts}:
            self._check_account(account_id)

    def _check_account(self, account_id: str) -> None:
        check_active(self._tables.accounts.get(account_id))

    async def _submit_keyed(self, request: Request, key: IdempotencyKey) -> Accepted:
        await self._tables.current()  # what an earlier request stored is not told to whom it may not be told any more
        self._check(request)
        kept = await self._store.kept(key.account_id, key.door, key.key)
        done = replay(kept, key)
        if kept and len(kept) == kept[0].chunks:
            return Accepted(
                await told_again(self._store, self._tables.templates, request.drafts, done, len(done)), replayed=True
            )
        # a crash in the middle of a large batch leaves chunks missing: the same request again completes it
        verdicts = await self._submit_chunks(request, done=done)
        return Accepted(
            await told_again(self._store, self._tables.templates, request.drafts, verdicts, len(done)),
            replayed=bool(kept),
        )

    async def _submit_chunks(self, request: Request, *, done: list[Verdict]) -> list[Verdict]:
        drafts = request.drafts
        if len(drafts) <= COMMIT_CHUNK and not done:
            return await self._submit_chunk(request)
        chunks = -(-len(drafts) // COMMIT_CHUNK)
        verdicts = list(done)
        for start in range(len(done), len(drafts), COMMIT_CHUNK):
            part = drafts[start : start + COMMIT_CHUNK]
            further = () if start else request.also  # once, with the first messages
            number = start // COMMIT_CHUNK
            first = () if start else request.only
            chunk = Request(part, request.key, further, request.still, request.version, number, chunks, first)
            try:
                verdicts += await self._submit_chunk(chunk)
            except Unanswerable:
                raise  # which of them are stored is told to whoever asks again with the key
            except Exception:
                if not verdicts:
                    raise
                _log.exception("the rest of a batch could not be stored", extra={"stored": len(verdicts)})
                return verdicts + [_NOT_STORED] * (len(drafts) - len(verdicts))
        return verdicts

    async def _submit_chunk(self, request: Request) -> list[Verdict]:
        verdicts = await self._gatherer.put(request)
        if verdicts is not None:
            return verdicts
        # another node took the key between our look and our commit: its verdicts are the answer
        assert request.key is not None
        kept = await self._store.kept(request.key.account_id, request.key.door, request.key.key)
        verdicts = replay([chunk for chunk in kept if chunk.chunk == request.chunk], request.key)
        if len(verdicts) != len(request.drafts):
            raise WhimbrelError("idempotency_in_progress", retry_after_s=1)
        return verdicts

    async def _store_list(self, requests: list[Request]) -> list[_Answer | Exception]:
        with self._step.time():
            return await self._stored(requests)

    async def _stored(self, requests: list[Request]) -> list[_Answer | Exception]:
        for _ in range(_PLANS_MAX):
            version = self._tables.version
            refused = [None if request.version == version else self._objection(request) for request in requests]
            if any(refused):
                return await self._stored_without(requests, refused)
            answers = await self._stored_as_planned(requests)
            if answers is not None:
                return answers
            self._metrics.planned_again.inc()
            await self._tables.current()
        return [WhimbrelError("overloaded", retry_after_s=1) for _ in requests]

    async def _stored_without(
        self, requests: Sequence[Request], refused: Sequence[Exception | None]
    ) -> list[_Answer | Exception]:
        """Those that may still be stored; the others get their refusals."""
        left = [request for request, error in zip(requests, refused, strict=True) if error is None]
        answers = iter(await self._stored(left) if left else ())
        return [next(answers) if error is None else error for error in refused]

    def _objection(self, request: Request) -> Exception | None:
        try:
            self._check(request)
        except Exception as error:
            return error
        return None

    def _check(self, request: Request) -> None:
        if request.still is not None:
            request.still()
        self._check_accounts(request.drafts)

    async def _stored_as_planned(self, requests: Sequence[Request]) -> list[_Answer | Exception] | None:
        """None, and nothing is stored, when what they were planned with has changed meanwhile."""
        basis = self._tables.basis
        templates = await self._templates([draft for request in requests for draft in request.drafts])
        await self._restraint.prepare([draft for each in requests for draft in each.drafts], self._clock.now_us())
        passage = Passage(self._lane_of, self._vault)
        sticky = await self._tables.pools.sticky([each for request in requests for each in request.drafts], self._vault)
        await self._tables.consent.opted_out.heard()
        prepared = self._prepared(requests, passage, templates, sticky)
        passage.reserve()
        answers: list[_Answer | Exception] = [item if isinstance(item, Exception) else item[1] for item in prepared]
        storing = [
            (place, *item)
            for place, item in enumerate(prepared)
            if not isinstance(item, Exception) and (item[0].messages or item[0].idempotency)
        ]
        faults.hit("accept.before_commit")
        try:
            stored = await self._store.accept([each for _, each, _ in storing], basis) if storing else []
        except BaseException as error:
            passage.failed()
            if isinstance(error, CommitUnknown):
                self._unsent.take_back(passage.claimed(), error)
            raise
        if stored[0].stale if stored else await self._has_changed(basis):
            passage.failed()
            return None
        faults.hit("accept.after_commit")
        attempts: dict[str, tuple[int, ...]] = {}
        for (place, _, verdicts), outcome in zip(storing, stored, strict=True):
            answers[place] = _after(verdicts, outcome)
            attempts.update(outcome.attempts)
        passage.through(attempts)
        self._count([submission for place, submission, _ in storing if isinstance(answers[place], list)])
        if templates:
            self._count_templates([answer for answer in answers if isinstance(answer, list)])
        return answers

    async def _has_changed(self, basis: Basis | None) -> bool:
        """Also a refusal is by what holds now: somebody may have opted in again at another node."""
        await self._tables.current()
        return self._tables.basis != basis

    async def _templates(self, drafts: Sequence[Draft]) -> Templates:
        """What those of them are made of that name a template; the store is asked for what is not at hand."""
        named = wanted(drafts)
        return await self._tables.templates.take(named) if named else _NO_TEMPLATES

    def _prepared(
        self, requests: Sequence[Request], passage: Passage, templates: Templates, sticky: Sticky
    ) -> list[_Prepared | Exception]:
        """What is to be stored of each request, and its verdicts. One that cannot be worked on fails alone."""
        try:
            return self._prepare(requests, passage, templates, sticky)
        except Exception as error:
            if len(requests) > 1:
                return [item for each in requests for item in self._prepared([each], passage, templates, sticky)]
            return [error]

    def _prepare(
        self, requests: Sequence[Request], passage: Passage, templates: Templates, sticky: Sticky
    ) -> list[_Prepared | Exception]:
        plans = self._plan([draft for request in requests for draft in request.drafts], templates, sticky)
        prepared: list[_Prepared | Exception] = []
        start = 0
        for request in requests:
            end = start + len(request.drafts)
            prepared.append(self._record.submission(request, plans[start:end], passage))
            start = end
        return prepared

    def _plan(self, drafts: Sequence[Draft], templates: Templates, sticky: Sticky) -> list[Plan]:
        now = self._clock.now_us()
        tables = self._tables
        plans = [Plan(draft, now) for draft in drafts]
        if templates:
            fill(plans, templates)
        if templates or any(map(_LINKS, drafts)):
            self._shorten(plans)
        if tables.pools.books or any(draft.options.pool_id for draft in drafts):
            pools.assign(plans, tables.pools.books)
        screen(plans, senders=tables.senders, vault=self._vault)
        if tables.pools.books:
            pools.choose(plans, sticky, tables.pools.standings, tables.senders)
        if tables.pools.limits:
            pools.turns(plans, tables.pools.limits)
        permit(plans, tables.permissions)
        fit(plans, tables.senders)
        if templates:
            register(plans)
        route(plans, tables.router)
        if any(map(_MEDIA, drafts)):
            mms.choose(plans, tables.takes_media)
        encode(plans, tables.text_rules)
        price(plans, tables.prices, tables.accounts)
        self._restraint.heed(plans)
        if templates:
            point(plans)
        return plans

    def _count(self, submissions: Sequence[Submission]) -> None:
        messages = [message for submission in submissions for message in submission.messages]
        for door, count in Counter(message.door for message in messages).items():
            self._metrics.accepted.labels(door).inc(count)
        for flags, count in Counter(message.flags & WARNED for message in messages).items():
            for code in warnings_of(flags):
                self._metrics.sender_warnings.labels(code).inc(count)

    def _count_templates(self, answers: Sequence[list[Verdict]]) -> None:
        made = (each for verdicts in answers for each in verdicts if each.template is not None)
        for name, count in Counter(each.message_class for each in made).items():
            self._metrics.templated.labels(name).inc(count)


def _after(verdicts: list[Verdict], outcome: Stored) -> _Answer | Exception:
    """The verdicts as the commit left them: None when the key was taken by another request."""
    if outcome.overtaken:
        return Superseded()
    if outcome.key_taken:
        return None
    if not outcome.uncovered:
        return verdicts
    refused = dict.fromkeys(outcome.uncovered, Verdict(code="insufficient_balance"))
    refused |= dict.fromkeys(outcome.lost_media, Verdict(code="media_not_found", pointer="/media"))
    return [refused.get(verdict.id or "", verdict) for verdict in verdicts]


def refusal(verdict: Verdict) -> WhimbrelError:
    """A single message's refusal as an error with a pointer, for doors that take one message at a time."""
    assert verdict.code is not None
    field = (FieldError(verdict.pointer, verdict.detail, verdict.code),) if verdict.pointer else ()
    return WhimbrelError(verdict.code, verdict.detail, errors=field)
