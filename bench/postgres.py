"""`python -m bench.postgres [scenario …]`: the scenarios on PostgreSQL, and what they cost its server. The server is
the wheel's, durable, on this machine: it takes its share of the same cores.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

import msgspec
from tests.pg import Server, make_template

from bench.processes import write_results
from bench.scenario import HEAD, SCENARIOS, Measured, measure, row

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Cost(msgspec.Struct, frozen=True):
    """All processes of a server that runs from a data folder, those that have ended included."""

    data: str
    name: str = "postgres"

    def cpu_s(self) -> float:
        postmaster = Path(self.data, "postmaster.pid").read_text().split("\n", 1)[0]
        ended = sum(_times(postmaster)[2:])
        running = [pid for pid in os.listdir("/proc") if pid.isdigit() and _parent(pid) == postmaster]
        return (ended + sum(sum(_times(pid)[:2]) for pid in [postmaster, *running])) * _TICK_S


def _fields(pid: str) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _times(pid: str) -> list[int]:
    """User and system time of a process, then of its children that have ended."""
    try:
        return [int(field) for field in _fields(pid)[11:15]]
    except OSError:
        return [0, 0, 0, 0]


def _parent(pid: str) -> str:
    try:
        return _fields(pid)[1]
    except OSError:
        return ""


def main() -> int:
    """Each scenario has a cluster of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench.postgres", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names, or the beginning of names")
    chosen = parser.parse_args()
    print(HEAD)
    rates: dict[str, float] = {}
    measured: list[Measured] = []
    for scenario in SCENARIOS:
        wanted = not chosen.scenarios or any(scenario.name.startswith(name) for name in chosen.scenarios)
        if not wanted or (scenario.half_of and scenario.half_of not in rates):
            continue
        server = Server(durable=True)
        try:
            server.start()
            database = server.url.replace("/postgres", f"/{asyncio.run(make_template(server.url))}")
            measured.append(measure(scenario, rates, database, [Cost(server.data)]))
        finally:
            server.remove()
        print(row(measured[-1]), flush=True)
    print(f"written to {write_results('postgres', measured)}")
    return 0 if all(each.complete for each in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
