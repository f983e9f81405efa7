"""How snapshots are kept in step with the database: what a look reads, who shares one, what happens when it fails. The
store here is a table of versions that a test changes, whose reads it can hold up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from whimbrel.domain.model import ConfigKind
from whimbrel.journey import following as module
from whimbrel.journey.following import KINDS, Following
from whimbrel.journey.opted_out import OptedOut
from whimbrel.store.signals import Heard, LocalSignals
from whimbrel.store.values import OptOutChanges

OTHERS = len(KINDS) - 1
"""Kinds but opt-outs, each at its first version."""


class Signals(LocalSignals):
    """Of a process that shares its database: what it sent, and a way to let it hear."""

    def __init__(self, *, is_alone: bool) -> None:
        self.is_alone = is_alone
        self.sent: list[tuple[str, str]] = []
        self.heard: list[Heard] = []

    def send(self, topic: Any, detail: str = "") -> None:
        self.sent.append((topic, detail))

    def subscribe(self, topic: Any, heard: Heard) -> None:
        assert topic == "config"
        self.heard.append(heard)


class Versions:
    """The store, as far as it is asked here."""

    def __init__(self, *, is_alone: bool = False) -> None:
        self.signals = Signals(is_alone=is_alone)
        self.of: dict[str, int] = dict.fromkeys(KINDS, 1)
        self.looks = 0
        self.gate: asyncio.Event | None = None
        self.trouble: Exception | None = None
        self.loads: list[str] = []
        self.fails: set[str] = set()
        self.told: list[str] = []

    async def versions(self) -> Mapping[str, int]:
        self.looks += 1
        found = dict(self.of)
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        return found

    async def load(self, kind: ConfigKind) -> None:
        await asyncio.sleep(0)
        if kind in self.fails:
            raise OSError(kind)
        self.loads.append(kind)

    def following(self) -> Following:
        return Following(self, self.load, self.told.append)  # type: ignore[arg-type]


@asynccontextmanager
async def started(store: Versions) -> AsyncIterator[Following]:
    following = store.following()
    await following.start()
    store.loads.clear()
    store.told.clear()
    store.looks = 0
    try:
        yield following
    finally:
        await following.stop()


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.005)
    monkeypatch.setattr(module, "_RETRY_S", 0.001)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look that nobody asks for."""
    monkeypatch.setattr(module, "_LOOK_S", 1000)


async def test_who_is_alone_never_looks(patient: None) -> None:
    store = Versions(is_alone=True)
    async with started(store) as following:
        await following.current()
        await following.refresh(["keys"])
        assert (store.looks, store.loads, store.told, following.versions()) == (0, ["keys"], ["keys"], None)
        assert following.age_s() == 0


async def test_a_look_reads_what_has_another_version_and_nothing_else(patient: None) -> None:
    store = Versions()
    async with started(store) as following:
        assert following.versions() == (OTHERS, 1)
        await following.current()
        assert (store.looks, store.loads) == (1, [])
        store.of |= {"keys": 2, "routes": 5}
        await following.current()
        assert sorted(store.loads) == sorted(store.told) == ["keys", "routes"]
        assert following.versions() == (OTHERS + 5, 1)
        store.of["keys"] = 1  # an older copy of the database
        await following.current()
        assert store.loads[2:] == ["keys"]
        assert following.versions() == (OTHERS + 4, 1)


async def test_those_who_ask_in_the_same_moment_share_a_look_that_began_after_they_asked(patient: None) -> None:
    store = Versions()
    async with started(store) as following:
        store.gate = asyncio.Event()
        first = [asyncio.ensure_future(following.current()) for _ in range(100)]
        await until(lambda: store.looks == 1)
        store.of["keys"] = 2  # the look that is under way has not seen it
        second = [asyncio.ensure_future(following.current()) for _ in range(100)]
        await asyncio.sleep(0.01)
        assert store.looks == 1
        store.gate.set()
        await asyncio.gather(*first, *second)
        assert (store.looks, store.loads) == (2, ["keys"])


async def test_who_leaves_takes_nobody_with_him(patient: None) -> None:
    store = Versions()
    async with started(store) as following:
        store.gate = asyncio.Event()
        first, other = (asyncio.ensure_future(following.current()) for _ in range(2))
        await until(lambda: store.looks == 1)
        first.cancel()
        store.gate.set()
        await other
        assert first.cancelled()


