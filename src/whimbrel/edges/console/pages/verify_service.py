"""A verify service: a place to try it, and what was verified lately."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.edges.console import table_files, tables, verifying
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.pages.verify import PATH, may_manage
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

_ONE: Final = "verify/one.html"
TABLE: Final = Table(
    name="verifications",
    path=f"{PATH}/{{id}}",
    cells="verify/verifications_cells.html",
    operation="listVerifications",
    by="began",
    filters=("to", "status", "country"),
    kept=("verification",),
    columns=(
        Column("to", "verify.to"),
        Column("status", "verify.status"),
        Column("country", "verify.country"),
        Column("channel", "verify.channel", usual=False),
        Column("language", "verify.language", usual=False),
        Column("sends", "verify.sends", css="n"),
        Column("checks", "verify.wrong_codes", css="n"),
        Column("began", "verify.began", "created_at"),
        Column("ended", "verify.ended", "ended_at", usual=False),
        Column("id", "table.id", usual=False),
    ),
)
_ANY_CODE: Final = "123456"


async def service(request: Request) -> Response:
    return await _service(request)


async def start(request: Request) -> Response:
    """Send a code, or the same one again."""
    form, path = await request.form(), dict(request.path)
    try:
        made = await request.api("startVerification", path=path, body=verifying.start_of(form))
    except WhimbrelError as error:
        return await _service(request, form, problem(error, _about(error)), form.text("verification"))
    return request.go(f"{PATH}/{path['id']}", verification=made.id)


async def check(request: Request) -> Response:
    """Check the code that somebody typed."""
    form, path = await request.form(), dict(request.path)
    verification = form.text("verification")
    try:
        body = {"id": verification, "code": form.text("code")}
        found = await request.api("checkVerification", path=path, body=body)
        if not found.valid:
            key = "verify.wrong_last" if found.status != "pending" else "verify.wrong"
            words = request.words(key, n=found.checks_left)
            raise WhimbrelError("invalid_request", words, errors=[FieldError("/code", words)])
    except WhimbrelError as error:
        return await _service(request, form, problem(error), verification)
    return request.go(f"{PATH}/{path['id']}", done="verify.approved", verification=verification)


async def standing(request: Request) -> Response:
    """How the verification stands that was started here; nothing where that is known."""
    verification = request.path["verification"]
    found = await request.api("getVerifyService", path={"id": request.path["id"]})
    tried = await _tried(request, verification)
    if tried is None:
        raise WhimbrelError("not_found")
    shown = request.part(_ONE, "standing", service=found, tried=tried, is_part=True)
    if request.query.text("known") == tried["digest"]:
        shown.headers["hx-reswap"] = "none"
    return shown


async def code(request: Request) -> Response:
    """The start as code, while somebody writes."""
    if not request.api.may("startVerification"):
        raise WhimbrelError("forbidden", request.words("verify.not_for_you"))
    found, body = await request.api("getVerifyService", path=dict(request.path)), verifying.start_of(request.query)
    snippets = verifying.snippets(request, found.id, body | {"to": body["to"] or verifying.EXAMPLE})
    return request.part(_ONE, "code", snippets=snippets)


async def _service(
    request: Request, form: Form = EMPTY, told: Problem | None = None, verification: str = ""
) -> Response:
    """The page; or, as a script asks for it, its list of verifications. A number that is none is told in the list."""
    found = await request.api("getVerifyService", path={"id": request.path["id"]})
    values: dict[str, Any] = {"service": found, "statuses": verifying.STATUSES}
    if not request.is_part or request.http.method != "GET":
        values |= await _playground(request, found, form, verification) | {"form": form, "problem": told}
    status = told.status if told else 200
    try:
        return await tables.answer(request, TABLE, _ONE, status=status, wrong="", **values)
    except WhimbrelError as error:
        if error.code not in ("invalid_number", "invalid_parameter", "invalid_request"):
            raise
        table = await tables.shown(request, TABLE, (), address=TABLE.address(request))
        template = "table/table.html" if request.is_part else _ONE
        return request.page(template, status=status, wrong=error.detail, table=table, **values)


async def _playground(request: Request, found: Any, form: Form, verification: str) -> dict[str, Any]:
    """What stands above the list: the verification that was started here, or the form to start one."""
    tried = await _tried(request, verification or request.query.text("verification"))
    snippets = verifying.snippets(request, found.id, {"to": form.text("to") or verifying.EXAMPLE})
    if tried is not None:
        body = {"to": tried["verification"].to, "code": _ANY_CODE}
        snippets = verifying.snippets(request, found.id, body, check=True)
    return {
        "tried": tried,
        "is_part": False,
        "snippets": snippets,
        "span": verifying.span,
        "languages": verifying.spoken(request.words("verify.language_service")),
        "may_manage": may_manage(request),
        "may_verify": request.api.may("startVerification"),
    }


async def _tried(request: Request, verification: str) -> dict[str, Any] | None:
    """The verification that was started here, with the text that brings the code."""
    if not verification:
        return None
    path = {"id": request.path["id"], "verification": verification}
    try:
        found = await request.api("getVerification", path=path)
    except WhimbrelError as error:
        if error.code != "not_found":
            raise
        return None
    attempts = (await request.api("listAttemptsOfVerification", path=path)).data
    message_id, message = (attempts[-1].message_id if attempts else None), None
    if message_id and request.api.may("getMessage"):
        message = await request.api("getMessage", path={"id": message_id})
    return {
        "verification": found,
        "message": message,
        "digest": verifying.digest(found, message),
        "has_phone": bool(request.desk.settings.simulator_url) and found.to.startswith("+") and "•" not in found.to,
    }


def _about(error: WhimbrelError) -> str:
    """The field of a refusal that names none: most are about the number."""
    return "custom_code" if error.code == "verify_custom_code_refused" else "" if error.errors else "to"


PAGES = (
    Page(path=f"{PATH}/{{id}}", handle=service),
    table_files.page(TABLE),
    Page(path=f"{PATH}/{{id}}/start", method="POST", handle=start),
    Page(path=f"{PATH}/{{id}}/check", method="POST", handle=check),
    Page(path=f"{PATH}/{{id}}/code", handle=code),
    Page(path=f"{PATH}/{{id}}/standing/{{verification}}", handle=standing),
)
