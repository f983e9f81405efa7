"""The templates of an account: made as drafts, changed, archived, deleted. What was published is in `versions.py`."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from whimbrel.base import ids, limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.templates.checks import checked
from whimbrel.domain.templates.document import Content, Template, TemplateStatus, TemplateVersion
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, cursor_of
from whimbrel.products.templates.shapes import (
    NewTemplate,
    TemplateChange,
    TemplateView,
    content_of,
    plain_content,
    template_view,
)
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

KIND: Final = "templates"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?").fullmatch
_encode = msgspec.json.Encoder().encode


class _Count(msgspec.Struct, frozen=True, gc=False):
    templates: int


async def create(ctx: Context, actor: str, request: NewTemplate, *, account_id: str) -> Template:
    """Keep a template as a draft. WhimbrelError: invalid_request, conflict, too_many_templates."""
    content = sound(plain_content(request))
    now = ctx.clock.now_us()
    row = Template(
        id=ctx.ids.new(ids.TEMPLATE),
        account_id=account_id,
        name=request.name,
        description=request.description,
        status="active",
        draft=document(content),
        newest=0,
        live=None,
        seq=1,
        created_at=now,
        updated_at=now,
    )
    _check_words(row.name, row.description)
    await accounts.existing(ctx, account_id)
    async with ctx.lock:
        counted = await ctx.store.fetch(_Count, "templates_count", account_id)
        if counted[0].templates >= limits.TEMPLATES_PER_ACCOUNT:
            raise WhimbrelError("too_many_templates")
        await _check_free(ctx, row)
        writes = [Write("template_insert", (to_columns(row),)), *told(ctx, actor, row, "template.created")]
        await commit(ctx, writes, KIND)
    return row


async def view(ctx: Context, row: Template) -> TemplateView:
    """The public shape of a row."""
    return (await views(ctx, [row]))[0]


async def views(ctx: Context, rows: Sequence[Template]) -> list[TemplateView]:
    """The public shapes, in order."""
    published = [row.id for row in rows if row.newest]
    found = await ctx.store.fetch(TemplateVersion, "template_versions_newest", published) if published else []
    newest = {version.template_id: version for version in found}
    return [template_view(row, newest.get(row.id)) for row in rows]


async def existing(ctx: Context, ref: str, account_id: str) -> Template:
    """A template by name or id; not_found where it is not the account's."""
    statement = "template_by_id" if ids.is_id(ref, ids.TEMPLATE) else "template_by_name"
    rows = await ctx.store.fetch(Template, statement, ref, account_id)
    if not rows:
        raise WhimbrelError("not_found")
    return rows[0]


async def find(
    ctx: Context, *, account_id: str, status: str = "", prefix: str = "", paging: Paging = FIRST_PAGE
) -> Page[TemplateView]:
    """Those of an account, by name."""
    place = after(paging, "")
    rows = await ctx.store.fetch(Template, "templates_page", account_id, place, status, prefix, paging.limit + 1)
    shown = rows[: paging.limit]
    following = cursor_of(shown[-1].name) if len(rows) > paging.limit else None
    return Page(tuple(await views(ctx, shown)), following)


class _Name(msgspec.Struct, frozen=True):
    name: str


async def usable(ctx: Context, *, account_id: str) -> tuple[str, ...]:
    """Names of those of which messages can be made, for a choice: without what they say, which is most of them."""
    rows = await ctx.store.fetch(_Name, "templates_usable", account_id, limits.TEMPLATES_PER_ACCOUNT)
    return tuple(row.name for row in rows)


async def update(ctx: Context, actor: str, ref: str, change: TemplateChange, *, account_id: str) -> TemplateView:
    """Change name, description and draft. WhimbrelError: not_found, invalid_request, conflict."""
    async with ctx.lock:
        row = await existing(ctx, ref, account_id)
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
        changed = msgspec.structs.replace(
            row,
            name=given.get("name", row.name),
            description=given.get("description", row.description),
            draft=await _drafted(ctx, row, given),
            updated_at=ctx.clock.now_us(),
        )
        _check_words(changed.name, changed.description)
        writes = [Write("template_draft", ((row.id, changed.description, changed.draft, changed.updated_at),))]
        if changed.name != row.name:
            await _check_free(ctx, changed)
            writes.append(Write("template_status", ((row.id, changed.name, row.status, changed.updated_at),)))
        entry = audit.entry(ctx, actor, "template.updated", row.id, account_id, fields=sorted(given))
        await change_row(ctx, row, [*writes, entry])
    return await view(ctx, changed)


