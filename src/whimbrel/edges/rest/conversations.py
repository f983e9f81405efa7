"""/v1/conversations: what phones and an account's numbers wrote to each other, and answers to it."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.ids import MESSAGE, USER
from whimbrel.domain.callbacks import MessageView, message_view
from whimbrel.domain.conversations import Conversation, ConversationState
from whimbrel.domain.model import Door, Draft, Options
from whimbrel.domain.numbers import normalise
from whimbrel.edges.rest.messages import SEND_ERRORS
from whimbrel.edges.rest.paging import HistoryQuery, PageQuery
from whimbrel.edges.rest.sending import refusal
from whimbrel.edges.shared.idempotency import HEADER, REPLAYED, idempotency_key
from whimbrel.edges.shared.media import naming, submitted
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page
from whimbrel.products.conversations import reading, working
from whimbrel.products.conversations.reading import ConversationView, Wanted
from whimbrel.products.conversations.working import ConversationChange

_TAG = "conversations"


class ConversationsQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which conversations; every condition narrows."""

    unread: Annotated[bool, Meta(description="Only those with texts that nobody has read.")] = False
    state: Annotated[ConversationState | None, Meta(description="Only those that stand so.")] = None
    assignee: Annotated[
        str | None, Meta(description="Only those that this user sees to: an id, `me`, or `nobody`.")
    ] = None
    tag: Annotated[str | None, Meta(description="Only those with this tag.")] = None
    number: Annotated[str | None, Meta(description="The phone's number in E.164.")] = None


class NewAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An answer to a phone, from the number that it wrote to."""

    text: Annotated[str, Meta(description=f"At most {limits.TEXT_MAX:,} characters.")]
    media: Annotated[
        tuple[str, ...] | UnsetType, Meta(description="Pictures or other files, as those of `POST /v1/messages`.")
    ] = UNSET
    state: Annotated[ConversationState, Meta(description="So the conversation stands from now on.")] = "waiting"


class ReadUpTo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody has read."""

    message_id: Annotated[
        str | None,
        Meta(description="The newest message that was read, so that a text that came meanwhile stays unread."),
    ] = None


async def find(services: Services, call: Call[ConversationsQuery, None]) -> Answer:
    query = call.query
    wanted = Wanted(
        unread=query.unread,
        state=query.state,
        assignee=_assignee(query.assignee, call.actor),
        tag=query.tag,
        number_hash=_hash(services, query.number),
    )
    found = await reading.find(
        services.manage, wanted, account_id=call.account_id, test=call.test, paging=query.paging()
    )
    return Answer(found)


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await reading.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def update(services: Services, call: Call[NoQuery, ConversationChange]) -> Answer:
    changed = await working.change(
        services.manage,
        services.accept,
        call.actor,
        call.path["id"],
        call.body,
        account_id=call.account_id,
        test=call.test,
    )
    return Answer(changed)


async def thread(services: Services, call: Call[PageQuery, None]) -> Answer:
    paging = call.query.paging()
    found = await reading.thread(
        services.manage, call.path["id"], account_id=call.account_id, test=call.test, paging=paging
    )
    return Answer(found)


async def read(services: Services, call: Call[NoQuery, ReadUpTo]) -> Answer:
    await reading.read(
        services.manage, call.path["id"], call.body.message_id, account_id=call.account_id, test=call.test
    )
    return Answer()


async def answer(services: Services, call: Call[NoQuery, NewAnswer]) -> Answer:
    """What it changes of the conversation is in the commit that accepts it."""
    ctx = services.manage
    row = await reading.existing(ctx, call.path["id"], account_id=call.account_id, test=call.test)
    door: Door = "console" if call.actor.startswith(USER) else "rest"
    about = (row.id, call.body)
    key = idempotency_key(
        call.headers.get(HEADER), account_id=call.account_id, door=door, test=call.test, request=_Keyed(*about)
    )
    made = await _draft(services, row, call, door)
    also = working.answer_writes(row, made.id, ctx.clock.now_us(), call.actor, call.body.state)
    if call.body.media:
        made = naming(made, call.body.media)
        accepted = await submitted(services, made, call.actor, key, call.still, also=also)
    else:
        accepted = await services.accept.submit([made], key=key, still=call.still, also=also)
    (verdict,) = accepted.verdicts
    if verdict.id is None:
        raise refusal(verdict)
    message = await services.cancel.find(call.account_id, call.test, verdict.id)
    headers = (REPLAYED,) if accepted.replayed else ()
    return Answer(message_view(message), location=f"/v1/messages/{message.id}", headers=headers)


