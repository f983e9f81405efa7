"""The supervisor by itself: its processes are small programs here, which do at once what a test wants of them."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.wire import until
from whimbrel.base.place import STORE
from whimbrel.cli import supervisor
from whimbrel.cli.supervisor import Supervisor
from whimbrel.config import Server, Settings

_READY = "import os, sys, time; sys.stdin.readline(); print('{}', flush=True); "
OBEYS = _READY + "sys.stdin.read()"
HANGS = _READY + "time.sleep(60)"
LINGERS = _READY + "sys.stdin.read(); time.sleep(0.5)"


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-ISc", text)


@asynccontextmanager
async def supervised(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[[str], Sequence[str]]
) -> AsyncIterator[tuple[Supervisor, "asyncio.Task[int]"]]:
    """A supervisor whose processes have started, as `command` says."""
    monkeypatch.setattr(supervisor, "command", command)
    settings = Settings(
        database=f"sqlite:///{folder}/w.db", server=Server(data=str(folder)), roles=("worker",), processes=2
    )
    made = Supervisor(settings, bytes(32))
    task = asyncio.create_task(made.run())
    try:
        await until(
            lambda: len(made._children) == 3 and all(c.is_running for c in made._children.values()), 60.0, "all"
        )
        await asyncio.gather(*(child.ready() for child in made._children.values()))
        yield made, task
    finally:
        made._kill(made._names)
        made._stopping.set()
        await asyncio.wait((task,))


def pid(made: Supervisor, name: str) -> int:
    process = made._children[name]._process
    assert process is not None
    return process.pid


async def test_a_program_that_cannot_be_begun_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As while another version is put in its place."""
    begun: list[str] = []

    def command(name: str) -> tuple[str, ...]:
        begun.append(name)
        return (str(tmp_path / "nothing"),) if 3 < len(begun) < 6 else program(OBEYS)

    async with supervised(tmp_path, monkeypatch, command) as (made, task):
        first = pid(made, "1")
        os.kill(first, signal.SIGKILL)
        await until(lambda: pid(made, "1") != first, 60.0, "another life")
        assert begun[3:] == ["1", "1", "1"]
        made._stopping.set()
        assert await task == 0


async def test_a_program_that_cannot_be_begun_at_all_ends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervisor, "command", lambda name: (str(tmp_path / "nothing"),))
    settings = Settings(database=f"sqlite:///{tmp_path}/w.db", roles=("worker",), processes=2)
    async with asyncio.timeout(60):
        assert await Supervisor(settings, bytes(32)).run() == 1


async def test_what_hangs_is_ended_when_time_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(supervisor, "_STOP_S", 5.0)  # enough for those that end
    async with supervised(tmp_path, monkeypatch, lambda name: program(HANGS if name == "2" else OBEYS)) as (made, task):
        made._stopping.set()
        async with asyncio.timeout(60):
            assert await task == 1
    (told,) = [record for record in caplog.records if "did not stop in time" in record.message]
    assert told.children == ["2"]


async def test_a_store_process_that_is_told_to_stop_by_another_is_not_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Service managers may signal every process of a service: it ends a moment before the last of the others."""
    ends = "import os, signal; signal.signal(signal.SIGTERM, lambda *_: os._exit(0)); " + OBEYS
    begun: list[str] = []

    def command(name: str) -> tuple[str, ...]:
        begun.append(name)
        return program(ends if name == STORE else LINGERS)

    with caplog.at_level(logging.INFO):
        async with supervised(tmp_path, monkeypatch, command) as (made, task):
            made._stopping.set()
            os.kill(pid(made, STORE), signal.SIGTERM)
            assert await task == 0
    assert begun.count(STORE) == 1
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
