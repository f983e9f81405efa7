"""Every test that runs an installation runs it on both databases."""

from pathlib import Path

import pytest

from tests.journey import rig


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of modules that use the rig are made for each dialect, unless they say themselves for which."""
    if _says_which(metafunc):
        return
    if any(getattr(thing, "__module__", "") == rig.__name__ for thing in vars(metafunc.module).values()):
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def _says_which(metafunc: pytest.Metafunc) -> bool:
    names = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    return any("database" in each for each in names)


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Where the installations in this test's folder keep their state."""
    if getattr(request, "param", "") == "postgresql":
        (tmp_path / rig.POSTGRES).write_text(request.getfixturevalue("postgres"))
