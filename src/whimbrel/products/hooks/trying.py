"""A hook tried on a call: what would be sent, in which words, when and to whom. Nothing is sent and nothing is kept."""

from typing import Any

import msgspec

from whimbrel.domain import hook_rules
from whimbrel.domain.hook_bodies import BodyError, payload_of
from whimbrel.domain.hook_paths import PathError, found
from whimbrel.domain.hook_rules import HookSettings, Miss, Text
from whimbrel.domain.hooks import Hook
from whimbrel.journey.accept import Accept
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.products.hooks import logbook
from whimbrel.products.hooks.drafting import draft_of, marketing_without_consent, verdict_of
from whimbrel.products.hooks.judging import Called, Finding, judged
from whimbrel.products.hooks.keeping import check_settings, existing
from whimbrel.products.hooks.logbook import moment_of
from whimbrel.products.hooks.shapes import HookTrial, HookTried, TriedOutcome, settings_of
from whimbrel.store.interface import Verdict

_SHOWN = 50  # outcomes: each is planned like a message


async def tried(
    ctx: Context, accept: Accept, tables: Tables, hook_id: str, trial: HookTrial, *, account_id: str, test: bool
) -> HookTried:
    """What a call would lead to. WhimbrelError: not_found, payload_gone, invalid_request for rules that cannot be."""
    hook = await existing(ctx, hook_id, account_id, test)
    call = await _call(ctx, trial, hook)
    settings = settings_of(hook.settings)
    mapping = settings.mapping if trial.mapping is None else trial.mapping
    rules = settings.rules if trial.rules is None else trial.rules
    settings = msgspec.structs.replace(settings, mapping=mapping, rules=rules)
    check_settings(settings)
    value, problem = _value(settings, call, trial.path)
    findings = judged(settings, call, ctx.clock.now_us())
    if isinstance(findings, Miss):
        return HookTried(
            verdict=findings.verdict, detail=findings.detail, outcomes=(), value=value, path_problem=problem
        )
    outcomes = [await _outcome(accept, tables, hook, finding) for finding in findings[:_SHOWN]]
    verdict = next((each.verdict for each in outcomes if each.verdict == "sent"), outcomes[0].verdict)
    return HookTried(verdict=verdict, detail="", outcomes=tuple(outcomes), value=value, path_problem=problem)


async def _call(ctx: Context, trial: HookTrial, hook: Hook) -> Called:
    if trial.call_id is not None:
        return await logbook.kept(ctx, hook.id, trial.call_id, account_id=hook.account_id, test=hook.test)
    headers = {name.lower(): value for name, value in trial.headers.items()}
    return Called(headers=headers, query={}, body=(trial.body or "").encode())


def _value(settings: HookSettings, call: Called, path: str | None) -> tuple[Any, str | None]:
    """What a path finds in the first event, or why it finds nothing."""
    if not path:
        return None, None
    try:
        payload = payload_of(call.headers.get("content-type", ""), call.body)
        root = hook_rules.root_of(payload, call.headers, call.query)
        events = hook_rules.events_of(settings.mapping, root, "")
        data = events[0].data if isinstance(events, list) and events else root
        return found(path, data), None
    except (PathError, BodyError) as error:
        return None, str(error)


async def _outcome(accept: Accept, tables: Tables, hook: Hook, finding: Finding) -> TriedOutcome:
    event, rule, result = finding.event, finding.rule, finding.result
    base = TriedOutcome(
        event_type=event.type,
        event_id=event.id,
        event_at=moment_of(event.at),
        subject=event.subject,
        rule=rule.name if rule else "",
        verdict="sent",
        reason=None,
        detail="",
        to=None,
        text=None,
        language=None,
        send_at=None,
        segments=None,
        variables={},
    )
    if isinstance(result, Miss):
        return msgspec.structs.replace(base, verdict=result.verdict, detail=result.detail)
    assert rule is not None
    shown = msgspec.structs.replace(
        base,
        to=result.recipient or None,
        text=result.text or None,
        language=result.language or None,
        send_at=moment_of(result.send_at),
        variables=dict(result.variables),
    )
    if rule.flow:
        return msgspec.structs.replace(shown, verdict="flow_started")
    return await _planned(accept, tables, hook, finding, text=result, shown=shown)


async def _planned(
    accept: Accept, tables: Tables, hook: Hook, finding: Finding, *, text: Text, shown: TriedOutcome
) -> TriedOutcome:
    """The same as accept would have it."""
    assert finding.rule is not None
    if await marketing_without_consent(tables, hook.account_id, finding.rule):
        return msgspec.structs.replace(shown, verdict="no_consent", detail="the template is marketing")
    plan = await accept.explain(draft_of(hook, finding.rule, text))
    made = plan.encoding
    shown = msgspec.structs.replace(
        shown, text=made.text if made else shown.text, segments=made.segments if made else None
    )
    if plan.refusal is None:
        return shown
    verdict, reason = verdict_of(Verdict(code=plan.refusal.code))
    return msgspec.structs.replace(shown, verdict=verdict, reason=reason, detail=plan.refusal.detail)
