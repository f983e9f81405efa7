"""`python -m bench several [--postgresql] [--processes 1,2] [scenario …]`: the same load on `whimbrel serve` with one
process and with several. The load generator, the simulator, the sink and PostgreSQL take their share of the same cores:
what counts is CPU a message, and where it goes.
"""

import argparse
import asyncio
import contextlib
from collections.abc import Iterator, Sequence

import msgspec
from tests.pg import Server, make_template

from bench.postgres import Cost
from bench.processes import write_results
from bench.scenario import HEAD, Costly, Measured, Scenario, measure, row

SCENARIOS = (
    Scenario("single", 20_000, receipts=False, connections=200),
    Scenario("single+receipt+webhook", 20_000, webhook=True, connections=200),
    Scenario("batch+receipt", 50_000, batch=1000, connections=8),
)


def main(arguments: list[str]) -> int:
    """Each scenario on a fresh installation."""
    parser = argparse.ArgumentParser(prog="python -m bench several", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names, or the beginning of names")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--processes", default="1,2", help="how many, with commas")
    parser.add_argument("--messages", type=int, default=0, help="messages of each scenario instead of its own")
    chosen = parser.parse_args(arguments)
    print(HEAD)
    measured: list[Measured] = []
    for scenario in SCENARIOS:
        if chosen.scenarios and not any(scenario.name.startswith(name) for name in chosen.scenarios):
            continue
        for count in map(int, chosen.processes.split(",")):
            messages = chosen.messages or scenario.messages
            changes = {"name": f"{scenario.name}, {count}", "processes": count, "messages": messages}
            named = msgspec.structs.replace(scenario, **changes)
            with _database(postgresql=chosen.postgresql) as (database, beside):
                measured.append(measure(named, {}, database, beside))
            print(row(measured[-1]), flush=True)
    print(f"written to {write_results('several-', measured)}")
    return 0 if all(each.complete for each in measured) else 1


@contextlib.contextmanager
def _database(*, postgresql: bool) -> Iterator[tuple[str, Sequence[Costly]]]:
    if not postgresql:
        yield "", ()
        return
    server = Server(durable=True)
    try:
        server.start()
        yield server.url.replace("/postgres", f"/{asyncio.run(make_template(server.url))}"), [Cost(server.data)]
    finally:
        server.remove()
