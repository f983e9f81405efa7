"""Restraint: marketing that may not be sent when it is due, because of the hour at the recipient's or because the
person got enough of it, waits for the first moment at which it may, or is refused, as the sender chose. Other classes
are not looked at.

The rules are `domain/quiet_hours.py` and `domain/frequency.py`, over what is at hand in `tables`. What a database alone
knows is read for a whole list before it is planned, and only where it can matter: the zones of contacts whose numbers
could be in several, one of which says no; and what was counted of people whom a limit concerns. The commit compares
what was counted, so two nodes never both use the last place.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from whimbrel.base import moments
from whimbrel.base.errors import CATALOGUE
from whimbrel.base.vault import Vault
from whimbrel.domain import numbers
from whimbrel.domain.frequency import HOUR_US, Limit, Send, free_at
from whimbrel.domain.model import Draft
from whimbrel.domain.numbers import Number
from whimbrel.domain.policies import InForce, QuietHours, stricter
from whimbrel.domain.quiet_hours import Calendar, Look
from whimbrel.journey.plan import Plan, Wait
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Counted, Store

QUIET: Final = "quiet_hours"
CAPPED: Final = "frequency_cap"
_CLASSES: Final = frozenset({"marketing", ""})  # of a template it is known later
_TRIES: Final = 16  # an opening of the hours and a place among the messages in turn, until both agree
_KEPT: Final = 20_000  # people of whom something is remembered between the read and the plan

_Key = tuple[str, int, int]


class _Zone(msgspec.Struct, frozen=True, gc=False):
    number: str
    zone: str


class Restraint:
    """The step of accept; what it needs to know of a list is read by `prepare`."""

    def __init__(self, store: Store, tables: Tables, vault: Vault) -> None:
        self._store = store
        self._tables = tables
        self._vault = vault
        self._zones: dict[tuple[str, bool, str], str | None] = {}
        self._counted: dict[_Key, tuple[int, list[Send]]] = {}
        self._sender_hashes: dict[str, int] = {}

    # ---------------------------------------------------------------- before a list is planned

    async def prepare(self, drafts: Iterable[Draft], now: int) -> None:
        """Read what has to be known of these."""
        marketing = [draft for draft in drafts if draft.message_class in _CLASSES]
        if marketing:
            await self._read(marketing, now)

    async def _read(self, drafts: Sequence[Draft], now: int) -> None:
        unsure: dict[tuple[str, bool], list[str]] = {}
        people: set[_Key] = set()
        for draft in drafts:
            number = numbers.normalise(draft.recipient)
            if number is None:
                continue
            calendar = self._calendar(draft, number, None)
            due = max(now, draft.send_at_us or now)
            if calendar is not None and len(calendar.zones) > 1 and not calendar.is_open(due):
                unsure.setdefault((draft.account_id, draft.test), []).append(number.e164)
            # whoever its sender will be: it may be written otherwise here, or be a pool's or a template's matter
            if self.limits(draft.account_id, number, "", answer_to(self._tables, draft)):
                people.add((draft.account_id, int(draft.test), self._vault.number_hash(number.e164)))
        if len(self._zones) > _KEPT:
            self._zones.clear()
        if len(self._counted) > _KEPT:
            self._counted.clear()
        for (account_id, test), texted in unsure.items():
            known = await self._store.fetch(_Zone, "contact_zones", account_id, int(test), texted)
            self._zones.update({(account_id, test, number): None for number in texted})
            self._zones.update({(account_id, test, row.number): row.zone for row in known})
        if people:
            known_sends = await self._store.counted(people)
            for key in people:
                self._counted[key] = known_sends.get(key, (0, []))

    # ---------------------------------------------------------------- the plan

    def heed(self, plans: Sequence[Plan]) -> None:
        """Put off or refuse those of the plans that may not be sent when they are due."""
        planned: dict[_Key, list[Send]] = {}
        for plan in plans:
            if plan.refusal is None and plan.draft.message_class == "marketing":
                self._heed(plan, planned)

    def _heed(self, plan: Plan, planned: dict[_Key, list[Send]]) -> None:
        draft, number = plan.draft, plan.number
        assert number is not None
        answer = answer_to(self._tables, draft)
        zone = self._zones.get((draft.account_id, draft.test, number.e164))
        calendar = self._calendar(draft, number, zone)
        limits = self.limits(draft.account_id, number, plan.sender_value, answer)
        key = (draft.account_id, int(draft.test), plan.recipient_hash)
        sends = planned.setdefault(key, [*self._counted.get(key, (0, ()))[1]]) if limits else []
        if calendar is not None:
            plan.look = calendar.look(plan.due_at)
        due, wait = settle(calendar, limits, sends, plan.due_at)
        refused = self._refusal(plan, wait, answer, due)
        if refused:
            plan.wait = wait
            plan.refuse(wait.reason if wait else QUIET, "/to", refused)
            return
        if wait is not None and due is not None:
            plan.wait, plan.zone = wait, zone
            plan.due_at, plan.expires_at = due, plan.expires_at + due - plan.due_at
        if limits:
            sender_hash = self.sender_hash(plan.sender_value)
            sends.append(Send(plan.due_at, sender_hash, ""))
            version = self._counted.get(key, (0, ()))[0]
            plan.counted = Counted(*key[:1], draft.test, key[2], version, "", plan.due_at, sender_hash)

    def _refusal(self, plan: Plan, wait: Wait | None, answer: QuietHours, due: int | None) -> str:
        """Words, when the message is refused and does not wait."""
        if wait is None:
            return ""
        policy = self._tables.policies.of(plan.draft.account_id)
        waits = policy.on_cap == "wait" if wait.reason == CAPPED else answer == "wait"
        return "" if waits and due is not None else in_words(wait, plan.look)

    def opens(self, plan: Plan, at: int) -> int | None:
        """From a moment on the first at which hours allow a planned message; None: there is none within a year."""
        if plan.number is None or plan.draft.message_class != "marketing":
            return at
        zone = self._zones.get((plan.draft.account_id, plan.draft.test, plan.number.e164))
        calendar = self._calendar(plan.draft, plan.number, zone)
        return at if calendar is None else calendar.look(at).next_at

    # ---------------------------------------------------------------- parts that the claim needs too

    def _calendar(self, draft: Draft, number: Number, zone: str | None) -> Calendar | None:
        return calendar_of(self._tables, draft.account_id, number, zone, answer_to(self._tables, draft))

    def limits(self, account_id: str, number: Number, sender: str, answer: QuietHours) -> list[Limit]:
        """How often this person may be texted by this sender: by the policy and, unless quiet hours are off, by law."""
        policy = self._tables.policies.of(account_id)
        found = [] if answer == "off" else self._tables.quiet_hours.caps(number)
        limits = [Limit(rule, cap.max, cap.hours * HOUR_US) for rule, cap in found]
        return [*limits, *self._own(policy, sender)] if policy.caps else limits

    def _own(self, policy: InForce, sender: str) -> Iterable[Limit]:
        for place, cap in enumerate(policy.caps, start=1):
            if cap.senders and sender and sender not in cap.senders:
                continue
            if cap.per == "sender":
                senders = frozenset({self.sender_hash(sender)})
            else:
                senders = frozenset(map(self.sender_hash, cap.senders))
            yield Limit(f"cap-{place}", cap.max, cap.hours * HOUR_US, senders or None)

    def sender_hash(self, sender: str) -> int:
        """Senders are few and come again and again."""
        known = self._sender_hashes.get(sender)
        if known is None:
            known = self._sender_hashes[sender] = self._vault.number_hash(sender)
        return known


def calendar_of(
    tables: Tables, account_id: str, number: Number, zone: str | None, answer: QuietHours
) -> Calendar | None:
    """When this number may be texted; None: always."""
    if answer == "off":
        return None
    return tables.quiet_hours.calendar(number, tables.policies.hours(account_id), zone)


def answer_to(tables: Tables, asked: Draft) -> QuietHours:
    """What becomes of a message at a quiet hour: what it asks for, else what the account has decided, and never less
    than the operator demands."""
    return answer(tables, asked.account_id, asked.options.quiet_hours)


def answer(tables: Tables, account_id: str, wish: QuietHours | None) -> QuietHours:
    """The same of a message's own wish."""
    policy = tables.policies.of(account_id)
    return policy.quiet_hours if wish is None else stricter(wish, policy.floor)


