"""Runs begin: by a text, the end of a message, a hook, a schedule, a verification, or a request. `start` is the entry
for whoever brings what has happened; it stores all of a list in one commit, each run once for its origin.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.metrics import Metrics
from whimbrel.domain.flow_checks import read
from whimbrel.domain.flow_contacts import assignees, names_contact
from whimbrel.domain.flow_documents import Document
from whimbrel.domain.flows import Flow, FlowRun, FlowVersion
from whimbrel.journey.accept import Superseded
from whimbrel.manage.context import Context
from whimbrel.products.flows.rows import start_writes
from whimbrel.store.interface import Store, Write

_HOUR_US = 3600 * 1_000_000
_DOCUMENTS_KEPT = 1000
_log = logging.getLogger("whimbrel.flows")


class Beginning(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What has happened, and for whom: `phone` in E.164 (empty: nobody yet), `number` ours that it wrote to. `origin`
    is the same each time that the same is told again: a flow begins once for it. `trigger` is what steps see as
    `trigger`, `variables` what they see beside it."""

    flow: Flow
    phone: str
    origin: str
    number: str = ""
    trigger: Mapping[str, Any] = {}
    variables: Mapping[str, Any] = {}
    test: bool = False
    skip_waits: bool = False
    depth: int = 0
    message_id: str | None = None
    limited: bool = True  # by the runs that a phone may begin in an hour


class Documents:
    """Documents of versions, which never change: read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, int], Document] = {}
        self._naming: set[tuple[str, int]] = set()
        self._assigning: dict[tuple[str, int], frozenset[str]] = {}

    async def of(self, pairs: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], Document]:
        """Those that exist."""
        wanted = set(pairs)
        for pair in wanted - self._known.keys():
            rows = await self._store.fetch(FlowVersion, "flow_version", *pair)
            if rows:
                if len(self._known) >= _DOCUMENTS_KEPT:
                    self._known.clear()
                    self._naming.clear()
                    self._assigning.clear()
                self._known[pair] = read(msgspec.json.decode(rows[0].document))
                if names_contact(self._known[pair]):
                    self._naming.add(pair)
                if assigned := assignees(self._known[pair]):
                    self._assigning[pair] = assigned
        return {pair: self._known[pair] for pair in wanted if pair in self._known}

    def names_contact(self, flow_id: str, version: int) -> bool:
        """Whether a document that was read asks for the contact as it is now."""
        return (flow_id, version) in self._naming

    def assignees(self, flow_id: str, version: int) -> frozenset[str]:
        """Whom a document that was read gives conversations to."""
        return self._assigning.get((flow_id, version), frozenset())


class _Recent(msgspec.Struct, frozen=True):
    flow_id: str
    phone_hash: int
    count: int


class Starter:
    """Begins runs."""

    def __init__(self, ctx: Context, *, metrics: Metrics, documents: Documents, begun: Callable[[], None]) -> None:
        self._store = ctx.store
        self._vault = ctx.vault
        self._clock = ctx.clock
        self._ids = ctx.ids
        self._metrics = metrics
        self._documents = documents
        self._begun = begun

    async def start(
        self, beginnings: Sequence[Beginning], also: Sequence[Write] = (), *, only: Write | None = None
    ) -> list[FlowRun | None]:
        """Begin what may begin, in one commit with `also`; the run of each as it stands then, None where it was
        refused (too deep, or too many of this phone's in an hour). Superseded when the one row of `only` changes
        nothing: nothing is stored then."""
        runs = await self.runs(beginnings)
        made = [run for run in runs if run is not None]
        writes = [*(start_writes(made) if made else ()), *also]
        if only is not None and not await self._store.turn(only, writes):
            raise Superseded
        if only is None and writes:
            await self._store.write(writes)
        if writes:
            self.told()
        return [None if run is None else await self._as_stored(run) for run in runs]

    async def runs(self, beginnings: Sequence[Beginning]) -> list[FlowRun | None]:
        """Rows for a commit of the caller's, who calls `told` after it."""
        documents = await self._documents.of((each.flow.id, each.flow.version) for each in beginnings)
        hashes = [self._vault.number_hash(each.phone) if each.phone else 0 for each in beginnings]
        counts = await self._counts(beginnings, hashes)
        found: list[FlowRun | None] = []
        for each, phone_hash in zip(beginnings, hashes, strict=True):
            document = documents.get((each.flow.id, each.flow.version))
            key = (each.flow.id, phone_hash)
            refusal = self._refusal(each, counts[key])
            if document is None or refusal:
                self._metrics.flow_runs.labels(refusal or "gone").inc()
                _log.warning("a flow was not started", extra={"flow_id": each.flow.id, "code": refusal or "gone"})
                found.append(None)
                continue
            counts[key] += 1
            self._metrics.flow_runs.labels("started").inc()
            found.append(self._run(each, document, phone_hash))
        return found

    def told(self) -> None:
        """What was written is there to be done."""
        self._begun()

    async def _as_stored(self, run: FlowRun) -> FlowRun:
        """An earlier one, where the flow had this origin before."""
        (stored,) = await self._store.fetch(FlowRun, "flow_run_by_origin", run.flow_id, run.origin)
        return stored

    async def _counts(self, beginnings: Sequence[Beginning], hashes: Sequence[int]) -> Counter[tuple[str, int]]:
        wanted = [(each.flow.id, h) for each, h in zip(beginnings, hashes, strict=True) if each.limited and h]
        if not wanted:
            return Counter()
        flows, phones = sorted({flow for flow, _ in wanted}), sorted({phone for _, phone in wanted})
        since = self._clock.now_us() - _HOUR_US
        rows = await self._store.fetch(_Recent, "flow_runs_recent", flows, phones, since)
        return Counter({(row.flow_id, row.phone_hash): row.count for row in rows})

    def _refusal(self, each: Beginning, recent: int) -> str:
        if each.depth > limits.FLOW_DEPTH_MAX:
            return "too_deep"
        return "too_many" if each.limited and recent >= limits.FLOW_RUNS_PER_HOUR else ""

    def _run(self, each: Beginning, document: Document, phone_hash: int) -> FlowRun:
        now = self._clock.now_us()
        variables = {**document.variables, **each.variables, "trigger": dict(each.trigger)}
        return FlowRun(
            id=self._ids.new(ids.FLOW_RUN),
            account_id=each.flow.account_id,
            flow_id=each.flow.id,
            version=each.flow.version,
            test=each.test,
            state="running",
            step=document.start,
            waits_for="",
            turn=0,
            steps=0,
            due_at=now,
            answer_key=None,
            answer_id=None,
            last_id=each.message_id,
            phone=each.phone,
            number=each.number,
            phone_hash=phone_hash,
            variables=msgspec.json.encode(variables).decode(),
            tags=(),
            origin=each.origin,
            depth=each.depth,
            skip_waits=each.skip_waits,
            reason=None,
            started_at=now,
            updated_at=now,
            ended_at=None,
        )
