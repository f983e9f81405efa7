"""Several processes on one SQLite file: what they write goes to the store process, is done once however often the
connection breaks, and what they read is what was written."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from shared import RUN, Owner
from store_samples import ACCOUNT, CARRIER, CREDIT, NOW, SECOND, Balance, many, message, top_up

from whimbrel.store import verbs
from whimbrel.store.errors import StoreError, StoreStopped
from whimbrel.store.interface import Claim, Node, Submission, Write
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.sqlite.frames import Frames
from whimbrel.store.sqlite.link import ScriptFailed, StoreLink
from whimbrel.store.sqlite.remote import LinkSignals, RemoteExecutor
from whimbrel.store.sqlite.serving import StoreServer
from whimbrel.store.sqlite.wire import (
    Call,
    Done,
    Signal,
    frame,
    name_of,
    read_by_client,
    read_by_server,
    session_of,
)
from whimbrel.store.sqlite.wire import encode as packed
from whimbrel.store.sqlite.wire import verb as verb_of
from whimbrel.store.store import SqlStore

STORE_CHILD = Path(__file__).with_name("store_child.py")


@pytest.fixture
async def owner(database: str, tmp_path: Path) -> AsyncIterator[Owner]:
    owner = Owner(database, str(tmp_path / "s"))
    await owner.start()
    try:
        yield owner
    finally:
        await owner.stop()


@asynccontextmanager
async def process(database: str, address: str, number: int) -> AsyncIterator[tuple[SqlStore, LinkSignals]]:
    """What another process has of the store."""
    link = StoreLink(address, session_of(RUN, number))
    store = SqlStore(RemoteExecutor(database, link))
    await store.start()
    try:
        yield store, LinkSignals(link)
    finally:
        await store.stop()


async def until(look: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while True:
            if look():
                return
            await asyncio.sleep(0.002)


async def test_what_one_process_writes_the_others_read(database: str, owner: Owner):
    async with process(database, owner.address, 1) as (one, _), process(database, owner.address, 2) as (two, _):
        await one.ping()
        await one.write(top_up(ACCOUNT, CREDIT))
        sent = many(3)
        stored, other = await asyncio.gather(
            one.accept([Submission(tuple(sent))]), two.accept([Submission((message(text="another"),))])
        )
        assert [each.uncovered for each in (*stored, *other)] == [(), ()]
        assert {each.id for each in await two.messages([each.id for each in sent])} == {each.id for each in sent}
        ((attempt,),) = await two.claim([Claim(sent[0].id, CARRIER, 1, 9, NOW + SECOND)])
        assert attempt
        assert await one.claim([Claim(sent[0].id, CARRIER, 1, 9, NOW + SECOND)]) == [()]


async def test_calls_of_many_processes_share_commits(database: str, owner: Owner):
    counted: list[int] = []
    committed = owner.executor._writer._on_commit
    owner.executor._writer._on_commit = lambda scripts: (counted.append(scripts), committed(scripts))
    async with process(database, owner.address, 1) as (one, _), process(database, owner.address, 2) as (two, _):
        await one.write(top_up(ACCOUNT, 10**12))
        await asyncio.gather(*(each.accept([Submission((message(),))]) for each in [one, two] * 100))
    assert sum(counted) >= 200 and len(counted) < 40


async def test_what_fails_says_why_and_harms_nobody_else(database: str, owner: Owner):
    async with process(database, owner.address, 1) as (one, _):
        bad = one.write([Write("balance_open", ((ACCOUNT, "EUR"), (ACCOUNT, "EUR"), (None, None)))])
        good = one.write(top_up(ACCOUNT, CREDIT))
        failed, done = await asyncio.gather(bad, good, return_exceptions=True)
        assert isinstance(failed, ScriptFailed) and "ConstraintError" in str(failed)
        assert done == [1, 1, 1]
        (balance,) = await one.fetch(Balance, "balance_by_account", ACCOUNT)
        assert balance.available == CREDIT


async def test_errors_of_the_store_keep_their_kind(database: str, owner: Owner):
    async with process(database, owner.address, 1) as (one, _):
        await owner.executor.stop()
        with pytest.raises(StoreStopped):
            await one.write(top_up(ACCOUNT, CREDIT))
    with pytest.raises(StoreStopped):
        await one.write(top_up(ACCOUNT, CREDIT))


async def test_a_call_that_comes_again_is_answered_and_not_done_twice(database: str, owner: Owner):
    """The answer was lost with the connection, the commit was not."""
    reader, writer = await asyncio.open_unix_connection(owner.address)
    frames = Frames()

    async def ask(number: int, *, again: bool) -> Any:
        script = verbs.write.write
        args = msgspec.Raw(packed((top_up(ACCOUNT, CREDIT)[1:2],)))
        writer.write(frame(Call(number, 1, again, name_of(script), args)))
        while True:
            for body in frames.feed(await reader.read(65536)):
                said = read_by_client(body)
                if not isinstance(said, Signal):
                    assert isinstance(said, Done) and said.number == number, said
                    return verb_of(name_of(script)).result(said.result)

    async with process(database, owner.address, 1) as (one, _):
        await one.write(top_up(ACCOUNT, CREDIT))
        assert await ask(1, again=False) == [1]
        assert await ask(1, again=True) == [1]
        assert await ask(1, again=True) == [1]
        assert await ask(2, again=True) == [1]  # that one never came before
        (balance,) = await one.fetch(Balance, "balance_by_account", ACCOUNT)
        assert balance.available == 3 * CREDIT
    writer.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store process may take its time to come, and to come back."""
    for limit in ("START_S", "AWAY_S"):
        monkeypatch.setattr(f"whimbrel.store.sqlite.link.{limit}", 60.0)