async def _drafted(ctx: Context, row: Template, given: dict[str, object]) -> str | None:
    """The draft with what was given; None where it says what the newest version says."""
    fields = {name: value for name, value in given.items() if name in Content.__struct_fields__}
    if not fields:
        return row.draft
    draft = document(sound(msgspec.structs.replace(await content(ctx, row), **fields)))
    newest = await newest_version(ctx, row)
    return None if newest is not None and newest.content == draft else draft


async def content(ctx: Context, row: Template) -> Content:
    """What is worked on: the draft, or the newest version."""
    if row.draft is not None:
        return content_of(row.draft)
    newest = await newest_version(ctx, row)
    assert newest is not None, "a template without a version has a draft"
    return content_of(newest.content)


async def newest_version(ctx: Context, row: Template) -> TemplateVersion | None:
    """The newest version, None while there is none."""
    if not row.newest:
        return None
    return (await ctx.store.fetch(TemplateVersion, "template_version", row.id, row.newest))[0]


async def set_status(ctx: Context, actor: str, ref: str, status: TemplateStatus, *, account_id: str) -> TemplateView:
    """Archive a template, so that no message is made of it, or bring it back."""
    kind = "template.archived" if status == "archived" else "template.restored"
    async with ctx.lock:
        row = await existing(ctx, ref, account_id)
        if row.status == status:
            return await view(ctx, row)
        changed = msgspec.structs.replace(row, status=status, updated_at=ctx.clock.now_us())
        write = Write("template_status", ((row.id, row.name, status, changed.updated_at),))
        await change_row(ctx, row, [write, *told(ctx, actor, changed, kind)])
    return await view(ctx, changed)


async def delete(ctx: Context, actor: str, ref: str, *, account_id: str) -> None:
    """Forget a template that no message is made of: one that was never published, or that is archived. Messages keep
    its name and version. WhimbrelError: not_found, in_use."""
    async with ctx.lock:
        row = await existing(ctx, ref, account_id)
        if row.newest and row.status != "archived":
            raise WhimbrelError("in_use", "Messages are made of it: archive it first.")
        writes = [
            *told(ctx, actor, row, "template.deleted"),
            Write("template_versions_delete", ((row.id,),)),
            Write("template_delete", ((row.id,),)),
        ]
        await change_row(ctx, row, writes)


async def change_row(ctx: Context, row: Template, writes: Sequence[Write]) -> None:
    """Write what was decided upon this row, in one commit, unless somebody at another node has changed it since: then
    `conflict`."""
    taken = Write("template_take", ((row.id, row.seq),))
    if not await ctx.store.turn(taken, writes):
        raise WhimbrelError("conflict", "Somebody else has just changed the template: read it again.")
    await ctx.tables.refresh(KIND)


def told(ctx: Context, actor: str, row: Template, kind: str, **facts: object) -> list[Write]:
    """The writes by which a change that has just been written gets its event and its entry in the audit log."""
    now = ctx.clock.now_us()
    data = _encode({"name": row.name, **facts}).decode()
    return [
        Write("template_event", ((row.id, kind, data, now),)),
        audit.entry(ctx, actor, kind, row.id, row.account_id, name=row.name, **facts),
    ]


def sound(content: Content) -> Content:
    """The content in its canonical form; invalid_request with all that is wrong."""
    made, errors = checked(content)
    if errors:
        first = errors[0]
        raise WhimbrelError("invalid_request", f"`{first.pointer.removeprefix('/')}` {first.detail}.", errors=errors)
    return made


def document(content: Content) -> str:
    """As it is stored."""
    return _encode(content).decode()


def _check_words(name: str, description: str) -> None:
    checks = Checks()
    checks.require(
        bool(_NAME(name)), "/name", "must be small letters, digits, -, _ and ., beginning and ending with none of these"
    )
    checks.text(description, "/description", empty=True)
    checks.done()


async def _check_free(ctx: Context, row: Template) -> None:
    others = await ctx.store.fetch(Template, "template_by_name", row.name, row.account_id)
    if any(other.id != row.id for other in others):
        raise WhimbrelError("conflict", errors=[FieldError("/name", "is the name of another template")])