async def test_a_look_that_fails_is_told_to_those_who_asked_and_the_next_one_reads_all(patient: None) -> None:
    store = Versions()
    async with started(store) as following:
        store.of |= {"accounts": 2, "keys": 2, "routes": 2}
        store.fails.add("keys")
        with pytest.raises(OSError, match="keys"):
            await following.current()
        assert store.loads == store.told == ["accounts"]
        store.fails.clear()
        await following.current()
        assert store.loads == store.told == ["accounts", "keys", "routes"]
        store.trouble = OSError("away")
        await asyncio.sleep(0.01)
        age_s = following.age_s()
        with pytest.raises(OSError, match="away"):
            await following.current()
        assert following.age_s() >= age_s >= 0.01
        store.trouble = None
        loop = asyncio.get_running_loop()
        asked_s = loop.time()
        await following.current()
        assert following.age_s() <= loop.time() - asked_s


async def test_nobody_hears_the_error_of_a_look_that_all_have_left(patient: None, caplog: Any) -> None:
    store = Versions()
    async with started(store) as following:
        store.gate, store.trouble = asyncio.Event(), OSError("away")
        alone = asyncio.ensure_future(following.current())
        await until(lambda: store.looks == 1)
        alone.cancel()
        store.gate.set()
        await asyncio.gather(alone, return_exceptions=True)
        await asyncio.sleep(0)
    assert not caplog.records


async def test_a_change_of_ours_is_told_to_others_and_read(patient: None) -> None:
    store = Versions()
    async with started(store) as following:
        store.of["prices"] = 2
        await following.refresh(["prices"])
        assert store.signals.sent == [("config", "prices")]
        assert (store.loads, store.told, following.versions()) == (["prices"], ["prices"], (OTHERS + 1, 1))


async def test_a_signal_is_a_reason_to_look(patient: None) -> None:
    store = Versions()
    async with started(store):
        store.of["senders"] = 2
        for heard in store.signals.heard:
            heard("senders")
        await until(lambda: store.loads == ["senders"])


async def test_there_is_a_look_now_and_then_whatever_happens(quick: None, caplog: Any) -> None:
    store = Versions()
    async with started(store):
        store.trouble = OSError("away")
        await until(lambda: store.looks >= 5)
        store.of["webhooks"] = 2
        store.trouble = None
        await until(lambda: store.told == ["webhooks"])
    assert len([record for record in caplog.records if "looked at" in record.message]) == 1  # once for all failures


async def test_kinds_that_only_a_newer_version_of_ours_knows_are_part_of_the_version(patient: None) -> None:
    store = Versions()
    async with started(store) as following:
        store.of["sightings"] = 7
        await following.current()
        assert (store.loads, following.versions()) == ([], (OTHERS + 7, 1))


class Changes:
    """The store of opt-outs: everything, and what changed."""

    def __init__(self) -> None:
        self.signals = Signals(is_alone=False)
        self.log: list[tuple[str, int, bool]] = []
        self.kept_from = 0
        self.reads: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    async def opt_out_changes(self, after: int | None) -> OptOutChanges:
        self.reads.append("changes")
        found = None if after is None or after < self.kept_from else self.log[after:]
        position = len(self.log)
        self.meanwhile()
        return OptOutChanges(position, found)

    async def fetch(self, row: Any, statement: str, *params: Any) -> list[Any]:
        self.reads.append(statement)
        if statement != "opt_outs_after":
            return []
        last = {(account, number): stopped for account, number, stopped in self.log}
        return [row(*key) for key, stopped in last.items() if stopped]


async def test_opt_outs_are_read_whole_once_and_then_by_what_changed() -> None:
    store = Changes()
    store.log = [("AC1", 1, True), ("AC1", 2, True), ("AC1", 2, False)]
    opted_out = OptedOut(store)  # type: ignore[arg-type]
    await opted_out.load()
    assert opted_out.numbers == {"AC1": {1}}
    store.log += [("AC1", 1, False), ("AC2", 7, True), ("AC1", 3, True)]
    store.reads.clear()
    await opted_out.load()
    assert opted_out.numbers == {"AC1": {3}, "AC2": {7}}
    assert store.reads == ["changes"]
    store.log.append(("AC1", 4, True))
    store.kept_from = 100
    await opted_out.load()
    assert opted_out.numbers == {"AC1": {3, 4}, "AC2": {7}}
    assert store.reads == ["changes", "changes", "opt_outs_after", "suppressions_after", "consented_after"]


async def test_our_own_change_during_a_read_is_in_its_place_after_the_next() -> None:
    """We say STOP while a read is under way, and another node START after that: START is the last word."""
    store = Changes()
    opted_out = OptedOut(store)  # type: ignore[arg-type]
    await opted_out.load()

    def say_stop() -> None:
        store.log.append(("AC1", 1, True))
        opted_out.change("AC1", [1], stopped=True)
        store.log.append(("AC1", 1, False))
        store.meanwhile = lambda: None

    store.meanwhile = say_stop
    await opted_out.load()
    assert opted_out.numbers["AC1"] == {1}
    await opted_out.load()
    assert opted_out.numbers["AC1"] == set()
