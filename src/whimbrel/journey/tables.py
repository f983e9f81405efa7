"""Snapshots in memory of everything that is configured: what the journey decides on without asking the store.

A snapshot is immutable and is replaced whole after each write of the control plane (`refresh`), so whoever reads one
during a step sees one state. Only opt-outs change in place, one by one: there may be millions. Who has to act on a
change (the worker on carriers, notify on webhooks) subscribes to its kind.

Refreshes run one after another, each reading after the commit that caused it: an older state never replaces a newer.
One that fails cannot take its commit back: it is told in the log and tried again until it succeeds.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

import msgspec

from whimbrel.base.vault import Seal, Vault
from whimbrel.domain.dialect import PLAIN_RULES, CarrierSettings, TextRules, text_rules
from whimbrel.domain.model import Account, Carrier, ConfigKind, Key, Price, Route, Sender, SmppCredential, Webhook
from whimbrel.domain.pricing import PriceList
from whimbrel.domain.routing import Router
from whimbrel.domain.senders import SenderBook
from whimbrel.store.interface import Store

Owned = TypeVar("Owned", Sender, Webhook)

_log = logging.getLogger("whimbrel.tables")
_RETRY_S = 1.0
KINDS: tuple[ConfigKind, ...] = (
    "accounts",
    "keys",
    "senders",
    "carriers",
    "routes",
    "prices",
    "opt_outs",
    "webhooks",
    "smpp_credentials",
)


class _OptedOut(msgspec.Struct, frozen=True, gc=False):
    """Columns of `opt_outs_all`."""

    account_id: str
    number_hash: int


class _Names(msgspec.Struct, frozen=True, gc=False):
    """What is needed of a carrier's settings."""

    tlv_names: dict[str, str] = {}


