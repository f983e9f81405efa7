"""The list of messages: searched and filtered by the address, with a file for spreadsheets and a live
tail (`message_tail.py`).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing, tables
from whimbrel.edges.console.finding import (
    FAILED,
    FIELDS,
    OLDEST_FIRST,
    OPEN,
    SPANS,
    Filters,
    may_be_a_carriers,
    minute,
    understand,
)
from whimbrel.edges.console.forms import Problem, problem
from whimbrel.edges.console.lasting import lasted
from whimbrel.edges.console.live import Live
from whimbrel.edges.console.menu import MENU
from whimbrel.edges.console.message_export import export_lines
from whimbrel.edges.console.message_tail import Tail
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.edges.shared import cursors

PLACE: Final = "/console/messages"
TABLE: Final = Table(
    name="messages",
    path=PLACE,
    cells="messages/cells.html",
    operation="listMessages",
    by=OLDEST_FIRST,
    filters=FIELDS,
    target="results",
    columns=(
        Column("when", "messages.column_when", "created_at", css="when"),
        Column("status", "messages.column_status"),
        Column("direction", "messages.column_direction", usual=False),
        Column("to", "messages.column_to"),
        Column("sender", "messages.column_sender"),
        Column("text", "messages.column_text", css="wide"),
        Column("class", "messages.column_class"),
        Column("segments", "messages.column_segments", usual=False, css="n"),
        Column("price", "messages.column_price", css="n"),
        Column("carrier", "messages.column_carrier", usual=False),
        Column("tags", "messages.column_tags", usual=False),
        Column("reason", "messages.column_reason", usual=False, css="wide"),
        Column("sent", "messages.column_sent", usual=False),
        Column("final", "messages.column_final", usual=False),
        Column("latency", "messages.column_latency", usual=False, css="n"),
        Column("id", "messages.column_id", usual=False),
    ),
)
STATES: Final = (
    "scheduled", "queued", "sending", "sent", "delivered", "undelivered", "expired", "failed", "rejected", "canceled",
    "in_doubt", "unknown", "received",
)  # fmt: skip
BUILT_IN: Final = (
    ("messages.view_failed", {"status": FAILED}),
    ("messages.view_open", {"status": OPEN}),
    ("messages.view_received", {"direction": "in"}),
)
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
    values = await shown(request, filters, found.rows) | {"found": found, "filters": filters}
    status = 422 if found.problem else 200
    if request.is_part and request.query.text("cursor"):
        return request.page("messages/rows.html", status=status, **values)
    values |= {"built_in": BUILT_IN}
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


async def shown(request: Request, filters: Filters, rows: Sequence[Any] = ()) -> dict[str, Any]:
    """What rows are shown with."""
    values = await beside(request)
    without = () if values["carriers"] else ("carrier",)
    table = await tables.shown(request, TABLE, rows, address=filters.address, without=without)
    return values | {"table": table}


async def beside(request: Request) -> dict[str, Any]:
    """What messages are shown with: names of carriers, where the visitor may see them, and where to go on."""
    carriers: dict[str, str] = {}
    if request.api.may("listCarriers"):
        known = await request.api("listCarriers", query={"limit": "1000"})
        carriers = {carrier.id: carrier.name for carrier in known.data}
    return {
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
    return Live(Tail(request, filters, await shown(request, filters), request.query.text("after")).pieces())


async def export(request: Request) -> Response:
    """The same list as a file."""
    filters = await filters_of(request)
    return await export_lines(request, filters, (await beside(request))["carriers"])


PAGES = (
    Page(path=PLACE, handle=messages),
    Page(path=f"{PLACE}/live", handle=live),
    Page(path=f"{PLACE}/export", handle=export, confirmed=True),
)
