"""Every statement of the store by name, read from `sql/*.sql` and rewritten for a dialect.

A file holds blocks headed by `-- name: some_name`; what stands before the first block is commentary. Statements are
written with `$1` parameters and `= ANY($n)` for lists, as PostgreSQL has them. SQLite gets `?1`, and
`IN (SELECT value FROM json_each(?n))` with the list bound as JSON. What must differ stands in `sql/<dialect>/`.

`/* by some_index */` after a table names the index that SQLite shall read it by. It keeps no figures of its own, and
takes an index of the account for one that finds ten rows, and a list for 25 values: a million contacts were read to
find two. PostgreSQL counts, and reads a comment.

A name may be followed by a word that lets an executor do more in one step:

- `(distinct)`: an UPDATE or DELETE by key, only ever called with rows of distinct keys; many go in one statement.
- `(summed)`: the same of an UPDATE that adds its other parameters to columns, and whose result nobody reads: rows of
  one key are added up over all scripts of a commit and written at its end, in the order of the keys (PostgreSQL: such
  rows are locked last, for the shortest time, and by everybody in the same order).
- `(packed)`: a hot read without octets; its rows come as one JSON array (SQLite).
- `(distinct, whole 3 4)`: parameters, the last ones, that are the same in all rows of a step: PostgreSQL then knows
  before it begins which partitions it needs.
- `(both ways)`: a page of a list, newest first; the same from the other end stands under its name and `_oldest`.
- `(locks a, m)`: a read whose rows the same script is about to write: PostgreSQL locks those of the tables (or aliases)
  named, in the order in which they are read; SQLite has one writer and needs none.
- `(since remarks)`: stands in place of the statement of that name before it, where the database has the migration
  `remarks`. So code uses what an optional migration brings, and does without it until that is applied; a node chooses
  when it starts.

An INSERT of one row of VALUES takes many rows as it is. A read that says `(1 = 1)` takes a condition there (`Where` of
`script.py`).
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import count
from typing import Final, Literal, cast

import msgspec

Manner = Literal["", "distinct", "summed", "packed"]

_NAME = re.compile(r"^-- name: (\w+)(?: \((.+)\))?\s*$", re.MULTILINE)
_ANY_ROW: Final = "(1 = 1)"
_MARK: Final = re.compile(r"\?")
_BOTH_WAYS: Final = "both ways"
_NEWEST = re.compile(r"ORDER BY ([\w.]+) DESC")
_MANNER = re.compile(r"(distinct|summed|packed)?(?:, whole ([\d ]+))?(?:(?:^|, )locks ([\w, ]+))?")
_SINCE = re.compile(r"(?:(.*), |^)since (\w+)$")
_PARAMETER = re.compile(r"\$(\d+)")
_LIST = re.compile(r"= ANY\(\$(\d+)\)")
_FROM_DAY = re.compile(r"from_day\(\$(\d+)\)")
_BY = re.compile(r"/\* by (\w+) \*/")
_HORIZON = "event_horizon()"
_NO_HORIZON = "9223372036854775807"  # one writer: what is seen is followed by nothing older
_BOUND = re.compile(r"\?(\d+)")
_VALUES = re.compile(r"VALUES \((\?\d+(?:,\s*\?\d+)*)\)")
_UPDATE = re.compile(r"(UPDATE \w+ SET .+?)\s+(WHERE .+)", re.DOTALL)
_DELETE = re.compile(r"(DELETE FROM \w+) WHERE (\w+ = \?\d+(?:\s+AND \w+ = \?\d+)*)")


class Source(msgspec.Struct, frozen=True, gc=False):
    """A statement as it is written."""

    sql: str
    manner: Manner = ""
    locks: str = ""
    since: tuple[tuple[str, "Source"], ...] = ()  # what stands in its place, by migration, the newest last
    whole: tuple[int, ...] = ()

    def on(self, migrations: Collection[str] | None) -> "Source":
        """The one for a database that has these migrations; None: all."""
        fitting = [each for name, each in self.since if migrations is None or name in migrations]
        return fitting[-1] if fitting else self


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One statement, ready for its driver.

    `lists`: 0-based places of parameters that are lists. `many`: the same for many rows of parameters, with `{rows}`
    where they go, and `width`, the number of parameters of a row; empty when it takes one row only. `by_key`: a row of
    NULL finds nothing and changes nothing."""

    name: str
    sql: str
    lists: tuple[int, ...] = ()
    packed: bool = False
    many: str = ""
    width: int = 0
    by_key: bool = False

    def of_rows(self, count: int) -> str:
        """The statement for `count` rows of parameters, one after the other."""
        row = f"({', '.join('?' * self.width)})"
        return self.many.replace("{rows}", ", ".join([row] * count))


