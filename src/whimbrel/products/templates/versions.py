"""What was published of a template: each version stays as it is, and is used once it is approved.

Who has to approve is a setting of the installation: nobody (then a version is approved as it is published), somebody of
the account with the scope `templates:approve`, or the operator.
"""

import re
from typing import Final

import msgspec

from whimbrel.base import limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.model import Sender
from whimbrel.domain.numbers import normalise
from whimbrel.domain.senders import kind_of
from whimbrel.domain.templates.document import Approval, Content, Template, TemplateVersion
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, after_position, page
from whimbrel.products.templates.keeping import (
    change_row,
    content,
    document,
    existing,
    newest_version,
    sound,
    told,
    view,
)
from whimbrel.products.templates.shapes import TemplateView, VersionView, version_view
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_NUMBER: Final = re.compile(r"[0-9]{1,18}").fullmatch
_BEYOND: Final = limits.TEMPLATE_VERSIONS_MAX + 1


async def publish(ctx: Context, actor: str, ref: str, *, account_id: str) -> TemplateView:
    """Make the draft the next version. WhimbrelError: not_found, conflict (nothing has changed), invalid_request,
    too_many_templates."""
    async with ctx.lock:
        row = await existing(ctx, ref, account_id)
        draft = sound(await content(ctx, row))  # what was right when it was written may not be any more
        await _check_sender(ctx, draft, account_id)
        newest = await newest_version(ctx, row)
        if newest is not None and newest.content == document(draft):
            raise WhimbrelError("conflict", f"Nothing has changed since version {row.newest}.")
        if row.newest >= limits.TEMPLATE_VERSIONS_MAX:
            raise WhimbrelError("too_many_templates")
        now = ctx.clock.now_us()
        approval: Approval = "approved" if ctx.template_approval == "none" else "pending"
        version = TemplateVersion(
            template_id=row.id,
            number=row.newest + 1,
            account_id=account_id,
            content=document(draft),
            approval=approval,
            reason="",
            decided_by="",
            decided_at=None,
            published_by=actor,
            created_at=now,
        )
        writes = [
            Write("template_version_insert", (to_columns(version),)),
            Write("template_settle", ((row.id, None, now),)),
            *told(ctx, actor, row, "template.published", version=version.number, approval=approval),
        ]
        await change_row(ctx, row, writes)
    return await view(ctx, await existing(ctx, row.id, account_id))


async def _check_sender(ctx: Context, draft: Content, account_id: str) -> None:
    if draft.sender is None:
        return
    own = await ctx.store.fetch(Sender, "senders_of_account", account_id)
    number = normalise(draft.sender) if kind_of(draft.sender) != "alphanumeric" else None
    wanted = number.e164 if number else draft.sender
    if not any(sender.value == wanted for sender in own):
        raise WhimbrelError("invalid_request", errors=[FieldError("/sender", "is no sender of the account")])


async def find(ctx: Context, ref: str, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[VersionView]:
    """The versions of a template, newest first."""
    row = await existing(ctx, ref, account_id)
    before = min(after_position(paging), _BEYOND)
    rows = await ctx.store.fetch(TemplateVersion, "template_versions_page", row.id, before, paging.limit + 1)
    return page(rows, paging, lambda version: version_view(version, row.live), lambda version: version.number)


async def get(ctx: Context, ref: str, number: str, *, account_id: str) -> VersionView:
    """One version. WhimbrelError not_found."""
    row = await existing(ctx, ref, account_id)
    return version_view(await _version(ctx, row, number), row.live)


class Decision(msgspec.Struct, frozen=True):
    """What somebody says to a version. `of_operator`: they work for the operator."""

    actor: str
    of_operator: bool
    approval: Approval
    reason: str = ""


async def decide(ctx: Context, decision: Decision, ref: str, number: str, *, account_id: str) -> VersionView:
    """Let messages be made of a version, or no more: then the newest one before it that is approved is used.
    WhimbrelError: not_found, forbidden."""
    if ctx.template_approval == "operator" and not decision.of_operator:
        raise WhimbrelError("forbidden", "Templates are approved by the operator here.")
    approval, reason = decision.approval, decision.reason
    async with ctx.lock:
        row = await existing(ctx, ref, account_id)
        version = await _version(ctx, row, number)
        if version.approval == approval and version.reason == reason:
            return version_view(version, row.live)
        now = ctx.clock.now_us()
        said = {"approval": approval, "reason": reason, "decided_by": decision.actor, "decided_at": now}
        decided = msgspec.structs.replace(version, **said)
        writes = [
            Write("template_version_decide", ((row.id, version.number, *said.values()),)),
            Write("template_settle", ((row.id, row.draft, now),)),
            *told(ctx, decision.actor, row, f"template.{approval}", version=version.number),
        ]
        await change_row(ctx, row, writes)
    settled = await existing(ctx, row.id, account_id)
    return version_view(decided, settled.live)


async def _version(ctx: Context, row: Template, number: str) -> TemplateVersion:
    is_number = number.isascii() and number.isdigit() and len(number) <= len(str(_BEYOND))
    rows = await ctx.store.fetch(TemplateVersion, "template_version", row.id, int(number)) if is_number else []
    if not rows:
        raise WhimbrelError("not_found")
    return rows[0]


async def pending(ctx: Context, *, account_id: str | None, paging: Paging = FIRST_PAGE) -> Page[VersionView]:
    """Versions that wait for approval, oldest first: of one account, or (None) of all."""
    place = after(paging, "0::0").split(":")
    if len(place) != len(("at", "template", "number")) or not all(map(_NUMBER, place[::2])):
        raise WhimbrelError("invalid_cursor")
    at, template_id, number = place
    rows = await ctx.store.fetch(
        TemplateVersion,
        "template_versions_pending",
        account_id,
        int(at),
        template_id,
        int(number),
        paging.limit + 1,
    )
    return page(rows, paging, version_view, lambda row: f"{row.created_at}:{row.template_id}:{row.number}")
