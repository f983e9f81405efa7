"""Whom a campaign goes to, read in order and page by page: first the numbers that it names itself, then contacts by id.
Contacts that are made after it began are not among them; filters mean what they meant then.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import CONTACT, floor_id, time_us
from whimbrel.domain.audience_terms import EVERYBODY, All, Ask, No, Some, Term
from whimbrel.domain.campaigns import RECIPIENT_ZONE, Campaign, CampaignSpec, Group, opens_at
from whimbrel.domain.contacts import Contact, Segment
from whimbrel.domain.local_times import to_utc, zone_of
from whimbrel.domain.numbers import normalise
from whimbrel.manage.context import NEWEST, OLDEST, Context, one
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.contacts.labels import holding

_NUMBERS: Final = "n"  # what a cursor begins with while it stands among numbers
_CONTACTS: Final = "c"
_NUMBER_PAGE: Final = 1000


class Source(msgspec.Struct, frozen=True, gc=False):
    """Somebody of the audience. `cursor`: where to go on after it; `key`: the contact's id, or the number's place."""

    cursor: str
    key: str
    number: str
    number_hash: int
    country: str
    contact: Contact | None = None


class Pass(msgspec.Struct, frozen=True, gc=False):
    """One way through the audience: those of these zones, from a moment on. No zones: everybody."""

    at: int
    zones: frozenset[str] = frozenset()
    zone: str = "UTC"  # one of them, for windows


class NumberRow(msgspec.Struct, frozen=True, gc=False):
    """Columns of `campaign_numbers_page`."""

    place: int
    number: str
    number_hash: int


class Audience:
    """One campaign's, as long as it runs here."""

    def __init__(
        self,
        ctx: Context,
        row: Campaign,
        *,
        about: Known,
        term: Term | None,
        excluded: frozenset[int],
        numbers: list[NumberRow] | None = None,
    ) -> None:
        self._ctx = ctx
        self._row = row
        self._term = term
        self._numbers = numbers
        self.about = about
        self.excluded = excluded

    async def count(self) -> int:
        """How many there are now, those who are named twice twice."""
        numbers = len(await self._named())
        if self._term is None:
            return numbers
        return numbers + await self._ctx.store.contacts.count(self._row.account_id, self._row.test, self._term)

    async def spread(self, places: int) -> list[str]:
        """Cursors that are spread evenly over the time in which contacts were made."""
        if self._term is None:
            count = len(await self._named())
            return [f"{_NUMBERS}{place * count // places - 1}" for place in range(places)]
        account_id, test = self._row.account_id, self._row.test
        first = await self._ctx.store.contacts.page(account_id, test, self._term, OLDEST, 1, oldest=True)
        last = await self._ctx.store.contacts.page(account_id, test, self._term, NEWEST, 1)
        if not first or not last:
            return [_CONTACTS]
        begin, end = time_us(first[0].id), time_us(last[0].id)
        step = (end - begin) // places
        return [_CONTACTS + floor_id(CONTACT, begin + step * place) for place in range(places)]

    async def page(self, cursor: str, way: Pass, limit: int) -> tuple[list[Source], bool]:
        """Those that come after a cursor, and whether that is all."""
        if not cursor.startswith(_CONTACTS):
            found = await self._page_of_numbers(cursor, way, limit)
            if len(found) >= limit:
                return found, False
            cursor = _CONTACTS
        else:
            found = []
        if self._term is None:
            return found, True
        wanted = limit - len(found)
        people = await self._contacts(cursor.removeprefix(_CONTACTS) or OLDEST, way, wanted)
        found += people
        return found, len(people) < wanted

    async def _page_of_numbers(self, cursor: str, way: Pass, limit: int) -> list[Source]:
        after = int(cursor.removeprefix(_NUMBERS) or -1) if cursor else -1
        found = [each for each in await self._named() if each.place > after and _is_of(way, each.number)]
        return [
            Source(f"{_NUMBERS}{each.place}", str(each.place), each.number, each.number_hash, _country(each.number))
            for each in found[:limit]
        ]

    async def _named(self) -> list[NumberRow]:
        if self._numbers is None:
            self._numbers = await numbers_of(self._ctx, self._row, excluded=False)
        return self._numbers

    async def _contacts(self, place: str, way: Pass, limit: int) -> list[Source]:
        assert self._term is not None
        term, found = self._narrowed(way), list[Source]()
        while len(found) < limit:
            rows = await self._ctx.store.contacts.page(
                self._row.account_id, self._row.test, term, place, limit, oldest=True
            )
            found += [self._source(row) for row in rows if row.zone is not None or _is_of(way, row.number)]
            if len(rows) < limit:
                break
            place = rows[-1].id
        return found[:limit]

    def _narrowed(self, way: Pass) -> Term:
        """Whose zone is not known is told by the number, after they were read."""
        assert self._term is not None
        if not way.zones:
            return self._term
        return All((self._term, Some((Ask("zone", "in", tuple(sorted(way.zones))), No(Ask("zone", "set"))))))

    def _source(self, row: Contact) -> Source:
        number_hash = self._ctx.vault.number_hash(row.number)
        return Source(f"{_CONTACTS}{row.id}", row.id, row.number, number_hash, row.country, row)


