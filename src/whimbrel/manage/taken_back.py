"""Whether a grant still counts: what somebody took back after he had given it does not come again by an old record, as
when a file is sent anew.
"""

from collections.abc import Sequence

import msgspec

from whimbrel.domain.consents import EVERY_PURPOSE, Consent
from whimbrel.manage.context import Context


class _RevokedAt(msgspec.Struct, frozen=True, gc=False):
    """Columns of `consents_revoked_at`."""

    number_hash: int
    purpose: str
    at: int


class TakenBack:
    """When purposes were last revoked, by number."""

    def __init__(self, rows: Sequence[_RevokedAt]) -> None:
        self._last = {(row.number_hash, row.purpose): row.at for row in rows}

    def add(self, row: Consent) -> None:
        """This record revokes."""
        key = (row.number_hash, row.purpose)
        self._last[key] = max(row.at, self._last.get(key, 0))

    def holds_against(self, row: Consent) -> bool:
        """Whether it is a grant that was taken back after it was given."""
        if row.action != "grant":
            return False
        return row.at < max(self._last.get((row.number_hash, each), 0) for each in (row.purpose, EVERY_PURPOSE))


async def taken_back_of(ctx: Context, account_id: str, rows: Sequence[Consent]) -> TakenBack:
    """For grants among these records."""
    hashes = list({row.number_hash for row in rows if row.action == "grant"})
    found = await ctx.store.fetch(_RevokedAt, "consents_revoked_at", account_id, hashes) if hashes else []
    return TakenBack(found)
