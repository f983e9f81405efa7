"""Runs as people see and steer them: begin one by hand, read what it did, stop it, let a test run skip a wait, erase
whom it was about.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from whimbrel.base import limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.callbacks import Reason, reason_of
from whimbrel.domain.flow_documents import RESERVED
from whimbrel.domain.flows import FlowRun, FlowStep, RunState
from whimbrel.domain.numbers import normalise
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.products.flows import keeping
from whimbrel.products.flows.rows import ended_event
from whimbrel.products.flows.starting import Beginning, Starter
from whimbrel.store.interface import RunChange, Write

STATES: tuple[RunState, ...] = ("running", "finished", "failed", "stopped")
_STOPS: Final = 5  # times that a run may take a step between the look at it and the stop


class NewRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run that begins now."""

    phone: Annotated[str, Meta(description="In E.164; empty: the flow finds its phones itself.")] = ""
    variables: Annotated[dict[str, Any], Meta(description="Beside those of the document.")] = {}
    skip_waits: Annotated[bool, Meta(description="Time does not pass for it. Test keys only.")] = False


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run. Phone, number and variables are null once erased."""

    id: str
    account_id: str
    flow_id: str
    version: int
    test: bool
    state: RunState
    step: Annotated[str | None, Meta(description="The step that is next, or that waits.")]
    waits_for: Annotated[str | None, Meta(description="time, answer, request; null: it goes on at once, or has ended.")]
    due_at: Annotated[str | None, Meta(description="When it goes on by itself.")]
    steps: Annotated[int, Meta(description="That it took.")]
    phone: str | None
    number: Annotated[str | None, Meta(description="The account's number that it last wrote from, or was written to.")]
    variables: dict[str, Any] | None
    tags: tuple[str, ...]
    reason: Reason | None
    started_at: str
    updated_at: str
    ended_at: str | None


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """A step that a run took."""

    seq: int
    step: str
    kind: str
    outcome: str
    message_id: str | None
    detail: str
    at: str


async def start(
    ctx: Context,
    starter: Starter,
    flow_id: str,
    request: NewRun,
    *,
    account_id: str,
    test: bool,
    origin: str,
    fingerprint: str = "",
    depth: int = 0,
) -> RunView:
    """Begin a run; an earlier one with the same origin is given as it stands. `fingerprint`: of the request, by which
    another one with the same origin is told. WhimbrelError: not_found, invalid_request, conflict (the flow is paused),
    flow_refused, idempotency_key_reused."""
    flow = await keeping.existing(ctx, flow_id, account_id)
    phone = _checked(request, test=test)
    if flow.status != "active":
        raise WhimbrelError("conflict", "The flow is paused.")
    beginning = Beginning(
        flow=flow,
        phone=phone,
        origin=origin,
        trigger={"type": "api"} | ({"request": fingerprint} if fingerprint else {}),
        variables=request.variables,
        test=test,
        skip_waits=request.skip_waits,
        depth=depth,
        limited=depth > 0,
    )
    (run,) = await starter.start([beginning])
    if run is None:
        raise WhimbrelError("flow_refused")
    if msgspec.json.decode(run.variables).get("trigger", {}).get("request", fingerprint) != fingerprint:
        raise WhimbrelError("idempotency_key_reused")
    return view(run)


def _checked(request: NewRun, *, test: bool) -> str:
    checks = Checks()
    number = normalise(request.phone) if request.phone else None
    checks.require(not request.phone or number is not None, "/phone", "must be a number in E.164")
    checks.require(test or not request.skip_waits, "/skip_waits", "is for test keys only")
    is_small = len(msgspec.json.encode(request.variables)) <= limits.FLOW_VARIABLES_MAX
    checks.require(is_small, "/variables", f"must have at most {limits.FLOW_VARIABLES_MAX:,} octets")
    for name in request.variables:
        checks.require(name not in RESERVED, f"/variables/{name}", "is set by the run itself")
    checks.done()
    return "" if number is None else number.e164


async def find(
    ctx: Context,
    *,
    account_id: str,
    test: bool,
    flow_id: str | None = None,
    state: RunState | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page[RunView]:
    """Runs of an account, or of one of its flows; newest first."""
    states = list(STATES) if state is None else [state]
    about: tuple[Any, ...] = (account_id, int(test), states, after(paging), paging.limit + 1)
    if flow_id is None:
        rows = await ctx.store.fetch(FlowRun, paging.of("flow_runs_page", "flow_runs_page_oldest"), *about)
    else:
        statement = paging.of("flow_runs_of_flow", "flow_runs_of_flow_oldest")
        rows = await ctx.store.fetch(FlowRun, statement, flow_id, *about)
    return page(rows, paging, view, lambda row: row.id)


async def get(ctx: Context, run_id: str, *, account_id: str, test: bool) -> RunView:
    """One of them; not_found where it is not the account's."""
    return view(await _existing(ctx, run_id, account_id, test))


