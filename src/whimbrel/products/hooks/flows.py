"""An event of a hook begins a flow: a run for each recipient, once for what was sent for."""

import msgspec

from whimbrel.domain.flows import Flow
from whimbrel.domain.hook_rules import Text
from whimbrel.domain.hooks import Hook, HookOutcome
from whimbrel.products.flows.starting import Beginning, Starter
from whimbrel.products.hooks.judging import Finding
from whimbrel.store.interface import Store, Write


class HookFlows:
    """Begins them."""

    def __init__(self, store: Store, starter: Starter) -> None:
        self._store = store
        self._starter = starter

    async def begin(self, hook: Hook, finding: Finding, outcome: HookOutcome, only: Write | None) -> HookOutcome:
        """The outcome, with the run's id where a message's would stand. Superseded when `only` changes nothing."""
        text, rule = finding.result, finding.rule
        assert isinstance(text, Text) and rule is not None
        rows = await self._store.fetch(Flow, "flow_by_id", hook.account_id, rule.flow)
        if not rows or rows[0].status != "active" or rows[0].kind != "hook":
            return msgspec.structs.replace(outcome, verdict="flow_missing", detail=rule.flow, taken=None)
        beginning = Beginning(
            flow=rows[0],
            phone=text.recipient,
            origin=f"hook:{hook.id}:{outcome.taken}",
            trigger={"hook": hook.name, "event": finding.event.type, "id": finding.event.id},
            variables=text.variables,
            test=hook.test,
        )
        (run,) = await self._starter.start([beginning], only=only)
        if run is None:
            return msgspec.structs.replace(outcome, verdict="refused", detail=rule.flow, taken=None)
        return msgspec.structs.replace(outcome, verdict="flow_started", message_id=run.id)
