"""The timeline of a person: texts to and from their numbers, what was changed, and whether they opted out. Each is read
by index and bounded; what is older than a page is asked for with its moment.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import ids, limits, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.contacts import Contact, contact_of
from whimbrel.domain.model import Message, OptOut
from whimbrel.manage.context import Context, Page, Paging, after, cursor_of, one
from whimbrel.store.interface import Search

_LAST = "9223372036854775807"


class TimelineItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened. Texts are read by their id, with the right to read messages."""

    at: str
    type: Annotated[str, Meta(description="`message.out`, `message.in`, `opt_out`, `contact.updated` and its kin.")]
    message_id: str | None = None
    status: str | None = None
    detail: dict[str, Any] = {}


class _Change(msgspec.Struct, frozen=True):
    seq: int
    type: str
    detail: str
    at: int


async def read(ctx: Context, contact_id: str, *, account_id: str, test: bool, paging: Paging) -> Page[TimelineItem]:
    """What happened, newest first."""
    contact = await one(ctx, contact_of, "contact_by_id", account_id, int(test), contact_id)
    place = after(paging, _LAST)
    if not (place.isascii() and place.isdigit()):
        raise WhimbrelError("invalid_cursor")
    before, limit = int(place), paging.limit
    found = await _messages(ctx, contact, before, limit)
    found += await _changes(ctx, contact, before)
    found += [item for item in await _opt_outs(ctx, contact) if item[0] < before]
    found += [(at, item) for at, item in _own(contact) if at < before]
    found.sort(key=lambda pair: -pair[0])
    shown = found[:limit]
    shown += [pair for pair in found[limit:] if pair[0] == shown[-1][0]]  # a page ends between two moments
    following = cursor_of(shown[-1][0]) if len(found) > len(shown) else None
    return Page(tuple(item for _, item in shown), following)


async def _messages(ctx: Context, contact: Contact, before: int, limit: int) -> list[tuple[int, TimelineItem]]:
    rows: list[Message] = []
    for number in (contact.number, *contact.also.split()):
        end = min(before, ctx.clock.now_us() + 3_600_000_000)
        search = Search(
            contact.account_id, contact.test, number_hash=ctx.vault.number_hash(number), created_to=end
        )  # fmt: skip
        rows += await ctx.store.search(search, limit + 1)
    return [(row.created_at, _message(row)) for row in rows]


def _message(row: Message) -> TimelineItem:
    kind = "message.in" if row.direction == "in" else "message.out"
    return TimelineItem(at=moments.to_text(row.created_at), type=kind, message_id=row.id, status=row.state)


async def _changes(ctx: Context, contact: Contact, before: int) -> list[tuple[int, TimelineItem]]:
    whose = (contact.account_id, contact.id, contact.seq + 1, 2 * limits.CONTACT_CHANGES_KEPT)
    rows = await ctx.store.fetch(_Change, "contact_changes_page", *whose)
    return [(row.at, _change(row)) for row in rows if row.at < before]


def _change(row: _Change) -> TimelineItem:
    return TimelineItem(at=moments.to_text(row.at), type=row.type, detail=msgspec.json.decode(row.detail))


async def _opt_outs(ctx: Context, contact: Contact) -> list[tuple[int, TimelineItem]]:
    """Of every scope."""
    rows: list[OptOut] = []
    for number in (contact.number, *contact.also.split()):
        number_hash = ctx.vault.number_hash(number)
        rows += await ctx.store.fetch(OptOut, "opt_outs_of_person", contact.account_id, number_hash)
    return [(row.created_at, _stopped(row)) for row in rows]


def _stopped(row: OptOut) -> TimelineItem:
    detail = {"id": row.id, "scope": row.scope or "all"}
    return TimelineItem(at=moments.to_text(row.created_at), type="opt_out", detail=detail)


def _own(contact: Contact) -> list[tuple[int, TimelineItem]]:
    """What an import did, of which the row alone tells."""
    if not contact.import_no:
        return []
    at = contact.created_at if contact.seq == 0 else ids.time_us(contact.id)
    detail = {"import": contact.import_no}
    return [(at, TimelineItem(at=moments.to_text(at), type="contact.imported", detail=detail))]