class Named(msgspec.Struct, frozen=True):
    """The numbers of a campaign that is not stored: whom it goes to, and whom not."""

    numbers: tuple[str, ...]
    excluded: tuple[str, ...]


async def open_audience(
    ctx: Context, row: Campaign, spec: CampaignSpec, at: int, named: Named | None = None
) -> Audience:
    """The audience as it stood at a moment. `named`: in place of what is stored. WhimbrelError: invalid_filter,
    not_found: what it is described with is gone."""
    about = await known(ctx, row.account_id, row.test)
    term = term_of(about, spec.audience, spec.filters, at)
    if term is not None:
        without = term_of(about, spec.exclude, spec.left_out_filters, at)
        parts = (Ask("created_at", "le", (at,)), term, *(() if without is None else (No(without),)))
        term = All(parts)
    if named is not None:
        numbers, excluded = _rows(ctx, named.numbers), _rows(ctx, named.excluded)
    else:
        numbers, excluded = None, await numbers_of(ctx, row, excluded=True) if spec.exclude.numbers else []
    hashes = frozenset(each.number_hash for each in excluded)
    return Audience(ctx, row, about=about, term=term, excluded=hashes, numbers=numbers)


def _rows(ctx: Context, numbers: Sequence[str]) -> list[NumberRow]:
    return [NumberRow(place, number, ctx.vault.number_hash(number)) for place, number in enumerate(numbers)]


def term_of(about: Known, group: Group, filters: Sequence[str], at: int) -> Term | None:
    """What a group and its filters ask of contacts; None: no contact is asked for."""
    if group.everybody:
        return EVERYBODY
    parts: list[Term] = [holding(about.label("list", each)) for each in group.lists]
    parts += [holding(about.label("tag", each)) for each in group.tags]
    parts += [about.term(each, at) for each in filters]
    return Some(tuple(parts)) if parts else None


async def filters_of(ctx: Context, group: Group, *, account_id: str, test: bool) -> tuple[str, ...]:
    """What a group's segments and its own filter say now. `not_found`: a segment is gone."""
    texts = [] if group.filter is None else [group.filter]
    for each in group.segments:
        row = await one(ctx, Segment, "contact_segment_by_id", account_id, int(test), each)
        texts.append(row.filter)
    return tuple(texts)


async def frozen(ctx: Context, spec: CampaignSpec, *, account_id: str, test: bool) -> CampaignSpec:
    """The same with the filters of its segments as they stand."""
    own = await filters_of(ctx, spec.audience, account_id=account_id, test=test)
    without = await filters_of(ctx, spec.exclude, account_id=account_id, test=test)
    return msgspec.structs.replace(spec, filters=own, left_out_filters=without)


async def numbers_of(ctx: Context, row: Campaign, *, excluded: bool) -> list[NumberRow]:
    """The numbers that it names, in order."""
    found: list[NumberRow] = []
    while True:
        after = found[-1].place if found else -1
        about = (row.account_id, row.id, int(excluded), after, _NUMBER_PAGE)
        page = await ctx.store.fetch(NumberRow, "campaign_numbers_page", *about)
        found += page
        if len(page) < _NUMBER_PAGE:
            return found


def passes_of(spec: CampaignSpec, begun_at: int) -> list[Pass]:
    """The ways through the audience, in the order in which they begin. In the zones of recipients there is one for each
    moment at which clocks show the time that was set, or windows open."""
    if spec.zone != RECIPIENT_ZONE:
        return [Pass(begun_at, zone=spec.zone)]
    begins: dict[int, list[str]] = {}
    for zone in _zones():
        at = begun_at if spec.starts_at is None else to_utc(datetime.fromisoformat(spec.starts_at), zone)
        begins.setdefault(opens_at(spec.windows, at, zone), []).append(zone)
    return [Pass(at, frozenset(zones), zones[0]) for at, zones in sorted(begins.items())]


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _is_of(way: Pass, number: str) -> bool:
    return not way.zones or zone_of(number) in way.zones


def _country(number: str) -> str:
    found = normalise(number)
    return (found.country or "") if found is not None else ""


def gone(error: WhimbrelError) -> bool:
    """Whether what the audience is described with is there no more."""
    return error.code in ("not_found", "invalid_filter")
