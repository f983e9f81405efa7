"""Names that nobody should send by: words that say nothing, and what looks like somebody else's name. Two names look
alike when their shapes are equal; the words, the names and the shapes are the table `sender_data/sender_names.toml`.
"""

import datetime
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

_DATA: Final = files(__package__) / "sender_data"
_SEPARATORS: Final = str.maketrans("", "", " .&_-")


class NameProblem(msgspec.Struct, frozen=True):
    """Why a name is refused, and what it is taken for."""

    kind: Literal["generic", "protected", "confusable"]
    like: str
    detail: str


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    words: tuple[str, ...]
    countries: tuple[str, ...] = ()
    source: str
    as_of: datetime.date
    confidence: str


class _Protected(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    names: tuple[str, ...]
    source: str
    as_of: datetime.date
    confidence: str


class _Affixes(msgspec.Struct, frozen=True):
    words: tuple[str, ...]


class _Table(msgspec.Struct, frozen=True):
    generic: tuple[_Words, ...]
    protected: tuple[_Protected, ...]
    affixes: _Affixes
    shapes: dict[str, str]


@lru_cache(maxsize=1)
def _table() -> _Table:
    return msgspec.toml.decode((_DATA / "sender_names.toml").read_bytes(), type=_Table)


@lru_cache(maxsize=1)
def _shapes() -> dict[int, str]:
    return str.maketrans(_table().shapes)


def plain(name: str) -> str:
    """A name without what is not looked at: capitals and separators."""
    return name.translate(_SEPARATORS).casefold()


def shape(name: str) -> str:
    """What a name looks like. Equal shapes are read as the same name."""
    return plain(name).translate(_shapes())


@lru_cache(maxsize=1)
def _generic() -> Mapping[str, frozenset[str]]:
    """Countries that block a word, by its shape; none: all of them."""
    return {shape(word): frozenset(row.countries) for row in _table().generic for word in row.words}


@lru_cache(maxsize=1)
def _protected() -> Mapping[str, str]:
    return {shape(name): name for row in _table().protected for name in row.names}


@lru_cache(maxsize=1)
def _affixes() -> tuple[str, ...]:
    return tuple(sorted(map(shape, _table().affixes.words), key=len, reverse=True))


def generic_word(name: str, country: str = "") -> bool:
    """Whether it is a word that networks of this country block; without one, that everybody blocks."""
    countries = _generic().get(shape(name))
    return countries is not None and (not countries or country in countries)


def name_problem(name: str, registered: Iterable[str] = (), others: Iterable[str] = ()) -> NameProblem | None:
    """Why nobody may send by this name without the operator's word. `registered`: names that other accounts have
    proven to be theirs; nobody else uses them, nor what looks like them. `others`: names of other accounts; the same
    name may be used by several, what only looks like it may not."""
    if generic_word(name):
        return NameProblem("generic", name, f"{name!r} says nothing about who sends.")
    seen = shape(name)
    known = _protected().get(seen) or _protected().get(_without_affix(seen))
    if known is not None:
        return NameProblem("protected", known, f"{name!r} reads as {known!r}, whose owner has to be shown.")
    for owned in registered:
        if shape(owned) == seen:
            return NameProblem("confusable", owned, f"{name!r} reads as a name that another account has registered.")
    for other in others:
        if shape(other) == seen and plain(other) != plain(name):
            return NameProblem("confusable", other, f"{name!r} reads as a name of another account.")
    return None


def _without_affix(seen: str) -> str:
    for affix in _affixes():
        if seen.endswith(affix) and len(seen) - len(affix) > 1:
            return seen.removesuffix(affix)
        if seen.startswith(affix) and len(seen) - len(affix) > 1:
            return seen.removeprefix(affix)
    return seen
