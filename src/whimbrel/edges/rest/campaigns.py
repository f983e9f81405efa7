"""/v1/campaigns: a text, or several to compare, to everybody of an audience."""

from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.domain.campaigns import Activity, CampaignStatus
from whimbrel.edges.rest.paging import Cursor, HistoryQuery, Limit
from whimbrel.edges.shared.asgi import Headers, Receive, Send
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Context, Page, Paging
from whimbrel.products.campaigns import estimating, exporting, keeping, recipients, steering, trying
from whimbrel.products.campaigns import series as over_time
from whimbrel.products.campaigns.estimating import Estimate
from whimbrel.products.campaigns.recipients import Narrowed, RecipientView, Results
from whimbrel.products.campaigns.series import Series
from whimbrel.products.campaigns.shapes import CampaignChange, CampaignView, NewCampaign
from whimbrel.products.campaigns.steering import CampaignPolicy, Choice
from whimbrel.products.campaigns.trying import CampaignTest, Tested

_TAG = "campaigns"
_BODY_MAX = 1024 * 1024  # 10,000 numbers, and as many excluded
_OF_TEMPLATES = ("template_not_found", "template_not_approved", "invalid_class")
_OF_BODIES = ("invalid_filter", "not_found", "sender_not_allowed", "invalid_sender", "media_not_found", *_OF_TEMPLATES)
_EXAMPLE = {
    "name": "Spring sale",
    "audience": {"lists": ["Newsletter"]},
    "exclude": {"tags": ["wholesale"]},
    "text": 'Hi {{ first_name|default:"there" }}, 20% off until Sunday. STOP to opt out',
    "schedule": {"pace": {"count": 200, "per": "second"}},
}
_Code = Annotated[str | None, Meta(description="Those that were refused with this code.")]
_Activity = Annotated[Activity | None, Meta(description="Those who did this; not together with `code`.")]


class CampaignsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which campaigns."""

    status: Annotated[CampaignStatus | None, Meta(description="Only these.")] = None
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


class RecipientsQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which recipients."""

    code: _Code = None
    activity: _Activity = None


class ExportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which recipients."""

    code: _Code = None
    activity: _Activity = None


class NumbersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which numbers."""

    excluded: Annotated[bool, Meta(description="Those that it does not go to.")] = False


async def create(services: Services, call: Call[NoQuery, NewCampaign]) -> Answer:
    made = await keeping.create(services.manage, call.actor, call.body, account_id=call.account_id, test=call.test)
    return Answer(made, location=f"/v1/campaigns/{made.id}")


