"""One table for all lists of the console: headings that sort, columns to choose, a search, saved views, a file and
pages, every choice in the address. Of configuration the whole list is at hand, so it is sorted and searched by any
column; what happened grows without end and is read from either end, by time. A page never sorts only the rows that it
shows.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from whimbrel.base import limits
from whimbrel.domain.people import SavedView
from whimbrel.edges.console.request import Api, Request
from whimbrel.manage import preferences, saved_views

More = Mapping[str, Any]
"""What a page knows beside its rows, such as the names of carriers."""

ELEMENT: Final = "table"
"""The id of the element that a script puts another one in place of, where a page does not say otherwise."""
SORTED_MAX: Final = 5_000
"""Rows that are read to be sorted and searched: some 50 ms. Longer lists stand in the order of their operation."""
_DIGITS_MAX: Final = 7
_MADE: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}$|[0-9]{4}-[0-9]{2}-[0-9]{2}T")
"""An id or a moment: nobody looks for a digit in the middle of one."""
_ID: Final = r"[A-Za-z0-9._~@:+=-]{1,64}"


class Column(msgspec.Struct, frozen=True):
    """`name`: in the address, the file and the template of cells. `label`: its heading's key in the catalogue. `of`:
    what it holds of a row, for order, search and file: an attribute's path (the name itself, if empty), or a function
    of the row and of what the page knows. `usual`: shown to whom has not chosen; `css`: classes of its cells. By a
    column that holds nothing to compare nobody sorts (`sorts`)."""

    name: str
    label: str
    of: str | Callable[[Any, More], Any] = ""
    usual: bool = True
    css: str = ""
    sorts: bool = True

    def value(self, row: Any, more: More) -> Any:
        """What it holds of a row; None where that is nothing."""
        if callable(self.of):
            return self.of(row, more)
        found = row
        for name in (self.of or self.name).split("."):
            found = getattr(found, name) if found is not None else None
        return found


async def _nothing(request: Request) -> More:
    return {}


def _none(request: Request) -> Mapping[str, str]:
    return {}


def _own(request: Request) -> Api:
    return request.api


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is: `name` in preferences and saved views, `path` of its page, the template of its `cells`, its
    columns (the first is always shown), and the operation that reads it. `by`: of what happened, the column of time
    that the operation's order is of. `filters`: its parameters that stand in the address; `kept`: what else does.
    `acts`: rows end with buttons. `live_s`: how often rows are read anew. `target`: the element that holds it.
    `is_paged`: whether the operation takes a limit and a cursor. `fixed`: what the operation is asked beside that and
    the visitor does not choose. `more` and `api`: where they are not the usual."""

    name: str
    path: str
    cells: str
    columns: tuple[Column, ...]
    operation: str
    by: str = ""
    filters: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    acts: bool = False
    live_s: int = 0
    target: str = ELEMENT
    is_paged: bool = True
    fixed: Callable[[Request], Mapping[str, str]] = _none
    more: Callable[[Request], Awaitable[More]] = _nothing
    api: Callable[[Request], Api] = _own

    def is_place(self, address: str) -> bool:
        """Whether an address is one of its page."""
        pattern = re.sub(r"\\{\w+\\}", _ID, re.escape(self.path))
        return re.fullmatch(pattern, address) is not None

    @property
    def asked(self) -> tuple[str, ...]:
        """What may stand in the address: filters, search and order."""
        return (*self.kept, *self.filters, *(() if self.by else ("q",)), "sort")

    def address(self, request: Request) -> dict[str, str]:
        """What does."""
        return request.query.given(*self.asked)

    def query(self, request: Request, address: Mapping[str, str]) -> dict[str, str]:
        """The same for the operation."""
        asked = {name: value for name, value in address.items() if name in self.filters}
        asked.update(self.fixed(request))
        return asked | ({"order": "asc"} if self.by and address.get("sort") == self.by else {})


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A table as a page shows it. `columns`: those that are chosen. `sortable`: names of those that sort. `is_long`: it
    has more rows than are sorted."""

    table: Table
    place: str
    address: Mapping[str, str]
    rows: Sequence[Any]
    columns: tuple[Column, ...]
    possible: tuple[Column, ...]
    views: Sequence[SavedView]
    sortable: frozenset[str]
    next_url: str = ""
    is_long: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether anything is left out."""
        return any(name not in ("sort", *self.table.kept) for name in self.address)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return not self.rows and not self.is_narrow

    @property
    def query_text(self) -> str:
        """The address's query, as views are saved."""
        return urlencode(self.address)

    @property
    def span(self) -> int:
        """How many cells a row has."""
        return len(self.columns) + self.table.acts

    @property
    def clear_url(self) -> str:
        """The list without any filter."""
        return _link(self.place, {name: value for name, value in self.address.items() if name in self.table.kept})

    def link(self, tail: str = "", **more: str) -> str:
        """The address of the same, or of what stands below it, with more or (empty) without some."""
        return _link(self.place + tail, {**self.address, **more})

    def order(self, column: Column) -> str:
        """Of `aria-sort`; empty where a column does not sort."""
        if column.name not in self.sortable:
            return ""
        sort = self.address.get("sort", "")
        if sort.removeprefix("-") == column.name:
            return "descending" if sort.startswith("-") else "ascending"
        return "descending" if column.name == self.table.by else "none"

    def sort_url(self, column: Column) -> str:
        """The list by this column, or the other way round."""
        is_up = self.order(column) == "ascending"
        if column.name == self.table.by:
            return self.link(sort="" if is_up else column.name)
        return self.link(sort=f"-{column.name}" if is_up else column.name)


