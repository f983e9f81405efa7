"""A segment asked of one contact: the same answers as `audience_sql` gives for its row."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from whimbrel.domain.audience_terms import All, Ask, No, Operator, Some, Term
from whimbrel.domain.contacts import Contact, value_of


def matches(term: Term, contact: Contact) -> bool:
    """Whether the contact is in it."""
    if isinstance(term, All):
        return all(matches(part, contact) for part in term.parts)
    if isinstance(term, Some):
        return any(matches(part, contact) for part in term.parts)
    if isinstance(term, No):
        return not matches(term.part, contact)
    return _answer(term, contact)


def _answer(ask: Ask, contact: Contact) -> bool:
    value = value_of(contact, ask.column)
    return value is not None and _ANSWERS[ask.operator](value, ask.values)


_ANSWERS: Final[Mapping[Operator, Callable[[Any, tuple[Any, ...]], bool]]] = {
    "set": lambda _, __: True,
    "in": lambda value, wanted: value in wanted,
    "has": lambda value, wanted: wanted[0] in value,
    "begins": lambda value, wanted: value.startswith(wanted[0]),
    "eq": lambda value, wanted: value == wanted[0],
    "lt": lambda value, wanted: value < wanted[0],
    "le": lambda value, wanted: value <= wanted[0],
    "gt": lambda value, wanted: value > wanted[0],
    "ge": lambda value, wanted: value >= wanted[0],
}
