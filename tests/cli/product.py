"""The product as a user has it: the command `whimbrel` in processes of its own, and plain HTTP to it. Every process is
ended by its own id when its block is left.
"""

import contextlib
import functools
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from typer.main import get_command
from typer.testing import CliRunner

from whimbrel.cli.main import app
from whimbrel.cli.verbs import VERBS, loaded

COMMAND = (sys.executable, "-m", "whimbrel")
ANY_PORTS = ("--port", "0", "--smpp-port", "0", "--simulator-smpp-port", "0", "--simulator-http-port", "0")
START_S = 90.0  # on a machine with much other work
END_S = 40.0


class Answer(NamedTuple):
    """An answer over HTTP, read whole."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The catalogue's code of a refusal."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        return str(self.json["code"])


def ask(method: str, url: str, body: Any = None, *, key: str = "", headers: dict[str, str] | None = None) -> Answer:
    """One request; refusals are answers too. `body`: octets as they are, anything else as JSON."""
    octets = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=octets, method=method, headers=headers or {})
    if octets is not None and not request.has_header("Content-type"):
        request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def until(look: Callable[[], Any], *, within_s: float = 30.0, what: str = "") -> Any:
    """What `look` gives once it gives something true; TimeoutError with `what` otherwise."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError(f"not within {within_s} s: {what or look}")


def environ(**more: str) -> dict[str, str]:
    """This process's environment without what would mean something to Whimbrel."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WHIMBREL_")} | more


class Done(NamedTuple):
    """A command that ended."""

    code: int
    out: str
    err: str


def whimbrel(*arguments: Any, env: dict[str, str] | None = None, cwd: Path | None = None, within_s: float = 60) -> Done:
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environ(**(env or {})),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=within_s,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def invoke(*arguments: Any, env: dict[str, str] | None = None, cwd: Path | None = None) -> Done:
    """The same inside this process, a second faster: where each verb has a test in a process of its own, for what else
    there is to say about it."""
    without: dict[str, str | None] = {name: None for name in os.environ if name.startswith("WHIMBREL_")}
    with contextlib.chdir(cwd or Path.cwd()):
        done = CliRunner().invoke(app, [*map(str, arguments)], env=without | (env or {}))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


@functools.cache
def command() -> Any:
    """`whimbrel` with all of its verbs and their options."""
    whole: Any = get_command(app)
    whole.commands = {verb.name: loaded(verb) for verb in VERBS}
    return whole


class Running:
    """A command that runs, and what it printed so far (both streams go to files, so that nothing blocks)."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path, err: Path) -> None:
        self.process = process
        self._out, self._err = out, err

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def wait_for(self, words: str, *, within_s: float = START_S) -> None:
        """Until standard output has these words; fails when the process ends before."""
        until(lambda: words in self.out or self.process.poll() is not None, within_s=within_s, what=words)
        assert words in self.out, self.err

    def rss_mib(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_s(self) -> float:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.process.wait(END_S)


@contextlib.contextmanager
def started(
    folder: Path, *command: Any, env: dict[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Running]:
    """A process whose output is kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    place = len(list(folder.glob("*.out")))
    out, err = folder / f"{place}.out", folder / f"{place}.err"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(
            [*map(str, command)], stdout=to_out, stderr=to_err, env=environ(**(env or {})), cwd=cwd
        )
    try:
        yield Running(process, out, err)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Node(Running):
    """A quickstart that is ready, with its credentials."""

    folder: Path
    given: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.given["http_url"])

    def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Answer:
        """A request with the account's live key; header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(method, self.url + path, body, key=self.given["api_key"] if key is None else key, headers=named)

    def get(self, path: str, **more: Any) -> Any:
        """The JSON of a GET that succeeds."""
        answer = self.ask("GET", path, **more)
        assert answer.status == 200, answer.body
        return answer.json

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every row of a list."""
        cursor = ""
        while cursor is not None:
            page = self.get(path + (f"&cursor={cursor}" if cursor else ""))
            yield from page["data"]
            cursor = page["next_cursor"]

    def events(self, types: str) -> Iterator[dict[str, Any]]:
        """Every event of these types so far."""
        cursor, page = "", self.get(f"/v1/events?types={types}&limit=1000")
        while page["next_cursor"] != cursor:
            yield from page["data"]
            cursor = page["next_cursor"]
            page = self.get(f"/v1/events?types={types}&limit=1000&after={cursor}")

    def bound(self) -> None:
        """Wait until its carriers are bound, which takes a moment more than to be ready."""

        def up() -> bool:
            carriers = self.get("/v1/carriers/health", key=self.given["operator_key"])["data"]
            return all(each["health"] and each["health"]["binds_up"] for each in carriers)

        until(up, what="all binds up")

    def simulator(self, path: str) -> Any:
        """The JSON of a GET at the simulator's control."""
        return ask("GET", self.given["simulator_http_url"] + path).json


@contextlib.contextmanager
def quickstart(folder: Path, *options: Any) -> Iterator[Node]:
    """`whimbrel quickstart` on free ports, with its data in `folder`/data."""
    data = folder / "data"
    with started(folder / "streams", *COMMAND, "quickstart", "--data", data, *ANY_PORTS, *options) as running:
        running.wait_for("Ctrl-C")
        node = Node(running.process, running._out, running._err)
        node.folder, node.given = data, json.loads((data / "credentials.json").read_text())
        yield node
