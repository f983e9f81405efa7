"""Contacts in the store: what lists of writes do on each database, and that a filter means the same in SQL as in plain
Python.
"""

import re
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import ACCOUNT, NOW, OTHER_ACCOUNT

from whimbrel.domain.audience_matching import matches
from whimbrel.domain.audience_terms import EVERYBODY, All, Ask, No, Some, Term
from whimbrel.domain.contacts import Contact, ContactWrite, contact_of, label_mark
from whimbrel.store.contacts import ContactScope, Labelling, RowError, Stripped
from whimbrel.store.interface import Write
from whimbrel.store.statements import for_sqlite
from whimbrel.store.store import SqlStore

SCOPE = ContactScope(ACCOUNT, False, NOW, fields={"t1": "plan", "n1": "age"}, labels={1: "TG1", 2: "TG2"})
LAST = "~"
IMPORT = "IM" + "1".zfill(32)


def write(number: int, add: tuple[int, ...] = (), *, run: int = 0, **columns: Any) -> ContactWrite:
    return ContactWrite(f"CT{run:04d}{number:028d}", f"+4915112345{number:03}", "DE", columns, add)


async def outcomes(store: SqlStore, *writes: ContactWrite, scope: ContactScope = SCOPE, **more: Any) -> list[str]:
    return [done.outcome for done in await store.contacts.put(scope, writes, **more)]


async def everybody(store: SqlStore, scope: ContactScope = SCOPE) -> dict[str, Contact]:
    found = await store.contacts.page(scope.account_id, scope.test, EVERYBODY, LAST, 1000)
    return {contact.number[-3:]: contact for contact in found}


async def told(store: SqlStore) -> list[tuple[str, int, str]]:
    return [(event.type, event.seq, event.data) for event in await store.events_after(0, 1000)]


def policy(name: Any, **more: Any) -> ContactScope:
    return ContactScope(ACCOUNT, False, NOW + 5, policy=name, **more)


async def test_a_number_is_one_contact_whoever_writes_it(store: SqlStore):
    first = write(1, (1,), name="Ann", name_key="ann", t1="pro", n1=41.0)
    assert await outcomes(store, first, write(2), write(1, t1="free")) == ["created", "created", "updated"]
    assert await outcomes(store, first, create_only=True) == ["exists"]
    assert await outcomes(store, write(1, t1="free"), write(2)) == ["unchanged", "unchanged"]
    assert await outcomes(store, write(1, t1="x"), scope=policy("skip")) == ["skipped"]
    assert await outcomes(store, write(1, n2=1.0), scope=policy("replace")) == ["updated"]
    ann = (await everybody(store))["001"]
    assert (ann.name, ann.texts[0], ann.numbers[:2], ann.labels) == ("", None, (None, 1.0), ",1,")
    other = ContactScope(OTHER_ACCOUNT, False, NOW)
    assert await outcomes(store, write(1, run=1), scope=other) == ["created"]
    assert (
        await store.contacts.count(ACCOUNT, False, EVERYBODY),
        await store.contacts.count(ACCOUNT, True, EVERYBODY),
    ) == (2, 0)


async def test_events_tell_names_and_no_values(store: SqlStore):
    await outcomes(store, write(1, (1,), t1="pro"))
    contact = "CT" + "1".zfill(32)
    assert await store.contacts.change(SCOPE, [contact], {"t1": "free", "n1": 3.0}, add=[2], drop=[1]) == {
        contact: "updated"
    }
    assert await store.contacts.delete(SCOPE, [contact, "CT0"]) == 1
    data = f'{{"contact_id":"{contact}"'
    assert await told(store) == [
        ("contact.created", 1, data + "}"),
        ("contact.tagged", 2, data + ',"labels":["TG1"]}'),
        ("contact.updated", 3, data + ',"fields":["plan","age"]}'),
        ("contact.tagged", 4, data + ',"labels":["TG2"]}'),
        ("contact.untagged", 5, data + ',"labels":["TG1"]}'),
        ("contact.deleted", 6, data + "}"),
    ]
    assert await everybody(store) == {}
    assert await store.fetch(lambda *row: row, "contact_changes_page", ACCOUNT, contact, 99, 99) == []


async def test_a_number_of_somebody_else_is_not_taken(store: SqlStore):
    await outcomes(store, write(1), write(2))
    contact = "CT" + "1".zfill(32)
    assert await store.contacts.change(SCOPE, [contact], {"number": "+4915112345002"}) == {contact: "exists"}
    assert await store.contacts.change(SCOPE, [contact], {"number": "+4915112345003"}) == {contact: "updated"}
    assert set(await everybody(store)) == {"002", "003"}


