"""One scenario on a fresh installation: what is started, offered, waited for and counted."""

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from bench.load import Plan, Result
from bench.processes import Running, credentials, first_line, get, post, started, yardstick_ms

_SETTLE_S = 90.0


class Scenario(msgspec.Struct, frozen=True):
    """What is measured."""

    name: str
    messages: int
    batch: int = 1
    connections: int = 50
    receipts: bool = True
    webhook: bool = False
    latency_ms: float = 0.0
    half_of: str = ""  # offer half of the rate that this scenario reached
    processes: int = 0  # of `serve`, on what quickstart has made; 0: quickstart itself


SCENARIOS = (
    Scenario("single", 20_000, receipts=False),
    Scenario("single+receipt+webhook", 20_000, webhook=True),
    Scenario("single+receipt", 20_000),
    Scenario("batch", 50_000, batch=1000, connections=2, receipts=False),
    Scenario("batch+receipt", 50_000, batch=1000, connections=2),
    Scenario("batch, carrier 40 ms", 20_000, batch=1000, connections=2, latency_ms=40),
    Scenario("single, half of the peak", 10_000, receipts=False, half_of="single"),
)


class Measured(msgspec.Struct, frozen=True):
    """What came out."""

    scenario: str
    messages: int
    accepted_per_s: float
    submitted_per_s: float
    webhooks_per_s: float
    accept_p50_ms: float
    accept_p99_ms: float
    whimbrel_us: float
    others_us: dict[str, float]
    rss_mib: float
    yardstick_ms: float  # CPU time of a fixed piece of Python just before: compare runs by their ratio to it
    complete: bool


class Costly(Protocol):
    """What takes CPU time, by a name."""

    @property
    def name(self) -> str: ...

    def cpu_s(self) -> float: ...


class Installation(msgspec.Struct, frozen=True):
    """A fresh product with its simulator and sink."""

    node: Running
    simulator: Running
    sink: Running
    url: str
    key: str
    simulator_url: str
    sink_url: str


@contextlib.contextmanager
def installation(scenario: Scenario, folder: Path, database: str) -> Iterator[Installation]:
    """Start everything fresh; the data folder is the scenario's own."""
    simulating = ["-m", "whimbrel_sandbox", "--smpp-port", "0", "--http-port", "0", "--log", "counts"]
    simulating += ["--response-latency-ms", str(scenario.latency_ms), "--receipt-share", str(int(scenario.receipts))]
    with started("simulator", *simulating) as simulator, started("sink", "-m", "bench.sink") as sink:
        address = json.loads(first_line(simulator))
        sink_url = f"http://127.0.0.1:{first_line(sink)}/"
        smsc = f"{address['smpp_host']}:{address['smpp_port']}"
        running = [
            "-m",
            "whimbrel",
            "quickstart",
            "--data",
            str(folder),
            "--port",
            "0",
            "--smpp-port",
            "0",
            "--simulator",
            smsc,
            *(("--database", database) if database else ()),
        ]
        with _node(scenario.processes, folder, running, database) as (node, url, key):
            if scenario.webhook:
                post(f"{url}/v1/webhooks", key, {"url": sink_url, "events": ["message.delivered"]})
            _warm_up(url, key, address["http_url"])
            yield Installation(node, simulator, sink, url, key, address["http_url"], sink_url)


