"""Short links are made, looked at, changed and removed; those of texts too, which accept made."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET

from whimbrel.base import ids, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.links import BadTarget, Click, Figures, Link, LinkSettings, NewLink, target_of
from whimbrel.journey.shorten import Shorten
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page, Paging, after, commit, page
from whimbrel.products.links.shapes import (
    ClickView,
    FiguresView,
    LinkChange,
    LinkSettingsChange,
    LinkSettingsView,
    LinkView,
    NewLinkRequest,
    click_view,
    figures_view,
    settings_view,
    view,
)
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_TRIES: Final = 5


class _Code(msgspec.Struct, frozen=True, gc=False):
    """A row of `links_codes_taken`."""

    code: str


async def create(
    ctx: Context, shorten: Shorten, actor: str, request: NewLinkRequest, *, account_id: str, test: bool
) -> LinkView:
    """A new link. WhimbrelError: links_not_configured, invalid_link, invalid_request."""
    await accounts.existing(ctx, account_id)
    checks = Checks()
    for name in ("name", "group_id", "variant"):
        checks.text(getattr(request, name), f"/{name}", empty=True)
    expires_at = _moment(checks, request.expires_at)
    checks.done()
    made = await _new(ctx, shorten, account_id, request.url)
    now = ctx.clock.now_us()
    link = Link(
        ctx.ids.new(ids.LINK),
        made.code,
        account_id,
        test,
        None,
        made.target,
        made.base,
        request.name,
        request.group_id,
        request.variant,
        now,
        expires_at,
    )
    entry = audit.entry(ctx, actor, "link.created", link.id, account_id)
    await commit(ctx, [Write("link_insert", (to_columns(link),)), entry])
    return view(link, now)


async def _new(ctx: Context, shorten: Shorten, account_id: str, url: str) -> NewLink:
    """A link with a code that no other one has."""
    base_url = shorten.base_url(account_id)
    if not base_url:
        raise WhimbrelError("links_not_configured")
    for _ in range(_TRIES):
        try:
            made = shorten.new(account_id, url, base_url)
        except BadTarget as error:
            raise _bad(error) from None
        if not await ctx.store.fetch(_Code, "links_codes_taken", [made.code]):
            return made
    raise WhimbrelError("overloaded", retry_after_s=1)


async def find(ctx: Context, paging: Paging, *, account_id: str, test: bool) -> Page[LinkView]:
    """A page of an account's links."""
    statement = paging.of("links_page", "links_page_oldest")
    rows = await ctx.store.report(account_id, Link, statement, account_id, int(test), after(paging), paging.limit + 1)
    now = ctx.clock.now_us()
    return page(rows, paging, lambda link: view(link, now), lambda link: link.id)


async def of_message(ctx: Context, message_id: str, *, account_id: str, test: bool) -> Page[LinkView]:
    """The links that stand in a message's text; not_found."""
    found = await ctx.store.messages([message_id])
    if not found or (found[0].account_id, found[0].test) != (account_id, test):
        raise WhimbrelError("not_found")
    rows = await of_messages(ctx, [message_id], account_id=account_id)
    return Page(tuple(view(row, ctx.clock.now_us()) for row in rows))


async def of_messages(ctx: Context, message_ids: Sequence[str], *, account_id: str) -> list[Link]:
    """The same of many, with their clicks: who opened something."""
    return await ctx.store.fetch(Link, "links_of_messages", account_id, list(message_ids))


async def get(ctx: Context, link_id: str, *, account_id: str, test: bool) -> LinkView:
    """One of them; not_found."""
    return view(await existing(ctx, link_id, account_id=account_id, test=test), ctx.clock.now_us())


async def update(
    ctx: Context, actor: str, link_id: str, change: LinkChange, *, account_id: str, test: bool
) -> LinkView:
    """Let a link lead elsewhere, or end. WhimbrelError: not_found, invalid_link, invalid_request."""
    async with ctx.lock:
        before = await existing(ctx, link_id, account_id=account_id, test=test)
        checks = Checks()
        name = before.name if change.name is UNSET else change.name
        checks.text(name, "/name", empty=True)
        expires_at = before.expires_at if change.expires_at is UNSET else _moment(checks, change.expires_at)
        checks.done()
        try:
            target = before.target if change.url is UNSET else target_of(change.url)
        except BadTarget as error:
            raise _bad(error) from None
        fields = sorted(field for field in ("url", "name", "expires_at") if getattr(change, field) is not UNSET)
        entry = audit.entry(ctx, actor, "link.updated", link_id, account_id, fields=fields)
        await commit(ctx, [Write("link_update", ((link_id, target, name, expires_at),)), entry])
    after_change = msgspec.structs.replace(before, target=target, name=name, expires_at=expires_at)
    return view(after_change, ctx.clock.now_us())


