"""/v1/inbound-urls: where texts to numbers are posted, and answered: of a number, a pool, or the account."""

from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import inbound_urls
from whimbrel.manage.inbound_urls import InboundUrls, InboundUrlView, NewInboundUrl

_TAG = "inbound"


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await inbound_urls.find(services.manage, account_id=call.account_id))


async def put(services: Services, call: Call[NoQuery, NewInboundUrl]) -> Answer:
    owner = call.path["of"]
    return Answer(await inbound_urls.put(services.manage, call.actor, owner, call.body, account_id=call.account_id))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await inbound_urls.delete(services.manage, call.actor, call.path["of"], account_id=call.account_id)
    return Answer()


OPERATIONS = (
    Operation(
        method="GET", path="/v1/inbound-urls", name="listInboundUrls", tag=_TAG,
        summary="List where inbound texts are posted",
        scope="webhooks:read", handle=find, answer=InboundUrls,
    ),
    Operation(
        method="PUT", path="/v1/inbound-urls/{of}", name="putInboundUrl", tag=_TAG,
        summary="Say where texts are posted",
        description="`of` is a sender's or a pool's id, or `account`. A number's own goes before its pools', and "
        "that before the account's. The answer may hold replies.",
        scope="webhooks:write", live_only=True, handle=put, body=NewInboundUrl, answer=InboundUrlView,
        errors=("webhook_url_refused",), example={"url": "https://example.com/texts"},
    ),
    Operation(
        method="DELETE", path="/v1/inbound-urls/{of}", name="deleteInboundUrl", tag=_TAG,
        summary="Post texts there no more",
        scope="webhooks:write", live_only=True, handle=delete, status=204,
    ),
)  # fmt: skip
