"""Streams from the event log of a real store to a real NATS server: what a consumer that is not ours reads from it,
against the events of the log.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.journey.rig import until
from tests.net.nats_server import NatsServer, ids_in_order, nats_server
from whimbrel import brokers
from whimbrel.base.clock import DAY_US, Chance, SystemChance, SystemClock
from whimbrel.base.ids import Ids, event_id
from whimbrel.base.metrics import Metrics
from whimbrel.base.moments import to_text
from whimbrel.base.vault import Vault
from whimbrel.journey.follower import cursor
from whimbrel.journey.streams import Stream, StreamRow, cursor_name
from whimbrel.journey.tables import Tables
from whimbrel.manage import streams as manage
from whimbrel.manage.context import Context
from whimbrel.net import nats
from whimbrel.sections import Stream as Section
from whimbrel.store.interface import Write
from whimbrel.store.store import SqlStore

CLOCK, CHANCE = SystemClock(), SystemChance()
ACCOUNT, OTHER = "AC" + "1" * 32, "AC" + "2" * 32
KEPT_US = 30 * DAY_US


def subject(number: int) -> str:
    return f"SM{number:028x}0000"


async def append(
    store: SqlStore,
    messages: Sequence[int],
    *,
    seqs: Sequence[int] = (1, 2, 3),
    kind: str = "message.sent",
    account: str = ACCOUNT,
    test: bool = False,
    at: int | None = None,
) -> list[str]:
    """Events of these messages, mixed as in a log, in several commits; their ids."""
    now = CLOCK.now_us() if at is None else at
    for seq in seqs:
        rows = tuple((account, int(test), subject(number), seq, kind, "{}", 0, now) for number in messages)
        await store.write([Write("event_insert", rows)])
    return [event_id(subject(number), seq) for seq in seqs for number in messages]


def made(
    store: SqlStore, server: NatsServer, *, chance: Chance = CHANCE, metrics: Metrics | None = None, **more: object
):
    section = Section(**({"servers": (server.address,), "create": True, "start": "oldest"} | more))
    return Stream(
        brokers.target("ops", section),
        brokers.publisher(section),
        store=store,
        clock=CLOCK,
        chance=chance,
        metrics=metrics or Metrics(),
        kept_us=KEPT_US,
    )


@asynccontextmanager
async def running(store: SqlStore, server: NatsServer, **more: object) -> AsyncIterator[Stream]:
    stream = made(store, server, **more)
    await stream.start()
    try:
        yield stream
    finally:
        await stream.stop()


def context(store: SqlStore) -> Context:
    """What operators' commands need."""
    vault = Vault(bytes(32), CHANCE)
    return Context(
        store=store,
        tables=Tables(store, vault),
        vault=vault,
        clock=CLOCK,
        chance=CHANCE,
        ids=Ids(CLOCK, CHANCE),
        streams={"ops": "nats"},
    )


async def crash(stream: Stream) -> None:
    """As a killed process: nothing is finished and nothing is saved."""
    stream._task.cancel()
    await asyncio.gather(stream._task, return_exceptions=True)
    await stream._publisher.close()


async def ids(server: NatsServer) -> list[str]:
    return [each.event["id"] for each in await server.everything()]


async def row(store: SqlStore) -> StreamRow | None:
    found = await store.fetch(StreamRow, "stream_by_name", "ops")
    return found[0] if found else None


async def stands_at(store: SqlStore, place: int) -> bool:
    return await cursor(store, cursor_name("ops")) == place


async def in_state(store: SqlStore, state: str) -> StreamRow:
    async def there() -> StreamRow | None:
        found = await row(store)
        return found if found is not None and found.state == state else None

    return await until(there, within_s=60)


def value(metric: object, **labels: str) -> float:
    """Of a metric with labels."""
    return metric.labels(*labels.values())._value.get()


# ---------------------------------------------------------------- what goes out


