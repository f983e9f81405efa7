"""The list of messages: searched and filtered by the address, with the columns that the viewer chose, saved views, a
file for spreadsheets and a live tail (`message_tail.py`).
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing
from whimbrel.edges.console.finding import FAILED, OPEN, SPANS, Filters, may_be_a_carriers, minute, understand
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.lasting import lasted
from whimbrel.edges.console.live import Live
from whimbrel.edges.console.menu import MENU
from whimbrel.edges.console.message_export import export_lines
from whimbrel.edges.console.message_tail import Tail
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.undoing import Undo
from whimbrel.edges.shared import cursors
from whimbrel.manage import preferences, saved_views

PLACE: Final = "/console/messages"
NAME: Final = "messages"
COLUMNS: Final = (
    "status", "direction", "to", "sender", "text", "class", "segments", "price", "carrier", "tags", "reason", "sent",
    "final", "latency", "id",
)  # fmt: skip
"""All columns beside the first, which says when."""
USUAL: Final = ("status", "to", "sender", "text", "class", "price")
STATES: Final = (
    "scheduled", "queued", "sending", "sent", "delivered", "undelivered", "expired", "failed", "rejected", "canceled",
    "in_doubt", "unknown", "received",
)  # fmt: skip
BUILT_IN: Final = (("failed", {"status": FAILED}), ("open", {"status": OPEN}), ("received", {"direction": "in"}))
_DEEP_MAX: Final = 100  # stretches that are looked through by themselves before somebody has to ask for more
_DEEP_DIGITS: Final = 7
_SENDERS: Final = "200"


class Found(msgspec.Struct, frozen=True):
    """A page of messages. `next_url`: where the list goes on; `back_to`: how far it has been looked through where
    nothing was found."""

    rows: Sequence[Any] = ()
    next_url: str = ""
    back_to: str | None = None
    goes_on: bool = False
    problem: Problem | None = None


async def messages(request: Request) -> Response:
    """The list; a script asks for the results, or for the rows that follow."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    filters = await filters_of(request)
    message_id = await _meant(request, filters)
    if message_id:
        return request.go(f"{PLACE}/{message_id}")
    found = await _find(request, filters)
    values = await shown(request) | {"found": found, "filters": filters}
    status = 422 if found.problem else 200
    if request.is_part and request.query.text("cursor"):
        return request.page("messages/rows.html", status=status, **values)
    views = await saved_views.of(request.services.manage, request.visit.user.id, NAME)
    values |= {"views": views, "built_in": BUILT_IN}
    if request.is_part:
        part = request.page("messages/results.html", status=status, **values)
        address = filters.link(PLACE)
        is_there = request.http.headers.get("hx-current-url", "").endswith(address)
        part.headers["hx-push-url"] = "false" if is_there else address
        return part
    values |= {"states": STATES, "spans": tuple(SPANS), "failed": FAILED, "open": OPEN, "minute": minute}
    return request.page("messages/list.html", status=status, **values)


async def filters_of(request: Request) -> Filters:
    """What the address asks for."""
    query, senders = request.query, []
    if query.text("q") and request.api.may("listSenders"):
        known = await request.api("listSenders", query={"limit": _SENDERS})
        senders = [sender.value for sender in known.data]
    word = understand(query.text("q"), senders, as_=query.text("as"))
    return Filters(query, word, request.services.clock.now_us())


async def shown(request: Request) -> dict[str, Any]:
    """What rows are shown with: the columns, and the names of carriers where the visitor may see them."""
    carriers: dict[str, str] = {}
    if request.api.may("listCarriers"):
        known = await request.api("listCarriers", query={"limit": "1000"})
        carriers = {carrier.id: carrier.name for carrier in known.data}
    chosen = preferences.of(request.visit.user).columns.get(NAME, USUAL)
    possible = tuple(column for column in COLUMNS if carriers or column != "carrier")
    return {
        "columns": tuple(column for column in chosen if column in possible),
        "all_columns": possible,
        "carriers": carriers,
        "place": PLACE,
        "lasted": lasted,
        "has_compose": any(each.name == "compose" for group in MENU for each in group.entries),
    }


