"""Processes that hold their connections and do nothing: to all others they look dead, and they do not know."""

import os
import signal
import time
from pathlib import Path

_WITHIN_S = 60.0


def freeze(pid: int) -> None:
    """SIGSTOP, and back only when every thread stands: until then one of them may still answer."""
    os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + _WITHIN_S
    while not all(_stands(task) for task in Path(f"/proc/{pid}/task").iterdir()):
        assert time.monotonic() < until, f"process {pid} does not stop"
        time.sleep(0.001)


def thaw(pid: int) -> None:
    """SIGCONT."""
    os.kill(pid, signal.SIGCONT)


def _stands(task: Path) -> bool:
    try:
        stat = (task / "stat").read_text()
    except OSError:  # the thread has ended
        return True
    return stat.rpartition(")")[2].split()[0] in "Tt"