def settle(
    calendar: Calendar | None, limits: Sequence[Limit], sends: Sequence[Send], at: int
) -> tuple[int | None, Wait | None]:
    """The first moment from `at` on that hours and limits allow, and what put it off last; the moment is None when
    there is none within a year."""
    wait: Wait | None = None
    for _ in range(_TRIES):
        look = calendar.look(at) if calendar is not None else None
        if look is not None and not look.allowed:
            wait = Wait(QUIET, look.rule, look.next_at or 0)
            if look.next_at is None:
                return None, wait
            at = look.next_at
        free, held = free_at(sends, limits, at) if limits else (at, None)
        if held is None:
            return at, wait
        wait, at = Wait(CAPPED, held.rule, free), free
    return None, wait


def in_words(wait: Wait, look: Look | None) -> str:
    """Why a message is refused, without the number."""
    title = CATALOGUE[wait.reason].title
    then = f" From {moments.to_text(wait.until)} on it may be sent." if wait.until else ""
    if wait.reason == CAPPED or look is None or not look.reasons:
        return f"{title} The rule is {wait.rule}.{then}"
    first = look.reasons[0]
    return f"{title} It is {first.local_time} in {first.zone}; the rule {first.rule} allows {first.hours}.{then}"


def data_of(wait: Wait) -> str:
    """What the event of a message tells that waits, as JSON."""
    told = {"reason": wait.reason, "rule": wait.rule, "until": moments.to_text(wait.until)}
    return msgspec.json.encode(told).decode()


def wish_of(options: str) -> tuple[QuietHours | None, str | None]:
    """What the options of a stored message ask for, and the zone that its recipient is known to be in."""
    found = msgspec.json.decode(options, type=_Wishes)
    return found.quiet_hours, found.zone


class _Wishes(msgspec.Struct, frozen=True, gc=False):
    quiet_hours: QuietHours | None = None
    zone: str | None = None
