"""The processes of a benchmark: started, measured (CPU from /proc, memory), ended by their own id."""

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_START_S = 30.0
_RESULTS = Path(__file__).parent / "results"


class Running(msgspec.Struct, frozen=True):
    """A process and its name in the tables."""

    name: str
    process: "subprocess.Popen[bytes]"

    def _family(self) -> list[int]:
        """Itself and the processes that it started, such as those of `serve --processes`."""
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def cpu_s(self) -> float:
        """User and system time of all threads of it and of the processes that it started so far."""
        rows = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._family()]
        return sum(int(fields[11]) + int(fields[12]) for fields in rows) * _TICK_S

    def rss_mib(self) -> float:
        """Resident memory of the same now."""
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self._family()]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextlib.contextmanager
def started(name: str, *command: str, environ: dict[str, str] | None = None) -> Iterator[Running]:
    """A process that is ended when the block is left."""
    process = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **(environ or {})},
    )
    try:
        yield Running(name, process)
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def first_line(running: Running) -> str:
    """The first line that a process prints."""
    assert running.process.stdout is not None
    return running.process.stdout.readline().decode().strip()


def tell(running: Running, line: str) -> None:
    """Write a line to a process."""
    assert running.process.stdin is not None
    running.process.stdin.write(line.encode() + b"\n")
    running.process.stdin.flush()


def credentials(folder: Path) -> dict[str, Any]:
    """credentials.json once the node is ready."""
    path = folder / "credentials.json"
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads(path.read_text())
            get(f"{found['http_url']}/readyz")
            return found
        time.sleep(0.05)
    raise TimeoutError(f"the node did not become ready; see {folder}/whimbrel.log")


def get(url: str, key: str = "") -> str:
    """A GET's body."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        body: bytes = answer.read()
        return body.decode()


def post(url: str, key: str, body: Any, method: str = "POST", account: str = "") -> Any:
    """A JSON POST's answer; an operator's key names the account."""
    request = urllib.request.Request(
        url,
        data=msgspec.json.encode(body),
        method=method,
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            **({"X-Account-Id": account} if account else {}),
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        octets: bytes = answer.read()
        return msgspec.json.decode(octets) if octets else None


def yardstick_ms() -> float:
    """How fast this machine is just now: shared machines differ by a factor of two from one minute to the next."""
    began = time.thread_time()
    total = 0
    for number in range(500_000):
        total += number & 7
    return (time.thread_time() - began) * 1000


def write_results(name: str, results: Any) -> Path:
    """Write them as JSON to bench/results, with the machine and the moment; the file's path."""
    _RESULTS.mkdir(exist_ok=True)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "at": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
    path = _RESULTS / f"{name}{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": machine, "results": results})))
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
