"""Many binds that do nothing: what they cost while they are up. `python -m bench idle [--seconds N]`; results also go
to bench/results/ as JSON.

Towards carriers the product asks every 30 seconds of silence whether they live, and is answered; customers ask the
product. Nothing else happens. The same node just before, without those binds, is what the share of a core is to be
compared with.
"""

import argparse
import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from bench.idle_customers import Login, Plan, Result
from bench.processes import Running, credentials, first_line, get, post, started, tell, write_results, yardstick_ms

_BINDS = 200
_BINDS_OF_A_CARRIER = 50
_CUSTOMERS = 1000
_CUSTOMERS_OF_AN_ACCOUNT = 100
_CARRIERS_SHARE_MAX = 0.02
_UP_S = 60.0
_CALM_S = 5.0  # after the last bind, before anything is measured


class Measured(msgspec.Struct, frozen=True):
    """What came out: `share` of one core while nothing happened, memory, and the CPU and time until all were up."""

    name: str
    binds: int
    seconds: float
    share: float
    rss_mib: float
    up_s: float = 0.0
    up_cpu_s: float = 0.0
    yardstick_ms: float = 0.0


class Node(msgspec.Struct, frozen=True):
    """A fresh product with its simulator."""

    running: Running
    simulator: Running
    url: str
    operator_key: str
    smsc: tuple[str, int]
    found: dict[str, Any]


@contextlib.contextmanager
def node() -> Iterator[Node]:
    """The simulator asks nobody whether they live, so that it is us who ask."""
    simulating = ["-m", "whimbrel_sandbox", "--smpp-port", "0", "--http-port", "0", "--log", "counts"]
    simulating += ["--enquire-link-ms", "0"]
    with (
        tempfile.TemporaryDirectory(prefix="whimbrel-idle-") as folder,
        started("simulator", *simulating) as simulator,
    ):
        address = json.loads(first_line(simulator))
        smsc = (address["smpp_host"], address["smpp_port"])
        simulated = f"{smsc[0]}:{smsc[1]}"
        running = [
            "-m",
            "whimbrel",
            "quickstart",
            "--data",
            folder,
            "--port",
            "0",
            "--smpp-port",
            "0",
            "--simulator",
            simulated,
        ]
        with started("whimbrel", *running) as process:
            found = credentials(Path(folder))
            yield Node(process, simulator, found["http_url"], found["operator_key"], smsc, found)


def carriers(seconds: float) -> list[Measured]:
    """One bind, then two hundred."""
    with node() as its:
        time.sleep(_CALM_S)
        alone = watch(its.running, "carriers, one bind", 1, seconds / 2)
        began, cpu = time.monotonic(), its.running.cpu_s()
        for number in range(_BINDS // _BINDS_OF_A_CARRIER):
            host, port = its.smsc
            settings = {"host": host, "port": port, "system_id": f"idle{number}", "binds": _BINDS_OF_A_CARRIER}
            post(f"{its.url}/v1/carriers", its.operator_key, {"name": f"Idle {number}", "settings": settings})
        until(lambda: _binds_up(its) > _BINDS, "all binds of the carriers")
        up_s, up_cpu_s = time.monotonic() - began, its.running.cpu_s() - cpu
        time.sleep(_CALM_S)
        many = watch(its.running, "carriers, 200 binds more", _BINDS + 1, seconds)
        return [alone, msgspec.structs.replace(many, up_s=up_s, up_cpu_s=up_cpu_s)]


def customers(seconds: float) -> list[Measured]:
    """A thousand customers with a credential each: their first bind, which verifies a password; the binds held; and
    everybody at once again, when the passwords are known."""
    with node() as its, started("customers", "-m", "bench.idle_customers") as others:
        logins = [login for number in range(_CUSTOMERS // _CUSTOMERS_OF_AN_ACCOUNT) for login in _logins(its, number)]
        time.sleep(_CALM_S)
        alone = watch(its.running, "customers, none", 0, seconds / 2)
        host, port = its.found["smpp_host"], its.found["smpp_port"]
        plan = msgspec.json.encode(Plan(host, port, logins)).decode()
        first = _storm(its.running, others, plan, "customers, first binds")
        time.sleep(_CALM_S)
        held = watch(its.running, "customers, 1,000 binds held", first.binds, seconds)
        again = _storm(its.running, others, "again", "customers, all bind again")
        return [alone, first, held, again]


def _logins(its: Node, number: int) -> list[Login]:
    account = post(f"{its.url}/v1/accounts", its.operator_key, {"name": f"Customer {number}"})["id"]
    made: list[Login] = []
    for place in range(_CUSTOMERS_OF_AN_ACCOUNT):
        found = post(f"{its.url}/v1/smpp-credentials", its.operator_key, {"name": f"{place}"}, account=account)
        made.append(Login(found["system_id"], found["password"]))
    return made


def _storm(running: Running, others: Running, line: str, name: str) -> Measured:
    """Everybody binds at once; the time until the last one was up, and what it took us."""
    yardstick = yardstick_ms()
    began, cpu = time.monotonic(), running.cpu_s()
    tell(others, line)
    result = msgspec.json.decode(first_line(others), type=Result)
    passed, used = time.monotonic() - began, running.cpu_s() - cpu
    note = f"{name} ({result.again} came again)" if result.again else name
    return Measured(
        note, result.up, passed, used / passed, running.rss_mib(), result.seconds, used, yardstick_ms=yardstick
    )


def _binds_up(its: Node) -> int:
    health = json.loads(get(f"{its.url}/v1/carriers/health", its.operator_key))
    return sum(each["health"]["binds_up"] for each in health["data"] if each["health"])


def watch(running: Running, name: str, binds: int, seconds: float) -> Measured:
    """What the process takes while nobody asks it for anything."""
    yardstick = yardstick_ms()
    began, cpu = time.monotonic(), running.cpu_s()
    time.sleep(seconds)
    passed = time.monotonic() - began
    share = (running.cpu_s() - cpu) / passed
    return Measured(name, binds, passed, share, running.rss_mib(), yardstick_ms=yardstick)


def until(done: Callable[[], bool], what: str) -> None:
    """Wait for a condition; TimeoutError with its name."""
    deadline = time.monotonic() + _UP_S
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {_UP_S:.0f} s: {what}")
        time.sleep(0.05)


def _row(m: Measured) -> str:
    return (
        f"{m.name:<40} {m.binds:>6} {m.seconds:>6.0f} {m.share * 100:>9.2f} {m.rss_mib:>6.0f} "
        f"{m.up_s:>8.2f} {m.up_cpu_s:>9.2f} {m.yardstick_ms:>6.0f}"
    )


def main(arguments: list[str]) -> int:
    """Measure; 1 when idle binds take more than they may."""
    parser = argparse.ArgumentParser(prog="python -m bench idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=90.0, help="how long idle binds are watched")
    chosen = parser.parse_args(arguments)
    print(f"{'what':<40} {'binds':>6} {'s':>6} {'% of core':>9} {'MiB':>6} {'up in s':>8} {'its CPU s':>9} {'yard':>6}")
    measured: list[Measured] = []
    for measure in (carriers, customers):
        found = measure(chosen.seconds)
        for each in found:
            print(_row(each), flush=True)
        measured += found
    print(f"written to {write_results('idle-', measured)}")
    alone, many, *_, last = measured
    return 0 if many.share - alone.share < _CARRIERS_SHARE_MAX and last.binds == _CUSTOMERS else 1
