"""Owners by themselves: nodes of one database that differ in what they know."""

from pathlib import Path

from whimbrel.base.clock import SystemChance, SystemClock
from whimbrel.base.ids import Ids
from whimbrel.journey.owners import Identity, Owners
from whimbrel.store.sqlite import schema
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore

CLOCK = SystemClock()
IDS = Ids(CLOCK, SystemChance())


def node(store: SqlStore, *duties: str) -> Owners:
    """One that knows these duties."""
    identity = Identity("node", "1", ("worker", *duties))
    return Owners(store=store, clock=CLOCK, ids=IDS, identity=lambda: identity, names=lambda: duties, alone=False)


async def test_nodes_that_know_different_duties_leave_none_to_each_other(tmp_path: Path):
    """The first has one of its own, so the other one is the second's; the second does not know of the first's."""
    schema.apply(str(tmp_path / "whimbrel.db"), CLOCK)
    store = SqlStore(SqliteExecutor(str(tmp_path / "whimbrel.db")))
    await store.start()
    first, second = node(store, "duty:new", "duty:x"), node(store, "duty:x")
    try:
        for each in (first, second):
            await each.join()
        for each in (first, second):
            await each.start()
        assert [bool(each.fence("duty:new")) for each in (first, second)] == [True, False]
        assert [bool(each.fence("duty:x")) for each in (first, second)] == [False, True]
    finally:
        for each in (second, first):
            await each.leave()
        await store.stop()
