"""Names to addresses: vetted, bounded, remembered for a while."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from whimbrel.net import names
from whimbrel.net.addresses import Reach
from whimbrel.net.http_answer import NoAnswerError
from whimbrel.net.names import Names

PUBLIC = "93.184.216.34"


class Table:
    """A resolver with a table, which counts and may be held up."""

    def __init__(self, table: dict[str, Sequence[str]]) -> None:
        self.table = table
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        await self.go.wait()
        if host not in self.table:
            raise OSError(None, "no such name")
        return self.table[host]


async def refused(resolver: Names, host: str) -> str:
    with pytest.raises(NoAnswerError) as caught:
        await resolver.addresses(host, 443)
    return caught.value.reason


async def test_a_look_up_is_used_again_until_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table({"a.example": [PUBLIC]})
    resolver = Names(Reach(), table)
    for _ in range(3):
        assert list(await resolver.addresses("a.example", 443)) == [PUBLIC]
    assert table.asked == ["a.example"]
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now + names.NAMES_KEPT_S + 1, raising=False)
    table.table["a.example"] = ["127.0.0.1"]
    assert await refused(resolver, "a.example") == "address_refused"
    resolver.close()


async def test_failures_are_not_kept() -> None:
    table = Table({})
    resolver = Names(Reach(), table)
    assert await refused(resolver, "a.example") == "name_not_found"
    table.table["a.example"] = ["10.0.0.1"]
    assert await refused(resolver, "a.example") == "address_refused"
    table.table["a.example"] = []
    assert await refused(resolver, "a.example") == "name_not_found"
    table.table["a.example"] = [PUBLIC]
    assert list(await resolver.addresses("a.example", 443)) == [PUBLIC]
    resolver.close()


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "NAMES_KEPT", 3)
    table = Table({f"{n}.example": [PUBLIC] for n in range(5)})
    resolver = Names(Reach(), table)
    for n in range(5):
        await resolver.addresses(f"{n}.example", 443)
    await resolver.addresses("4.example", 443)
    await resolver.addresses("0.example", 443)
    assert table.asked == [*(f"{n}.example" for n in range(5)), "0.example"]
    resolver.close()


async def test_those_who_ask_together_wait_for_one_look_up_and_each_may_go() -> None:
    table = Table({"a.example": [PUBLIC]})
    table.go.clear()
    resolver = Names(Reach(), table)
    asking = [asyncio.ensure_future(resolver.addresses("a.example", 443)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.wait(asking[:1])
    table.go.set()
    assert [list(await task) for task in asking[1:]] == [[PUBLIC]] * 4
    assert table.asked == ["a.example"]
    resolver.close()


async def test_what_the_resolver_does_with_its_list_later_changes_nothing() -> None:
    mutable = [PUBLIC]
    resolver = Names(Reach(), Table({"a.example": mutable}))
    await resolver.addresses("a.example", 443)
    mutable[0] = "127.0.0.1"
    assert list(await resolver.addresses("a.example", 443)) == [PUBLIC]
    resolver.close()


async def test_literal_addresses_are_vetted_and_not_looked_up() -> None:
    table = Table({})
    resolver = Names(Reach(), table)
    assert list(await resolver.addresses(PUBLIC, 443)) == [PUBLIC]
    for host in ("127.0.0.1", "::1", "127.1", "2130706433", "127.0.0.1."):
        assert await refused(resolver, host) == "address_refused"
    assert table.asked == []
    resolver.close()


async def test_names_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Names(Reach())
    for host in ("a..b", "x" * 70 + ".example"):
        assert await refused(resolver, host) == "name_not_found"
    resolver.close()


async def test_the_system_is_asked_by_a_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look-ups that hang take a thread each, no more than there may be; they can be left."""
    go, running = threading.Event(), threading.Semaphore(0)

    def hang(host: str, port: int) -> list[str]:
        running.release()
        go.wait(60)
        return [PUBLIC, PUBLIC]

    monkeypatch.setattr(names, "_getaddrinfo", hang)
    resolver = Names(Reach())
    asking = [asyncio.ensure_future(resolver.addresses(f"{n}.example", 443)) for n in range(names.NAMES_AT_ONCE + 3)]
    for _ in range(names.NAMES_AT_ONCE):
        assert await asyncio.to_thread(running.acquire, timeout=30)
    assert not running.acquire(blocking=False)
    asking[0].cancel()
    await asyncio.wait(asking[:1])
    go.set()
    assert [list(await task) for task in asking[1:]] == [[PUBLIC]] * (len(asking) - 1)
    resolver.close()
