"""/v1/keywords: words that people text, and what they are answered by themselves."""

from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page
from whimbrel.products.keywords import keeping
from whimbrel.products.keywords.keeping import KeywordChange, KeywordView, NewKeyword

_TAG = "inbound"


async def create(services: Services, call: Call[NoQuery, NewKeyword]) -> Answer:
    made = await keeping.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/keywords/{made.id}")


async def find(services: Services, call: Call[PageQuery, None]) -> Answer:
    return Answer(await keeping.find(services.manage, account_id=call.account_id, paging=call.query.paging()))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await keeping.get(services.manage, call.path["id"], account_id=call.account_id))


async def update(services: Services, call: Call[NoQuery, KeywordChange]) -> Answer:
    return Answer(
        await keeping.update(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    )


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


OPERATIONS = (
    Operation(
        method="POST", path="/v1/keywords", name="createKeyword", tag=_TAG, summary="Keep a keyword",
        description="STOP, START and HELP, in any language, go before all keywords and cannot be one.",
        scope="webhooks:write", live_only=True, handle=create, body=NewKeyword, answer=KeywordView, status=201,
        errors=("conflict", "too_many_keywords"),
        example={"name": "hours", "words": ["hours", "open"], "answers": {"en": "We are there from 9 to 5."}},
    ),
    Operation(
        method="GET", path="/v1/keywords", name="listKeywords", tag=_TAG, summary="List keywords",
        scope="webhooks:read", handle=find, query=PageQuery, answer=Page[KeywordView],
    ),
    Operation(
        method="GET", path="/v1/keywords/{id}", name="getKeyword", tag=_TAG, summary="Read a keyword",
        scope="webhooks:read", handle=get, answer=KeywordView,
    ),
    Operation(
        method="PATCH", path="/v1/keywords/{id}", name="updateKeyword", tag=_TAG, summary="Change a keyword",
        scope="webhooks:write", live_only=True, handle=update, body=KeywordChange, answer=KeywordView,
        errors=("conflict",), example={"enabled": False},
    ),
    Operation(
        method="DELETE", path="/v1/keywords/{id}", name="deleteKeyword", tag=_TAG, summary="Delete a keyword",
        scope="webhooks:write", live_only=True, handle=delete, status=204,
    ),
)  # fmt: skip
