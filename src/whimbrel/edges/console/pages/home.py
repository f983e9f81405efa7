"""What one sees first: how traffic goes now, what failed lately and what to do about it, how the carriers are; and,
until it is done, what to do first."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing
from whimbrel.edges.console.figures import Figures, Past, past
from whimbrel.edges.console.finding import FAILED
from whimbrel.edges.console.live import Live
from whimbrel.edges.console.overview_figures import standing
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page

_POSITION_DIGITS: Final = 19
_LOOKED_AT: Final = "200"  # of the failed messages: the newest


class Step(msgspec.Struct, frozen=True):
    """One of the first steps: its name in the catalogue, where it is done, and whether it was."""

    name: str
    path: str
    done: bool


class Failures(msgspec.Struct, frozen=True):
    """Messages that failed for one reason, of those looked at; the newest of them."""

    reason: Any
    count: int
    newest: Any


async def overview(request: Request) -> Response:
    """Where things stand."""
    if not request.visit.user.password:
        return request.go("/console/welcome")
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    steps, failures, carriers, balance, before = await asyncio.gather(
        _steps(request), _failures(request), _carriers(request), _balance(request), _before(request)
    )
    return request.page(
        "home/overview.html",
        steps=steps,
        failures=failures,
        carriers=carriers,
        balance=balance,
        before=before,
        is_late=False,
        standing=await standing(request),
    )


async def steps(request: Request) -> Response:
    """The first steps as they are now; asked for every few seconds until they are done."""
    return request.part("home/overview.html", "steps", steps=await _steps(request))


async def lately(request: Request) -> Response:
    """Recent failures, the carriers and the balance as they are now; asked for every few seconds."""
    failures, carriers, balance = await asyncio.gather(_failures(request), _carriers(request), _balance(request))
    values = {"failures": failures, "carriers": carriers, "balance": balance}
    return request.part("home/overview.html", "lately", is_late=True, **values)


async def by_country(request: Request) -> Response:
    """Delivery, spend and what waits, as they are now; asked for every half minute."""
    return request.part("home/overview.html", "standing", standing=await standing(request))


async def live(request: Request) -> Response:
    """The figures of each second."""
    asked, services = request.asked, request.there
    if asked.acting_for is None or not request.api.may("listEvents"):
        raise WhimbrelError("forbidden", "Your role may not follow events.")
    figures = Figures(services.store, services.clock, asked.acting_for, test=asked.principal.test)
    return Live(figures.pieces(_position(request.query.text("position"))))


async def _before(request: Request) -> Past | None:
    """What the live figures were until now; None for whom they are not."""
    asked, services = request.asked, request.there
    if asked.acting_for is None or not request.api.may("listEvents"):
        return None
    return await past(services.store, services.clock, asked.acting_for, test=asked.principal.test)


def _position(written: str) -> int | None:
    return int(written) if written.isascii() and written.isdigit() and len(written) < _POSITION_DIGITS else None


async def _steps(request: Request) -> Sequence[Step]:
    """Nothing where all are done, or where there are no virtual phones to begin with."""
    if not request.desk.settings.simulator_url or not request.api.may("sendMessage"):
        return ()
    sent, answered, webhooks, carriers = await asyncio.gather(
        _any(request, "listMessages", direction="out", limit="1"),
        _any(request, "listInbound", limit="1"),
        _any(request, "listWebhooks", limit="1"),
        _has_own_carrier(request),
    )
    found = (
        Step("send", "/console/phones", sent),
        Step("answer", "/console/phones", answered),
        Step("webhook", "/console/webhooks/new", webhooks),
        Step("carrier", "/console/carriers/new", carriers),
    )
    return () if all(step.done for step in found) else found


async def _any(request: Request, operation: str, **query: str) -> bool:
    return request.api.may(operation) and bool((await request.api(operation, query=query)).data)


async def _has_own_carrier(request: Request) -> bool:
    if not request.api.may("listCarriers"):
        return False
    return any(not carrier.sandbox for carrier in (await request.api("listCarriers")).data)


async def _failures(request: Request) -> Sequence[Failures]:
    """The newest failures by their reason, the most frequent first."""
    if not request.api.may("listMessages") or request.asked.acting_for is None:
        return ()
    rows = (await request.api("listMessages", query={"status": FAILED, "limit": _LOOKED_AT})).data
    counts = Counter(row.reason.code for row in rows if row.reason)
    newest = {row.reason.code: row for row in reversed(rows) if row.reason}
    return [Failures(newest[code].reason, count, newest[code]) for code, count in counts.most_common()]


async def _carriers(request: Request) -> Sequence[Any]:
    if not request.api.may("getCarriersHealth"):
        return ()
    return tuple((await request.api("getCarriersHealth")).data)


async def _balance(request: Request) -> Any:
    if request.asked.principal.test or not request.api.may("getBalance"):
        return None
    return await request.api("getBalance")


PAGES = (
    Page(path="/console", handle=overview),
    Page(path="/console/overview/steps", handle=steps),
    Page(path="/console/overview/lately", handle=lately),
    Page(path="/console/overview/standing", handle=by_country),
    Page(path="/console/overview/live", handle=live),
)
