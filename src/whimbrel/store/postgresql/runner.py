"""Runs one script on one connection, step by step. Each step is one round trip, however many rows it has."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from whimbrel.store.postgresql.connect import changed_rows
from whimbrel.store.postgresql.statements import Statement
from whimbrel.store.script import Each, Many, One, Query, Row, Rows, Script, Step, Where
from whimbrel.store.statements import narrowed

T = TypeVar("T")
Types = dict[str, tuple[str, ...]]
_LARGEST = 10_000  # rows of a step


class Runner:
    """A connection with the statements that scripts name. `types` holds what the server said of the parameters of each
    statement, and is shared by the runners of a process."""

    def __init__(self, connection: Any, statements: Mapping[str, Statement], types: Types) -> None:
        self.connection = connection
        self._statements = statements
        self._types = types
        self._columns: dict[str, str] = {}
        self._sums: dict[str, dict[Any, list[int]]] = {}  # by statement and key: not written yet
        self._has_nul = False

    async def run(self, script: Script[T]) -> T:
        """The script's result. An error of a step ends the script where it stands."""
        answer: Any = None
        try:
            while True:
                answer = await self._step(script.send(answer))
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            script.close()

    def begin(self, *, has_nul: bool = False) -> None:
        """A transaction begins: what an undone one would have added up is void. `has_nul`: texts are looked through for
        NUL, which PostgreSQL cannot hold, and get U+FFFD in its place."""
        self._sums = {}
        self._has_nul = has_nul

    async def settle(self) -> None:
        """Write what was added up: to be called before the commit."""
        sums, self._sums = self._sums, {}
        for name, by_key in sums.items():
            await self._write(self._statements[name], [(key, *sums) for key, sums in sorted(by_key.items())])

    def _add(self, statement: Statement, rows: Sequence[Row]) -> int:
        by_key = self._sums.setdefault(statement.name, {})
        for key, *amounts in rows:
            known = by_key.get(key)
            by_key[key] = amounts if known is None else [a + b for a, b in zip(known, amounts, strict=True)]
        return len(rows)

    async def _step(self, step: Step) -> Any:
        statement = self._statements[step.statement]
        if self._sums and statement.asks_sums:
            await self.settle()
        if self._has_nul:
            step = _without_nul(step)
        if isinstance(step, Query):
            return _tuples(await self.connection.fetch(statement.sql, *step.params))
        if isinstance(step, Many):
            return await self._many(statement, step.rows)
        if isinstance(step, Each):
            return await self._each(statement, step.rows)
        if isinstance(step, Where):
            sql = narrowed(statement.sql, step.condition.sql, "$", len(step.params) + 1)
            return _tuples(await self.connection.fetch(sql, *step.params, *step.condition.params))
        return changed_rows(await self.connection.execute(statement.sql, *step.params))

    async def _many(self, statement: Statement, rows: Sequence[Row]) -> int:
        return self._add(statement, rows) if statement.summed else await self._write(statement, rows)

    async def _write(self, statement: Statement, rows: Sequence[Row]) -> int:
        execute = self.connection.execute
        if not statement.many or len(rows) == 1:
            return sum([changed_rows(await execute(statement.sql, *row)) for row in rows])
        sql = await self._of_columns(statement)
        return sum([changed_rows(await execute(sql, *columns)) for columns in _cut(statement, rows)])

    async def _each(self, statement: Statement, rows: Sequence[Row]) -> Rows:
        fetch = self.connection.fetch
        if not statement.many or len(rows) == 1:
            return [row for given in rows for row in _tuples(await fetch(statement.sql, *given))]
        sql = await self._of_columns(statement)
        return [row for columns in _cut(statement, rows) for row in _tuples(await fetch(sql, *columns))]

    async def _of_columns(self, statement: Statement) -> str:
        sql = self._columns.get(statement.name)
        if sql is None:
            types = self._types.get(statement.name)
            if types is None:
                prepared = await self.connection.prepare(statement.sql)
                types = self._types[statement.name] = tuple(kind.name for kind in prepared.get_parameters())
            sql = self._columns[statement.name] = statement.of_columns(types)
        return sql


def _without_nul(step: Step) -> Step:
    if isinstance(step, Query | One | Where):
        return msgspec.structs.replace(step, params=_clean(step.params))
    return msgspec.structs.replace(step, rows=[_clean(row) for row in step.rows])


def _clean(row: Row) -> Row:
    return tuple([_cleaned(value) for value in row])


def _cleaned(value: Any) -> Any:
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _tuples(records: Sequence[Any]) -> Rows:
    return [tuple(record) for record in records]


def _cut(statement: Statement, rows: Sequence[Row]) -> list[list[Row]]:
    """The rows as lists of columns, so many rows each."""
    if statement.unique:
        rows = list({tuple([row[place] for place in statement.unique]): row for row in rows}.values())
    cut = [list(zip(*rows[start : start + _LARGEST], strict=True)) for start in range(0, len(rows), _LARGEST)]
    if statement.whole:
        for columns in cut:
            columns[statement.whole - 1 :] = [column[0] for column in columns[statement.whole - 1 :]]
    return cut
