"""Accounts: those that the visitor may act for, whose things are shown, and what is done with them."""

from typing import Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.forms import EMPTY, Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.console.undoing import Undo
from whimbrel.edges.console.whole import whole_or_text

_ACCOUNTS = "/console/accounts"
TABLE: Final = Table(
    name="accounts",
    path=_ACCOUNTS,
    cells="accounts/cells.html",
    operation="listAccounts",
    acts=True,
    columns=(
        Column("name", "accounts.name"),
        Column("id", "accounts.id"),
        Column("state", "accounts.state", "status"),
        Column("currency", "accounts.currency"),
        Column("made", "accounts.made", "created_at"),
        Column("parent", "accounts.parent", "parent_id", usual=False),
    ),
)


async def accounts(request: Request) -> Response:
    """All that the visitor may see, newest first; a script asks for the rows that follow."""
    return await tables.answer(request, TABLE, "accounts/list.html", may_write=request.api.may("createAccount"))


async def new(request: Request) -> Response:
    if not request.api.may("createAccount"):
        raise WhimbrelError("forbidden", "Your role may not make accounts.")
    return request.page("accounts/new.html", form=Form.of({"currency": "USD"}), problem=None)


async def create(request: Request) -> Response:
    """The account's secrets are shown on the answer and never again."""
    form = await request.form()
    body = {"name": form.text("name"), "currency": form.text("currency").upper()}
    try:
        made = await request.api("createAccount", body=body)
    except WhimbrelError as error:
        told = problem(error)
        return request.page("accounts/new.html", status=told.status, form=form, problem=told)
    return request.page("accounts/secret.html", account_id=made.id, name=made.name, secret=made.auth_token)


async def account(request: Request) -> Response:
    return await _account(request, None, None)


async def update(request: Request) -> Response:
    form = await request.form()
    body = {"name": form.text("name"), "dedupe_s": whole_or_text(form.text("dedupe_s"))}
    try:
        await request.api("updateAccount", path=dict(request.path), body=body)
    except WhimbrelError as error:
        return await _account(request, form, error)
    return request.go(f"{_ACCOUNTS}/{request.path['id']}", done="account.changed")


async def rotate(request: Request) -> Response:
    """A new token in place of the old one, which fails at once."""
    made = await request.api("rotateAuthToken", path=dict(request.path))
    found = await request.api("getAccount", path=dict(request.path))
    return request.page("accounts/secret.html", account_id=made.id, name=found.name, secret=made.secret)


async def suspend(request: Request) -> Response:
    return await _act(request, "suspendAccount", "account.suspended", "activateAccount")


async def activate(request: Request) -> Response:
    return await _act(request, "activateAccount", "account.activated", "suspendAccount")


async def close(request: Request) -> Response:
    return await _act(request, "closeAccount", "account.closed")


async def _act(request: Request, operation: str, done: str, opposite: str = "") -> Response:
    try:
        await request.api(operation, path=dict(request.path))
    except WhimbrelError as error:
        return await _account(request, None, error)
    place = f"{_ACCOUNTS}/{request.path['id']}"
    undo = Undo(opposite, place, path=dict(request.path)) if opposite else None
    return request.undone_by(undo).go(place, done=done)


async def _account(request: Request, form: Form | None, error: WhimbrelError | None) -> Response:
    found = await request.api("getAccount", path=dict(request.path))
    filled = form or Form.of({"name": found.name, "dedupe_s": str(found.dedupe_s)})
    told = problem(error) if error else None
    return request.page(
        "accounts/one.html",
        status=told.status if told else 200,
        account=found,
        form=filled if found.status != "closed" else EMPTY,
        problem=told,
        may_write=request.api.may("updateAccount"),
    )


PAGES = (
    Page(path=_ACCOUNTS, handle=accounts),
    table_files.page(TABLE),
    Page(path=f"{_ACCOUNTS}/new", handle=new, confirmed=True),
    Page(path=f"{_ACCOUNTS}/new", method="POST", handle=create, confirmed=True),
    Page(path=f"{_ACCOUNTS}/{{id}}", handle=account),
    Page(path=f"{_ACCOUNTS}/{{id}}", method="POST", handle=update),
    Page(path=f"{_ACCOUNTS}/{{id}}/rotate-token", method="POST", handle=rotate, confirmed=True),
    Page(path=f"{_ACCOUNTS}/{{id}}/suspend", method="POST", handle=suspend),
    Page(path=f"{_ACCOUNTS}/{{id}}/activate", method="POST", handle=activate),
    Page(path=f"{_ACCOUNTS}/{{id}}/close", method="POST", handle=close, confirmed=True),
)
