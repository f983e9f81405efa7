"""Whether a content can be kept: every text is read, every variable and filter is looked at, and all that is wrong is
told at once, with pointers into the content.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from whimbrel.base import limits
from whimbrel.base.errors import FieldError
from whimbrel.domain.screening import text_problems
from whimbrel.domain.senders import kind_of
from whimbrel.domain.templates import dlt as registered
from whimbrel.domain.templates.document import Content, Dlt, Variable
from whimbrel.domain.templates.filters import DEFAULT, FILTERS
from whimbrel.domain.templates.languages import canonical
from whimbrel.domain.templates.rendering import BadVariables, Form, derived
from whimbrel.domain.templates.text import NAME, BadText, Pieces, Use, parse, uses
from whimbrel.domain.templates.values import BadValue, bound, read, zone_of

_CURRENCY = re.compile(r"[A-Z]{3}").fullmatch  # ISO 4217
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}").fullmatch
_ID = re.compile(rf"[0-9]{{{registered.ID_DIGITS}}}").fullmatch
_CHAIN = re.compile(r"[0-9,]{1,200}").fullmatch
_NUMERIC: Final = frozenset({"number", "integer", "money"})
_LONG: Final = frozenset({"text", "code", "url"})
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "max_length": _LONG,
    "min": _NUMERIC,
    "max": _NUMERIC,
    "currency": frozenset({"money"}),
    "zone": frozenset({"datetime"}),
    "hosts": frozenset({"url"}),
    "lines": frozenset({"text"}),
}
"""Fields of a variable that mean something for some types only."""


def checked(content: Content) -> tuple[Content, tuple[FieldError, ...]]:
    """The content in its canonical form (tags as RFC 5646 writes them), and all that is wrong with it."""
    errors: list[FieldError] = []
    texts = _languages(content, errors)
    default = canonical(content.default_language) or content.default_language
    if default not in texts and not errors:
        errors.append(FieldError("/default_language", f"has no text: `texts` must hold one for `{default}`"))
    if content.sender is not None and kind_of(content.sender) is None:
        errors.append(FieldError("/sender", "is no number, short code or name"))
    pieces = _read(texts, errors)
    variables = derived(pieces.values()) if content.variables is None else content.variables
    _variables(variables, errors)
    _places(pieces, {variable.name: variable for variable in variables}, errors)
    made = replace(content, default_language=default, texts=texts)
    if content.dlt is not None:
        made = replace(made, dlt=_registration(content.dlt, made, errors))
    return made, tuple(errors)


def _languages(content: Content, errors: list[FieldError]) -> dict[str, str]:
    texts: dict[str, str] = {}
    if not content.texts:
        errors.append(FieldError("/texts", "must hold a text"))
    if len(content.texts) > limits.TEMPLATE_LANGUAGES_MAX:
        errors.append(FieldError("/texts", f"must be at most {limits.TEMPLATE_LANGUAGES_MAX}"))
        return texts
    for tag, text in content.texts.items():
        known = canonical(tag)
        if known is None:
            errors.append(FieldError(_at("/texts", tag), "must be named by a language tag such as pt-BR (BCP 47)"))
        elif known in texts:
            errors.append(FieldError(_at("/texts", tag), "stands there twice"))
        else:
            texts[known] = text
    return texts


def _read(texts: Mapping[str, str], errors: list[FieldError]) -> dict[str, Pieces]:
    found: dict[str, Pieces] = {}
    for language, text in texts.items():
        pointer = _at("/texts", language)
        problem = text_problems(text[: limits.TEXT_MAX])
        if len(text) > limits.TEMPLATE_TEXT_MAX:
            errors.append(FieldError(pointer, f"must have at most {limits.TEMPLATE_TEXT_MAX:,} characters"))
        elif problem is not None:
            why = problem.detail[0].lower() + problem.detail[1:].removesuffix(".")
            errors.append(FieldError(pointer, f"cannot be sent: {why}", problem.code))
        else:
            try:
                found[language] = parse(text)
            except BadText as error:
                errors.append(FieldError(pointer, str(error)))
    return found


def _variables(variables: tuple[Variable, ...], errors: list[FieldError]) -> None:
    if len(variables) > limits.TEMPLATE_VARIABLES_MAX:
        errors.append(FieldError("/variables", f"must be at most {limits.TEMPLATE_VARIABLES_MAX}"))
        return
    seen: set[str] = set()
    for place, variable in enumerate(variables):
        pointer = f"/variables/{place}"
        if not NAME.fullmatch(variable.name):
            errors.append(FieldError(f"{pointer}/name", "must be letters, digits and _, a letter first; at most 40"))
        if variable.name in seen:
            errors.append(FieldError(f"{pointer}/name", "is the name of another one"))
        seen.add(variable.name)
        errors += _variable(variable, pointer)


def _variable(variable: Variable, pointer: str) -> Iterable[FieldError]:
    plain = Variable(name=variable.name)
    for field, types in _FIELDS.items():
        if getattr(variable, field) != getattr(plain, field) and variable.type not in types:
            yield FieldError(f"{pointer}/{field}", f"means nothing for a variable of the type {variable.type}")
    if variable.currency is not None and not _CURRENCY(variable.currency):
        yield FieldError(f"{pointer}/currency", "must be three capital letters, such as USD (ISO 4217)")
    if variable.zone is not None and zone_of(variable.zone) is None:
        yield FieldError(f"{pointer}/zone", "must be a time zone such as Europe/Berlin")
    if len(variable.hosts) > limits.TEMPLATE_HOSTS_MAX or not all(map(_HOST, variable.hosts)):
        yield FieldError(f"{pointer}/hosts", f"must be at most {limits.TEMPLATE_HOSTS_MAX} names of hosts")
    if len(variable.description) > limits.NAME_MAX:
        yield FieldError(f"{pointer}/description", f"must have at most {limits.NAME_MAX} characters")
    for field in ("min", "max", "default", "example"):
        yield from _readable(variable, field, pointer)


def _readable(variable: Variable, field: str, pointer: str) -> Iterable[FieldError]:
    given: Any = getattr(variable, field)
    if given is None:
        return
    try:
        bound(given) if field in {"min", "max"} else read(variable, given)
    except BadValue as error:
        yield FieldError(f"{pointer}/{field}", str(error))


def _places(pieces: Mapping[str, Pieces], variables: Mapping[str, Variable], errors: list[FieldError]) -> None:
    for language, found in pieces.items():
        for use in uses(found):
            problem = _use_problem(use, variables)
            if problem:
                where = f"{problem} (at character {use.position + 1})"
                errors.append(FieldError(_at("/texts", language), where))


def _use_problem(use: Use, variables: Mapping[str, Variable]) -> str:
    """What is wrong with a place; empty when nothing is."""
    variable = variables.get(use.variable)
    if variable is None:
        return f"names `{use.variable}`, which is no variable of this template"
    kind: str = variable.type
    for one in use.filters:
        row = FILTERS.get(one.name)
        if row is None:
            return f"uses the filter `{one.name}`, which is unknown; there are {', '.join(FILTERS)}"
        if kind not in row.takes and one.name != DEFAULT:
            return f"uses the filter `{one.name}`, which is not for {kind}"
        if not row.least <= len(one.arguments) <= row.most:
            return f"gives the filter `{one.name}` {len(one.arguments)} arguments"
        if wrong := row.check(one.arguments):
            return f"uses the filter `{one.name}`, which {wrong}"
        kind = row.gives or kind
    return ""


def _registration(dlt: Dlt, content: Content, errors: list[FieldError]) -> Dlt:
    wanted = f"must be the {registered.ID_DIGITS} digits that the DLT platform gave"
    if not _ID(dlt.entity_id):
        errors.append(FieldError("/dlt/entity_id", wanted))
    if dlt.telemarketer_id is not None and not _CHAIN(dlt.telemarketer_id):
        errors.append(FieldError("/dlt/telemarketer_id", "must be digits, with commas between ids of a chain"))
    templates = {canonical(tag) or tag: template for tag, template in dlt.templates.items()}
    for language, template in templates.items():
        pointer = _at("/dlt/templates", language)
        if language not in content.texts:
            errors.append(FieldError(pointer, "is a language without a text"))
        if not _ID(template.template_id):
            errors.append(FieldError(f"{pointer}/template_id", wanted))
        if template.text is not None and len(template.text) > limits.TEMPLATE_TEXT_MAX:
            errors.append(FieldError(f"{pointer}/text", f"must have at most {limits.TEMPLATE_TEXT_MAX:,} characters"))
    made = replace(dlt, templates=templates)
    if not errors:
        errors += _differing(made, content)
    return made


def _differing(dlt: Dlt, content: Content) -> Iterable[FieldError]:
    """Registered texts that the template's own are not, whatever is filled in."""
    form = Form(content)
    for language, template in dlt.templates.items():
        try:
            text = form.render(form.samples(), language).text
        except BadVariables:
            continue
        if template.text is not None and not registered.matches(template.text, text, longest=None):
            detail = f"is not the text of this template: that would be `{text}`"
            yield FieldError(f"{_at('/dlt/templates', language)}/text", detail)


def _at(pointer: str, name: str) -> str:
    return f"{pointer}/{name[:100].replace('~', '~0').replace('/', '~1')}"
