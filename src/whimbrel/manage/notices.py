"""What people are told of what others did about them: on all pages until they say that they know, and on their profile
for a month. Whoever may make a link for somebody can sign in as them, so they hear of it.
"""

from typing import Final

import msgspec

from whimbrel.base import moments
from whimbrel.base.clock import DAY_US
from whimbrel.base.ids import USER
from whimbrel.domain.people import User
from whimbrel.manage import preferences
from whimbrel.manage.context import Context
from whimbrel.manage.preferences import Notice, Preferences
from whimbrel.store.interface import Write

_KEPT: Final = 10
_KEPT_US: Final = 30 * DAY_US


class NoticeView(msgspec.Struct, frozen=True):
    """One of them; `at` is a moment of the API."""

    kind: str
    at: str
    by: str


async def told(ctx: Context, user: User, kind: str, actor: str) -> list[Write]:
    """The writes that tell somebody; nothing to tell where they did it themselves, or never signed in yet."""
    if actor == user.id or not user.password:
        return []
    actors = await ctx.store.fetch(User, "user_by_id", actor) if actor.startswith(USER) else []
    by = f"{actors[0].name} ({actors[0].email})" if actors else actor
    known, now = preferences.of(user), ctx.clock.now_us()
    fresh = [each for each in known.notices if now - each.at < _KEPT_US]
    changed = msgspec.structs.replace(known, notices=(*fresh, Notice(kind, now, by))[-_KEPT:])
    return [preferences.kept(ctx, user.id, changed)]


async def seen(ctx: Context, user_id: str) -> None:
    """They know of all that there is."""

    def all_seen(known: Preferences) -> Preferences:
        notices = tuple(msgspec.structs.replace(each, seen=True) for each in known.notices)
        return msgspec.structs.replace(known, notices=notices)

    await preferences.change_of(ctx, user_id, all_seen)


def of(user: User, *, unseen: bool = False) -> tuple[NoticeView, ...]:
    """What somebody was told, newest first; `unseen`: what they did not say yet that they know."""
    found = [each for each in preferences.of(user).notices if not (unseen and each.seen)]
    return tuple(NoticeView(each.kind, moments.to_text(each.at), each.by) for each in reversed(found))
