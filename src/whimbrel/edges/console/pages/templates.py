"""Templates: the list, the editor with its preview, versions with what they changed, and their approval."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables, templating
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, More, Table

PATH: Final = "/console/templates"
_ONE: Final = "templates/one.html"
_CLASSES: Final = ("otp", "transactional", "marketing")
_SHOWN: Final = 20


def _state(row: Any, more: More) -> str:
    return "archived" if row.status == "archived" else "live" if row.live_version else row.approval or "draft"


TABLE: Final = Table(
    name="templates",
    path=PATH,
    cells="templates/cells.html",
    operation="listTemplates",
    filters=("status",),
    columns=(
        Column("name", "templates.name"),
        Column("text", "templates.text", lambda row, more: row.texts[row.default_language], css="wide soft clip"),
        Column("languages", "templates.languages", lambda row, more: tuple(row.texts)),
        Column("state", "templates.version", _state),
        Column("changed", "templates.changed", "updated_at"),
        Column("description", "templates.description", usual=False),
        Column("id", "table.id", usual=False),
    ),
)


async def templates(request: Request) -> Response:
    """All of the account, by name; a script asks for the rows that follow."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="templates")
    waiting = (await request.api("listTemplateApprovals", query={"limit": str(_SHOWN)})).data
    return await tables.answer(
        request, TABLE, "templates/list.html", waiting=waiting, may_write=_may_write(request), form=request.query
    )


async def new(request: Request) -> Response:
    form = Form.of({"language": ("en",), "default_language": "en", "class": "transactional"})
    return await _editor(request, None, form)


async def create(request: Request) -> Response:
    form = await request.form()
    is_published = form.flag("publish")
    wanted = {"name": form.text("name"), "description": form.text("description"), "publish": is_published}
    try:
        made = await request.api("createTemplate", body=wanted | templating.body(form))
    except WhimbrelError as error:
        return await _editor(request, None, templating.shown(form), problem(error))
    return request.go(f"{PATH}/{made.id}", done="template.published" if is_published else "template.made")


async def template(request: Request) -> Response:
    found = await request.api("getTemplate", path=dict(request.path))
    shown = templating.filled(found, found.variables or ())
    return await _editor(request, found, shown)


async def update(request: Request) -> Response:
    """Save the draft, and publish it where that was pressed."""
    form = await request.form()
    path, is_published = dict(request.path), form.flag("publish")
    words = {"name": form.text("name"), "description": form.text("description")}
    try:
        await request.api("updateTemplate", path=path, body=words | templating.body(form))
        if is_published:
            await request.api("publishTemplate", path=path)
    except WhimbrelError as error:
        found = await request.api("getTemplate", path=path)
        return await _editor(request, found, templating.shown(form), problem(error))
    return request.go(f"{PATH}/{path['id']}", done="template.published" if is_published else "template.saved")


async def beside(request: Request) -> Response:
    """The preview, while somebody writes."""
    if not request.api.may("previewTemplate"):
        raise WhimbrelError("forbidden", request.words("templates.not_for_you"))
    form = await request.form()
    return request.part(_ONE, "look", look=await templating.look(request, form))


async def fields(request: Request) -> Response:
    """The rows of the variables that the texts name now."""
    _check_may_write(request)
    form = templating.shown(await request.form())
    return request.part(_ONE, "variables", form=form, problem=None, types=templating.TYPES, may_write=True)


async def languages(request: Request) -> Response:
    """The form with one more language."""
    _check_may_write(request)
    return await _editor(request, await _shown_one(request), templating.shown(await request.form()))


async def _shown_one(request: Request) -> Any:
    return await request.api("getTemplate", path=dict(request.path)) if "id" in request.path else None


async def version(request: Request) -> Response:
    """What was published, and what it changed."""
    path = dict(request.path)
    found = await request.api("getTemplateVersion", path=path)
    whole = await request.api("getTemplate", path={"id": path["id"]})
    before = None
    if found.version > 1:
        before = await request.api("getTemplateVersion", path=path | {"version": str(found.version - 1)})
    return request.page(
        "templates/version.html",
        template=whole,
        version=found,
        before=before,
        compared=templating.compared(before, found),
        may_approve=request.api.may("approveTemplateVersion"),
    )


async def approve(request: Request) -> Response:
    return await _decided(request, "approveTemplateVersion", None, "template.approved")


async def reject(request: Request) -> Response:
    form = await request.form()
    return await _decided(request, "rejectTemplateVersion", {"reason": form.text("reason")}, "template.rejected")


async def _decided(request: Request, name: str, body: Any, done: str) -> Response:
    path = dict(request.path)
    await request.api(name, path=path, body=body)
    return request.go(f"{PATH}/{path['id']}/versions/{path['version']}", done=done)


async def archive(request: Request) -> Response:
    await request.api("archiveTemplate", path=dict(request.path))
    return request.go(f"{PATH}/{request.path['id']}", done="template.archived")


async def restore(request: Request) -> Response:
    await request.api("restoreTemplate", path=dict(request.path))
    return request.go(f"{PATH}/{request.path['id']}", done="template.restored")


async def remove(request: Request) -> Response:
    await request.api("deleteTemplate", path=dict(request.path))
    return request.go(PATH, done="template.deleted")


async def _editor(request: Request, found: Any, form: Form, told: Problem | None = None) -> Response:
    if found is None:
        _check_may_write(request)
    versions = None
    if found is not None and found.version:
        query = {"limit": str(_SHOWN)}
        versions = await request.api("listTemplateVersions", path={"id": found.id}, query=query)
    if found is not None and not form.sent("name"):
        form = form.plus({"name": found.name, "description": found.description})
    senders = await request.api("listSenders", query={"limit": str(limits.PAGE_MAX)})
    return request.page(
        _ONE,
        status=422 if told else 200,
        template=found,
        form=form,
        problem=told,
        versions=versions.data if versions else (),
        look=await templating.look(request, form),
        senders=[("", request.words("templates.no_sender")), *((each.value, each.value) for each in senders.data)],
        classes=[(each, request.words(f"compose.classes.{each}")) for each in _CLASSES],
        types=templating.TYPES,
        defaults=[(each, each) for each in form.many("language")],
        contents=[(each, request.words(f"templates.contents.{each}")) for each in templating.CONTENTS],
        may_write=_may_write(request),
    )


def _check_may_write(request: Request) -> None:
    if not _may_write(request):
        raise WhimbrelError("forbidden", request.words("templates.not_for_you"))


def _may_write(request: Request) -> bool:
    return request.api.may("createTemplate")


PAGES = (
    Page(path=PATH, handle=templates),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/look", method="POST", handle=beside),
    Page(path=f"{PATH}/variables", method="POST", handle=fields),
    Page(path=f"{PATH}/languages", method="POST", handle=languages),
    Page(path=f"{PATH}/{{id}}", handle=template),
    Page(path=f"{PATH}/{{id}}", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/languages", method="POST", handle=languages),
    Page(path=f"{PATH}/{{id}}/archive", method="POST", handle=archive),
    Page(path=f"{PATH}/{{id}}/restore", method="POST", handle=restore),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
    Page(path=f"{PATH}/{{id}}/versions/{{version}}", handle=version),
    Page(path=f"{PATH}/{{id}}/versions/{{version}}/approve", method="POST", handle=approve),
    Page(path=f"{PATH}/{{id}}/versions/{{version}}/reject", method="POST", handle=reject),
)
