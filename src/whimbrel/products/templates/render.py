"""Render: the texts of templates for other products. Who sends a message had better name the template in its draft
(`Draft.template`): then accept renders it, with what India asks for, and the message remembers the version.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.model import MessageClass
from whimbrel.domain.templates.rendering import BadVariables
from whimbrel.domain.templates.use import MadeOf, TemplateUse
from whimbrel.journey.tables import Tables
from whimbrel.journey.templates import Found, Unusable


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """A text, and what made it."""

    text: str
    template: MadeOf
    message_class: MessageClass
    sender: str | None  # None: the template names none


async def render(
    tables: Tables, account_id: str, ref: str, *, language: str | None, variables: dict[str, Any]
) -> Rendered:
    """One text. WhimbrelError: template_not_found, template_not_approved, invalid_variable."""
    made = (await render_many(tables, account_id, [TemplateUse(ref, variables, language)]))[0]
    if isinstance(made, WhimbrelError):
        raise made
    return made


async def render_many(tables: Tables, account_id: str, uses: Sequence[TemplateUse]) -> list[Rendered | WhimbrelError]:
    """A text for each, in order, or why there is none; one look at the store for all that are not at hand."""
    found = await tables.templates.take((account_id, use.ref) for use in uses)
    return [_rendered(use, found[account_id, use.ref]) for use in uses]


def _rendered(use: TemplateUse, found: Found) -> Rendered | WhimbrelError:
    if isinstance(found, Unusable):
        return WhimbrelError(found.code, found.detail, errors=[FieldError("/template", found.detail, found.code)])
    try:
        made = found.form.render(use.variables, use.language)
    except BadVariables as error:
        return WhimbrelError("invalid_variable", str(error), errors=error.errors)
    content = found.form.content
    template = MadeOf(found.id, found.name, found.version, made.language)
    return Rendered(made.text, template, content.message_class, content.sender)