async def steps(
    ctx: Context, run_id: str, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE
) -> Page[StepView]:
    """What it did, in order."""
    run = await _existing(ctx, run_id, account_id, test)
    place = after(paging, "0")
    if not (place.isascii() and place.isdigit() and len(place) < 9):
        raise WhimbrelError("invalid_cursor")
    rows = await ctx.store.fetch(FlowStep, "flow_steps_page", account_id, run.id, int(place), paging.limit + 1)
    return page(rows, paging, _step, lambda row: row.seq)


async def stop(ctx: Context, actor: str, run_id: str, *, account_id: str, test: bool) -> RunView:
    """It takes no further step; the one that it is taking just then is waited for. WhimbrelError: not_found, conflict
    (it has ended, or takes steps as fast as it is asked to stop)."""
    for _ in range(_STOPS):
        run = await _existing(ctx, run_id, account_id, test)
        now = ctx.clock.now_us()
        if run.state != "running":
            raise WhimbrelError("conflict", "The run has ended.")
        writes = (
            Write("flow_run_stop", ((account_id, int(test), run.id, now),)),
            ended_event(run, now),
            audit.entry(ctx, actor, "flow_run.stopped", run.id, account_id),
        )
        (stopped,) = await ctx.store.advance_flow_runs([RunChange(run.id, run.turn, writes)])
        if stopped:
            return await get(ctx, run_id, account_id=account_id, test=test)
    raise WhimbrelError("conflict", "The run has gone on meanwhile: try again.")


async def skip(ctx: Context, run_id: str, *, account_id: str) -> RunView:
    """What a test run waits for has passed: a time, or the time-out of an answer. WhimbrelError:
    not_found, conflict."""
    run = await _existing(ctx, run_id, account_id, test=True)
    row = (account_id, 1, run.id, ctx.clock.now_us())
    (changed,) = await ctx.store.write([Write("flow_run_skip", (row,))])
    if not changed:
        raise WhimbrelError("conflict", "The run waits for nothing that could be skipped.")
    return await get(ctx, run_id, account_id=account_id, test=True)


async def erase(ctx: Context, actor: str, run_id: str, *, account_id: str, test: bool) -> None:
    """Number, variables and tags of a run that has ended are gone; its steps stay. WhimbrelError: not_found,
    conflict."""
    run = await _existing(ctx, run_id, account_id, test)
    if run.state == "running":
        raise WhimbrelError("conflict", "The run is under way: stop it first.")
    writes = [
        Write("flow_run_erase", ((account_id, int(test), run.id, ctx.clock.now_us()),)),
        audit.entry(ctx, actor, "flow_run.erased", run.id, account_id),
    ]
    await commit(ctx, writes)


async def _existing(ctx: Context, run_id: str, account_id: str, test: bool) -> FlowRun:
    return await one(ctx, FlowRun, "flow_run_by_id", account_id, int(test), run_id)


def view(run: FlowRun) -> RunView:
    """A run in public words."""
    erased = run.state != "running" and not run.phone and run.variables == "{}"
    return RunView(
        id=run.id,
        account_id=run.account_id,
        flow_id=run.flow_id,
        version=run.version,
        test=run.test,
        state=run.state,
        step=run.step or None,
        waits_for=run.waits_for or None,
        due_at=moments.to_text_or_none(run.due_at),
        steps=run.steps,
        phone=run.phone or None,
        number=run.number or None,
        variables=None if erased else msgspec.json.decode(run.variables),
        tags=run.tags,
        reason=reason_of(run.reason),
        started_at=moments.to_text(run.started_at),
        updated_at=moments.to_text(run.updated_at),
        ended_at=moments.to_text_or_none(run.ended_at),
    )


def _step(row: FlowStep) -> StepView:
    return StepView(
        seq=row.seq,
        step=row.step,
        kind=row.kind,
        outcome=row.outcome,
        message_id=row.message_id,
        detail=row.detail,
        at=moments.to_text(row.at),
    )
