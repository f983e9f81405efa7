"""/v1/canned-answers: texts that people answer with often."""

from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import canned_answers
from whimbrel.manage.canned_answers import CannedAnswerChange, CannedAnswerView, NewCannedAnswer
from whimbrel.manage.context import Page

_TAG = "conversations"
_EXAMPLE = {"name": "Opening hours", "text": "We are open from nine to six, Monday to Friday."}


async def create(services: Services, call: Call[NoQuery, NewCannedAnswer]) -> Answer:
    made = await canned_answers.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/canned-answers/{made.id}")


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await canned_answers.find(services.manage, account_id=call.account_id))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await canned_answers.get(services.manage, call.path["id"], account_id=call.account_id))


async def update(services: Services, call: Call[NoQuery, CannedAnswerChange]) -> Answer:
    about = {"account_id": call.account_id}
    return Answer(await canned_answers.update(services.manage, call.actor, call.path["id"], call.body, **about))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await canned_answers.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


OPERATIONS = (
    Operation(
        method="POST", path="/v1/canned-answers", name="createCannedAnswer", tag=_TAG, summary="Keep a canned answer",
        scope="conversations:write", live_only=True, handle=create, body=NewCannedAnswer, answer=CannedAnswerView,
        status=201, example=_EXAMPLE,
    ),
    Operation(
        method="GET", path="/v1/canned-answers", name="listCannedAnswers", tag=_TAG,
        summary="List canned answers, by name", description="All of them.",
        scope="conversations:read", handle=find, answer=Page[CannedAnswerView],
    ),
    Operation(
        method="GET", path="/v1/canned-answers/{id}", name="getCannedAnswer", tag=_TAG, summary="Read a canned answer",
        scope="conversations:read", handle=get, answer=CannedAnswerView,
    ),
    Operation(
        method="PATCH", path="/v1/canned-answers/{id}", name="updateCannedAnswer", tag=_TAG,
        summary="Change a canned answer",
        scope="conversations:write", live_only=True, handle=update, body=CannedAnswerChange, answer=CannedAnswerView,
        example={"text": "We are open from ten to four."},
    ),
    Operation(
        method="DELETE", path="/v1/canned-answers/{id}", name="deleteCannedAnswer", tag=_TAG,
        summary="Delete a canned answer",
        scope="conversations:write", live_only=True, handle=delete, status=204,
    ),
)  # fmt: skip