async def test_the_whole_log_goes_out_once_and_in_order(store, server):
    wanted = await append(store, range(400))
    async with running(store, server, batch=150) as stream:
        wanted += await append(store, range(400, 500))
        stream.wake()
        await server.holds(len(wanted))
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
    seen = await server.everything()
    assert sorted(each.event["id"] for each in seen) == sorted(wanted)
    assert set(map(tuple, ids_in_order([each.event for each in seen]).values())) == {(1, 2, 3)}


@pytest.mark.parametrize("batch", [1, 70, 1000])
async def test_a_message_s_events_are_in_order_where_the_log_has_them_otherwise(store, server, batch):
    """As transactions that overlap may leave them."""
    wanted = await append(store, range(100), seqs=(1, 3, 2, 4))
    wanted += await append(store, range(100, 200), seqs=(4, 3, 2, 1))
    async with running(store, server, batch=batch):
        await server.holds(len(wanted))
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
    seen = [each.event for each in await server.everything()]
    assert sorted(each["id"] for each in seen) == sorted(wanted)
    assert set(map(tuple, ids_in_order(seen).values())) == {(1, 2, 3, 4)}


async def test_only_what_was_asked_for_goes_out(store, server):
    await append(store, [1], seqs=[1], kind="message.queued")
    await append(store, [2], seqs=[1], kind="message.delivered", account=OTHER)
    await append(store, [3], seqs=[1], kind="message.delivered", test=True)
    wanted = await append(store, [4], seqs=[1], kind="message.delivered")
    wanted += await append(store, [5], seqs=[1], kind="opt_out.created")
    async with running(store, server, events=("message.delivered", "opt_out.*"), accounts=(ACCOUNT,)):
        await server.holds(2)
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
    assert await ids(server) == wanted


async def test_test_traffic_goes_out_where_it_was_asked_for(one_store, server):
    wanted = await append(one_store, [1], test=True)
    async with running(one_store, server, test=True):
        await server.holds(len(wanted))
    assert await ids(server) == wanted


async def test_a_new_stream_begins_with_what_comes(one_store, server):
    await append(one_store, range(5))
    async with running(one_store, server, start="new") as stream:
        await in_state(one_store, "up")
        wanted = await append(one_store, range(5, 10))
        stream.wake()
        await server.holds(len(wanted))
    assert await ids(server) == wanted


# ---------------------------------------------------------------- the cursor


async def test_a_stop_leaves_nothing_to_repeat(one_store, server):
    await server.make_stream(duplicate_window=0.1)
    wanted: list[str] = []
    for start in range(0, 300, 100):
        async with running(one_store, server, batch=70) as stream:
            wanted += await append(one_store, range(start, start + 100))
            stream.wake()
            await server.holds(start * 3 + 50)
        there = set(await ids(server))
        after = await one_store.events_after(await cursor(one_store, cursor_name("ops")), 1000)
        assert there & {event_id(event.subject_id, event.seq) for event in after} == set()
    async with running(one_store, server):
        await server.holds(len(wanted))
    assert sorted(await ids(server)) == sorted(wanted)


async def test_after_a_crash_it_goes_on_from_the_cursor(store, server):
    """Without the stream's knowledge of what it has, what is published again can be seen: it is what came after the
    cursor was saved last, and nothing from before."""
    await server.make_stream(duplicate_window=0.1)
    first = await append(store, range(100))
    stream = made(store, server, batch=40)
    await stream.start()
    await server.holds(len(first))
    last = await store.last_position()
    await until(lambda: stands_at(store, last))
    second = await append(store, range(100, 200))
    stream.wake()
    await server.holds(len(first) + 20)
    await crash(stream)
    async with running(store, server):
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
    seen = await ids(server)
    assert set(seen) == {*first, *second}
    assert [found for found in first if seen.count(found) > 1] == []
    orders = ids_in_order([each.event for each in await server.everything()])
    assert set(map(tuple, orders.values())) == {(1, 2, 3)}


