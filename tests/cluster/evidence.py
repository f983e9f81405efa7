"""What a run leaves behind: the client's log, the simulators' logs, the sink's log, and the database, read by a client
of its own after the nodes have ended.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import asyncpg
import msgspec

from tests.soak.evidence import read_sink
from whimbrel_sandbox.log import Responded, Submitted, Unbound, read_log

from .load import Client, Sent
from .scene import BINDS, TOLD, WINDOW, Scene
from .waits import Looks


class Line(msgspec.Struct):
    """One simulator's log, as far as it matters: when each submit came, what was taken, and how full the window was."""

    name: str
    came_us: list[int] = []
    taken: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)  # by number and words
    in_flight_max: int = 0
    waits: Looks = ()  # of the simulator, for a core


class Row(msgspec.Struct, frozen=True, gc=False):
    """A message as the database has it."""

    id: str
    recipient: str
    text: str
    state: str
    reason: str | None = None


class Evidence(msgspec.Struct):
    """Everything about a run."""

    sent: list[Sent]
    refused: list[str]
    lines: list[Line]
    rows: dict[str, Row]
    events: dict[str, list[tuple[int, str]]]  # by message: seq and type
    told: dict[str, dict[int, str]]  # by message: what the sink was told
    retold: int
    leftovers: dict[str, int]  # by table: what should have gone
    books: dict[str, int]
    balance: dict[str, int]
    throughput_per_s: int
    window: int = WINDOW * BINDS
    types: frozenset[str] = frozenset(TOLD)


async def gather(its: Scene, client: Client, throughput_per_s: int) -> Evidence:
    """After every node has ended."""
    told, times = read_sink(its.sink_log)
    database = await asyncpg.connect(its.database)
    try:
        found = await database.fetch("SELECT id, recipient, text, state, reason FROM messages WHERE direction = 'out'")
        events: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for subject, seq, kind in await database.fetch("SELECT subject_id, seq, type FROM events"):
            if subject.startswith("SM"):
                events[subject].append((seq, kind))
        books: Counter[str] = Counter()
        moved = "SELECT debit, credit, sum(amount_micros)::bigint FROM ledger GROUP BY debit, credit"
        for debit, credit, micros in await database.fetch(moved):
            books[debit] -= micros
            books[credit] += micros
        balance = await database.fetchrow("SELECT available, held, spent FROM balances")
        leftovers = {
            table: await database.fetchval(f"SELECT count(*) FROM {table}")
            for table in ("queue", "schedule", "parked_receipts")
        }
    finally:
        await database.close()
    return Evidence(
        sent=client.log,
        refused=client.refused,
        lines=[read_line(carrier.name, carrier.log, carrier.waits) for carrier in its.carriers],
        rows={row[0]: Row(*row) for row in found},
        events=events,
        told=told,
        retold=sum(count > 1 for count in times.values()),
        leftovers=leftovers,
        books=dict(books),
        balance=dict(balance or {}),
        throughput_per_s=throughput_per_s,
    )


def read_line(name: str, path: Path, waits: Looks = ()) -> Line:
    """A simulator's log in the small."""
    line = Line(name, waits=waits)
    open_: dict[int, set[int]] = defaultdict(set)  # by bind: requests that are not answered
    for event in _events(path):
        if isinstance(event, Submitted):
            line.came_us.append(event.at_us)
            if event.message_id:
                line.taken[event.dest, event.text] += 1
            open_[event.bind].add(event.seq)
            line.in_flight_max = max(line.in_flight_max, sum(map(len, open_.values())))
        elif isinstance(event, Responded):
            open_[event.bind].discard(event.seq)
        else:
            open_.pop(event.bind, None)
    return line


def _events(path: Path) -> Iterable[Submitted | Responded | Unbound]:
    return (event for event in read_log(path) if isinstance(event, Submitted | Responded | Unbound))
