"""Runs one script on one connection, step by step.

Each call of SQLite lets go of the interpreter's lock and has to win it back from an event loop that is busy, which may
take milliseconds. So a step asks SQLite as seldom as it can: many rows in one statement, and the rows of hot reads as
one value.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import apsw
import msgspec
from apsw.ext import query_info

from whimbrel.store.script import Each, Many, Query, Row, Rows, Script, Step, Where
from whimbrel.store.statements import Statement, narrowed

T = TypeVar("T")
_LARGEST = 64  # rows of a step
_SIZES = (*range(2, 16), *range(16, _LARGEST + 1, 4))  # a statement is prepared once for each
_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder(list[tuple[Any, ...]]).decode


class Runner:
    """A connection with the statements that scripts name. Belongs to one thread."""

    def __init__(self, connection: apsw.Connection, statements: Mapping[str, Statement]) -> None:
        self.connection = connection
        self._statements = statements
        self._cursor = connection.cursor()
        self._long: dict[tuple[str, int], str] = {}  # by name and number of rows; 0: packed

    def run(self, script: Script[T]) -> T:
        """The script's result. An error of a step ends the script where it stands."""
        send = script.send
        step = self._step
        answer: Any = None
        try:
            while True:
                answer = step(send(answer))
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            script.close()

    def _step(self, step: Step) -> Any:
        statement = self._statements[step.statement]
        if isinstance(step, Query):
            return self._query(statement, _bound(statement, step.params))
        if isinstance(step, Many):
            return self._many(statement, step.rows)
        if isinstance(step, Each):
            return self._each(statement, step.rows)
        if isinstance(step, Where):
            return self._where(statement, step)
        self._cursor.execute(statement.sql, _bound(statement, step.params))
        return self.connection.changes()

    def _query(self, statement: Statement, params: Row) -> Rows:
        if not statement.packed:
            return self._cursor.execute(statement.sql, params).fetchall()
        key = (statement.name, 0)
        sql = self._long.get(key) or self._long.setdefault(key, self._packed(statement.sql))
        ((rows,),) = self._cursor.execute(sql, params)
        return _from_json(rows)

    def _where(self, statement: Statement, step: Where) -> Rows:
        sql = narrowed(statement.sql, step.condition.sql.replace("strpos(", "instr("), "?", len(step.params) + 1)
        params = (*_bound(statement, step.params), *step.condition.params)
        return self._cursor.execute(sql, params, can_cache=False).fetchall()

    def _packed(self, sql: str) -> str:
        """The statement with all its rows in one value. Its columns are named by number, since names may be twice."""
        described = query_info(self.connection, sql).description
        names = [f"c{place}" for place in range(len(described))]
        listed = ", ".join(names)
        return f"WITH found ({listed}) AS ({sql}) SELECT json_group_array(json_array({listed})) FROM found"

    def _many(self, statement: Statement, rows: Sequence[Row]) -> int:
        before = self.connection.total_changes()
        for _ in self._all_rows(statement, rows):
            pass
        return self.connection.total_changes() - before

    def _each(self, statement: Statement, rows: Sequence[Row]) -> Rows:
        return [row for rows_given in self._all_rows(statement, rows) for row in rows_given]

    def _all_rows(self, statement: Statement, rows: Sequence[Row]) -> Iterator[Rows]:
        """As many rows a step as the statement can take: 100 rows of an INSERT are two. The rows of a statement by key
        are filled up to the next size with keys of NULL, which find nothing: a step more costs more than they do."""
        start = 0
        while statement.many and len(rows) - start > 1:
            part = rows[start : start + _LARGEST]
            if statement.by_key:
                size = _SIZES[bisect_left(_SIZES, len(part))]
                nothing = (None,) * (statement.width * (size - len(part)))
            else:
                size = _SIZES[bisect_right(_SIZES, len(part)) - 1]
                part, nothing = part[:size], ()
            params = (*chain.from_iterable(part), *nothing)
            yield self._cursor.execute(self._of_rows(statement, size), params).fetchall()
            start += len(part)
        if start < len(rows):
            yield self._cursor.executemany(statement.sql, _all_bound(statement, rows[start:])).fetchall()

    def _of_rows(self, statement: Statement, count: int) -> str:
        key = (statement.name, count)
        sql = self._long.get(key)
        if sql is None:
            sql = self._long[key] = statement.of_rows(count)
        return sql


def _all_bound(statement: Statement, rows: Sequence[Row]) -> Iterable[Row]:
    return [_bound(statement, row) for row in rows] if statement.lists else rows


def _bound(statement: Statement, params: Row) -> Row:
    if not statement.lists:
        return params
    bound = list(params)
    for place in statement.lists:
        bound[place] = _to_json(bound[place]).decode()
    return tuple(bound)
