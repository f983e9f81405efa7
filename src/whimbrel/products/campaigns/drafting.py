"""What a campaign says to one of its recipients: a text or a template, filled in with what is known of the contact. A
value that a text needs and a contact has not is a reason not to send: nobody is greeted as nobody.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.campaigns import Campaign, CampaignSpec, Variant
from whimbrel.domain.contact_values import fields_of
from whimbrel.domain.contacts import Contact
from whimbrel.domain.links import LinkUse, marks
from whimbrel.domain.model import Draft, MessageClass, Options
from whimbrel.domain.templates.document import Content
from whimbrel.domain.templates.rendering import BadVariables, Form
from whimbrel.domain.templates.text import BadText
from whimbrel.domain.templates.use import TemplateUse
from whimbrel.journey.templates import Loaded, Shelf, Unusable
from whimbrel.products.campaigns.audience import Source
from whimbrel.products.contacts.known import Known
from whimbrel.store.interface import Store

_LANGUAGE = "en"


class Wording(msgspec.Struct, frozen=True):
    """A variant that can be filled in."""

    variant: Variant
    form: Form
    names: frozenset[str]


class Writer:
    """Makes the drafts of one campaign. `message_class` is the template's own where the campaign names none."""

    def __init__(self, row: Campaign, spec: CampaignSpec, about: Known, wordings: Sequence[Wording]) -> None:
        self._row = row
        self._spec = spec
        self._about = about
        self._wordings = wordings

    def draft(self, source: Source, number: int, message_id: str) -> Draft:
        """For one recipient the variant with this number. BadVariables."""
        wording, spec = self._wordings[number], self._spec
        variant = wording.variant
        values = self._values(source, wording)
        use, text = None, ""
        language = variant.language or (source.contact.language if source.contact is not None else None)
        if variant.template is None:
            text = wording.form.render(values).text
        else:
            use = TemplateUse(variant.template, values, language)
        message_class: Any = spec.message_class
        return Draft(
            account_id=self._row.account_id,
            test=self._row.test,
            door="campaign",
            recipient=source.number,
            text=text,
            sender=spec.sender,
            message_class=message_class,
            validity_s=spec.validity_s,
            links=self._links(wording),
            options=Options(campaign_id=self._row.id, tags=spec.tags, pool_id=spec.pool, media=spec.media),
            id=message_id,
            template=use,
        )

    def _links(self, wording: Wording) -> LinkUse | None:
        """Which addresses become short links, one for each recipient."""
        every, text = self._spec.short_links, wording.variant.text
        is_asked = every or text is None or bool(marks(text))
        if not is_asked and not self._spec.media:
            return None
        return LinkUse(every=every, text=is_asked, group_id=self._row.id, variant=wording.variant.name)

    def _values(self, source: Source, wording: Wording) -> dict[str, Any]:
        known = {**wording.variant.variables, **contact_values(source, self._about)}
        return {name: known[name] for name in wording.names if name in known}


def contact_values(source: Source, about: Known) -> dict[str, Any]:
    """What is known of a recipient, by the names that texts use."""
    values: dict[str, Any] = {"number": source.number, "country": source.country}
    contact = source.contact
    if contact is None:
        return values
    values |= {name: _plain(value) for name, value in fields_of(contact, about.fields).items()}
    values |= _named(contact)
    return values


def _named(contact: Contact) -> dict[str, Any]:
    if not contact.name:
        return {}
    first, _, last = contact.name.partition(" ")
    return {"name": contact.name, "first_name": first} | ({"last_name": last} if last else {})


def _plain(value: Any) -> Any:
    """As variables take it: whole numbers are no fractions, truth is a word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def wordings_of(store: Store, account_id: str, spec: CampaignSpec) -> list[Wording]:
    """The variants, read once. WhimbrelError: invalid_request, template_not_found, template_not_approved,
    invalid_class."""
    named = [(account_id, each.template) for each in spec.variants if each.template is not None]
    found = await Shelf(store).take(named) if named else {}
    made: list[Wording] = []
    for place, variant in enumerate(spec.variants):
        pointer = f"/variants/{place}"
        if variant.template is None:
            form = text_form(variant.text or "", f"{pointer}/text")
        else:
            template = found[account_id, variant.template]
            if isinstance(template, Unusable):
                raise _refused(template.code, f"{pointer}/template", template.detail)
            form = template.form
            own_class: MessageClass = form.content.message_class
            if spec.message_class not in ("", own_class):
                raise _refused("invalid_class", "/class", f"The template's class is {own_class}.")
        made.append(Wording(variant, form, frozenset(each.name for each in form.variables)))
    return made


async def fixed_wordings(store: Store, account_id: str, spec: CampaignSpec) -> CampaignSpec:
    """The same with its templates in the versions that stand now; one that cannot be used is left to who starts it."""
    named = [(account_id, each.template) for each in spec.variants if each.template is not None]
    found = await Shelf(store).take(named) if named else {}
    variants: list[Variant] = []
    for each in spec.variants:
        one = None if each.template is None else found[account_id, each.template]
        ref = f"{one.name}@{one.version}" if isinstance(one, Loaded) else each.template
        variants.append(msgspec.structs.replace(each, template=ref))
    return msgspec.structs.replace(spec, variants=tuple(variants))


def text_form(text: str, pointer: str) -> Form:
    """A text as one of templates. WhimbrelError invalid_request."""
    try:
        return Form(Content(texts={_LANGUAGE: text}))
    except BadText as error:
        raise _refused("invalid_request", pointer, str(error)) from None


def unfilled(error: BadVariables) -> Mapping[str, str]:
    """Which values are missing or wrong, in words, by name."""
    return {each.pointer.removeprefix("/variables/"): each.detail for each in error.errors}


def _refused(code: str, pointer: str, detail: str) -> WhimbrelError:
    return WhimbrelError(code, detail, errors=[FieldError(pointer, detail, code)])
