"""What a campaign that has begun has brought: how far it is, read anew every second while it sends; over time; its
recipients; and all of this as files.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response, StreamingResponse

from whimbrel.base import moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.campaigns import ACTIVITIES
from whimbrel.edges.console import csv_file, people_known, tables
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table
from whimbrel.manage import exports
from whimbrel.products.campaigns import exporting
from whimbrel.products.campaigns.recipients import Narrowed

PATH: Final = "/console/campaigns/{id}"
_SECOND_US: Final = 1_000_000
_FOLLOWED_US: Final = 3600 * _SECOND_US
"""So long after its end a page still looks for what comes."""
_CSV: Final = "text/csv; charset=utf-8"
RECIPIENTS: Final = Table(
    name="campaign_recipients",
    path=f"{PATH}/recipients",
    cells="campaigns/recipient_cells.html",
    operation="listRecipientsOfCampaign",
    by="at",
    filters=("code", "activity"),
    columns=(
        Column("who", "campaigns.recipient", "contact_id"),
        Column("status", "campaigns.state", "status"),
        Column("code", "campaigns.why", "code"),
        Column("variant", "campaigns.variant", "variant"),
        Column("country", "campaigns.country", "country"),
        Column("at", "campaigns.looked_at", "at"),
        Column("clicked", "campaigns.clicked", "clicked_at"),
        Column("answered", "campaigns.answered", "answered_at"),
        Column("opted_out", "campaigns.stopped", "opted_out_at"),
        Column("converted", "campaigns.converted_at", "converted_at", usual=False),
    ),
)


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """One variant, or all together, in steps one after the other: seconds since 1970, and what happened in each."""

    times: list[int]
    length: int
    accepted: list[int]
    delivered: list[int]
    lost: list[int]


async def progress(request: Request) -> Response:
    """How far it is, for a page that is open; nothing where that shows it already."""
    found = await request.api("getCampaign", path=dict(request.path))
    values = await standing(request, found)
    if values["seen"] == request.query.text("seen"):
        return _nothing_new()
    values["is_other"] = values["stands"] != request.query.text("stands")
    return request.part("campaigns/progress.html", "progress", **values)


async def plots(request: Request) -> Response:
    """The curves, for a page that is open."""
    found = await request.api("getCampaign", path=dict(request.path))
    values = {"campaign": found, **await over_time(request, found)}
    if values["drawn"] == request.query.text("drawn"):
        return _nothing_new()
    return request.part("campaigns/plots.html", "plots", goes_on=goes_on(request, found), **values)


def _nothing_new() -> Response:
    return Response(status_code=204, headers={"hx-reswap": "none"})


async def recipients(request: Request) -> Response:
    """Who was looked at, with what became of each; a script asks for the rows that follow."""
    path = dict(request.path)
    found = await request.api("getCampaign", path=path)
    results = await request.api("getResultsOfCampaign", path=path)
    return await tables.answer(
        request, RECIPIENTS, "campaigns/recipients.html", campaign=found, results=results, activities=ACTIVITIES
    )


async def export_recipients(request: Request) -> Response:
    """All of them with their outcomes as a file."""
    found = await request.api("getCampaign", path=dict(request.path))
    if not request.api.may("exportRecipientsOfCampaign"):
        raise WhimbrelError("forbidden")
    narrowed = Narrowed(**request.query.given("code", "activity"))
    about = {"account_id": found.account_id, "test": found.test, "narrowed": narrowed}
    pages = await exporting.export(request.there.manage, found.id, **about)
    await _noted(request, found, "campaign_recipients")
    return _file(people_known.while_held(request, pages), f"recipients-{found.id}.csv")


async def export_results(request: Request) -> Response:
    """The figures in all, by variant, country and carrier, and who was left out, as a file."""
    found = await request.api("getCampaign", path=dict(request.path))
    results = await request.api("getResultsOfCampaign", path=dict(request.path))
    await _noted(request, found, "campaign_results")
    return _file(_once(_lines(results, await carriers(request))), f"results-{found.id}.csv")


def _lines(results: Any, names: Mapping[str, str]) -> str:
    counts = type(results.total).__struct_fields__
    groups = (
        ("variant", results.variants),
        ("country", [each for each in results.countries if each.key]),
        ("carrier", [each for each in results.carriers if each.key]),
    )
    lines = [csv_file.line(("group", "key", "currency", *counts))]
    rows = [("total", "", results.total)]
    rows += [(group, names.get(each.key, each.key), each.counts) for group, of in groups for each in of]
    for group, key, figures in rows:
        lines.append(csv_file.line((group, key, results.currency, *(getattr(figures, name) for name in counts))))
    lines += [csv_file.line(("left_out", each.code, "", each.count)) for each in results.refusals]
    return "".join(lines)


async def _once(text: str) -> AsyncIterator[str]:
    yield text


async def _noted(request: Request, found: Any, what: str) -> None:
    await exports.note(request.there.manage, request.visit.user.id, found.account_id, what, [found.id])


def _file(pieces: AsyncIterator[Any], name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type=_CSV, headers=headers)


async def standing(request: Request, found: Any) -> dict[str, Any]:
    """What the page of one that has begun takes. `seen` tells what it shows, `stands` which buttons it has."""
    results = await request.api("getResultsOfCampaign", path={"id": found.id})
    total = results.total
    left = total.sent + total.in_doubt + total.canceled + total.failed + total.expired + total.rejected
    waits = found.status == "finished" and found.waiting
    return {
        "campaign": found,
        "results": results,
        "waits": waits,
        "goes_on": goes_on(request, found)
        or waits
        or left < total.accepted
        or total.accepted < found.progress.accepted,
        "seen": _digest((found, results)),
        "stands": f"{found.status}.{found.phase}.{found.reason or ''}.{int(waits)}",
        "carriers": await carriers(request),
        "may_send": request.api.may("startCampaign"),
        "may_write": request.api.may("createCampaign"),
        "is_other": False,
    }


def goes_on(request: Request, found: Any) -> bool:
    """Whether something may happen to it soon: receipts, clicks and answers come after its end."""
    if found.ended_at is None:
        return found.status in ("scheduled", "running", "paused")
    return request.services.clock.now_us() - moments.from_text(found.ended_at) < _FOLLOWED_US


async def over_time(request: Request, found: Any) -> dict[str, Any]:
    """Curves: of all variants together, and of each where there are several."""
    series = await request.api("getSeriesOfCampaign", path={"id": found.id})
    names = [each.name for each in found.variants]
    shown = [("", plot_of(series, None))] if series.data else []
    if len(names) > 1:
        shown += [(name, plot_of(series, name)) for name in names] if series.data else []
    told = [(name, msgspec.json.encode(plot).decode()) for name, plot in shown]
    return {"curves": told, "drawn": _digest(told)}


def plot_of(series: Any, variant: str | None) -> Plot:
    """One variant's, or all (None), over the whole time."""
    step = series.step_s
    at = [moments.from_text(each.at) // _SECOND_US for each in series.data]
    times = list(range(at[0], at[-1] + step, step))
    sent, delivered, lost = ([0] * len(times) for _ in range(3))
    for second, each in zip(at, series.data, strict=True):
        if variant is None or each.variant == variant:
            place = (second - times[0]) // step
            sent[place] += each.sent
            delivered[place] += each.delivered
            lost[place] += each.failed
    return Plot(times=times, length=step, accepted=sent, delivered=delivered, lost=[max(0, each) for each in lost])


async def carriers(request: Request) -> dict[str, str]:
    """Names of carriers by id, for those who may know them."""
    if not request.api.may("listCarriers"):
        return {}
    return {each.id: each.name for each in (await request.api("listCarriers", query={"limit": "1000"})).data}


def _digest(shown: Any) -> str:
    return hashlib.blake2b(msgspec.json.encode(shown), digest_size=8).hexdigest()


PAGES = (
    Page(path=f"{PATH}/progress", handle=progress),
    Page(path=f"{PATH}/plots", handle=plots),
    Page(path=f"{PATH}/recipients", handle=recipients),
    Page(path=f"{PATH}/recipients/export", handle=export_recipients, confirmed=True),
    Page(path=f"{PATH}/results/export", handle=export_results, confirmed=True),
)
