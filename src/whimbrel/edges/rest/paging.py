"""Query parameters of lists, as `manage` takes them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.manage.context import Paging

Limit = Annotated[int, Meta(ge=1, le=limits.PAGE_MAX, description=f"Rows at most, 1 to {limits.PAGE_MAX:,}.")]
Cursor = Annotated[str | None, Meta(description="`next_cursor` of the page before.")]


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page of a list."""

    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT

    def paging(self) -> Paging:
        """The same in the words of `manage`."""
        return Paging(self.cursor, self.limit)
