"""One `/metrics` for several processes: who is asked, what is left out, and that sums never fall."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.base.place import SUPERVISOR, Place
from whimbrel.net import siblings
from whimbrel.net.siblings import Siblings, Sums

NAMES = ("1", "2")


class Process:
    """One of them."""

    def __init__(self, folder: Path, name: str) -> None:
        self.metrics = Metrics()
        self.siblings = Siblings(Place(name, str(folder), NAMES), self.metrics)

    async def accepted(self) -> float:
        return value(await self.siblings.render(), 'whimbrel_messages_accepted_total{door="rest"}')


def value(text: bytes, name: str) -> float:
    rows = dict(line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#"))
    return float(rows[name])


@pytest.fixture
async def sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sums]:
    """Nobody is left out for being slow, unless a test says so."""
    monkeypatch.setattr(siblings, "_ANSWER_S", 30.0)
    monkeypatch.setattr(siblings, "_SUMS_S", 60.0)
    made = Sums(Place(SUPERVISOR, str(tmp_path), NAMES), Metrics())
    await made.start()
    yield made
    await made.stop()


async def test_sums_never_fall(sums: Sums, tmp_path: Path):
    one, two = (Process(tmp_path, name) for name in NAMES)
    for each, count in ((one, 3), (two, 4)):
        each.metrics.accepted.labels("rest").inc(count)
        await each.siblings.start()
    assert await one.accepted() == await two.accepted() == 7

    two.metrics.accepted.labels("rest").inc(5)  # never scraped
    await two.siblings.stop()
    text = await one.siblings.render()
    assert value(text, 'whimbrel_messages_accepted_total{door="rest"}') == 7
    assert value(text, 'whimbrel_process_up{process="1"}') == 1
    assert value(text, 'whimbrel_process_up{process="2"}') == 0

    await sums.died("2")
    assert await one.accepted() == 7
    again = Process(tmp_path, "2")
    again.metrics.accepted.labels("rest").inc(1)
    await again.siblings.start()
    assert await one.accepted() == await again.accepted() == 8
    assert value(await one.siblings.render(), 'whimbrel_process_up{process="2"}') == 1
    await one.siblings.stop()
    await again.siblings.stop()


async def test_one_that_hangs_is_left_out(sums: Sums, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ask = sums._ask

    async def impatient_with_two(name: str) -> Any:
        monkeypatch.setattr(siblings, "_ANSWER_S", 0.05 if name == "2" else 30.0)
        return await ask(name)

    monkeypatch.setattr(sums, "_ask", impatient_with_two)
    one = Process(tmp_path, "1")
    await one.siblings.start()
    held: list[asyncio.StreamWriter] = []
    hanging = await asyncio.start_unix_server(lambda _, writer: held.append(writer), str(tmp_path / "2.metrics"))
    text = await one.siblings.render()
    assert value(text, 'whimbrel_process_up{process="2"}') == 0
    assert value(text, 'whimbrel_process_up{process="1"}') == 1
    for writer in held:
        writer.close()
    hanging.close()
    await one.siblings.stop()


async def test_a_supervisor_that_hangs_costs_the_scrape(sums: Sums, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What one process counted alone would look as if all had begun anew."""
    monkeypatch.setattr(siblings, "_SUMS_S", 0.05)
    one = Process(tmp_path, "1")
    await one.siblings.start()
    async with sums._adding:
        with pytest.raises(WhimbrelError) as told:
            await one.siblings.render()
    assert told.value.code == "overloaded"
    await one.siblings.stop()


async def test_without_a_supervisor_a_process_speaks_for_itself(tmp_path: Path):
    one = Process(tmp_path, "1")
    one.metrics.accepted.labels("rest").inc(3)
    await one.siblings.start()
    assert await one.accepted() == 3
    await one.siblings.stop()
