"""Recipients of a campaign as a file: CSV, newest first, in pages that are read as they are written. Numbers are those
of the messages; of whoever got none the contact's id stands there.
"""

from collections.abc import AsyncIterator
from typing import Final

from whimbrel.base import limits, money
from whimbrel.domain.campaigns import Campaign, Recipient
from whimbrel.domain.model import Message
from whimbrel.manage.context import NEWEST, Context
from whimbrel.products.campaigns.keeping import existing
from whimbrel.products.campaigns.recipients import ALL, Narrowed, RecipientView, view_of
from whimbrel.products.campaigns.shapes import spec_of
from whimbrel.products.contacts.exporting import lines

_MARK: Final = "\ufeff"  # by which spreadsheets know that it is UTF-8
_COLUMNS: Final = (*RecipientView.__struct_fields__, "number", "carrier_id", "reason", "segments", "price", "sent_at")


async def export(
    ctx: Context, campaign_id: str, *, account_id: str, test: bool, narrowed: Narrowed = ALL
) -> AsyncIterator[bytes]:
    """The file in pieces. WhimbrelError not_found, invalid_parameter before the first."""
    narrowed.check()
    row = await existing(ctx, campaign_id, account_id, test)
    return _pages(ctx, row, [each.name for each in spec_of(row).variants], narrowed)


async def _pages(ctx: Context, row: Campaign, names: list[str], narrowed: Narrowed) -> AsyncIterator[bytes]:
    yield (_MARK + lines([_COLUMNS])).encode()
    before = NEWEST
    statement, more = narrowed.statement()
    while rows := await ctx.store.fetch(Recipient, statement, row.account_id, row.id, before, limits.PAGE_MAX, *more):
        found = await ctx.store.messages([each.id for each in rows if each.code is None])
        messages = {message.id: message for message in found}
        yield lines(_row(each, names, messages.get(each.id)) for each in rows).encode()
        before = rows[-1].id


def _row(row: Recipient, names: list[str], message: Message | None) -> list[object]:
    shown = view_of(row, names)
    cells: list[object] = [getattr(shown, name) for name in RecipientView.__struct_fields__]
    if message is None:
        return [*cells, *[None] * 6]
    price = money.to_text(message.price_micros)
    return [*cells, message.recipient, message.carrier_id, message.reason, message.segments, price, message.sent_at]
