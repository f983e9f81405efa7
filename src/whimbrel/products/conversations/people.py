"""Who can see to conversations: people of the account, by name only, for those who may not manage people."""

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
    able = [row for row in rows if row.status != "disabled" and _SCOPE in scopes_of(row.role, of_operator=False)]
    people = [ConversationPerson(id=row.id, name=row.name or row.email.partition("@")[0]) for row in able]
    return ConversationPeople(data=tuple(sorted(people, key=lambda each: (each.name.casefold(), each.id))))


async def is_person(ctx: Context, user_id: str, account_id: str) -> bool:
    """Whether it is the id of a person of the account or of the operator who is not disabled."""
    rows = await ctx.store.fetch(User, "user_by_id", user_id) if user_id.startswith(USER) else []
    return any(row.status != "disabled" and row.account_id in (account_id, None) for row in rows)
