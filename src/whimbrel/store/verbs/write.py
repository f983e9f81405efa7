"""write: named writes of the control plane, in one commit."""

from collections.abc import Sequence

from whimbrel.store.interface import Write
from whimbrel.store.script import Many, Script


def write(writes: Sequence[Write]) -> Script[list[int]]:
    """The number of rows that each changed."""
    changed: list[int] = []
    for item in writes:
        count: int = yield Many(item.statement, item.rows)
        changed.append(count)
    return changed
