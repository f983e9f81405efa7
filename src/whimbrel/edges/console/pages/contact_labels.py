"""What contacts are described with: fields that the account declares, tags, lists."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.pages.contacts import PATH as CONTACTS
from whimbrel.edges.console.pages.contacts import may_write
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo

KINDS: Final = ("text", "choice", "number", "date", "boolean")
_FIELDS: Final = f"{CONTACTS}/fields"
FIELDS: Final = Table(
    name="contact_fields",
    path=_FIELDS,
    cells="contacts/fields_cells.html",
    operation="listContactFields",
    is_paged=False,
    acts=True,
    columns=(
        Column("name", "contacts.field"),
        Column("kind", "contacts.kind"),
        Column("choices", "contacts.choices"),
        Column("since", "contacts.since", "created_at"),
        Column("id", "table.id", usual=False),
    ),
)


def _labels(kind: str) -> Table:
    return Table(
        name=f"contact_{kind}s",
        path=f"{CONTACTS}/{kind}s",
        cells="contacts/labels_cells.html",
        operation=f"list{kind.capitalize()}s",
        is_paged=False,
        acts=True,
        columns=(
            Column("name", f"contacts.{kind}"),
            Column("description", "contacts.description"),
            Column("members", "contacts.members", sorts=False, css="n"),
            Column("since", "contacts.since", "created_at"),
            Column("id", "table.id", usual=False),
        ),
    )


TAGS: Final = _labels("tag")
LISTS: Final = _labels("list")


async def fields(request: Request) -> Response:
    return await _fields(request, Form.of({"kind": "text"}), None)


async def create_field(request: Request) -> Response:
    form = await request.form()
    choices = [line.strip() for line in form.text("choices").splitlines() if line.strip()]
    body = {"name": form.text("name"), "kind": form.text("kind")} | ({"choices": choices} if choices else {})
    try:
        await request.api("createContactField", body=body)
    except WhimbrelError as error:
        return await _fields(request, form, problem(error, "name" if error.code == "conflict" else ""))
    return request.go(_FIELDS, done="contact_field.created")


async def remove_field(request: Request) -> Response:
    await request.api("deleteContactField", path=dict(request.path))
    return request.go(_FIELDS, done="contact_field.removed")


async def _fields(request: Request, form: Form, told: Problem | None) -> Response:
    kinds = [(each, request.words(f"contacts.kinds.{each}")) for each in KINDS]
    values = {"form": form, "problem": told, "kinds": kinds, "may_write": may_write(request)}
    return await tables.answer(request, FIELDS, "contacts/fields.html", status=told.status if told else 200, **values)


class _Labels:
    """The pages of tags, or of lists."""

    def __init__(self, kind: str, table: Table, *, created: str, removed: str) -> None:
        self._kind = kind
        self._created = created
        self._removed = removed
        self._table = table
        self._name = kind.capitalize()

    async def all(self, request: Request) -> Response:
        return await self._page(request, EMPTY, None)

    async def create(self, request: Request) -> Response:
        form = await request.form()
        try:
            body = {"name": form.text("name"), "description": form.text("description")}
            await request.api(f"create{self._name}", body=body)
        except WhimbrelError as error:
            return await self._page(request, form, problem(error, "name" if error.code == "conflict" else ""))
        return request.go(self._table.path, done=self._created)

    async def members(self, request: Request) -> Response:
        """How many have it now."""
        found = await request.api(f"get{self._name}", path=dict(request.path))
        return request.part("contacts/many.html", "members", count=found.members, wrong="")

    async def remove(self, request: Request) -> Response:
        found: Any = await request.api(f"get{self._name}", path=dict(request.path))
        await request.api(f"delete{self._name}", path=dict(request.path))
        undo = None if found.members else Undo(f"create{self._name}", self._table.path, body={"name": found.name})
        return request.undone_by(undo).go(self._table.path, done=self._removed)

    async def _page(self, request: Request, form: Form, told: Problem | None) -> Response:
        values = {"kind": self._kind, "form": form, "problem": told, "may_write": may_write(request)}
        status = told.status if told else 200
        return await tables.answer(request, self._table, "contacts/labels.html", status=status, **values)

    def pages(self) -> tuple[Page, ...]:
        """Where they are."""
        path = self._table.path
        return (
            Page(path=path, handle=self.all),
            table_files.page(self._table),
            Page(path=path, method="POST", handle=self.create),
            Page(path=f"{path}/{{id}}/members", handle=self.members),
            Page(path=f"{path}/{{id}}/remove", method="POST", handle=self.remove),
        )


PAGES = (
    Page(path=_FIELDS, handle=fields),
    table_files.page(FIELDS),
    Page(path=_FIELDS, method="POST", handle=create_field),
    Page(path=f"{_FIELDS}/{{id}}/remove", method="POST", handle=remove_field),
    *_Labels("tag", TAGS, created="tag.created", removed="tag.removed").pages(),
    *_Labels("list", LISTS, created="list.created", removed="list.removed").pages(),
)
