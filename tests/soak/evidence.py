"""What a run leaves behind, in the small: figures and marks of each message instead of rows, because a long run has
three hundred thousand of them. Gathered here, judged in oracle.py.
"""

import sqlite3
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.wire import Connection, request
from whimbrel_sandbox.log import ReceiptAnswered, ReceiptSent, Submitted, read_log

from .load import Sent
from .scene import Scene

_PAGE = 1000
DOUBT = "message.in_doubt"


class Row(msgspec.Struct, gc=False):
    """A message as the API lists it."""

    id: str
    to: str
    text: str
    status: str
    segments: int
    price: str
    possible_duplicate: bool


class Moved(msgspec.Struct, gc=False):
    """A movement of the ledger."""

    message_id: str | None
    kind: str
    debit: str
    credit: str
    amount: str


class Happened(msgspec.Struct, gc=False):
    """An event of the log, with what its doubt says of itself."""

    id: str
    type: str
    seq: int
    message_id: str | None


class Piece(msgspec.Struct, frozen=True):
    """The words of a segment that a simulator accepted, and the ids that it gave to them: two where they came twice."""

    words: str
    carrier_id: str
    ids: list[str]


class Smsc(msgspec.Struct):
    """One simulator's log."""

    pieces: dict[tuple[str, str], list[str]]  # number and words: ids of those accepted
    outcomes: dict[str, str]  # id: what was played
    sent: Counter[tuple[str, str]]  # receipts handed to a socket: id and word
    receipts: Counter[str]  # different ones, however often each was sent: id
    answered: Counter[str]  # those acknowledged: id
    refused: int = 0


class Evidence(msgspec.Struct):
    """Everything about a run."""

    sent: list[Sent]
    smsc: dict[str, Smsc]  # by carrier id
    rows: dict[str, Row]
    events: dict[str, list[tuple[int, str]]]  # by message: seq and type, in order of the log
    event_ids: set[str]
    told: Counter[str]  # by event id: how often it came to the sink
    hooks: dict[str, dict[int, str]]  # by message: what the sink was told
    books: dict[str, Decimal]
    money: dict[str, dict[str, tuple[int, Decimal]]]  # by message and kind: how often, and how much
    balance: dict[str, str]
    attempts: dict[str, list[tuple[str, str, str]]]  # by carrier: message, state, the carrier's id for it
    parked: int
    counted: dict[str, Counter[str]]  # receipts by carrier and result, as the node counted them
    timelines: dict[str, list[dict[str, Any]]]  # of each message that ever was in doubt


async def gather(its: Scene, sent: list[Sent]) -> Evidence:
    """All that can be asked while the node runs."""
    reader = await _Reader.open(its)
    evidence = Evidence(
        sent=sent, smsc={}, rows={}, events=defaultdict(list), event_ids=set(), told=Counter(), hooks={}, books={},
        money={}, balance=await its.get("/v1/balance"), attempts={}, parked=0, counted=defaultdict(Counter),
        timelines={},
    )  # fmt: skip
    await _rows(reader, evidence)
    await _events(reader, evidence)
    await _ledger(reader, evidence)
    for labels, value in (await its.metric("whimbrel_receipts_total")).items():
        carrier, result = (part.split('"')[1] for part in labels.split(","))
        evidence.counted[carrier][result] += int(value)
    doubted = [id_ for id_, events in evidence.events.items() if any(type_ == DOUBT for _, type_ in events)]
    for id_ in doubted:
        evidence.timelines[id_] = (await reader.get(f"/v1/messages/{id_}/events"))["data"]
    reader.close()
    return evidence


def complete(evidence: Evidence, its: Scene) -> None:
    """What stands in files, once every process has ended."""
    for carrier in its.carriers.values():
        evidence.smsc[carrier.id] = read_smsc(carrier.log)
    evidence.hooks, evidence.told = read_sink(its.folder / "sink.log")
    with sqlite3.connect(f"file:{its.data / 'whimbrel.db'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT carrier_id, message_id, state, coalesce(carrier_message_id, '') FROM attempts")
        for carrier_id, message_id, state, named in rows:
            evidence.attempts.setdefault(carrier_id, []).append((message_id, state, named))
        (evidence.parked,) = database.execute("SELECT count(*) FROM parked_receipts").fetchone()


