"""One target in this process, led by coverage: `python -m tests.fuzz.one NAME SECONDS`. `run` starts it.

Exit status other than 0 when the target's invariant broke, one input took longer than `UNIT_TIMEOUT_S`, or the process
grew beyond `RSS_LIMIT_MB`. The input that did it, and the corpus, which the next run starts from, stand in `.fuzz/`.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["whimbrel"]):
    from tests.fuzz.targets import TARGETS

FOLDER = Path(__file__).parents[2] / ".fuzz"
RSS_LIMIT_MB = 256
"""Python, the codec and a corpus take about 60."""
UNIT_TIMEOUT_S = 5
MAX_OCTETS = 4096


def main(name: str, seconds: int) -> None:
    function, seeds = TARGETS[name]
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-rss_limit_mb={RSS_LIMIT_MB}", f"-timeout={UNIT_TIMEOUT_S}"]
    output = [f"-max_len={MAX_OCTETS}", f"-artifact_prefix={FOLDER}/{name}-", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, *output, str(corpus)], function)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
