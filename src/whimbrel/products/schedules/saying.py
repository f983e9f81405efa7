"""What a schedule says: a text with its variables, or a template with them; to a contact with what is known of him,
which goes before what is said for all. A template is looked at when the schedule is kept, and again by each message,
which is made of the version that stands by then.
"""

from collections.abc import Mapping
from typing import Any

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.flow_expressions import render
from whimbrel.domain.links import FOR_MEDIA, wished
from whimbrel.domain.model import Draft, Options
from whimbrel.domain.schedules import DuePart, ScheduleSpec
from whimbrel.domain.templates.rendering import BadVariables
from whimbrel.domain.templates.use import TemplateUse
from whimbrel.journey.templates import Loaded, Shelf, Unusable
from whimbrel.store.interface import Store


async def check_template(store: Store, account_id: str, spec: ScheduleSpec) -> None:
    """WhimbrelError: template_not_found, template_not_approved, invalid_class, invalid_variable."""
    if spec.template is None:
        return
    found = await _template(store, account_id, spec.template)
    if isinstance(found, Unusable):
        raise _refused(found.code, "/template", found.detail)
    own_class = found.form.content.message_class
    if spec.message_class not in ("", own_class):
        raise _refused("invalid_class", "/class", f"The template's class is {own_class}.")
    if spec.has_audience:
        return  # what is known of contacts fills it in, or is a reason to leave one out
    try:
        found.form.render(spec.variables, spec.language)
    except BadVariables as error:
        raise WhimbrelError("invalid_variable", str(error), errors=error.errors) from None


async def names_of(store: Store, account_id: str, spec: ScheduleSpec) -> frozenset[str] | None:
    """The variables that its template takes now; None: any."""
    if spec.template is None:
        return None
    found = await _template(store, account_id, spec.template)
    return None if isinstance(found, Unusable) else frozenset(each.name for each in found.form.variables)


def draft_of(
    part: DuePart,
    spec: ScheduleSpec,
    phone: str,
    *,
    known: Mapping[str, Any],
    language: str | None,
    names: frozenset[str] | None,
) -> Draft:
    """What accept is given. `known`: of the contact; `names`: those that the template takes. ExpressionError when the
    text has no value."""
    message_class: Any = spec.message_class
    values, use = {**spec.variables, **known}, None
    if spec.template is not None:
        chosen = values if names is None or not known else {name: values[name] for name in names & values.keys()}
        use = TemplateUse(spec.template, chosen, spec.language or language)
    return Draft(
        account_id=part.account_id,
        test=part.test,
        door="schedule",
        recipient=phone,
        text="" if use is not None else render(spec.text or "", {**values, "phone": phone}),
        sender=spec.sender,
        message_class=message_class,
        options=Options(metadata={"schedule": part.schedule_id}, media=spec.media),
        template=use,
        links=wished(spec.text, every=spec.shorten_links) or (FOR_MEDIA if spec.media else None),
    )


async def _template(store: Store, account_id: str, template: str) -> Loaded | Unusable:
    wanted = (account_id, template)
    return (await Shelf(store).take([wanted]))[wanted]


def _refused(code: str, pointer: str, detail: str) -> WhimbrelError:
    return WhimbrelError(code, detail, errors=[FieldError(pointer, detail, code)])
