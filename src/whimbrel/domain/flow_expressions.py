"""The small language of flows: JMESPath (https://jmespath.org/specification.html) for conditions and values, and texts
with `{{ expression }}` in them.

JMESPath reaches nothing but the data that it is given, and has no loops; but a list can be doubled in each step of a
pipe, so a short expression may ask for more than any machine has. Each evaluation therefore has a budget: every node,
and every value that a node builds or looks through, costs.
"""

import re
from functools import lru_cache
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult
from jmespath.visitor import TreeInterpreter

EXPRESSION_MAX: Final = 500
"""Characters of one expression: what people still read. It also bounds how deep it can be nested."""
BUDGET: Final = 20_000
"""Nodes and values of one evaluation: some ten milliseconds."""
_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_BUILDING: Final = frozenset({"multi_select_list", "multi_select_dict", "flatten", "function_expression"})
_LOOKING: Final = frozenset({"comparator", "function_expression"})
"""They look through the values of their children."""
_EMPTY: Final[tuple[Any, ...]] = ([], {}, "", False, None)


class ExpressionError(Exception):
    """Why an expression cannot be read or has no value, in words."""


class _Spent(Exception):
    """The budget is used up."""


class _Interpreter(TreeInterpreter):  # type: ignore[misc]
    """Counts what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.left = BUDGET
        self._looked_through: set[int] = set()

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self.spend(1)
        if node["type"] in _LOOKING:
            self._looked_through.update(id(child) for child in node["children"])
        found = super().visit(node, *args, **kwargs)
        if node["type"] in _BUILDING or id(node) in self._looked_through:
            self.spend(_weight(found, self.left))
        return found

    def spend(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise _Spent


def _weight(value: Any, enough: int) -> int:
    """How many values there are in a value; it counts no further than `enough`."""
    waiting, count = [value], 0
    while waiting and count <= enough:
        found = waiting.pop()
        count += 1 + (len(found) >> 6 if isinstance(found, str) else 0)
        if isinstance(found, dict):
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
    return count


@lru_cache(maxsize=2048)
def _compiled(expression: str) -> ParsedResult:
    if len(expression) > EXPRESSION_MAX:
        raise ExpressionError(f"has more than {EXPRESSION_MAX} characters")
    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        raise ExpressionError(f"is no JMESPath: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ExpressionError("is nested too deeply") from None


def problem(expression: str) -> str | None:
    """Why an expression cannot be used, or None. What it asks of the data shows only when it is evaluated, but a
    function that does not exist is told here."""
    try:
        parsed = _compiled(expression)
    except ExpressionError as error:
        return str(error)
    waiting = [parsed.parsed]
    while waiting:
        node = waiting.pop()
        if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
            return f"calls {node['value']}(), which JMESPath does not have"
        waiting.extend(child for child in node["children"] if isinstance(child, dict))
    return None


def evaluate(expression: str, data: Any) -> Any:
    """The value of an expression over JSON data; None where there is none. ExpressionError."""
    parsed = _compiled(expression)
    try:
        return _Interpreter().visit(parsed.parsed, data)
    except _Spent:
        raise ExpressionError("asks for too much") from None
    except RecursionError:
        raise ExpressionError("is nested too deeply") from None
    except (JMESPathError, TypeError, ValueError, ArithmeticError) as error:
        raise ExpressionError((str(error).splitlines() or ["has no value"])[0]) from None


def holds(expression: str, data: Any) -> bool:
    """Whether an expression is true, as JMESPath understands it: empty values are false, 0 is true."""
    found = evaluate(expression, data)
    return not any(found == empty and type(found) is type(empty) for empty in _EMPTY)


def holes(text: str) -> list[str]:
    """The expressions in a text."""
    return [hole.strip() for hole in _HOLE.findall(text)]


def text_problem(text: str) -> str | None:
    """Why a text with `{{ expressions }}` cannot be used, or None."""
    for hole in _HOLE.findall(text):
        found = problem(hole.strip()) if hole.strip() else "is empty"
        if found is not None:
            return f"{{{{{hole}}}}} {found}"
    return "opens {{ and does not close it" if "{{" in _HOLE.sub("", text) else None


def render(text: str, data: Any) -> str:
    """The text with each `{{ expression }}` replaced by its value: what has none is left out, numbers and truth are
    written as in JSON, and a list or an object cannot be written. ExpressionError."""
    return _HOLE.sub(lambda hole: _written(evaluate(hole[1].strip(), data)), text)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.15g}"
    raise ExpressionError("is a list or an object, which no text can hold")
