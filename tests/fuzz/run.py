"""`make fuzz`: each target in a process of its own (`one`), then the live link (`stall`), and a line about each.

Exit status 1 when a target crashed, hung or grew beyond its memory, or the link kept an honest peer waiting.
"""

import argparse
import asyncio
import os
import random
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.stall import ANSWER_MAX_S, RSS_MAX_MB, hold
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
KEPT_CHARACTERS = 6000
"""Of what a broken target said last."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=600, help="for all targets together")
    share_s = max(1, options.parse_args().seconds // (len(TARGETS) + 1))
    good = [_target(name, share_s) for name in TARGETS]
    return 0 if all([*good, _link(share_s)]) else 1


def _target(name: str, seconds: int) -> bool:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.one", name, str(seconds)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", done.stderr))
    is_good = done.returncode == 0 and "number_of_executed_units" in stats
    _row(name, seconds, stats.get("number_of_executed_units", "?"), stats.get("peak_rss_mb", "?"), is_good)
    if not is_good:
        sys.stdout.write(f"{done.stdout[-KEPT_CHARACTERS:]}\n{done.stderr[-KEPT_CHARACTERS:]}\n")
    return is_good


def _link(seconds: int) -> bool:
    seed = random.SystemRandom().randrange(1 << 32)
    held = asyncio.run(hold(seconds, seed=seed))
    is_good = held.answers > 0 and held.slowest_s < ANSWER_MAX_S and held.peak_rss_mb < RSS_MAX_MB
    _row("link", seconds, held.answers, held.peak_rss_mb, is_good)
    sys.stdout.write(
        f"  slowest answer {held.slowest_s * 1000:.0f} ms, beside {held.garbage_octets >> 20} MiB of garbage on"
        f" {held.connections} connections; seed {seed}\n"
    )
    return is_good


def _row(name: str, seconds: int, inputs: str | int, peak_mb: str | int, is_good: bool) -> None:
    verdict = "ok" if is_good else "BROKEN"
    sys.stdout.write(f"{name:10} {seconds:4} s {inputs:>10} inputs   peak {peak_mb:>4} MB   {verdict}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