async def answer(request: Request, table: Table, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page with the table; or, as a script asks for it, the table itself or the rows that follow."""
    more = await table.more(request)
    everything = {**more, **values, "table": await look(request, table, more)}
    if not request.is_part or request.http.method != "GET":
        return request.page(template, status=status, **everything)
    is_whole = request.http.headers.get("hx-target") == table.target
    return request.page("table/table.html" if is_whole else "table/rows.html", **everything)


async def look(request: Request, table: Table, more: More) -> Shown:
    """The rows that the address asks for."""
    address = table.address(request)
    if table.by:
        query = {**table.query(request, address), **request.query.given("cursor")}
        found = await table.api(request)(table.operation, path=dict(request.path), query=query)
        following = {"cursor": found.next_cursor} if found.next_cursor else {}
        return await shown(request, table, found.data, address=address, following=following)
    rows, is_long = await whole(request, table, address)
    return await arranged(request, table, rows, more, address=address, is_long=is_long)


async def whole(request: Request, table: Table, address: Mapping[str, str]) -> tuple[list[Any], bool]:
    """All rows, and whether there are more than are sorted."""
    rows: list[Any] = []
    query, path = table.query(request, address), dict(request.path)
    paged = {"limit": str(limits.PAGE_MAX)} if table.is_paged else {}
    while True:
        found = await table.api(request)(table.operation, path=path, query={**query, **paged})
        rows += found.data
        cursor = getattr(found, "next_cursor", None)
        if cursor is None or len(rows) >= SORTED_MAX:
            return rows, cursor is not None
        paged["cursor"] = cursor


async def arranged(
    request: Request,
    table: Table,
    rows: Sequence[Any],
    more: More,
    *,
    address: Mapping[str, str],
    is_long: bool = False,
) -> Shown:
    """A page of rows that are all at hand. Of more than are sorted the order is the operation's."""
    if not is_long:
        rows = chosen(table, rows, more, address)
    begin = _begin(request)
    end = begin + limits.PAGE_DEFAULT
    following = {"at": str(end)} if end < len(rows) else {}
    return await shown(request, table, rows[begin:end], address=address, following=following, is_long=is_long)


async def shown(
    request: Request,
    table: Table,
    rows: Sequence[Any],
    *,
    address: Mapping[str, str],
    following: Mapping[str, str] = {},
    without: Sequence[str] = (),
    is_long: bool = False,
) -> Shown:
    """These rows as a table. `following`: what the address of the next page has more. `without`: columns that the
    visitor may not see."""
    place = table.path.format(**request.path)
    possible = tuple(each for each in table.columns if each.name not in without)
    own = preferences.of(request.visit.user).columns.get(table.name)
    wanted = {each.name for each in possible if each.usual} if own is None else set(own)
    sorting = {table.by} if table.by else {each.name for each in possible if each.sorts and not is_long}
    return Shown(
        table=table,
        place=place,
        address=address,
        rows=rows,
        columns=tuple(each for each in possible if each is possible[0] or each.name in wanted),
        possible=possible,
        views=await saved_views.of(request.services.manage, request.visit.user.id, table.name),
        sortable=frozenset(sorting),
        next_url=_link(place, {**address, **following}) if following else "",
        is_long=is_long,
    )


def chosen(table: Table, rows: Sequence[Any], more: More, address: Mapping[str, str]) -> Sequence[Any]:
    """Of all rows those that are searched for, in the order that is asked for."""
    return in_order(table, sought(table, rows, more, address.get("q", "")), more, address.get("sort", ""))


def in_order(table: Table, rows: Sequence[Any], more: More, sort: str) -> Sequence[Any]:
    """All rows by a column (`-name`: the other way round); those that hold nothing in it come last. As they are where
    the table has no such column."""
    column = next((each for each in table.columns if each.sorts and each.name == sort.removeprefix("-")), None)
    if column is None:
        return rows
    valued = [(_comparable(column.value(row, more)), row) for row in rows]
    full = sorted((each for each in valued if each[0] is not None), key=itemgetter(0), reverse=sort.startswith("-"))
    return [row for _, row in full] + [row for value, row in valued if value is None]


def sought(table: Table, rows: Sequence[Any], more: More, words: str) -> Sequence[Any]:
    """Rows in which each of the words stands, in whatever column."""
    wanted = words.casefold().split()
    if not wanted:
        return rows
    return [row for row in rows if _has(table, row, more, wanted)]


def _has(table: Table, row: Any, more: More, wanted: Sequence[str]) -> bool:
    """Each word stands somewhere; of ids and moments only what they begin with is meant."""
    values = [getattr(row, "id", None), *(column.value(row, more) for column in table.columns)]
    texts = [as_text(value) for value in values]
    whole = " ".join(text for text in texts if not _MADE.match(text)).casefold()
    made = tuple(text.casefold() for text in texts if _MADE.match(text))
    return all(word in whole or any(text.startswith(word) for text in made) for word in wanted)


def as_text(value: Any) -> str:
    """A value in one cell of a file."""
    if value is None:
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(str(each) for each in value)
    return str(value)


def _comparable(value: Any) -> Any:
    """Numbers by their size, all else by its letters; None for nothing."""
    if isinstance(value, int | float | Decimal):
        return value
    return as_text(value).casefold() or None


def _begin(request: Request) -> int:
    written = request.query.text("at")
    return int(written) if written.isascii() and written.isdigit() and len(written) < _DIGITS_MAX else 0


def _link(path: str, values: Mapping[str, str]) -> str:
    kept = {name: value for name, value in values.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path
