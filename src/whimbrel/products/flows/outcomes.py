"""What ends begins flows: messages here, verifications in `verifications`; so do clicks (`clicks`) and what requests do
with contacts (`contacts`). The log is only read while some flow begins
so, from where it stood when the first one came: traffic of which nobody wants to hear costs nothing.

A text of a flow may begin another one, so deep and no deeper: the run that sent it is named in its metadata.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from whimbrel.domain.callbacks import message_options
from whimbrel.domain.flow_documents import MessageTrigger
from whimbrel.domain.flows import Flow
from whimbrel.domain.model import Event, Message
from whimbrel.journey.follower import Follower, Taken, stretch
from whimbrel.products.flows.rows import start_writes
from whimbrel.products.flows.starting import Beginning, Starter
from whimbrel.store.interface import Store

CURSOR: Final = "flow_outcomes"
"""The prefix of their cursors."""
_READ = 500
_SCAN = 20_000  # events of all kinds that one look goes through
_IDLE_S = 0.5
_MESSAGE = "message."
_TYPES: Final = tuple(
    _MESSAGE + state for state in ("delivered", "undelivered", "failed", "expired", "rejected", "unknown")
)
_read_trigger = msgspec.json.Decoder(MessageTrigger).decode


class _Depth(msgspec.Struct, frozen=True):
    run_id: str
    depth: int


class Outcomes(Follower):
    """Follows events of `types` as long as there are flows of `kind`."""

    def __init__(self, store: Store, starter: Starter, kind: str, types: Sequence[str]) -> None:
        super().__init__(store, f"{CURSOR}:{kind}", limit=_SCAN, idle_s=_IDLE_S)
        self._starter = starter
        self._kind = kind
        self._types = list(types)
        self._idle_at: int | None = None
        """Where the log ended when no flow wanted to hear of it."""

    async def _take(self, position: int) -> Taken:
        flows = await self._store.fetch(Flow, "flows_of_kind", self._kind)
        if not flows:
            self._idle_at = await self._store.last_position()
            return Taken(0, position)
        idle_at, self._idle_at = self._idle_at, None
        if idle_at is not None and idle_at > position:
            return Taken(1, idle_at, more=True)
        part = await stretch(self._store, position, _SCAN)
        if not part.count:
            return Taken(0, position)
        events = await self._store.fetch(Event, "events_of_types", position, part.end, self._types, _READ)
        is_whole = len(events) < _READ
        wanted = {flow.account_id for flow in flows}
        ours = [event for event in events if event.account_id in wanted]
        runs = await self._starter.runs(await self._beginnings(ours, flows) if ours else ())
        made = [run for run in runs if run is not None]
        reached = part.end if is_whole else events[-1].position
        return Taken(part.count, reached, tuple(start_writes(made)) if made else (), more=not is_whole)

    @abstractmethod
    async def _beginnings(self, events: Sequence[Event], flows: Sequence[Flow]) -> list[Beginning]:
        """What these events begin."""


class MessageEnds(Outcomes):
    """Ends of messages."""

    def __init__(self, store: Store, starter: Starter) -> None:
        super().__init__(store, starter, "message", _TYPES)

    async def _beginnings(self, events: Sequence[Event], flows: Sequence[Flow]) -> list[Beginning]:
        found = await self._store.messages([event.subject_id for event in events])
        messages = {message.id: message for message in found}
        pairs = [
            (event, messages[event.subject_id], flow)
            for event in events
            if event.subject_id in messages
            for flow in flows
            if _wants(flow, event, messages[event.subject_id])
        ]
        depths = await depths_of(self._store, [message for _, message, _ in pairs])
        return [_beginning(*pair, depth=depths.get(pair[1].id, 0)) for pair in pairs]


async def depths_of(store: Store, messages: Sequence[Message]) -> dict[str, int]:
    """Of the runs that these would begin, by message: one deeper than the run that sent it."""
    senders = {each.id: (message_options(each).metadata or {}).get("flow_run") for each in messages}
    known = await run_depths(store, (run for run in senders.values() if isinstance(run, str)))
    return {id_: known[run] + 1 for id_, run in senders.items() if run in known}


async def run_depths(store: Store, runs: Iterable[str | None]) -> dict[str, int]:
    """How deep these runs are, as far as they are known."""
    wanted = sorted({run for run in runs if run})
    if not wanted:
        return {}
    return {row.run_id: row.depth for row in await store.fetch(_Depth, "flow_runs_depths", wanted)}


def _wants(flow: Flow, event: Event, message: Message) -> bool:
    trigger = _read_trigger(flow.starter)
    return (
        flow.account_id == event.account_id
        and event.created_at >= flow.active_from
        and event.type.removeprefix(_MESSAGE) in trigger.outcomes
        and (trigger.tag is None or trigger.tag in message_options(message).tags)
        and message.direction == "out"
    )


def _beginning(event: Event, message: Message, flow: Flow, *, depth: int) -> Beginning:
    options = message_options(message)
    trigger: dict[str, Any] = {
        "type": "message",
        "outcome": event.type.removeprefix(_MESSAGE),
        "message_id": message.id,
        "reason": message.reason,
        "tags": list(options.tags),
        "metadata": options.metadata or {},
    }
    return Beginning(
        flow=flow,
        phone=message.recipient,
        number=message.sender,
        origin=f"{message.id}:{event.seq}",
        trigger=trigger,
        test=message.test,
        depth=depth,
        message_id=message.id,
    )