async def find(services: Services, call: Call[CampaignsQuery, None]) -> Answer:
    query = call.query
    paging = Paging(query.cursor, query.limit)
    found = await keeping.find(
        services.manage, account_id=call.account_id, test=call.test, status=query.status, paging=paging
    )
    return Answer(found)


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await keeping.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def update(services: Services, call: Call[NoQuery, CampaignChange]) -> Answer:
    changed = await keeping.update(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(changed)


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer()


async def numbers(services: Services, call: Call[NumbersQuery, None]) -> Answer:
    found = await keeping.numbers(
        services.manage, call.path["id"], account_id=call.account_id, test=call.test, excluded=call.query.excluded
    )
    return Answer(found)


class _Steering(Protocol):
    """A verb of `steering` for one campaign."""

    async def __call__(
        self, ctx: Context, actor: str, campaign_id: str, *, account_id: str, test: bool
    ) -> CampaignView: ...


async def _steered(verb: _Steering, services: Services, call: Call[NoQuery, None]) -> Answer:
    done = await verb(services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer(done)


async def approve(services: Services, call: Call[NoQuery, None]) -> Answer:
    return await _steered(steering.approve, services, call)


async def start(services: Services, call: Call[NoQuery, None]) -> Answer:
    return await _steered(steering.start, services, call)


async def pause(services: Services, call: Call[NoQuery, None]) -> Answer:
    return await _steered(steering.pause, services, call)


async def resume(services: Services, call: Call[NoQuery, None]) -> Answer:
    return await _steered(steering.resume, services, call)


async def cancel(services: Services, call: Call[NoQuery, None]) -> Answer:
    return await _steered(steering.cancel, services, call)


async def choose(services: Services, call: Call[NoQuery, Choice]) -> Answer:
    chosen = await steering.choose(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(chosen)


async def estimate(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await estimating.estimate(
        services.manage, services.accept, call.path["id"], account_id=call.account_id, test=call.test
    )
    return Answer(found)


async def estimate_new(services: Services, call: Call[NoQuery, NewCampaign]) -> Answer:
    found = await estimating.estimate_new(
        services.manage, services.accept, call.actor, call.body, account_id=call.account_id, test=call.test
    )
    return Answer(found)


async def send_test(services: Services, call: Call[NoQuery, CampaignTest]) -> Answer:
    sent = await trying.send_test(
        services.manage, services.accept, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(sent)


async def export(
    services: Services, call: Call[ExportQuery, None], headers: Headers, receive: Receive, send: Send
) -> None:
    """A page of the file at a time: the next is read when the last one is written."""
    narrowed = Narrowed(code=call.query.code, activity=call.query.activity)
    pages = await exporting.export(
        services.manage, call.path["id"], account_id=call.account_id, test=call.test, narrowed=narrowed
    )
    named = [
        *headers,
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="recipients.csv"'),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": named})
    async for octets in pages:
        await send({"type": "http.response.body", "body": octets, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def results(services: Services, call: Call[NoQuery, None]) -> Answer:
    found = await recipients.results(services.manage, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer(found)


async def series(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await over_time.series(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def find_recipients(services: Services, call: Call[RecipientsQuery, None]) -> Answer:
    query = call.query
    found = await recipients.find(
        services.manage,
        call.path["id"],
        account_id=call.account_id,
        test=call.test,
        narrowed=Narrowed(code=query.code, activity=query.activity),
        paging=query.paging(),
    )
    return Answer(found)


async def policy(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await steering.policy(services.manage, account_id=call.account_id))


async def set_policy(services: Services, call: Call[NoQuery, CampaignPolicy]) -> Answer:
    return Answer(await steering.set_policy(services.manage, call.actor, call.body, account_id=call.account_id))


OPERATIONS = (
    Operation(
        method="POST", path="/v1/campaigns", name="createCampaign", tag=_TAG, summary="Make a campaign, as a draft",
        description="It sends nothing before it is started.",
        scope="campaigns:write", handle=create, body=NewCampaign, answer=CampaignView, status=201, body_max=_BODY_MAX,
        errors=("too_many_campaigns", *_OF_BODIES), example=_EXAMPLE,
    ),
    Operation(
        method="GET", path="/v1/campaigns", name="listCampaigns", tag=_TAG, summary="List campaigns, newest first",
        scope="campaigns:read", handle=find, query=CampaignsQuery, answer=Page[CampaignView],
    ),
    Operation(
        method="POST", path="/v1/campaigns/estimate", name="estimateNewCampaign", tag=_TAG,
        summary="See what a campaign would do that is not kept",
        description="As of one that is, of a body as `POST /v1/campaigns` takes it. Nothing is stored.",
        scope="campaigns:read", handle=estimate_new, body=NewCampaign, answer=Estimate, body_max=_BODY_MAX,
        errors=_OF_BODIES, example=_EXAMPLE,
    ),
    Operation(
        method="GET", path="/v1/campaigns/policy", name="getCampaignPolicy", tag=_TAG,
        summary="Read whether campaigns need a second person",
        scope="campaigns:read", handle=policy, answer=CampaignPolicy,
    ),
    Operation(
        method="PUT", path="/v1/campaigns/policy", name="setCampaignPolicy", tag=_TAG,
        summary="Have campaigns approved by a second person, or not",
        scope="campaigns:approve", handle=set_policy, body=CampaignPolicy, answer=CampaignPolicy,
        example={"approval": True},
    ),
    Operation(
        method="GET", path="/v1/campaigns/{id}", name="getCampaign", tag=_TAG, summary="Read a campaign",
        scope="campaigns:read", handle=get, answer=CampaignView,
    ),
    Operation(
        method="PATCH", path="/v1/campaigns/{id}", name="updateCampaign", tag=_TAG, summary="Change a draft",
        description="Whoever had approved it has to look again.",
        scope="campaigns:write", handle=update, body=CampaignChange, answer=CampaignView, body_max=_BODY_MAX,
        errors=("campaign_state", "conflict", *_OF_BODIES), example={"name": "Spring sale, again"},
    ),
    Operation(
        method="DELETE", path="/v1/campaigns/{id}", name="deleteCampaign", tag=_TAG,
        summary="Delete a draft, or one that is over", description="With its results; its messages stay.",
        scope="campaigns:write", handle=delete, status=204, errors=("campaign_state",),
    ),
    Operation(
        method="GET", path="/v1/campaigns/{id}/numbers", name="listNumbersOfCampaign", tag=_TAG,
        summary="List the numbers that a campaign names itself", description="All of them.",
        scope="campaigns:read", handle=numbers, query=NumbersQuery, answer=Page[str],
    ),
    Operation(
        method="GET", path="/v1/campaigns/{id}/estimate", name="estimateCampaign", tag=_TAG,
        summary="See what a campaign would do, before it is started",
        description="Who gets it, who is left out and why, segments, cost and time, by the functions that accept "
        f"messages. Of audiences of more than {limits.CAMPAIGN_ESTIMATE:,} so many are planned, and the rest told in "
        "proportion.",
        scope="campaigns:read", handle=estimate, answer=Estimate, errors=_OF_BODIES,
    ),
    Operation(
        method="POST", path="/v1/campaigns/{id}/test", name="testCampaign", tag=_TAG,
        summary="Send a campaign's texts to numbers of your own", description="They count in no figures of it.",
        scope="campaigns:send", handle=send_test, body=CampaignTest, answer=Tested,
        errors=("invalid_number", *_OF_BODIES), example={"to": ["+14155550123"]},
    ),
    Operation(
        method="POST", path="/v1/campaigns/{id}/approve", name="approveCampaign", tag=_TAG,
        summary="Approve a draft, as somebody other than its author",
        scope="campaigns:approve", handle=approve, answer=CampaignView,
        errors=("campaign_state", "campaign_own_approval", "conflict"),
    ),
    Operation(
        method="POST", path="/v1/campaigns/{id}/start", name="startCampaign", tag=_TAG,
        summary="Start a campaign, at once or at its time",
        description="Starting it again answers as the first time. Segments mean from here on what they mean now, and "
        "contacts that are made later are not among its recipients.",
        scope="campaigns:send", handle=start, answer=CampaignView,
        errors=("campaign_state", "campaign_not_approved", "invalid_schedule", "conflict", *_OF_BODIES),
    ),
    Operation(
        method="POST", path="/v1/campaigns/{id}/pause", name="pauseCampaign", tag=_TAG, summary="Pause a campaign",
        description="In the commit that says so all of its messages leave the queues and wait here; at most what was "
        "with carriers already still goes out.",
        scope="campaigns:send", handle=pause, answer=CampaignView, errors=("campaign_state",),
    ),
    Operation(
        method="POST", path="/v1/campaigns/{id}/resume", name="resumeCampaign", tag=_TAG,
        summary="Let a campaign go on", description="At its pace: what it did not send meanwhile is not made up for.",
        scope="campaigns:send", handle=resume, answer=CampaignView, errors=("campaign_state",),
    ),
    Operation(
        method="POST", path="/v1/campaigns/{id}/cancel", name="cancelCampaign", tag=_TAG, summary="Cancel a campaign",
        description="In the commit that says so all of its messages in queues are canceled.",
        scope="campaigns:send", handle=cancel, answer=CampaignView, errors=("campaign_state",),
    ),
    Operation(
        method="POST", path="/v1/campaigns/{id}/winner", name="chooseWinnerOfCampaign", tag=_TAG,
        summary="Choose the variant that the others get",
        scope="campaigns:send", handle=choose, body=Choice, answer=CampaignView,
        errors=("campaign_state", "conflict"), example={"variant": "B"},
    ),
    Operation(
        method="GET", path="/v1/campaigns/{id}/results", name="getResultsOfCampaign", tag=_TAG,
        summary="Read what a campaign has brought", description="By variant, country and carrier; some seconds behind.",
        scope="campaigns:read", handle=results, answer=Results,
    ),
    Operation(
        method="GET", path="/v1/campaigns/{id}/series", name="getSeriesOfCampaign", tag=_TAG,
        summary="Read how a campaign went over time",
        description="By variant, in steps of a minute or longer; some seconds behind.",
        scope="campaigns:read", handle=series, answer=Series,
    ),
    Operation(
        method="GET", path="/v1/campaigns/{id}/recipients", name="listRecipientsOfCampaign", tag=_TAG,
        summary="List recipients with what became of them, newest first",
        scope="campaigns:read", handle=find_recipients, query=RecipientsQuery, answer=Page[RecipientView],
    ),
    Operation(
        method="GET", path="/v1/campaigns/{id}/recipients/export", name="exportRecipientsOfCampaign", tag=_TAG,
        summary="Export recipients with what became of them as CSV",
        scope="campaigns:read", stream=export, query=ExportQuery, content_type="text/csv",
    ),
)  # fmt: skip
