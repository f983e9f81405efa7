"""What a module must not do: import late, act when it is imported, keep state, read the time. Each check gives the
line and what stands there."""

import ast
from collections.abc import Iterator

from .code import FunctionNode, Module, functions

Finding = tuple[int, str]

CHANGING = frozenset({"append", "appendleft", "add", "update", "setdefault", "extend", "insert", "sort", "reverse"})
CHANGING |= {"pop", "popitem", "remove", "discard", "clear"}
NOW = frozenset({"now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter"})
CLOCKS = frozenset({"datetime", "date", "time"})
# Decorators that only wrap; everything else that is called on a name is taken for a registration.
WRAPPERS = frozenset({"property", "setter", "cache", "lru_cache", "wraps", "overload", "contextmanager"})
WRAPPERS |= {"asynccontextmanager", "staticmethod", "classmethod", "abstractmethod", "override", "dataclass"}
WRAPPERS |= {"cached_property", "total_ordering", "unique", "final", "runtime_checkable"}


def late_imports(module: Module) -> Iterator[Finding]:
    for function in functions(module):
        for node in ast.walk(function.node):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node.lineno, ast.unparse(node)


def calls_on_import(module: Module) -> Iterator[Finding]:
    """A call that stands for its effect at the top of a module, or a decorator that hands a function to somebody."""
    for statement in module.tree.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield statement.lineno, ast.unparse(statement)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in statement.decorator_list:
                if isinstance(decorator, ast.Call) and _last_name(decorator.func) not in WRAPPERS:
                    yield decorator.lineno, ast.unparse(decorator)


def changed_globals(module: Module) -> Iterator[Finding]:
    """A function that changes a name of its module, or one that the module imported."""
    names = _module_names(module.tree)
    for function in functions(module):
        ours = names - _own_names(function.node)
        for node in ast.walk(function.node):
            if isinstance(node, ast.Global) or _changes(node) & ours:
                yield node.lineno, ast.unparse(node)


def reads_of_now(module: Module) -> Iterator[Finding]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in NOW and _last_name(node.func.value) in CLOCKS:
            yield node.lineno, ast.unparse(node)


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _module_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names |= {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        elif isinstance(statement, ast.ImportFrom):
            imported = {alias.asname or alias.name for alias in statement.names}
            names |= {name for name in imported if name.isupper()}  # others are modules, classes and functions
    return names


def _own_names(function: FunctionNode) -> set[str]:
    arguments = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return arguments | stored


def _changes(node: ast.AST) -> set[str]:
    """The plain names that this node changes in place."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        return _plain(node.func.value)
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
        return _plain(node.value)
    return set()


def _plain(node: ast.AST) -> set[str]:
    return {node.id} if isinstance(node, ast.Name) else set()