async def test_calls_wait_for_a_store_process_that_comes_back(database: str, owner: Owner, patient: None):
    async with process(database, owner.address, 1) as (one, signals):
        missed: list[str] = []
        signals.subscribe("queue", missed.append)
        await one.write(top_up(ACCOUNT, CREDIT))
        await owner.stop()
        assert (await one.fetch(Balance, "balance_by_account", ACCOUNT))[0].available == CREDIT  # reads go on
        waiting = asyncio.ensure_future(one.write(top_up(ACCOUNT, CREDIT)[1:2]))
        await asyncio.sleep(0)
        await owner.start()
        assert await waiting == [1]
        await until(lambda: "" in missed)


async def test_a_call_that_never_left_fails_when_the_store_process_stays_away(
    database: str, owner: Owner, monkeypatch: pytest.MonkeyPatch
):
    async with process(database, owner.address, 1) as (one, _):
        await owner.stop()
        with monkeypatch.context() as changed, pytest.raises(StoreError, match="nothing was stored"):
            changed.setattr("whimbrel.store.sqlite.link.AWAY_S", 0.05)
            await one.write(top_up(ACCOUNT, CREDIT))
        await owner.start()
        assert await one.fetch(Balance, "balance_by_account", ACCOUNT) == []
        assert await one.write(top_up(ACCOUNT, CREDIT)) == [1, 1, 1]


async def test_signals_reach_the_others_only_and_commits_reach_all(database: str, owner: Owner):
    async with process(database, owner.address, 1) as (one, ones), process(database, owner.address, 2) as (_, twos):
        heard: list[tuple[str, str]] = []
        ones.subscribe("queue", lambda detail: heard.append(("one", detail)))
        twos.subscribe("queue", lambda detail: heard.append(("two", detail)))
        for name, each in (("one", ones), ("two", twos)):
            each.subscribe("events", lambda detail, name=name: heard.append((name, "events")))
        ones.send("queue", "CR1")
        await until(lambda: ("two", "CR1") in heard)
        assert ("one", "CR1") not in heard
        await one.write(top_up(ACCOUNT, CREDIT))
        await until(lambda: {("one", "events"), ("two", "events")} <= set(heard))


@asynccontextmanager
async def one_that_does_not_read(database: str, owner: Owner) -> AsyncIterator[socket.socket]:
    """As a process that is stopped or hangs; four megabytes of signals were sent to it."""
    with socket.socket(socket.AF_UNIX) as stuck:
        stuck.setblocking(False)
        await asyncio.get_running_loop().sock_connect(stuck, owner.address)
        async with process(database, owner.address, 1) as (one, ones):
            for _ in range(100):
                for _ in range(10):
                    ones.send("queue", "C" * 4096)
                await one.ping()
        yield stuck


async def test_one_that_does_not_read_fills_no_memory_and_learns_that_it_missed_something(database: str, owner: Owner):
    async with one_that_does_not_read(database, owner) as stuck:
        await until(lambda: len(owner.server._peers) == 1)  # the other one has left
        (peer,) = owner.server._peers
        assert peer._transport.get_write_buffer_size() < 512 * 1024
        frames, loop, heard = Frames(), asyncio.get_running_loop(), []
        async with asyncio.timeout(60):
            while Signal("queue", "") not in heard:
                heard += [read_by_client(body) for body in frames.feed(await loop.sock_recv(stuck, 65536))]
        owner.server.tell(Signal("config", "keys"))
        async with asyncio.timeout(60):
            while Signal("config", "keys") not in heard:
                heard += [read_by_client(body) for body in frames.feed(await loop.sock_recv(stuck, 65536))]
        assert Signal("config", "") not in heard  # none of these was missed