async def test_the_cursor_waits_for_the_acknowledgement(one_store, server, monkeypatch):
    monkeypatch.setattr(nats, "_ACK_S", 0.2)
    async with running(one_store, server, chance=Impatient()) as stream:
        wanted = await append(one_store, range(10))
        stream.wake()
        last = await one_store.last_position()
        await until(lambda: stands_at(one_store, last))
        server.freeze()
        wanted += await append(one_store, range(10, 20))
        stream.wake()
        try:
            down = await in_state(one_store, "down")
            assert down.error == "no acknowledgement within 0 s"
            assert await stands_at(one_store, last)
        finally:
            server.thaw()
        await server.holds(len(wanted))
    assert sorted(await ids(server)) == sorted(wanted)


async def test_two_that_follow_at_once_leave_no_gap_and_no_disorder(store, server):
    """As when a node holds a lease that it has lost, and does not know it yet."""
    await server.make_stream(duplicate_window=0.1)
    wanted = await append(store, range(300))
    async with running(store, server, batch=50), running(store, server, batch=70):
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
        await server.holds(len(wanted))
    seen = [each.event for each in await server.everything()]
    assert {each["id"] for each in seen} == set(wanted)
    assert set(map(tuple, ids_in_order(seen).values())) == {(1, 2, 3)}


