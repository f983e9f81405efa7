"""What one sees first."""

from starlette.responses import Response

from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page


async def overview(request: Request) -> Response:
    """Where things stand."""
    if not request.visit.user.password:
        return request.go("/console/welcome")
    return request.page("home/overview.html")


PAGES = (Page(path="/console", handle=overview),)