@contextlib.contextmanager
def _node(processes: int, folder: Path, quickstart: list[str], database: str) -> Iterator[tuple[Running, str, str]]:
    """What is measured, its URL and an API key."""
    with started("whimbrel", *quickstart) as node:
        found = credentials(folder)
        if not processes:
            yield node, found["http_url"], found["api_key"]
            return
    port = _free_port()
    environ = {
        "WHIMBREL_DATABASE": database or "sqlite:///whimbrel.db",
        "WHIMBREL_PROCESSES": str(processes),
        "WHIMBREL_SERVER__DATA": str(folder),
        "WHIMBREL_SERVER__PORT": str(port),
        "WHIMBREL_SMPP__PORT": "0",
        "WHIMBREL_WEBHOOKS__ALLOW_HTTP": "true",
        "WHIMBREL_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with started("whimbrel", "-m", "whimbrel", "serve", environ=environ) as node:
        url = f"http://127.0.0.1:{port}"
        _wait(lambda: _is_ready(url))
        yield node, url, found["api_key"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(url: str) -> bool:
    with contextlib.suppress(OSError):
        get(f"{url}/readyz")
        return True
    return False


class Part(msgspec.Struct, frozen=True):
    """One of several processes, by what `/metrics` says of it."""

    url: str
    process: str

    @property
    def name(self) -> str:
        return f"({self.process})"

    def cpu_s(self) -> float:
        start = f'process_cpu_seconds_total{{process="{self.process}"}} '
        return next(
            float(line.removeprefix(start))
            for line in get(f"{self.url}/metrics").splitlines()
            if line.startswith(start)
        )


def parts(scenario: Scenario, url: str, database: str) -> list[Part]:
    """The processes of which `whimbrel` is the sum, without the supervisor."""
    if scenario.processes < 2:
        return []
    names = [str(number) for number in range(1, scenario.processes + 1)]
    return [Part(url, name) for name in (names if database else [*names, "store"])]


def _warm_up(url: str, key: str, simulator_url: str) -> None:
    body = {"messages": [{"to": f"+4479{12_000_000 + i:08d}", "text": "warm"} for i in range(500)]}
    before = _submits(simulator_url)
    post(f"{url}/v1/messages/batch", key, body)
    _wait(lambda: _submits(simulator_url) - before >= 500)
    time.sleep(1.0)


def _submits(simulator_url: str) -> int:
    counts = json.loads(get(f"{simulator_url}/counts"))
    return int(counts["submits"])


def _wait(done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(0.02)
    return False


def measure(
    scenario: Scenario,
    rates: dict[str, float],
    database: str = "",
    beside: Sequence[Costly] = (),
) -> Measured:
    """One scenario on a fresh installation. `database`: a PostgreSQL instead of a file; `beside`: what else is to be
    counted."""
    with (
        tempfile.TemporaryDirectory(prefix="whimbrel-bench-") as name,
        installation(scenario, Path(name), database) as its,
    ):
        host, _, port = its.url.removeprefix("http://").partition(":")
        plan = Plan(
            host=host,
            port=int(port),
            key=its.key,
            messages=scenario.messages,
            batch=scenario.batch,
            connections=scenario.connections,
            rate_per_s=rates.get(scenario.half_of, 0.0) / 2,
        )
        yardstick = yardstick_ms()
        processes: list[Costly] = [its.node, *parts(scenario, its.url, database), its.simulator, its.sink, *beside]
        before = {each.name: each.cpu_s() for each in processes}
        submits, hooks = _submits(its.simulator_url), int(get(its.sink_url))
        began = time.monotonic()
        result = _load(plan)
        complete = _wait(lambda: _submits(its.simulator_url) - submits >= scenario.messages)
        submitted_s = time.monotonic() - began
        if scenario.webhook:
            complete &= _wait(lambda: int(get(its.sink_url)) - hooks >= scenario.messages)
        hooked_s = time.monotonic() - began
        if scenario.receipts:
            complete &= _wait(lambda: _receipts_answered(its.simulator_url) >= submits + scenario.messages)
        cpu = {each.name: (each.cpu_s() - before[each.name]) * 1e6 / scenario.messages for each in processes}
        rates[scenario.name] = result.accepted / result.seconds
        return Measured(
            scenario=scenario.name,
            messages=scenario.messages,
            accepted_per_s=result.accepted / result.seconds,
            submitted_per_s=scenario.messages / submitted_s,
            webhooks_per_s=scenario.messages / hooked_s if scenario.webhook else 0.0,
            accept_p50_ms=result.p50_ms,
            accept_p99_ms=result.p99_ms,
            whimbrel_us=cpu.pop("whimbrel"),
            others_us=cpu,
            rss_mib=its.node.rss_mib(),
            yardstick_ms=yardstick,
            complete=complete and result.accepted == scenario.messages,
        )


def _receipts_answered(simulator_url: str) -> int:
    return int(json.loads(get(f"{simulator_url}/counts"))["receipts_answered"])


def _load(plan: Plan) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", msgspec.json.encode(plan).decode()],
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    return msgspec.json.decode(done.stdout, type=Result)


HEAD = (
    f"{'scenario':<26} {'accept/s':>8} {'submit/s':>8} {'hooks/s':>8} {'p50 ms':>8} {'p99 ms':>8} "
    f"{'CPU µs':>8} {'MiB':>6} {'yard':>6}  CPU µs of the others"
)


def row(measured: Measured) -> str:
    """A line of the table."""
    m = measured
    others = " ".join(f"{name} {us:.0f}" for name, us in m.others_us.items())
    columns = (
        f"{m.scenario:<26}",
        f"{m.accepted_per_s:>8,.0f}",
        f"{m.submitted_per_s:>8,.0f}",
        f"{m.webhooks_per_s:>8,.0f}",
        f"{m.accept_p50_ms:>8.1f}",
        f"{m.accept_p99_ms:>8.1f}",
        f"{m.whimbrel_us:>8.0f}",
        f"{m.rss_mib:>6.0f}",
        f"{m.yardstick_ms:>6.0f}",
        f" {others}",
    )
    return " ".join(columns) + ("" if m.complete else "  INCOMPLETE")