async def delete(ctx: Context, actor: str, link_id: str, *, account_id: str, test: bool) -> None:
    """Remove a link with its clicks; whoever opens it is told that there is none."""
    await existing(ctx, link_id, account_id=account_id, test=test)
    writes = [Write(name, ((link_id,),)) for name in ("link_clicks_delete", "link_conversions_delete", "link_delete")]
    await commit(ctx, [*writes, audit.entry(ctx, actor, "link.deleted", link_id, account_id)])


async def clicks(ctx: Context, link_id: str, paging: Paging, *, account_id: str, test: bool) -> Page[ClickView]:
    """A page of a link's clicks."""
    await existing(ctx, link_id, account_id=account_id, test=test)
    statement = paging.of("link_clicks_page", "link_clicks_page_oldest")
    rows = await ctx.store.report(account_id, Click, statement, account_id, link_id, after(paging), paging.limit + 1)
    return page(rows, paging, click_view, lambda click: click.id)


async def figures(ctx: Context, group_id: str, *, account_id: str, test: bool) -> Page[FiguresView]:
    """What the links of a group brought, by variant."""
    rows = await ctx.store.fetch(Figures, "link_figures_of", account_id, int(test), group_id)
    return Page(tuple(figures_view(row) for row in rows))


async def existing(ctx: Context, link_id: str, *, account_id: str, test: bool) -> Link:
    """The link's row; `not_found`."""
    rows = await ctx.store.fetch(Link, "links_by_ids", account_id, int(test), [link_id])
    if not rows:
        raise WhimbrelError("not_found")
    return rows[0]


# ---------------------------------------------------------------- what an account wants


def settings(shorten: Shorten, *, account_id: str) -> LinkSettingsView:
    """What holds for an account's links."""
    return settings_view(shorten.settings(account_id), shorten.base_url(account_id))


async def change_settings(
    ctx: Context, shorten: Shorten, actor: str, change: LinkSettingsChange, *, account_id: str, by_operator: bool
) -> LinkSettingsView:
    """Change it. Only the operator sets a domain, who lets a proxy hand it to us. WhimbrelError: forbidden, conflict,
    invalid_request."""
    await accounts.existing(ctx, account_id)
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    if "base_url" in given and not by_operator:
        raise WhimbrelError("forbidden", "The operator sets the domain of links, and lets it lead here.")
    if "base_url" in given:
        given["base_url"] = _base_url(given["base_url"] or "")
    async with ctx.lock:
        wanted = msgspec.structs.replace(shorten.settings(account_id), **given)
        await _write(ctx, actor, account_id, wanted, sorted(given))
    return settings(shorten, account_id=account_id)


async def _write(ctx: Context, actor: str, account_id: str, wanted: LinkSettings, fields: list[str]) -> None:
    host = urlsplit(wanted.base_url).netloc.lower() or None
    rows = await ctx.store.fetch(_Hosted, "link_settings_all")
    if host is not None and any(row.host == host and row.account_id != account_id for row in rows):
        raise WhimbrelError("conflict", "Another account has its links below this host.")
    row = (account_id, host, msgspec.json.encode(wanted).decode(), ctx.clock.now_us())
    entry = audit.entry(ctx, actor, "link_settings.updated", account_id, account_id, fields=fields)
    await commit(ctx, [Write("link_settings_put", (row,)), entry], "link_settings")


class _Hosted(msgspec.Struct, frozen=True, gc=False):
    """A row of `link_settings_all`."""

    account_id: str
    host: str | None
    document: str


def _base_url(text: str) -> str:
    """Without a slash at its end."""
    parts = urlsplit(text)
    checks = Checks()
    good = parts.scheme in ("http", "https") and bool(parts.netloc) and "@" not in parts.netloc
    checks.require(not text or (good and not parts.query and not parts.fragment), "/base_url", "must be an address")
    checks.require(len(text) <= 200 and text.isprintable() and " " not in text, "/base_url", "must be an address")
    checks.done()
    return text.rstrip("/")


def _moment(checks: Checks, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return moments.from_text(text)
    except ValueError:
        checks.require(False, "/expires_at", "must be a moment of RFC 3339")
        return None


def _bad(error: BadTarget) -> WhimbrelError:
    return WhimbrelError("invalid_link", str(error), errors=[FieldError("/url", str(error), "invalid_link")])
