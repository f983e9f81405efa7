"""Snapshots in memory of everything that is configured: what the journey decides on without asking the store.

A snapshot is immutable and is replaced whole after each change (when that is, `journey/following.py` says), so whoever
reads one during a step sees one state. Only opt-outs change in place (`journey/opted_out.py`). Who has to act on a
change (the worker on carriers, notify on webhooks) subscribes to its kind.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

import msgspec

from whimbrel.base.vault import Seal, Vault
from whimbrel.domain.carrier_kinds import settings_of
from whimbrel.domain.dialect import PLAIN_RULES, UNSHIFTED_RULES, CarrierSettings, TextRules, text_rules
from whimbrel.domain.model import Account, Carrier, ConfigKind, Key, Price, Route, Sender, SmppCredential, Webhook
from whimbrel.domain.number_limits import NumberLimits
from whimbrel.domain.permission import Permissions
from whimbrel.domain.policies import Policy, PolicyBook
from whimbrel.domain.pricing import PriceList
from whimbrel.domain.quiet_hours import QuietHours
from whimbrel.domain.quiet_rules import Rule, RuleBook
from whimbrel.domain.registrations import Registration
from whimbrel.domain.routing import Router
from whimbrel.domain.sender_fitness import Enforcement, SenderLaw
from whimbrel.domain.sender_rules import Rulebook
from whimbrel.domain.sender_standing import RuleRow, approvals_of, book_of, limits_of
from whimbrel.domain.senders import SenderBook
from whimbrel.journey.consent_tables import ConsentTables
from whimbrel.journey.following import Following
from whimbrel.journey.link_tables import LinkTables
from whimbrel.journey.pool_tables import PoolTables
from whimbrel.journey.templates import Shelf
from whimbrel.store.interface import Basis, Store

Owned = TypeVar("Owned", Sender, Webhook)


class _Document(msgspec.Struct, frozen=True, gc=False):
    """Columns of `policies_all`."""

    id: str
    document: str


class _Names(msgspec.Struct, frozen=True, gc=False):
    """What is needed of a carrier's settings."""

    tlv_names: dict[str, str] = {}


def _whole(carrier: Carrier) -> Carrier:
    """Where there is one cell, it has the whole carrier."""
    return carrier


