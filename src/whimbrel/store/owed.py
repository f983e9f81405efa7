"""How much customers' binds are owed. Apart from `interface`, because it is a question of the control plane and no verb
of the journey.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.store.interface import Store

COUNTED_MAX: Final = 100_000
"""Rows that are counted for one credential; more are shown as so many."""


class Waiting(msgspec.Struct, frozen=True):
    """What a credential is owed: how many rows (at most COUNTED_MAX), and when the oldest came (microseconds)."""

    credential_id: str
    count: int
    oldest_at: int | None


async def waiting(store: Store, credential_ids: Sequence[str]) -> dict[str, Waiting]:
    """How much each of these credentials is owed; those that there are."""
    found = await store.fetch(Waiting, "smpp_owed_counts", list(credential_ids), COUNTED_MAX)
    return {row.credential_id: row for row in found}
