"""A graceful stop ends in time whatever hangs: each part has its share, and what was left behind is told."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.journey.rig import KEY
from whimbrel import app as app_module
from whimbrel.app import App
from whimbrel.base.lifecycle import Part
from whimbrel.cli import running
from whimbrel.config import Server, Settings
from whimbrel.store.sqlite import schema

DEADLINE_S = 6.0  # each part that stops has a share of it that a busy machine keeps
PARTS = (
    "store", "tables", "siblings", "node", "standing", "feed", "numbers", "http", "duties", "carriers",
    "asking", "observe", "clicks",
)  # fmt: skip


async def started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setattr(app_module, "STOP_DEADLINE_S", DEADLINE_S)
    settings = Settings(roles=("worker",), server=Server(data=str(folder)))
    made = App(settings, KEY)
    schema.apply(str(settings.database_path()), made.clock)
    await made.start()
    assert tuple(part.name for part in made._parts.started) == PARTS
    return made


async def deaf(_: float) -> None:
    """Hangs, and does not hear that it is cancelled either."""
    while True:
        try:
            await asyncio.sleep(DEADLINE_S * 3)
        except asyncio.CancelledError:
            await asyncio.sleep(DEADLINE_S * 3)
            return


def hang(made: App, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    parts = [Part(p.name, deaf, p.share) if p.name in names else p for p in made._parts.started]
    monkeypatch.setattr(made._parts, "started", parts)


@pytest.mark.parametrize("names", [(), ("feed",), ("carriers", "duties"), PARTS[1:]])
async def test_what_hangs_is_left_behind_and_the_others_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, names: tuple[str, ...]
) -> None:
    made = await started(tmp_path, monkeypatch)
    hang(made, monkeypatch, *names)
    began = time.monotonic()
    left_behind = await made.stop()
    assert time.monotonic() - began < 2 * DEADLINE_S  # what hangs takes three times as long
    assert sorted(left_behind) == sorted(names)
    told = [getattr(record, "part", "") for record in caplog.records if "left behind" in record.message]
    assert sorted(told) == sorted(names)
    await (await started(tmp_path, monkeypatch)).stop()  # the file is free again


async def test_a_part_that_fails_is_told_and_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = await started(tmp_path, monkeypatch)

    async def broken(_: float) -> None:
        raise OSError("disk")

    made._parts.started = [Part(p.name, broken, p.share) if p.name == "feed" else p for p in made._parts.started]
    assert await made.stop() == ()
    assert [record.message for record in caplog.records] == ["a part did not stop cleanly"]


async def test_a_process_that_had_to_leave_something_behind_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await started(tmp_path, monkeypatch)
    hang(made, monkeypatch, "feed")
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    await running._stop(made)
    assert ended == [1]
