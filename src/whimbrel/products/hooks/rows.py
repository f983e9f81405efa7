"""Rows of the log: of a call, of what came of its events, and the event that tells of it."""

import msgspec

from whimbrel.base.clock import DAY_US
from whimbrel.base.vault import Seal, Vault
from whimbrel.domain.hook_rules import HookSettings, Miss, Text
from whimbrel.domain.hooks import Hook, HookCall, HookOutcome
from whimbrel.products.hooks.drafting import verdict_of
from whimbrel.products.hooks.judging import Called, Finding
from whimbrel.store.interface import Verdict, Write

DONE = frozenset({"sent", "flow_started"})
"""Verdicts of what was done."""


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is believed, on its way through. `salt`: empty, or what makes it send again."""

    id: str
    hook: Hook
    settings: HookSettings
    called: Called
    now: int
    replay_of: str | None
    salt: str


def call_row(vault: Vault, call: Taking, verdict: str, detail: str, *, events: int, sent: int = 0) -> HookCall:
    """A call's row, with what it held as long as the hook keeps that."""
    row = bare_row(call.hook, call.id, call.now, verdict, detail, octets=len(call.called.body))
    days = call.settings.keep_days
    payload = vault.seal(call.called.kept(), Seal.of(Seal.HOOK_PAYLOAD, call.id)) if days else None
    return msgspec.structs.replace(
        row,
        events=events,
        sent=sent,
        replay_of=call.replay_of,
        payload=payload,
        payload_until=call.now + days * DAY_US,
    )


def bare_row(hook: Hook, call_id: str, now: int, verdict: str, detail: str, *, octets: int) -> HookCall:
    """The row of a call of which nothing is kept."""
    return HookCall(
        id=call_id,
        account_id=hook.account_id,
        hook_id=hook.id,
        verdict=verdict,
        detail=detail,
        events=0,
        sent=0,
        octets=octets,
        replay_of=None,
        payload=None,
        payload_until=now,
        created_at=now,
    )


def outcome_of(call: Taking, number: int, finding: Finding, result: Text | Miss, taken: str) -> HookOutcome:
    """What came of a finding, as far as it is known before it is sent."""
    outcome = HookOutcome(
        call_id=call.id,
        number=number,
        account_id=call.hook.account_id,
        hook_id=call.hook.id,
        event_type=finding.event.type,
        event_id=finding.event.id,
        rule=finding.rule.name if finding.rule else "",
        verdict="sent",
        reason="",
        detail="",
        message_id=None,
        taken=taken or None,
        created_at=call.now,
    )
    return outcome if isinstance(result, Text) else missed(outcome, result)


def event_of(call: Taking) -> Write:
    """The event hook.received."""
    data = msgspec.json.encode({"hook_id": call.hook.id, "call_id": call.id}).decode()
    row = (call.hook.account_id, int(call.hook.test), call.id, 1, "hook.received", data, 0, call.now)
    return Write("event_insert", (row,))


def missed(outcome: HookOutcome, miss: Miss) -> HookOutcome:
    """Nothing is sent; of a repeated event the message of the first time stands there."""
    is_repeat = miss.verdict == "duplicate"
    return msgspec.structs.replace(
        outcome,
        verdict=miss.verdict,
        detail="" if is_repeat else miss.detail,
        message_id=(miss.detail or None) if is_repeat else None,
        taken=None,
    )


def refused(outcome: HookOutcome, verdict: Verdict) -> HookOutcome:
    """Accept refused it."""
    said, reason = verdict_of(verdict)
    return msgspec.structs.replace(outcome, verdict=said, reason=reason, detail=verdict.pointer, taken=None)


def moment_of(finding: Finding) -> int:
    """When it happened, as its sender says; 0 where it does not."""
    return finding.event.at or 0
