"""Registrations as accounts keep them: a draft, answered bit by bit, with its papers, until it is submitted. Of one
that is approved only the senders change; a rejected one is changed and submitted again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from whimbrel.base import ids, limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.model import Sender
from whimbrel.domain.number_limits import NumberLimits, campaign_limits
from whimbrel.domain.registrations import (
    EDITABLE,
    Document,
    Regime,
    Registration,
    lacks,
    regimes,
    wrong_answers,
)
from whimbrel.domain.sender_standing import BRAND_LIMITED, campaign_of
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, one, page
from whimbrel.products.registrations import documents
from whimbrel.products.registrations.shapes import (
    DocumentView,
    NewDocument,
    NewRegistration,
    RegistrationChange,
    answers_of,
)
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_KINDS_OF_SENDERS: Final = "senders"
_encode = msgspec.json.encode


async def create(ctx: Context, actor: str, request: NewRegistration, *, account_id: str) -> Registration:
    """A draft. WhimbrelError: invalid_request, registration_limit."""
    regime = regimes().get(request.regime)
    if regime is None:
        raise WhimbrelError("invalid_request", errors=[FieldError("/regime", "is no regime")])
    now = ctx.clock.now_us()
    row = Registration(
        id=ctx.ids.new(ids.REGISTRATION),
        account_id=account_id,
        regime=regime.id,
        country=request.country,
        name=request.name.strip(),
        state="draft",
        parent_id=request.parent_id,
        senders=tuple(dict.fromkeys(request.senders)),
        answers=_encode(_given(request.answers)).decode(),
        decision="{}",
        reason="",
        seq=1,
        submitted_at=None,
        decided_at=None,
        expires_at=None,
        created_at=now,
        updated_at=now,
    )
    await _check(ctx, regime, row, request.answers)
    async with ctx.lock:
        beyond = await ctx.store.fetch(
            Registration, "registrations_page", account_id, "~", limits.REGISTRATIONS_PER_ACCOUNT, None
        )
        if len(beyond) >= limits.REGISTRATIONS_PER_ACCOUNT:
            raise WhimbrelError("registration_limit")
        await ctx.store.write([Write("registration_insert", (to_columns(row),)), *told(ctx, actor, row, "created")])
    return row


async def get(ctx: Context, registration_id: str, *, account_id: str) -> tuple[Registration, tuple[Document, ...]]:
    """One with its papers; `not_found`."""
    row = await existing(ctx, registration_id, account_id)
    return row, await documents.of_subject(ctx, row.id, account_id=account_id)


async def throughput(ctx: Context, row: Registration) -> NumberLimits | None:
    """How much an approved campaign may send; None for everything else."""
    if row.regime != BRAND_LIMITED or row.state != "approved" or row.parent_id is None:
        return None
    brands = await ctx.store.fetch(Registration, "registration_by_id", row.parent_id, row.account_id)
    return campaign_limits(campaign_of(row, brands[0])) if brands and brands[0].state == "approved" else None


async def find(
    ctx: Context,
    *,
    account_id: str | None,
    state: str | None = None,
    regime: str | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page[Registration]:
    """Those of an account, newest first; or (None) of all that are in a state, by itself `submitted`."""
    place = (after(paging), paging.limit + 1, regime)
    if account_id is None:
        rows = await ctx.store.fetch(Registration, "registrations_of_all", state or "submitted", *place)
    elif state is None:
        rows = await ctx.store.fetch(Registration, "registrations_page", account_id, *place)
    else:
        rows = await ctx.store.fetch(Registration, "registrations_page_of_state", account_id, *place, state)
    return page(rows, paging, lambda row: row, lambda row: row.id)


async def update(
    ctx: Context, actor: str, registration_id: str, change: RegistrationChange, *, account_id: str
) -> Registration:
    """Change one. WhimbrelError: not_found, invalid_request, conflict."""
    row = await existing(ctx, registration_id, account_id)
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    if row.state not in EDITABLE and set(given) - {_KINDS_OF_SENDERS}:
        raise WhimbrelError("conflict", f"It is {row.state}: only its senders can be changed.")
    answers = given.pop("answers", {})
    if answers:
        given["answers"] = _encode(_given(answers_of(row) | answers)).decode()
    if "senders" in given:
        given["senders"] = tuple(dict.fromkeys(given["senders"]))
    changed = msgspec.structs.replace(row, **given)
    await _check(ctx, regimes()[row.regime], changed, answers_of(changed))
    return await store(ctx, actor, row, changed, "updated", fields=sorted([*given]))


async def submit(ctx: Context, actor: str, registration_id: str, *, account_id: str) -> Registration:
    """Hand it to the operator. WhimbrelError: not_found, conflict, registration_incomplete."""
    row, papers = await get(ctx, registration_id, account_id=account_id)
    if row.state not in EDITABLE:
        raise WhimbrelError("conflict", f"It is {row.state}.")
    regime = regimes()[row.regime]
    await _check(ctx, regime, row, answers_of(row))
    lacking = lacks(regime, row, answers_of(row), [paper.purpose for paper in papers])
    if lacking:
        raise WhimbrelError(
            "registration_incomplete", errors=[FieldError(_pointer(p.field), p.detail) for p in lacking]
        )
    changed = msgspec.structs.replace(row, state="submitted", reason="", submitted_at=ctx.clock.now_us())
    return await store(ctx, actor, row, changed, "submitted")


async def delete(ctx: Context, actor: str, registration_id: str, *, account_id: str) -> None:
    """Forget it with its papers; senders count as registered by it no more. WhimbrelError: not_found, in_use."""
    async with ctx.lock:
        row = await existing(ctx, registration_id, account_id)
        under = await ctx.store.fetch(Registration, "registrations_under", row.id, account_id)
        if under:
            raise WhimbrelError("in_use", f"The registration {under[0].id} stands under it.")
        gone = msgspec.structs.replace(row, seq=row.seq + 1)
        writes = [
            Write("registration_delete", ((row.id,),)),
            Write("documents_delete", ((row.id, account_id),)),
            *told(ctx, actor, gone, "deleted"),
        ]
        await ctx.store.write(writes)
    await ctx.tables.refresh("senders")


async def add_document(
    ctx: Context, actor: str, registration_id: str, request: NewDocument, *, account_id: str
) -> DocumentView:
    """A paper of a draft. WhimbrelError: not_found, conflict, invalid_request, document_limit, body_too_large."""
    row = await existing(ctx, registration_id, account_id)
    if row.state not in EDITABLE:
        raise WhimbrelError("conflict", f"It is {row.state}: its papers stay as they are.")
    known = {paper.name for paper in regimes()[row.regime].documents}
    checks = Checks()
    checks.require(not request.purpose or request.purpose in known, "/purpose", f"must be one of {', '.join(known)}")
    checks.done()
    return await documents.add(ctx, actor, row.id, request, account_id=account_id)


async def drop_document(ctx: Context, actor: str, document_id: str, *, account_id: str) -> None:
    """Take a paper away, while its registration may be changed. WhimbrelError: not_found, conflict."""
    paper = await documents.existing(ctx, document_id, account_id)
    rows = await ctx.store.fetch(Registration, "registration_by_id", paper.subject_id, account_id)
    if rows and rows[0].state not in EDITABLE:
        raise WhimbrelError("conflict", f"The registration is {rows[0].state}: its papers stay as they are.")
    await documents.delete(ctx, actor, document_id, account_id=account_id)


# ---------------------------------------------------------------- parts of them


async def existing(ctx: Context, registration_id: str, account_id: str) -> Registration:
    """The row; `not_found`."""
    return await one(ctx, Registration, "registration_by_id", registration_id, account_id)


async def store(
    ctx: Context, actor: str, row: Registration, changed: Registration, verb: str, **facts: Any
) -> Registration:
    """Write what was decided upon `row`, unless somebody has changed it since: then `conflict`."""
    changed = msgspec.structs.replace(changed, seq=row.seq + 1, updated_at=ctx.clock.now_us())
    columns = to_columns(changed)
    taken = Write(
        "registration_update", ((row.id, row.seq, *columns[3:15], columns[16]),)
    )  # from `country` to `expires_at`, and `updated_at`
    if not await ctx.store.turn(taken, told(ctx, actor, changed, verb, **facts)):
        raise WhimbrelError("conflict", "Somebody else has just changed the registration: read it again.")
    await ctx.tables.refresh("senders")
    return changed


def told(ctx: Context, actor: str, row: Registration, verb: str, **facts: Any) -> list[Write]:
    """The event and the entry in the audit log of a change."""
    kind = f"registration.{verb}"
    data = {"id": row.id, "regime": row.regime, "country": row.country, "state": row.state, **facts}
    event = (row.account_id, 0, row.id, row.seq, kind, _encode(data).decode(), 0, ctx.clock.now_us())
    return [
        Write("event_insert", (event,)),
        audit.entry(ctx, actor, kind, row.id, row.account_id, regime=row.regime, **facts),
    ]


def _given(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answers.items() if value is not None}


async def _check(ctx: Context, regime: Regime, row: Registration, answers: Mapping[str, Any]) -> None:
    checks = Checks()
    checks.text(row.name, "/name")
    checks.require(not (regime.countries and row.country), "/country", "is set by the regime")
    if row.country and not regime.countries:
        checks.country(row.country, "/country")
    for problem in wrong_answers(regime.fields, answers):
        checks.require(False, f"/answers/{problem.field}", problem.detail)
    checks.require(not row.senders or bool(regime.kinds), "/senders", "are of what stands under it")
    checks.done()
    await _check_senders(ctx, regime, row)
    await _check_parent(ctx, regime, row)


async def _check_senders(ctx: Context, regime: Regime, row: Registration) -> None:
    if not row.senders:
        return
    own = {each.id: each for each in await ctx.store.fetch(Sender, "senders_of_account", row.account_id)}
    checks = Checks()
    for place, sender_id in enumerate(row.senders):
        sender = own.get(sender_id)
        checks.require(sender is not None, f"/senders/{place}", "is no sender of the account")
        fits = sender is None or sender.kind in regime.kinds
        checks.require(fits, f"/senders/{place}", f"must be of {', '.join(regime.kinds)}")
    checks.done()


async def _check_parent(ctx: Context, regime: Regime, row: Registration) -> None:
    if row.parent_id is None:
        return
    found: Sequence[Registration] = await ctx.store.fetch(
        Registration, "registration_by_id", row.parent_id, row.account_id
    )
    checks = Checks()
    fits = bool(found) and bool(regime.parent) and found[0].regime == regime.parent
    checks.require(
        fits, "/parent_id", f"must be a registration of {regime.parent}" if regime.parent else "has no place"
    )
    checks.done()


def _pointer(field: str) -> str:
    return f"/{field}" if field in ("senders", "country", "parent_id") or "/" in field else f"/answers/{field}"
