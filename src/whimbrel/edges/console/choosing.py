"""Where a page is about one account and none is chosen: the operator's people choose one first."""

from starlette.responses import Response

from whimbrel.edges.console.request import Request

_SHOWN = 200


async def account(request: Request) -> Response | None:
    """The page to choose on; None where an account is chosen."""
    if request.visit.session.acting_for is not None:
        return None
    found = await request.api("listAccounts", query={"limit": str(_SHOWN)})
    return request.page("choosing/account.html", accounts=found.data, has_more=found.next_cursor is not None)