async def begun(store: SqlStore) -> None:
    row = ("IM1", ACCOUNT, 0, 1, "f", "running", "{}", 1, 9, 9, *[0] * 6, "", NOW, NOW, None)
    await store.write([Write("contact_import_insert", (row,))])


async def figures(store: SqlStore) -> tuple[Any, ...]:
    (row,) = await store.fetch(lambda *row: row, "contact_import_by_id", ACCOUNT, 0, "IM1")
    return row[10:16]


async def test_a_stretch_of_an_import_is_stored_once_and_only_while_it_runs(store: SqlStore):
    await begun(store)
    await outcomes(store, write(3, t1="old"))
    scope = ContactScope(ACCOUNT, False, NOW, import_no=1)
    rows = [write(1, t1="a"), write(1, n1=2.0), write(3, t1="new")]
    take = store.contacts.take_rows
    assert await take(scope, "IM1", 0, rows, [RowError(4, "number", "12", "is no number")])
    assert not await take(scope, "IM1", 0, rows, [])
    assert await figures(store) == (4, 1, 1, 0, 1, 1)
    assert await take(scope, "IM1", 4, [write(1, t1="b")], [])
    found = await everybody(store)
    assert (found["001"].texts[0], found["001"].numbers[0], found["003"].texts[0]) == ("b", 2.0, "new")
    assert await figures(store) == (5, 1, 1, 0, 2, 1)
    first = ContactScope(ACCOUNT, False, NOW, import_no=1, wins="first")
    assert await take(first, "IM1", 5, [write(1, t1="c"), write(2)], [])
    assert (await everybody(store))["001"].texts[0] == "b"
    await store.write([Write("contact_import_end", (("IM1", "canceled", "", NOW),))])
    assert not await take(scope, "IM1", 7, [write(9)], [])
    assert {event[0] for event in await told(store)} == {"contact.created"}, "of the one that no import made"
    errors = await store.fetch(lambda *row: row, "contact_import_errors", ACCOUNT, "IM1", -1, 9)
    assert errors == [(4, "number", "12", "is no number")]


async def test_what_was_removed_is_cleared_a_few_rows_at_a_time(store: SqlStore):
    await outcomes(store, *(write(n, (1, 2), t1="x", t2="y") for n in range(5)))
    column = Stripped(Ask("t1", "set"), "t1", 0)
    label = Stripped(Ask("labels", "has", (label_mark(1),)), "", 1)
    for what in (column, label):
        place: str | None = " "
        for _ in range(3):
            assert place is not None
            place = await store.contacts.strip(SCOPE, what, place, 2)
        assert place is not None and await store.contacts.strip(SCOPE, what, place, 2) is None
    assert {(each.texts[:2], each.labels) for each in (await everybody(store)).values()} == {((None, "y"), ",2,")}


NUMBERS = st.sampled_from([-1.5, 0.0, 0.1, 1.0, 41.0, 1e15])
TEXTS = st.text("aAäß%_'\"\\ 0,", max_size=3)
CONTACTS = st.builds(
    lambda place, texts, numbers, labels, name: (place, texts, numbers, labels, name),
    st.integers(0, 999), st.tuples(st.none() | TEXTS, st.none() | TEXTS),
    st.tuples(st.none() | NUMBERS, st.none() | NUMBERS), st.sets(st.sampled_from([1, 2, 11, 12])), TEXTS,
)  # fmt: skip


def asks(columns: list[str], operators: list[str], values: Any) -> Any:
    return st.builds(Ask, st.sampled_from(columns), st.sampled_from(operators), values)


MOMENTS = st.integers(NOW - 2, NOW + 2)
SEEN = st.tuples(*[st.none() | MOMENTS] * 3)


def listed(values: Any) -> Any:
    return st.lists(values, min_size=1, max_size=3).map(tuple)


