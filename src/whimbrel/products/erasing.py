"""A person is erased: everything in an account in which a number stands in clear is emptied of it, wherever a product
keeps it. Keyed hashes stay, so that a STOP, the limits of Verify and the rank of an account survive; so do ids, times,
states and money.

What is under way (a message without its end, a pending verification, a run that goes on) still needs the number: it is
left and counted, and whoever asks again later erases it. Texts of other people that name the number are not found; what
else is kept, and why, stands in docs/messages.md.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base.clock import Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import SCHEDULES_PER_ACCOUNT, VERIFY_SERVICES_PER_ACCOUNT
from whimbrel.domain.audience_terms import Ask
from whimbrel.domain.factors import Details
from whimbrel.domain.model import Flag, Message
from whimbrel.domain.numbers import normalise
from whimbrel.domain.people import User
from whimbrel.domain.schedules import Schedule, SchedulePart
from whimbrel.domain.states import FINAL
from whimbrel.domain.verify import VerifyService
from whimbrel.journey.index import catch_up
from whimbrel.manage import audit
from whimbrel.manage.context import NEWEST, Context, check_leads, commit
from whimbrel.products.verify.factors_people import People
from whimbrel.store.contacts import ContactScope
from whimbrel.store.interface import Search, Store, Write

_LIST: Final = 500
_LISTS_MAX: Final = 40
"""Of messages in one request."""
_NOBODY: Final = ""
"""The account of what is the operator's."""
_SCHEDULE_STATES: Final = ("active", "paused", "finished")


class NewErasure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is to be erased."""

    number: Annotated[str, Meta(description="In E.164.", examples=["+14155550123"])]
    cursor: Annotated[str | None, Meta(description="Of the answer before, when that was not the end.")] = None


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows the number was erased from, by what they are, and how many still need it."""

    messages: int = 0
    verifications: int = 0
    flow_runs: int = 0
    schedules: int = 0
    contacts: int = 0
    consents: Annotated[
        int, Meta(description="Records of consent, opt-outs and lists: they hold a keyed hash now, and the proof.")
    ] = 0
    factors: Annotated[
        int, Meta(description="Of people whom Verify knows by the number, and those whose name or metadata hold it.")
    ] = 0
    notes: int = 0
    left: Annotated[int, Meta(description="Under way: ask again once they have ended.")] = 0
    next_cursor: Annotated[str | None, Meta(description="There are more messages: ask again with it.")] = None


class _Row(msgspec.Struct, frozen=True, gc=False):
    """A row and how it stands. Columns of `verifications_to_erase`, `flow_runs_to_erase`."""

    id: str
    state: str


class _Named(msgspec.Struct, frozen=True, gc=False):
    """Columns of `factors_to_erase`."""

    id: str
    details: str


class _Holder(msgspec.Struct, frozen=True, gc=False):
    """Columns of `contact_ids_of_numbers`."""

    number: str
    id: str


class _Whose(msgspec.Struct, frozen=True, gc=False):
    account_id: str
    test: bool
    number: str
    number_hash: int


async def erase(ctx: Context, actor: str, request: NewErasure, *, account_id: str | None, test: bool) -> Erased:
    """Erase a number's person from an account, or (None) from what is the operator's. WhimbrelError invalid_number."""
    number = normalise(request.number)
    if number is None:
        raise WhimbrelError("invalid_number")
    if account_id is None:
        return await _of_operator(ctx, actor, _Whose(_NOBODY, test, number.e164, ctx.vault.number_hash(number.e164)))
    whose = _Whose(account_id, test, number.e164, ctx.vault.number_hash(number.e164))
    await commit(ctx, [audit.entry(ctx, actor, "person.erased", account_id, account_id), *_named(whose)])
    await _saved_views(ctx.store, whose)
    await catch_up(ctx.store)
    messages, left, cursor = await _messages(ctx.store, ctx.clock, whose, request.cursor)
    verifications, pending = await _verifications(ctx.store, ctx.clock, whose)
    runs, running = await _runs(ctx.store, ctx.clock, whose)
    contacts = await _contacts(ctx.store, ctx.clock, whose)
    consents = 0 if test else await _consents(ctx.store, whose)
    notes = await _notes(ctx.store, whose)
    async with ctx.lock:  # whoever changes a schedule makes its parts anew
        schedules = await _schedules(ctx.store, ctx.clock, whose)
    return Erased(
        messages=messages,
        verifications=verifications,
        flow_runs=runs,
        schedules=schedules,
        contacts=contacts,
        consents=consents,
        factors=await _factors(ctx, whose),
        notes=notes,
        left=left + pending + running,
        next_cursor=cursor,
    )


