"""Contacts as they are stored: a person's number with what is known of them, fields that the account declares, tags and
lists, segments, imports.

Declared fields stand in columns of the contact's own row: a field is given a place among those of texts or of numbers
when it is declared. Tags and lists are labels with a number, and the row holds the numbers of its labels as text
(`,3,17,`). So whatever a segment asks is answered by the row alone, and a million rows are counted in one pass.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

TEXTS: Final = 20  # columns t1 to t20
NUMBERS: Final = 20  # columns n1 to n20
FieldKind = Literal["text", "choice", "number", "date", "boolean"]
LabelKind = Literal["tag", "list"]
ImportState = Literal["uploading", "queued", "running", "done", "canceled", "failed"]
Policy = Literal["update", "skip", "replace"]
Outcome = Literal["created", "updated", "unchanged", "skipped", "duplicate", "exists", "missing"]
_IN_TEXTS: Final = frozenset({"text", "choice"})
_FIXED: Final = 15  # columns before the places of fields
_TEXT_PLACES: Final = {f"t{place + 1}": place for place in range(TEXTS)}
_NUMBER_PLACES: Final = {f"n{place + 1}": place for place in range(NUMBERS)}
EVENTS_MAX: Final = 0xFFFF - 1  # an id has room for so many events, and the last is that of its end


class ContactField(msgspec.Struct, frozen=True, gc=False):
    """A field that an account declared. Column order of the `contact_fields` table."""

    id: str
    account_id: str
    test: bool
    name: str
    kind: FieldKind
    choices: tuple[str, ...]
    place: int  # 1-based, among the columns of texts or of numbers
    removed_at: int | None  # its values are being cleared
    created_at: int

    @property
    def column(self) -> str:
        """Where its values stand."""
        return f"{'t' if self.kind in _IN_TEXTS else 'n'}{self.place}"


class Label(msgspec.Struct, frozen=True, gc=False):
    """A tag or a list. Column order of the `contact_labels` table."""

    id: str
    account_id: str
    test: bool
    kind: LabelKind
    name: str
    number: int
    description: str
    removed_at: int | None  # it is being taken off
    created_at: int


class Contact(msgspec.Struct, frozen=True, gc=False):
    """A person. Column order of the `contacts` table, where `texts` and `numbers` are so many columns. What stands
    behind them is not written with the rest: others keep it."""

    account_id: str
    test: bool
    id: str
    number: str  # E.164
    country: str
    language: str | None
    zone: str | None
    labels: str
    created_at: int
    updated_at: int
    import_no: int  # the last import that wrote it; 0: none
    seq: int  # of its events
    name: str
    name_key: str  # for search
    also: str  # numbers of contacts that were merged into it, separated by spaces
    texts: tuple[str | None, ...] = (None,) * TEXTS
    numbers: tuple[float | None, ...] = (None,) * NUMBERS
    last_sent_at: int | None = None
    last_received_at: int | None = None
    last_clicked_at: int | None = None
    opted_out_at: int | None = None  # of all senders


class Segment(msgspec.Struct, frozen=True, gc=False):
    """A filter under a name. Column order of the `contact_segments` table."""

    id: str
    account_id: str
    test: bool
    name: str
    filter: str
    created_at: int
    updated_at: int


class ContactImport(msgspec.Struct, frozen=True, gc=False):
    """A file that becomes contacts. Column order of the `contact_imports` table."""

    id: str
    account_id: str
    test: bool
    number: int  # counts the account's imports
    name: str
    state: ImportState
    spec: str  # JSON of ImportSpec
    parts: int
    size: int  # octets
    rows: int  # of the file, known when it has been looked through
    position: int  # rows that are done
    created: int
    updated: int
    skipped: int
    duplicates: int
    failed: int
    reason: str
    created_at: int
    started_at: int | None
    finished_at: int | None


class ImportSpec(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """How a file is read. `mapping`: of columns, counted from 0, to what they are; `labels`: what all rows get. With a
    `filter` there is no file: everybody whom it holds for gets these labels, or loses them (`takes_off`)."""

    format: Literal["csv", "xlsx"] = "csv"
    charset: str = "utf-8"
    delimiter: str = ","
    header: bool = True
    mapping: dict[str, str] = {}
    country: str | None = None
    dates: Literal["iso", "dmy", "mdy"] = "iso"
    policy: Policy = "update"
    wins: Literal["first", "last"] = "last"
    labels: tuple[int, ...] = ()
    flows: bool = False  # whether its rows begin flows
    filter: str = ""
    takes_off: bool = False


class StartPage(msgspec.Struct, frozen=True, gc=False):
    """Contacts of an import that begin flows: ids of new ones, and by id the labels that one got."""

    created: tuple[str, ...]
    labels: dict[str, tuple[int, ...]]


class ContactStart(msgspec.Struct, frozen=True, gc=False):
    """A page of them. Column order of the `contact_starts` table."""

    account_id: str
    import_id: str
    position: int
    test: bool
    contacts: str  # JSON of StartPage
    at: int


class ContactWrite(msgspec.Struct, frozen=True, gc=False):
    """What is to be known of a number. `columns`: by name; `add` and `drop`: numbers of labels. `id`: of the contact,
    if there is none yet. `row`: of an import."""

    id: str
    number: str
    country: str
    columns: dict[str, Any]
    add: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()
    row: int = 0


class Put(msgspec.Struct, frozen=True, gc=False):
    """What became of one of them."""

    id: str
    outcome: Outcome


def contact_of(*columns: Any) -> Contact:
    """A whole row of the `contacts` table."""
    account_id, test, *rest = columns[:_FIXED]
    end = _FIXED + TEXTS
    last = end + NUMBERS
    values: tuple[Any, ...] = (account_id, bool(test), *rest, tuple(columns[_FIXED:end]), tuple(columns[end:last]))
    return Contact(*values, *columns[last:])


def columns_of(contact: Contact) -> tuple[Any, ...]:
    """The same the other way round."""
    account_id, test, *rest = msgspec.structs.astuple(contact)[:_FIXED]
    return (account_id, int(test), *rest, *contact.texts, *contact.numbers)


def blank(account_id: str, test: bool, write: ContactWrite, at: int) -> Contact:
    """A contact of whom nothing but the number is known."""
    return Contact(
        account_id, test, write.id, write.number, write.country, None, None, "", at, at, 0, 0, "", "", ""
    )  # fmt: skip


def changed(contact: Contact, write: ContactWrite) -> Contact:
    """The contact with what the write says. Each row of an import passes here."""
    fixed: dict[str, Any] = {}
    texts: list[str | None] | None = None
    numbers: list[float | None] | None = None
    for column, value in write.columns.items():
        if column in _TEXT_PLACES:
            texts = list(contact.texts) if texts is None else texts
            texts[_TEXT_PLACES[column]] = value
        elif column in _NUMBER_PLACES:
            numbers = list(contact.numbers) if numbers is None else numbers
            numbers[_NUMBER_PLACES[column]] = value
        else:
            fixed[column] = value
    if texts is not None:
        fixed["texts"] = tuple(texts)
    if numbers is not None:
        fixed["numbers"] = tuple(numbers)
    if write.add or write.drop:
        fixed["labels"] = relabelled(contact.labels, write.add, write.drop)
    return msgspec.structs.replace(contact, **fixed)


def value_of(contact: Contact, column: str) -> Any:
    """What stands in a column."""
    if column in _TEXT_PLACES:
        return contact.texts[_TEXT_PLACES[column]]
    return contact.numbers[_NUMBER_PLACES[column]] if column in _NUMBER_PLACES else getattr(contact, column)


def label_mark(number: int) -> str:
    """What a row's labels hold when this one is among them."""
    return f",{number},"


def label_numbers(labels: str) -> list[int]:
    """The labels of a row."""
    return [int(each) for each in labels.split(",") if each]


def packed_labels(numbers: Iterable[int]) -> str:
    """Labels as a row holds them."""
    ordered = sorted(set(numbers))
    return f",{','.join(map(str, ordered))}," if ordered else ""


@lru_cache(maxsize=4096)  # the rows of an import have few combinations
def relabelled(labels: str, add: tuple[int, ...], drop: tuple[int, ...]) -> str:
    """The labels of a row after some were added and others taken off."""
    return packed_labels((set(label_numbers(labels)) | set(add)) - set(drop))


def name_key(name: str) -> str:
    """A name as it is searched for: without regard to case."""
    return name.casefold()
