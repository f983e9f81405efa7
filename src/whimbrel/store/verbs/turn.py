"""turn: writes that are decided on a row with a version. They are written only where that version still stands; who was
overtaken decides again. PostgreSQL makes the second of two wait for the first, and then compares.
"""

from collections.abc import Sequence

from whimbrel.store.interface import Write
from whimbrel.store.script import Many, One, Script


def turn(only: Write, also: Sequence[Write], further: Sequence[Write] = ()) -> Script[bool]:
    """Whether the one row of `only` changed one, and so each row of `further`. They are written in their order, up to
    the first that changes nothing: what others wait for stands first. Nothing of `also` is written then."""
    for write in (only, *further):
        for params in write.rows:
            changed: int = yield One(write.statement, params)
            if not changed:
                return False
    for item in also:
        yield Many(item.statement, item.rows)
    return True
