"""Whether a number may be texted: opt-outs and how far they reach, lists of numbers that are not texted, and consent.

Everything that may be millions is a set of keyed hashes under a name: an account's id (who opted out there), the id of
a suppression list, an account and a purpose (who consented). The scope of an opt-out is part of its hash: what holds
for all senders of an account is the hash of the number, and what holds for one sender, pool or brand is that hash
XOR the scope's. So one look-up answers each question, and whoever says STOP to one sender takes as much room as anybody
else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Literal, Protocol

import msgspec

from whimbrel.domain.model import PRIORITY, Flag, MessageClass
from whimbrel.domain.policies import PolicyBook

ScopeKind = Literal["sender", "pool", "brand", "all"]
Barrier = Literal["opted_out", "suppressed", "no_consent"]
"""Codes of the catalogue."""

EVERYTHING: Final = ""
"""The scope of an opt-out that holds for all senders of the account."""
UNNAMED_BRAND: Final = "brand:"
"""The scope of the senders that are of no named brand, where there are some."""
MARKETING: Final = "marketing"
_CLASSES: Final[tuple[MessageClass, ...]] = ("otp", "transactional", "marketing")
_OF_PRIORITY: Final[Mapping[int, MessageClass]] = {PRIORITY[name]: name for name in _CLASSES}
_Hash = Callable[[str], int]
Sets = Mapping[str, AbstractSet[int]]


class Brand(msgspec.Struct, frozen=True, gc=False):
    """A named group of senders of an account. Column order of the `brands` table."""

    id: str
    account_id: str
    name: str
    senders: tuple[str, ...]  # their values
    created_at: int
    updated_at: int


class SuppressionList(msgspec.Struct, frozen=True, gc=False):
    """A list of numbers that are not texted, with the classes of messages that it is for. Column order of the
    `suppression_lists` table. `account_id` None: the operator's, which holds for every account."""

    id: str
    account_id: str | None
    name: str
    reason: str
    classes: tuple[MessageClass, ...]
    created_at: int
    updated_at: int


class Suppression(msgspec.Struct, frozen=True, gc=False):
    """A number of a list as stored. Column order of the `suppressions` table."""

    list_id: str
    number_hash: int
    account_id: str | None
    number: str | None
    masked: str
    reason: str
    created_at: int


class Finding(msgspec.Struct, frozen=True, gc=False):
    """What stands in the way. `scope`: of an opt-out; `key`: what it is stored under; `list_id`: of a list."""

    code: Barrier
    scope: str = EVERYTHING
    key: int = 0
    list_id: str = ""


def sender_scope(value: str) -> str:
    """The scope of one sender."""
    return f"sender:{value}"


def pool_scope(pool_id: str) -> str:
    """The scope of the senders of a pool."""
    return f"pool:{pool_id}"


def brand_scope(brand_id: str) -> str:
    """The scope of a brand."""
    return f"brand:{brand_id}"


def consent_set(account_id: str, purpose: str) -> str:
    """The name of the set of those who agreed to a purpose."""
    return f"{account_id}:{purpose}"


