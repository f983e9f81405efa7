"""deploy/whimbrel.service: what systemd says about it, and that it fits the product."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.product import command
from tests.house.code import ROOT
from whimbrel import config, master_key
from whimbrel.base.limits import CONNECTIONS_MAX, SMPP_CONNECTIONS_MAX, STOP_DEADLINE_S

UNIT = ROOT / "deploy" / "whimbrel.service"
EXPOSURE_MAX = 2.0  # of ten; systemd calls what is under 2.0 "OK"


@pytest.fixture(scope="module")
def unit() -> dict[str, dict[str, list[str]]]:
    """Section, name and values: a name may stand more than once."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in UNIT.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found.setdefault(section, {}).setdefault(name, []).append(value)
    return found


def test_it_starts_what_there_is(unit):
    (line,) = unit["Service"]["ExecStart"]
    _, verb, option, file = line.split()
    serve = command().commands[verb]
    assert any(option in parameter.opts for parameter in serve.params)
    assert (ROOT / "deploy" / Path(file).name).exists(), "there is an example of the file that it reads"


def test_a_graceful_stop_has_its_time(unit):
    (seconds,) = unit["Service"]["TimeoutStopSec"]
    assert int(seconds) >= STOP_DEADLINE_S + 10
    assert unit["Service"]["KillMode"] == ["mixed"], "a second SIGTERM, as from a parent, would end a process at once"


def test_every_connection_has_its_file(unit):
    (files,) = unit["Service"]["LimitNOFILE"]
    assert int(files) > 2 * (CONNECTIONS_MAX + SMPP_CONNECTIONS_MAX)


def test_the_master_key_comes_by_the_name_that_is_looked_for(unit):
    (credential,) = unit["Service"]["LoadCredential"]
    assert credential.partition(":")[0] == master_key.FILE


def test_the_example_of_settings_can_be_used():
    settings = config.load(ROOT / "deploy" / "whimbrel.toml", {})
    assert not settings.is_sqlite
    assert "sslmode=verify-full" in settings.database


def verifiable(folder: Path) -> Path:
    """The unit with a program that is there on this machine."""
    copy = folder / UNIT.name
    copy.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text("utf-8")), "utf-8")
    return copy


@pytest.mark.ci
def test_systemd_finds_nothing_wrong(tmp_path):
    done = subprocess.run(["systemd-analyze", "verify", verifiable(tmp_path)], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert done.returncode == 0, done.stderr
    assert complaints == []


@pytest.mark.ci
def test_a_wrong_line_would_be_found(tmp_path):
    copy = verifiable(tmp_path)
    copy.write_text(copy.read_text("utf-8").replace("ProtectSystem=strict", "ProtectSystem=everything"), "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True)
    assert "ignoring: everything" in done.stderr


@pytest.mark.ci
def test_little_is_open_to_it(tmp_path):
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}"]
    done = subprocess.run([*command, verifiable(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout.splitlines()[-1:]


@pytest.mark.ci
def test_it_needs_no_memory_that_is_both_written_and_executed(tmp_path):
    """As under MemoryDenyWriteExecute=: PR_SET_MDWE is inherited by what is executed."""
    program = (
        "import ctypes, os, sys\n"
        "if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0): raise SystemExit(77)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'whimbrel', *sys.argv[1:]])\n"
    )
    toml = tmp_path / "whimbrel.toml"
    toml.write_text(f'[server]\ndata = "{tmp_path}/data"\n', "utf-8")
    for arguments in (("migrate", "apply"), ("key", "create", "operations")):
        command = [sys.executable, "-c", program, *arguments, "--config", toml]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 77:
            pytest.skip("this kernel does not know PR_SET_MDWE")
        assert done.returncode == 0, done.stderr
