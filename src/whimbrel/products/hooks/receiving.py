"""A call of a hook, from its octets to texts: who made it is proved first, then its events are judged, and what is
to be sent is accepted in one commit with the row that says so. The caller is answered after that commit.

An event of a sender comes more than once, and late, and in any order. What is sent for an event, by a rule, to a
recipient has a name (`taken`): it is the idempotency key of the message, of which a commit takes only one, and
stands in the log, which remembers it for as long as senders repeat themselves.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain import hook_signatures
from whimbrel.domain.active import check_active
from whimbrel.domain.hook_rules import HookEvent, Miss, Text
from whimbrel.domain.hook_signatures import Auth, Signed
from whimbrel.domain.hooks import Hook, HookOutcome
from whimbrel.domain.pacing import Bucket
from whimbrel.journey.accept import Accept, Superseded
from whimbrel.journey.record import IdempotencyKey
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.products.hooks.drafting import draft_of, marketing_without_consent
from whimbrel.products.hooks.judging import Called, Finding, called, judged
from whimbrel.products.hooks.keeping import seal
from whimbrel.products.hooks.rows import (
    DONE,
    Taking,
    bare_row,
    call_row,
    event_of,
    missed,
    moment_of,
    outcome_of,
    refused,
)
from whimbrel.products.hooks.shapes import HookReceipt, outcome_view, settings_of
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

Begin: TypeAlias = Callable[[Hook, Finding, HookOutcome, Write | None], Awaitable[HookOutcome]]
"""Begins the flow that a rule names; gives the outcome. The write, where there is one, has to change a row in the same
commit: nothing is begun otherwise, and it raises Superseded."""

_log = logging.getLogger("whimbrel.hooks")
_DOOR = "hook"
_FINGERPRINT = b"hook"  # the key says everything about what is sent
_BUCKETS_MAX = 10_000
_WOO_PING = b"webhook_id="


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it came. `headers` have lower case names; `urls`: what its caller may have called it by."""

    hook_id: str
    method: str
    urls: tuple[str, ...]
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class _Seen(msgspec.Struct, frozen=True):
    """What was sent for before. Columns of `hook_taken`."""

    taken: str
    message_id: str | None


class _Latest(msgspec.Struct, frozen=True):
    """Columns of `hook_latest_of`."""

    subject: str
    at: int