ASKS = st.one_of(
    asks(["t1", "t2", "name_key", "number", "language"], ["eq", "has", "begins"], st.tuples(TEXTS.filter(bool))),
    asks(["t1", "t2", "country"], ["in"], listed(TEXTS)),
    asks(["n1", "n2"], ["eq", "lt", "le", "gt", "ge"], st.tuples(NUMBERS)),
    asks(["n1", "n2"], ["in"], listed(NUMBERS)),
    asks(["created_at", "updated_at"], ["lt", "ge"], st.tuples(st.integers(NOW - 1, NOW + 1))),
    asks(["last_sent_at", "last_received_at", "last_clicked_at"], ["lt", "le", "ge"], st.tuples(MOMENTS)),
    asks(["t1", "n1", "zone", "last_clicked_at", "opted_out_at"], ["set"], st.just(())),
    asks(["labels"], ["has"], st.sampled_from([1, 2, 11, 12]).map(lambda n: (label_mark(n),))),
)
TERMS: st.SearchStrategy[Term] = st.recursive(
    ASKS,
    lambda parts: st.one_of(
        st.builds(No, parts),
        st.builds(All, st.lists(parts, max_size=3).map(tuple)),
        st.builds(Some, st.lists(parts, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


def plainly(term: Term, contact: Contact) -> bool:
    """The same question in the plainest Python, written without a look at `audience_matching`."""
    if isinstance(term, All):
        return False not in [plainly(part, contact) for part in term.parts]
    if isinstance(term, Some):
        return True in [plainly(part, contact) for part in term.parts]
    if isinstance(term, No):
        return not plainly(term.part, contact)
    if term.column[1:].isdigit():
        held: Any = {"t": contact.texts, "n": contact.numbers}[term.column[0]][int(term.column[1:]) - 1]
    else:
        held = getattr(contact, term.column)
    if held is None:
        return False
    wanted: Any = term.values[0] if term.values else None
    if term.operator == "has":
        return held.find(wanted) >= 0
    if term.operator == "begins":
        return held[: len(wanted)] == wanted
    if term.operator == "in":
        return any(held == each for each in term.values)
    compared = {"set": True, "eq": held == wanted}
    if term.operator in compared:
        return compared[term.operator]
    return {"lt": held < wanted, "le": held <= wanted, "gt": held > wanted, "ge": held >= wanted}[term.operator]


async def test_what_others_say_of_a_contact_stays_when_it_is_written(store: SqlStore):
    await outcomes(store, write(1, t1="pro"), write(2), write(3))
    ids = [write(number).id for number in (1, 2, 3)]
    seen = tuple((ACCOUNT, 0, id_, place, place + 10, None) for place, id_ in enumerate(ids))
    stopped = ((ACCOUNT, write(1).number, 7),)
    await store.write([Write("contact_seen_set", seen), Write("contact_opted_out", stopped)])
    assert await outcomes(store, write(1, t1="free")) == ["updated"]
    assert await outcomes(store, write(1, t1="free")) == ["unchanged"]
    assert await outcomes(store, write(1, t1="x"), scope=policy("replace", import_no=3)) == ["updated"]
    await store.contacts.change(SCOPE, ids[:1], {"t1": "y"})
    first = (await everybody(store))["001"]
    assert (first.last_sent_at, first.last_received_at, first.last_clicked_at, first.opted_out_at) == (0, 10, None, 7)
    merged = await store.contacts.merge(SCOPE, ids[0], ids[1:])
    assert merged is not None and merged == (await everybody(store))["001"]
    assert (merged.last_sent_at, merged.last_received_at, merged.opted_out_at) == (2, 12, 7)
    await store.contacts.change(SCOPE, ids[:1], {"number": "+4915112345999"})
    moved = (await everybody(store))["999"]
    assert (moved.last_sent_at, moved.last_received_at, moved.opted_out_at) == (None, None, None)


async def test_a_contact_that_comes_after_its_stop_has_opted_out(store: SqlStore):
    stopped = [(write(number).number, number) for number in (1, 2)]
    rows = tuple(
        (f"OO{key}", ACCOUNT, key, "+49", "api", NOW - key, "sender:x" if key == 2 else None, None, number)
        for number, key in stopped
    )
    await store.write([Write("opt_out_record", rows)])
    await outcomes(store, write(1), write(2), write(3))
    await outcomes(store, write(1, run=1), scope=ContactScope(ACCOUNT, True, NOW))
    found = {number: contact.opted_out_at for number, contact in (await everybody(store)).items()}
    assert found == {"001": NOW - 1, "002": None, "003": None}
    assert [each.opted_out_at for each in (await everybody(store, ContactScope(ACCOUNT, True, NOW))).values()] == [None]
    await store.contacts.change(SCOPE, [write(3).id], {"number": "+4915112345888"})
    await store.contacts.change(SCOPE, [write(1).id], {"number": "+4915112345777"})
    await store.contacts.change(SCOPE, [write(3).id], {"number": write(1).number})
    moved = {number: contact.opted_out_at for number, contact in (await everybody(store)).items()}
    assert moved == {"001": NOW - 1, "002": None, "777": None}


async def test_people_are_labelled_once_and_only_where_the_import_stands(store: SqlStore):
    await outcomes(store, write(1), write(2, (1,)), write(3))
    spec = (IMPORT, ACCOUNT, 0, 1, "all", "running", "{}", *[0] * 9, "", NOW, NOW, None)
    await store.write([Write("contact_import_insert", (spec,))])
    scope, people = ContactScope(ACCOUNT, False, NOW + 5, import_no=1), [write(number).id for number in (1, 2, 3)]
    on = Labelling(IMPORT, 1, False)
    assert not await store.contacts.label(scope, on, 1, people)
    assert await store.contacts.label(scope, on, 0, people)
    assert not await store.contacts.label(scope, on, 0, people), "by a node that was frozen"
    assert {contact.labels for contact in (await everybody(store)).values()} == {",1,"}
    assert await store.contacts.label(scope, Labelling(IMPORT, 1, True), 3, people[:2])
    assert [each.labels for each in (await everybody(store)).values()] == [",1,", "", ""]
    (row,) = await store.fetch(lambda *columns: columns, "contact_import_by_id", ACCOUNT, 0, IMPORT)
    assert row[10:15] == (5, 0, 4, 1, 0)  # position, created, updated, skipped, duplicates
    assert [kind for kind, _, _ in await told(store) if kind == "contact.tagged"] == ["contact.tagged"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_filter_means_the_same_in_sql_and_in_python(of_dialect: Any, request: pytest.FixtureRequest):
    if request.node.callspec.params["of_dialect"] == "shared":
        pytest.skip("reads as SQLite does")
    store = SqlStore(of_dialect)
    await store.start()
    try:
        await compared(store)
    finally:
        await store.stop()


async def compared(store: SqlStore) -> None:
    samples: list[tuple[list[Any], list[Term], list[Any]]] = []

    @settings(max_examples=40, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(CONTACTS, min_size=3, max_size=12, unique_by=lambda row: row[0]),
        st.lists(TERMS, min_size=5, max_size=5),
        st.lists(st.tuples(SEEN, st.none() | MOMENTS), min_size=3, max_size=3),
    )
    def gather(contacts: list[Any], terms: list[Term], seen: list[Any]) -> None:
        samples.append((contacts, terms, seen))

    gather()
    for run, (contacts, terms, seen) in enumerate(samples):
        scope = ContactScope(f"AC{run}", False, NOW)
        writes = [
            write(place, tuple(labels), run=run, t1=texts[0], t2=texts[1], n1=numbers[0], n2=numbers[1], name_key=name)
            for place, texts, numbers, labels, name in contacts
        ]
        await store.contacts.put(scope, writes)
        pairs = list(zip(writes, seen, strict=False))
        lasts = tuple((scope.account_id, 0, each.id, *moments) for each, (moments, _) in pairs)
        stops = tuple((scope.account_id, each.number, at) for each, (_, at) in pairs)
        await store.write([Write("contact_seen_set", lasts), Write("contact_opted_out", stops)])
        every = await store.contacts.page(scope.account_id, False, EVERYBODY, LAST, 99)
        assert len(every) == len(writes)
        for term in terms:
            found = await store.contacts.page(scope.account_id, False, term, LAST, 99)
            expected = [contact for contact in every if plainly(term, contact)]
            assert found == expected, term
            assert [contact for contact in every if matches(term, contact)] == expected, term
            assert await store.contacts.count(scope.account_id, False, term) == len(expected)


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("contacts_by_numbers", "INDEX contacts_by_number (account_id=? AND test=? AND number=?)"),
        ("contact_ids_of_numbers", "COVERING INDEX contacts_by_number (account_id=? AND test=? AND number=?)"),
        ("contacts_by_ids", "PRIMARY KEY (account_id=? AND test=? AND id=?)"),
        ("contacts_page", "PRIMARY KEY (account_id=? AND test=? AND id<?)"),
        ("contact_opted_out", "COVERING INDEX contacts_by_number (account_id=? AND test=? AND number=?)"),
        ("contacts_holding", "PRIMARY KEY (account_id=? AND test=? AND id>?)"),
    ],
)
def test_each_is_found_by_its_own_key_and_not_by_reading_all_of_an_account(database: str, statement: str, index: str):
    """An account's contacts stand in the order of their ids, which an order by id would rather read than sort."""
    sql = for_sqlite()[statement].sql
    plan = apsw.Connection(database).execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * len(set(re.findall(r"\?\d+", sql))))
    assert [row[3] for row in plan if "contacts" in row[3]] == [f"SEARCH contacts USING {index}"]


def test_a_row_is_a_contact_and_back():
    columns = (
        "AC1",
        1,
        "CT1",
        "+1",
        "US",
        "en",
        None,
        ",1,",
        1,
        2,
        3,
        4,
        "Ann",
        "ann",
        "",
        "x",
        *[None] * 19,
        1.5,
        *[None] * 19,
    )
    contact = contact_of(*columns)
    assert (contact.test, contact.texts[0], contact.numbers[0], len(contact.texts)) == (True, "x", 1.5, 20)
