"""Flows as accounts keep them: create, read, change, delete, and their versions. A document is checked whole before
anything is stored; runs finish on the version that they began with.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import CATALOGUE, FieldError, WhimbrelError
from whimbrel.domain.flow_checks import DocumentError, read
from whimbrel.domain.flow_documents import Conversation, Document, Send
from whimbrel.domain.flows import DELETED, Flow, FlowStatus, FlowVersion
from whimbrel.manage import audit, own_senders
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, after_position, commit, one, page
from whimbrel.products.conversations.people import is_person
from whimbrel.products.flows.ending import end_runs
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

STATUSES: tuple[FlowStatus, ...] = ("active", "paused")
_PAGES_AT_ONCE: Final = 4  # of runs that a request ends


class NewFlow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flow and its first version."""

    name: Annotated[str, Meta(description="One in the account.")]
    document: Annotated[dict[str, Any], Meta(description="As `GET /v1/flows/schema` describes it.")]
    status: Annotated[FlowStatus, Meta(description="Only an active flow begins runs.")] = "active"


class FlowChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is not given stays. A document makes a new version."""

    name: str | None = None
    status: FlowStatus | None = None
    document: dict[str, Any] | None = None


class FlowSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A flow in a list."""

    id: str
    account_id: str
    name: str
    status: FlowStatus
    version: int
    trigger: dict[str, Any]
    created_at: str
    updated_at: str


class FlowView(FlowSummary, frozen=True, kw_only=True):
    """A flow with the document of its version."""

    document: dict[str, Any]


class FlowVersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a flow."""

    version: int
    document: dict[str, Any]
    created_at: str


class FlowProblem(msgspec.Struct, frozen=True):
    """What is wrong with a document, and where (a JSON pointer into it)."""

    pointer: str
    detail: str


class FlowVerdict(msgspec.Struct, frozen=True):
    """Whether a document can be kept, and everything that is wrong with it."""

    valid: bool
    errors: tuple[FlowProblem, ...]


class _Count(msgspec.Struct, frozen=True):
    count: int


async def check(ctx: Context, document: Mapping[str, Any], *, account_id: str) -> FlowVerdict:
    """Everything that is wrong with a document; stores nothing."""
    try:
        errors = await _strangers(ctx, read(document), account_id)
    except DocumentError as error:
        errors = error.errors
    return FlowVerdict(not errors, tuple(FlowProblem(each.pointer, each.detail) for each in errors))


async def create(ctx: Context, actor: str, request: NewFlow, *, account_id: str) -> FlowView:
    """Keep a flow. WhimbrelError: invalid_request, too_many_flows."""
    document = await _checked(ctx, request.document, account_id)
    async with ctx.lock:
        now = ctx.clock.now_us()
        row = Flow(
            id=ctx.ids.new(ids.FLOW), account_id=account_id, name=request.name.strip(), status=request.status,
            version=1, kind=_kind(document), starter=_starter(document), active_from=now, created_at=now,
            updated_at=now,
        )  # fmt: skip
        await _check_name(ctx, row)
        (kept,) = await ctx.store.fetch(_Count, "flow_count", account_id)
        if kept.count >= limits.FLOWS_PER_ACCOUNT:
            raise WhimbrelError("too_many_flows")
        version = FlowVersion(row.id, 1, account_id, _text(request.document), now)
        entry = audit.entry(ctx, actor, "flow.created", row.id, account_id)
        writes = [Write("flow_insert", (to_columns(row),)), Write("flow_version_insert", (to_columns(version),)), entry]
        await commit(ctx, writes)
    return _view(row, version)


async def find(
    ctx: Context, *, account_id: str, status: FlowStatus | None = None, paging: Paging = FIRST_PAGE
) -> Page[FlowSummary]:
    """An account's flows, newest first."""
    wanted = list(STATUSES) if status is None else [status]
    rows = await ctx.store.fetch(Flow, "flows_page", account_id, wanted, after(paging), paging.limit + 1)
    return page(rows, paging, _summary, lambda row: row.id)


async def get(ctx: Context, flow_id: str, *, account_id: str) -> FlowView:
    """One of them; not_found where it is not the account's."""
    row = await existing(ctx, flow_id, account_id)
    return _view(row, await version_of(ctx, row, row.version))


async def update(ctx: Context, actor: str, flow_id: str, change: FlowChange, *, account_id: str) -> FlowView:
    """Change name or status, or put a new version in place. Runs that are under way finish on theirs. WhimbrelError:
    not_found, invalid_request."""
    document = None if change.document is None else await _checked(ctx, change.document, account_id)
    async with ctx.lock:
        before = await existing(ctx, flow_id, account_id)
        now = ctx.clock.now_us()
        row = msgspec.structs.replace(
            before,
            name=before.name if change.name is None else change.name.strip(),
            status=change.status or before.status,
            active_from=now if change.status == "active" and before.status != "active" else before.active_from,
            updated_at=now,
        )
        await _check_name(ctx, row)
        writes: list[Write] = []
        if document is not None:
            assert change.document is not None
            row = msgspec.structs.replace(
                row, version=before.version + 1, kind=_kind(document), starter=_starter(document)
            )
            version = FlowVersion(row.id, row.version, account_id, _text(change.document), now)
            trimmed = (row.id, row.version - limits.FLOW_VERSIONS_KEPT)
            writes += [Write("flow_version_insert", (to_columns(version),)), Write("flow_versions_trim", (trimmed,))]
        changed = (row.id, row.name, row.status, row.version, row.kind, row.starter, row.active_from, row.updated_at)
        writes += [Write("flow_set", (changed,)), audit.entry(ctx, actor, "flow.updated", row.id, account_id)]
        await commit(ctx, writes)
    return _view(row, await version_of(ctx, row, row.version))


