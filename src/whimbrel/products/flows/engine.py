"""The engine: takes the turns of runs that are due, in lists. Runs that wait cost nothing: they are rows with a time,
found by an index once it has come.

Each turn is one commit. Where it sends a text, that is accept's commit with the turn in it, under a key of the run and
the number of the turn, so that nobody can send it twice; where it asks another system, the turn is stored before the
request leaves, with the time at which it is made again if nothing is heard; where it changes a contact, the two are one
commit; everything else is written for a whole list at once, each turn only where the run is still as it was. A process
that dies in between loses nothing: the run is due.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from whimbrel.base import ids
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain.flow_effects import Inputs, Outbound, Turn
from whimbrel.domain.flow_turns import turn
from whimbrel.domain.flows import Flow, FlowRun
from whimbrel.domain.numbers import normalise
from whimbrel.journey.accept import Accept, Superseded
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.net.http import HttpClient
from whimbrel.products.contacts.known import Known
from whimbrel.products.flows.contact_steps import REFUSED, ContactRefused, ContactSteps
from whimbrel.products.flows.ending import end_runs
from whimbrel.products.flows.handing_over import hand_over_writes
from whimbrel.products.flows.requests import ask
from whimbrel.products.flows.rows import gone_change, still_stands, turn_change, turn_writes
from whimbrel.products.flows.sending import draft_of, key_of
from whimbrel.products.flows.sight import Sight, sight_of
from whimbrel.products.flows.starting import Documents
from whimbrel.products.flows.texts import answer_key
from whimbrel.store.interface import RunChange, Write

READ: Final = 500
_IDLE_S: Final = 0.25
_DELETED_S: Final = 2.0
"""So often it is looked whether runs of deleted flows are left."""
_DELETED_PAGES: Final = 20
_AGAIN_US: Final = 5_000_000
"""After trouble with one run, so that it does not stand before the others."""
_BETWEEN: Final = frozenset({"moving", "moved", "arriving"})
_REQUESTS_AT_ONCE: Final = 64
_log = logging.getLogger("whimbrel.flows")


class _Standing(msgspec.Struct, frozen=True, gc=False):
    """Columns of `flows_standing`."""

    id: str


class Engine:
    """Takes turns."""

    def __init__(
        self,
        ctx: Context,
        *,
        tables: Tables,
        accept: Accept,
        client: HttpClient,
        metrics: Metrics,
        documents: Documents,
    ) -> None:
        self._ctx = ctx
        self._store = ctx.store
        self._vault = ctx.vault
        self._clock = ctx.clock
        self._ids = ctx.ids
        self._tables = tables
        self._accept = accept
        self._client = client
        self._metrics = metrics
        self._documents = documents
        self._contacts = ContactSteps(ctx)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_REQUESTS_AT_ONCE)

    async def start(self) -> None:
        """Take the turns of whatever is due."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """What is under way is left: it is due again for the next one who looks."""
        tasks = [*self._asking, *([self._task] if self._task is not None else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        looked = 0.0
        while True:
            try:
                while await self.take() == READ:
                    pass
                if loop.time() - looked > _DELETED_S:
                    looked = loop.time()
                    await self._end_deleted()
            except Exception:
                _log.exception("turns of flows could not be taken; trying again")
                await asyncio.sleep(_IDLE_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_S):
                    await self._wake.wait()
            self._wake.clear()

    async def _end_deleted(self) -> None:
        """Of one flow after the other, while runs that are due are not kept waiting for long."""
        flows = await self._store.fetch(Flow, "flows_deleted", "", READ)
        left = [flow for flow in flows if not self._is_between_cells(flow)]
        if left:
            await end_runs(self._store, self._clock, left[0].id, pages=_DELETED_PAGES)

    async def take(self) -> int:
        """Take the turns of runs that are due now, at most READ; how many were."""
        runs = await self._store.fetch(FlowRun, "flow_runs_due", self._clock.now_us(), READ)
        if runs:
            await self._take(runs)
        return len(runs)

    async def _take(self, found: Sequence[FlowRun]) -> None:
        runs = [run for run in found if not self._is_between_cells(run)]
        if len(runs) < len(found):
            at = self._clock.now_us() + _AGAIN_US
            later = tuple((run.id, run.turn, at) for run in found if self._is_between_cells(run))
            await self._store.write([Write("flow_run_postpone", later)])
        runs = await self._standing(runs)
        sight = await sight_of(self._ctx, self._documents, runs)
        turns = [(run, self._turn(run, sight)) for run in runs]
        quiet = [(run, taken) for run, taken in turns if taken.send is None and taken.contact is None]
        about = await self._contacts.known(run for run, taken in turns if taken.contact is not None)
        sends = [self._send(run, taken, sight) for run, taken in turns if taken.send is not None]
        changes = [
            self._change_contact(run, taken, about[run.account_id, run.test], sight)
            for run, taken in turns
            if taken.contact is not None
        ]
        await asyncio.gather(self._take_quiet(quiet), *sends, *changes)

    async def _take_quiet(self, turns: Sequence[tuple[FlowRun, Turn]]) -> None:
        """Turns without a text; requests leave once their turns are stored."""
        written = await self._store_turns(turns)
        for (_, taken), stands in zip(turns, written, strict=True):
            if stands and taken.request is not None:
                self._begin(self._ask(taken.run, taken.request))

    async def _standing(self, runs: Sequence[FlowRun]) -> list[FlowRun]:
        """Those whose flows are there; the others end."""
        flows = await self._store.fetch(_Standing, "flows_standing", sorted({run.flow_id for run in runs}))
        known = {flow.id for flow in flows}
        gone = [gone_change(run.flow_id, run, self._clock.now_us()) for run in runs if run.flow_id not in known]
        if gone:
            await self._store.advance_flow_runs(gone)
        return [run for run in runs if run.flow_id in known]

    def _is_between_cells(self, row: FlowRun | Flow) -> bool:
        """Its account moves to another cell: there it goes on."""
        account = self._tables.accounts.get(row.account_id)
        return account is not None and account.status in _BETWEEN

    def _turn(self, run: FlowRun, sight: Sight, **more: Any) -> Turn:
        document = sight.document(run)
        now = self._clock.now_us()
        account = self._tables.accounts.get(run.account_id)
        if document is None or account is None or account.status == "closed":
            return _ended(run, "flow_gone", now)
        text = sight.texts.get(run.answer_id or "")
        book = self._tables.senders.get(run.account_id)

        def chosen(wanted: str | None, to: str) -> str | None:
            number = normalise(to)
            if book is None or number is None:
                return wanted
            sender = book.choose(wanted, number.country or "")
            return wanted if isinstance(sender, str) else sender.value

        inputs = Inputs(
            now=now,
            message_id=self._ids.new(ids.MESSAGE),
            chosen=chosen,
            answer=None if text is None else text.text,
            answer_id=run.answer_id,
            names_contact=run.id in sight.contacts,
            contact=sight.contacts.get(run.id),
            people=frozenset(each for each, whose in sight.people.items() if whose in (run.account_id, None)),
            **more,
        )
        try:
            return turn(run, document, inputs)
        except Exception:
            _log.exception("a turn of a flow failed", extra={"run_id": run.id})
            return _ended(run, "flow_error", now)

    # ---------------------------------------------------------------- without a text

    async def _store_turns(self, turns: Sequence[tuple[FlowRun, Turn]]) -> list[bool]:
        if not turns:
            return []
        changes = [self._change(run, taken) for run, taken in turns]
        written = await self._store.advance_flow_runs(changes)
        for (_, taken), stands in zip(turns, written, strict=True):
            if stands:
                self._count(taken)
        return written

    def _change(self, run: FlowRun, taken: Turn) -> RunChange:
        return turn_change(run, taken, self._key(taken), *self._hand_over(taken))

    def _key(self, taken: Turn) -> int | None:
        """By which the text that the run waits for finds it."""
        run = taken.run
        if not taken.answer_from:
            return None
        return answer_key(self._vault, run.account_id, run.number, taken.answer_from)

    def _hand_over(self, taken: Turn) -> tuple[Write, ...]:
        return hand_over_writes(taken, self._vault, self._ids, self._clock.now_us())

    def _count(self, taken: Turn) -> None:
        for step in taken.steps:
            self._metrics.flow_steps.labels(step.kind).inc()
        if taken.run.ended_at is not None:
            self._metrics.flow_runs.labels(taken.run.state).inc()

    def _go_on(self, taken: Turn) -> None:
        """The next turn may be due at once."""
        if taken.run.due_at is not None and taken.run.due_at <= self._clock.now_us():
            self.wake()

    # ---------------------------------------------------------------- with a text

    async def _send(self, run: FlowRun, taken: Turn, sight: Sight) -> None:
        """The text and the turn, in one commit; where it is refused, the turn as it is then. Trouble with one does not
        hold up the others: its run stays due."""
        try:
            code = await self._submit(run, taken)
            if code is not None:
                await self._store_turns([(run, self._turn(run, sight, refused=code))])
        except Exception:
            _log.exception("a flow's text could not be stored; trying again", extra={"run_id": run.id})
            at = self._clock.now_us() + _AGAIN_US
            await self._store.write([Write("flow_run_postpone", ((run.id, run.turn, at),))])

    async def _submit(self, run: FlowRun, taken: Turn) -> str | None:
        """The code of the refusal, if it was refused."""
        also = (*turn_writes(run, taken, self._key(taken)), *self._hand_over(taken))
        try:
            accepted = await self._accept.submit(
                [draft_of(run, taken)], key=key_of(run), also=also, only=(still_stands(run),)
            )
        except Superseded:
            return None  # nothing was sent, and whatever has become of the run stands
        except WhimbrelError as error:
            if error.spec.permanent:
                return error.code
            raise
        (verdict,) = accepted.verdicts
        if verdict.code is None and not accepted.replayed:
            self._count(taken)
        self._go_on(taken)
        return verdict.code

    # ---------------------------------------------------------------- with a contact

    async def _change_contact(self, run: FlowRun, taken: Turn, about: Known, sight: Sight, **more: Any) -> None:
        """The change and the turn, in one commit; where it is refused, the turn as it is then."""
        assert taken.contact is not None
        try:
            if await self._contacts.store(run, taken.contact, self._change(run, taken), about):
                self._count(taken)
                self._go_on(taken)
        except ContactRefused as error:
            again = self._turn(run, sight, refused=REFUSED, refused_why=str(error), **more)
            await self._store_turns([(run, again)])
        except Exception:
            _log.exception("a flow's contact could not be changed; trying again", extra={"run_id": run.id})
            at = self._clock.now_us() + _AGAIN_US
            await self._store.write([Write("flow_run_postpone", ((run.id, run.turn, at),))])

    # ---------------------------------------------------------------- with a request

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, run: FlowRun, request: Outbound) -> None:
        """Ask, and take the next turn with what came. What fails here is made again once its time has come."""
        async with self._places:
            response = await ask(self._client, request, run.depth)
        try:
            sight = await sight_of(self._ctx, self._documents, [run])
            taken = self._turn(run, sight, response=response)
            if taken.contact is not None:
                about = (await self._contacts.known([run]))[run.account_id, run.test]
                await self._change_contact(run, taken, about, sight, response=response)
            elif taken.send is None:
                (stands,) = await self._store_turns([(run, taken)])
                if stands and taken.request is not None:
                    self._begin(self._ask(taken.run, taken.request))
            else:
                await self._send_after(run, taken, sight, response)
        except Exception:
            _log.exception("a flow's request could not be recorded", extra={"run_id": run.id})
        self.wake()

    async def _send_after(self, run: FlowRun, taken: Turn, sight: Sight, response: Mapping[str, Any]) -> None:
        code = await self._submit(run, taken)
        if code is not None:
            again = self._turn(run, sight, response=response, refused=code)
            await self._store_turns([(run, again)])


def _ended(run: FlowRun, code: str, now: int) -> Turn:
    """It cannot go on at all."""
    after = msgspec.structs.replace(
        run, state="failed", step="", waits_for="", turn=run.turn + 1, due_at=None, reason=code, updated_at=now,
        ended_at=now,
    )  # fmt: skip
    return Turn(after, ())