class Queued(Protocol):
    """A message that waits, as far as it is asked here."""

    @property
    def account_id(self) -> str: ...
    @property
    def recipient_hash(self) -> int: ...
    @property
    def sender(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def flags(self) -> int: ...


class Permissions:
    """What holds for every account as of now. Made anew when brands, pools, lists or policies change; who is in which
    set changes in place. `sets`: gives them as they are; `hash_of`: the 63-bit keyed hash of a scope; `pools`: ids of
    pools by account and sender."""

    def __init__(
        self,
        sets: Callable[[], Sets],
        hash_of: _Hash,
        *,
        brands: Iterable[Brand] = (),
        lists: Iterable[SuppressionList] = (),
        policies: PolicyBook | None = None,
        pools: Mapping[tuple[str, str], Sequence[str]] | None = None,
    ) -> None:
        self._sets = sets
        self._hash_of = hash_of
        self._policies = policies or PolicyBook({})
        self._pools_of = pools or {}
        self._mates: dict[str, list[str]] = {}  # senders by their pool
        for (_, value), ids in self._pools_of.items():
            for pool_id in ids:
                self._mates.setdefault(pool_id, []).append(value)
        self._brand_of: dict[tuple[str, str], str] = {}
        self._branded: set[str] = set()
        for brand in brands:
            self._branded.add(brand.account_id)
            for value in brand.senders:
                self._brand_of[brand.account_id, value] = brand.id
        self._lists: dict[tuple[str, MessageClass], list[str]] = {}
        self._common: dict[MessageClass, list[str]] = {name: [] for name in _CLASSES}
        self._named: dict[str, SuppressionList] = {}
        for each in lists:
            self._named[each.id] = each
            for name in each.classes:
                own = self._lists.setdefault((each.account_id, name), []) if each.account_id else self._common[name]
                own.append(each.id)
        self._has_lists = any(self._common.values()) or bool(self._lists)
        self._reach: dict[tuple[str, str], tuple[tuple[str, int], ...]] = {}  # found once for each sender

    def finding(self, account_id: str, number_hash: int, sender: str, priority: int) -> Finding | None:
        """What stands in the way of a message of this class (by its priority) from this sender; None: nothing."""
        sets = self._sets()
        stopped = sets.get(account_id)
        if stopped:
            if number_hash in stopped:
                return Finding("opted_out", EVERYTHING, number_hash)
            for scope, scope_hash in self.reach(account_id, sender):
                if number_hash ^ scope_hash in stopped:
                    return Finding("opted_out", scope, number_hash ^ scope_hash)
        if self._has_lists:
            found = self._listed(sets, account_id, number_hash, _OF_PRIORITY[priority])
            if found is not None:
                return found
        if priority == PRIORITY[MARKETING] and self._policies.of(account_id).require_consent:
            return self._unasked(sets, account_id, number_hash)
        return None

    def barrier(self, message: Queued) -> Barrier | None:
        """What stands in the way of a message that was accepted before."""
        if message.flags & Flag.BYPASS_OPT_OUT:
            return None
        found = self.finding(message.account_id, message.recipient_hash, message.sender, message.priority)
        return None if found is None else found.code

    def _listed(self, sets: Sets, account_id: str, number_hash: int, name: MessageClass) -> Finding | None:
        for ids in (self._common[name], self._lists.get((account_id, name), ())):
            for list_id in ids:
                if number_hash in sets.get(list_id, ()):
                    return Finding("suppressed", list_id=list_id)
        return None

    def _unasked(self, sets: Sets, account_id: str, number_hash: int) -> Finding | None:
        agreed = sets.get(consent_set(account_id, MARKETING), ())
        return None if number_hash in agreed else Finding("no_consent")

    def reach(self, account_id: str, sender: str) -> tuple[tuple[str, int], ...]:
        """The scopes narrower than all that a sender is in, with their hashes: its own first."""
        known = self._reach.get((account_id, sender))
        if known is None:
            scopes = [sender_scope(sender), *map(pool_scope, self._pools_of.get((account_id, sender), ()))]
            if account_id in self._branded:
                scopes.append(self._brand_scope(account_id, sender))
            known = self._reach[account_id, sender] = tuple((scope, self._hash_of(scope)) for scope in scopes)
        return known

    def _brand_scope(self, account_id: str, sender: str) -> str:
        found = self._brand_of.get((account_id, sender))
        return UNNAMED_BRAND if found is None else brand_scope(found)

    def list_of(self, list_id: str) -> SuppressionList | None:
        """One of the lists."""
        return self._named.get(list_id)

    def brand_of(self, account_id: str, sender: str) -> str | None:
        """The id of the brand that a sender is of; None: of no named one."""
        return self._brand_of.get((account_id, sender))

    def stop_scopes(self, account_id: str, sender: str) -> tuple[str, ...]:
        """How far a STOP to this sender reaches, the farthest first: as the account has decided. Where it has no named
        brands, all of its senders are one brand. Of pools the sender itself is one too: it may leave them."""
        kind = self._policies.of(account_id).opt_out_scope
        if kind == "sender":
            return (sender_scope(sender),)
        if kind == "pool":
            return (*map(pool_scope, self._pools_of.get((account_id, sender), ())), sender_scope(sender))
        if kind == "brand" and account_id in self._branded:
            return (self._brand_scope(account_id, sender),)
        return (EVERYTHING,)

    def lifted(self, account_id: str, sender: str) -> tuple[int, ...]:
        """What a START to this sender lifts beside that which holds for all: hashes of all scopes that it is in. Where
        a STOP reaches a pool, a START does too: whoever stopped another one of the pool is back with all of it."""
        found = [scope_hash for _, scope_hash in self.reach(account_id, sender)]
        if self._policies.of(account_id).opt_out_scope == "pool":
            pools = self._pools_of.get((account_id, sender), ())
            mates = dict.fromkeys(value for pool_id in pools for value in self._mates[pool_id])
            found += [self._hash_of(sender_scope(value)) for value in mates if value != sender]
        return tuple(found)

    def hash_of(self, scope: str) -> int:
        """What a scope adds to the hash of a number."""
        return self._hash_of(scope) if scope else 0

    def key_of(self, number_hash: int, scope: str) -> int:
        """What an opt-out is stored under."""
        return number_hash ^ self.hash_of(scope)
