"""One verification: how it stands, and what happened in order."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.edges.console import verifying
from whimbrel.edges.console.lasting import lasted
from whimbrel.edges.console.pages.verify import PATH
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page

_PLACE: Final = f"{PATH}/{{id}}/verifications/{{verification}}"


async def verification(request: Request) -> Response:
    """The page. While the code is waited for it asks for itself again, and is sent only when something happened."""
    values = await _values(request)
    if not request.is_part:
        return request.page("verify/verification.html", **values)
    part = request.part("verify/verification.html", "story", **values)
    if request.query.text("known") == values["digest"]:
        part.headers["hx-reswap"] = "none"
    return part


async def cancel(request: Request) -> Response:
    return await _ended(request, "cancelVerification", "verify.canceled")


async def approve(request: Request) -> Response:
    return await _ended(request, "approveVerification", "verify.approved_by_hand")


async def _ended(request: Request, operation: str, done: str) -> Response:
    path = dict(request.path)
    await request.api(operation, path=path)
    return request.go(_PLACE.format(**path), done=done)


async def _values(request: Request) -> dict[str, Any]:
    path = dict(request.path)
    found = await request.api("getVerification", path=path)
    attempts = (await request.api("listAttemptsOfVerification", path=path)).data
    service = await request.api("getVerifyService", path={"id": path["id"]})
    return {
        "verification": found,
        "service": service,
        "steps": list(verifying.story(found, attempts)),
        "digest": verifying.digest(found, None),
        "place": _PLACE.format(id=service.id, verification=found.id),
        "lasted": lasted,
        "may_verify": request.api.may("cancelVerification"),
        "may_read": request.api.may("getMessage"),
    }


PAGES = (
    Page(path=_PLACE, handle=verification),
    Page(path=f"{_PLACE}/cancel", method="POST", handle=cancel),
    Page(path=f"{_PLACE}/approve", method="POST", handle=approve),
)
