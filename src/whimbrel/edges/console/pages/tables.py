"""What people choose for their tables: columns, and views kept under a name."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.pages import (
    accounts,
    audit,
    balance,
    brands,
    campaign_results,
    campaigns,
    carriers,
    consent_texts,
    consents,
    contact_imports,
    contact_labels,
    contacts,
    flows,
    hooks,
    keys,
    mailboxes,
    media,
    messages,
    numbers,
    opt_outs,
    people,
    policy_rules,
    prices,
    registrations,
    routes,
    schedules,
    segments,
    sender_rules,
    senders,
    smpp,
    templates,
    usage,
    verify,
    verify_guard,
    verify_limits,
    verify_people,
    verify_service,
    webhooks,
)
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Table
from whimbrel.edges.console.undoing import Undo
from whimbrel.manage import preferences, saved_views

_TABLE: Final = "/console/tables/{name}"
TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        messages.TABLE,
        media.TABLE,
        contacts.TABLE,
        segments.TABLE,
        contact_labels.FIELDS,
        contact_labels.TAGS,
        contact_labels.LISTS,
        contact_imports.TABLE,
        campaigns.TABLE,
        campaign_results.RECIPIENTS,
        carriers.TABLE,
        routes.TABLE,
        prices.TABLE,
        senders.TABLE,
        numbers.TABLE,
        registrations.TABLE,
        sender_rules.TABLE,
        opt_outs.TABLE,
        consents.TABLE,
        brands.TABLE,
        consents.LISTS,
        consents.WORDS,
        consent_texts.TABLE,
        policy_rules.TABLE,
        templates.TABLE,
        flows.TABLE,
        flows.RUN_TABLE,
        schedules.TABLE,
        verify.TABLE,
        verify_service.TABLE,
        verify_limits.TABLE,
        verify_people.TABLE,
        verify_people.CHALLENGES,
        verify_guard.ATTEMPTS,
        verify_guard.BLOCKS,
        verify_guard.SAFE,
        hooks.TABLE,
        hooks.CALLS,
        mailboxes.TABLE,
        mailboxes.LOG,
        webhooks.TABLE,
        webhooks.TRIES,
        keys.TABLE,
        smpp.TABLE,
        balance.TABLE,
        usage.TABLE,
        people.TABLE,
        accounts.TABLE,
        audit.TABLE,
    )
}


async def set_columns(request: Request) -> Response:
    """Which columns are shown from now on."""
    table, form = _table(request), await request.form()
    back = _back(table, form)
    chosen = tuple(column.name for column in table.columns if form.has("column", column.name))
    if form.flag("usual"):
        chosen = ()
    await preferences.set_columns(request.services.manage, request.visit.user.id, table.name, chosen)
    return request.go(back, done="columns.set", **_kept(table, form.raw("query")))


async def save_view(request: Request) -> Response:
    """Keep filters and order under a name."""
    table, form = _table(request), await request.form()
    query, back = form.raw("query"), _back(table, form)
    try:
        await saved_views.save(request.services.manage, request.visit.user.id, table.name, form.text("name"), query)
    except WhimbrelError as error:
        values = {"problem": problem(error), "form": form, "name": table.name, "back": back, "query": query}
        return request.page("table/view.html", status=422, **values)
    return request.go(back, done="view.saved", **_kept(table, query))


async def delete_view(request: Request) -> Response:
    table, form = _table(request), await request.form()
    manage, user_id, view_id = request.services.manage, request.visit.user.id, request.path["id"]
    back = _back(table, form)
    found = [view for view in await saved_views.of(manage, user_id, table.name) if view.id == view_id]
    await saved_views.delete(manage, user_id, view_id)
    undo = next((Undo("saveView", back, body=[table.name, view.name, view.query]) for view in found), None)
    return request.undone_by(undo).go(back, done="view.deleted")


def _table(request: Request) -> Table:
    found = TABLES.get(request.path["name"])
    if found is None:
        raise WhimbrelError("not_found")
    return found


def _back(table: Table, form: Form) -> str:
    """The page that the form stood on, if it is one of the table."""
    back = form.text("back")
    if not table.is_place(back):
        raise WhimbrelError("not_found")
    return back


def _kept(table: Table, query: str) -> dict[str, str]:
    """What a query asks for, for the address that one goes back to."""
    return {name: value for name, value in parse_qsl(query) if name in table.asked}


PAGES = (
    Page(path=f"{_TABLE}/columns", method="POST", handle=set_columns),
    Page(path=f"{_TABLE}/views", method="POST", handle=save_view),
    Page(path=f"{_TABLE}/views/{{id}}/delete", method="POST", handle=delete_view),
)
