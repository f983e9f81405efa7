"""Every statement of the store by name, read from `sql/*.sql` and rewritten for a dialect.

A file holds blocks headed by `-- name: some_name`; what stands before the first block is commentary. Statements are
written with `$1` parameters and `= ANY($n)` for lists, as PostgreSQL has them. SQLite gets `?1`, and
`IN (SELECT value FROM json_each(?n))` with the list bound as JSON. What must differ stands in `sql/<dialect>/`.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)
_PARAMETER = re.compile(r"\$(\d+)")
_LIST = re.compile(r"= ANY\(\$(\d+)\)")
_VALUES = re.compile(r"VALUES \((\?\d+(?:,\s*\?\d+)*)\)")


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One statement, ready for its driver.

    `lists`: 0-based places of parameters that are lists. `width`: how many parameters stand in its one row of VALUES,
    when they are all that it has: such a statement takes many rows at a time (`of_rows`); otherwise 0."""

    name: str
    sql: str
    lists: tuple[int, ...] = ()
    width: int = 0

    def of_rows(self, count: int) -> str:
        """The statement for `count` rows of parameters, one after the other."""
        row = f"({', '.join('?' * self.width)})"
        return _VALUES.sub("VALUES " + ", ".join([row] * count), self.sql)


def parse(text: str) -> dict[str, str]:
    """The statements of one file by name. A name twice is a ValueError."""
    pieces = _NAME.split(text)[1:]
    found: dict[str, str] = {}
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        if name in found:
            raise ValueError(f"statement {name} stands twice")
        found[name] = body.strip().rstrip(";")
    return found


def sources(dialect: str) -> dict[str, str]:
    """All statements as written: those common to the dialects, then the dialect's own."""
    root = files("whimbrel.store") / "sql"
    found: dict[str, str] = {}
    for file in _sql_files(root) + _sql_files(root / dialect):
        for name, sql in parse(file.read_text("utf-8")).items():
            if name in found:
                raise ValueError(f"statement {name} stands twice")
            found[name] = sql
    return found


def for_sqlite() -> Mapping[str, Statement]:
    """All statements for SQLite."""
    return {name: _sqlite(name, sql) for name, sql in sources("sqlite").items()}


def _sql_files(folder: Traversable) -> list[Traversable]:
    return sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)


def _sqlite(name: str, sql: str) -> Statement:
    lists = sorted({int(number) - 1 for number in _LIST.findall(sql)})
    sql = _LIST.sub(r"IN (SELECT value FROM json_each(?\1))", sql)
    sql = _PARAMETER.sub(r"?\1", sql)
    return Statement(name, sql, tuple(lists), _width(sql))


def _width(sql: str) -> int:
    """0 unless the parameters are one row of VALUES, in order, and stand nowhere else."""
    rows = _VALUES.findall(sql)
    if len(rows) != 1:
        return 0
    places = re.findall(r"\?(\d+)", sql)
    in_order = [str(place + 1) for place in range(len(places))]
    return len(places) if places == in_order == re.findall(r"\d+", rows[0]) else 0
