"""Named kill points. `hit(name)` marks a place where a fault test may end this process with SIGKILL.

Armed by the environment only: `WHIMBREL_FAULT=name:n` kills at the n-th hit of that point. Unarmed, `hit` is one
comparison with a constant. The list of points is closed, so that a test cannot wait for a name that never comes.
"""

import itertools
import os
import signal

POINTS = frozenset(
    {
        "accept.before_commit",
        "accept.after_commit",
        "worker.after_claim",
        "worker.after_attempt",
        "carrier.after_write",
        "carrier.after_answer",
        "receipt.before_commit",
        "receipt.after_commit",
        "inbound.before_commit",
        "inbound.after_commit",
        "media.after_fetch",
        "notify.after_post",
        "smpp.after_commit",
        "smpp.after_owed",
        "smpp.before_delete",
        "move.expected",
        "move.departed",
        "move.brought",
        "move.before_close",
        "move.closed",
        "move.activated",
        "move.arrived",
        "move.placed",
        "move.cleared",
        "move.refused",
        "move.taken_back",
    }
)


def _parse(setting: str) -> tuple[str, int]:
    name, _, count = setting.partition(":")
    if name and name not in POINTS:
        raise ValueError(f"WHIMBREL_FAULT names no kill point: {name!r}; known: {', '.join(sorted(POINTS))}")
    return name, int(count or "1")


_NAME, _NTH = _parse(os.environ.get("WHIMBREL_FAULT", ""))
_HITS = itertools.count(1)


def hit(name: str) -> None:
    """Die here, if a test asked for it."""
    if name == _NAME and next(_HITS) == _NTH:
        os.kill(os.getpid(), signal.SIGKILL)
