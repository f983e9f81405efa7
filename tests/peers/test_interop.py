"""`make interop`: peers that we did not write, as customers and as carriers. Installs them, so it is a long test."""

import subprocess
import sys

import pytest

from tests.house.code import ROOT

WITHIN_S = 1200


@pytest.mark.ci
def test_every_peer_does_what_it_was_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "interop", "--no-page"], cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S
    )
    told = done.stdout.splitlines()
    assert not [line for line in told if " NO " in line], done.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    assert len({tuple(line.split()[:2]) for line in told}) >= 13, "peers times roles"
