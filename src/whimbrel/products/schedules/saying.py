"""What a schedule says: a text with its variables, or a template with them. A template is looked at when the schedule
is kept, and again by each message, which is made of the version that stands by then.
"""

from typing import Any

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.flow_expressions import render
from whimbrel.domain.model import Draft, Options
from whimbrel.domain.schedules import DuePart, ScheduleSpec
from whimbrel.domain.templates.rendering import BadVariables
from whimbrel.domain.templates.use import TemplateUse
from whimbrel.journey.templates import Shelf, Unusable
from whimbrel.store.interface import Store


async def check_template(store: Store, account_id: str, spec: ScheduleSpec) -> None:
    """WhimbrelError: template_not_found, template_not_approved, invalid_class, invalid_variable."""
    if spec.template is None:
        return
    wanted = (account_id, spec.template)
    found = (await Shelf(store).take([wanted]))[wanted]
    if isinstance(found, Unusable):
        raise _refused(found.code, "/template", found.detail)
    own_class = found.form.content.message_class
    if spec.message_class not in ("", own_class):
        raise _refused("invalid_class", "/class", f"The template's class is {own_class}.")
    try:
        found.form.render(spec.variables, spec.language)
    except BadVariables as error:
        raise WhimbrelError("invalid_variable", str(error), errors=error.errors) from None


def draft_of(part: DuePart, spec: ScheduleSpec, phone: str) -> Draft:
    """What accept is given. ExpressionError when the text has no value."""
    message_class: Any = spec.message_class
    use = None if spec.template is None else TemplateUse(spec.template, spec.variables, spec.language)
    return Draft(
        account_id=part.account_id,
        test=part.test,
        door="schedule",
        recipient=phone,
        text="" if use is not None else render(spec.text or "", {**spec.variables, "phone": phone}),
        sender=spec.sender,
        message_class=message_class,
        options=Options(metadata={"schedule": part.schedule_id}),
        template=use,
    )


def _refused(code: str, pointer: str, detail: str) -> WhimbrelError:
    return WhimbrelError(code, detail, errors=[FieldError(pointer, detail, code)])
