"""What a field of a closed set of words may be. Apart from `checks` because it looks into types, not at values."""

from typing import Any

from msgspec import inspect


def choice(kind: Any, pointer: str) -> str:
    """The words that the field at `pointer` of a value of `kind` may be; msgspec tells only which it may not."""
    found = [inspect.type_info(kind)]
    for step in pointer.split("/")[1:]:
        found = [inner for info in found for bare in _bare(info) for inner in _inside(bare, step)]
    literals = [bare for info in found for bare in _bare(info) if isinstance(bare, inspect.LiteralType)]
    words = [str(word) for literal in literals for word in literal.values]
    return f"must be {' or '.join(words)}"


def _bare(info: inspect.Type) -> list[inspect.Type]:
    if isinstance(info, inspect.Metadata):
        return _bare(info.type)
    if isinstance(info, inspect.UnionType):
        return [bare for each in info.types for bare in _bare(each)]
    return [info]


def _inside(info: inspect.Type, step: str) -> list[inspect.Type]:
    if isinstance(info, inspect.StructType):
        return [field.type for field in info.fields if field.encode_name == step]
    return [info.item_type] if isinstance(info, inspect.ListType | inspect.VarTupleType) else []