def parse(text: str) -> dict[str, Source]:
    """The statements of one file by name. A name twice is a ValueError."""
    pieces = _NAME.split(text)[1:]
    found: dict[str, Source] = {}
    for name, manner, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        match = _SINCE.match(manner or "")
        source = _source(name, (match[1] or "") if match else manner or "", body)
        if match and name in found:
            source = msgspec.structs.replace(found[name], since=(*found[name].since, (match[2], source)))
        elif name in found:
            raise ValueError(f"statement {name} stands twice")
        elif match:
            raise ValueError(f"statement {name}: what it stands in place of comes first")
        found[name] = source
        if manner == _BOTH_WAYS:
            found[f"{name}_oldest"] = _oldest(name, source)
    return found


def _oldest(name: str, source: Source) -> Source:
    """A page from the other end: what comes before a place there comes after it here. Where a statement has a bound at
    either end, only the order turns."""
    columns = _NEWEST.findall(source.sql)
    if len(columns) != 1:
        raise ValueError(f"statement {name} has no one order to turn")
    sql = _NEWEST.sub(r"ORDER BY \1", source.sql)
    if f"{columns[0]} >= $" not in sql:
        sql = sql.replace(f"{columns[0]} < $", f"{columns[0]} > $")
    return msgspec.structs.replace(source, sql=sql)


def _source(name: str, words: str, body: str) -> Source:
    match = _MANNER.fullmatch("" if words == _BOTH_WAYS else words)
    if match is None:
        raise ValueError(f"statement {name}: ({words}) means nothing")
    whole = tuple(int(number) for number in (match[2] or "").split())
    return Source(body.strip().rstrip(";"), cast("Manner", match[1] or ""), match[3] or "", whole=whole)


def sources(dialect: str, migrations: Collection[str] | None = None) -> dict[str, Source]:
    """All statements as written, for a database with these migrations (None: all): those common to the dialects, then
    the dialect's own."""
    root = files("whimbrel.store") / "sql"
    found: dict[str, Source] = {}
    for file in _sql_files(root) + _sql_files(root / dialect):
        for name, source in parse(file.read_text("utf-8")).items():
            if name in found:
                raise ValueError(f"statement {name} stands twice")
            found[name] = source.on(migrations)
    return found


@lru_cache(maxsize=2)  # to read and rewrite them all takes half of a start
def for_sqlite(migrations: frozenset[str] | None = None) -> Mapping[str, Statement]:
    """All statements for SQLite, for a database with these migrations; None: all."""
    return {name: sqlite(name, source) for name, source in sources("sqlite", migrations).items()}


def sqlite(name: str, source: Source) -> Statement:
    """One statement for SQLite. ValueError when it is not of the form that its manner asks for."""
    lists = sorted({int(number) - 1 for number in _LIST.findall(source.sql)})
    sql = _LIST.sub(r"IN (SELECT value FROM json_each(?\1))", source.sql)
    sql = _FROM_DAY.sub(r"MIN($\1, 0)", sql).replace(_HORIZON, _NO_HORIZON)
    sql = _BY.sub(r"INDEXED BY \1", _PARAMETER.sub(r"?\1", sql))
    by_key = source.manner in ("distinct", "summed")
    many = _distinct(name, sql) if by_key else _inserted(sql)
    width = len(set(_BOUND.findall(sql))) if many else 0
    return Statement(name, sql, tuple(lists), source.manner == "packed", many, width, by_key)


def narrowed(sql: str, condition: str, sign: str, first: int) -> str:
    """A statement with a condition in the place that it has for one. `sign` stands before numbers of parameters, of
    which the condition's begin at `first`. ValueError where the statement takes none."""
    if sql.count(_ANY_ROW) != 1:
        raise ValueError("the statement takes no condition")
    numbers = count(first)
    return sql.replace(_ANY_ROW, _MARK.sub(lambda _: f"{sign}{next(numbers)}", condition))


def _sql_files(folder: Traversable) -> list[Traversable]:
    return sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)


def _inserted(sql: str) -> str:
    """Empty unless the parameters are one row of VALUES, in order, and stand nowhere else."""
    rows = _VALUES.findall(sql)
    places = _BOUND.findall(sql)
    if len(rows) != 1 or places != _BOUND.findall(rows[0]) or places != _counted(len(places)):
        return ""
    return _VALUES.sub("VALUES {rows}", sql)


def _distinct(name: str, sql: str) -> str:
    """A subquery of VALUES names its columns column1, column2, … in both dialects."""
    update, delete = _UPDATE.fullmatch(sql), _DELETE.fullmatch(sql)
    if update:
        change, where = (_BOUND.sub(r"v.column\1", part) for part in update.groups())
        return f"{change} FROM (VALUES {{rows}}) AS v {where}"
    if delete:
        pairs = [pair.split(" = ") for pair in re.split(r"\s+AND ", delete[2])]
        if [place for _, place in pairs] == [f"?{number}" for number in _counted(len(pairs))]:
            return f"{delete[1]} WHERE ({', '.join(column for column, _ in pairs)}) IN (VALUES {{rows}})"
    raise ValueError(f"statement {name} is not by key: it cannot be (distinct)")


def _counted(length: int) -> list[str]:
    return [str(number) for number in range(1, length + 1)]
