"""The list of messages as CSV, page after page as it is read."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response, StreamingResponse

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import csv_file
from whimbrel.edges.console.finding import Filters
from whimbrel.edges.console.request import Request
from whimbrel.manage import exports

_HEAD: Final = (
    "id", "created_at", "direction", "status", "to", "sender", "text", "class", "segments", "encoding", "price",
    "currency", "carrier", "tags", "reason", "send_at", "sent_at", "final_at", "metadata",
)  # fmt: skip


async def export_lines(request: Request, filters: Filters, carriers: Mapping[str, str]) -> Response:
    """The file. What would be refused is refused before it begins."""
    first = await request.api("listMessages", query=filters.query(limit=str(limits.PAGE_MAX)))
    actor, account_id = request.visit.user.id, request.visit.session.acting_for
    await exports.note(request.there.manage, actor, account_id, "messages", sorted(filters.address))
    name = f"messages-{request.services.clock.now_us() // 1_000_000}.csv"
    return StreamingResponse(
        _lines(request, filters, carriers, first),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def _lines(request: Request, filters: Filters, carriers: Mapping[str, str], page: Any) -> AsyncIterator[str]:
    yield csv_file.line(_HEAD)
    left = 0 if filters.finds_nothing else limits.EXPORT_ROWS_MAX
    while left:
        yield "".join(csv_file.line(_cells(row, carriers)) for row in page.data[:left])
        left = max(0, left - len(page.data))
        if page.next_cursor is None:
            return
        if not left:
            yield csv_file.line([request.words("table.export_cut", most=f"{limits.EXPORT_ROWS_MAX:,}")])
            return
        if not await request.holds():  # the file breaks off, so that nobody takes it for whole
            raise WhimbrelError("unauthorized")
        query = filters.query(limit=str(limits.PAGE_MAX), cursor=page.next_cursor)
        page = await request.api("listMessages", query=query)


def _cells(row: Any, carriers: Mapping[str, str]) -> tuple[object, ...]:
    return (
        row.id,
        row.created_at,
        row.direction,
        row.status,
        row.to,
        row.sender,
        row.text,
        row.message_class,
        row.segments,
        row.encoding,
        row.price,
        row.currency,
        carriers.get(row.carrier_id or "", row.carrier_id),
        " ".join(row.tags),
        row.reason.code if row.reason else None,
        row.send_at,
        row.sent_at,
        row.final_at,
        msgspec.json.encode(row.metadata).decode() if row.metadata else None,
    )
