"""The simulator as a process of its own, started by quickstart: found by the first line that it prints, ended with
us.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

_END_S = 5.0


class SimulatorAddress(msgspec.Struct, frozen=True):
    """Where a simulator listens."""

    smpp_host: str
    smpp_port: int
    http_url: str = ""


class SimulatorError(Exception):
    """The simulator did not start; the message says why."""


@contextlib.contextmanager
def simulator(*, smpp_port: int, http_port: int, log: Path, seed: int = 0) -> Iterator[SimulatorAddress]:
    """A running simulator, ended when the block is left."""
    command = [sys.executable, "-m", "whimbrel_sandbox", "--smpp-port", str(smpp_port), "--http-port", str(http_port)]
    command += ["--log", str(log)] + (["--seed", str(seed)] if seed else [])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        yield _address(process)
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _address(process: "subprocess.Popen[bytes]") -> SimulatorAddress:
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    if not line:
        raise SimulatorError(process.stderr.read().decode("utf-8", "replace").strip() or "it ended at once")
    return msgspec.json.decode(line, type=SimulatorAddress)