@pytest.mark.parametrize("busy", [False, True])
async def test_it_is_set_back_while_it_runs(store, server, busy):
    """Also when nothing comes, and when it is about to save where it stands."""
    await server.make_stream(duplicate_window=0.1)
    now = CLOCK.now_us()
    old = await append(store, range(5), at=now - DAY_US)
    wanted = await append(store, range(5, 10), at=now)
    ctx = context(store)
    assert (await manage.find(ctx)).data[0].state == "new"
    async with running(store, server) as stream:
        await server.holds(len(old) + len(wanted))
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
        view = await manage.rewind(ctx, "test", "ops", manage.Rewind(to=to_text(now - DAY_US // 2)))
        assert view.name == "ops"
        if not busy:
            await server.holds(len(old) + 2 * len(wanted))
        more = await append(store, [11], at=now)
        stream.wake()
        await server.holds(len(old) + 2 * len(wanted) + len(more))
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
    seen = await ids(server)
    assert sorted(found for found in seen if found not in more) == sorted([*old, *wanted, *wanted])
    assert set(seen) == {*old, *wanted, *more}
    (view,) = (await manage.find(ctx)).data
    assert (view.state, view.error, view.lag_s, view.gaps) == ("up", None, 0.0, 0)


# ---------------------------------------------------------------- brokers that are away


async def test_a_broker_that_is_away_at_start_is_told_once(one_store, tmp_path, caplog):
    server, metrics, chance = NatsServer(tmp_path / "nats"), Metrics(), Impatient()
    wanted = await append(one_store, range(50), at=CLOCK.now_us() - 5_000_000)
    with caplog.at_level(logging.INFO, "whimbrel.streams"):
        async with running(one_store, server, metrics=metrics, chance=chance):
            down = await in_state(one_store, "down")
            assert "Connect call failed" in down.error
            await until(lambda: len(chance.asked) > 8)
            assert value(metrics.stream_up, stream="ops") == 0
            await server.start()
            try:
                await server.holds(len(wanted))
                await in_state(one_store, "up")
                assert value(metrics.stream_up, stream="ops") == 1
                await until(lambda: value(metrics.stream_lag, stream="ops") == 0)
                assert value(metrics.stream_events, stream="ops") == len(wanted)
                assert sorted(await ids(server)) == sorted(wanted)
            finally:
                await server.kill()
    assert chance.asked[:8] == [0.5, 1, 2, 4, 8, 15, 15, 15]
    told = [record.message for record in caplog.records if record.name == "whimbrel.streams"]
    assert told[:2] == ["events cannot be published", "events are published again"]
    assert len(told) <= 3  # the server is killed at the end, and that may be noticed


class Impatient(SystemChance):
    """Waits a moment where a long time was asked for, and remembers how long."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def uniform(self, low: float, high: float) -> float:
        self.asked.append(high)
        return 0.02


async def test_the_lag_is_the_age_of_what_the_broker_lacks(one_store, tmp_path):
    server, metrics = NatsServer(tmp_path / "nats"), Metrics()
    async with nats_server(tmp_path / "first") as first, running(one_store, first, metrics=metrics, chance=Impatient()):
        await in_state(one_store, "up")
        await first.kill()
        await in_state(one_store, "down")
        at = CLOCK.now_us() - 60_000_000
        await append(one_store, [1], at=at)
    async with running(one_store, server, metrics=metrics, chance=Impatient()):
        await until(lambda: 60 <= value(metrics.stream_lag, stream="ops") <= (CLOCK.now_us() - at) / 1_000_000)


async def test_the_server_is_killed_again_and_again(one_store, server):
    wanted: list[str] = []
    async with running(one_store, server, batch=200, chance=Impatient()) as stream:
        for round_number in range(3):
            start = round_number * 300
            wanted += await append(one_store, range(start, start + 300))
            stream.wake()
            await server.holds(len(wanted) - 800)
            await server.kill()
            await server.start()
        await server.holds(len(wanted))
        last = await one_store.last_position()
        await until(lambda: stands_at(one_store, last))
    seen = [each.event for each in await server.everything()]
    assert sorted(each["id"] for each in seen) == sorted(wanted)
    assert set(map(tuple, ids_in_order(seen).values())) == {(1, 2, 3)}


async def test_a_broker_that_says_nothing_holds_up_no_other(one_store, server, tmp_path):
    async with nats_server(tmp_path / "slow") as slow:
        section = Section(servers=(slow.address,), create=True)
        other = Stream(
            brokers.target("slow", section),
            brokers.publisher(section),
            store=one_store,
            clock=CLOCK,
            chance=CHANCE,
            metrics=Metrics(),
            kept_us=KEPT_US,
        )
        await other.start()
        try:
            async with running(one_store, server) as stream:
                await in_state(one_store, "up")
                slow.freeze()
                wanted = await append(one_store, range(100))
                other.wake()
                stream.wake()
                await server.holds(len(wanted), within_s=50)  # the other one gives up after 60
        finally:
            slow.thaw()
            await other.stop()


# ---------------------------------------------------------------- retention


async def test_what_was_purged_before_it_went_out_is_told_and_the_rest_goes_out(store, server, caplog):
    now, metrics = CLOCK.now_us(), Metrics()
    async with running(store, server):
        await append(store, [1], at=now - 40 * DAY_US)
        await server.holds(3)
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
    await append(store, range(2, 5), at=now - 35 * DAY_US)
    wanted = await append(store, [6], at=now)
    await set_caught_up(store, now - 36 * DAY_US)
    await store.purge({"events": now - KEPT_US}, 1000)
    async with running(store, server, metrics=metrics):
        await server.holds(3 + len(wanted))
        assert value(metrics.stream_gaps, stream="ops") == 1
        assert (await row(store)).gaps == 1
    assert (await ids(server))[3:] == wanted
    assert [each.message for each in caplog.records if each.levelno == logging.ERROR] == [
        "events were purged before they were published"
    ]


async def test_nothing_is_told_where_nothing_is_missing(store, server):
    """A quiet log: everything up to the cursor was purged, and the stream had it all."""
    now, metrics = CLOCK.now_us(), Metrics()
    await append(store, [1], at=now - 40 * DAY_US)
    async with running(store, server):
        await server.holds(3)
        last = await store.last_position()
        await until(lambda: stands_at(store, last))
    await append(store, [2], at=now)
    await store.purge({"events": now - KEPT_US}, 1000)
    async with running(store, server, metrics=metrics):
        await server.holds(6)
    assert value(metrics.stream_gaps, stream="ops") == 0


async def set_caught_up(store: SqlStore, at: int) -> None:
    """As if the stream had stood still since then."""
    await store.write([Write("stream_rewound", (("ops", at),))])
