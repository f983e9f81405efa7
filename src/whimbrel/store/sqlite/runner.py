"""Runs one script on one connection, step by step."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import apsw
import msgspec

from whimbrel.store.script import Each, Many, Query, Row, Rows, Script, Step
from whimbrel.store.statements import Statement

T = TypeVar("T")
_to_json = msgspec.json.Encoder().encode


class Runner:
    """A connection with the statements that scripts name. Belongs to one thread."""

    def __init__(self, connection: apsw.Connection, statements: Mapping[str, Statement]) -> None:
        self.connection = connection
        self._statements = statements
        self._cursor = connection.cursor()

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
        self._cursor.executemany(statement.sql, _all_bound(statement, rows))
        return self.connection.total_changes() - before

    def _each(self, statement: Statement, rows: Sequence[Row]) -> Rows:
        return self._cursor.executemany(statement.sql, _all_bound(statement, rows)).fetchall()


def _all_bound(statement: Statement, rows: Sequence[Row]) -> Iterable[Row]:
    return [_bound(statement, row) for row in rows] if statement.lists else rows


def _bound(statement: Statement, params: Row) -> Row:
    if not statement.lists:
        return params
    bound = list(params)
    for place in statement.lists:
        bound[place] = _to_json(bound[place]).decode()
    return tuple(bound)
