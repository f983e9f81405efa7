"""From a version and what a message gives to its text. Of what is given, all that is wrong is told at once."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec

from whimbrel.base.errors import FieldError
from whimbrel.domain.templates.document import Content, Variable, VariableType
from whimbrel.domain.templates.filters import DEFAULT, FILTERS, shown
from whimbrel.domain.templates.languages import canonical, chosen
from whimbrel.domain.templates.text import Pieces, Use, parse, uses
from whimbrel.domain.templates.values import BadValue, Value, read, sample

_TOLD_MAX = 20  # wrong variables of one message
_TEXTS = frozenset({"text", "code", "url"})


class Rendering(msgspec.Struct, frozen=True, gc=False):
    """The text of a message, and the language that it is in."""

    text: str
    language: str


class BadVariables(ValueError):
    """What was given cannot be filled in; pointers lead into the message."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        super().__init__(f"{first.pointer.removeprefix('/')}: {first.detail}{more}.")


class Form:
    """A content that was checked, read once and filled in often."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self._pieces: dict[str, Pieces] = {language: parse(text) for language, text in content.texts.items()}
        declared = derived(self._pieces.values()) if content.variables is None else content.variables
        self._variables = {variable.name: variable for variable in declared}
        self._defaults = {name: _default(variable) for name, variable in self._variables.items()}
        self._needed = frozenset(self._found_needed())

    def _found_needed(self) -> Iterable[str]:
        bare = {use.variable for pieces in self._pieces.values() for use in uses(pieces) if not _has_default(use)}
        named = {use.variable for pieces in self._pieces.values() for use in uses(pieces)}
        for name, variable in self._variables.items():
            if variable.required and self._defaults[name] is None and (name in bare or name not in named):
                yield name

    @property
    def needed(self) -> frozenset[str]:
        """Variables that a message must give."""
        return self._needed

    @property
    def variables(self) -> tuple[Variable, ...]:
        """As they were declared, or those that the texts name."""
        return tuple(self._variables.values())

    def language(self, wanted: str | None) -> str:
        """The language whose text a message gets that asks for this one; `BadVariables` when it is no tag."""
        tag = None if wanted is None else canonical(wanted)
        if wanted is not None and tag is None:
            raise BadVariables([FieldError("/language", "must be a language tag such as pt-BR (BCP 47)")])
        return chosen(tag, self._pieces, self.content.default_language)

    def render(self, given: Mapping[str, Any], wanted: str | None = None) -> Rendering:
        """The text for what was given; `BadVariables`."""
        language = self.language(wanted)
        values = self._values(given)
        return Rendering("".join(_filled(piece, values, language) for piece in self._pieces[language]), language)

    def samples(self) -> dict[str, Any]:
        """What a preview gives, as a message would."""
        return {name: sample(variable) for name, variable in self._variables.items()}

    def _values(self, given: Mapping[str, Any]) -> Mapping[str, Value | None]:
        errors: list[FieldError] = []
        values = dict(self._defaults)
        for name, one in given.items():
            variable = self._variables.get(name)
            if variable is None:
                errors.append(FieldError(_pointer(name), "is no variable of this template"))
            elif one is not None:
                try:
                    value = read(variable, one)
                    values[name] = self._defaults[name] if value == "" else value
                except BadValue as error:
                    errors.append(FieldError(_pointer(name), str(error)))
            if len(errors) >= _TOLD_MAX:
                break
        wrong = {error.pointer for error in errors}
        missing = [name for name in self._needed if values[name] is None and _pointer(name) not in wrong]
        errors += [FieldError(_pointer(name), "is missing") for name in sorted(missing)]
        if errors:
            raise BadVariables(errors)
        return values


def derived(texts: Iterable[Pieces]) -> tuple[Variable, ...]:
    """The variables that texts name, where nobody declared any: each of the first type that all of its filters take, a
    text if that is one."""
    types: dict[str, list[VariableType]] = {}
    for use in (use for one in texts for use in uses(one)):
        left = types.setdefault(use.variable, [*get_args(VariableType)])
        taken = next(
            (FILTERS[one.name].takes for one in use.filters if one.name in FILTERS and one.name != DEFAULT), None
        )
        if taken is not None:
            types[use.variable] = [kind for kind in left if kind in taken]
    return tuple(Variable(name=name, type=left[0] if left else "text") for name, left in types.items())


def _pointer(name: str) -> str:
    return "/variables/" + name[:100].replace("~", "~0").replace("/", "~1")


def _default(variable: Variable) -> Value | None:
    return None if variable.default is None else read(variable, variable.default)


def _has_default(use: Use) -> bool:
    return any(one.name == DEFAULT for one in use.filters)


def _filled(piece: str | Use, values: Mapping[str, Value | None], language: str) -> str:
    if isinstance(piece, str):
        return piece
    value = values[piece.variable]
    if value is None:
        words = [one.arguments[0] for one in piece.filters if one.name == DEFAULT]
        if not words:
            return ""
        value = words[0]
    for one in piece.filters:
        row = FILTERS[one.name]
        if isinstance(value, str) and row.takes.isdisjoint(_TEXTS):
            continue  # the words of a default are no amount
        value = row.apply(value, one.arguments, language)
    return shown(value, language)
