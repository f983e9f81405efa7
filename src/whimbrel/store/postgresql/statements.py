"""The statements of `sql/` as PostgreSQL runs them. Written for it already, they are taken as they are; what takes many
rows of parameters takes them as columns, by `unnest`, so that a list of any length is one prepared statement.
"""

import re
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache

import msgspec

from whimbrel.store.statements import Source, sources

_PARAMETER = re.compile(r"\$(\d+)")
_VALUES = re.compile(r"VALUES \((\$\d+(?:,\s*\$\d+)*)\)")
_INSERT = re.compile(r"INSERT INTO (\w+) \(([^)]+)\)")
_CONFLICT = re.compile(r"ON CONFLICT \(([^)]+)\) DO UPDATE")
_FROM_DAY = re.compile(r"from_day\((\$\d+)\)")
_TABLE = re.compile(r"UPDATE (\w+)")
_UPDATE = re.compile(r"(UPDATE \w+ SET .+?)\s+(WHERE .+)", re.DOTALL)
_DELETE = re.compile(r"(DELETE FROM \w+) (WHERE .+)", re.DOTALL)


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One statement.

    `many`: the same for many rows of parameters, with `{columns}` where the arrays go; empty when it takes one row
    only. `width`: the number of parameters of a row; of these the last ones from `whole` on (1-based; 0: none) are the
    same in all rows. `unique`: 0-based places of the parameters of which no two rows
    may agree (the last one counts), as an upsert asks for it. `summed`: rows are added up by their first parameter and
    written at the end of the commit; `asks_sums`: what was added up so far has to be written before it."""

    name: str
    sql: str
    many: str = ""
    width: int = 0
    unique: tuple[int, ...] = ()
    summed: bool = False
    asks_sums: bool = False
    whole: int = 0

    def of_columns(self, types: Sequence[str]) -> str:
        """The statement for columns of these types."""
        rows = types[: self.whole - 1] if self.whole else types
        return self.many.replace("{columns}", ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(rows, 1)))


@lru_cache(maxsize=2)  # to read and rewrite them all takes a quarter of a start
def for_postgresql(migrations: frozenset[str] | None = None) -> Mapping[str, Statement]:
    """All statements for PostgreSQL, for a database with these migrations; None: all."""
    found = {name: postgresql(name, source) for name, source in sources("postgresql", migrations).items()}
    summed = {_TABLE.findall(statement.sql)[0] for statement in found.values() if statement.summed}
    return {name: _asking(statement, summed) for name, statement in found.items()}


def _asking(statement: Statement, summed: Set[str]) -> Statement:
    if statement.summed or summed.isdisjoint(re.findall(r"\w+", statement.sql)):
        return statement
    return msgspec.structs.replace(statement, asks_sums=True)


def postgresql(name: str, source: Source) -> Statement:
    """One statement for PostgreSQL. ValueError when it is not of the form that its manner asks for."""
    sql = _FROM_DAY.sub(r"\1", source.sql)
    if source.locks:
        sql += f"\nFOR UPDATE OF {source.locks}"
    width = len(set(_PARAMETER.findall(sql)))
    if source.manner in ("distinct", "summed"):
        whole = min(source.whole, default=0)
        many = _distinct(name, sql, whole - 1 if whole else width)
        return Statement(name, sql, many, width, summed=source.manner == "summed", whole=whole)
    many = _inserted(sql)
    return Statement(name, sql, many, width if many else 0, _unique(sql) if many else ())


def _inserted(sql: str) -> str:
    """Empty unless the parameters are one row of VALUES, in order, and stand nowhere else."""
    rows = _VALUES.findall(sql)
    places = _PARAMETER.findall(sql)
    if len(rows) != 1 or places != _PARAMETER.findall(rows[0]) or places != _counted(len(places)):
        return ""
    return _VALUES.sub("SELECT * FROM unnest({columns})", sql)


def _unique(sql: str) -> tuple[int, ...]:
    insert, conflict = _INSERT.match(sql), _CONFLICT.search(sql)
    if insert is None or conflict is None:
        return ()
    columns = [column.strip() for column in insert[2].split(",")]
    return tuple(columns.index(column.strip()) for column in conflict[1].split(","))


def _distinct(name: str, sql: str, width: int) -> str:
    """The first `width` parameters come as columns."""
    rows = f"unnest({{columns}}) AS v ({', '.join(f'column{n}' for n in _counted(width))})"
    for pattern, joint in ((_UPDATE, "FROM"), (_DELETE, "USING")):
        if match := pattern.fullmatch(sql):
            head, where = (_PARAMETER.sub(lambda place: _column(place[1], width), part) for part in match.groups())
            return f"{head} {joint} {rows} {where}"
    raise ValueError(f"statement {name} is neither an UPDATE nor a DELETE: it cannot be (distinct)")


def _column(number: str, width: int) -> str:
    return f"v.column{number}" if int(number) <= width else f"${number}"


def _counted(length: int) -> list[str]:
    return [str(number) for number in range(1, length + 1)]
