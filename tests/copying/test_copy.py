"""`copy`: what arrives is what was there, and whoever opens it goes on where the source stopped."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from tests.copying.ends import NOW, Watching, ask, ask_meanwhile, carry, everything, store_of
from tests.copying.installation import ACCOUNTS, CARRIERS, LIST, START_US, Filling, make
from tests.pg import Postgres, fresh_database
from whimbrel.domain.positions import DAY_US, NUMBER_BITS
from whimbrel.store.copying import run
from whimbrel.store.copying.tables import FOLLOWS_EVENTS, LEFT, POSITIONS, TABLES, highest_sql
from whimbrel.store.errors import SchemaError, StoreBusy, StoreError
from whimbrel.store.interface import Claim, Submission
from whimbrel.store.postgresql.partitions import EVENT_BITS
from whimbrel.store.sqlite import copying as sqlite
from whimbrel.store.sqlite.lock import OwnerLock

COUNT = 2_000


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation in SQLite; not to be written to."""
    path = tmp_path_factory.mktemp("made") / "whimbrel.db"
    asyncio.run(make(path, COUNT))
    return path


@pytest.fixture
def file(made: Path, tmp_path: Path) -> str:
    """The same to be changed."""
    copyfile(made, tmp_path / "source.db")
    return str(tmp_path / "source.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place without anything."""
    return str(tmp_path / "target.db") if request.param == "sqlite" else request.getfixturevalue("empty_postgres")


@pytest.fixture
async def second_postgres(postgres_server: Postgres) -> AsyncIterator[str]:
    async with fresh_database(postgres_server.url) as url:
        yield url


class Interrupted(Exception):
    """In place of `kill -9`; the real one is in test_command.py."""


def once(do: Callable[[], None], table: str = "") -> Callable[[str, int], None]:
    """What is done in the middle of a copy: at the first rows, or at the first ones of a table."""
    done: list[bool] = []

    def interrupt(its: str, _: int) -> None:
        if not done and table in ("", its):
            done.append(True)
            do()

    return interrupt


async def highest(place: str) -> int:
    """Of all positions of events."""
    found = [(await ask(place, highest_sql(each)))[0][0] for each in POSITIONS]
    return max(each for each in found if each is not None)


async def goes_on(place: str, seed: int = 0) -> None:
    """A node of the copy sends another message: nothing it numbers is taken, and only new events are new."""
    before, last_attempt = await highest(place), (await ask(place, "SELECT MAX(position) FROM attempts"))[0][0]
    store = store_of(place)
    await store.start()
    try:
        cursor = (await ask(place, "SELECT position FROM cursors WHERE name = 'index'"))[0][0]
        assert {event.created_at for event in await store.events_after(cursor, 10)} <= {NOW}  # of a test before
        message = Filling(store, NOW + seed).message(1, NOW)
        claim = Claim(message.id, CARRIERS[0], 1, 5, NOW)
        (stored,) = await store.accept([Submission((message,), claims=(claim,))])
        assert not stored.uncovered
        assert stored.attempts[message.id][0] > last_attempt
        events = [event for event in await store.events_after(cursor, 10) if event.subject_id == message.id]
        assert [event.seq for event in events] == [1, 2]
        assert min(event.position for event in events) > before
        (ledger,) = await ask(place, f"SELECT position FROM ledger WHERE message_id = '{message.id}'")
        assert ledger[0] > (await ask(place, "SELECT COUNT(*) FROM ledger"))[0][0] - 1
    finally:
        await store.stop()


# ---------------------------------------------------------------- what arrives


async def test_every_row_arrives_and_a_node_goes_on(made: Path, target: str):
    lines = await carry(str(made), target)
    assert [line.table for line in lines if not line.agrees] == []
    assert await everything(target, str(made)) == await everything(str(made))
    await goes_on(target)


async def test_events_have_the_room_that_they_take(made: Path, empty_postgres: str):
    """Ranges end where events do, or retention would drop none of them for long."""
    await carry(str(made), empty_postgres)
    assert await ask(empty_postgres, "SELECT event_base() >= 0") == [(True,)]
    bounds = await ask(
        empty_postgres,
        "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'events'::regclass AND c.relname <> 'events_moved'",
    )
    assert bounds == [(f"FOR VALUES FROM ('0') TO ('{1 << EVENT_BITS}')",)]


async def test_numbers_of_attempts_go_on_behind_those_of_the_same_day(made: Path, empty_postgres: str):
    await carry(str(made), empty_postgres)
    (highest_,) = await ask(empty_postgres, f"SELECT MAX(position & {(1 << NUMBER_BITS) - 1}) FROM attempts")
    assert await ask(empty_postgres, "SELECT nextval('attempt_numbers')") == [(highest_[0] + 1,)]


async def test_back_again_and_on_to_another_server(
    made: Path, empty_postgres: str, second_postgres: str, tmp_path: Path
):
    await carry(str(made), empty_postgres)
    await goes_on(empty_postgres)
    last = (await ask(empty_postgres, "SELECT MAX(position) FROM events"))[0][0]
    for sql in (f"UPDATE cursors SET position = {{}} WHERE {FOLLOWS_EVENTS}", "UPDATE webhooks SET cursor = {}"):
        await ask(empty_postgres, sql.format(last + 1000))  # as far as nothing can come any more
    was = await everything(empty_postgres, str(made))
    back = str(tmp_path / "back.db")
    await carry(empty_postgres, back)
    await carry(empty_postgres, second_postgres)
    assert await everything(second_postgres, str(made)) == was
    arrived = await everything(back)
    cursors = dict(was.pop("cursors"))
    assert cursors["receipt_deadline"] > last + 1000, "it is a time"
    assert dict(arrived.pop("cursors")) == dict.fromkeys(cursors, last) | {
        "receipt_deadline": cursors["receipt_deadline"]
    }
    for row, before in zip(arrived.pop("webhooks"), was.pop("webhooks"), strict=True):
        assert row == tuple(last if value == last + 1000 else value for value in before) != before
    assert arrived == was
    await goes_on(back, 1)
    await goes_on(second_postgres, 1)


async def test_positions_beyond_all_transactions_of_the_target_stay_below_its_new_ones(file: str, empty_postgres: str):
    """As from a server that has counted for years. A cursor may stand behind the last event."""
    for table, column, condition in POSITIONS:  # no two are equal on the way
        await ask(file, f"UPDATE {table} SET {column} = -{column} WHERE {column} > 0 AND {condition}")
        await ask(file, f"UPDATE {table} SET {column} = (1 << 50) - {column} WHERE {column} < 0 AND {condition}")
    await ask(file, f"UPDATE cursors SET position = position + (1 << 30) WHERE {FOLLOWS_EVENTS}")
    source = await everything(file)
    await carry(file, empty_postgres)
    assert await everything(empty_postgres, file) == source
    await goes_on(empty_postgres)
    ranges = await ask(empty_postgres, "SELECT COUNT(*) FROM pg_inherits WHERE inhparent = 'events'::regclass")
    assert 10 < ranges[0][0] < 25


async def test_attempts_that_are_older_than_numbers_by_day_get_their_day(file: str, empty_postgres: str):
    await ask(
        file,
        "UPDATE attempts SET position = (SELECT COUNT(*) FROM attempts o WHERE o.position <= attempts.position)"
        f" WHERE committed_at < {START_US + DAY_US // 2}",
    )
    old = (await ask(file, f"SELECT COUNT(*) FROM attempts WHERE position < {1 << NUMBER_BITS}"))[0][0]
    assert old > 0
    await carry(file, empty_postgres)
    days = await ask(
        empty_postgres, f"SELECT DISTINCT position >> {NUMBER_BITS}, committed_at / {DAY_US} FROM attempts"
    )
    assert days and all(by_position == by_time for by_position, by_time in days)
    await goes_on(empty_postgres)


async def test_a_phone_may_have_sent_what_postgresql_cannot_hold(file: str, empty_postgres: str):
    await ask(file, "UPDATE messages SET text = 'a' || char(0) || 'b' WHERE state = 'received'")
    lines = await carry(file, empty_postgres)
    assert all(line.agrees for line in lines)
    found = await ask(empty_postgres, "SELECT DISTINCT text FROM messages WHERE state = 'received'")
    assert found == [("a\ufffdb",)]


async def test_one_account_goes_with_what_belongs_to_the_installation(made: Path, target: str):
    await carry(str(made), target, ACCOUNTS[0])
    found = await everything(target, str(made))
    whole = await everything(str(made))
    assert {row[0] for row in found["accounts"]} == {ACCOUNTS[0]}
    assert {row[1] for row in found["messages"]} == {ACCOUNTS[0]}
    assert found["carriers"] == whole["carriers"] and found["keys"] == whole["keys"]
    ids = {row[0] for row in found["messages"]}
    for table, place in (("queue", 3), ("schedule", 1), ("message_numbers", 1)):
        assert found[table] == [row for row in whole[table] if row[place] in ids] != []
    assert found["inbound_parts"] == [] != whole["inbound_parts"]


# ---------------------------------------------------------------- interruptions


async def test_it_goes_on_where_it_was_interrupted(made: Path, target: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run, "CHUNK", 300)

    def interrupt_at(wanted: str) -> Watching:
        def interrupt(table: str, _: int) -> None:
            if table == wanted:
                raise Interrupted

        return Watching(interrupt)

    done = [0]
    for table in ("accounts", "messages", "attempts", "events", "cursors"):
        watching = interrupt_at(table)
        with pytest.raises(Interrupted):
            await carry(str(made), target, watching=watching)
        assert watching.at_first >= done[-1]
        done.append(watching.done)
        with pytest.raises(SchemaError, match="half copied"):
            await store_of(target).start()
    watching = Watching()
    lines = await carry(str(made), target, watching=watching)
    assert 0 < watching.at_first < watching.rows
    assert all(line.agrees for line in lines)
    assert await everything(target, str(made)) == await everything(str(made))
    await goes_on(target)


async def test_an_interruption_waits_for_what_its_file_is_doing(file: str):
    """Ctrl-C ends the copy in the middle of a statement, which another thread runs."""
    runs, may_end = threading.Event(), threading.Event()

    def hold() -> int:
        runs.set()
        return int(may_end.wait(60))

    async def read() -> None:
        with sqlite.source(file) as source:
            source._connection.create_scalar_function("hold", hold)
            await source._rows("SELECT hold()")

    reading = asyncio.create_task(read())
    await asyncio.to_thread(runs.wait, 60)
    reading.cancel()
    asyncio.get_running_loop().call_later(0.1, may_end.set)
    with pytest.raises(asyncio.CancelledError):
        await reading
    with OwnerLock(file):
        pass


CHANGES = (
    "UPDATE accounts SET status = 'suspended' WHERE id = (SELECT MIN(id) FROM accounts)",
    "UPDATE webhooks SET cursor = cursor + 1",
    "INSERT INTO ledger (account_id, kind, debit, credit, amount_micros, note, created_at) "
    "SELECT account_id, 'top_up', 'bank', 'available', 0, '', 1 FROM balances LIMIT 1",
)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_source_that_went_on_between_two_runs_is_told(change: str, file: str, target: str):
    """What was copied before it would be older than the rest."""

    def interrupt(table: str, _: int) -> None:
        if table == "messages":
            raise Interrupted

    with pytest.raises(Interrupted):
        await carry(file, target, watching=Watching(interrupt))
    await ask(file, change)
    with pytest.raises(StoreError, match=r"has changed since this copy of it began: stop its nodes, empty .+, and"):
        await carry(file, target)
    with pytest.raises(SchemaError, match="half copied"):
        await store_of(target).start()


async def test_a_node_that_came_and_went_meanwhile_is_noticed(made: Path, empty_postgres: str, second_postgres: str):
    await carry(str(made), empty_postgres)
    watching = Watching(once(lambda: ask_meanwhile(empty_postgres, CHANGES[0])))
    with pytest.raises(StoreError, match="has changed since this copy of it began"):
        await carry(empty_postgres, second_postgres, watching=watching)
    with pytest.raises(SchemaError, match="half copied"):
        await store_of(second_postgres).start()


async def test_a_copy_that_does_not_agree_is_told_and_no_node_starts_on_it(made: Path, target: str):
    def lose(table: str, _: int) -> None:
        if table == "ledger":
            raise Interrupted

    with pytest.raises(Interrupted):
        await carry(str(made), target, watching=Watching(lose))
    await ask(target, "UPDATE ledger SET amount_micros = amount_micros + 1 WHERE position = 5")
    await ask(target, "DELETE FROM accounts WHERE id = (SELECT MAX(id) FROM accounts)")
    lines = await carry(str(made), target)
    assert [line.table for line in lines if not line.agrees] == ["accounts", "ledger"]
    with pytest.raises(SchemaError, match="half copied"):
        await store_of(target).start()


async def test_a_server_that_goes_away_is_named_and_the_copy_goes_on_later(
    made: Path, empty_postgres: str, second_postgres: str, monkeypatch: pytest.MonkeyPatch
):
    await carry(str(made), second_postgres)
    monkeypatch.setattr(run, "CHUNK", 500)
    for source, gone in ((str(made), empty_postgres), (second_postgres, second_postgres)):
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() " \
              "AND pid <> pg_backend_pid()"  # fmt: skip
        end_it = once(lambda gone=gone, sql=sql: ask_meanwhile(gone, sql), "messages")
        with pytest.raises(StoreError, match="what was copied stays"):
            await carry(source, empty_postgres, watching=Watching(end_it))
        if source == str(made):
            await carry(source, empty_postgres)
            assert await everything(empty_postgres, source) == await everything(source)
            await ask(empty_postgres, "DROP SCHEMA public CASCADE")
            await ask(empty_postgres, "CREATE SCHEMA public")


# ---------------------------------------------------------------- refusals


async def test_a_target_with_data_of_its_own_is_refused(made: Path, file: str, postgres: str):
    await ask(postgres, "INSERT INTO cursors VALUES ('a', 1)")
    for target in (file, postgres):
        with pytest.raises(StoreError, match="has data of its own"):
            await carry(str(made), target)


async def test_a_half_copied_target_takes_no_other_source(made: Path, file: str, target: str):
    def interrupt(*_: Any) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        await carry(str(made), target, watching=Watching(interrupt))
    with pytest.raises(StoreError, match="half copied from elsewhere"):
        await carry(file, target)
    with pytest.raises(StoreError, match="half copied from elsewhere"):
        await carry(str(made), target, ACCOUNTS[0])


async def test_what_is_in_use_is_refused_on_both_sides(made: Path, file: str, postgres: str, tmp_path: Path):
    other = str(tmp_path / "other.db")
    with OwnerLock(file), pytest.raises(StoreBusy, match="is used by process"):
        await carry(file, other)
    with OwnerLock(other), pytest.raises(StoreBusy, match="is used by process"):
        await carry(str(made), other)
    await ask(
        postgres,
        "INSERT INTO nodes (id, name, version, started_at, alive_until, draining, roles) "
        "VALUES ('N', 'tern', '1', 0, 9000000000000000, 0, '')",
    )
    for source, target in ((postgres, other), (str(made), postgres)):
        with pytest.raises(StoreBusy, match=r"is used by tern \(1\)"):
            await carry(source, target)


async def test_accounts_that_are_under_way_between_cells_have_to_arrive_first(
    made: Path, postgres: str, tmp_path: Path
):
    await ask(postgres, "INSERT INTO parcels (account_id, kind, rows) VALUES ('AC', 'x', '[]')")
    with pytest.raises(StoreBusy, match=r"an account moves to or from another cell \(parcels\)"):
        await carry(postgres, str(tmp_path / "other.db"))


async def test_events_that_came_with_an_account_stay_below_all_others(
    made: Path, empty_postgres: str, second_postgres: str, tmp_path: Path
):
    await carry(str(made), empty_postgres)
    await ask(
        empty_postgres,
        "INSERT INTO events SELECT -5, account_id, test, 'SMx', 1, type, data, callback, created_at "
        "FROM events LIMIT 1",
    )
    for target in (second_postgres, str(tmp_path / "other.db")):
        assert all(line.agrees for line in await carry(empty_postgres, target))
        assert (await ask(target, "SELECT position FROM events WHERE subject_id = 'SMx'")) == [(-5,)]
        await goes_on(target, 2)
    assert await ask(second_postgres, "SELECT last_value FROM moved_event_numbers") == [(-5,)]


@pytest.mark.parametrize("where", ["source", "target"])
async def test_a_node_that_starts_meanwhile_is_noticed(
    where: str, made: Path, empty_postgres: str, second_postgres: str
):
    await carry(str(made), empty_postgres)
    place = empty_postgres if where == "source" else second_postgres
    join = (
        "INSERT INTO nodes (id, name, version, started_at, alive_until, draining, roles) "
        "VALUES ('N', 'tern', '1', 0, 9000000000000000, 0, '')"
    )
    watching = Watching(once(lambda: ask_meanwhile(place, join)))
    with pytest.raises(StoreBusy, match=r"used by tern \(1\)"):
        await carry(empty_postgres, second_postgres, watching=watching)
    with pytest.raises(SchemaError, match="half copied"):
        await store_of(second_postgres).start()


async def test_a_source_that_does_not_exist_or_lacks_its_schema_is_refused(tmp_path: Path, empty_postgres: str):
    with pytest.raises(StoreError, match=r"none\.db does not exist"):
        await carry(str(tmp_path / "none.db"), str(tmp_path / "other.db"))
    with pytest.raises(SchemaError, match="run `whimbrel migrate apply`"):
        await carry(empty_postgres, str(tmp_path / "other.db"))


# ---------------------------------------------------------------- tables


async def test_every_table_is_copied_or_left_for_a_reason(made: Path, postgres: str):
    ours = {row[0] for row in await ask(str(made), "SELECT name FROM sqlite_schema WHERE type = 'table'")}
    theirs = {
        row[0]
        for row in await ask(
            postgres,
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
            "AND relnamespace = 'public'::regnamespace",
        )
    }
    copied = {table.name for table in TABLES}
    assert copied & set(LEFT) == set()
    for found in (ours, theirs):
        assert found - copied - set(LEFT) - {"sqlite_sequence", "sqlite_stat1"} == set()
        assert copied - found == set()


async def test_every_table_is_copied_by_its_whole_key(made: Path, postgres: str):
    """A part of it would lose rows at the borders of chunks."""
    for table in TABLES:
        rows = await ask(str(made), f"SELECT name FROM pragma_table_info('{table.name}') WHERE pk > 0 ORDER BY pk")
        assert tuple(row[0] for row in rows) == table.key
        sql = f"""SELECT a.attname
            FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (number, place), pg_attribute a
            WHERE i.indrelid = '{table.name}'::regclass AND i.indisprimary AND a.attrelid = i.indrelid
            AND a.attnum = k.number ORDER BY k.place"""
        assert tuple(row[0] for row in await ask(postgres, sql)) == table.key


async def test_the_installation_has_rows_in_every_table(made: Path):
    """Or the tests above say nothing about it."""
    counts = {table.name: (await ask(str(made), f"SELECT COUNT(*) FROM {table.name}"))[0][0] for table in TABLES}
    assert [name for name, count in counts.items() if not count] == []
    assert counts["messages"] > COUNT > 3 * LIST
