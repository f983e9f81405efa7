"""India: what carriers ask for with each text. Since the regulator's order of 2018 (TCCCPR) a sender registers itself
and each of its texts at a platform of the carriers (DLT), and they drop a text that comes without the two ids or that
is not the one that was registered: what varies stands there as `{#var#}`, and has at most 30 characters each time.

As of 2026-11; the ids' numbers [P python-smpplib #204, ksmppd #134], the length of what varies [S vendors' pages].
"""

import re
from typing import Final

from whimbrel.codec.smpp import names
from whimbrel.domain.templates.document import Dlt

COUNTRY: Final = "IN"
VARIABLE_MAX: Final = 30  # characters of one {#var#}
ID_DIGITS: Final = 19  # of an entity's and a template's id at every platform; a mistyped one drops each text unseen
_ENTITY: Final = 0x1400
_TEMPLATE: Final = 0x1401
_TELEMARKETER: Final = 0x1402
_PLACE = re.compile(r"\{#\s*[A-Za-z]+\s*#\}")
_SPACES = re.compile(r"\s+")


def tlvs(dlt: Dlt, language: str) -> tuple[tuple[int, str], ...] | None:
    """Tags and values in hex of a text in this language; None where it is not registered."""
    template = dlt.templates.get(language)
    if template is None:
        return None
    found = [(_ENTITY, dlt.entity_id), (_TEMPLATE, template.template_id)]
    if dlt.telemarketer_id:
        found.append((_TELEMARKETER, dlt.telemarketer_id))
    return tuple((tag, names.value_octets(tag, value).hex()) for tag, value in found)


def matches(registered: str, text: str, longest: int | None = VARIABLE_MAX) -> bool:
    """Whether a text is the registered one, with at most `longest` characters for each place (None: any number). White
    space counts as one space.

    By the set of places that have been reached, and not by a pattern: what is registered comes from outside."""
    text = _spaced(text)
    reached = {0}
    literals = _PLACE.split(_spaced(registered))
    for number, literal in enumerate(literals):
        if number:
            ends = len(text) if longest is None else longest
            reached = {at for start in reached for at in range(start, min(start + ends, len(text)) + 1)}
        reached = {start + len(literal) for start in reached if text.startswith(literal, start)}
    return len(text) in reached


def _spaced(text: str) -> str:
    return _SPACES.sub(" ", text.strip())
