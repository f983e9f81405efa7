"""Sizes and docstrings: what a reader can hold in mind at once. A table of data may be longer, by name and with its
reason."""

import ast
from statistics import quantiles

import pytest

from . import code

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
NESTING_MAX = 3
PARAGRAPH_CHARACTERS = 60

# Tables of data: path and why it is one piece.
LONG_FILES: dict[str, str] = {}


def test_no_file_is_too_long():
    long = {module.path: module.lines for module in code.modules() if module.lines > FILE_LINES_MAX}
    assert {path: lines for path, lines in long.items() if path not in LONG_FILES} == {}


def test_no_exemption_has_outlived_its_file():
    lines = {module.path: module.lines for module in code.modules()}
    assert [path for path in LONG_FILES if lines.get(path, 0) <= FILE_LINES_MAX] == []


def test_no_function_is_too_long():
    every = [function for module in code.modules() for function in code.functions(module)]
    assert [function.place for function in every if function.lines > FUNCTION_LINES_MAX] == []


def test_no_function_nests_too_deep():
    every = [function for module in code.modules() for function in code.functions(module)]
    assert [function.place for function in every if code.nesting(function.node) > NESTING_MAX] == []


def test_functions_are_short_as_a_rule():
    """Single long functions have reasons; a long ninth decile means that the habit is gone."""
    sizes = [function.lines for module in code.modules() for function in code.functions(module)]
    assert quantiles(sizes, n=10)[8] <= 25


def test_every_module_says_what_it_holds():
    assert [module.path for module in code.modules() if not ast.get_docstring(module.tree)] == []


def test_every_folder_says_what_it_is_for():
    folders = [module for module in code.modules() if module.path.endswith("__init__.py")]
    assert len(folders) > 10
    short = [folder.path for folder in folders if len(ast.get_docstring(folder.tree) or "") < PARAGRAPH_CHARACTERS]
    assert short == []


def test_no_work_is_left_for_later():
    """A note of unfinished work belongs to the tracker, a stub to nobody."""
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")
    texts = {module.path: (code.ROOT / module.path).read_text(encoding="utf-8") for module in code.modules()}
    assert [(path, mark) for path, text in texts.items() for mark in marks if mark in text] == []


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("def f():\n    pass\n", 0),
        ("def f():\n    if a:\n        pass\n    elif b:\n        pass\n    elif c:\n        pass\n", 1),
        ("def f():\n    for a in b:\n        if a:\n            while c:\n                pass\n", 3),
        ("def f():\n    if a:\n        def g():\n            if b:\n                pass\n", 1),
    ],
)
def test_nesting_is_counted_as_a_reader_counts(text, depth):
    module = code.parse(text)
    assert code.nesting(next(code.functions(module)).node) == depth
