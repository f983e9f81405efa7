"""Streams to brokers alone: a store full of events, one stream that begins with the oldest, and the broker in a process
of its own beside it. `python -m bench streams [--messages N] [--kafka]`; Kafka needs Java and Maven. Results also go to
bench/results/ as JSON.
"""

import argparse
import asyncio
import contextlib
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import uvloop
from interop import install

from bench.processes import Running, write_results, yardstick_ms
from whimbrel import brokers
from whimbrel.base.clock import DAY_US, SystemChance, SystemClock
from whimbrel.base.ids import Ids
from whimbrel.base.metrics import Metrics
from whimbrel.domain.model import Message
from whimbrel.journey.follower import cursor
from whimbrel.journey.streams import Stream, cursor_name
from whimbrel.sections import Stream as Section
from whimbrel.store.interface import Submission, Write
from whimbrel.store.sqlite import schema
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore

CLOCK, CHANCE = SystemClock(), SystemChance()
ACCOUNT = "AC" + "1" * 32
LATER = ("message.sending", "message.sent", "message.delivered")  # beside the first, which accept writes
HOST = "127.0.0.1"
NATS = Path(sys.executable).parent / "nats-server"
BATCHES = (1000, 5000, 100)
_CHUNK = 500
_LIMIT_S = 600.0
_START_S = 60.0


class Measured(msgspec.Struct, frozen=True):
    """What came out; CPU is user and system time."""

    scenario: str
    events: int
    events_per_s: float
    our_us: float  # of an event
    broker_us: float
    yardstick_ms: float
    complete: bool


# ---------------------------------------------------------------- the brokers


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        port: int = bound.getsockname()[1]
        return port


