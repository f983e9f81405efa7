"""Notes: what people of an account write to each other beside a conversation. No phone sees them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.conversations import Note
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page
from whimbrel.products.conversations.reading import existing
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns


class NewNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note for the people of the account."""

    text: Annotated[str, Meta(description=f"At most {limits.NOTE_MAX:,} characters.")]


class NoteView(msgspec.Struct, frozen=True, kw_only=True):
    """A note. `author`: the id of the user, key or flow that wrote it."""

    id: str
    conversation_id: str
    author: str
    text: str
    created_at: str


async def create(
    ctx: Context, actor: str, conversation_id: str, said: NewNote, *, account_id: str, test: bool
) -> NoteView:
    """Keep a note. WhimbrelError: not_found, invalid_request, conflict where there are too many."""
    row = await existing(ctx, conversation_id, account_id=account_id, test=test)
    text = said.text.strip()
    checks = Checks()
    checks.require(bool(text), "/text", "must not be empty")
    checks.require(len(text) <= limits.NOTE_MAX, "/text", f"must have at most {limits.NOTE_MAX:,} characters")
    checks.require("\0" not in text, "/text", "must not hold U+0000")
    checks.done()
    (count,) = await ctx.store.fetch(int, "conversation_notes_count", row.id)
    if count >= limits.NOTES_PER_CONVERSATION:
        raise WhimbrelError("conflict", f"A conversation has at most {limits.NOTES_PER_CONVERSATION} notes.")
    note = Note(ctx.ids.new(ids.NOTE), account_id, test, row.id, actor, text, ctx.clock.now_us())
    entry = audit.entry(ctx, actor, "conversation.noted", row.id, account_id)
    await commit(ctx, [Write("conversation_note_insert", (to_columns(note),)), entry])
    return _view(note)


async def find(
    ctx: Context, conversation_id: str, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE
) -> Page[NoteView]:
    """The notes of a conversation, the newest first unless the oldest are asked for."""
    row = await existing(ctx, conversation_id, account_id=account_id, test=test)
    statement = paging.of("conversation_notes_page", "conversation_notes_page_oldest")
    place = (after(paging), paging.limit + 1)
    rows = await ctx.store.fetch(Note, statement, account_id, int(test), row.id, *place)
    return page(rows, paging, _view, lambda note: note.id)


async def delete(ctx: Context, actor: str, conversation_id: str, note_id: str, *, account_id: str, test: bool) -> None:
    """Remove a note. WhimbrelError: not_found."""
    note = await one(ctx, Note, "conversation_note_by_id", account_id, int(test), note_id)
    if note.conversation_id != conversation_id:
        raise WhimbrelError("not_found")
    entry = audit.entry(ctx, actor, "conversation.note_deleted", conversation_id, account_id)
    await commit(ctx, [Write("conversation_note_delete", ((note_id,),)), entry])


def _view(note: Note) -> NoteView:
    return NoteView(
        id=note.id,
        conversation_id=note.conversation_id,
        author=note.author,
        text=note.text,
        created_at=moments.to_text(note.created_at),
    )