class _Keyed(msgspec.Struct, frozen=True):
    """What an Idempotency-Key of an answer stands for."""

    conversation_id: str
    answer: NewAnswer


async def _draft(services: Services, row: Conversation, call: Call[NoQuery, NewAnswer], door: Door) -> Draft:
    numbers = await reading.numbers_in(services.manage, row)
    if numbers.theirs is None or numbers.ours is None:
        raise WhimbrelError(
            "conflict", "The messages of this conversation are erased: nobody knows the number any more."
        )
    return Draft(
        account_id=call.account_id,
        test=call.test,
        door=door,
        recipient=numbers.theirs,
        text=call.body.text,
        sender=numbers.ours,
        options=Options(reply_to=row.last_in_id),
        id=services.ids.new(MESSAGE),
    )


def _assignee(wanted: str | None, actor: str) -> str | None:
    """As it stands in the rows."""
    return {"me": actor, "nobody": ""}.get(wanted, wanted) if wanted else None


def _hash(services: Services, text: str | None) -> int | None:
    """Numbers are found by their keyed hash; short codes stand as they are."""
    if text is None:
        return None
    number = normalise(text)
    if number is None and not (text.isascii() and text.isdigit()):
        detail = "Use E.164 (a plus sign is %2B in a URL)."
        raise WhimbrelError("invalid_parameter", detail, errors=[FieldError("number", detail)])
    return services.vault.number_hash(number.e164 if number else text)


OPERATIONS = (
    Operation(
        method="GET", path="/v1/conversations", name="listConversations", tag=_TAG,
        summary="List conversations, the newest message first",
        description="One begins with a phone's text to one of the account's numbers, within a second or two. What is "
        "sent to it from elsewhere stands in its thread, and does not move it up. A page may hold few or none although "
        "more follow: go on with `next_cursor` until it is null.",
        scope="conversations:read", handle=find, query=ConversationsQuery, answer=Page[ConversationView],
    ),
    Operation(
        method="GET", path="/v1/conversations/{id}", name="getConversation", tag=_TAG, summary="Read a conversation",
        scope="conversations:read", handle=get, answer=ConversationView,
    ),
    Operation(
        method="PATCH", path="/v1/conversations/{id}", name="updateConversation", tag=_TAG,
        summary="Change how a conversation stands, who sees to it, its tags",
        description="A phone that writes opens it again. Where the account's settings or `ask_rating` say so, one that "
        "is closed ends with the question for a rating.",
        scope="conversations:write", handle=update, body=ConversationChange, answer=ConversationView,
        example={"state": "closed", "tags": ["billing"]},
    ),
    Operation(
        method="GET", path="/v1/conversations/{id}/messages", name="getThread", tag=_TAG,
        summary="The messages of a conversation, newest first",
        description="Of both sides, whatever they were sent by. A page may hold few or none although more follow: go "
        "on with `next_cursor` until it is null.",
        scope="conversations:read", handle=thread, query=PageQuery, answer=Page[MessageView],
    ),
    Operation(
        method="POST", path="/v1/conversations/{id}/messages", name="answerConversation", tag=_TAG,
        summary="Answer a phone",
        description="From the number that it wrote to. As `POST /v1/messages`: 202 when it is stored.",
        scope="conversations:write", handle=answer, body=NewAnswer, answer=MessageView, status=202, idempotent=True,
        errors=(*SEND_ERRORS, "conflict"), example={"text": "We are open until six."},
    ),
    Operation(
        method="POST", path="/v1/conversations/{id}/read", name="readConversation", tag=_TAG,
        summary="Mark a conversation as read",
        scope="conversations:write", handle=read, body=ReadUpTo, status=204,
        example={"message_id": "SM0198c0de5f7a7c0d8a5b4e3f2a1b0000"},
    ),
)  # fmt: skip
