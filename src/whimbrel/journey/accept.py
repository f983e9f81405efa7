"""Accept: from a door's drafts to stored messages, in one commit.

Each list is screened, routed and priced on the snapshots of that moment (`plan`), then stored with its ledger holds,
first events, queue rows and idempotency keys (`record`). Nothing is acknowledged before that commit is durable; an
answer other than success means that nothing was stored. `explain` runs the same `plan` and stores nothing.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from whimbrel.base import faults, ids
from whimbrel.base.clock import Clock
from whimbrel.base.errors import CATALOGUE, FieldError, WhimbrelError
from whimbrel.base.ids import Ids
from whimbrel.base.limits import COMMIT_CHUNK
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.domain.model import PLAIN, PRIORITY, Draft, Message
from whimbrel.domain.pacing import FairRank
from whimbrel.domain.states import QUEUED, SCHEDULED
from whimbrel.journey.encode import encode
from whimbrel.journey.explain import Explanation, explanation, with_balance
from whimbrel.journey.gather import Gatherer
from whimbrel.journey.plan import Plan, flags_of
from whimbrel.journey.price import price
from whimbrel.journey.route import route
from whimbrel.journey.screen import screen
from whimbrel.journey.straight import LaneOf, Passage
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Claim, Idempotency, Kept, Store, Stored, Submission, Verdict, Write

_PLAIN_JSON = "{}"
_NOT_STORED = Verdict(code="overloaded", detail=CATALOGUE["overloaded"].title)
_log = logging.getLogger("whimbrel.accept")


class IdempotencyKey(msgspec.Struct, frozen=True, gc=False):
    """A request's key and the fingerprint of its canonical body. Scope: account, door, key."""

    account_id: str
    door: str
    key: str
    fingerprint: bytes


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A verdict for each draft, in order; `replayed` when they were stored by an earlier request with the same key."""

    verdicts: list[Verdict]
    replayed: bool = False


class _Request(msgspec.Struct, gc=False):
    """Drafts that are stored together: one request, or one chunk of a large one."""

    drafts: Sequence[Draft]
    key: IdempotencyKey | None
    also: tuple[Write, ...]
    chunk: int = 0
    chunks: int = 1


_Prepared: TypeAlias = tuple[Submission, list[Verdict]]
_Answer: TypeAlias = list[Verdict] | None
"""What became of a request: verdicts; None when another one has its key."""


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
    ) -> None:
        self._store = store
        self._tables = tables
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._fair = fair
        self._metrics = metrics
        self._step = metrics.step.labels("accept")
        self._lane_of = lane_of
        self._gatherer: Gatherer[_Request, _Answer] = Gatherer(self._store_list, limit=256)
        self._sender_hashes: dict[str, int] = {}
        self._under_way: set[tuple[str, str, str]] = set()

    async def submit(
        self, drafts: Sequence[Draft], *, key: IdempotencyKey | None = None, also: Sequence[Write] = ()
    ) -> Accepted:
        """Accept drafts of one request; more than a chunk's worth commits in chunks. When a later chunk cannot be
        stored, its messages are refused one by one (`overloaded`): what is stored is never answered with an error.

        Raises WhimbrelError: account_suspended, idempotency_key_reused, idempotency_in_progress.
        """
        self._check_accounts(drafts)
        if key is None:
            return Accepted(await self._submit_chunks(drafts, None, tuple(also), done=[]))
        scope = (key.account_id, key.door, key.key)
        if scope in self._under_way:
            raise WhimbrelError("idempotency_in_progress", retry_after_s=1)
        self._under_way.add(scope)
        try:
            return await self._submit_keyed(drafts, key, tuple(also))
        finally:
            self._under_way.discard(scope)

    def submit_one(self, draft: Draft) -> "asyncio.Future[list[Verdict] | None]":
        """`submit` for one draft without a key, and without a coroutine: the future brings a list of its verdict, or
        raises. WhimbrelError account_suspended is raised at once."""
        self._check_account(draft.account_id)
        return self._gatherer.put(_Request((draft,), None, ()))

    def submit_each(self, drafts: Sequence[Draft]) -> "asyncio.Future[list[list[Verdict] | None]]":
        """`submit_one` for drafts of one account: their results in order, each of which may be an exception."""
        self._check_account(drafts[0].account_id)
        return self._gatherer.add([_Request((draft,), None, ()) for draft in drafts])

    async def explain(self, draft: Draft) -> Explanation:
        """What accept would do with this draft now, with the evidence of every step; stores nothing."""
        self._check_account(draft.account_id)
        plan = self._plan([draft])[0]
        return await with_balance(explanation(plan, self._tables), draft.account_id, self._store)

    def _check_accounts(self, drafts: Sequence[Draft]) -> None:
        for account_id in {draft.account_id for draft in drafts}:
            self._check_account(account_id)

    def _check_account(self, account_id: str) -> None:
        account = self._tables.accounts.get(account_id)
        if account is None or account.status != "active":
            raise WhimbrelError("account_suspended")

    async def _submit_keyed(self, drafts: Sequence[Draft], key: IdempotencyKey, also: tuple[Write, ...]) -> Accepted:
        kept = await self._store.kept(key.account_id, key.door, key.key)
        done = _replay(kept, key)
        if kept and len(kept) == kept[0].chunks:
            return Accepted(done, replayed=True)
        # a crash in the middle of a large batch leaves chunks missing: the same request again completes it
        verdicts = await self._submit_chunks(drafts, key, also, done=done)
        return Accepted(verdicts, replayed=bool(kept))

    async def _submit_chunks(
        self, drafts: Sequence[Draft], key: IdempotencyKey | None, also: tuple[Write, ...], *, done: list[Verdict]
    ) -> list[Verdict]:
        if len(drafts) <= COMMIT_CHUNK and not done:
            return await self._submit_chunk(_Request(drafts, key, also))
        chunks = -(-len(drafts) // COMMIT_CHUNK)
        verdicts = list(done)
        for start in range(len(done), len(drafts), COMMIT_CHUNK):
            part = drafts[start : start + COMMIT_CHUNK]
            further = () if start else also  # once, with the first messages
            request = _Request(part, key, further, chunk=start // COMMIT_CHUNK, chunks=chunks)
            try:
                verdicts += await self._submit_chunk(request)
            except Exception:
                if not verdicts:
                    raise
                _log.exception("the rest of a batch could not be stored", extra={"stored": len(verdicts)})
                return verdicts + [_NOT_STORED] * (len(drafts) - len(verdicts))
        return verdicts

    async def _submit_chunk(self, request: _Request) -> list[Verdict]:
        verdicts = await self._gatherer.put(request)
        if verdicts is not None:
            return verdicts
        # another node took the key between our look and our commit: its verdicts are the answer
        assert request.key is not None
        kept = await self._store.kept(request.key.account_id, request.key.door, request.key.key)
        verdicts = _replay([chunk for chunk in kept if chunk.chunk == request.chunk], request.key)
        if len(verdicts) != len(request.drafts):
            raise WhimbrelError("idempotency_in_progress", retry_after_s=1)
        return verdicts

    async def _store_list(self, requests: list[_Request]) -> list[_Answer | Exception]:
        with self._step.time():
            return await self._stored(requests)

    async def _stored(self, requests: list[_Request]) -> list[_Answer | Exception]:
        passage = Passage(self._lane_of, self._vault)
        prepared = self._prepared(requests, passage)
        passage.reserve()
        answers: list[_Answer | Exception] = [item if isinstance(item, Exception) else item[1] for item in prepared]
        storing = [
            (place, *item)
            for place, item in enumerate(prepared)
            if not isinstance(item, Exception) and (item[0].messages or item[0].idempotency)
        ]
        faults.hit("accept.before_commit")
        try:
            stored = await self._store.accept([submission for _, submission, _ in storing]) if storing else []
        except BaseException:
            passage.failed()
            raise
        faults.hit("accept.after_commit")
        attempts: dict[str, tuple[int, ...]] = {}
        for (place, _, verdicts), outcome in zip(storing, stored, strict=True):
            answers[place] = _after(verdicts, outcome)
            attempts.update(outcome.attempts)
        passage.through(attempts)
        self._count([submission for place, submission, _ in storing if answers[place] is not None])
        return answers

    def _prepared(self, requests: Sequence[_Request], passage: Passage) -> list[_Prepared | Exception]:
        """What is to be stored of each request, and its verdicts. One that cannot be worked on fails alone."""
        try:
            return self._prepare(requests, passage)
        except Exception as error:
            if len(requests) > 1:
                return [item for request in requests for item in self._prepared([request], passage)]
            return [error]

    def _prepare(self, requests: Sequence[_Request], passage: Passage) -> list[_Prepared | Exception]:
        plans = self._plan([draft for request in requests for draft in request.drafts])
        prepared: list[_Prepared | Exception] = []
        start = 0
        for request in requests:
            end = start + len(request.drafts)
            prepared.append(self._submission(request, plans[start:end], passage))
            start = end
        return prepared

    def _plan(self, drafts: Sequence[Draft]) -> list[Plan]:
        now = self._clock.now_us()
        tables = self._tables
        plans = [Plan(draft, now) for draft in drafts]
        screen(plans, senders=tables.senders, opt_outs=tables.opt_outs, vault=self._vault)
        route(plans, tables.router)
        encode(plans, tables.text_rules)
        price(plans, tables.prices, tables.accounts)
        return plans

    def _submission(
        self, request: _Request, plans: Sequence[Plan], passage: Passage
    ) -> tuple[Submission, list[Verdict]]:
        messages: list[Message] = []
        claims: list[Claim] = []
        verdicts: list[Verdict] = []
        for plan in plans:
            if plan.refusal is not None:
                verdicts.append(Verdict(code=plan.refusal, detail=plan.detail, pointer=plan.pointer))
                self._metrics.refused.labels(plan.refusal).inc()
                continue
            message = self._message(plan)
            messages.append(message)
            verdicts.append(_verdict(message, plan))
            claim = passage.claim(message)
            if claim is not None:
                claims.append(claim)
        key = request.key
        idempotency = None
        if key is not None and (messages or request.chunks > 1):  # a lone refusal is not remembered
            idempotency = Idempotency(
                account_id=key.account_id,
                door=key.door,
                key=key.key,
                fingerprint=key.fingerprint,
                chunk=request.chunk,
                chunks=request.chunks,
                created_at=plans[0].now,
                verdicts=tuple(verdicts),
            )
        return Submission(tuple(messages), idempotency, request.also, tuple(claims)), verdicts

    def _message(self, plan: Plan) -> Message:
        draft, number = plan.draft, plan.number
        assert number is not None
        scheduled = plan.due_at > plan.now
        priority = PRIORITY[draft.message_class]
        options = draft.options
        if plan.replaced:
            options = msgspec.structs.replace(options, replaced=plan.replaced)
        return Message(
            draft.id or self._ids.new(ids.MESSAGE),
            draft.account_id,
            draft.test,
            "out",  # direction
            draft.door,
            draft.message_class,
            SCHEDULED if scheduled else QUEUED,  # state
            number.e164,  # recipient
            plan.sender_value,  # sender
            plan.text,
            plan.encoding,
            plan.segments,
            plan.price_micros,
            0 if draft.test else plan.price_micros,  # held_micros
            0,  # charged_micros
            plan.currency or self._tables.accounts[draft.account_id].currency,
            None,  # carrier_id
            plan.route_id,
            " ".join(plan.carriers),  # candidates
            priority,
            0 if scheduled else self._fair.rank(plan.carriers[0], priority, draft.account_id, plan.segments),  # rank
            plan.now,  # created_at
            plan.due_at,
            plan.expires_at,
            plan.now,  # updated_at
            None,  # sent_at
            None,  # final_at
            None,  # reason
            flags_of(plan, options),
            1,  # seq
            plan.recipient_hash,
            self._sender_hash(plan.sender_value),
            _PLAIN_JSON if options is PLAIN else msgspec.json.encode(options).decode(),  # options
        )

    def _sender_hash(self, sender: str) -> int:
        """Senders are few and come again and again."""
        known = self._sender_hashes.get(sender)
        if known is None:
            known = self._sender_hashes[sender] = self._vault.number_hash(sender)
        return known

    def _count(self, submissions: Sequence[Submission]) -> None:
        for door, count in _count_doors(submissions).items():
            self._metrics.accepted.labels(door).inc(count)


def _count_doors(submissions: Sequence[Submission]) -> dict[str, int]:
    doors: dict[str, int] = {}
    for submission in submissions:
        if submission.messages:
            door = submission.messages[0].door
            doors[door] = doors.get(door, 0) + len(submission.messages)
    return doors


def _verdict(message: Message, plan: Plan) -> Verdict:
    return Verdict(
        message.id,
        None,  # code
        "",  # detail
        "",  # pointer
        message.state,
        message.route_id,
        message.sender,
        message.encoding,
        message.segments,
        message.price_micros,
        message.currency,
        message.created_at,
        message.due_at,
        message.expires_at,
        plan.replaced,
    )


def _after(verdicts: list[Verdict], outcome: Stored) -> list[Verdict] | None:
    """The verdicts as the commit left them: None when the key was taken by another request."""
    if outcome.key_taken:
        return None
    if not outcome.uncovered:
        return verdicts
    uncovered = frozenset(outcome.uncovered)
    refused = Verdict(code="insufficient_balance")
    return [refused if verdict.id in uncovered else verdict for verdict in verdicts]


def _replay(kept: Sequence[Kept], key: IdempotencyKey) -> list[Verdict]:
    """Verdicts of the leading chunks that are stored; WhimbrelError idempotency_key_reused for another body."""
    verdicts: list[Verdict] = []
    for expected, chunk in enumerate(sorted(kept, key=lambda chunk: chunk.chunk), start=kept[0].chunk if kept else 0):
        if chunk.fingerprint != key.fingerprint:
            raise WhimbrelError("idempotency_key_reused")
        if chunk.chunk != expected:
            break
        verdicts += msgspec.json.decode(chunk.verdicts, type=list[Verdict])
    return verdicts


def refusal(verdict: Verdict) -> WhimbrelError:
    """A single message's refusal as an error with a pointer, for doors that take one message at a time."""
    assert verdict.code is not None
    field = (FieldError(verdict.pointer, verdict.detail, verdict.code),) if verdict.pointer else ()
    return WhimbrelError(verdict.code, verdict.detail, errors=field)
