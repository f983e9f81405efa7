"""advance_flow_runs: turns of runs, each where the run is still as it was when the turn was taken. Whoever comes later
(a node that was frozen, an answer that came meanwhile) writes nothing of it. advance_flow_run_with_contact: one turn
with what it makes of a contact.
"""

from collections import defaultdict
from collections.abc import Sequence

from whimbrel.base import limits
from whimbrel.domain.contacts import ContactWrite, changed, contact_of, label_numbers
from whimbrel.store.interface import ContactTurn, RunChange
from whimbrel.store.script import Many, Query, Row, Rows, Script
from whimbrel.store.verbs.contacts import ContactScope, put_contacts


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


def advance_flow_run_with_contact(
    change: RunChange, scope: ContactScope, wanted: ContactWrite
) -> Script[ContactTurn | None]:
    """What came of it. A number without a contact gets one, unless there is only something to be taken off. None:
    somebody else made the contact just now; to be repeated."""
    rows: Rows = yield Query("flow_runs_turns", ([change.run_id],))
    if [row[1] for row in rows] != [change.turn]:
        return "gone"
    holders: Rows = yield Query("contacts_by_numbers", (scope.account_id, int(scope.test), [wanted.number]))
    found = [contact_of(*row) for row in holders]
    for contact in found:
        labels = changed(contact, wanted).labels
        if labels != contact.labels and len(label_numbers(labels)) > limits.CONTACT_LABELS_MAX and wanted.add:
            return "full"
    if found or wanted.columns or wanted.add:
        done = yield from put_contacts(scope, [wanted], False)
        if done is None:
            return None
    for write in change.writes:
        yield Many(write.statement, list(write.rows))
    return "written"
