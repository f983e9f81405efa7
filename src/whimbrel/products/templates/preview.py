"""Preview: the texts of a template for sample values, in each of its languages, with segments and cost. Nothing is
stored or sent; what a carrier's own alphabet changes about the segments is told when a message is explained.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import money
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.codec import gsm7, segments
from whimbrel.codec.errors import CodecError
from whimbrel.codec.shifts import ALL_LANGUAGES
from whimbrel.domain.model import Price
from whimbrel.domain.numbers import Number, normalise
from whimbrel.domain.screening import text_problems
from whimbrel.domain.templates import dlt
from whimbrel.domain.templates.document import Content, Variable
from whimbrel.domain.templates.rendering import BadVariables, Form
from whimbrel.domain.templates.use import DRAFT, parted
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.products.templates.keeping import content, existing, sound
from whimbrel.products.templates.shapes import plain_content
from whimbrel.products.templates.versions import get

PriceOf = Callable[[str, int], tuple[int, str, Price] | None]
_SHOWN = 20  # characters that made a text UCS-2


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be previewed: a template that is kept, or a content that is being written."""

    template: Annotated[
        str | None,
        Meta(description="Name or id: its draft, or with @ and a number a version.", examples=["order-shipped@3"]),
    ] = None
    content: Content | None = None
    language: Annotated[str | None, Meta(description="Of the text; without it all languages are shown.")] = None
    variables: Annotated[
        dict[str, Any] | None, Meta(description="Values; examples, defaults and samples stand for those not given.")
    ] = None
    to: Annotated[str | None, Meta(description="A number, for the price and for what India asks for.")] = None


class PreviewText(msgspec.Struct, frozen=True, kw_only=True):
    """The text in one language."""

    language: str
    text: str
    characters: int
    encoding: str
    segments: int
    foreign: Annotated[tuple[str, ...], Meta(description="Characters that GSM-7 does not hold.")]
    price: Annotated[str | None, Meta(description="For all segments to `to`; null without a number or a price.")]
    currency: str | None
    problem: Annotated[str | None, Meta(description="Why a message with this text would be refused.")]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A template as it would be sent."""

    data: tuple[PreviewText, ...]
    variables: Annotated[dict[str, Any], Meta(description="The values that were filled in.")]
    declared: tuple[Variable, ...]
    needed: Annotated[tuple[str, ...], Meta(description="Variables that a message must give.")]


async def preview(ctx: Context, tables: Tables, trial: Trial, *, account_id: str) -> Preview:
    """WhimbrelError: not_found, invalid_request, invalid_variable, invalid_number."""
    form = Form(await _content(ctx, trial, account_id))
    number = None if trial.to is None else normalise(trial.to)
    if trial.to is not None and number is None:
        raise WhimbrelError("invalid_number", errors=[FieldError("/to", "is no phone number", "invalid_number")])
    given = form.samples() | (trial.variables or {})
    try:
        languages = [form.language(trial.language)] if trial.language is not None else [*form.content.texts]
        texts = [(language, form.render(given, language).text) for language in languages]
    except BadVariables as error:
        raise WhimbrelError("invalid_variable", str(error), errors=error.errors) from None
    price_of = partial(tables.prices.price, account_id)
    return Preview(
        data=tuple(_shown(form, language, text, number, price_of) for language, text in texts),
        variables=given,
        declared=form.variables,
        needed=tuple(sorted(form.needed)),
    )


async def _content(ctx: Context, trial: Trial, account_id: str) -> Content:
    if (trial.template is None) == (trial.content is None):
        raise WhimbrelError("invalid_request", errors=[FieldError("/template", "must stand here, or `content`")])
    if trial.content is not None:
        try:
            return sound(trial.content)
        except WhimbrelError as error:
            raise WhimbrelError(error.code, error.detail, errors=[*_below("/content", error.errors)]) from None
    name, number = parted(trial.template or "")
    if not number or number == DRAFT:
        return await content(ctx, await existing(ctx, name, account_id))
    return plain_content(await get(ctx, name, number, account_id=account_id))


def _below(pointer: str, errors: Iterable[FieldError]) -> Iterable[FieldError]:
    return (FieldError(pointer + error.pointer, error.detail, error.code) for error in errors)


def _shown(form: Form, language: str, text: str, number: Number | None, price_of: PriceOf) -> PreviewText:
    problem = text_problems(text)
    encoding, count = "gsm7", 0
    try:
        measure = segments.measure(text, languages=ALL_LANGUAGES)
        encoding, count = measure.encoding, measure.segments
        said = problem.detail if problem else None
    except CodecError as error:
        said = problem.detail if problem else str(error)
    priced = price_of(number.digits, count) if number and count else None
    return PreviewText(
        language=language,
        text=text,
        characters=len(text),
        encoding=encoding,
        segments=count,
        foreign=tuple(dict.fromkeys(one.character for one in gsm7.foreign(text)))[:_SHOWN],
        price=money.to_text(priced[0]) if priced else None,
        currency=priced[1] if priced else None,
        problem=said or _india(form, language, text, number),
    )


def _india(form: Form, language: str, text: str, number: Number | None) -> str | None:
    registration = form.content.dlt
    if registration is None or number is None or number.country != dlt.COUNTRY:
        return None
    template = registration.templates.get(language)
    if template is None:
        return "It has no DLT template id, which carriers in India ask for."
    if template.text is not None and not dlt.matches(template.text, text):
        return f"It is not the registered text: what varies may have {dlt.VARIABLE_MAX} characters for each place."
    return None
