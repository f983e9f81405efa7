"""The layers: import-linter's contracts hold, and so does what an import graph cannot say."""

import subprocess
import sys
from pathlib import Path

import pytest

from . import code, purity

# What is pure inside a library whose other parts are not: import-linter sees libraries as wholes.
IMPURE_PARTS = ("urllib.request", "http.client", "http.server", "concurrent.futures", "multiprocessing")


def test_import_linter_keeps_every_contract():
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache"], cwd=code.ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-6000:]


def found(check) -> list[str]:
    return [f"{module.path}:{line} {what}" for module in code.modules() for line, what in check(module)]


def test_imports_stand_at_the_head_of_a_module():
    assert found(purity.late_imports) == []


def test_importing_a_module_runs_nothing_and_registers_nothing():
    """The command line is apart: typer takes commands by decorator, and nothing imports `cli`."""
    assert [place for place in found(purity.calls_on_import) if not place.startswith("src/whimbrel/cli/")] == []


def test_no_module_holds_state_that_changes():
    assert found(purity.changed_globals) == []


def test_codec_and_domain_read_no_clock_and_no_network():
    wrong = [
        f"{module.path}:{line} {name}"
        for module in code.modules()
        if module.package in ("codec", "domain")
        for line, name in code.imports(module.tree)
        if name in IMPURE_PARTS
    ]
    assert wrong == []
    pure = [module for module in code.modules() if module.package in ("codec", "domain")]
    assert [f"{module.path}:{line}" for module in pure for line, _ in purity.reads_of_now(module)] == []


def test_only_base_clock_asks_what_time_it_is():
    modules = [module for module in code.modules() if module.path != "src/whimbrel/base/clock.py"]
    assert [f"{module.path}:{line} {what}" for module in modules for line, what in purity.reads_of_now(module)] == []


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (purity.late_imports, "def f():\n    import os\n"),
        (purity.calls_on_import, "register(f)\n"),
        (purity.calls_on_import, "@app.get('/')\ndef f(): ...\n"),
        (purity.changed_globals, "_seen = {}\ndef f(x):\n    _seen[x] = 1\n"),
        (purity.changed_globals, "_seen = []\ndef f(x):\n    _seen.append(x)\n"),
        (purity.changed_globals, "_count = 0\ndef f():\n    global _count\n    _count += 1\n"),
        (purity.changed_globals, "from a import SEEN\ndef f(x):\n    SEEN.add(x)\n"),
        (purity.reads_of_now, "import datetime\ndef f():\n    return datetime.datetime.now()\n"),
        (purity.reads_of_now, "import time\ndef f():\n    return time.monotonic()\n"),
    ],
)
def test_each_check_sees_what_it_is_for(check, text):
    assert len(list(check(code.parse(text)))) == 1


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (purity.late_imports, "import os\nif x:\n    import y\n"),
        (purity.calls_on_import, "X = frozenset({1})\nif __name__ == '__main__':\n    main()\n"),
        (purity.calls_on_import, "@dataclass(frozen=True)\nclass A: ...\n@cache\ndef f(): ...\n"),
        (purity.changed_globals, "TABLE = {}\ndef f(x):\n    TABLE = {}\n    TABLE[x] = 1\n    return TABLE\n"),
        (purity.changed_globals, "TABLE = {}\nclass A:\n    def f(self, x):\n        self.TABLE[x] = 1\n"),
        (purity.reads_of_now, "def f(clock):\n    return clock.now_us()\n"),
    ],
)
def test_no_check_sees_what_is_not_there(check, text):
    assert list(check(code.parse(text))) == []
