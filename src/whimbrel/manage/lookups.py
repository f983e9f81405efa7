"""Look-ups: what numbers say about themselves, and what the account knows of them.

A long list is worked through in turns of a few numbers, between which everything else of the process goes on, and one
list at a time: however many are asked for, codes and texts wait for a turn of one of them at most.
"""

import asyncio
import importlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from whimbrel.base import limits, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.lookup import Found, Reason, is_country, look
from whimbrel.domain.model import Message, OptOut
from whimbrel.manage.context import Context
from whimbrel.store.interface import Search

T = TypeVar("T")
V = TypeVar("V")
_TURN: Final = 16  # numbers, some 62 µs each, a millisecond where nothing is cached
_LOOKED_AT: Final = 50  # messages, newest first, of a number that is looked up alone
_REGIONS: Final = "phonenumbers.geocoder"


class NewLookup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers to look up."""

    numbers: Annotated[tuple[str, ...], Meta(description=f"1 to {limits.LOOKUPS_MAX:,}.")]
    country: Annotated[
        str, Meta(description="Country of the numbers that have no plus sign: two letters (ISO 3166).")
    ] = ""
    region: Annotated[bool, Meta(description="Whether to name the region, such as a city.")] = False


class LookupView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a number; what an invalid one does not have is null."""

    input: str
    valid: bool
    reasons: Annotated[tuple[Reason, ...], Meta(description="Why it is invalid; empty when it is valid.")]
    number: Annotated[str | None, Meta(description="E.164.")]
    national: Annotated[str | None, Meta(description="As it is written in its country.")]
    international: str | None
    country: Annotated[str | None, Meta(description="ISO 3166; null also for numbers of no country (satellite).")]
    calling_code: str | None
    type: Annotated[
        str | None,
        Meta(
            description="mobile, fixed, fixed_or_mobile (where the numbers do not tell, as in North America), "
            "toll_free, premium_rate, shared_cost, voip, personal, pager, uan, voicemail or unknown."
        ),
    ]
    original_operator: Annotated[
        str | None,
        Meta(description="Whom the number was given to. A number that was taken along has another one now."),
    ]
    time_zones: tuple[str, ...]
    region: Annotated[str | None, Meta(description="Null unless it was asked for.")] = None
    opted_out: Annotated[bool | None, Meta(description="Whether the account must not text it.")] = None
    last_seen_at: Annotated[
        str | None,
        Meta(description="When it last wrote or got a text, by the newest messages. Null in lists."),
    ] = None


class Lookups(msgspec.Struct, frozen=True):
    """What is known of numbers, in the order in which they were given."""

    data: tuple[LookupView, ...]


class Lookup:
    """The verbs. `alone` is held while a list is worked through: those of a process wait for each other."""

    def __init__(self, ctx: Context, alone: asyncio.Lock) -> None:
        self._ctx = ctx
        self._alone = alone

    async def one(
        self, number: str, *, account_id: str, test: bool, country: str = "", region: bool = False
    ) -> LookupView:
        """A number, and what the account knows of it."""
        found = look(number, _country(country, "country"))
        (view,) = await self._views([found], account_id, region=region)
        if found.number is None or not found.valid:
            return view
        seen_at = await self._seen(found.number, account_id, test)
        return msgspec.structs.replace(view, last_seen_at=moments.to_text_or_none(seen_at))

    async def many(self, request: NewLookup, *, account_id: str) -> Lookups:
        """Numbers in their order; one query for all of them."""
        if not 1 <= len(request.numbers) <= limits.LOOKUPS_MAX:
            detail = f"must be 1 to {limits.LOOKUPS_MAX:,} numbers"
            raise WhimbrelError("invalid_request", errors=[FieldError("/numbers", detail)])
        country = _country(request.country, "/country")
        async with self._alone:
            found = await _in_turns(request.numbers, lambda number: look(number, country))
            return Lookups(tuple(await self._views(found, account_id, region=request.region)))

    async def _views(self, found: Sequence[Found], account_id: str, *, region: bool) -> list[LookupView]:
        hashes = {each.number: self._ctx.vault.number_hash(each.number) for each in found if each.number and each.valid}
        rows = await self._ctx.store.fetch(OptOut, "opt_outs_known", account_id, list(hashes.values()))
        stopped = {row.number_hash for row in rows}
        regions: Sequence[str | None] = [None] * len(found)
        if region:
            describe = await asyncio.to_thread(_describer)
            regions = await _in_turns([each.number if each.valid else None for each in found], describe)
        return [
            _view(each, hashes[each.number] in stopped if each.number in hashes else None, where)
            for each, where in zip(found, regions, strict=True)
        ]

    async def _seen(self, number: str, account_id: str, test: bool) -> int | None:
        number_hash = self._ctx.vault.number_hash(number)
        wanted = Search(account_id=account_id, test=test, number_hash=number_hash)
        times = [_seen_at(message) for message in await self._ctx.store.search(wanted, _LOOKED_AT)]
        return max((at for at in times if at is not None), default=None)


def _seen_at(message: Message) -> int | None:
    """When a message shows that the phone was there."""
    if message.direction == "in":
        return message.created_at
    return message.final_at if message.state == "delivered" else None


def _country(text: str, pointer: str) -> str:
    country = text.upper()
    if country and not is_country(country):
        detail = "must be a country of two letters (ISO 3166)"
        code = "invalid_request" if pointer.startswith("/") else "invalid_parameter"
        raise WhimbrelError(code, errors=[FieldError(pointer, detail)])
    return country


async def _in_turns(given: Sequence[T], function: Callable[[T], V]) -> list[V]:
    made: list[V] = []
    for place in range(0, len(given), _TURN):
        if place:
            await asyncio.sleep(0)
        made += map(function, given[place : place + _TURN])
    return made


@cache
def _describer() -> Callable[[str | None], str | None]:
    """What names the region of a number. Its data is 100 MB and takes 0.4 s to load, in a thread, so only a process
    that is asked for regions has it."""
    geocoder, library = importlib.import_module(_REGIONS), importlib.import_module("phonenumbers")

    def describe(number: str | None) -> str | None:
        if number is None:
            return None
        return geocoder.description_for_valid_number(library.parse(number), "en") or None

    return describe


def _view(found: Found, opted_out: bool | None, region: str | None) -> LookupView:
    return LookupView(
        input=found.given,
        valid=found.valid,
        reasons=(found.reason,) if found.reason else (),
        number=found.number,
        national=found.national,
        international=found.international,
        country=found.country,
        calling_code=found.calling_code,
        type=found.line_type,
        original_operator=found.operator,
        time_zones=found.time_zones,
        region=region,
        opted_out=opted_out,
        last_seen_at=None,
    )