def read_smsc(path: Path) -> Smsc:
    """A simulator's log, in the small."""
    smsc = Smsc(pieces=defaultdict(list), outcomes={}, sent=Counter(), receipts=Counter(), answered=Counter())
    for event in read_log(path):
        if isinstance(event, Submitted):
            if event.accepted:
                smsc.pieces[event.dest, event.text].append(event.message_id)
                smsc.outcomes[event.message_id] = event.outcome
            else:
                smsc.refused += 1
        elif isinstance(event, ReceiptSent):
            smsc.sent[event.message_id, event.stat] += 1
            smsc.receipts[event.message_id] += event.tries == 1
        elif isinstance(event, ReceiptAnswered) and not event.status:
            smsc.answered[event.message_id] += 1
    return smsc


def read_sink(path: Path) -> tuple[dict[str, dict[int, str]], Counter[str]]:
    """What the sink was told of each message, and how often it was told each event."""
    hooks: dict[str, dict[int, str]] = defaultdict(dict)
    told: Counter[str] = Counter()
    with path.open() as file:
        for line in file:
            event, type_, message, seq = line.split()
            told[event] += 1
            if message != "-":
                hooks[message][int(seq)] = type_
    return hooks, told


class _Reader:
    """One connection for many pages."""

    def __init__(self, connection: Connection, key: str) -> None:
        self._connection = connection
        self._headers = {"Authorization": f"Bearer {key}"}

    @classmethod
    async def open(cls, its: Scene) -> "_Reader":
        return cls(await Connection.open(its.port), its.key)

    async def octets(self, path: str) -> bytes:
        answer = await self._connection.ask(request("GET", path, headers=self._headers))
        assert answer.status == 200, answer.body[:500]
        return answer.body

    async def get(self, path: str) -> Any:
        return msgspec.json.decode(await self.octets(path))

    def close(self) -> None:
        self._connection.close()


class _Rows(msgspec.Struct):
    data: list[Row]
    next_cursor: str | None


class _Moves(msgspec.Struct):
    data: list[Moved]
    next_cursor: str | None


class _Happenings(msgspec.Struct):
    data: list[Happened]
    next_cursor: str


async def _rows(reader: _Reader, evidence: Evidence) -> None:
    cursor: str | None = ""
    while cursor is not None:
        path = f"/v1/messages?limit={_PAGE}" + (f"&cursor={cursor}" if cursor else "")
        page = msgspec.json.decode(await reader.octets(path), type=_Rows)
        evidence.rows |= {row.id: row for row in page.data}
        cursor = page.next_cursor


async def _events(reader: _Reader, evidence: Evidence) -> None:
    """All but the senders of the set-up, which are older than the sink's endpoint."""
    cursor, reached = "", "-"
    while cursor != reached:
        reached = cursor
        path = f"/v1/events?limit={_PAGE}" + (f"&after={cursor}" if cursor else "")
        page = msgspec.json.decode(await reader.octets(path), type=_Happenings)
        for event in page.data:
            if event.type == "sender.created":
                continue
            evidence.event_ids.add(event.id)
            if event.message_id is not None:
                evidence.events[event.message_id].append((event.seq, event.type))
        cursor = page.next_cursor


async def _ledger(reader: _Reader, evidence: Evidence) -> None:
    cursor: str | None = ""
    books: dict[str, Decimal] = defaultdict(Decimal)
    while cursor is not None:
        path = f"/v1/ledger?limit={_PAGE}" + (f"&cursor={cursor}" if cursor else "")
        page = msgspec.json.decode(await reader.octets(path), type=_Moves)
        for row in page.data:
            amount = Decimal(row.amount)
            books[row.debit] -= amount
            books[row.credit] += amount
            if row.message_id is not None:
                moves = evidence.money.setdefault(row.message_id, {})
                count, sum_ = moves.get(row.kind, (0, Decimal()))
                moves[row.kind] = (count + 1, sum_ + amount)
        cursor = page.next_cursor
    evidence.books = books
