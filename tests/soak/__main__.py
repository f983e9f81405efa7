"""`python -m tests.soak [--seconds N] [--rate N] [--seed N]`: plays a run and prints it as the row of a table."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from .run import Played, play

_DAY_S = 600.0


def rows(played: Played) -> list[tuple[str, str]]:
    """What a reader wants to know of a run, in words."""
    v = played.verdict
    early, half, late = played.rss_mib
    return [
        ("messages accepted, stored and found again", f"{v.messages:,} in {played.seconds:.0f} s"),
        ("answered, p50 / p99", f"{played.answer_p50_ms:.1f} / {played.answer_p99_ms:.0f} ms"),
        ("segments that the carriers took", f"{v.segments:,}"),
        ("submits that they refused", f"{v.refused:,}"),
        ("taken by another than the first carrier", f"{v.elsewhere:,}"),
        ("receipts acknowledged", f"{v.receipts:,}"),
        ("of these repeated / parked for a while", f"{v.repeated:,} / {v.parked:,}"),
        ("in doubt for a while", f"{v.doubted:,}"),
        ("of these resolved", f"{v.resolved:,}"),
        ("in doubt at the end: never at the carrier / without any receipt", f"{v.never_there:,} / {v.silent:,}"),
        ("sent once more after doubt, as asked, and flagged; came twice", f"{v.retried:,}; {v.came_twice:,}"),
        ("lost / sent twice", f"{v.lost:,} / {v.twice:,}"),
        ("events, each at the webhook; told again", f"{v.events:,}; {v.retold:,}"),
        ("CPU of a message, all in all", f"{played.cpu_us:.0f} µs"),
        ("memory after a tenth, half, all of it", f"{early:.0f}, {half:.0f}, {late:.0f} MiB"),
        ("from the last request until nothing moved", f"{played.settled_s:.0f} s"),
    ]


async def _ended_in_order(folder: Path, chosen: argparse.Namespace) -> Played:
    """A run that ends its processes when it is told to end."""
    run = asyncio.ensure_future(
        play(folder, seconds=chosen.seconds, rate_per_s=chosen.rate, pace=chosen.pace, seed=chosen.seed)
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, run.cancel)
    return await run


def main() -> int:
    """1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=_DAY_S)
    parser.add_argument("--rate", type=float, default=500.0, help="messages a second")
    parser.add_argument("--pace", type=float, default=1.0, help="below 1 shortens what the carriers do")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="an empty folder for the logs, which stays")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whimbrel-soak-") as name:
        folder = chosen.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        played = asyncio.run(_ended_in_order(folder, chosen))
    for what, figure in rows(played):
        sys.stdout.write(f"| {what} | {figure} |\n")
    for complaint in played.verdict.broken:
        sys.stdout.write(f"BROKEN: {complaint}\n")
    return 1 if played.verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())
