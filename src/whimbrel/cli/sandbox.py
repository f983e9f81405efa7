"""The verbs `sandbox` and `simulator`; and the simulator as a process of its own, started by quickstart: found by the
first line that it prints, ended with us. Also when we are killed: the kernel then sends it SIGTERM, so that it writes
its log to the end and frees its ports.
"""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import msgspec
import typer

from whimbrel.cli.errors import SimulatorError
from whimbrel_sandbox import __main__ as program

_END_S = 5.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None)


class SimulatorAddress(msgspec.Struct, frozen=True):
    """Where a simulator listens."""

    smpp_host: str
    smpp_port: int
    http_url: str = ""


def smsc(context: typer.Context) -> None:
    """Run the SMSC simulator; `whimbrel simulator --help` lists its options."""
    sys.exit(program.main(context.args, "whimbrel simulator"))


def sandbox(context: typer.Context) -> None:
    """Run the SMSC simulator, or with `esme HOST:PORT` its client, which loads and misuses SMPP servers."""
    sys.exit(program.main(context.args, "whimbrel sandbox"))


@contextlib.contextmanager
def simulator(*, smpp_port: int, http_port: int, log: Path) -> Iterator[SimulatorAddress]:
    """A running simulator, ended when the block is left."""
    command = [sys.executable, "-m", "whimbrel_sandbox", "--smpp-port", str(smpp_port), "--http-port", str(http_port)]
    command += ["--log", str(log)]
    us = os.getpid()
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,  # Ctrl-C in the terminal is for us; we end it in order
            preexec_fn=lambda: _end_with(us),
        )
        try:
            yield _address(
                process, complaints, {"--simulator-smpp-port": smpp_port, "--simulator-http-port": http_port}
            )
        finally:
            _end(process)


def _end_with(parent: int) -> None:
    """In the child, before it becomes the simulator. The parent may be gone already."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)


def _address(process: "subprocess.Popen[bytes]", complaints: IO[bytes], ports: Mapping[str, int]) -> SimulatorAddress:
    """What it prints first. `ports`: what it shall listen on, by our own option for it."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if line:
        return msgspec.json.decode(line, type=SimulatorAddress)
    process.wait(_END_S)
    complaints.seek(0)
    said = complaints.read().decode("utf-8", "replace").strip() or "it ended at once"
    options = [option for option, port in ports.items() if port and re.search(rf"\b{port}\b", said)]
    if options:
        said += f"; name another port with {' or '.join(options)}, 0 takes a free one (`ss -ltnp` shows who has it)"
    raise SimulatorError(said)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
