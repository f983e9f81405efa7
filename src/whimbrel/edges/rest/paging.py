"""Query parameters of lists, as `manage` takes them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.manage.context import Order, Paging

Limit = Annotated[int, Meta(ge=1, le=limits.PAGE_MAX, description=f"Rows at most, 1 to {limits.PAGE_MAX:,}.")]
Cursor = Annotated[str | None, Meta(description="`next_cursor` of the page before.")]

Ordered = Annotated[Order, Meta(description="desc: the newest first; asc: the oldest first.")]


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page of a list."""

    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT

    def paging(self) -> Paging:
        """The same in the words of `manage`."""
        return Paging(self.cursor, self.limit)


class HistoryQuery(PageQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """The same of a list that can be read from either end."""

    order: Ordered = "desc"

    def paging(self) -> Paging:
        return Paging(self.cursor, self.limit, self.order)
