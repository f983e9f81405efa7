"""What people chose for themselves in the console, kept with them: which columns a table shows."""

import msgspec

from whimbrel.domain.people import User
from whimbrel.manage.context import Context, commit, one
from whimbrel.store.interface import Write


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True):
    """By the name of a page, the columns of its table in their order."""

    columns: dict[str, tuple[str, ...]] = {}


def of(user: User) -> Preferences:
    """What somebody chose; nothing where it cannot be read, for it is no reason to show no page."""
    try:
        return msgspec.json.decode(user.preferences, type=Preferences)
    except msgspec.DecodeError:
        return Preferences()


async def set_columns(ctx: Context, user_id: str, page: str, columns: tuple[str, ...]) -> None:
    """Show these columns from now on; none: those that the page shows by itself."""
    async with ctx.lock:
        known = of(await one(ctx, User, "user_by_id", user_id))
        others = {name: each for name, each in known.columns.items() if name != page}
        chosen = Preferences(columns=others | {page: columns} if columns else others)
        text = msgspec.json.encode(chosen).decode()
        await commit(ctx, [Write("user_set_preferences", ((user_id, text, ctx.clock.now_us()),))])
