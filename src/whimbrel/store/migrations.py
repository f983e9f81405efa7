"""Numbered migrations and what their state means. Files are never changed after a release: each applied one is kept
with its checksum, and a difference stops the start. How they are applied is the dialect's matter.
"""

import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal

import msgspec

from whimbrel.store.errors import SchemaError

Dialect = Literal["sqlite", "postgresql"]

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")


class Migration(msgspec.Struct, frozen=True, gc=False):
    """A migration of this version."""

    number: int
    name: str
    sql: str
    checksum: str  # SHA-256 of the text, in hex


class Applied(msgspec.Struct, frozen=True, gc=False):
    """A migration that the database has."""

    number: int
    name: str
    checksum: str
    applied_at: int  # microseconds, UTC


class SchemaStatus(msgspec.Struct, frozen=True, gc=False):
    """Where a database stands. `problem` says why it cannot be used or migrated; empty when there is none."""

    applied: tuple[Applied, ...]
    pending: tuple[Migration, ...]
    problem: str = ""

    @property
    def current(self) -> bool:
        return not self.pending and not self.problem


def load(dialect: Dialect) -> tuple[Migration, ...]:
    """The migrations of this version for a dialect, in order."""
    found = []
    for file in (files("whimbrel.store") / "migrations" / dialect).iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            sql = file.read_text("utf-8")
            found.append(Migration(int(match[1]), match[2], sql, hashlib.sha256(sql.encode()).hexdigest()))
    return tuple(sorted(found, key=lambda migration: migration.number))


def compare(ours: Sequence[Migration], applied: Sequence[Applied]) -> SchemaStatus:
    """What is pending, and what is wrong: a database that is newer than this version, or that was made otherwise."""
    known = {migration.number: migration for migration in ours}
    problem = ""
    for row in applied:
        migration = known.get(row.number)
        if migration is None:
            problem = f"The database has migration {label(row)}, which this version does not know: use a newer version."
            break
        if migration.checksum != row.checksum:
            problem = f"Migration {label(row)} is not the one that the database was made with: restore that file."
            break
    have = {row.number for row in applied}
    pending = tuple(migration for migration in ours if migration.number not in have)
    return SchemaStatus(tuple(applied), pending, problem)


def label(migration: Migration | Applied) -> str:
    """How people name it."""
    return f"{migration.number:04}_{migration.name}"


def require_current(status: SchemaStatus) -> None:
    """SchemaError, with what to do, unless the database has exactly this version's schema."""
    if status.problem:
        raise SchemaError(status.problem)
    if status.pending:
        names = ", ".join(label(migration) for migration in status.pending)
        raise SchemaError(f"The database lacks migrations ({names}): run `whimbrel migrate apply`.")
