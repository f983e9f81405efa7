"""Saved views: the filters of a page under a name, each person's own."""

from urllib.parse import parse_qsl, urlencode

from whimbrel.base import ids, limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.people import SavedView
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, commit
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_PASSING = frozenset({"at", "cursor", "done", "deep"})
"""What says where somebody is in a list, and not which one it is."""


async def of(ctx: Context, user_id: str, page: str) -> tuple[SavedView, ...]:
    """Somebody's views of a page, oldest first."""
    rows = await ctx.store.fetch(SavedView, "saved_views_of", user_id)
    return tuple(row for row in rows if row.page == page)


async def save(ctx: Context, user_id: str, page: str, name: str, query: str) -> SavedView:
    """Keep the filters of an address's query. WhimbrelError: invalid_request."""
    checks = Checks()
    checks.text(name, "/name")
    checks.require(len(query) <= limits.URL_MAX, "/query", f"must have at most {limits.URL_MAX:,} characters")
    checks.done()
    kept = urlencode([(field, value) for field, value in parse_qsl(query) if field not in _PASSING])
    async with ctx.lock:
        own = await of(ctx, user_id, page)
        checks.require(name not in {view.name for view in own}, "/name", "is the name of another view")
        checks.require(
            len(own) < limits.SAVED_VIEWS_MAX, "/name", f"is one too many: {limits.SAVED_VIEWS_MAX} are kept"
        )
        checks.done()
        view = SavedView(ctx.ids.new(ids.SAVED_VIEW), user_id, page, name, kept, ctx.clock.now_us())
        await commit(ctx, [Write("saved_view_insert", (to_columns(view),))])
    return view


async def delete(ctx: Context, user_id: str, view_id: str) -> None:
    """Forget a view; not_found where it is not theirs."""
    (gone,) = await commit(ctx, [Write("saved_view_delete", ((view_id, user_id),))])
    if not gone:
        raise WhimbrelError("not_found")
