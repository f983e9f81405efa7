"""What holds codes back and what came of them: the pumping guard's blocks, the safe list, conversion, all texts."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base import limits, moments
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables, verifying
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.pages.verify import PATH
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, More, Table
from whimbrel.edges.console.whole import whole_or_text

_BLOCKS: Final = f"{PATH}/blocks"
_SAFE: Final = f"{PATH}/safe"


async def _services(request: Request) -> dict[str, Any]:
    """What services are called."""
    found = await request.api("listVerifyServices", query={"limit": str(limits.VERIFY_SERVICES_PER_ACCOUNT)})
    return {each.id: each.name for each in found.data}


async def _names(request: Request) -> More:
    return {"services": await _services(request)}


ATTEMPTS: Final = Table(
    name="verify_attempts",
    path=f"{PATH}/attempts",
    cells="verify/attempts_cells.html",
    operation="listVerifyAttempts",
    by="at",
    more=_names,
    columns=(
        Column("at", "verify.attempts.at", "created_at"),
        Column("service", "verify.service", lambda row, more: more["services"].get(row.service_id, row.service_id)),
        Column("channel", "verify.channel"),
        Column("country", "verify.country"),
        Column("prefix", "verify.attempts.numbers"),
        Column("state", "verify.status"),
        Column("reason", "verify.attempts.reason", usual=False),
        Column("converted", "verify.attempts.converted", "converted_at"),
        Column("message", "verify.message", "message_id"),
        Column("verification", "verify.verification", "verification_id", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
BLOCKS: Final = Table(
    name="verify_blocks",
    path=_BLOCKS,
    cells="verify/blocks_cells.html",
    operation="listVerifyBlocks",
    by="since",
    acts=True,
    columns=(
        Column("numbers", "verify.blocks.numbers", "value"),
        Column("country", "verify.country"),
        Column("why", "verify.blocks.why", "reason"),
        Column("since", "verify.blocks.since", "created_at"),
        Column("ends", "verify.blocks.ends", lambda row, more: row.lifted_at or row.ends_at),
        Column("by", "verify.blocks.lifted_by", "lifted_by", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
SAFE: Final = Table(
    name="verify_safe",
    path=_SAFE,
    cells="verify/safe_cells.html",
    operation="listSafeNumbers",
    acts=True,
    columns=(
        Column("number", "verify.safe.number"),
        Column("since", "verify.safe.since", "created_at"),
        Column("id", "table.id", usual=False),
    ),
)
_SPANS: Final = {"day": 86_400, "week": 604_800, "month": 2_592_000, "quarter": limits.VERIFY_COUNTS_DAYS * 86_400}
_QUIET: Final = (3_600, 86_400, 604_800, 2_592_000)


async def blocks(request: Request) -> Response:
    """Blocks, newest first, also those that have ended."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="verify")
    quiet = [(str(each), request.words("verify.blocks.quiet_choice", span=verifying.span(each))) for each in _QUIET]
    may = request.api.may("liftVerifyBlock")
    return await tables.answer(request, BLOCKS, "verify/blocks.html", may_lift=may, quiet=quiet)


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
    values = {"form": form, "problem": told, "may_manage": request.api.may("addSafeNumber")}
    return await tables.answer(request, SAFE, "verify/safe.html", status=told.status if told else 200, **values)


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
    return await tables.answer(request, ATTEMPTS, "verify/attempts.html")


def _span(request: Request) -> str:
    chosen = request.query.text("span", "day")
    return chosen if chosen in _SPANS else "day"


def _since(request: Request, span: str) -> str:
    return moments.to_text(request.services.clock.now_us() - _SPANS[span] * SECOND_US)


PAGES = (
    Page(path=_BLOCKS, handle=blocks),
    table_files.page(BLOCKS),
    Page(path=f"{_BLOCKS}/{{id}}/lift", method="POST", handle=lift),
    Page(path=_SAFE, handle=safe),
    table_files.page(SAFE),
    Page(path=_SAFE, method="POST", handle=add_safe),
    Page(path=f"{_SAFE}/{{id}}/remove", method="POST", handle=remove_safe),
    Page(path=f"{PATH}/conversion", handle=conversion),
    Page(path=f"{PATH}/attempts", handle=attempts),
    table_files.page(ATTEMPTS),
)