async def delete(ctx: Context, actor: str, flow_id: str, *, account_id: str) -> None:
    """Forget a flow; its runs end, each with an event: the newest at once, the rest of many soon after. What they did
    stays to be read until retention takes it."""
    async with ctx.lock:
        row = await existing(ctx, flow_id, account_id)
        now = ctx.clock.now_us()
        marked = (row.id, row.id, DELETED, row.version, row.kind, row.starter, row.active_from, now)  # its name is free
        await commit(ctx, [Write("flow_set", (marked,)), audit.entry(ctx, actor, "flow.deleted", row.id, account_id)])
    await end_runs(ctx.store, ctx.clock, row.id, pages=_PAGES_AT_ONCE)


async def versions(
    ctx: Context, flow_id: str, *, account_id: str, paging: Paging = FIRST_PAGE
) -> Page[FlowVersionView]:
    """The versions that are kept, newest first."""
    row = await existing(ctx, flow_id, account_id)
    rows = await ctx.store.fetch(FlowVersion, "flow_versions_page", row.id, after_position(paging), paging.limit + 1)
    return page(rows, paging, _version, lambda each: each.version)


async def existing(ctx: Context, flow_id: str, account_id: str) -> Flow:
    """The row of an account's flow; not_found."""
    return await one(ctx, Flow, "flow_by_id", account_id, flow_id)


async def version_of(ctx: Context, flow: Flow, version: int) -> FlowVersion:
    """One version of it; not_found."""
    return await one(ctx, FlowVersion, "flow_version", flow.id, version)


async def _checked(ctx: Context, given: Mapping[str, Any], account_id: str) -> Document:
    """`invalid_request` with a pointer to each error; `sender_not_allowed` or `invalid_sender` where it is nothing
    else."""
    try:
        document = read(given)
        found = await _strangers(ctx, document, account_id)
        if found:
            raise DocumentError(found)
    except DocumentError as error:
        errors = [FieldError("/document" + each.pointer, each.detail, each.code) for each in error.errors]
        first = errors[0]
        code = first.code if all(each.code in CATALOGUE for each in errors) else "invalid_request"
        raise WhimbrelError(code, f"`{first.pointer[1:]}` {first.detail}.", errors=errors) from None
    return document


async def _strangers(ctx: Context, document: Document, account_id: str) -> list[FieldError]:
    """Steps that give conversations to somebody who is none of the account's people, or send from what is none of its
    senders."""
    wanted = {
        name: step.assign for name, step in document.steps.items() if isinstance(step, Conversation) and step.assign
    }
    known = {each: await is_person(ctx, each, account_id) for each in set(wanted.values())}
    found = [
        FieldError(f"/steps/{name}/assign", "must be the id of a user of the account")
        for name, user_id in wanted.items()
        if not known[user_id]
    ]
    senders = {name: step.sender for name, step in document.steps.items() if isinstance(step, Send) and step.sender}
    refused = await own_senders.refused(ctx, senders.values(), account_id=account_id)
    return found + [
        FieldError(f"/steps/{name}/sender", "must be a sender of the account", refused[sender])
        for name, sender in senders.items()
        if sender in refused
    ]


async def _check_name(ctx: Context, row: Flow) -> None:
    checks = Checks()
    checks.text(row.name, "/name")
    checks.done()
    others = await ctx.store.fetch(Flow, "flow_by_name", row.account_id, row.name)
    checks.require(all(each.id == row.id for each in others), "/name", "is the name of another one")
    checks.done()


def _kind(document: Document) -> Any:
    return type(document.trigger).__struct_config__.tag


def _starter(document: Document) -> str:
    return msgspec.json.encode(document.trigger).decode()


def _text(document: Mapping[str, Any]) -> str:
    return msgspec.json.encode(document).decode()


def _summary(row: Flow) -> FlowSummary:
    return FlowSummary(**_fields(row))


def _fields(row: Flow) -> dict[str, Any]:
    return {
        "id": row.id,
        "account_id": row.account_id,
        "name": row.name,
        "status": row.status,
        "version": row.version,
        "trigger": msgspec.json.decode(row.starter),
        "created_at": moments.to_text(row.created_at),
        "updated_at": moments.to_text(row.updated_at),
    }


def _view(row: Flow, version: FlowVersion) -> FlowView:
    return FlowView(**_fields(row), document=msgspec.json.decode(version.document))


def _version(row: FlowVersion) -> FlowVersionView:
    return FlowVersionView(
        version=row.version,
        document=msgspec.json.decode(row.document),
        created_at=moments.to_text(row.created_at),
    )
