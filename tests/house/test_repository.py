"""The repository as a stranger gets it: complete, of no machine in particular, and alike for everyone who installs."""

import os
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from .code import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
TARGETS = ("help", "setup", "run", "test", "ci", "check", "bench", "lock")

# What ties a file to one machine or to one place to download from. A fresh clone installs from wherever the user's own
# pip and npm are told to.
LOCAL = re.compile(
    r"(?<![\w.$}~-])/(?:work|root|home/\w+|Users/\w+|opt/wheels)/"
    r"|pypi\.(?:org|python\.org)|pythonhosted\.org|registry\.npmjs\.org|npmmirror|proxy\.golang\.org"
    r"|--(?:extra-)?index-url[= ]|--find-links[= ]|--trusted-host|\"resolved\": *\"https?:"
)
SELF = "tests/house/test_repository.py"


@cache
def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def repository_files() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def locked(name: str) -> dict[str, Version]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    return {package.lower(): Version(version) for package, version in found}


def wanted(groups: tuple[str, ...]) -> list[Requirement]:
    lines = list(pyproject()["project"]["dependencies"])
    for group in groups:
        lines += pyproject()["dependency-groups"][group]
    return [Requirement(line) for line in lines]


def test_no_file_names_one_machine_or_one_registry():
    wrong = []
    for name in repository_files():
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        wrong += [f"{name}: {match.group()}" for match in LOCAL.finditer(text) if name != SELF]
    assert wrong == []


@pytest.mark.parametrize(
    "text", ["see /work/x", "https://pypi.org/simple", '"resolved": "https://x"', "open('/root/.cfg')"]
)
def test_local_names_are_seen(text):
    assert LOCAL.search(text)


@pytest.mark.parametrize("text", ["docs/work/x", "https://example.com/root/a", "~/work/", "$HOME/root/"])
def test_ordinary_paths_are_not(text):
    assert not LOCAL.search(text)


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_its_hashes(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(blocks) > 20
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text


@pytest.mark.parametrize(("name", "groups"), [(LOCKS[0], ("build",)), (LOCKS[1], ("build", "dev"))])
def test_the_lock_holds_what_pyproject_asks_for(name, groups):
    versions = locked(name)
    missing = [
        str(requirement)
        for requirement in wanted(groups)
        if not requirement.specifier.contains(versions.get(requirement.name.lower(), Version("0")))
    ]
    assert missing == [], "run `make lock`"


def test_both_locks_hold_the_same_versions():
    runtime, dev = (locked(name) for name in LOCKS)
    assert {package: dev.get(package) for package in runtime} == runtime


def test_the_licence_is_the_whole_of_apache_2():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert pyproject()["project"]["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_changelog_tells_of_this_version_and_of_what_comes():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[?([^\]\s]+)", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert pyproject()["project"]["version"] in headings


def test_make_has_the_targets_that_stay_from_release_to_release():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [target for target in TARGETS if f"make {target} " not in done.stdout] == []


@pytest.mark.parametrize("script", ["run", "packages", "preflight"])
def test_the_scripts_of_ci_can_be_run(script):
    path = ROOT / ".ci" / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        ("git", "apt-get install git"),
        ("python3", "apt-get install python3 python3-venv"),
        ("venv", "apt-get install python3-venv"),
        ("old", "apt-get install python3.11 python3.11-venv"),
    ],
)
def test_what_is_missing_is_said_in_the_name_of_its_package(tmp_path, broken, word):
    """A PATH in which only the named thing is missing; `old` and `venv` are Pythons that say so themselves."""
    programs = {"git": "exit 0", "python3": "exit 0"}
    programs.pop(broken, None)
    if broken == "venv":
        programs["python3"] = 'case "$2" in *ensurepip*) exit 1;; esac'
    if broken == "old":
        programs["python3"] = 'case "$2" in *version_info*) exit 1;; esac'
    for name, body in programs.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    command = ["/bin/sh", str(ROOT / ".ci" / "preflight")]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert word in done.stderr
    assert not Path(tmp_path / ".venv").exists()
