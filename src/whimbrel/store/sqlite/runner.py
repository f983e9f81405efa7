"""Runs one script on one connection, step by step."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import apsw
import msgspec

from whimbrel.store.script import Each, Many, Query, Row, Rows, Script, Step
from whimbrel.store.statements import Statement

T = TypeVar("T")
_CHUNKS = (64, 16, 4)  # a statement is prepared once for each; 100 rows are 4 steps
_to_json = msgspec.json.Encoder().encode


class Runner:
    """A connection with the statements that scripts name. Belongs to one thread."""

    def __init__(self, connection: apsw.Connection, statements: Mapping[str, Statement]) -> None:
        self.connection = connection
        self._statements = statements
        self._cursor = connection.cursor()
        self._long: dict[tuple[str, int], str] = {}

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
            return self._cursor.execute(statement.sql, _bound(statement, step.params)).fetchall()
        if isinstance(step, Many):
            return self._many(statement, step.rows)
        if isinstance(step, Each):
            return self._each(statement, step.rows)
        self._cursor.execute(statement.sql, _bound(statement, step.params))
        return self.connection.changes()

    def _many(self, statement: Statement, rows: Sequence[Row]) -> int:
        before = self.connection.total_changes()
        for _ in self._all_rows(statement, rows):
            pass
        return self.connection.total_changes() - before

    def _each(self, statement: Statement, rows: Sequence[Row]) -> Rows:
        return [row for rows_given in self._all_rows(statement, rows) for row in rows_given]

    def _all_rows(self, statement: Statement, rows: Sequence[Row]) -> Iterator[Rows]:
        """Many rows a step where the statement can take them: the interpreter's lock is let go at each step, and has to
        be won back from a busy event loop."""
        start = 0
        if statement.width:
            for size in _CHUNKS:
                while len(rows) - start >= size:
                    params = tuple(chain.from_iterable(rows[start : start + size]))
                    yield self._cursor.execute(self._of_rows(statement, size), params).fetchall()
                    start += size
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
