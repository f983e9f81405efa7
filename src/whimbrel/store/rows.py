"""Structs of the model to rows and back. Columns stand in the order of the struct's fields; booleans are stored as 0
and 1, tuples as JSON text, everything else as it is.

Apart because the control plane (`manage`) and the snapshots (`journey/tables.py`) read the same tables; hot verbs
deal in columns and need none of this.
"""

from collections.abc import Callable
from typing import Any, TypeVar, get_origin, get_type_hints

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


def reader(kind: type[T]) -> Callable[..., T]:
    """What makes a `kind` of its columns: `fetch(reader(Key), "keys_all")`."""
    fixes = [
        (place, bool if hint is bool else _tuple_reader(hint))
        for place, hint in enumerate(get_type_hints(kind).values())
        if hint is bool or get_origin(hint) is tuple
    ]

    def read(*columns: Any) -> T:
        values = list(columns)
        for place, fix in fixes:
            values[place] = fix(values[place])
        return kind(*values)

    return read


def columns(value: msgspec.Struct) -> tuple[Any, ...]:
    """The columns of a struct, ready for an insert."""
    return tuple(column(field) for field in msgspec.structs.astuple(value))


def column(field: Any) -> Any:
    """One field as it is stored."""
    if isinstance(field, bool):
        return int(field)
    return msgspec.json.encode(field).decode() if isinstance(field, tuple) else field


def _tuple_reader(hint: Any) -> Callable[[str], Any]:
    return msgspec.json.Decoder(hint).decode
