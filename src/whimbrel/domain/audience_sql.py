"""A segment as a condition of SQL. Values are parameters, always; what stands in the text are names of columns, from a
closed list, and whole numbers.

A comparison with NULL is neither true nor false in SQL, and its opposite is neither as well. So each question says
first that there is a value: the condition is true or false, as it is for `audience_matching`.
"""

from typing import Final

import msgspec

from whimbrel.domain.audience_terms import All, Ask, No, Term, Value
from whimbrel.domain.contacts import NUMBERS, TEXTS

COLUMNS: Final = frozenset(
    {"number", "country", "language", "zone", "labels", "created_at", "updated_at", "name", "name_key", "also"}
    | {"last_sent_at", "last_received_at", "last_clicked_at", "opted_out_at"}
    | {f"t{place}" for place in range(1, TEXTS + 1)}
    | {f"n{place}" for place in range(1, NUMBERS + 1)}
)
_COMPARED: Final = {"eq": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ALWAYS: Final = frozenset({"number", "country", "labels", "created_at", "updated_at", "name", "name_key", "also"})
"""Columns that are never NULL."""


class Condition(msgspec.Struct, frozen=True, gc=False):
    """A condition with `?` for each of its parameters, in order."""

    sql: str
    params: tuple[Value, ...] = ()


def condition(term: Term) -> Condition:
    """The condition that rows of `contacts` meet. ValueError when a column is none of theirs."""
    params: list[Value] = []
    return Condition(_sql(term, params), tuple(params))


def _sql(term: Term, params: list[Value]) -> str:
    if isinstance(term, Ask):
        return _ask(term, params)
    if isinstance(term, No):
        return f"(NOT {_sql(term.part, params)})"
    parts = [_sql(part, params) for part in term.parts]
    if not parts:
        return "(1 = 1)" if isinstance(term, All) else "(1 = 0)"
    return f"({(' AND ' if isinstance(term, All) else ' OR ').join(parts)})"


def _ask(ask: Ask, params: list[Value]) -> str:
    column = ask.column
    if column not in COLUMNS:
        raise ValueError(f"{column} is no column that can be asked for")
    if ask.operator == "set":
        return f"({column} IS NOT NULL)"
    params += ask.values
    if ask.operator == "in":
        said = f"{column} IN ({', '.join('?' * len(ask.values))})" if ask.values else "(1 = 0)"
    elif ask.operator == "has":
        said = f"strpos({column}, ?) > 0"
    elif ask.operator == "begins":
        said = f"substr({column}, 1, {len(str(ask.values[0]))}) = ?"
    else:
        said = f"{column} {_COMPARED[ask.operator]} ?"
    return f"({said})" if column in _ALWAYS else f"({column} IS NOT NULL AND {said})"
