"""Pools: a message to a pool gets its sender, between screening (its number and times are known then) and pricing. What
was written to a recipient before is remembered in a table that the accept commit fills; accept reads it once for all
messages of a list that are new to this process's memory.

Only what was read is remembered, and a row stays as long as its member does, so that two nodes that chose at the same
moment agree with the next message: the row that came first is the truth.

`turns` marks messages of numbers that have a rate: they wait in lanes of their own (`journey/numbers.py`).
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from whimbrel.base.limits import STICKIES_CACHED_MAX
from whimbrel.base.vault import Vault
from whimbrel.domain import numbers
from whimbrel.domain.model import Draft, Sender
from whimbrel.domain.pools import Allows, Choice, OpenPool, PoolBook, Standing, Wish, draw_of
from whimbrel.domain.senders import SenderBook
from whimbrel.domain.turns import Limits
from whimbrel.journey.plan import Plan
from whimbrel.store.interface import Store, Write

Recipient: TypeAlias = tuple[str, int]
"""A pool's id and the keyed hash of a number."""
Sticky: TypeAlias = Mapping[Recipient, str]
"""Who writes to whom: ids of senders."""
NO_STICKY: Final[Sticky] = {}
NO_SENDERS: Final = SenderBook(())
_MICROSECONDS: Final = 1_000_000


class _Row(msgspec.Struct, frozen=True, gc=False):
    """Columns of `pool_sticky_of`."""

    pool_id: str
    number_hash: int
    sender_id: str


class Stickies:
    """Who writes to whom, as far as this process was asked lately."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[Recipient, str] = OrderedDict()

    def clear(self) -> None:
        """A pool has changed: members may be gone."""
        self._kept.clear()

    async def take(self, wanted: Iterable[Recipient]) -> Sticky:
        """Those of them who were written to; the store is asked once, for those that are not at hand."""
        asked = dict.fromkeys(wanted)
        missing = [one for one in asked if one not in self._kept]
        found = {one: self._kept[one] for one in asked if one in self._kept}
        if missing:
            pools, hashes = zip(*missing, strict=True)
            rows = await self._store.fetch(_Row, "pool_sticky_of", [*{*pools}], [*{*hashes}])
            read = {(row.pool_id, row.number_hash): row.sender_id for row in rows}
            found.update((one, read[one]) for one in missing if one in read)
        self._keep(found)
        return found

    def _keep(self, found: Sticky) -> None:
        for one, sender_id in found.items():
            self._kept[one] = sender_id
            self._kept.move_to_end(one)
        while len(self._kept) > STICKIES_CACHED_MAX:
            self._kept.popitem(last=False)


def wanted(drafts: Sequence[Draft], books: Mapping[str, PoolBook], vault: Vault) -> list[Recipient]:
    """Recipients of sticky pools among them."""
    found: list[Recipient] = []
    for draft in drafts:
        book = books.get(draft.account_id)
        pool = None if book is None else _pool_of(draft, book)
        if pool is not None and pool.settings.sticky and (number := numbers.normalise(draft.recipient)) is not None:
            found.append((pool.pool.id, vault.number_hash(number.e164)))
    return found


def assign(plans: Sequence[Plan], books: Mapping[str, PoolBook]) -> None:
    """Say of each plan which pool chooses its sender, and give it what the pool says for all its messages. An id that
    is no pool's is refused; the Twilio door goes on without one, so that what a program sends through a service that
    was never made here goes on being sent."""
    for plan in plans:
        book = books.get(plan.draft.account_id)
        pool = None if book is None or plan.refusal is not None else _pool_of(plan.draft, book)
        if pool is not None:
            _assign(plan, pool)
        elif plan.draft.options.pool_id is not None and plan.refusal is None and plan.draft.door != "twilio":
            plan.refuse("pool_not_found", "/pool")


def _pool_of(draft: Draft, book: PoolBook) -> OpenPool | None:
    pool_id = draft.options.pool_id
    if pool_id is not None:
        return book.get(pool_id)
    if draft.sender is None:
        return book.default
    return book.named(draft.sender) if draft.door == "smpp" else None


def _assign(plan: Plan, pool: OpenPool) -> None:
    draft, settings, options = plan.draft, pool.settings, plan.draft.options
    sender = draft.sender
    if sender == pool.pool.name or (plan.form is not None and sender == plan.form.content.sender):
        sender = None  # it stands for the pool, or comes from the template
    if options.pool_id is None or settings.smart or settings.callback_url:
        is_ours = settings.callback_url is not None and options.callback_url is None
        options = replace(
            options,
            pool_id=pool.pool.id,
            smart=options.smart or settings.smart,
            callback_url=settings.callback_url if is_ours else options.callback_url,
            callback_format="twilio" if draft.door == "twilio" else options.callback_format,
        )
    validity_s = draft.validity_s if draft.validity_s is not None else settings.validity_s
    plan.draft = replace(draft, sender=sender, options=options, validity_s=validity_s)
    plan.pool = pool if sender is None else None


def choose(
    plans: Sequence[Plan], sticky: Sticky, standings: Mapping[str, Standing], senders: Mapping[str, SenderBook]
) -> None:
    """Give each plan of a pool its sender, or refuse it."""
    fresh: dict[Recipient, str] = {}  # a recipient who is written to twice in one list hears from one
    for place, plan in enumerate(plans):
        if plan.pool is None or plan.refusal is not None or plan.number is None:
            continue
        recipient = (plan.pool.pool.id, plan.recipient_hash)
        before = fresh.get(recipient) or sticky.get(recipient)
        plan.wish = Wish(
            plan.number,
            draw_of(plan.recipient_hash, 0 if plan.pool.settings.sticky else plan.now + place),
            (plan.expires_at - max(plan.now, plan.due_at)) / _MICROSECONDS,
            before if plan.pool.settings.sticky else None,
            plan.segments,
        )
        allows = allowed_by(
            senders.get(plan.draft.account_id, NO_SENDERS), plan.now, marketing=plan.draft.message_class == "marketing"
        )
        found = plan.pool.choose(plan.wish, standings, allows)
        if isinstance(found, str):
            plan.refuse(found, "/pool")
            continue
        plan.sender, plan.sender_value, plan.choice = found.sender, found.sender.value, found
        if _is_kept(plan, found):
            fresh[recipient] = found.sender.id


def allowed_by(book: SenderBook, now_us: int, *, marketing: bool) -> Allows:
    """Whether a sender of the account may write to a country: a number may unless it would be refused, a name only
    where nothing is to be said of it."""

    def allows(sender: Sender, country: str) -> bool:
        found = book.fit(sender, country, now_us, marketing=marketing)
        return found is None or not (found.refuses or sender.kind == "alphanumeric")

    return allows


def _is_kept(plan: Plan, found: Choice) -> bool:
    return found.is_new and plan.pool is not None and plan.pool.settings.sticky


def kept(plans: Sequence[Plan]) -> tuple[Write, ...]:
    """What the accept commit writes down of new recipients."""
    rows = {
        (plan.pool.pool.id, plan.recipient_hash): (plan.draft.account_id, plan.choice.sender.id, plan.now)
        for plan in plans
        if plan.choice is not None and plan.pool is not None and plan.refusal is None and _is_kept(plan, plan.choice)
    }
    return (Write("pool_sticky_keep", tuple((*key, *row) for key, row in sorted(rows.items()))),) if rows else ()


def turns(plans: Sequence[Plan], limits: Mapping[str, Limits]) -> None:
    """Mark those whose sender has a rate or a quota."""
    for plan in plans:
        if plan.sender is not None and plan.sender.id in limits:
            plan.turn = plan.sender.id
