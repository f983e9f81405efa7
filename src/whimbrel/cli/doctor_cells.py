"""What `whimbrel doctor` says of the other cells: whether each database can be reached from here, stands where this
version runs on it, and was sealed with this node's master key.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag

from whimbrel import config, master_key
from whimbrel.base.clock import SystemChance
from whimbrel.base.vault import Seal, Vault
from whimbrel.cli import database
from whimbrel.cli.finding import Finding
from whimbrel.store.errors import SchemaError, StoreError
from whimbrel.store.migrations import require_usable

_SEALED = "SELECT id, auth_token FROM accounts ORDER BY id LIMIT 1"


def look(settings: config.Settings) -> Iterator[Finding]:
    """Each cell but the node's own, which is looked at as the store."""
    for name, section in settings.cells.items():
        if name != settings.cell:
            yield _cell(f"cell {name}", msgspec.structs.replace(settings, database=section.database))


def _cell(subject: str, settings: config.Settings) -> Finding:
    try:
        require_usable(database.status(settings))
        sealed = database.rows(settings, _SEALED)
    except SchemaError as error:
        return Finding(subject, "error", str(error), "this node does not serve its accounts until then")
    except StoreError as error:
        return Finding(subject, "error", str(error), "its accounts are told to come back; check address and firewall")
    if not all(_opens(settings, *row) for row in sealed):
        advice = "give all nodes of all cells the same master key (docs/cells.md)"
        return Finding(subject, "error", "was sealed with another master key", advice)
    return Finding(subject, "ok", f"{database.shown(settings)} can be reached")


def _opens(settings: config.Settings, account_id: str, sealed: bytes) -> bool:
    try:
        vault = Vault(master_key.load(Path(settings.server.data), os.environ), SystemChance())
        vault.open(sealed, Seal.of(Seal.ACCOUNT_TOKEN, account_id))
    except InvalidTag:
        return False
    except config.ConfigError:  # which is told of itself
        return True
    return True