async def _of_operator(ctx: Context, actor: str, whose: _Whose) -> Erased:
    """His lists go on holding for every account, by the keyed hash; the cells that copy them are told to look again."""
    check_leads(ctx)
    writes = [
        Write("opt_outs_turn", ((),)),
        Write("suppressions_tell", ((whose.number_hash, ctx.clock.now_us()),)),
        Write("suppressions_forget", ((_NOBODY, whose.number_hash),)),
        audit.entry(ctx, actor, "person.erased", "installation"),
    ]
    changed = await commit(ctx, writes)
    await _saved_views(ctx.store, whose)
    return Erased(consents=changed[2])


def _named(whose: _Whose) -> list[Write]:
    """Where the number stands by itself, as a name, or in what people looked for."""
    digits = whose.number.removeprefix("+")
    names = [whose.number, digits, f"tel:{whose.number}"]
    return [
        Write("campaign_numbers_erase", ((whose.account_id, whose.number_hash),)),
        Write("conversation_tags_erase", ((whose.account_id, int(whose.test), whose.number_hash),)),
        Write("hook_latest_erase", ((whose.account_id, names),)),
        Write("import_errors_erase", ((whose.account_id, digits),)),
    ]


async def _saved_views(store: Store, whose: _Whose) -> None:
    """By which people of the account look for the number."""
    before = NEWEST
    while people := await store.fetch(User, "users_page", whose.account_id, before, _LIST):
        ids = [each.id for each in people]
        await store.write([Write("saved_views_erase", ((ids, whose.number.removeprefix("+")),))])
        before = ids[-1]


async def _messages(store: Store, clock: Clock, whose: _Whose, before: str | None) -> tuple[int, int, str | None]:
    """How many were erased and how many are left, and where to go on."""
    erased = left = 0
    for _ in range(_LISTS_MAX):
        wanted = Search(whose.account_id, whose.test, number_hash=whose.number_hash, before_id=before)
        found = await store.search(wanted, _LIST)
        theirs = [each for each in found if _is_about(each, whose) and not each.flags & Flag.REDACTED]
        over = [each.id for each in theirs if each.state in FINAL or each.direction == "in"]
        left += len(theirs) - len(over)
        if over:
            await store.redact(over, clock.now_us(), everything=True)
            await store.write([*_of_hooks(over), *_of_links(over)])
            erased += len(over)
        if len(found) < _LIST:
            return erased, left, None
        before = found[-1].id
    return erased, left, before


def _is_about(message: Message, whose: _Whose) -> bool:
    """The person's side of it: who gets our texts, and who writes to us."""
    return whose.number_hash == (message.recipient_hash if message.direction == "out" else message.sender_hash)


async def _verifications(store: Store, clock: Clock, whose: _Whose) -> tuple[int, int]:
    erased = 0
    while True:
        wanted = (whose.account_id, int(whose.test), whose.number, _LIST)
        rows = await store.fetch(_Row, "verifications_to_erase", *wanted)
        over = [row.id for row in rows if row.state != "pending"]
        if over:
            await store.write([Write("verification_erase", tuple((id_, clock.now_us()) for id_ in over))])
        erased += len(over)
        if len(rows) < _LIST or not over:
            return erased, len(rows) - len(over)


async def _runs(store: Store, clock: Clock, whose: _Whose) -> tuple[int, int]:
    erased, test = 0, int(whose.test)
    while True:
        rows = await store.fetch(_Row, "flow_runs_to_erase", whose.account_id, test, whose.number_hash, _LIST)
        over = [row.id for row in rows if row.state != "running"]
        if over:
            now = clock.now_us()
            gone = tuple((whose.account_id, test, id_, now) for id_ in over)
            await store.write([Write("flow_run_erase", gone), *_of_hooks(over)])
        erased += len(over)
        if len(rows) < _LIST or not over:
            return erased, len(rows) - len(over)


