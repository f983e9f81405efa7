"""Snapshots of consent: who opted out or is on a list (in place, one by one), and brands, lists, words and texts
(whole, after each change). `journey/tables.py` loads them with everything else that is configured.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from whimbrel.base.vault import Vault
from whimbrel.domain.consent_books import ConsentText, ConsentWord, Hearing, TextBook, WordBook
from whimbrel.domain.consent_words import Keyword
from whimbrel.domain.permission import Brand, Permissions, SuppressionList
from whimbrel.domain.policies import PolicyBook
from whimbrel.journey.opted_out import OptedOut
from whimbrel.store.interface import Store


class ConsentTables:
    """What decides whether somebody may be texted, and what his texts mean."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self.opted_out = OptedOut(store)
        self._brands: list[Brand] = []
        self._lists: list[SuppressionList] = []
        self._policies = PolicyBook({})
        self._pools: Mapping[tuple[str, str], tuple[str, ...]] = {}
        self.words = WordBook(())
        self.texts = TextBook(())
        self.permissions = self._made()
        self._hearings: dict[tuple[str, str], Hearing] = {}  # found once for each number

    @property
    def numbers(self) -> Mapping[str, AbstractSet[int]]:
        """Keyed hashes by the name of their set."""
        return self.opted_out.numbers

    async def load(self) -> None:
        """Brands, lists, words and texts."""
        brands = await self._store.fetch(Brand, "brands_all")
        lists = await self._store.fetch(SuppressionList, "suppression_lists_all")
        words = await self._store.fetch(ConsentWord, "consent_words_all")
        texts = await self._store.fetch(ConsentText, "consent_texts_all")
        self._brands, self._lists = brands, lists
        self.words, self.texts = WordBook(words), TextBook(texts)
        self._renew()

    def follow(self, policies: PolicyBook) -> None:
        """The policies changed."""
        self._policies = policies
        self._renew()

    def follow_pools(self, pools: Mapping[tuple[str, str], tuple[str, ...]]) -> None:
        """Who is in which pool may have changed."""
        if pools != self._pools:
            self._pools = pools
            self._renew()

    def name_of(self, account_id: str, sender: str) -> str:
        """The name of the brand that a sender is of; empty: of no named one."""
        brand_id = self.permissions.brand_of(account_id, sender)
        return next((brand.name for brand in self._brands if brand.id == brand_id), "")

    def text_for(self, account_id: str, sender: str, kind: Keyword, language: str) -> str:
        """What answers a keyword in place of the product's text; empty: that."""
        return self.texts.find(account_id, self.permissions.brand_of(account_id, sender), kind, language)

    def hearing(self, account_id: str, sender: str) -> Hearing:
        """What a text to one of an account's numbers is heard with."""
        known = self._hearings.get((account_id, sender))
        if known is None:
            permissions = self.permissions
            scope, *also = permissions.stop_scopes(account_id, sender)
            known = self._hearings[account_id, sender] = Hearing(
                words=self.words.of(account_id),
                scope=scope,
                scope_hash=permissions.hash_of(scope),
                lifts=permissions.lifted(account_id, sender),
                joins=self._policies.of(account_id).keyword_opt_in,
                also=tuple([(each, permissions.hash_of(each)) for each in also]),
            )
        return known

    def _renew(self) -> None:
        self.permissions = self._made()
        self._hearings = {}

    def _made(self) -> Permissions:
        return Permissions(
            lambda: self.opted_out.numbers,
            lambda scope: self._vault.fingerprint(b"scope", scope.encode()),
            brands=self._brands,
            lists=self._lists,
            policies=self._policies,
            pools=self._pools,
        )
