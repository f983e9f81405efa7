"""/v1/links: short links and what they bring. They are opened at a door of their own (edges/links)."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page
from whimbrel.products.links import converting, keeping
from whimbrel.products.links.shapes import (
    ClickView,
    ConversionView,
    FiguresView,
    LinkChange,
    LinkSettingsChange,
    LinkSettingsView,
    LinkView,
    NewConversion,
    NewLinkRequest,
)

_TAG = "links"


class GroupQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Whose figures."""

    group_id: Annotated[str, Meta(description="Of a campaign, or as the links were made with.")]


async def create(services: Services, call: Call[NoQuery, NewLinkRequest]) -> Answer:
    made = await keeping.create(
        services.manage, services.shorten, call.actor, call.body, account_id=call.account_id, test=call.test
    )
    return Answer(made, location=f"/v1/links/{made.id}")


async def find(services: Services, call: Call[HistoryQuery, None]) -> Answer:
    paging = call.query.paging()
    return Answer(await keeping.find(services.manage, paging, account_id=call.account_id, test=call.test))


async def of_message(services: Services, call: Call[NoQuery, None]) -> Answer:
    message_id = call.path["id"]
    return Answer(await keeping.of_message(services.manage, message_id, account_id=call.account_id, test=call.test))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await keeping.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def update(services: Services, call: Call[NoQuery, LinkChange]) -> Answer:
    changed = await keeping.update(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(changed)


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer()


async def clicks(services: Services, call: Call[HistoryQuery, None]) -> Answer:
    found = await keeping.clicks(
        services.manage, call.path["id"], call.query.paging(), account_id=call.account_id, test=call.test
    )
    return Answer(found)


async def conversions(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(
        await converting.conversions(services.manage, call.path["id"], account_id=call.account_id, test=call.test)
    )


async def convert(services: Services, call: Call[NoQuery, NewConversion]) -> Answer:
    return Answer(await converting.convert(services.manage, call.body, account_id=call.account_id, test=call.test))


async def figures(services: Services, call: Call[GroupQuery, None]) -> Answer:
    group_id = call.query.group_id
    return Answer(await keeping.figures(services.manage, group_id, account_id=call.account_id, test=call.test))


async def settings(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(keeping.settings(services.shorten, account_id=call.account_id))


async def change_settings(services: Services, call: Call[NoQuery, LinkSettingsChange]) -> Answer:
    changed = await keeping.change_settings(
        services.manage,
        services.shorten,
        call.actor,
        call.body,
        account_id=call.account_id,
        by_operator=call.principal.account_id is None,
    )
    return Answer(changed)


OPERATIONS = (
    Operation(
        method="POST", path="/v1/links", name="createLink", tag=_TAG, summary="Make a short link",
        description="One that stands in no message of ours. Those of messages are made when these are sent, one for "
        "each recipient: `shorten_links` of `POST /v1/messages`.",
        scope="links:write", handle=create, body=NewLinkRequest, answer=LinkView, status=201,
        errors=("invalid_link", "links_not_configured", "overloaded"), example={"url": "https://shop.example/sale"},
    ),
    Operation(
        method="GET", path="/v1/links", name="listLinks", tag=_TAG, summary="List short links",
        description="Those of messages too, with their clicks.",
        scope="links:read", handle=find, query=HistoryQuery, answer=Page[LinkView],
    ),
    Operation(
        method="GET", path="/v1/links/settings", name="getLinkSettings", tag=_TAG,
        summary="Read what holds for the account's links",
        scope="links:read", handle=settings, answer=LinkSettingsView,
    ),
    Operation(
        method="PATCH", path="/v1/links/settings", name="updateLinkSettings", tag=_TAG,
        summary="Change what holds for the account's links",
        description="What is kept of who clicks, which clicks are told of, how long links work, what targets are "
        "given. The account's own domain is set by the operator.",
        scope="links:write", live_only=True, handle=change_settings, body=LinkSettingsChange, answer=LinkSettingsView,
        errors=("conflict",), example={"privacy": "none", "expires_days": 30},
    ),
    Operation(
        method="GET", path="/v1/links/figures", name="getLinkFigures", tag=_TAG,
        summary="Read what the links of a group brought, by variant",
        scope="links:read", handle=figures, query=GroupQuery, answer=Page[FiguresView],
    ),
    Operation(
        method="POST", path="/v1/links/conversions", name="createConversion", tag=_TAG,
        summary="Tell what somebody did after a click",
        description="By the click's id, which the target is given in the account's `click_parameter` and the event "
        "`link.clicked` names, or by the link's. The same one again changes nothing.",
        scope="links:write", handle=convert, body=NewConversion, answer=ConversionView,
        example={"link_id": "LK0190a1b2c3d47000800000000000abcd", "name": "order", "value": "49.90", "currency": "EUR"},
    ),
    Operation(
        method="GET", path="/v1/links/{id}", name="getLink", tag=_TAG, summary="Read a short link with its clicks",
        scope="links:read", handle=get, answer=LinkView,
    ),
    Operation(
        method="PATCH", path="/v1/links/{id}", name="updateLink", tag=_TAG,
        summary="Let a short link lead elsewhere, or end",
        scope="links:write", handle=update, body=LinkChange, answer=LinkView, errors=("invalid_link",),
        example={"expires_at": "2030-01-01T00:00:00Z"},
    ),
    Operation(
        method="DELETE", path="/v1/links/{id}", name="deleteLink", tag=_TAG,
        summary="Remove a short link with its clicks",
        scope="links:write", handle=delete, status=204,
    ),
    Operation(
        method="GET", path="/v1/links/{id}/clicks", name="listClicks", tag=_TAG, summary="List the clicks on a link",
        description="By people and by others, as far as the account keeps them.",
        scope="links:read", handle=clicks, query=HistoryQuery, answer=Page[ClickView],
    ),
    Operation(
        method="GET", path="/v1/links/{id}/conversions", name="listConversions", tag=_TAG,
        summary="List what was done after clicks on a link",
        scope="links:read", handle=conversions, answer=Page[ConversionView],
    ),
    Operation(
        method="GET", path="/v1/messages/{id}/links", name="listMessageLinks", tag=_TAG,
        summary="List the short links of a message",
        scope="links:read", handle=of_message, answer=Page[LinkView],
    ),
)  # fmt: skip