@contextlib.contextmanager
def _broker(name: str, port: int, folder: Path, *command: str) -> Iterator[Running]:
    """A process that takes connections, ended with the block."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            deadline = time.monotonic() + _START_S
            while not _answers(port) and time.monotonic() < deadline:
                time.sleep(0.05)
            yield Running(name, process)
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


@contextlib.contextmanager
def nats(folder: Path) -> Iterator[tuple[Running, Section]]:
    """A NATS server, its stream in files."""
    port = _free_port()
    with _broker("nats", port, folder, str(NATS), "-a", HOST, "-p", str(port), "-js", "-sd", str(folder)) as running:
        yield running, Section(servers=(f"{HOST}:{port}",), create=True, start="oldest")


@contextlib.contextmanager
def kafka(folder: Path) -> Iterator[tuple[Running, Section]]:
    """A Kafka broker of one node."""
    port, control = _free_port(), _free_port()
    config = folder / "server.properties"
    config.write_text(
        "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n"
        f"controller.quorum.voters=1@{HOST}:{control}\nlog.dirs={folder}/logs\n"
        f"listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{control}\n"
    )
    java = ("java", "-Xmx512m", "-cp", install.kafka())
    format_it = ("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", str(config))
    subprocess.run([*java, *format_it], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with _broker("kafka", port, folder, *java, "kafka.Kafka", str(config)) as running:
        yield running, Section(kind="kafka", servers=(f"{HOST}:{port}",), create=True, start="oldest")


# ---------------------------------------------------------------- the log


async def fill(store: SqlStore, messages: int) -> None:
    """Messages with four events each, one after the other as their journeys are."""
    ids = Ids(CLOCK, CHANCE)
    await store.write([Write("balance_open", ((ACCOUNT, "EUR"),)), Write("balance_top_up", ((ACCOUNT, 10**12),))])
    for start in range(0, messages, _CHUNK):
        made = [_message(ids.new("SM"), number) for number in range(start, min(start + _CHUNK, messages))]
        await store.accept([Submission(messages=tuple(made))])
        for seq, kind in enumerate(LATER, 2):
            now = CLOCK.now_us()
            rows = tuple((ACCOUNT, 0, message.id, seq, kind, "{}", 0, now) for message in made)
            await store.write([Write("event_insert", rows)])


def _message(message_id: str, number: int) -> Message:
    now = CLOCK.now_us()
    return Message(
        id=message_id,
        account_id=ACCOUNT,
        test=False,
        direction="out",
        door="rest",
        message_class="transactional",
        state="queued",
        recipient=f"+1415{number:07}",
        sender="+12025550100",
        text="Your table is ready.",
        encoding="gsm7",
        segments=1,
        price_micros=10_000,
        held_micros=10_000,
        charged_micros=0,
        currency="EUR",
        carrier_id=None,
        route_id=None,
        candidates="CR" + "1" * 32,
        priority=1,
        rank=0,
        created_at=now,
        due_at=now,
        expires_at=now + DAY_US,
        updated_at=now,
        sent_at=None,
        final_at=None,
        reason=None,
        flags=0,
        recipient_hash=number,
        sender_hash=1,
        seq=1,
        options="{}",
    )


# ---------------------------------------------------------------- measuring


async def _flow(name: str, store: SqlStore, broker: Running, section: Section, events: int) -> Measured:
    stream = Stream(
        brokers.target(name, section),
        brokers.publisher(section),
        store=store,
        clock=CLOCK,
        chance=CHANCE,
        metrics=Metrics(),
        kept_us=30 * DAY_US,
    )
    last, yardstick = await store.last_position(), yardstick_ms()
    ours, theirs, begun = _cpu_s(), broker.cpu_s(), time.monotonic()
    await stream.start()
    complete = await _reached(store, name, last)
    took = time.monotonic() - begun
    await stream.stop()
    our_us, broker_us = _cpu_s() - ours, broker.cpu_s() - theirs
    return Measured(
        f"{section.kind}, lists of {section.batch:,}",
        events,
        events / took,
        our_us * 1e6 / events,
        broker_us * 1e6 / events,
        yardstick,
        complete,
    )


async def _reached(store: SqlStore, name: str, last: int) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LIMIT_S):
            while True:
                if await cursor(store, cursor_name(name)) == last:
                    return True
                await asyncio.sleep(0.05)
    return False


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(messages: int, *, with_kafka: bool, batches: Sequence[int] = BATCHES) -> list[Measured]:
    """The same log to each broker, in lists of each size."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        schema.apply(str(folder / "whimbrel.db"), CLOCK)
        store = SqlStore(SqliteExecutor(str(folder / "whimbrel.db")))
        await store.start()
        await fill(store, messages)
        events = messages * (1 + len(LATER))
        for kind in (nats, kafka) if with_kafka else (nats,):
            for batch in batches:
                place = folder / f"{kind.__name__}-{batch}"
                place.mkdir()
                with kind(place) as (broker, section):
                    chosen = msgspec.structs.replace(section, batch=batch)
                    found.append(await _flow(place.name.replace("-", "_"), store, broker, chosen, events))
                    print(_row(found[-1]), flush=True)
        await store.stop()
    return found


def _row(each: Measured) -> str:
    return (
        f"| {each.scenario} | {each.events_per_s:,.0f} | {each.our_us:.1f} | {each.broker_us:.1f} |"
        f" {each.yardstick_ms:.0f} |{'' if each.complete else ' INCOMPLETE'}"
    )


def main(arguments: list[str]) -> int:
    """Both brokers, in lists of several sizes."""
    parser = argparse.ArgumentParser(prog="python -m bench streams", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000, help="each has four events")
    parser.add_argument("--kafka", action="store_true", help="also to a Kafka broker")
    chosen = parser.parse_args(arguments)
    if not NATS.exists():
        parser.error(f"{NATS} is missing: make setup-dev installs it")
    print("| one stream | events/s | our µs an event | the broker's | yard |\n| --- | --- | --- | --- | --- |")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(chosen.messages, with_kafka=chosen.kafka))
    print(f"written to {write_results('streams', found)}")
    return 0 if all(each.complete for each in found) else 1
