"""owners: changes by which an account would lose somebody of a role. Those of the role are held first, so that two
changes at the same time come one after the other, on whichever nodes; the second sees what the first has done.
"""

from collections.abc import Sequence

from whimbrel.store.interface import Write
from whimbrel.store.script import Many, One, Query, Rows, Script


def unless_alone(user_id: str, account_id: str, role: str, writes: Sequence[Write]) -> Script[bool]:
    """Whether somebody else of the role is left; nothing is written otherwise."""
    yield One("users_hold", (account_id, role))
    rows: Rows = yield Query("users_with_role", (account_id, role))
    if [row[0] for row in rows] == [user_id]:
        return False
    for item in writes:
        yield Many(item.statement, item.rows)
    return True
