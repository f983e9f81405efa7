"""What a segment asks, as a tree over columns of the contact's row: made by `audience_binding`, turned into SQL by
`audience_sql`, asked of one contact by `audience_matching`. Every question has an answer, also of a row that holds
nothing there: then it is no.
"""

from typing import Literal, TypeAlias

import msgspec

Operator = Literal["eq", "lt", "le", "gt", "ge", "in", "has", "begins", "set"]
Value: TypeAlias = str | int | float
OPERATORS: tuple[Operator, ...] = ("eq", "lt", "le", "gt", "ge", "in", "has", "begins", "set")


class Ask(msgspec.Struct, frozen=True, gc=False, tag="ask"):
    """One question of one column. `values`: one, several of `in`, none of `set`."""

    column: str
    operator: Operator
    values: tuple[Value, ...] = ()


class All(msgspec.Struct, frozen=True, gc=False, tag="all"):
    """All of these; none is true."""

    parts: tuple["Term", ...]


class Some(msgspec.Struct, frozen=True, gc=False, tag="some"):
    """At least one of these; none is false."""

    parts: tuple["Term", ...]


class No(msgspec.Struct, frozen=True, gc=False, tag="no"):
    """The opposite."""

    part: "Term"


Term: TypeAlias = Ask | All | Some | No
EVERYBODY: Term = All(())
