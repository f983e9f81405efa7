"""The source tree as syntax trees, for the tests of the house: what an import graph cannot say."""

import ast
import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
NESTS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Module(NamedTuple):
    """One file: its path from the root of the repository, its lines without the docstring at its head (a theory of
    operation must not cost a file its room), its tree."""

    path: str
    lines: int
    tree: ast.Module

    @property
    def package(self) -> str:
        """`domain` of src/whimbrel/domain/model.py; the file's own name at the top of a package."""
        parts = Path(self.path).with_suffix("").parts[2:]
        return parts[0]


class Function(NamedTuple):
    """One function or method, wherever it stands."""

    module: Module
    node: FunctionNode

    @property
    def place(self) -> str:
        return f"{self.module.path}:{self.node.lineno} {self.node.name}"

    @property
    def lines(self) -> int:
        return (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1


def parse(text: str, path: str = "src/whimbrel/domain/example.py") -> Module:
    tree = ast.parse(text)
    head = tree.body[0].end_lineno or 0 if ast.get_docstring(tree) else 0
    return Module(path, len(text.splitlines()) - head, tree)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the product and of the simulator. A million nodes that stay: to look for garbage among them takes
    seven times as long as to make them, and goes on in all later tests of the process."""
    gc.disable()
    try:
        return tuple(
            parse(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
            for path in sorted(SOURCE.rglob("*.py"))
        )
    finally:
        gc.freeze()
        gc.enable()


def functions(module: Module) -> Iterator[Function]:
    for node in ast.walk(module.tree):
        if isinstance(node, FunctionNode):
            yield Function(module, node)


def nesting(node: ast.AST) -> int:
    """How deep branches, loops and `try` stand in each other in one function; `elif` is no step deeper."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, OWN_SCOPE):
            continue
        is_elif = isinstance(node, ast.If) and node.orelse == [child] and isinstance(child, ast.If)
        step = 1 if isinstance(child, NESTS) and not is_elif else 0
        deepest = max(deepest, step + nesting(child))
    return deepest


def imports(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported below `node`: `from a import b` gives `a` and `a.b`."""
    for found in ast.walk(node):
        if isinstance(found, ast.Import):
            for alias in found.names:
                yield found.lineno, alias.name
        elif isinstance(found, ast.ImportFrom):
            yield found.lineno, found.module or ""
            for alias in found.names:
                yield found.lineno, f"{found.module}.{alias.name}"
