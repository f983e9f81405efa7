"""What the snapshots hold of short links: what accounts want of them, and whose a host is."""

from collections.abc import Mapping

import msgspec

from whimbrel.domain.links import LinkSettings
from whimbrel.store.interface import Store


class _Row(msgspec.Struct, frozen=True, gc=False):
    """Columns of `link_settings_all`."""

    account_id: str
    host: str | None
    document: str


class LinkTables:
    """The settings of one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.settings: Mapping[str, LinkSettings] = {}
        """By account id."""
        self.hosts: Mapping[str, str] = {}
        """Ids of accounts by the host of their links."""

    async def load(self) -> None:
        """Read everything anew."""
        rows = await self._store.fetch(_Row, "link_settings_all")
        self.settings = {row.account_id: msgspec.json.decode(row.document, type=LinkSettings) for row in rows}
        self.hosts = {row.host: row.account_id for row in rows if row.host is not None}
