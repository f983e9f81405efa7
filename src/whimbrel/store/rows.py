"""Structs of the model to rows and back. Columns stand in the order of the struct's fields; booleans are stored as 0
and 1, tuples as JSON text, everything else as it is; what a column is, is read from the struct's annotations, once.

Apart because the control plane (`manage`), the snapshots (`journey/tables.py`) and the reads of the journey make
structs of the same tables. The structs that travel by the hundred have makers of their own.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeVar, get_origin, get_type_hints

import msgspec

from whimbrel.domain.model import Event, Message
from whimbrel.store.interface import Waiting
from whimbrel.store.script import Row, Rows

T = TypeVar("T")
Fixes = tuple[tuple[int, Callable[[Any], Any]], ...]


def builder(row_type: Callable[..., T]) -> Callable[[Rows], list[T]]:
    """How rows become `row_type(*columns)`; the columns of a struct are converted to what its annotations say."""
    make = _reader(row_type)
    return lambda rows: [make(*row) for row in rows]


def _reader(kind: Callable[..., T]) -> Callable[..., T]:
    """What makes a `kind` of its columns."""
    fixes = _fixes(kind)
    if not fixes:
        return kind

    def read(*columns: Any) -> T:
        values = list(columns)
        for place, fix in fixes:
            values[place] = fix(values[place])
        return kind(*values)

    return read


def to_columns(value: msgspec.Struct) -> tuple[Any, ...]:
    """The columns of a struct, ready for an insert."""
    return tuple(_column(field) for field in msgspec.structs.astuple(value))


def _column(field: Any) -> Any:
    """One field as it is stored."""
    if isinstance(field, bool):
        return int(field)
    return msgspec.json.encode(field).decode() if isinstance(field, tuple) else field


def messages(rows: Iterable[Row]) -> list[Message]:
    """Whole rows of the messages table."""
    return [Message(row[0], row[1], row[2] == 1, *row[3:]) for row in rows]


def waiting(rows: Iterable[Row]) -> list[Waiting]:
    """Rows of `queue_head`."""
    return [Waiting(*row) for row in rows]


def events(rows: Iterable[Row]) -> list[Event]:
    """Whole rows of the event log."""
    return [Event(p, a, t == 1, s, n, kind, d, c == 1, at) for p, a, t, s, n, kind, d, c, at in rows]


@lru_cache
def _fixes(kind: Callable[..., Any]) -> Fixes:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return ()
    hints = get_type_hints(kind)
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, name in enumerate(kind.__struct_fields__):
        if hints[name] is bool:
            found.append((place, bool))
        elif get_origin(hints[name]) is tuple:
            found.append((place, msgspec.json.Decoder(hints[name]).decode))
    return tuple(found)
