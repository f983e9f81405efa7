"""Runs the scenarios and prints what they cost: rates, latencies, and the CPU microseconds per message of each process.
`python -m bench [scenario …] [--messages N]`; results also go to bench/results/ as JSON. Apart from these: `python -m
bench smpp`, the link and the codec alone, `python -m bench idle`, many binds that do nothing, and `python -m bench
several`, one process against several, `python -m bench streams`, events to brokers, and `python -m bench pages`, the
console with millions of messages, `python -m bench live`, its live pages while thousands pass, `python -m bench
contacts`, an import of a million contacts and segments over them, `python -m bench campaign`, a campaign to a million
with codes beside it, and `python -m bench screening`, a million opt-outs in memory.
"""

import argparse
import sys
from collections.abc import Callable

import msgspec

from bench import campaign, contacts, idle, live, pages, screening, several, smpp, streams
from bench.processes import write_results
from bench.scenario import HEAD, SCENARIOS, Measured, measure, row

APART: dict[str, Callable[[list[str]], int]] = {
    "smpp": smpp.main,
    "idle": idle.main,
    "several": several.main,
    "streams": streams.main,
    "contacts": contacts.main,
    "campaign": campaign.main,
    "live": live.main,
    "pages": pages.main,
    "screening": screening.main,
}
"""Measurements of another kind, each with options of its own."""


def main() -> int:
    """Run the scenarios named, or all; or one of those apart."""
    if len(sys.argv) > 1 and sys.argv[1] in APART:
        return APART[sys.argv[1]](sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names, or the beginning of names")
    parser.add_argument("--messages", type=int, default=0, help="messages of each scenario instead of its own")
    chosen = parser.parse_args()
    print(HEAD)
    rates: dict[str, float] = {}
    measured: list[Measured] = []
    for scenario in SCENARIOS:
        wanted = not chosen.scenarios or any(scenario.name.startswith(name) for name in chosen.scenarios)
        if not wanted or (scenario.half_of and scenario.half_of not in rates):
            continue
        if chosen.messages:
            scenario = msgspec.structs.replace(scenario, messages=chosen.messages)
        measured.append(measure(scenario, rates))
        print(row(measured[-1]), flush=True)
    print(f"written to {write_results('', measured)}")
    return 0 if all(each.complete for each in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
