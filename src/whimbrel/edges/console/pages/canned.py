"""Canned answers: made, changed and deleted on one page."""

from typing import Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.undoing import Undo

PATH: Final = "/console/inbox/canned"


async def canned(request: Request) -> Response:
    """All of the account."""
    return await choosing.account(request) or await _page(request, EMPTY, "", None)


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("createCannedAnswer", body=_body(form))
    except WhimbrelError as error:
        return await _page(request, form, "", error)
    return request.go(PATH, done="inbox.canned_kept")


async def change(request: Request) -> Response:
    form = await request.form()
    try:
        await request.api("updateCannedAnswer", path=dict(request.path), body=_body(form))
    except WhimbrelError as error:
        return await _page(request, form, request.path["id"], error)
    return request.go(PATH, done="inbox.canned_kept")


async def delete(request: Request) -> Response:
    found = await request.api("getCannedAnswer", path=dict(request.path))
    await request.api("deleteCannedAnswer", path=dict(request.path))
    body = {"name": found.name, "text": found.text}
    undo = Undo("createCannedAnswer", PATH, body=body, account_id=request.asked.acting_for)
    return request.undone_by(undo).go(PATH, done="inbox.canned_deleted")


def _body(form: Form) -> dict[str, str]:
    return {"name": form.text("name"), "text": form.raw("text").replace("\r\n", "\n")}


async def _page(request: Request, form: Form, about: str, error: WhimbrelError | None) -> Response:
    """`about`: the answer whose form was refused; empty for a new one."""
    found = await request.api("listCannedAnswers")
    told = problem(error) if error else None
    return request.page(
        "inbox/canned.html",
        status=422 if told else 200,
        answers=found.data,
        form=form,
        about=about,
        problem=told,
        may_write=request.api.may("createCannedAnswer"),
    )


PAGES = (
    Page(path=PATH, handle=canned),
    Page(path=PATH, method="POST", handle=create),
    Page(path=f"{PATH}/{{id}}", method="POST", handle=change),
    Page(path=f"{PATH}/{{id}}/delete", method="POST", handle=delete),
)
