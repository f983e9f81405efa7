"""Numbered migrations, what their state means, and which code may run on which schema. How they are applied is the
dialect's matter. Files are never changed after a release: each applied one is kept with its checksum, and a difference
stops the start.

Old and new nodes run on one database while an installation is upgraded, so each file says in lines of its own at its
head what it does to code that does not know it:

- `-- expand`: nothing. It adds tables, indexes, or columns that have a default or may be NULL.
- `-- contract 5`: code whose newest migration is older than the fifth does not run on it; without a number, no code
  that does not know it. A file that says neither is one of these.
- `-- optional`, with `-- expand`: code that knows it runs without it too, until it is applied.
- `-- concurrently`: nothing but CREATE or DROP INDEX CONCURRENTLY, which PostgreSQL runs outside of a transaction.

What a file says of older code is kept with its row in `schema_migrations`, so that such code can read it. Hence the
rule: code starts on a newer schema as long as all rows that it does not know allow it, and on an older one as long as
all migrations that are missing are optional.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from whimbrel.store.errors import SchemaError

Dialect = Literal["sqlite", "postgresql"]

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")
_WORD = re.compile(r"-- (expand|contract|optional|concurrently)(?: (\d+))?")


class Migration(msgspec.Struct, frozen=True, gc=False):
    """A migration of this version. `oldest`: the oldest schema whose code runs on it; 0: any."""

    number: int
    name: str
    sql: str
    checksum: str  # SHA-256 of the text, in hex
    oldest: int = 0
    optional: bool = False
    concurrent: bool = False


class Applied(msgspec.Struct, frozen=True, gc=False):
    """A migration that the database has. `oldest`: as the file said."""

    number: int
    name: str
    checksum: str
    applied_at: int  # microseconds, UTC
    oldest: int = 0


HALF_COPIED: Final = (
    "The database is half copied: run the same `whimbrel copy` again until it says that everything agrees, or empty it."
)


class SchemaStatus(msgspec.Struct, frozen=True, gc=False):
    """Where a database stands. `problem` says why it cannot be used or migrated; empty when there is none. `newer`:
    what a newer version applied, and this one runs on all the same."""

    applied: tuple[Applied, ...]
    pending: tuple[Migration, ...]
    problem: str = ""
    newer: tuple[Applied, ...] = ()

    @property
    def current(self) -> bool:
        return not self.pending and not self.problem

    @property
    def names(self) -> frozenset[str]:
        """Of the migrations that it has."""
        return frozenset(row.name for row in self.applied)

    @property
    def usable(self) -> bool:
        """Whether this version runs on it."""
        return not self.missing and not self.problem

    @property
    def half_copied(self) -> bool:
        """Whether a copy into it has not come to its end."""
        return self.problem == HALF_COPIED

    @property
    def missing(self) -> tuple[Migration, ...]:
        """What is pending and this version does not run without."""
        return tuple(migration for migration in self.pending if not migration.optional)


@lru_cache(maxsize=2)  # whoever opens a database asks several times
def load(dialect: Dialect) -> tuple[Migration, ...]:
    """The migrations of this version for a dialect, in order."""
    found = []
    for file in (files("whimbrel.store") / "migrations" / dialect).iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            found.append(parse(int(match[1]), match[2], file.read_text("utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.number))


def parse(number: int, name: str, sql: str) -> Migration:
    """A migration with what its head says. ValueError when that contradicts itself."""
    words = head(sql)
    if "expand" in words and "contract" in words:
        raise ValueError(f"migration {number}: it cannot both expand and contract")
    if "optional" in words and "expand" not in words:
        raise ValueError(f"migration {number}: code cannot do without what older code does not run on")
    return Migration(
        number,
        name,
        sql,
        hashlib.sha256(sql.encode()).hexdigest(),
        oldest=0 if "expand" in words else words.get("contract") or number,
        optional="optional" in words,
        concurrent="concurrently" in words,
    )


def head(sql: str) -> dict[str, int]:
    """The words in lines of their own before the first statement, each with its number (0: none)."""
    found: dict[str, int] = {}
    for line in sql.splitlines():
        if line and not line.startswith("--"):
            break
        if match := _WORD.fullmatch(line.rstrip()):
            found[match[1]] = int(match[2] or 0)
    return found


def compare(ours: Sequence[Migration], applied: Sequence[Applied], *, half_copied: bool = False) -> SchemaStatus:
    """What is pending, what is newer, and what is wrong: a database that this version must not run on, that was made
    otherwise, or whose data are not all there."""
    known = {migration.number: migration for migration in ours}
    newest = max(known, default=0)
    newer: list[Applied] = []
    problem = HALF_COPIED if half_copied else ""
    for row in applied:
        migration = known.get(row.number)
        if migration is None and newest < row.number and row.oldest <= newest:
            newer.append(row)
        elif not problem:
            problem = _problem(row, migration)
    have = {row.number for row in applied}
    pending = tuple(migration for migration in ours if migration.number not in have)
    return SchemaStatus(tuple(applied), pending, problem, tuple(newer))


def _problem(row: Applied, migration: Migration | None) -> str:
    if migration is None:
        return f"The database has migration {label(row)}, which this version does not know: use a newer version."
    if migration.checksum != row.checksum:
        return f"Migration {label(row)} is not the one that the database was made with: restore that file."
    return ""


def label(migration: Migration | Applied) -> str:
    """How people name it."""
    return f"{migration.number:04}_{migration.name}"


def require_usable(status: SchemaStatus) -> SchemaStatus:
    """The same; SchemaError, with what to do, unless this version runs on the database's schema."""
    if status.problem:
        raise SchemaError(status.problem)
    if status.missing:
        names = ", ".join(label(migration) for migration in status.pending)
        raise SchemaError(f"The database lacks migrations ({names}): run `whimbrel migrate apply`.")
    return status
