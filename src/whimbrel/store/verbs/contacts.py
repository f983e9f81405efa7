"""put_contacts, change_contacts, delete_contacts, merge_contacts: contacts are written in lists, each found by its
number or its id and changed in the same commit as what tells of it.

An event and a row of the contact's history are written for each contact that somebody changed through the API; an
import writes neither (`verbs/contact_imports.py`), because a million rows would be a million events.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base import limits
from whimbrel.domain.contacts import (
    EVENTS_MAX,
    Contact,
    ContactWrite,
    Outcome,
    Policy,
    Put,
    blank,
    changed,
    columns_of,
    contact_of,
    label_numbers,
    relabelled,
)
from whimbrel.store.script import Each, Many, Query, Row, Rows, Script

_encode = msgspec.json.Encoder(order="deterministic").encode
_LASTS: Final = ("last_sent_at", "last_received_at", "last_clicked_at")
_KEPT: Final = (*_LASTS, "opted_out_at")


class ContactScope(msgspec.Struct, frozen=True, gc=False):
    """Whose contacts, and when. `import_no` 0: no import writes; `wins`: which of the rows of one import for a number
    counts; `policy`: what becomes of numbers that are known; `starts`: whether its rows begin flows. `fields` and
    `labels`: how columns and numbers are called outside, for what is told; `flow_run`: whose step it is."""

    account_id: str
    test: bool
    at: int
    import_no: int = 0
    wins: str = "last"
    policy: Policy = "update"
    starts: bool = False
    fields: dict[str, str] = {}
    labels: dict[int, str] = {}
    flow_run: str = ""


class Tally:
    """What a commit has to write of contacts, gathered while they are decided upon."""

    def __init__(self, scope: ContactScope) -> None:
        self.scope = scope
        self.known: dict[str, Contact] = {}
        self.before: dict[str, Contact] = {}
        self.new: dict[str, Contact] = {}
        self.dirty: dict[str, Contact] = {}

    def load(self, rows: Rows) -> None:
        """What is stored of the numbers that are asked for."""
        for row in rows:
            contact = contact_of(*row)
            self.known[contact.number] = self.before[contact.id] = contact

    def put(self, write: ContactWrite, create_only: bool = False) -> Put:
        """Decide what becomes of one number."""
        found = self.known.get(write.number)
        if found is None:
            made = self._stamped(changed(blank(self.scope.account_id, self.scope.test, write, self.scope.at), write))
            self.known[write.number] = self.new[made.id] = made
            return Put(made.id, "created")
        return Put(found.id, "exists" if create_only else self._again(found, write))

    def _again(self, found: Contact, write: ContactWrite) -> Outcome:
        number, policy = self.scope.import_no, self.scope.policy
        is_twice = number != 0 and found.import_no == number
        if is_twice and self.scope.wins == "first":
            return "duplicate"
        if policy == "skip" and not is_twice:
            return "skipped"
        base = found
        if policy == "replace":
            empty = blank(found.account_id, found.test, write, self.scope.at)
            base = msgspec.structs.replace(
                empty, id=found.id, created_at=found.created_at, seq=found.seq, also=found.also, labels=found.labels,
                **{name: getattr(found, name) for name in _KEPT},
            )  # fmt: skip
        after = changed(base, write)
        if number == 0 and after == msgspec.structs.replace(found, updated_at=after.updated_at):
            return "unchanged"
        after = self._stamped(after)
        self.known[write.number] = after
        (self.new if found.id in self.new else self.dirty)[found.id] = after
        return "duplicate" if is_twice else "updated"

    def _stamped(self, contact: Contact) -> Contact:
        number = self.scope.import_no or contact.import_no
        return msgspec.structs.replace(contact, updated_at=self.scope.at, import_no=number)

    def store(self) -> Script[frozenset[str]]:
        """Write them; the ids of those whose number somebody else has taken meanwhile."""
        taken: frozenset[str] = frozenset()
        if self.new:
            rows: Rows = yield Each("contact_insert", [columns_of(contact) for contact in self.new.values()])
            taken = frozenset(self.new) - {row[0] for row in rows}
            yield from _opted_out(self.scope, sorted(contact.number for contact in self.new.values()))
        if self.dirty:
            yield Many("contact_set", [columns_of(contact) for contact in self.dirty.values()])
        return taken


def put_contacts(scope: ContactScope, writes: Sequence[ContactWrite], create_only: bool) -> Script[list[Put] | None]:
    """Create or change contacts by number. None: somebody else made one of them just now (nothing that this call would
    have made is missing after it is repeated)."""
    tally = Tally(scope)
    rows: Rows = yield Query("contacts_by_numbers", (*_scope(scope), sorted({write.number for write in writes})))
    tally.load(rows)
    outcomes = [tally.put(write, create_only) for write in writes]
    told = _Told(scope)
    for contact in list(tally.new.values()):
        tally.new[contact.id] = told.created(contact)
    for contact in list(tally.dirty.values()):
        tally.dirty[contact.id] = told.changed(tally.before[contact.id], contact)
    taken = yield from tally.store()
    yield from told.store(taken)
    return None if taken else outcomes


def change_contacts(
    scope: ContactScope, ids: Sequence[str], columns: Mapping[str, Any], add: Sequence[int], drop: Sequence[int]
) -> Script[dict[str, Outcome]]:
    """Change contacts by id, all alike; what became of each. `exists`: another contact has the number."""
    rows: Rows = yield Query("contacts_by_ids", (*_scope(scope), sorted(set(ids))))
    found = [contact_of(*row) for row in rows]
    outcomes: dict[str, Outcome] = dict.fromkeys(ids, "missing")
    if "number" in columns:
        holders: Rows = yield Query("contacts_by_numbers", (*_scope(scope), [columns["number"]]))
        if {contact_of(*row).id for row in holders} - set(ids):
            return dict.fromkeys(ids, "exists")
    told = _Told(scope)
    written: list[Contact] = []
    for contact in found:
        write = ContactWrite(contact.id, contact.number, contact.country, dict(columns), tuple(add), tuple(drop))
        after = changed(contact, write)
        if after == contact or len(label_numbers(after.labels)) > limits.CONTACT_LABELS_MAX:
            outcomes[contact.id] = "unchanged" if after == contact else "skipped"
            continue
        outcomes[contact.id] = "updated"
        written.append(told.changed(contact, msgspec.structs.replace(after, updated_at=scope.at)))
    yield Many("contact_set", [columns_of(contact) for contact in written])
    if "number" in columns and written:  # what was known of the other number says nothing of this one
        yield Many("contact_seen_set", [(*_scope(scope), contact.id, None, None, None) for contact in written])
        yield Many("contact_opted_out", [(scope.account_id, columns["number"], None)] if not scope.test else [])
        yield from _opted_out(scope, [columns["number"]])
    yield from told.store()
    return outcomes


def delete_contacts(scope: ContactScope, ids: Sequence[str]) -> Script[int]:
    """Erase contacts with their history; how many there were."""
    rows: Rows = yield Query("contacts_by_ids", (*_scope(scope), sorted(set(ids))))
    told = _Told(scope)
    found = [contact_of(*row) for row in rows]
    for contact in found:
        told.deleted(contact, {})
    yield from _erase(scope, found)
    yield from told.store()
    return len(found)


def merge_contacts(scope: ContactScope, into: str, ids: Sequence[str]) -> Script[Contact | None]:
    """Let contacts become one, which keeps what it has and gets what it lacks, the newest first. None: one is not
    there."""
    rows: Rows = yield Query("contacts_by_ids", (*_scope(scope), sorted({into, *ids})))
    found = {contact.id: contact for contact in (contact_of(*row) for row in rows)}
    others = sorted((found[each] for each in found if each != into), key=lambda each: -each.updated_at)
    if into not in found or len(others) != len(set(ids)):
        return None
    merged = found[into]
    for other in others:
        merged = _united(merged, other)
    told = _Told(scope)
    merged = msgspec.structs.replace(merged, updated_at=scope.at)
    merged = told.changed(found[into], merged, merged=[other.id for other in others])
    for other in others:
        told.deleted(other, {"merged_into": into})
    yield from _erase(scope, others)
    yield Many("contact_set", [columns_of(merged)])
    seen = (merged.last_sent_at, merged.last_received_at, merged.last_clicked_at)
    yield Many("contact_seen_set", [(*_scope(scope), merged.id, *seen)])
    yield from told.store()
    return merged


def _united(contact: Contact, other: Contact) -> Contact:
    """One that lacks nothing that either has."""
    numbers = dict.fromkeys([*contact.also.split(), other.number, *other.also.split()])
    numbers.pop(contact.number, None)
    has_name = contact.name or not other.name
    return msgspec.structs.replace(
        contact,
        language=contact.language or other.language,
        zone=contact.zone or other.zone,
        labels=relabelled(contact.labels, tuple(label_numbers(other.labels)), ()),
        name=contact.name if has_name else other.name,
        name_key=contact.name_key if has_name else other.name_key,
        also=" ".join(list(numbers)[: limits.CONTACT_MERGE_MAX]),
        texts=tuple(a if a is not None else b for a, b in zip(contact.texts, other.texts, strict=True)),
        numbers=tuple(a if a is not None else b for a, b in zip(contact.numbers, other.numbers, strict=True)),
        **{name: _later(getattr(contact, name), getattr(other, name)) for name in _LASTS},
    )


def _later(one: int | None, other: int | None) -> int | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _opted_out(scope: ContactScope, numbers: Sequence[str]) -> Script[None]:
    """Say of these contacts that they opted out before they came. Opt-outs are of live contacts."""
    if scope.test:
        return
    rows: Rows = yield Query("contacts_stopped", (scope.account_id, list(numbers)))
    if rows:
        yield Many("contact_opted_out", [(scope.account_id, number, at) for number, at in rows])


def _erase(scope: ContactScope, contacts: Sequence[Contact]) -> Script[None]:
    yield Many("contact_changes_delete", [(contact.id,) for contact in contacts])
    yield Many("contact_delete", [(*_scope(scope), contact.id) for contact in contacts])


def _scope(scope: ContactScope) -> tuple[str, int]:
    return scope.account_id, int(scope.test)


class _Told:
    """Events of contacts, and the rows of their history."""

    def __init__(self, scope: ContactScope) -> None:
        self._scope = scope
        self._events: list[tuple[str, Row]] = []
        self._changes: list[tuple[str, Row]] = []
        self._trims: list[Row] = []

    def created(self, contact: Contact) -> Contact:
        labels = label_numbers(contact.labels)
        contact = self._tell(contact, "contact.created", {})
        return self._tell(contact, "contact.tagged", self._labels(labels)) if labels else contact

    def changed(self, before: Contact, after: Contact, **more: object) -> Contact:
        """What is told of a change are names, never values."""
        columns = [self._scope.fields.get(column, column) for column in _different(before, after)]
        if columns or more:
            after = self._tell(after, "contact.updated", {"fields": columns, **more})
        gained = sorted(set(label_numbers(after.labels)) - set(label_numbers(before.labels)))
        lost = sorted(set(label_numbers(before.labels)) - set(label_numbers(after.labels)))
        if gained:
            after = self._tell(after, "contact.tagged", self._labels(gained))
        return self._tell(after, "contact.untagged", self._labels(lost)) if lost else after

    def _labels(self, numbers: Sequence[int]) -> dict[str, list[str]]:
        known = self._scope.labels
        return {"labels": [known[number] for number in numbers if number in known]}

    def deleted(self, contact: Contact, data: Mapping[str, object]) -> None:
        self._event(contact, "contact.deleted", min(contact.seq + 1, EVENTS_MAX + 1), data)

    def _tell(self, contact: Contact, kind: str, data: Mapping[str, object]) -> Contact:
        if contact.seq >= EVENTS_MAX:
            return contact
        seq = contact.seq + 1
        if self._scope.flow_run:
            data = {**data, "flow_run": self._scope.flow_run}
        self._event(contact, kind, seq, data)
        detail = _encode(data).decode()
        self._changes.append((contact.id, (contact.id, seq, contact.account_id, kind, detail, self._scope.at)))
        if seq % limits.CONTACT_CHANGES_KEPT == 0:
            self._trims.append((contact.id, seq - limits.CONTACT_CHANGES_KEPT))
        return msgspec.structs.replace(contact, seq=seq)

    def _event(self, contact: Contact, kind: str, seq: int, data: Mapping[str, object]) -> None:
        detail = _encode({"contact_id": contact.id, **data}).decode()
        row = (contact.account_id, int(contact.test), contact.id, seq, kind, detail, 0, self._scope.at)
        self._events.append((contact.id, row))

    def store(self, besides: frozenset[str] = frozenset()) -> Script[None]:
        yield Many("event_insert", [row for contact_id, row in self._events if contact_id not in besides])
        yield Many("contact_change_insert", [row for contact_id, row in self._changes if contact_id not in besides])
        if self._trims:
            yield Many("contact_changes_trim", self._trims)


_SILENT = frozenset({"labels", "updated_at", "seq", "name_key", "texts", "numbers", "import_no", *_KEPT})


def _different(before: Contact, after: Contact) -> list[str]:
    """Columns that hold something else."""
    found = [
        name
        for name in Contact.__struct_fields__
        if name not in _SILENT and getattr(before, name) != getattr(after, name)
    ]
    for letter, old, new in (("t", before.texts, after.texts), ("n", before.numbers, after.numbers)):
        found += [f"{letter}{place}" for place, (a, b) in enumerate(zip(old, new, strict=True), 1) if a != b]
    return found