async def _meant(request: Request, filters: Filters) -> str:
    """The one message that the search word is an id of, ours or a carrier's; empty where it is none."""
    word = filters.word
    if word.meaning == "message":
        try:
            return str((await request.api("getMessage", path={"id": word.value})).id)
        except WhimbrelError as error:
            if error.code != "not_found":
                raise
            return ""
    written = request.query.text("q")
    if not may_be_a_carriers(written) or request.query.text("cursor") or request.query.text("as"):
        return ""
    found = (await request.api("listMessages", query={"carrier_message_id": written, "limit": "2"})).data
    return str(found[0].id) if len(found) == 1 else ""


async def _find(request: Request, filters: Filters) -> Found:
    if filters.finds_nothing:
        return Found()
    cursor = request.query.given("cursor")
    try:
        page = await request.api("listMessages", query=filters.query(**cursor))
    except WhimbrelError as error:
        return Found(problem=problem(error))
    if page.next_cursor is None:
        return Found(page.data)
    deep = _deep(request) + 1
    next_url = filters.link(PLACE, cursor=page.next_cursor, deep="" if page.data else str(deep))
    back_to = None if page.data else moments.to_text(ids.time_us(cursors.decode(page.next_cursor)))
    return Found(page.data, next_url, back_to, goes_on=deep % _DEEP_MAX != 0)


def _deep(request: Request) -> int:
    """How many stretches before this one held nothing."""
    written = request.query.text("deep")
    return int(written) if written.isascii() and written.isdigit() and len(written) < _DEEP_DIGITS else 0


async def live(request: Request) -> Response:
    """What comes from now on, under the same filters."""
    filters = await filters_of(request)
    if filters.finds_nothing:
        return Response(status_code=204)  # a browser asks no more
    await request.api("listMessages", query=filters.query(limit="1"))  # what would be refused is refused at once
    return Live(Tail(request, filters, await shown(request), request.query.text("after")).pieces())


async def export(request: Request) -> Response:
    """The same list as a file."""
    filters = await filters_of(request)
    return await export_lines(request, filters, (await shown(request))["carriers"])


async def set_columns(request: Request) -> Response:
    """Which columns are shown from now on."""
    form = await request.form()
    chosen = tuple(column for column in COLUMNS if form.has("column", column))
    if form.flag("usual"):
        chosen = ()
    await preferences.set_columns(request.services.manage, request.visit.user.id, NAME, chosen)
    return request.go(PLACE, done="columns.set", **_kept(form.raw("query")))


async def save_view(request: Request) -> Response:
    """Keep the filters under a name."""
    form = await request.form()
    query = form.raw("query")
    try:
        await saved_views.save(request.services.manage, request.visit.user.id, NAME, form.text("name"), query)
    except WhimbrelError as error:
        return request.page(
            "messages/view.html", status=422, problem=problem(error), form=form, place=PLACE, query=query
        )
    return request.go(PLACE, done="view.saved", **_kept(query))


async def delete_view(request: Request) -> Response:
    manage, user_id, view_id = request.services.manage, request.visit.user.id, request.path["id"]
    found = [view for view in await saved_views.of(manage, user_id, NAME) if view.id == view_id]
    await saved_views.delete(manage, user_id, view_id)
    undo = next((Undo("saveView", PLACE, body=[view.name, view.query]) for view in found), None)
    return request.undone_by(undo).go(PLACE, done="view.deleted")


def _kept(query: str) -> dict[str, str]:
    """The filters of a query, for the address that one goes back to."""
    return Filters(Form(parse_qsl(query)), understand(""), 0).address


PAGES = (
    Page(path=PLACE, handle=messages),
    Page(path=f"{PLACE}/live", handle=live),
    Page(path=f"{PLACE}/export", handle=export, confirmed=True),
    Page(path=f"{PLACE}/columns", method="POST", handle=set_columns),
    Page(path=f"{PLACE}/views", method="POST", handle=save_view),
    Page(path=f"{PLACE}/views/{{id}}/delete", method="POST", handle=delete_view),
)
