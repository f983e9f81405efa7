"""Senders that are named ahead of the texts that they are for: by a campaign, a schedule, a flow. Accept judges each
text; a name that it refuses in every case is refused when it is kept, and not at night when the first text is due.
Apart from `senders`, which keeps them.
"""

from collections.abc import Iterable, Mapping

from whimbrel.base.errors import CATALOGUE, FieldError, WhimbrelError
from whimbrel.domain.model import Sender
from whimbrel.domain.senders import SenderBook
from whimbrel.manage.context import Context


async def refused(ctx: Context, wanted: Iterable[str], *, account_id: str) -> dict[str, str]:
    """Those of these that accept refuses for the account, with its code: `sender_not_allowed`, `invalid_sender`."""
    names = frozenset(wanted)
    if not names:
        return {}
    book = SenderBook(await ctx.store.fetch(Sender, "senders_of_account", account_id))
    found = {each: book.choose(each, "") for each in names}
    return {each: code for each, code in found.items() if isinstance(code, str)}


async def check(ctx: Context, wanted: Mapping[str, str | None], *, account_id: str) -> None:
    """`wanted`: by pointer; None: the account's default, which each country has or has not. WhimbrelError:
    sender_not_allowed, invalid_sender."""
    given = {pointer: name for pointer, name in wanted.items() if name is not None}
    codes = await refused(ctx, given.values(), account_id=account_id)
    wrong = {pointer: codes[name] for pointer, name in given.items() if name in codes}
    errors = [FieldError(pointer, CATALOGUE[code].title, code) for pointer, code in wrong.items()]
    if errors:
        raise WhimbrelError(errors[0].code, errors=errors)
