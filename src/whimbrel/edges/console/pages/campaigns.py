"""Campaigns: the list; a draft with its estimate, tests and approval; and one that has begun, with its progress and
what it has brought, read anew every second while it sends.
"""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import attachments, campaigning, table_files, tables, usable
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.pages import campaign_results
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, Table

PATH: Final = "/console/campaigns"
TABLE: Final = Table(
    name="campaigns",
    path=PATH,
    cells="campaigns/cells.html",
    operation="listCampaigns",
    filters=("status",),
    columns=(
        Column("name", "campaigns.name"),
        Column("state", "campaigns.state", "status"),
        Column("accepted", "campaigns.accepted", "progress.accepted", css="n"),
        Column("refused", "campaigns.refused", "progress.refused", css="n"),
        Column("started", "campaigns.started", "started_at"),
        Column("ended", "campaigns.ended", "ended_at", usual=False),
        Column("id", "table.id", usual=False),
    ),
)


async def campaigns(request: Request) -> Response:
    """All of the account, newest first; a script asks for the rows that follow."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="campaigns")
    needs = (await request.api("getCampaignPolicy")).approval
    values = {"needs_approval": needs, "may_decide": request.api.may("setCampaignPolicy")}
    may_write = request.api.may("createCampaign")
    return await tables.answer(request, TABLE, "campaigns/list.html", may_write=may_write, **values)


async def decide(request: Request) -> Response:
    """Whether campaigns need a second person."""
    form = await request.form()
    needs = form.flag("approval")
    await request.api("setCampaignPolicy", body={"approval": needs})
    return request.go(PATH, done="campaign.with_approval" if needs else "campaign.without_approval")


async def new(request: Request) -> Response:
    if not request.api.may("createCampaign"):
        raise WhimbrelError("forbidden", request.words("campaigns.not_for_you"))
    return await _form(request, None, Form.of({"zone": "UTC", "metric": "answered"}))


async def create(request: Request) -> Response:
    form = await request.form()
    try:
        made = await request.api("createCampaign", body=campaigning.body_of(await attachments.kept(request, form)))
    except WhimbrelError as error:
        return await _form(request, None, form, campaigning.told(error))
    return request.go(f"{PATH}/{made.id}", done="campaign.made")


async def campaign(request: Request) -> Response:
    return await _one(request)


async def update(request: Request) -> Response:
    form, path = await request.form(), dict(request.path)
    try:
        before = await request.api("getCampaign", path=path)
        body = campaigning.body_of(await attachments.kept(request, form), before)
        await request.api("updateCampaign", path=path, body=body)
    except WhimbrelError as error:
        return await _one(request, form=form, told=campaigning.told(error))
    return request.go(f"{PATH}/{request.path['id']}", done="campaign.saved")


async def attach(request: Request) -> Response:
    """The media of the form, with what was named or without what was taken away; what a URL gives is kept."""
    if not request.api.may("createCampaign"):
        raise WhimbrelError("forbidden", request.words("campaigns.not_for_you"))
    before = await _before(request)
    form, told = await attachments.kept_or_told(request, await request.form(), campaigning.told)
    if not request.is_part:
        return await _form(request, before, form, told)
    return await attachments.part(request, form, _place(before), told)


async def estimate(request: Request) -> Response:
    """What a draft would do; what is in its way, if it can do nothing."""
    await request.api("getCampaign", path=dict(request.path))
    try:
        found, told = await request.api("estimateCampaign", path=dict(request.path)), None
    except WhimbrelError as error:
        found, told = None, problem(error)
    return request.part("campaigns/estimate.html", "estimate", estimate=found, problem=told)


async def estimate_typed(request: Request) -> Response:
    """The same of what stands in the form now."""
    form = await request.form()
    body = campaigning.body_of(attachments.without_urls(form), await _before(request))
    body["name"] = body["name"] or "-"
    if "variants" not in body:
        body["template"] = form.text("template")
    try:
        found, told = await request.api("estimateNewCampaign", body=body), None
    except WhimbrelError as error:
        if error.code == "forbidden":
            raise
        found, told = None, campaigning.told(error)
    return request.part("campaigns/estimate.html", "estimate", estimate=found, problem=told)


async def _before(request: Request) -> Any:
    """The draft that is written on; None: a new one."""
    return await request.api("getCampaign", path=dict(request.path)) if request.path else None


async def approve(request: Request) -> Response:
    return await _acted(request, "approveCampaign", "campaign.approved")


async def start(request: Request) -> Response:
    return await _acted(request, "startCampaign", "campaign.started")


async def pause(request: Request) -> Response:
    return await _acted(request, "pauseCampaign", "campaign.paused")


async def resume(request: Request) -> Response:
    return await _acted(request, "resumeCampaign", "campaign.resumed")


async def cancel(request: Request) -> Response:
    return await _acted(request, "cancelCampaign", "campaign.canceled")


async def choose(request: Request) -> Response:
    form = await request.form()
    return await _acted(request, "chooseWinnerOfCampaign", "campaign.decided", {"variant": form.text("variant")})


async def send_test(request: Request) -> Response:
    form = await request.form()
    wanted = {"to": campaigning.numbers_in(form.raw("to"))}
    try:
        sent = await request.api("testCampaign", path=dict(request.path), body=wanted)
    except WhimbrelError as error:
        return await _one(request, tried=form, told=problem(error, "to"))
    return await _one(request, tried=form, tested=sent.data)


async def remove(request: Request) -> Response:
    await request.api("deleteCampaign", path=dict(request.path))
    return request.go(PATH, done="campaign.removed")


async def _acted(request: Request, operation: str, done: str, body: Any = None) -> Response:
    try:
        await request.api(operation, path=dict(request.path), body=body)
    except WhimbrelError as error:
        return await _one(request, told=problem(error))
    return request.go(f"{PATH}/{request.path['id']}", done=done)


async def _one(
    request: Request,
    *,
    form: Form | None = None,
    told: Problem | None = None,
    tried: Form | None = None,
    tested: Any = (),
) -> Response:
    found = await request.api("getCampaign", path=dict(request.path))
    if found.status != "draft":
        status = told.status if told else 200
        return request.page("campaigns/one.html", status=status, problem=told, **await _standing(request, found))
    if form is None:
        path = dict(request.path)
        numbers = await request.api("listNumbersOfCampaign", path=path)
        excluded = await request.api("listNumbersOfCampaign", path=path, query={"excluded": "true"})
        form = Form.of(campaigning.shown(found, numbers.data, excluded.data))
    return await _form(request, found, form, told, tried=tried or Form(), tested=tested)


async def _standing(request: Request, found: Any) -> dict[str, Any]:
    return await campaign_results.standing(request, found) | await campaign_results.over_time(request, found)


async def _form(
    request: Request,
    found: Any,
    form: Form,
    told: Problem | None = None,
    *,
    tried: Form | None = None,
    tested: Any = (),
) -> Response:
    groups = {}
    for name, operation in campaigning.GROUPS:
        groups[name] = (await request.api(operation)).data if request.api.may(operation) else ()
    needs = (await request.api("getCampaignPolicy")).approval
    return request.page(
        "campaigns/form.html",
        status=told.status if told else 200,
        campaign=found,
        form=form,
        problem=told,
        groups=groups,
        letters=campaigning.letters_of(found),
        templates=await usable.templates(request, request.words("campaigns.no_template")),
        pools=await usable.pools(request, request.words("campaigns.no_pool"), form.text("pool")),
        validities=usable.validities(form, request.words),
        needs_approval=needs,
        may_write=request.api.may("createCampaign"),
        may_send=request.api.may("startCampaign"),
        may_approve=request.api.may("approveCampaign"),
        tried=tried or Form(),
        tested=tested,
        **_place(found),
        **await attachments.values(request, attachments.settled(form)),
    )


def _place(found: Any) -> dict[str, str]:
    """Where its form asks for media."""
    return {"attach": f"{PATH}/{found.id}/attach" if found else f"{PATH}/attach", "form_id": "campaign"}


PAGES = (
    Page(path=PATH, handle=campaigns),
    table_files.page(TABLE),
    Page(path=f"{PATH}/new", handle=new),
    Page(path=f"{PATH}/new", method="POST", handle=create),
    Page(path=f"{PATH}/policy", method="POST", handle=decide),
    Page(path=f"{PATH}/attach", method="POST", handle=attach),
    Page(path=f"{PATH}/{{id}}/attach", method="POST", handle=attach),
    Page(path=f"{PATH}/estimate", method="POST", handle=estimate_typed),
    Page(path=f"{PATH}/{{id}}/estimate", method="POST", handle=estimate_typed),
    Page(path=f"{PATH}/{{id}}", handle=campaign),
    Page(path=f"{PATH}/{{id}}", method="POST", handle=update),
    Page(path=f"{PATH}/{{id}}/estimate", handle=estimate),
    Page(path=f"{PATH}/{{id}}/test", method="POST", handle=send_test),
    Page(path=f"{PATH}/{{id}}/approve", method="POST", handle=approve),
    Page(path=f"{PATH}/{{id}}/start", method="POST", handle=start),
    Page(path=f"{PATH}/{{id}}/pause", method="POST", handle=pause),
    Page(path=f"{PATH}/{{id}}/resume", method="POST", handle=resume),
    Page(path=f"{PATH}/{{id}}/cancel", method="POST", handle=cancel),
    Page(path=f"{PATH}/{{id}}/winner", method="POST", handle=choose),
    Page(path=f"{PATH}/{{id}}/remove", method="POST", handle=remove),
)
