"""Who changed what."""

from starlette.responses import Response

from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page


async def audit(request: Request) -> Response:
    """All changes, newest first; a script asks for the rows that follow."""
    found = await request.api("listAudit", query=request.query.given("cursor"))
    if request.is_part:
        return request.part("audit/list.html", "rows", entries=found.data, next=found.next_cursor)
    return request.page("audit/list.html", entries=found.data, next=found.next_cursor)


PAGES = (Page(path="/console/audit", handle=audit),)
