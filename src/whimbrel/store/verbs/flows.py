"""advance_flow_runs: turns of runs, each where the run is still as it was when the turn was taken. Whoever comes later
(a node that was frozen, an answer that came meanwhile) writes nothing of it.
"""

from collections import defaultdict
from collections.abc import Sequence

from whimbrel.store.interface import RunChange
from whimbrel.store.script import Many, Query, Row, Rows, Script


def advance_flow_runs(changes: Sequence[RunChange]) -> Script[list[bool]]:
    """Whether each was written."""
    rows: Rows = yield Query("flow_runs_turns", (sorted({change.run_id for change in changes}),))
    turns: dict[str, int] = {row[0]: row[1] for row in rows}
    stand = [turns.get(change.run_id) == change.turn for change in changes]
    merged: dict[str, list[Row]] = defaultdict(list)
    for change, stands in zip(changes, stand, strict=True):
        for write in change.writes if stands else ():
            merged[write.statement].extend(write.rows)
    for statement, params in merged.items():
        yield Many(statement, params)
    return stand
