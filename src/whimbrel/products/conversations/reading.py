"""Conversations as people read them: a list with the newest message of each, a thread with what became of each message,
whether the phone has opted out. Numbers and texts come from the messages' own rows.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import CONVERSATIONS_SCAN_MAX, MESSAGES_SCAN_MAX
from whimbrel.domain.callbacks import MessageView, message_view
from whimbrel.domain.conversations import Conversation, ConversationState, Numbers, numbers_of, pair_of
from whimbrel.domain.model import Message, OptOut
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, cursor_of, one, page
from whimbrel.manage.opt_outs import Source
from whimbrel.store.interface import Stretch, Write

_LOOKED_THROUGH: Final = 100  # messages of a thread, for one that says who writes to whom
_STRETCH: Final = 200  # conversations that are read at a time
_SCAN_FIRST: Final = 4  # times as many messages as are asked for
_NOBODY: Final = Numbers(None, None)
_COUNTED_TRIES: Final = 40
_COUNTED_PAUSE_S: Final = 0.05  # 40 of them: four rounds of a follower that nobody wakes


class ConversationOptOut(msgspec.Struct, frozen=True, kw_only=True):
    """Why the number must not be texted. `scope`: `all`, or the sender, pool or brand that was stopped."""

    id: str
    source: Source
    scope: str
    created_at: str


class ConversationView(msgspec.Struct, frozen=True, kw_only=True):
    """A phone and one of the account's numbers. The numbers are null once every message is redacted; `unread`: texts
    that nobody has read; `waits_since`: when the oldest text came that waits for an answer; `opt_out`: null while the
    number may be texted."""

    id: str
    account_id: str
    our_number: str | None
    their_number: str | None
    state: Annotated[
        ConversationState,
        Meta(description="open: somebody is to answer; waiting: for the phone; closed: until it writes again."),
    ]
    assignee: Annotated[str | None, Meta(description="The id of the user who sees to it.")]
    tags: tuple[str, ...]
    unread: int
    waits_since: str | None
    rating: Annotated[int | None, Meta(description="The last one that the phone gave, 1 to 5.")]
    opt_out: ConversationOptOut | None
    last_at: str
    last_message: MessageView | None
    test: bool


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations: those with unread texts, those that stand so, those that somebody sees to (empty: nobody),
    those with a tag, those with one phone's number (its keyed hash)."""

    unread: bool = False
    state: ConversationState | None = None
    assignee: str | None = None
    tag: str | None = None
    number_hash: int | None = None

    def fits(self, row: Conversation) -> bool:
        """Whether it is one of these."""
        return (
            (not self.unread or row.unread > 0)
            and self.state in (None, row.state)
            and self.assignee in (None, row.assignee)
            and (self.tag is None or self.tag in row.tags)
            and self.number_hash in (None, row.their_hash)
        )


async def find(
    ctx: Context, wanted: Wanted, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE
) -> Page[ConversationView]:
    """Conversations of an account, the newest message first unless the oldest is asked for. One index narrows, what
    it gives is looked through: one answer looks at so many and no more, so that a page may be short or empty while
    there is a cursor."""
    place, kept = after(paging), list[Conversation]()
    statement, params = _narrowest(wanted, paging)
    looked = 0
    while True:
        limit = min(_STRETCH, CONVERSATIONS_SCAN_MAX - looked)
        of_stretch = (account_id, int(test), *params, place, limit)
        rows = await ctx.store.fetch(Conversation, statement, *of_stretch)
        looked += len(rows)
        kept += [row for row in rows if wanted.fits(row)]
        is_end = len(rows) < limit
        if len(kept) > paging.limit or is_end or looked >= CONVERSATIONS_SCAN_MAX:
            break
        place = rows[-1].last_id
    shown = await _views(ctx, kept[: paging.limit])
    if len(kept) > paging.limit:
        return Page(shown, cursor_of(kept[paging.limit - 1].last_id))
    return Page(shown, None if is_end else cursor_of(rows[-1].last_id))


def _narrowest(wanted: Wanted, paging: Paging) -> tuple[str, tuple[Any, ...]]:
    """The statement whose index leaves the fewest."""
    if wanted.number_hash is not None:
        statement = paging.of("conversations_of_number", "conversations_of_number_oldest")
        return statement, (wanted.number_hash,)
    if wanted.unread:
        return paging.of("conversations_unread_page", "conversations_unread_page_oldest"), ()
    if wanted.assignee is not None:
        statement = paging.of("conversations_assignee_page", "conversations_assignee_page_oldest")
        return statement, (wanted.assignee,)
    if wanted.state is not None:
        return paging.of("conversations_state_page", "conversations_state_page_oldest"), (wanted.state,)
    return paging.of("conversations_page", "conversations_page_oldest"), ()


async def _views(ctx: Context, rows: Sequence[Conversation]) -> tuple[ConversationView, ...]:
    newest = {each.id: each for each in await ctx.store.messages([row.last_id for row in rows])}
    views = [_view(row, newest.get(row.last_id)) for row in rows]
    return await _with_opt_outs(ctx, rows, views)


async def get(ctx: Context, conversation_id: str, *, account_id: str, test: bool) -> ConversationView:
    """One conversation; not_found where it is not the account's."""
    row = await existing(ctx, conversation_id, account_id=account_id, test=test)
    newest = {each.id: each for each in await ctx.store.messages([row.last_id])}.get(row.last_id)
    view = _view(row, newest)
    if view.their_number is None:
        numbers = await numbers_in(ctx, row)
        view = msgspec.structs.replace(view, our_number=numbers.ours, their_number=numbers.theirs)
    (whole,) = await _with_opt_outs(ctx, [row], [view])
    return whole


