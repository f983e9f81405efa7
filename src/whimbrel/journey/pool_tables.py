"""What the snapshots hold of pools: who is in which, what numbers may send, how they do, and where their texts go."""

from collections.abc import Mapping, Sequence

from whimbrel.base.vault import Vault
from whimbrel.domain.inbound_urls import InboundUrl, chosen
from whimbrel.domain.model import Draft, Sender
from whimbrel.domain.number_limits import NumberLimits
from whimbrel.domain.pools import Member, Pool, PoolBook, Standing, opened
from whimbrel.domain.senders import SenderBook
from whimbrel.domain.turns import Limits
from whimbrel.journey.pools import NO_STICKY, Stickies, Sticky, wanted
from whimbrel.store.interface import Store


class PoolTables:
    """The pools of one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._senders: Sequence[Sender] = ()
        self._bounds: Mapping[str, Limits] = {}
        self._rows: tuple[Sequence[Pool], Sequence[Member]] = ((), ())
        self.books: Mapping[str, PoolBook] = {}
        """By account id; empty where nobody has a pool."""
        self.limits: Mapping[str, Limits] = {}
        """Of numbers that have any, by the sender's id: the strictest of its pools, its registration and its own."""
        self.of_sender: Mapping[str, tuple[str, ...]] = {}
        """Ids of the pools that a sender is in, the oldest first."""
        self.of_value: Mapping[tuple[str, str], tuple[str, ...]] = {}
        """The same by account id and the sender's value."""
        self.standings: Mapping[str, Standing] = {}
        """How numbers of pools do, by the sender's id; set anew every few seconds (`journey/number_health.py`)."""
        self.inbound_urls: Mapping[str, InboundUrl] = {}
        """Where inbound texts are posted, by the id of a sender, a pool or an account."""
        self.stickies = Stickies(store)

    async def sticky(self, drafts: Sequence[Draft], vault: Vault) -> Sticky:
        """Who wrote before to those of the recipients whose sender a pool chooses."""
        asked = wanted(drafts, self.books, vault) if self.books else ()
        return await self.stickies.take(asked) if asked else NO_STICKY

    async def load(self) -> None:
        """Read everything anew."""
        pools = await self._store.fetch(Pool, "pools_all")
        members = await self._store.fetch(Member, "pool_members_all")
        self.inbound_urls = {row.owner_id: row for row in await self._store.fetch(InboundUrl, "inbound_urls_all")}
        self._rows = (pools, members)
        self._open()

    def with_senders(self, senders: Sequence[Sender], bounds: Mapping[str, NumberLimits]) -> None:
        """These are the senders now, of all accounts, and what registrations and the operator let them send."""
        self._senders = senders
        self._bounds = {
            sender_id: Limits(each.per_minute or 0, each.per_day or 0)
            for sender_id, each in bounds.items()
            if each.per_minute or each.per_day
        }
        self._open()

    def inbound_url(self, number: Sender) -> tuple[InboundUrl | None, str | None]:
        """Where a text to this number is posted, and the pool that it is in, where there is one."""
        urls, account_id = self.inbound_urls, number.account_id
        own = urls.get(number.id)
        if own is None and number.sms_url is not None:
            method, fallback = number.sms_method, number.sms_fallback_url
            own = InboundUrl(
                number.id, account_id, number.sms_url, method, fallback, "POST", "twilio", number.updated_at
            )
        pools: list[tuple[str, bool]] = []
        book = self.books.get(account_id)
        for pool_id in self.of_sender.get(number.id, ()):
            pool = book.get(pool_id) if book is not None else None
            if pool is not None:
                pools.append((pool_id, pool.settings.inbound_on_number))
        return chosen(own, pools, account_id, urls), pools[0][0] if pools else None

    def turn_of(self, book: SenderBook | None, sender: str) -> str:
        """The id of this sender of an account, where it has a rate or a quota."""
        found = book.find(sender) if book is not None and self.limits else None
        return found.id if found is not None and found.id in self.limits else ""

    def _open(self) -> None:
        pools, members = self._rows
        self.books, limits, self.of_sender = opened(pools, members, self._senders)
        self.of_value = {
            (sender.account_id, sender.value): self.of_sender[sender.id]
            for sender in self._senders
            if sender.id in self.of_sender
        }
        of_none = Limits()
        self.limits = {
            sender_id: limits.get(sender_id, of_none).stricter(self._bounds.get(sender_id, of_none))
            for sender_id in limits.keys() | self._bounds.keys()
        }
        self.stickies.clear()
