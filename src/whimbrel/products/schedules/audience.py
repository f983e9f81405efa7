"""Whom a schedule goes to beside the numbers that it names: contacts by lists, tags, segments and filters, asked for
each time that it runs, as they are then.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.audience_matching import matches
from whimbrel.domain.audience_terms import All, Ask, No, Term
from whimbrel.domain.campaigns import Group
from whimbrel.domain.contacts import Contact, contact_of
from whimbrel.domain.schedules import ScheduleSpec
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context
from whimbrel.products.campaigns.audience import Source, filters_of, term_of
from whimbrel.products.campaigns.checking import group_of
from whimbrel.products.campaigns.drafting import contact_values
from whimbrel.products.campaigns.shapes import AudienceBody
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.flows.contacts import People
from whimbrel.products.schedules.shapes import PeopleBody


class Audience:
    """Of one account and mode, as it is now."""

    def __init__(self, ctx: Context, about: Known, term: Term) -> None:
        self._ctx = ctx
        self._about = about
        self._term = term

    async def page(self, after: str, until: int, limit: int) -> list[Contact]:
        """Those after one, by id, of whom that were there at a moment."""
        term = All((Ask("created_at", "le", (until,)), self._term))
        return await self._ctx.store.contacts.page(
            self._about.account_id, self._about.test, term, after, limit, oldest=True
        )

    async def still(self, ids: Sequence[str]) -> list[Contact]:
        """Those of some who are still there, and still belong to it, in order."""
        whose = (self._about.account_id, int(self._about.test), list(ids))
        rows = await self._ctx.store.fetch(contact_of, "contacts_of_ids", *whose)
        return sorted((row for row in rows if matches(self._term, row)), key=lambda row: row.id)

    async def count(self, numbers: Sequence[str]) -> int:
        """How many there are who are none of these numbers."""
        store, whose = self._ctx.store.contacts, (self._about.account_id, self._about.test)
        count = await store.count(*whose, self._term)
        for start in range(0, len(numbers) if count else 0, limits.COMMIT_CHUNK):
            part = tuple(numbers[start : start + limits.COMMIT_CHUNK])
            count -= await store.count(*whose, All((Ask("number", "in", part), self._term)))
        return count

    def values(self, contact: Contact) -> dict[str, Any]:
        """What is known of one, by the names that texts use."""
        return contact_values(Source("", contact.id, contact.number, 0, contact.country, contact), self._about)

    def described(self, contact: Contact) -> dict[str, Any]:
        """What a flow sees as `trigger.contact`."""
        return People(self._about, ()).described(contact)


async def audience_of(ctx: Context, spec: ScheduleSpec, *, account_id: str, test: bool) -> Audience:
    """WhimbrelError not_found, invalid_filter: what it is described with is gone."""
    about, now = await known(ctx, account_id, test), ctx.clock.now_us()
    wanted = term_of(about, spec.audience, await filters_of(ctx, spec.audience, account_id=account_id, test=test), now)
    without = term_of(about, spec.exclude, await filters_of(ctx, spec.exclude, account_id=account_id, test=test), now)
    assert wanted is not None
    return Audience(ctx, about, wanted if without is None else All((wanted, No(without))))


async def count(ctx: Context, spec: ScheduleSpec, numbers: Sequence[str], *, account_id: str, test: bool) -> int:
    """How many it would go to now, each once; what is gone finds nobody."""
    if not spec.has_audience:
        return len(numbers)
    try:
        audience = await audience_of(ctx, spec, account_id=account_id, test=test)
    except WhimbrelError:
        return len(numbers)
    return len(numbers) + await audience.count(numbers)


async def groups_of(
    ctx: Context, audience: PeopleBody, exclude: PeopleBody, *, account_id: str, test: bool, checks: Checks
) -> tuple[Group, Group]:
    """Names become ids. WhimbrelError not_found (a segment), invalid_filter."""
    about, now = await known(ctx, account_id, test), ctx.clock.now_us()
    found: list[Group] = []
    for body, pointer in ((audience, "/audience"), (exclude, "/exclude")):
        group, _ = group_of(AudienceBody(**msgspec.structs.asdict(body)), about, pointer, checks)
        for text in await filters_of(ctx, group, account_id=account_id, test=test):
            about.term(text, now, f"{pointer}/filter")
        found.append(group)
    return found[0], found[1]
