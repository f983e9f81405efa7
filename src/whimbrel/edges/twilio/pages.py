"""Pages of lists in the form of version 2: the records under a name of their own, and a `meta` with URLs. A `PageToken`
holds the place after which a page begins, so that it stays what it is while rows come in; a bare `Page` counts from the
first row, and reaches only so far.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from whimbrel.base import limits
from whimbrel.edges.twilio.forms import wrong
from whimbrel.edges.twilio.listing import Query, whole
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.manage.context import Paging

REACH: Final = limits.PAGE_MAX  # rows up to the end of a page that a bare `Page` may name: they are read to be skipped
_TOKEN: Final = "PA"  # noqa: S105 - how a token for the following page begins
_encode = msgspec.json.Encoder().encode


class Turn(msgspec.Struct, frozen=True, gc=False):
    """Which page is asked for; `cursor` is one of `manage`."""

    page: int
    size: int
    cursor: str | None = None

    @property
    def skipped(self) -> int:
        """How many rows stand before the page and are read with it."""
        return 0 if self.cursor else self.page * self.size

    @property
    def paging(self) -> Paging:
        """What to read."""
        return Paging(self.cursor, self.skipped + self.size)


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """Where the pages are. Each member has to be there: some SDKs fail where one is not."""

    page: int
    page_size: int
    first_page_url: str
    previous_page_url: str | None
    url: str
    next_page_url: str | None
    key: str


def turn(query: Query) -> Turn:
    """The page that a query asks for."""
    size, number = whole(query, "PageSize", limits.PAGE_DEFAULT), whole(query, "Page", 0)
    if not 1 <= size <= limits.PAGE_MAX:
        raise wrong("PageSize", f"PageSize is 1 to {limits.PAGE_MAX:,}.")
    token = query.get("PageToken", "")
    if token:
        if not token.startswith(_TOKEN) or token == _TOKEN:
            raise wrong("PageToken", "PageToken is not one of ours.")
        return Turn(number, size, token.removeprefix(_TOKEN))
    if (number + 1) * size > REACH:
        raise wrong("Page", "Page: follow next_page_url to go on from here.")
    return Turn(number, size)


def reply(
    request: Request,
    at: Turn,
    key: str,
    records: Sequence[Any],
    *,
    following: str | None = None,
    kept: Sequence[tuple[str, str]] = (),
) -> Reply:
    """A page. `following`: the cursor of the one after it, `kept`: the filters that it goes on with."""
    here = request.base_url + request.path

    def url(number: int, cursor: str | None = None) -> str:
        pairs = [*kept, ("PageSize", str(at.size)), ("Page", str(number))]
        if cursor:
            pairs.append(("PageToken", _TOKEN + cursor))
        return f"{here}?{urlencode(pairs)}"

    meta = Meta(
        page=at.page,
        page_size=at.size,
        first_page_url=url(0),
        previous_page_url=url(at.page - 1) if at.page and at.page * at.size <= REACH else None,
        url=url(at.page, at.cursor),
        next_page_url=url(at.page + 1, following) if following else None,
        key=key,
    )
    return Reply(_encode({"meta": meta, key: records}))
