"""Verifications as they are looked for: those of a service, by number, by how they stand, by country."""

from typing import Final

import msgspec

from whimbrel.base.limits import MESSAGES_SCAN_MAX
from whimbrel.domain.verify import Verification
from whimbrel.manage.context import Context, Page, Paging, after, cursor_of
from whimbrel.products.verify.recipients import recipient_of
from whimbrel.store.interface import Stretch

_SCAN_FIRST: Final = 4  # pages that are looked through at first: most searches find enough there


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which ones; what is empty does not narrow."""

    to: str = ""
    status: str = ""
    country: str = ""


async def find(
    ctx: Context, account_id: str, service_id: str, wanted: Wanted, paging: Paging, *, test: bool
) -> Page[Verification]:
    """A page of a service's, newest first. By status or country one answer looks through so many and no more: a page
    may be short or empty while there is a cursor. WhimbrelError: invalid_number, invalid_cursor."""
    place = (account_id, service_id, int(test))
    narrow = (wanted.status, wanted.country.upper())
    before_id, most = after(paging), paging.limit + 1
    if wanted.to:
        hashed = recipient_of(wanted.to).hashed(ctx.vault)
        rows = await ctx.store.fetch(Verification, "verifications_to_number", *place, hashed, before_id, *narrow, most)
        return _page(rows, paging.limit, "")
    if not any(narrow):
        rows = await ctx.store.fetch(Verification, "verifications_of_service", *place, before_id, "", *narrow, most)
        return _page(rows, paging.limit, "")
    rows = []
    for scan in (_SCAN_FIRST * paging.limit, MESSAGES_SCAN_MAX):
        (stretch,) = await ctx.store.fetch(Stretch, "verifications_stretch", *place, before_id, scan)
        between = (before_id, stretch.first_id)
        rows += await ctx.store.fetch(
            Verification, "verifications_of_service", *place, *between, *narrow, most - len(rows)
        )
        before_id = "" if stretch.count < scan else stretch.first_id
        if not before_id or len(rows) >= most:
            break
    return _page(rows, paging.limit, before_id)


def _page(rows: list[Verification], limit: int, looked_to: str) -> Page[Verification]:
    """`looked_to`: where the search goes on when these are all; empty: nowhere."""
    shown = rows[:limit]
    following = shown[-1].id if len(rows) > limit else looked_to
    return Page(tuple(shown), cursor_of(following) if following else None)
