"""import_contacts: a stretch of rows of a file becomes contacts, in the commit that says how far the file has come. So
a stretch is written once: whoever comes with it again (after a crash, or from a node that was frozen) finds the import
elsewhere and writes nothing.

label_contacts: people get a label, or lose it, in the same way.

strip_contacts: what a removed field or label has left in the rows goes, some rows a commit.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from whimbrel.base import limits
from whimbrel.domain.audience_sql import condition
from whimbrel.domain.audience_terms import Term
from whimbrel.domain.contacts import (
    ContactWrite,
    StartPage,
    columns_of,
    contact_of,
    label_numbers,
    relabelled,
)
from whimbrel.store.script import Many, One, Query, Rows, Script, Where
from whimbrel.store.verbs.contacts import ContactScope, Tally

RUNNING = "running"
_encode = msgspec.json.encode


class RowError(msgspec.Struct, frozen=True, gc=False):
    """What is wrong with a row of a file, counted from 1 with its header."""

    row: int
    field: str
    value: str
    problem: str


class Labelling(msgspec.Struct, frozen=True, gc=False):
    """An import of people who get a label, by its number, or lose it."""

    import_id: str
    number: int
    takes_off: bool


class Stripped(msgspec.Struct, frozen=True, gc=False):
    """What contacts lose: a column, or (where that is empty) a label; and those that hold it."""

    holding: Term
    column: str
    label: int


def import_contacts(
    scope: ContactScope,
    import_id: str,
    position: int,
    writes: Sequence[ContactWrite],
    errors: Sequence[RowError],
) -> Script[bool]:
    """False: the import is not at this position, or is no longer worked on, and nothing is written."""
    stand: Rows = yield Query("contact_import_stand", (import_id,))
    if not stand or stand[0][:2] != (RUNNING, position):
        return False
    tally = Tally(scope)
    rows: Rows = yield Query(
        "contacts_by_numbers", (scope.account_id, int(scope.test), sorted({write.number for write in writes}))
    )
    tally.load(rows)
    counts = Counter(tally.put(write).outcome for write in writes)
    taken = yield from tally.store()
    written = [tally]
    if taken:
        again = [write for write in writes if tally.known[write.number].id in taken]
        counts["created"] -= len(taken)
        late = Tally(scope)
        found: Rows = yield Query(
            "contacts_by_numbers", (scope.account_id, int(scope.test), sorted({write.number for write in again}))
        )
        late.load(found)
        counts.update(late.put(write).outcome for write in again)
        yield from late.store()
        written.append(late)
    if scope.starts:
        yield from _start_page(scope, import_id, position, written, taken)
    failed: int = stand[0][2]
    kept = list(errors)[: max(0, limits.IMPORT_ERRORS_KEPT - failed)]
    yield Many(
        "contact_import_error_insert",
        [(import_id, each.row, scope.account_id, each.field, each.value, each.problem) for each in kept],
    )
    done = len(writes) + len(errors)
    amounts = (counts["created"], counts["updated"], counts["skipped"], counts["duplicate"], len(errors))
    yield One("contact_import_advance", (import_id, done, *amounts))
    return True


def _start_page(
    scope: ContactScope, import_id: str, position: int, written: Sequence[Tally], taken: frozenset[str]
) -> Script[None]:
    """The contacts of a stretch that are new, or got labels: flows begin with them (`products/flows/imported.py`)."""
    created: list[str] = []
    gained: dict[str, tuple[int, ...]] = {}
    for tally in written:
        for contact in (*tally.new.values(), *tally.dirty.values()):
            if contact.id in taken:
                continue
            before = tally.before.get(contact.id)
            if before is None:
                created.append(contact.id)
            had = set(label_numbers("" if before is None else before.labels))
            labels = tuple(each for each in label_numbers(contact.labels) if each not in had)
            if labels:
                gained[contact.id] = labels
    if created or gained:
        contacts = _encode(StartPage(tuple(created), gained)).decode()
        yield One(
            "contact_start_insert",
            (scope.account_id, import_id, position, int(scope.test), contacts, scope.at),
        )


def label_contacts(scope: ContactScope, what: Labelling, position: int, people: Sequence[str]) -> Script[bool]:
    """False: the import is not at this position, or is no longer worked on, and nothing is written. Who has as many
    labels as there may be is passed over."""
    stand: Rows = yield Query("contact_import_stand", (what.import_id,))
    if not stand or stand[0][:2] != (RUNNING, position):
        return False
    rows: Rows = yield Query("contacts_by_ids", (scope.account_id, int(scope.test), sorted(people)))
    add, drop = ((), (what.number,)) if what.takes_off else ((what.number,), ())
    written = []
    for contact in (contact_of(*row) for row in rows):
        labels = relabelled(contact.labels, add, drop)
        if labels != contact.labels and (what.takes_off or len(label_numbers(labels)) <= limits.CONTACT_LABELS_MAX):
            written.append(
                msgspec.structs.replace(contact, labels=labels, updated_at=scope.at, import_no=scope.import_no)
            )
    yield Many("contact_set", [columns_of(contact) for contact in written])
    skipped = len(people) - len(written)
    yield One("contact_import_advance", (what.import_id, len(people), 0, len(written), skipped, 0, 0))
    return True


def strip_contacts(scope: ContactScope, what: Stripped, after_id: str, limit: int) -> Script[str | None]:
    """Clear a column or take a label off the next contacts that hold it; the last id, None where there are no more."""
    rows: Rows = yield Where(
        "contacts_holding", (scope.account_id, int(scope.test), after_id, limit), condition(what.holding)
    )
    found = [contact_of(*row) for row in rows]
    stripped = []
    for contact in found:
        if what.column:
            place = int(what.column[1:]) - 1
            side = "texts" if what.column[0] == "t" else "numbers"
            values = getattr(contact, side)
            stripped.append(msgspec.structs.replace(contact, **{side: (*values[:place], None, *values[place + 1 :])}))
        else:
            stripped.append(msgspec.structs.replace(contact, labels=relabelled(contact.labels, (), (what.label,))))
    yield Many("contact_set", [columns_of(contact) for contact in stripped])
    return found[-1].id if found else None
