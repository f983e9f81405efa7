"""From rows to structs. A database has neither booleans nor tuples: booleans come as 0 or 1, tuples as JSON arrays;
which columns of a struct are such is read from its annotations, once.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeVar, get_origin, get_type_hints

import msgspec

from whimbrel.domain.model import Event, Message
from whimbrel.store.interface import Waiting
from whimbrel.store.script import Row, Rows

T = TypeVar("T")
_decode_json = msgspec.json.decode


def builder(row_type: Callable[..., T]) -> Callable[[Rows], list[T]]:
    """How rows become `row_type(*columns)`."""
    places = _places(row_type)
    if not places:
        return lambda rows: [row_type(*row) for row in rows]
    return lambda rows: [row_type(*_converted(row, places)) for row in rows]


def to_columns(value: msgspec.Struct) -> Row:
    """The way back: a struct as parameters, in the order of its fields, tuples as JSON arrays."""
    return tuple(
        msgspec.json.encode(column).decode() if isinstance(column, tuple) else column
        for column in msgspec.structs.astuple(value)
    )


def messages(rows: Iterable[Row]) -> list[Message]:
    """Whole rows of the messages table."""
    return [Message(row[0], row[1], row[2] == 1, *row[3:]) for row in rows]


def waiting(rows: Iterable[Row]) -> list[Waiting]:
    """Rows of `queue_head`."""
    return [Waiting(row[0], row[1], row[2] == 1, *row[3:]) for row in rows]


def events(rows: Iterable[Row]) -> list[Event]:
    """Whole rows of the event log."""
    return [Event(p, a, t == 1, s, n, kind, d, c == 1, at) for p, a, t, s, n, kind, d, c, at in rows]


@lru_cache
def _places(row_type: Callable[..., Any]) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    fields: tuple[str, ...] = getattr(row_type, "__struct_fields__", ())
    if not fields:
        return ()
    hints = get_type_hints(row_type)
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, name in enumerate(fields):
        if hints[name] is bool:
            found.append((place, bool))
        elif get_origin(hints[name]) is tuple:
            found.append((place, _tuple))
    return tuple(found)


def _tuple(text: str) -> tuple[Any, ...]:
    return tuple(_decode_json(text))


def _converted(row: Row, places: tuple[tuple[int, Callable[[Any], Any]], ...]) -> list[Any]:
    columns = list(row)
    for place, convert in places:
        columns[place] = convert(columns[place])
    return columns
