"""turn: writes that are decided on a row with a version. They are written only where that version still stands; who was
overtaken decides again. PostgreSQL makes the second of two wait for the first, and then compares.
"""

from collections.abc import Sequence

from whimbrel.store.interface import Write
from whimbrel.store.script import Many, One, Script


def turn(only: Write, also: Sequence[Write]) -> Script[bool]:
    """Whether the one row of `only` changed one; nothing is written otherwise."""
    (params,) = only.rows
    changed: int = yield One(only.statement, params)
    if not changed:
        return False
    for item in also:
        yield Many(item.statement, item.rows)
    return True
