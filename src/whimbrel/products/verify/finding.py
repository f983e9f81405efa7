"""Verifications as they are looked for: those of a service, by number, by how they stand, by country."""

from typing import Final

import msgspec

from whimbrel.base.limits import MESSAGES_SCAN_MAX
from whimbrel.domain.verify import Verification
from whimbrel.manage.context import NEWEST, Context, Page, Paging, after, cursor_of
from whimbrel.products.verify.recipients import recipient_of
from whimbrel.store.interface import Stretch

JUST_AFTER: Final = "~"  # ids are all of one length: what is an id and more comes right after it
_SCAN_FIRST: Final = 4  # pages that are looked through at first: most searches find enough there


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which ones; what is empty does not narrow."""

    to: str = ""
    status: str = ""
    country: str = ""


async def find(
    ctx: Context, account_id: str, service_id: str, wanted: Wanted, paging: Paging, *, test: bool
) -> Page[Verification]:
    """A page of a service's, from either end. By status or country one answer looks through so many and no more: a page
    may be short or empty while there is a cursor. WhimbrelError: invalid_number, invalid_cursor."""
    place = (account_id, service_id, int(test))
    narrow = (wanted.status, wanted.country.upper())
    reached, most = after(paging), paging.limit + 1
    if wanted.to:
        hashed = recipient_of(wanted.to).hashed(ctx.vault)
        statement = paging.of("verifications_to_number", "verifications_to_number_oldest")
        rows = await ctx.store.fetch(Verification, statement, *place, hashed, reached, *narrow, most)
        return _page(rows, paging.limit, "")
    statement = paging.of("verifications_of_service", "verifications_of_service_oldest")
    if not any(narrow):
        between = _between(paging, reached)
        return _page(await ctx.store.fetch(Verification, statement, *place, *between, *narrow, most), paging.limit, "")
    stretches, rows = paging.of("verifications_stretch", "verifications_stretch_oldest"), []
    for scan in (_SCAN_FIRST * paging.limit, MESSAGES_SCAN_MAX):
        (stretch,) = await ctx.store.fetch(Stretch, stretches, *place, reached, scan)
        between = _between(paging, reached, stretch.first_id)
        rows += await ctx.store.fetch(Verification, statement, *place, *between, *narrow, most - len(rows))
        reached = "" if stretch.count < scan else stretch.first_id
        if not reached or len(rows) >= most:
            break
    return _page(rows, paging.limit, reached)


def _between(paging: Paging, reached: str, end: str | None = None) -> tuple[str, str]:
    """The bounds of a read that goes on from `reached` (itself left out) to `end` and with it: before which id, and
    from which on."""
    if paging.order == "desc":
        return reached, end or ""
    return NEWEST if end is None else end + JUST_AFTER, reached + JUST_AFTER if reached else ""


def _page(rows: list[Verification], limit: int, looked_to: str) -> Page[Verification]:
    """`looked_to`: where the search goes on when these are all; empty: nowhere."""
    shown = rows[:limit]
    following = shown[-1].id if len(rows) > limit else looked_to
    return Page(tuple(shown), cursor_of(following) if following else None)
