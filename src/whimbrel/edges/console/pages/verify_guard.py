"""What holds codes back and what came of them: the pumping guard's blocks, the safe list, conversion, all texts."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base import limits, moments
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import verifying
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.pages.verify import PATH
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.whole import whole_or_text

_BLOCKS: Final = f"{PATH}/blocks"
_SAFE: Final = f"{PATH}/safe"
_SPANS: Final = {"day": 86_400, "week": 604_800, "month": 2_592_000, "quarter": limits.VERIFY_COUNTS_DAYS * 86_400}
_QUIET: Final = (3_600, 86_400, 604_800, 2_592_000)


async def blocks(request: Request) -> Response:
    """Blocks, newest first, also those that have ended."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="verify")
    found = await request.api("listVerifyBlocks", query=request.query.given("cursor"))
    values = {
        "blocks": found.data,
        "next": found.next_cursor,
        "may_lift": request.api.may("liftVerifyBlock"),
        "quiet": [
            (str(each), request.words("verify.blocks.quiet_choice", span=verifying.span(each))) for each in _QUIET
        ],
    }
    if request.is_part:
        return request.part("verify/blocks.html", "rows", **values)
    return request.page("verify/blocks.html", **values)


async def lift(request: Request) -> Response:
    """The numbers are sent codes again, and for a while they are not blocked anew."""
    form = await request.form()
    quiet = whole_or_text(form.text("quiet_s", "86400"))
    await request.api("liftVerifyBlock", path=dict(request.path), body={"quiet_s": quiet})
    return request.go(_BLOCKS, done="verify.lifted")


async def safe(request: Request) -> Response:
    return await _safe_list(request)


async def add_safe(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("addSafeNumber", body={"number": form.text("number")})
    except WhimbrelError as error:
        return await _safe_list(request, form, problem(error, "number"))
    return request.go(_SAFE, done="verify.safe_added")


async def remove_safe(request: Request) -> Response:
    await request.api("deleteSafeNumber", path=dict(request.path))
    return request.go(_SAFE, done="verify.safe_removed")


async def _safe_list(request: Request, form: Form = EMPTY, told: Problem | None = None) -> Response:
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="verify")
    found = await request.api("listSafeNumbers", query=request.query.given("cursor"))
    values = {"numbers": found.data, "next": found.next_cursor, "may_manage": request.api.may("addSafeNumber")}
    if request.is_part:
        return request.part("verify/safe.html", "rows", **values)
    return request.page("verify/safe.html", status=told.status if told else 200, form=form, problem=told, **values)


async def conversion(request: Request) -> Response:
    """How many codes came back, by country, and of one country by the beginnings of its numbers."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="verify")
    chosen = _span(request)
    given = request.query.given("service_id", "country")
    query = {**given, "created_from": _since(request, chosen)}
    if "country" in query:
        query["country"] = query["country"].upper()
    found = await request.api("summariseVerifyAttempts", query=query)
    values = {"summary": found, "span": chosen, "spans": tuple(_SPANS), "form": request.query}
    services = await _services(request)
    if request.is_part:
        return request.part("verify/conversion.html", "results", services=services, **values)
    return request.page("verify/conversion.html", services=services, **values)


async def attempts(request: Request) -> Response:
    """The texts of all verifications, newest first."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="verify")
    chosen = _span(request)
    query = {**request.query.given("cursor"), "created_from": _since(request, chosen)}
    found = await request.api("listVerifyAttempts", query=query)
    values = {"attempts": found.data, "next": found.next_cursor, "span": chosen, "services": await _services(request)}
    if request.is_part:
        return request.part("verify/attempts.html", "rows", **values)
    return request.page("verify/attempts.html", spans=tuple(_SPANS), **values)


def _span(request: Request) -> str:
    chosen = request.query.text("span", "day")
    return chosen if chosen in _SPANS else "day"


def _since(request: Request, span: str) -> str:
    return moments.to_text(request.services.clock.now_us() - _SPANS[span] * SECOND_US)


async def _services(request: Request) -> dict[str, Any]:
    """What services are called."""
    found = await request.api("listVerifyServices", query={"limit": str(limits.VERIFY_SERVICES_PER_ACCOUNT)})
    return {each.id: each.name for each in found.data}


PAGES = (
    Page(path=_BLOCKS, handle=blocks),
    Page(path=f"{_BLOCKS}/{{id}}/lift", method="POST", handle=lift),
    Page(path=_SAFE, handle=safe),
    Page(path=_SAFE, method="POST", handle=add_safe),
    Page(path=f"{_SAFE}/{{id}}/remove", method="POST", handle=remove_safe),
    Page(path=f"{PATH}/conversion", handle=conversion),
    Page(path=f"{PATH}/attempts", handle=attempts),
)
