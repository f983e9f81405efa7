"""Forms: what was sent, and what is wrong with it, by the names of fields. The field `settings.host` is what the API
calls `/settings/host`, so its refusals find their fields."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.edges.shared.problems import problem_of

Values = Mapping[str, str | tuple[str, ...]]


class Form:
    """The fields of a form, as they were sent."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    def of(cls, values: Values) -> "Form":
        """A form that shows what is there already."""
        made = cls()
        for name, value in values.items():
            made._values[name] = [value] if isinstance(value, str) else list(value)
        return made

    def plus(self, values: Values) -> "Form":
        """The same with further fields, in place of those of their names."""
        made = Form.of(values)
        return Form.of({name: tuple(value) for name, value in (self._values | made._values).items()})

    def text(self, name: str, otherwise: str = "") -> str:
        """A field without the space around it; the first where there are several."""
        return self._values.get(name, [otherwise])[0].strip()

    def raw(self, name: str) -> str:
        """A field as it was typed, such as a text or a password."""
        return self._values.get(name, [""])[0]

    def many(self, name: str) -> tuple[str, ...]:
        """All values of a field that may be there several times."""
        return tuple(self._values.get(name, ()))

    def sent(self, name: str) -> bool:
        """Whether a field is there, be it empty."""
        return name in self._values

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        return name in self._values

    def has(self, name: str, value: str) -> bool:
        """Whether this value is chosen."""
        return value in self._values.get(name, ())

    def given(self, *names: str) -> dict[str, str]:
        """Those of these fields that are not empty."""
        return {name: self.text(name) for name in names if self.text(name)}

    def json(self, name: str) -> dict[str, Any]:
        """A field that holds a JSON object; empty: an empty one. WhimbrelError: invalid_request."""
        wrong = ""
        try:
            found = msgspec.json.decode(self.text(name) or "{}")
            wrong = "" if isinstance(found, dict) else "must be a JSON object"
        except msgspec.DecodeError as error:
            wrong = f"is no JSON: {error}"
        if wrong:
            raise WhimbrelError("invalid_request", f"`{name}` {wrong}.", errors=[FieldError(f"/{name}", wrong)])
        return dict(found)


EMPTY = Form()


class Problem(msgspec.Struct, frozen=True):
    """Why a form was refused: in one sentence, what to do, and by field."""

    code: str
    detail: str
    advice: str
    fields: Mapping[str, str]
    status: int


def problem(error: WhimbrelError, field: str = "") -> Problem:
    """A refusal for a form. `field`: the one that it is about when it names none, or one of the list that the field
    holds."""
    told = problem_of(error)
    fields = {each.pointer.lstrip("/").replace("/", "."): each.detail for each in told.errors}
    if field and field not in fields:
        listed = (words for name, words in fields.items() if name.startswith(f"{field}."))
        fields[field] = next(listed, told.detail)
    return Problem(told.code, told.detail, told.advice, fields, told.status)
