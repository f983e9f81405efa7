"""Fill: the texts of messages that are made of a template, before everything else of accept; and, once their numbers
are known, what carriers in India want to be told of such a text.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from whimbrel.domain.links import MARKED, marks
from whimbrel.domain.model import Draft
from whimbrel.domain.templates import dlt
from whimbrel.domain.templates.rendering import BadVariables, Form
from whimbrel.domain.templates.use import MadeOf, TemplateUse
from whimbrel.domain.wire import Wire
from whimbrel.journey.plan import Plan
from whimbrel.journey.templates import Loaded, Templates, Unusable, Wanted


def wanted(drafts: Sequence[Draft]) -> list[Wanted]:
    """The templates that these drafts name; most name none."""
    return [(draft.account_id, draft.template.ref) for draft in drafts if draft.template is not None]


def fill(plans: Sequence[Plan], templates: Templates) -> None:
    """Give each plan of a template its text, class and sender, or refuse it."""
    for plan in plans:
        use = plan.draft.template
        if use is not None and plan.refusal is None:
            _fill(plan, use, templates[plan.draft.account_id, use.ref])


def _fill(plan: Plan, use: TemplateUse, found: Loaded | Unusable) -> None:
    if isinstance(found, Unusable):
        plan.refuse(found.code, "/template", found.detail)
        return
    draft, content = plan.draft, found.form.content
    if draft.message_class not in ("", content.message_class):
        plan.refuse("invalid_class", "/class", f"The template's class is {content.message_class}.")
        return
    if draft.options.on_doubt == "retry_once" and content.message_class != "otp":
        detail = f"retry_once is for the class otp: {content.message_class} is never sent again by itself."
        plan.refuse("invalid_request", "/on_doubt", detail)
        return
    try:
        made = found.form.render(use.variables, use.language)
    except BadVariables as error:
        plan.refuse("invalid_variable", error.errors[0].pointer, str(error))
        return
    plan.form = found.form
    plan.draft = replace(
        draft,
        text=made.text,
        message_class=content.message_class,
        sender=draft.sender or content.sender,
        links=draft.links or (MARKED if marks(made.text) else None),
        options=replace(draft.options, template=MadeOf(found.id, found.name, found.version, made.language)),
    )


def retold(draft: Draft, found: Loaded | Unusable) -> str:
    """The text of a message that an earlier request stored; empty when its version is not there any more."""
    use = draft.template
    if use is None or isinstance(found, Unusable):
        return ""
    try:
        return found.form.render(use.variables, use.language).text
    except BadVariables:
        return ""


def point(plans: Sequence[Plan]) -> None:
    """What the steps say of the text is about the template: the message has none of its own."""
    for plan in plans:
        if plan.form is not None and plan.pointer == "/text":
            plan.pointer = "/template"


def register(plans: Sequence[Plan]) -> None:
    """Say to carriers in India which registered text it is; refuse what they would drop. After screening."""
    for plan in plans:
        form = plan.form
        if form is not None and plan.refusal is None and plan.number is not None and plan.number.country == dlt.COUNTRY:
            _register(plan, form)


def _register(plan: Plan, form: Form) -> None:
    registration, options = form.content.dlt, plan.draft.options
    if registration is None or options.template is None:
        return
    language = options.template.language
    found = dlt.tlvs(registration, language)
    if found is None:
        plan.refuse("template_not_registered", "/language", f"The text in {language} has no DLT template id.")
        return
    text = registration.templates[language].text
    if text is not None and not dlt.matches(text, plan.text):
        detail = (
            "The text is not the one that is registered: something that varies has more than "
            f"{dlt.VARIABLE_MAX} characters for its place."
        )
        plan.refuse("template_not_registered", "/variables", detail)
        return
    wire = options.wire or Wire()
    given = {tag for tag, _ in wire.tlvs}  # whoever sends may say otherwise
    tlvs = (*wire.tlvs, *(pair for pair in found if pair[0] not in given))
    plan.draft = replace(plan.draft, options=replace(options, wire=replace(wire, tlvs=tlvs)))