class Receiving:
    """Takes calls; one in each process."""

    def __init__(self, ctx: Context, accept: Accept, tables: Tables, metrics: Metrics, *, begin: Begin) -> None:
        self._ctx = ctx
        self._accept = accept
        self._tables = tables
        self._metrics = metrics
        self._begin = begin
        self._buckets: dict[str, Bucket] = {}
        self._forged: dict[str, Bucket] = {}

    async def known(self, hook_id: str) -> bool:
        """Whether this cell has the hook."""
        return bool(await self._ctx.store.fetch(Hook, "hook_called", hook_id))

    async def receive(self, request: Request) -> HookReceipt:
        """Take a call. WhimbrelError: not_found, rate_limited, hook_signature, hook_body, account_suspended and what
        accept refuses whole."""
        rows = await self._ctx.store.fetch(Hook, "hook_called", request.hook_id)
        if not rows:
            raise WhimbrelError("not_found")
        hook = rows[0]
        self._check_rate(hook.id)
        check_active(self._tables.accounts.get(hook.account_id))
        settings, now = settings_of(hook.settings), self._ctx.clock.now_us()
        if hook.preset == "woocommerce" and _is_unsigned_ping(request):
            return HookReceipt(call_id="", verdict="ping", sent=0, outcomes=())
        await self._check_signature(hook, settings.auth, request, now)
        call = called(request.headers, request.query, request.body, _secret_names(settings.auth))
        receipt = await self.take(hook, call, replay_of=None, again=False)
        return msgspec.structs.replace(receipt, reply=settings.reply)

    async def take(self, hook: Hook, call: Called, *, replay_of: str | None, again: bool) -> HookReceipt:
        """Take a call that is believed. `again`: send also what was sent for before."""
        now = self._ctx.clock.now_us()
        call_id = self._ctx.ids.new(ids.HOOK_CALL)
        taking = Taking(
            id=call_id,
            hook=hook,
            settings=settings_of(hook.settings),
            called=call,
            now=now,
            replay_of=replay_of,
            salt=call_id if again else "",
        )
        findings = judged(taking.settings, call, now)
        if isinstance(findings, Miss) or hook.status == "paused":
            miss = Miss("paused") if hook.status == "paused" and not isinstance(findings, Miss) else findings
            assert isinstance(miss, Miss)
            return await self._without_events(taking, miss)
        return await self._of_findings(taking, findings)

    # ---------------------------------------------------------------- who calls

    def _check_rate(self, hook_id: str) -> None:
        bucket = _bucket(self._buckets, hook_id, limits.HOOK_RATE_PER_S, 2 * limits.HOOK_RATE_PER_S)
        if bucket.take(1, self._ctx.clock.monotonic_us()):
            raise WhimbrelError("rate_limited", "Too many calls of this hook.", retry_after_s=1)

    async def _check_signature(self, hook: Hook, auth: Auth, request: Request, now: int) -> None:
        call = Signed(
            method=request.method, urls=request.urls, headers=request.headers, query=request.query, body=request.body
        )
        problem = hook_signatures.problem(auth, self._secrets(hook, now), call, now)
        if problem is None:
            return
        self._metrics.hook_calls.labels(hook.preset, "bad_signature").inc()
        bucket = _bucket(self._forged, hook.id, limits.HOOK_FORGED_LOGGED / 60, limits.HOOK_FORGED_LOGGED)
        if not bucket.take(1, self._ctx.clock.monotonic_us()):
            row = bare_row(
                hook, self._ctx.ids.new(ids.HOOK_CALL), now, "bad_signature", problem, octets=len(request.body)
            )
            await self._ctx.store.write([Write("hook_call_insert", (to_columns(row),))])
        raise WhimbrelError("hook_signature", _PROBLEMS[problem])

    def _secrets(self, hook: Hook, now: int) -> list[str]:
        sealed = [hook.secret]
        if hook.old_secret is not None and (hook.old_secret_until or 0) > now:
            sealed.append(hook.old_secret)
        return [self._ctx.vault.open(each, seal(hook.id)) for each in sealed]

    # ---------------------------------------------------------------- what it brings

    async def _without_events(self, call: Taking, miss: Miss) -> HookReceipt:
        row = call_row(self._ctx.vault, call, miss.verdict, miss.detail, events=0)
        await self._ctx.store.write([Write("hook_call_insert", (to_columns(row),))])
        self._metrics.hook_calls.labels(call.hook.preset, miss.verdict).inc()
        if miss.verdict == "bad_body":
            raise WhimbrelError("hook_body", f"The body is {miss.detail}.")
        return HookReceipt(call_id=call.id, verdict=miss.verdict, sent=0, outcomes=())

    async def _of_findings(self, call: Taking, findings: Sequence[Finding]) -> HookReceipt:
        names = [self._taken(call, finding) for finding in findings]
        seen = await self._seen(call.hook.id, [name for name in names if name])
        older = await self._older(call, findings)
        outcomes: list[HookOutcome] = []
        sending: list[tuple[int, Finding]] = []
        for number, (finding, name) in enumerate(zip(findings, names, strict=True)):
            result = finding.result
            if isinstance(result, Text):
                result = await self._objection(call, finding, name, seen, older) or result
            outcomes.append(outcome_of(call, number, finding, result, name))
            if isinstance(result, Text):
                sending.append((number, finding))
        for number, outcome in await self._send(call, sending, outcomes):
            outcomes[number] = outcome
        is_told = bool(sending) and outcomes[sending[0][0]].verdict == "sent"
        return await self._conclude(call, findings, outcomes, is_told)

    async def _objection(
        self, call: Taking, finding: Finding, name: str, seen: Mapping[str, str | None], older: frozenset[str]
    ) -> Miss | None:
        """Why a text that is ready is not sent all the same."""
        rule = finding.rule
        assert rule is not None
        if name in seen:
            return Miss("duplicate", seen[name] or "")
        if rule.newest_only and finding.event.subject in older:
            return Miss("outdated", finding.event.subject)
        if await marketing_without_consent(self._tables, call.hook.account_id, rule):
            return Miss("no_consent", "the template is marketing")
        return None

    async def _send(
        self, call: Taking, sending: Sequence[tuple[int, Finding]], outcomes: Sequence[HookOutcome]
    ) -> list[tuple[int, HookOutcome]]:
        """What became of those that are to be sent: all of them are on their way to one commit at once."""
        first = min((number for number, _ in sending), default=0)
        done = await asyncio.gather(
            *(self._send_one(call, finding, outcomes[number], number == first) for number, finding in sending),
            return_exceptions=True,
        )
        for each in done:
            if isinstance(each, BaseException):
                raise each  # what was stored of the others is a duplicate when the sender tries again
        kept = [each for each in done if isinstance(each, HookOutcome)]
        return [(number, each) for (number, _), each in zip(sending, kept, strict=True)]

    async def _send_one(self, call: Taking, finding: Finding, outcome: HookOutcome, is_first: bool) -> HookOutcome:
        """What became of it: whether a newer event came in the same moment is only known to its commit."""
        rule = finding.rule
        assert rule is not None
        latest = self._latest(call, finding.event)
        newest = latest[0] if latest and rule.newest_only else None
        try:
            if rule.flow:
                return await self._begin(call.hook, finding, outcome, newest)
            return await self._submit(
                call, finding, outcome, newest, [*latest, *([event_of(call)] if is_first else ())]
            )
        except Superseded:
            return missed(outcome, Miss("outdated", finding.event.subject))

    async def _submit(
        self, call: Taking, finding: Finding, outcome: HookOutcome, newest: Write | None, more: Sequence[Write]
    ) -> HookOutcome:
        text, rule = finding.result, finding.rule
        assert isinstance(text, Text)
        assert rule is not None
        message_id = self._ctx.ids.new(ids.MESSAGE)
        sent = msgspec.structs.replace(outcome, message_id=message_id)
        also = [
            Write("hook_call_insert", (to_columns(call_row(self._ctx.vault, call, "sent", "", events=1, sent=1)),)),
            Write("hook_outcome_insert", (to_columns(sent),)),
            *more,
        ]
        key = IdempotencyKey(call.hook.account_id, _DOOR, f"{call.hook.id}:{outcome.taken}", _FINGERPRINT)
        draft = draft_of(call.hook, rule, text, message_id)
        only = () if newest is None else (newest,)
        accepted = await self._accept.submit([draft], key=key, also=also, only=only)
        (verdict,) = accepted.verdicts
        if accepted.replayed or (verdict.code is None and verdict.id != message_id):
            return missed(outcome, Miss("duplicate", verdict.id or ""))
        return sent if verdict.code is None else refused(outcome, verdict)

    async def _conclude(
        self, call: Taking, findings: Sequence[Finding], outcomes: Sequence[HookOutcome], is_told: bool
    ) -> HookReceipt:
        """The rest of the log, and the event, where a message's commit did not write them. Once something was sent the
        caller must not be told that it failed: it would send it again."""
        sent = [each for each in outcomes if each.verdict in DONE]
        verdict = sent[0].verdict if sent else outcomes[0].verdict
        stored = frozenset(each.number for each in sent if each.verdict == "sent")
        writes: list[Write] = [] if is_told else [event_of(call)]
        events = len({id(finding.event) for finding in findings})
        if not (len(outcomes) == 1 and stored):
            row = call_row(self._ctx.vault, call, verdict, "", events=events, sent=len(sent))
            rest = tuple(to_columns(each) for each in outcomes if each.number not in stored)
            newest = {finding.event.subject: finding.event for finding in sorted(findings, key=moment_of)}
            writes += [
                Write("hook_call_insert", (to_columns(row),)),
                Write("hook_call_counted", ((call.id, verdict, events, len(sent)),)),
                *([Write("hook_outcome_insert", rest)] if rest else ()),
                *(write for event in newest.values() for write in self._latest(call, event)),
            ]
        try:
            if writes:
                await self._ctx.store.write(writes)
        except Exception:
            if not sent:
                raise
            _log.exception("the log of a hook's call is not whole", extra={"call_id": call.id})
        self._metrics.hook_calls.labels(call.hook.preset, verdict).inc()
        return HookReceipt(
            call_id=call.id, verdict=verdict, sent=len(sent), outcomes=tuple(map(outcome_view, outcomes))
        )

    # ---------------------------------------------------------------- what is known of before

    def _taken(self, call: Taking, finding: Finding) -> str:
        """The name of what is sent for; empty where nothing is to be sent."""
        if not isinstance(finding.result, Text) or finding.rule is None:
            return ""
        parts = (finding.event.id, finding.event.type, finding.rule.name, finding.result.recipient, call.salt)
        octets = [part.encode() for part in parts]
        prints = (self._ctx.vault.fingerprint(b"hook", *octets), self._ctx.vault.fingerprint(b"again", *octets))
        return "".join(f"{each:016x}" for each in prints)

    async def _seen(self, hook_id: str, names: Sequence[str]) -> dict[str, str | None]:
        if not names:
            return {}
        rows = await self._ctx.store.fetch(_Seen, "hook_taken", hook_id, list(names))
        return {row.taken: row.message_id for row in rows}

    async def _older(self, call: Taking, findings: Sequence[Finding]) -> frozenset[str]:
        """Subjects of which a newer event came before, where a rule asks for that."""
        asked = {
            each.event.subject: each.event.at
            for each in findings
            if each.rule is not None and each.rule.newest_only and each.event.subject and each.event.at is not None
        }
        if not asked:
            return frozenset()
        rows = await self._ctx.store.fetch(_Latest, "hook_latest_of", call.hook.id, list(asked))
        return frozenset(row.subject for row in rows if row.at > (asked[row.subject] or 0))

    def _latest(self, call: Taking, event: HookEvent) -> list[Write]:
        """The newest event of a subject; kept only where a rule of the hook goes by it."""
        if event.at is None or not event.subject or not any(rule.newest_only for rule in call.settings.rules):
            return []
        row = (call.hook.id, event.subject, call.hook.account_id, event.at, call.now)
        return [Write("hook_latest_put", (row,))]


_PROBLEMS = {
    "signature_missing": "The call has no signature where this hook looks for it.",
    "signature_wrong": "The signature is not that of this body with the hook's secret.",
    "timestamp_wrong": "The signature's time is too far from now.",
}


def _bucket(buckets: dict[str, Bucket], hook_id: str, rate: float, burst: float) -> Bucket:
    found = buckets.get(hook_id)
    if found is None:
        if len(buckets) >= _BUCKETS_MAX:
            del buckets[next(iter(buckets))]
        found = buckets[hook_id] = Bucket(rate, burst)
    return found


def _is_unsigned_ping(request: Request) -> bool:
    """WooCommerce tests an address, when it is entered, by a form with the webhook's number and without a signature
    (WC_Webhook::deliver_ping); it does nothing."""
    is_bare = "x-wc-webhook-signature" not in request.headers and request.body.startswith(_WOO_PING)
    return is_bare and request.body[len(_WOO_PING) :].isdigit()


def _secret_names(auth: Auth) -> frozenset[str]:
    """Where the secret itself or the signature stands in a call: neither is kept."""
    return frozenset({auth.parameter} if auth.kind == "query" else {auth.header.lower()})