class Tables:
    """The snapshots of one process. `as_seen`: what a carrier is here, where it is shared out among cells.
    `enforcement`: what is done about rules of senders."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        as_seen: Callable[[Carrier], Carrier] = _whole,
        enforcement: Enforcement = "warn",
    ) -> None:
        self._store = store
        self._enforcement: Enforcement = enforcement
        self._vault = vault
        self._as_seen = as_seen
        self._subscribers: defaultdict[ConfigKind, list[Callable[[], None]]] = defaultdict(list)
        self._following = Following(store, self._load, self._changed)
        self.pools = PoolTables(store)
        self.consent = ConsentTables(store, vault)
        self.links = LinkTables(store)
        self._loaders = self._all_loaders()
        self.accounts: Mapping[str, Account] = {}
        """By id. The status is the one that holds: a sub-account of a suspended or closed parent has its parent's."""
        self.keys: Mapping[bytes, Key] = {}
        """Active keys by SHA-256. Whether a key has expired is for the reader to check, by its clock."""
        self.senders: Mapping[str, SenderBook] = {}
        """By account id."""
        self.senders_by_value: Mapping[str, Sender] = {}
        """Numbers and short codes by their digits: whom an inbound text is for. Names receive nothing."""
        self.sender_law = SenderLaw(Rulebook(()), "off")
        """What countries say about senders."""
        self.number_limits: Mapping[str, NumberLimits] = {}
        """How much senders may send, by id; those that nothing bounds are not there."""
        self.carriers: Mapping[str, Carrier] = {}
        """By id, paused ones too."""
        self.tlv_names: Mapping[str, str] = {}
        """Names that carriers gave their optional parameters, in small letters, and the numbers."""
        self.router = Router((), ())
        self.prices = PriceList(())
        self.opt_outs: Mapping[str, AbstractSet[int]] = self.consent.opted_out.numbers
        """Keyed hashes of numbers by account id."""
        self.webhooks: Mapping[str, tuple[Webhook, ...]] = {}
        """By account id, disabled ones too; cursors and failures are as of the last refresh."""
        self.smpp_credentials: Mapping[str, SmppCredential] = {}
        """By system_id, suspended ones too."""
        self.templates = Shelf(store)
        self.policies = PolicyBook({})
        self.quiet_hours = QuietHours(RuleBook())
        self._routes: tuple[Route, ...] = ()
        self._text_rules: dict[tuple[str, ...], TextRules] = {}  # found once for each order of carriers

    def _all_loaders(self) -> Mapping[ConfigKind, Callable[[], Awaitable[None]]]:
        return {
            "accounts": self._load_accounts,
            "keys": self._load_keys,
            "senders": self._load_senders,
            "pools": self._load_pools,
            "carriers": self._load_carriers,
            "routes": self._load_routes,
            "prices": self._load_prices,
            "opt_outs": self._load_opt_outs,
            "webhooks": self._load_webhooks,
            "smpp_credentials": self._load_smpp_credentials,
            "templates": self._load_templates,
            "link_settings": self.links.load,
            "policies": self._load_policies,
            "consent": self.consent.load,
        }

    def text_rules(self, carriers: tuple[str, ...]) -> TextRules:
        """How a text must be cut for any of these carriers."""
        known = self._text_rules.get(carriers)
        if known is None:
            rows = [self.carriers[i] for i in carriers if i in self.carriers]
            spoken = [settings_of(row) for row in rows]
            over_smpp = [one for one in spoken if isinstance(one, CarrierSettings)]
            found = text_rules(over_smpp, also_over_http=len(over_smpp) < len(spoken))
            same = (rules for rules in (PLAIN_RULES, UNSHIFTED_RULES) if rules == found)
            known = self._text_rules[carriers] = next(same, found)
        return known

    def takes_media(self, carrier_id: str) -> bool:
        """Whether a carrier takes media with a text."""
        carrier = self.carriers.get(carrier_id)
        return carrier is not None and settings_of(carrier).media

    @property
    def basis(self) -> Basis | None:
        """What is decided on now, for the transaction that acts on it; None when no other process changes it."""
        versions = self._following.versions()
        return None if versions is None else Basis(*versions, self.consent.opted_out.position)

    @property
    def version(self) -> int | None:
        """Of everything but opt-outs; None when no other process changes it."""
        return self._following.version

    def age_s(self) -> float:
        """Seconds since the snapshots are known to hold what is configured; 0 when nobody else can change it."""
        return self._following.age_s()

    async def load(self) -> None:
        """Read everything, and follow what others change; once, at start."""
        await self._following.start()

    async def stop(self) -> None:
        """Follow nothing any more."""
        await self._following.stop()

    async def refresh(self, *kinds: ConfigKind) -> None:
        """Read these kinds anew, swap the snapshots, then tell the subscribers. It does not raise: the write that it
        follows is committed. What could not be read is read later."""
        await self._following.refresh(kinds)

    async def current(self) -> None:
        """Whatever was committed before this was called, at any node, is in the snapshots when it returns. StoreError
        when nobody can know."""
        await self._following.current()

    def subscribe(self, kind: ConfigKind, changed: Callable[[], None]) -> None:
        """Call `changed()` after each refresh of `kind`; it reads the new snapshot here. It must not block or raise."""
        self._subscribers[kind].append(changed)

    # ---------------------------------------------------------------- opt-outs, lists, consent

    def opt_outs_added(self, name: str, hashes: Iterable[int]) -> None:
        """These numbers opted out of an account (or came into another set that has a name), and that is committed."""
        self.consent.opted_out.change(name, hashes, stopped=True)
        self._following.tell("opt_outs")

    def opt_outs_removed(self, name: str, hashes: Iterable[int]) -> None:
        """These opted in again, or left the set, and that is committed."""
        self.consent.opted_out.change(name, hashes, stopped=False)
        self._following.tell("opt_outs")

    @property
    def permissions(self) -> Permissions:
        """Whether a number may be texted."""
        return self.consent.permissions

    # ---------------------------------------------------------------- secrets, opened when they are needed

    def auth_token(self, account_id: str) -> str:
        """The account's auth token; KeyError when there is no such account."""
        sealed = self.accounts[account_id].auth_token
        return self._vault.open(sealed, Seal.of(Seal.ACCOUNT_TOKEN, account_id))

    def callback_secret(self, account_id: str) -> str:
        """`whsec_…`, which signs the account's message callbacks."""
        sealed = self.accounts[account_id].callback_secret
        return self._vault.open(sealed, Seal.of(Seal.ACCOUNT_CALLBACK, account_id))

    def webhook_secrets(self, webhook: Webhook, now_us: int) -> tuple[str, ...]:
        """`whsec_…` of an endpoint, the newest first; the one before it as long as it still signs."""
        context = Seal.of(Seal.WEBHOOK_SECRET, webhook.id)
        newest = self._vault.open(webhook.secret, context)
        if webhook.old_secret is None or (webhook.old_secret_until or 0) <= now_us:
            return (newest,)
        return newest, self._vault.open(webhook.old_secret, context)

    def carrier_password(self, carrier: Carrier) -> str:
        """What a carrier's binds authenticate with."""
        return self._vault.open(carrier.password, Seal.of(Seal.CARRIER_PASSWORD, carrier.id))

    # ---------------------------------------------------------------- reading

    async def _load(self, kind: ConfigKind) -> None:
        await self._loaders[kind]()

    def _changed(self, kind: ConfigKind) -> None:
        for changed in self._subscribers[kind]:
            changed()

    async def _load_accounts(self) -> None:
        rows = {account.id: account for account in await self._store.fetch(Account, "accounts_all")}
        self.accounts = {account_id: _effective(account, rows) for account_id, account in rows.items()}

    async def _load_keys(self) -> None:
        self.keys = {key.digest: key for key in await self._store.fetch(Key, "keys_active")}

    async def _load_senders(self) -> None:
        rows = await self._store.fetch(Sender, "senders_all")
        registered = await self._store.fetch(Registration, "registrations_approved")
        law = SenderLaw(book_of(await self._store.fetch(RuleRow, "sender_rules_all")), self._enforcement)
        approvals = approvals_of(registered)
        self.sender_law = law
        self.number_limits = limits_of(rows, registered)
        self.senders = {account_id: SenderBook(own, law, approvals) for account_id, own in _by_account(rows).items()}
        self.senders_by_value = {row.value.lstrip("+"): row for row in rows if row.kind != "alphanumeric"}
        self.pools.with_senders(rows, self.number_limits)
        self.consent.follow_pools(self.pools.of_value)

    async def _load_pools(self) -> None:
        await self.pools.load()
        self.consent.follow_pools(self.pools.of_value)

    async def _load_carriers(self) -> None:
        rows = [self._as_seen(row) for row in await self._store.fetch(Carrier, "carriers_all")]
        self.carriers = {carrier.id: carrier for carrier in rows}
        self._text_rules = {}
        self.tlv_names = _tlv_names(rows)
        self.router = Router(self._routes, rows)

    async def _load_routes(self) -> None:
        self._routes = tuple(await self._store.fetch(Route, "routes_all"))
        self.router = Router(self._routes, self.carriers.values())

    async def _load_prices(self) -> None:
        self.prices = PriceList(await self._store.fetch(Price, "prices_all"))

    async def _load_opt_outs(self) -> None:
        await self.consent.opted_out.load()
        self.opt_outs = self.consent.opted_out.numbers

    async def _load_webhooks(self) -> None:
        rows = await self._store.fetch(Webhook, "webhooks_all")
        self.webhooks = {account_id: tuple(own) for account_id, own in _by_account(rows).items()}

    async def _load_smpp_credentials(self) -> None:
        rows = await self._store.fetch(SmppCredential, "smpp_credentials_all")
        self.smpp_credentials = {row.system_id: row for row in rows}

    async def _load_policies(self) -> None:
        rules = await self._store.fetch(_Document, "quiet_rules_all")
        self.quiet_hours = QuietHours(RuleBook([msgspec.json.decode(row.document, type=Rule) for row in rules]))
        rows = await self._store.fetch(_Document, "policies_all")
        self.policies = PolicyBook({row.id: msgspec.json.decode(row.document, type=Policy) for row in rows})
        self.consent.follow(self.policies)

    async def _load_templates(self) -> None:
        """Those that are used are read when they are."""
        self.templates.clear()


def _effective(account: Account, rows: Mapping[str, Account]) -> Account:
    """The account with the status that holds for it."""
    parent = rows.get(account.parent_id) if account.parent_id else None
    if parent is None or account.status != "active":
        return account
    return msgspec.structs.replace(account, status=parent.status)


def _by_account(rows: Sequence[Owned]) -> dict[str, list[Owned]]:
    found: defaultdict[str, list[Owned]] = defaultdict(list)
    for row in rows:
        found[row.account_id].append(row)
    return dict(found)


def _tlv_names(carriers: Iterable[Carrier]) -> Mapping[str, str]:
    """The names of all of them; one that means different numbers to two of them means none."""
    found: dict[str, set[str]] = defaultdict(set)
    for carrier in carriers:
        for name, number in msgspec.json.decode(carrier.settings, type=_Names).tlv_names.items():
            found[name.strip().lower()].add(number)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}