async def _contacts(store: Store, clock: Clock, whose: _Whose) -> int:
    """The person's own goes; one that keeps the number of a contact that was merged into it loses that."""
    scope = ContactScope(whose.account_id, whose.test, clock.now_us(), fields={"also": "other_numbers"})
    own = await store.fetch(_Holder, "contact_ids_of_numbers", whose.account_id, int(whose.test), [whose.number])
    erased = await store.contacts.delete(scope, [each.id for each in own])
    keeps = Ask("also", "has", (whose.number,))
    for contact in await store.contacts.page(whose.account_id, whose.test, keeps, NEWEST, _LIST):
        others = [number for number in contact.also.split() if number != whose.number]
        if others != contact.also.split():
            await store.contacts.change(scope, [contact.id], {"also": " ".join(others)})
            erased += 1
    return erased


async def _factors(ctx: Context, whose: _Whose) -> int:
    """People of Verify's services whose identity is the number, as `447400123456` or `tel:+447400123456`, go with their
    factors; factors of others lose the names and metadata that hold its digits."""
    people, erased = People(ctx), 0
    identities = (whose.number.removeprefix("+"), f"tel:{whose.number}")
    about = (whose.account_id, NEWEST, VERIFY_SERVICES_PER_ACCOUNT)
    for service in await ctx.store.fetch(VerifyService, "verify_services_page", *about):
        for identity in identities:
            if await people.maybe(whose.account_id, service.id, identity, test=whose.test) is not None:
                with suppress(WhimbrelError):  # somebody else has just deleted the person
                    erased += await people.delete(whose.account_id, service.id, identity, test=whose.test)
        erased += await _named_factors(ctx.store, ctx.clock, whose, service.id)
    return erased


async def _named_factors(store: Store, clock: Clock, whose: _Whose, service_id: str) -> int:
    about, erased = (service_id, int(whose.test), whose.number.removeprefix("+")), 0
    while True:
        rows = await store.fetch(_Named, "factors_to_erase", *about, _LIST)
        now = clock.now_us()
        gone = tuple((row.id, _without_metadata(row.details), now) for row in rows)
        await store.write(
            [*([Write("factor_erase", gone)] if gone else ()), Write("challenges_erase", ((*about, now),))]
        )
        erased += len(rows)
        if len(rows) < _LIST:
            return erased


def _without_metadata(details: str) -> str:
    kept = msgspec.json.decode(details, type=Details)
    return msgspec.json.encode(Details(kept.manner)).decode()


async def _consents(store: Store, whose: _Whose) -> int:
    """What keeps people from being texted stays, by the keyed hash of the number, and so does what proves that somebody
    agreed; the number itself goes."""
    key = ((whose.account_id, whose.number_hash),)
    statements = ("consents_forget", "consent_requests_forget", "opt_outs_forget", "suppressions_forget")
    return sum(await store.write([Write(statement, key) for statement in statements]))


async def _notes(store: Store, whose: _Whose) -> int:
    """What people of the account noted beside conversations with the person."""
    about = (whose.account_id, int(whose.test), whose.number_hash)
    (gone,) = await store.write([Write("conversation_notes_erase", (about,))])
    return gone


def _of_hooks(made: Sequence[str]) -> list[Write]:
    """What hooks keep of the calls that these messages or runs came of."""
    ids = list(made)
    return [Write("hook_payloads_erase", ((ids,),)), Write("hook_outcomes_erase", ((ids,),))]


def _of_links(message_ids: Sequence[str]) -> list[Write]:
    """Short links of the person's own lead nowhere any more, and nothing is kept of who opened them."""
    names = ("link_clicks_of_messages_delete", "link_conversions_of_messages_delete", "links_of_messages_delete")
    return [Write(name, ((list(message_ids),),)) for name in names]


async def _schedules(store: Store, clock: Clock, whose: _Whose) -> int:
    """Those that would have gone to the number."""
    about = (whose.account_id, int(whose.test), list(_SCHEDULE_STATES), "~", SCHEDULES_PER_ACCOUNT)
    changed = 0
    for schedule in await store.fetch(Schedule, "schedules_page", *about):
        parts = await store.fetch(SchedulePart, "schedule_parts_of", whose.account_id, schedule.id)
        writes = _without(parts, whose.number)
        if writes:
            removed = (schedule.id, len(writes), clock.now_us())
            await store.write([*writes, Write("schedule_fewer", (removed,))])
            changed += 1
    return changed


def _without(parts: Sequence[SchedulePart], number: str) -> list[Write]:
    writes = []
    for part in parts:
        if number in part.recipients:
            others = tuple(each for each in part.recipients if each != number)
            row = (part.schedule_id, part.part, msgspec.json.encode(others).decode())
            writes.append(Write("schedule_part_recipients", (row,)))
    return writes
