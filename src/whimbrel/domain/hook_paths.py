"""JMESPath within bounds: short expressions, few steps, no growth. Whoever writes one may be wrong, and whoever sends
the data may be hostile; neither may hold up a process.

Source: JMESPath specification (jmespath.site), as the library `jmespath` has it.
"""

from functools import lru_cache
from math import prod
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError, JMESPathTypeError
from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter

LENGTH_MAX: Final = 512  # characters of an expression
NODES_MAX: Final = 128
COPIES_MAX: Final = 64  # of what it is given: the arities of all lists and objects that it makes, multiplied
STEPS_MAX: Final = 50_000  # nodes visited and elements looked at: some hundredths of a second
_KEPT: Final = 2_048


class PathError(ValueError):
    """An expression that is none, or that went beyond its bounds; in words."""


class _Functions(Functions):  # type: ignore[misc]
    """Those of the specification, except that nothing but scalars is written as text."""

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, list | dict):
            raise PathError("to_string() takes strings, numbers and booleans here")
        return str(super()._func_to_string(value))


class _Bounded(TreeInterpreter):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(Options(custom_functions=_Functions()))
        self._left = STEPS_MAX

    def visit(self, node: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        given = args[0] if args else None
        self._left -= 1 + (len(given) if isinstance(given, list | dict) else 0)
        if self._left < 0:
            raise PathError(f"it takes more than {STEPS_MAX:,} steps on this data")
        return super().visit(node, *args, **kwargs)


@lru_cache(maxsize=_KEPT)
def compiled(expression: str) -> dict[str, Any]:
    """The tree of an expression. PathError."""
    if not expression.strip() or len(expression) > LENGTH_MAX:
        raise PathError(f"must be a JMESPath expression of 1 to {LENGTH_MAX} characters")
    try:
        tree: dict[str, Any] = jmespath.compile(expression).parsed
    except (JMESPathError, RecursionError, ValueError) as error:
        raise PathError(f"is no JMESPath expression: {str(error).splitlines()[0]}") from None
    nodes = _nodes(tree)
    makers = [len(node["children"]) for node in nodes if node["type"] in ("multi_select_list", "multi_select_dict")]
    if len(nodes) > NODES_MAX or prod(max(count, 1) for count in makers) > COPIES_MAX:
        raise PathError("is too large an expression")
    return tree


def found(expression: str, data: Any) -> Any:
    """What the expression finds in the data; None where it finds nothing. PathError."""
    tree = compiled(expression)
    try:
        return _Bounded().visit(tree, data)
    except PathError:
        raise
    except JMESPathTypeError as error:  # its own words show the value, which may be somebody's
        raise PathError(f"gives {error.function_name}() a value of a wrong type on this data") from None
    except JMESPathError as error:
        raise PathError(f"cannot be used: {str(error).splitlines()[0]}") from None
    except (ArithmeticError, ValueError, TypeError, RecursionError):
        raise PathError("cannot be used on this data") from None


def _nodes(tree: dict[str, Any]) -> list[dict[str, Any]]:
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict) and "type" in node:
            found.append(node)
            waiting += node.get("children", ())
    return found
