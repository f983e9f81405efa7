"""`python -m tests.cluster [--seconds N] [--rate N] [--seed N]`: plays a run and prints it as rows of a table."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from .run import Played, play


def rows(played: Played) -> list[tuple[str, str]]:
    """What a reader wants to know of a run, in words."""
    v = played.verdict
    return [
        ("messages acknowledged", f"{v.messages:,} in {played.seconds:.0f} s, {played.per_s:,.0f}/s"),
        ("what the storm did", ", ".join(f"{name} {count}" for name, count in sorted(played.done.items()))),
        ("requests asked again of another node", f"{played.asked_again:,}"),
        ("answered, p50 / p99, failures included", f"{played.answer_p50_ms:.0f} / {played.answer_p99_ms:.0f} ms"),
        ("texts that the carriers took", f"{v.taken:,}"),
        ("how the messages ended", ", ".join(f"{state} {count:,}" for state, count in sorted(v.states.items()))),
        ("lost / doubled", f"{v.lost:,} / {v.doubled:,}"),
        ("in doubt at the end, never at a carrier", f"{v.never_there:,}"),
        ("most submits in any second, by carrier", ", ".join(map(str, v.fastest.values()))),
        ("most unanswered at once, by carrier", ", ".join(map(str, v.fullest.values()))),
        ("events at the webhook; told again", f"{v.told:,}; {v.retold:,}"),
        ("CPU of a message, all processes and the client", f"{played.cpu_us:.0f} µs"),
        ("from the last answer until nothing moved", f"{played.settled_s:.0f} s"),
    ]


def main() -> int:
    """1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--rate", type=float, default=2000.0, help="messages a second")
    parser.add_argument("--throughput", type=int, default=900, help="what each of the three carriers takes a second")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--batch", type=int, default=10, help="messages in a request")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="an empty folder for the logs, which stays")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whimbrel-cluster-") as name:
        folder = chosen.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        played = asyncio.run(
            play(
                folder,
                seconds=chosen.seconds,
                rate_per_s=chosen.rate,
                throughput_per_s=chosen.throughput,
                seed=chosen.seed,
                nodes=chosen.nodes,
                batch=chosen.batch,
            )
        )
    for what, figure in rows(played):
        sys.stdout.write(f"| {what} | {figure} |\n")
    for complaint in played.verdict.broken:
        sys.stdout.write(f"BROKEN: {complaint}\n")
    return 1 if played.verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())
