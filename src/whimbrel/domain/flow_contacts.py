"""Whether a flow's document asks for the contact as it is now, and for which people: only then are they read at each
turn.
"""

import re
from collections.abc import Iterator
from typing import Final

from whimbrel.domain.flow_documents import (
    Branch,
    Conversation,
    Document,
    Request,
    Send,
    Set,
    Step,
    Wait,
    WaitForAnswer,
)
from whimbrel.domain.flow_expressions import holes

_NAMED: Final = re.compile(r"(?<![.\w'])contact\b|@").search
"""In an expression: the name where it may be the variable (and no member, as in `trigger.contact`, and no text), or all
that there is."""


def names_contact(document: Document) -> bool:
    """Rather too often than too seldom."""
    return any(_NAMED(each) for step in document.steps.values() for each in _expressions(step))


def assignees(document: Document) -> frozenset[str]:
    """Whom its steps give conversations to."""
    return frozenset(each.assign for each in document.steps.values() if isinstance(each, Conversation) and each.assign)


def _expressions(step: Step) -> Iterator[str]:
    match step:
        case Send():
            yield from filter(None, (step.to, step.language, *step.variables.values()))
            yield from holes(step.text or "")
        case WaitForAnswer():
            yield step.whose or ""
        case Wait():
            yield step.until or ""
        case Branch():
            yield from (case.when for case in step.cases)
        case Set():
            yield from step.values.values()
        case Request():
            yield from (step.body or {}).values()
            for text in (step.url, *step.headers.values()):
                yield from holes(text)
        case Conversation():
            yield from holes(step.note or "")
        case _:
            pass
