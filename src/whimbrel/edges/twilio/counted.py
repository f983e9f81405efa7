"""Pages of version 2010 that count from the first record, of lists that are short enough to be read whole."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from whimbrel.base import limits
from whimbrel.edges.twilio.forms import wrong
from whimbrel.edges.twilio.listing import Query, query_of, whole
from whimbrel.edges.twilio.routes import Request

T = TypeVar("T")


def size_and_number(query: Query) -> tuple[int, int]:
    """Which page is asked for: how many records it has at most, and its number from 0. Raises what `wrong` makes."""
    size = whole(query, "PageSize", limits.PAGE_DEFAULT)
    if not 1 <= size <= limits.PAGE_MAX:
        raise wrong("PageSize", f"PageSize is 1 to {limits.PAGE_MAX:,}.")
    return size, whole(query, "Page", 0)


def page(
    request: Request, filters: Sequence[str], key: str, found: Sequence[T], record: Callable[[T], object]
) -> dict[str, Any]:
    """A page of what was found; pages beside it go on with the same filters. `key` is its only member beside those that
    turn pages: the SDKs take away those that they know, and need exactly one to be left."""
    query = query_of(request)
    size, number = size_and_number(query)
    start = number * size
    shown = [record(each) for each in found[start : start + size]]
    kept = [(name, query[name]) for name in filters if query.get(name)]

    def uri(page: int) -> str:
        return f"{request.path}?{urlencode([*kept, ('PageSize', str(size)), ('Page', str(page))])}"

    return {
        "end": start + max(len(shown) - 1, 0),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1) if len(found) > start + size else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": uri(number - 1) if number else None,
        "start": start,
        "uri": uri(number),
        key: shown,
    }
