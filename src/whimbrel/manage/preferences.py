"""What people chose for themselves in the console, kept with them: which columns a table shows, and whose things."""

from collections.abc import Callable
from typing import Final

import msgspec

from whimbrel.domain.people import User
from whimbrel.manage.context import Context, commit, one
from whimbrel.store.interface import Write

ALL: Final = "all"


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody else did about a person (`link_made`), when (UTC microseconds) and who."""

    kind: str
    at: int
    by: str
    seen: bool = False


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True):
    """By the name of a page, the columns of its table in their order. `shown`: the account whose things were shown
    last; `ALL`: the operator's view of all; empty: they never chose. `notices`: what they are told, oldest first."""

    columns: dict[str, tuple[str, ...]] = {}
    shown: str = ""
    notices: tuple[Notice, ...] = ()


def of(user: User) -> Preferences:
    """What somebody chose; nothing where it cannot be read, for it is no reason to show no page."""
    try:
        return msgspec.json.decode(user.preferences, type=Preferences)
    except msgspec.DecodeError:
        return Preferences()


async def set_columns(ctx: Context, user_id: str, page: str, columns: tuple[str, ...]) -> None:
    """Show these columns from now on; none: those that the page shows by itself."""

    def chosen(known: Preferences) -> Preferences:
        others = {name: each for name, each in known.columns.items() if name != page}
        return msgspec.structs.replace(known, columns=others | {page: columns} if columns else others)

    await change_of(ctx, user_id, chosen)


async def set_shown(ctx: Context, user_id: str, account_id: str | None) -> None:
    """Show this account's things first at the next sign-in; None: those of all."""
    await change_of(ctx, user_id, lambda known: msgspec.structs.replace(known, shown=account_id or ALL))


async def change_of(ctx: Context, user_id: str, change: Callable[[Preferences], Preferences]) -> None:
    """Keep what `change` makes of somebody's preferences."""
    async with ctx.lock:
        known = of(await one(ctx, User, "user_by_id", user_id))
        changed = change(known)
        if changed != known:
            await commit(ctx, [kept(ctx, user_id, changed)])


def kept(ctx: Context, user_id: str, changed: Preferences) -> Write:
    """What keeps somebody's preferences."""
    text = msgspec.json.encode(changed).decode()
    return Write("user_set_preferences", ((user_id, text, ctx.clock.now_us()),))
