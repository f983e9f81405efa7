"""Who can see to conversations: people of the account, by name only, for those who may not manage people."""

from collections.abc import Iterable

import msgspec

from whimbrel.base import limits
from whimbrel.base.ids import USER
from whimbrel.domain.people import User, scopes_of
from whimbrel.manage.context import NEWEST, Context

_SCOPE = "conversations:write"


class ConversationPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may answer."""

    id: str
    name: str


class ConversationPeople(msgspec.Struct, frozen=True, kw_only=True):
    """By name."""

    data: tuple[ConversationPerson, ...]


async def find(ctx: Context, *, account_id: str) -> ConversationPeople:
    """People of the account who may answer and are not disabled; those without a name by what stands before the @ of
    their address."""
    rows = await ctx.store.fetch(User, "users_page", account_id, NEWEST, limits.PAGE_MAX)
    people = [
        ConversationPerson(id=row.id, name=row.name or row.email.partition("@")[0]) for row in rows if _may_answer(row)
    ]
    return ConversationPeople(data=tuple(sorted(people, key=lambda each: (each.name.casefold(), each.id))))


async def able(ctx: Context, user_ids: Iterable[str]) -> dict[str, str | None]:
    """Those of these ids who are people that may answer now, with their account (None: the operator's)."""
    wanted = sorted({each for each in user_ids if each.startswith(USER)})
    rows = await ctx.store.fetch(User, "users_of_ids", wanted) if wanted else []
    return {row.id: row.account_id for row in rows if _may_answer(row)}


async def is_person(ctx: Context, user_id: str, account_id: str) -> bool:
    """Whether it is the id of a person of the account or of the operator who may answer."""
    return (await able(ctx, [user_id])).get(user_id, "") in (account_id, None)


def _may_answer(row: User) -> bool:
    return row.status != "disabled" and _SCOPE in scopes_of(row.role, of_operator=row.account_id is None)