class Tables:
    """The snapshots of one process."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._refreshing = asyncio.Lock()
        self._subscribers: defaultdict[ConfigKind, list[Callable[[], None]]] = defaultdict(list)
        self._stops_meanwhile: list[tuple[str, int, bool]] | None = None
        self._stale: set[ConfigKind] = set()
        self._catching_up: asyncio.Task[None] | None = None
        self._loaders: Mapping[ConfigKind, Callable[[], Awaitable[None]]] = {
            "accounts": self._load_accounts,
            "keys": self._load_keys,
            "senders": self._load_senders,
            "carriers": self._load_carriers,
            "routes": self._load_routes,
            "prices": self._load_prices,
            "opt_outs": self._load_opt_outs,
            "webhooks": self._load_webhooks,
            "smpp_credentials": self._load_smpp_credentials,
        }
        self.accounts: Mapping[str, Account] = {}
        """By id. The status is the one that holds: a sub-account of a suspended or closed parent has its parent's."""
        self.keys: Mapping[bytes, Key] = {}
        """Active keys by SHA-256. Whether a key has expired is for the reader to check, by its clock."""
        self.senders: Mapping[str, SenderBook] = {}
        """By account id."""
        self.senders_by_value: Mapping[str, Sender] = {}
        """Numbers and short codes by their digits: whom an inbound text is for. Names receive nothing."""
        self.carriers: Mapping[str, Carrier] = {}
        """By id, paused ones too."""
        self.tlv_names: Mapping[str, str] = {}
        """Names that carriers gave their optional parameters, in small letters, and the numbers."""
        self.router = Router((), ())
        self.prices = PriceList(())
        self._stops: defaultdict[str, set[int]] = defaultdict(set)
        self.opt_outs: Mapping[str, AbstractSet[int]] = self._stops
        """Keyed hashes of numbers by account id."""
        self.webhooks: Mapping[str, tuple[Webhook, ...]] = {}
        """By account id, disabled ones too; cursors and failures are as of the last refresh."""
        self.smpp_credentials: Mapping[str, SmppCredential] = {}
        """By system_id, suspended ones too."""
        self._routes: tuple[Route, ...] = ()
        self._text_rules: dict[tuple[str, ...], TextRules] = {}  # found once for each order of carriers

    def text_rules(self, carriers: tuple[str, ...]) -> TextRules:
        """How a text must be cut for any of these carriers."""
        known = self._text_rules.get(carriers)
        if known is None:
            rows = [self.carriers[i] for i in carriers if i in self.carriers]
            found = text_rules([msgspec.json.decode(row.settings, type=CarrierSettings) for row in rows])
            known = self._text_rules[carriers] = PLAIN_RULES if found == PLAIN_RULES else found
        return known

    async def load(self) -> None:
        """Read everything; once, at start."""
        await self._read(KINDS)

    async def refresh(self, *kinds: ConfigKind) -> None:
        """Read these kinds anew, swap the snapshots, then tell the subscribers. It does not raise: the write that it
        follows is committed. What could not be read is read later."""
        try:
            await self._read(kinds)
        except Exception:
            _log.exception("a change could not be read; trying again", extra={"kinds": kinds})
            self._read_later(kinds)
        except asyncio.CancelledError:
            self._read_later(kinds)
            raise

    def _read_later(self, kinds: Iterable[ConfigKind]) -> None:
        self._stale.update(kinds)
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())

    async def _catch_up(self) -> None:
        while self._stale:
            await asyncio.sleep(_RETRY_S)
            for kind in sorted(self._stale):
                self._stale.discard(kind)  # before the read: what becomes stale during it is read again
                try:
                    await self._read((kind,))
                except Exception as error:
                    self._stale.add(kind)
                    _log.error("a change could still not be read", extra={"kind": kind, "error": str(error)})

    async def stop(self) -> None:
        """Try nothing again any more."""
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.gather(self._catching_up, return_exceptions=True)

    async def _read(self, kinds: Sequence[ConfigKind]) -> None:
        async with self._refreshing:
            for kind in kinds:
                await self._loaders[kind]()
        for kind in kinds:
            for changed in self._subscribers[kind]:
                changed()

    def subscribe(self, kind: ConfigKind, changed: Callable[[], None]) -> None:
        """Call `changed()` after each refresh of `kind`; it reads the new snapshot here. It must not block or raise."""
        self._subscribers[kind].append(changed)

    # ---------------------------------------------------------------- opt-outs

    def opt_outs_added(self, account_id: str, hashes: Iterable[int]) -> None:
        """These numbers opted out, and that is committed."""
        for number_hash in hashes:
            self._stop_changed(account_id, number_hash, True)

    def opt_out_removed(self, account_id: str, number_hash: int) -> None:
        """This number opted in again, and that is committed."""
        self._stop_changed(account_id, number_hash, False)

    def _stop_changed(self, account_id: str, number_hash: int, stopped: bool) -> None:
        if self._stops_meanwhile is not None:
            self._stops_meanwhile.append((account_id, number_hash, stopped))
        if stopped:
            self._stops[account_id].add(number_hash)
        else:
            self._stops[account_id].discard(number_hash)

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

    async def _load_accounts(self) -> None:
        rows = {account.id: account for account in await self._store.fetch(Account, "accounts_all")}
        self.accounts = {account_id: _effective(account, rows) for account_id, account in rows.items()}

    async def _load_keys(self) -> None:
        self.keys = {key.digest: key for key in await self._store.fetch(Key, "keys_active")}

    async def _load_senders(self) -> None:
        rows = await self._store.fetch(Sender, "senders_all")
        self.senders = {account_id: SenderBook(own) for account_id, own in _by_account(rows).items()}
        self.senders_by_value = {row.value.lstrip("+"): row for row in rows if row.kind != "alphanumeric"}

    async def _load_carriers(self) -> None:
        rows = await self._store.fetch(Carrier, "carriers_all")
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
        """What is committed during the read may be missing in it, and is applied again."""
        self._stops_meanwhile = []
        try:
            fresh: defaultdict[str, set[int]] = defaultdict(set)
            for row in await self._store.fetch(_OptedOut, "opt_outs_all"):
                fresh[row.account_id].add(row.number_hash)
        finally:
            meanwhile, self._stops_meanwhile = self._stops_meanwhile, None
        self._stops = fresh
        self.opt_outs = fresh
        for account_id, number_hash, stopped in meanwhile:
            self._stop_changed(account_id, number_hash, stopped)

    async def _load_webhooks(self) -> None:
        rows = await self._store.fetch(Webhook, "webhooks_all")
        self.webhooks = {account_id: tuple(own) for account_id, own in _by_account(rows).items()}

    async def _load_smpp_credentials(self) -> None:
        rows = await self._store.fetch(SmppCredential, "smpp_credentials_all")
        self.smpp_credentials = {row.system_id: row for row in rows}


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
