"""The link and the codec alone: one bind, the simulator in another process, receipts coming back; no journey, no store.
`python -m bench smpp [--messages N]`; results also go to bench/results/ as JSON.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

import msgspec

from bench.processes import first_line, started, write_results, yardstick_ms
from bench.smpp_load import Plan, Result

_LIMIT_S = 300.0


class Scenario(msgspec.Struct, frozen=True):
    """What is measured: how the simulator answers, and which loop we run on (the product's is uvloop)."""

    name: str
    loop: str = "uvloop"
    receipts: bool = True
    window: int = 100
    simulator: tuple[str, ...] = ()
    share: float = 1.0  # of the messages


class Measured(msgspec.Struct, frozen=True):
    """What came out. An exchange is a PDU and its response, whichever way."""

    scenario: str
    messages: int
    submits_per_s: float
    exchange_us: float
    exchange_user_us: float
    simulator_us: float  # of a message
    submits_per_read: float
    yardstick_ms: float
    complete: bool


_SCATTERED = ("--scenario", "responses_shuffled=10", "--receipt-jitter-ms", "50")
SCENARIOS = (
    Scenario("one bind, window 100"),
    Scenario("the same, answers scattered over 10 ms", simulator=_SCATTERED, share=0.5),
    Scenario("the same on asyncio's own loop", loop="asyncio"),
    Scenario("no receipts", receipts=False),
    Scenario("window 1: a text and its answer at a time", window=1, share=0.2),
)


def measure(scenario: Scenario, messages: int) -> Measured:
    """One scenario against a fresh simulator."""
    simulating = ["-m", "whimbrel_sandbox", "--smpp-port", "0", "--http-port", "0", "--log", "counts"]
    with started("simulator", *simulating, *scenario.simulator) as simulator:
        address = json.loads(first_line(simulator))
        plan = Plan(
            host=address["smpp_host"],
            port=address["smpp_port"],
            messages=int(messages * scenario.share),
            receipts=scenario.receipts,
            window=scenario.window,
            loop=scenario.loop,
        )
        yardstick = yardstick_ms()
        before = simulator.cpu_s()
        result = _load(plan)
        others = (simulator.cpu_s() - before) * 1e6 / (plan.messages + plan.warm_up)
    exchanges = result.submits + result.refused + result.receipts
    return Measured(
        scenario=scenario.name,
        messages=plan.messages,
        submits_per_s=result.submits / result.seconds,
        exchange_us=result.cpu_s * 1e6 / exchanges,
        exchange_user_us=result.cpu_user_s * 1e6 / exchanges,
        simulator_us=others,
        submits_per_read=result.submits / max(1, result.reads),
        yardstick_ms=yardstick,
        complete=result.submits == plan.messages and result.receipts == plan.messages * plan.receipts,
    )


def _load(plan: Plan) -> Result:
    command = [sys.executable, "-m", "bench.smpp_load", msgspec.json.encode(plan).decode()]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_LIMIT_S)
    return msgspec.json.decode(done.stdout, type=Result)


def _row(m: Measured) -> str:
    unfinished = "" if m.complete else "  INCOMPLETE"
    return (
        f"{m.scenario:<40} {m.submits_per_s:>9,.0f} {m.exchange_us:>11.1f} {m.exchange_user_us:>9.1f} "
        f"{m.submits_per_read:>11.1f} {m.simulator_us:>12.1f} {m.yardstick_ms:>6.0f}{unfinished}"
    )


def main(arguments: list[str]) -> int:
    """Run all scenarios; 1 when one was not complete."""
    parser = argparse.ArgumentParser(prog="python -m bench smpp", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="messages of each scenario")
    chosen = parser.parse_args(arguments)
    print(
        f"{'scenario':<40} {'submits/s':>9} {'µs/exchange':>11} {'user part':>9} {'submits/read':>11} "
        f"{'simulator µs':>12} {'yard':>6}"
    )
    measured: list[Measured] = []
    for scenario in SCENARIOS:
        measured.append(measure(scenario, chosen.messages))
        print(_row(measured[-1]), flush=True)
    results: list[dict[str, Any]] = [msgspec.to_builtins(each) for each in measured]
    print(f"written to {write_results('smpp-', results)}")
    return 0 if all(each.complete for each in measured) else 1
