"""Words and texts of consent that are not the product's: those of the operator, which hold for every account, and those
of an account. An account's own row wins over the operator's, and that over the product's.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec

from whimbrel.domain.consent import Level, OwnWord
from whimbrel.domain.consent_words import Keyword
from whimbrel.domain.permission import EVERYTHING
from whimbrel.domain.policies import KeywordOptIn

EVERY_BRAND: Final = ""


class ConsentWord(msgspec.Struct, frozen=True, gc=False):
    """A word as stored. Column order of the `consent_words` table. `account_id` None: the operator's."""

    id: str
    account_id: str | None
    kind: Keyword
    language: str
    level: Level
    word: str
    plain: str
    enabled: bool
    purpose: str
    wording: str
    created_at: int


class ConsentText(msgspec.Struct, frozen=True, gc=False):
    """A text that answers a keyword. Column order of the `consent_texts` table. `brand_id` empty: of every brand that
    has none of its own; `language` `*`: of every language that has none."""

    id: str
    account_id: str | None
    brand_id: str
    kind: Keyword
    language: str
    text: str
    updated_at: int


class Hearing(msgspec.Struct, frozen=True, gc=False):
    """What an inbound text is heard with: words beside the product's, how far a STOP to this number reaches (with what
    that adds to the hash of a number, 0: nothing) and what it is recorded for beside that, what a START lifts beside
    that which holds for all senders, and what a word that agrees does."""

    words: tuple[OwnWord, ...] = ()
    scope: str = ""
    scope_hash: int = 0
    lifts: tuple[int, ...] = ()
    joins: KeywordOptIn = "request"
    also: tuple[tuple[str, int], ...] = ()

    def stopped(self, *, everything: bool) -> tuple[tuple[str, int], ...]:
        """The scopes of a STOP, with their hashes."""
        return ((EVERYTHING, 0),) if everything else ((self.scope, self.scope_hash), *self.also)


class WordBook:
    """All of these words, by account."""

    def __init__(self, rows: Iterable[ConsentWord]) -> None:
        own: defaultdict[str | None, list[OwnWord]] = defaultdict(list)
        for row in rows:
            own[row.account_id].append(_own(row))
        common = own.pop(None, [])
        self._common = tuple(common)
        self._own = {account: _over(words, common) for account, words in own.items()}

    def of(self, account_id: str) -> tuple[OwnWord, ...]:
        """The words beside the product's that hold for an account."""
        return self._own.get(account_id, self._common)


class TextBook:
    """All of these texts."""

    def __init__(self, rows: Iterable[ConsentText]) -> None:
        self._texts = {(row.account_id, row.brand_id, row.kind, row.language): row for row in rows}

    def find(self, account_id: str, brand_id: str | None, kind: Keyword, language: str) -> str:
        """The text for a keyword: the brand's, the account's or the operator's, each in the language (`pt-BR`, then
        `pt`) and then in any; empty when there is none."""
        found = self.row(account_id, brand_id, kind, language)
        return found.text if found else ""

    def row(self, account_id: str | None, brand_id: str | None, kind: Keyword, language: str) -> ConsentText | None:
        """The same as it is stored."""
        if not self._texts:
            return None
        owners = [(account_id, brand_id)] if brand_id else []
        for owner, brand in (*owners, (account_id, EVERY_BRAND), (None, EVERY_BRAND)):
            for tongue in (language, language.partition("-")[0], "*"):
                found = self._texts.get((owner, brand, kind, tongue))
                if found is not None:
                    return found
        return None


def _own(row: ConsentWord) -> OwnWord:
    return OwnWord(row.id, row.kind, row.language, row.level, row.plain, row.enabled, row.purpose, row.wording)


def _over(words: list[OwnWord], common: list[OwnWord]) -> tuple[OwnWord, ...]:
    """An account's words with those of the operator's that it has no row of its own for."""
    taken = {(word.level, word.plain) for word in words}
    return (*words, *(word for word in common if (word.level, word.plain) not in taken))
