"""Tables as files for spreadsheets: all rows under the address's filters, with every column."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import csv_file, tables
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import More, Table
from whimbrel.manage import exports


def page(table: Table) -> Page:
    """The page that gives a table's file; only shortly after proving who asks."""

    async def export(request: Request) -> Response:
        return await _export(request, table)

    return Page(path=f"{table.path}/export", handle=export, confirmed=True)


async def _export(request: Request, table: Table) -> Response:
    """What would be refused is refused before the file begins."""
    more, address = await table.more(request), table.address(request)
    if table.by:
        pages = _pages(request, table, address, await _read(request, table, address, {}))
    else:
        found, is_long = await tables.whole(request, table, address)
        pages = _at_hand(found if is_long else tables.chosen(table, found, more, address))
    actor, account_id = request.visit.user.id, request.visit.session.acting_for
    await exports.note(request.there.manage, actor, account_id, table.name, sorted(address))
    name = f"{table.name.replace('_', '-')}-{request.services.clock.now_us() // 1_000_000}.csv"
    return StreamingResponse(
        _lines(request, table, pages, more),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def _lines(request: Request, table: Table, pages: AsyncIterator[Sequence[Any]], more: More) -> AsyncIterator[str]:
    yield csv_file.line(["id", *(column.name for column in table.columns if column.name != "id")])
    left = limits.EXPORT_ROWS_MAX
    async for rows in pages:
        yield "".join(csv_file.line(_cells(table, row, more)) for row in rows[:left])
        left -= len(rows)
        if left < 0:
            yield csv_file.line([request.words("table.export_cut", most=f"{limits.EXPORT_ROWS_MAX:,}")])
            return


def _cells(table: Table, row: Any, more: More) -> list[str]:
    values = (column.value(row, more) for column in table.columns if column.name != "id")
    return [tables.as_text(getattr(row, "id", None)), *(tables.as_text(value) for value in values)]


async def _at_hand(rows: Sequence[Any]) -> AsyncIterator[Sequence[Any]]:
    yield rows


async def _pages(request: Request, table: Table, address: Mapping[str, str], page: Any) -> AsyncIterator[Sequence[Any]]:
    while True:
        yield page.data
        if page.next_cursor is None:
            return
        if not await request.holds():  # the file breaks off, so that nobody takes it for whole
            raise WhimbrelError("unauthorized")
        page = await _read(request, table, address, {"cursor": page.next_cursor})


async def _read(request: Request, table: Table, address: Mapping[str, str], cursor: Mapping[str, str]) -> Any:
    query = {**table.query(request, address), "limit": str(limits.PAGE_MAX), **cursor}
    return await table.api(request)(table.operation, path=dict(request.path), query=query)
