"""How the type of a setting is read: what it takes, in words, and what is said about it."""

from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta


def expected(hint: Any) -> str:
    """What a setting takes, in words."""
    kind, low, high = bare(hint), meta(hint, "ge"), meta(hint, "le")
    if title := meta(hint, "title"):
        return str(title)
    if is_list(hint):
        return f"a list of {choices(get_args(kind)[0]) or 'strings'}"
    if kind is int:
        return f"an integer from {low} to {high}" if high is not None else f"an integer from {low}"
    if kind is bool:
        return "true or false"
    return choices(kind) or "a string"


def choices(hint: Any) -> str:
    """The words that it takes, where they are few."""
    return ", ".join(get_args(hint)) if get_origin(hint) is Literal else ""


def bare(hint: Any) -> Any:
    """The type without what is said about it."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def is_list(hint: Any) -> bool:
    """Whether it is a list."""
    return get_origin(bare(hint)) is tuple


def meta(hint: Any, name: str) -> Any:
    """What is said about it under this name; None where nothing is."""
    found = (getattr(part, name) for part in getattr(hint, "__metadata__", ()) if isinstance(part, Meta))
    return next((value for value in found if value is not None), None)


def of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Types of the fields of a section."""
    return get_type_hints(kind, include_extras=True)
