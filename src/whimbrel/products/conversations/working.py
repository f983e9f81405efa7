"""What people do with a conversation: answer, take it or give it to somebody, tag it, close it, with a question for a
rating at its end.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import MESSAGE, USER
from whimbrel.domain.conversations import PLAIN_DESK, Conversation, ConversationState
from whimbrel.domain.model import Draft, Options
from whimbrel.journey.accept import Accept
from whimbrel.journey.record import IdempotencyKey
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context
from whimbrel.products.conversations import desk, writes
from whimbrel.products.conversations.people import is_person
from whimbrel.products.conversations.reading import ConversationView, existing, get, numbers_in
from whimbrel.store.interface import Write

DOOR: Final = "conversation"


class ConversationChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is not given stays."""

    state: ConversationState | None = None
    assignee: Annotated[
        str | None, Meta(description="Who sees to it: the id of a user, `me`, or an empty text for nobody.")
    ] = None
    tags: Annotated[tuple[str, ...] | None, Meta(description="All of them.")] = None
    ask_rating: Annotated[
        bool | None,
        Meta(description="With `state` closed: whether it ends with the question; the account's settings say so else."),
    ] = None


async def change(
    ctx: Context,
    accept: Accept,
    actor: str,
    conversation_id: str,
    said: ConversationChange,
    *,
    account_id: str,
    test: bool,
) -> ConversationView:
    """Change how it stands, who sees to it, its tags. WhimbrelError: not_found, invalid_request."""
    row = await existing(ctx, conversation_id, account_id=account_id, test=test)
    tags = _checked_tags(said.tags)
    assignee = await _assignee(ctx, said.assignee, actor, account_id)
    now = ctx.clock.now_us()
    changes: list[Write] = []
    if tags is not None and tags != row.tags:
        changes.append(Write("conversation_tags", ((row.id, msgspec.json.encode(tags).decode()),)))
    if assignee is not None and assignee != row.assignee:
        changes += writes.assigned(row, assignee, now, actor)
    if said.state is not None and said.state != row.state:
        changes += writes.stands(row, said.state, now, actor)
    is_closed_now = said.state == "closed" and row.state != "closed"
    is_stored = is_closed_now and await _asked(ctx, accept, row, said.ask_rating, changes)
    if changes and not is_stored:
        await ctx.store.write(changes)
    return await get(ctx, conversation_id, account_id=account_id, test=test)


def answer_writes(
    row: Conversation, message_id: str, now_us: int, actor: str, state: ConversationState
) -> tuple[Write, ...]:
    """For the commit that accepts this message as an answer: so the conversation stands from now on."""
    user_id = actor if actor.startswith(USER) else ""
    changed = writes.stands(row, state, now_us, actor) if state != row.state else ()
    return (*writes.answered(row, message_id, now_us, user_id), *changed)


async def _asked(ctx: Context, accept: Accept, row: Conversation, wanted: bool | None, changes: list[Write]) -> bool:
    """Whether the phone is asked for a rating, in the commit of the changes. What cannot be sent is left."""
    settings = (await desk.of_accounts(ctx.store, [row.account_id])).get(row.account_id, PLAIN_DESK)
    asks = settings.asks if wanted is None else wanted
    numbers = await numbers_in(ctx, row)
    if not asks or not settings.question or numbers.theirs is None or numbers.ours is None:
        return False
    message_id = ctx.ids.new(MESSAGE)
    draft = Draft(
        account_id=row.account_id,
        test=bool(row.test),
        door=DOOR,
        recipient=numbers.theirs,
        text=settings.question,
        sender=numbers.ours,
        options=Options(reply_to=row.last_in_id),
        id=message_id,
    )
    name = f"{row.id}.{row.seq}"  # one question for one end, also when two people close it at once
    key = IdempotencyKey(row.account_id, DOOR, name, name.encode())
    asked = (
        Write("conversation_asked", ((row.id, ctx.clock.now_us()),)),
        Write("message_numbers_add", (([message_id],),)),
    )
    try:
        accepted = await accept.submit([draft], key=key, also=[*changes, *asked])
    except WhimbrelError:
        return False
    return accepted.verdicts[0].id is not None and not accepted.replayed  # then these changes were not in its commit


async def _assignee(ctx: Context, wanted: str | None, actor: str, account_id: str) -> str | None:
    """Somebody who can see to it; empty: nobody."""
    if not wanted:
        return wanted
    user_id = actor if wanted == "me" else wanted
    checks = Checks()
    checks.require(await is_person(ctx, user_id, account_id), "/assignee", "must be the id of a user of the account")
    checks.done()
    return user_id


def _checked_tags(tags: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if tags is None:
        return None
    checks = Checks()
    kept = tuple(dict.fromkeys(each.strip() for each in tags))
    most = limits.CONVERSATION_TAGS_MAX
    checks.require(len(kept) <= most, "/tags", f"may be {most} at most")
    for place, each in enumerate(kept):
        checks.text(each, f"/tags/{place}")
    checks.done()
    return kept
