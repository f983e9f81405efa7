"""Taking back what was done last."""

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.manage import saved_views

PATH = "/console/undo"


async def undo(request: Request) -> Response:
    """The opposite operation, with the rights and refusals of any other."""
    offer, asked = request.undo_offered, (await request.form()).text("undo")
    if offer is None or offer.mark != asked:
        raise WhimbrelError("conflict", "It is too late to take this back.")
    taken = offer.undo
    if taken.operation == "saveView":
        page, name, query = taken.body
        await saved_views.save(request.services.manage, request.visit.user.id, page, name, query)
    else:
        await request.api_for(taken.account_id)(taken.operation, path=taken.path, body=taken.body)
    return request.go(taken.to, done="undone", **taken.query)


PAGES = (Page(path=PATH, method="POST", handle=undo),)