async def test_one_that_does_not_read_holds_up_no_stop(database: str, owner: Owner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("whimbrel.store.sqlite.serving._CUT_S", 0.1)
    async with one_that_does_not_read(database, owner), asyncio.timeout(30):
        await owner.server.stop()


async def test_leases_of_a_process_that_died_are_free_at_once(database: str, owner: Owner, patient: None):
    """Also when the store process is another one by then than the one in which it joined."""
    async with process(database, owner.address, 1) as (one, ones), process(database, owner.address, 2) as (two, _):
        for store, name in ((one, "one"), (two, "two")):
            await store.join(Node(name, name, "1", "worker", NOW, NOW + 100 * SECOND, False))
        assert await two.take_leases(["duty:sweep"], "two", NOW) == {"duty:sweep": 1}
        await owner.stop()
        await owner.start()
        await two.ping()
        assert await one.take_leases(["duty:sweep"], "one", NOW) == {}
        heard: list[str] = []
        ones.subscribe("leases", heard.append)
        two._executor._link._connection._transport.abort()
        two._executor._link._address += "-nowhere"
        await until(lambda: heard)
        assert await one.take_leases(["duty:sweep"], "one", NOW) == {"duty:sweep": 2}


async def test_the_socket_is_private_and_replaces_one_that_was_left(database: str, owner: Owner):
    assert os.stat(owner.address).st_mode & 0o777 == 0o600
    await owner.stop()
    assert os.stat(owner.address)  # as after a kill
    await owner.start()
    async with process(database, owner.address, 1) as (one, _):
        await one.ping()


async def test_answers_of_an_earlier_run_are_forgotten(database: str, tmp_path: Path):
    for run in (1, 2):
        executor = SqliteExecutor(database, readers=1)
        await executor.start()
        server = StoreServer(executor, str(tmp_path / "s"), run=run)
        await server.start()
        link = StoreLink(str(tmp_path / "s"), session_of(run, 3))
        await link.start()
        await link.call(verbs.write.write, ([Write("balance_top_up", ((ACCOUNT, 1),))],))
        rows = executor._connections[1].execute("SELECT session FROM store_answers").fetchall()
        assert rows == [(session_of(run, 3),)]
        await link.stop()
        await server.stop()
        await executor.stop()


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_frames_are_whole_however_they_are_cut(size: int):
    said = [Call(number, 1, False, "write.write", msgspec.Raw(packed(([],)))) for number in range(20)]
    octets = b"".join(frame(each) for each in said)
    frames = Frames()
    found = [body for at in range(0, len(octets), size) for body in frames.feed(octets[at : at + size])]
    assert [read_by_server(body).number for body in found] == list(range(20))


def test_a_verb_that_is_not_there_is_told():
    for name in ("accept.nothing", "nobody.accept", "accept.faults", "accept._insert.x", "accept.Sequence"):
        with pytest.raises(LookupError):
            verb_of(name)


async def test_kill_9_of_the_store_process_loses_and_doubles_nothing(database: str, tmp_path: Path, patient: None):
    """Calls are under way whenever it dies; each is done once, and its caller is told."""
    address = str(tmp_path / "s")

    async def owner() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(sys.executable, str(STORE_CHILD), database, address, str(RUN))

    child = await owner()
    link = StoreLink(address, session_of(RUN, 1))
    await link.start()
    write = verbs.write.write
    await link.call(write, (top_up(ACCOUNT, 1),))
    done = 0

    async def steadily() -> None:
        nonlocal done
        for _ in range(300):
            assert await link.call(write, ([Write("balance_top_up", ((ACCOUNT, 1),))],)) == [1]
            done += 1

    load = asyncio.gather(*(steadily() for _ in range(5)))
    for count in (200, 600, 1000):
        await until(lambda count=count: done >= count)
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
        child = await owner()
    await load
    await link.stop()
    child.terminate()
    await child.wait()
    store = SqlStore(SqliteExecutor(database))
    await store.start()
    (balance,) = await store.fetch(Balance, "balance_by_account", ACCOUNT)
    await store.stop()
    assert balance.available == 1 + 5 * 300
