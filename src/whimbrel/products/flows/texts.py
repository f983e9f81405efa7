"""Texts of phones: the run that waits for one goes on with it, else a flow that begins with it begins. Both are written
in the commit that moves the cursor of this follower of the log, so a text answers or begins once.

A text has at most one effect here: the run that began to wait last, else the flow with its keyword, else the oldest
that takes any text. STOP, START and HELP have been answered elsewhere, and mean nothing here.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from whimbrel.base.vault import Vault
from whimbrel.domain.flow_documents import KeywordTrigger, TextTrigger, Trigger
from whimbrel.domain.flow_turns import word_of
from whimbrel.domain.flows import Flow, FlowRun
from whimbrel.domain.model import KEYWORDS, Message
from whimbrel.journey.follower import Follower, Taken
from whimbrel.products.flows.rows import start_writes
from whimbrel.products.flows.starting import Beginning, Starter
from whimbrel.store.interface import Store, Write

CURSOR: Final = "flow_texts"
_READ = 500
_IDLE_S = 0.2
_read_trigger = msgspec.json.Decoder(KeywordTrigger | TextTrigger).decode


class _Received(msgspec.Struct, frozen=True):
    position: int
    message_id: str


class Texts(Follower):
    """Follows inbound texts."""

    def __init__(self, store: Store, vault: Vault, starter: Starter) -> None:
        super().__init__(store, CURSOR, limit=_READ, idle_s=_IDLE_S)
        self._vault = vault
        self._starter = starter

    async def follow(self) -> bool:
        """What was written is there to be done once the cursor has moved."""
        before = self._position
        more = await super().follow()
        if self._position != before:
            self._starter.told()
        return more

    async def _take(self, position: int) -> Taken:
        rows = await self._store.fetch(_Received, "events_received_after", position, _READ)
        if not rows:
            return Taken(0, position)
        found = await self._store.messages([row.message_id for row in rows])
        texts = sorted((each for each in found if not each.flags & KEYWORDS), key=lambda each: each.id)
        writes, left = await self._answers(texts)
        writes += await self._beginnings(left)
        return Taken(len(rows), rows[-1].position, tuple(writes))

    async def _answers(self, texts: Sequence[Message]) -> tuple[list[Write], list[Message]]:
        """What goes on, and the texts that nobody waits for."""
        keys = {text.id: answer_key(self._vault, text.account_id, text.recipient, text.sender) for text in texts}
        if not keys:
            return [], []
        rows = await self._store.fetch(FlowRun, "flow_runs_waiting", sorted(set(keys.values())))
        waiting = {run.answer_key: run for run in rows}  # of several the newest
        answers, left = [], []
        for text in texts:
            run = waiting.pop(keys[text.id], None)
            if run is None:
                left.append(text)
            else:
                answers.append((run.id, run.answer_key, text.id, text.created_at))
        return ([Write("flow_run_answered", tuple(answers))] if answers else []), left

    async def _beginnings(self, texts: Sequence[Message]) -> list[Write]:
        if not texts:
            return []
        accounts = sorted({text.account_id for text in texts})
        flows = await self._store.fetch(Flow, "flows_of_accounts", accounts)
        if not flows:
            return []
        known = {flow.id: _read_trigger(flow.starter) for flow in flows}
        chosen = [(text, flow) for text in texts if (flow := choose(text, flows, known)) is not None]
        runs = await self._starter.runs([_beginning(text, flow) for text, flow in chosen])
        made = [run for run in runs if run is not None]
        return start_writes(made) if made else []


def answer_key(vault: Vault, account_id: str, number: str, phone: str) -> int:
    """By which a text finds the run that waits for it."""
    return vault.fingerprint(b"flow", account_id.encode(), number.lstrip("+").encode(), phone.lstrip("+").encode())


def choose(text: Message, flows: Sequence[Flow], triggers: Mapping[str, Trigger]) -> Flow | None:
    """The flow that a text begins: with its first word, or else with any text; of several the oldest."""
    word = word_of(text.text)
    any_text: Flow | None = None
    for flow in flows:
        trigger = triggers[flow.id]
        if flow.account_id != text.account_id or text.created_at < flow.active_from:
            continue
        numbers = getattr(trigger, "numbers", ())
        if numbers and text.recipient.lstrip("+") not in {number.lstrip("+") for number in numbers}:
            continue
        if isinstance(trigger, KeywordTrigger) and word in {each.upper() for each in trigger.keywords}:
            return flow
        if isinstance(trigger, TextTrigger):
            any_text = any_text or flow
    return any_text


def _beginning(text: Message, flow: Flow) -> Beginning:
    trigger = {"type": flow.kind, "text": text.text, "word": word_of(text.text), "message_id": text.id}
    return Beginning(
        flow=flow,
        phone=text.sender,
        number=text.recipient,
        origin=text.id,
        trigger=trigger,
        message_id=text.id,
        test=text.test,
    )