async def existing(ctx: Context, conversation_id: str, *, account_id: str, test: bool) -> Conversation:
    """The row; not_found where it is not the account's."""
    return await one(ctx, Conversation, "conversation_by_id", account_id, int(test), conversation_id)


async def numbers_in(ctx: Context, row: Conversation) -> Numbers:
    """Who writes to whom, by the newest message that still says so: nearly always the phone's last text."""
    known = [numbers_of(message) for message in await ctx.store.messages([row.last_in_id])]
    if not any(_is_whole(numbers) for numbers in known):
        found, _ = await _messages(ctx, row, after(FIRST_PAGE), _LOOKED_THROUGH)
        known = [numbers_of(message) for message in found]
    return next((numbers for numbers in known if _is_whole(numbers)), _NOBODY)


async def thread(
    ctx: Context, conversation_id: str, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE
) -> Page[MessageView]:
    """What the two wrote to each other, newest first. One answer looks through so many messages of the phone's number
    and no more: a page may be short or empty while there is a cursor."""
    row = await existing(ctx, conversation_id, account_id=account_id, test=test)
    found, looked_to = await _messages(ctx, row, after(paging), paging.limit + 1)
    shown = page(found, paging, message_view, lambda message: message.id)
    return Page(shown.data, cursor_of(looked_to)) if shown.next_cursor is None and looked_to else shown


async def read(ctx: Context, conversation_id: str, message_id: str | None, *, account_id: str, test: bool) -> None:
    """Somebody has read it, up to this message or (None) to the newest; texts that came after it stay unread."""
    row = await existing(ctx, conversation_id, account_id=account_id, test=test)
    if message_id is not None and not ids.is_id(message_id, ids.MESSAGE):
        raise WhimbrelError("not_found")
    if message_id is not None and message_id > row.last_in_id:
        await _counted(ctx, row, message_id)
    await ctx.store.write([Write("conversation_read", ((row.id, message_id or row.last_in_id),))])


# ---------------------------------------------------------------- parts of them


async def _counted(ctx: Context, row: Conversation, message_id: str) -> None:
    """Until a text of the phone's counts as unread. A text is shown, and told to webhooks, as soon as it is stored, and
    counted by who follows the log: read before that, it would be unread again a moment later. Whoever follows may be
    another process, or be busy; after a while nobody waits for it any more."""
    found = await ctx.store.messages([message_id])
    if not any(each.direction == "in" and pair_of(each) == row.pair for each in found):
        return
    for _ in range(_COUNTED_TRIES):
        now = await ctx.store.fetch(Conversation, "conversation_by_id", row.account_id, row.test, row.id)
        if not now or now[0].last_in_id >= message_id:
            return
        await asyncio.sleep(_COUNTED_PAUSE_S)


def _is_whole(numbers: Numbers) -> bool:
    return numbers.ours is not None and numbers.theirs is not None


async def _messages(ctx: Context, row: Conversation, before_id: str, limit: int) -> tuple[list[Message], str]:
    """Messages between the two, and the place up to which was looked if there may be more behind it. A few are looked
    through first: in most threads that is enough."""
    between = (row.account_id, row.test, row.their_hash, row.our_hash)
    found: list[Message] = []
    for scan in (_SCAN_FIRST * limit, MESSAGES_SCAN_MAX):
        (stretch,) = await ctx.store.fetch(Stretch, "message_numbers_stretch", row.their_hash, "", before_id, scan)
        place = (stretch.first_id, before_id, limit - len(found))
        if stretch.count:
            found += await ctx.store.fetch(Message, "conversation_thread", *between, *place)
        before_id = stretch.first_id
        if stretch.count < scan:
            return found, ""
        if len(found) == limit:
            break
    return found, before_id


async def _with_opt_outs(
    ctx: Context, rows: Sequence[Conversation], views: Sequence[ConversationView]
) -> tuple[ConversationView, ...]:
    """With what each phone has opted out of that our number is in: all senders, or the number itself, a pool or a brand
    of it."""
    keys = [_opt_out_keys(ctx, row, view.our_number) for row, view in zip(rows, views, strict=True)]
    if not keys:
        return ()
    asked = list({key for some in keys for key in some})
    known = await ctx.store.fetch(OptOut, "opt_outs_known", rows[0].account_id, asked)
    stops = {each.number_hash: each for each in known}
    found = [next((stops[key] for key in some if key in stops), None) for some in keys]
    return tuple(
        view if stop is None else msgspec.structs.replace(view, opt_out=_opt_out(stop))
        for view, stop in zip(views, found, strict=True)
    )


def _opt_out_keys(ctx: Context, row: Conversation, our_number: str | None) -> list[int]:
    scopes = ctx.tables.permissions.reach(row.account_id, our_number) if our_number else ()
    return [row.their_hash, *(row.their_hash ^ scope_hash for _, scope_hash in scopes)]


def _view(row: Conversation, newest: Message | None) -> ConversationView:
    numbers = _NOBODY if newest is None else numbers_of(newest)
    return ConversationView(
        id=row.id,
        account_id=row.account_id,
        our_number=numbers.ours,
        their_number=numbers.theirs,
        state=row.state,
        assignee=row.assignee or None,
        tags=row.tags,
        unread=row.unread,
        waits_since=moments.to_text(row.waits_from) if row.waits_from else None,
        rating=row.rating or None,
        opt_out=None,
        last_at=moments.to_text(ids.time_us(row.last_id) if newest is None else newest.created_at),
        last_message=None if newest is None else message_view(newest),
        test=bool(row.test),
    )


def _opt_out(row: OptOut) -> ConversationOptOut:
    at = moments.to_text(row.created_at)
    return ConversationOptOut(id=row.id, source=row.source, scope=row.scope or "all", created_at=at)
