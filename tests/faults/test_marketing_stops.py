"""Marketing at full size that is stopped in every way there is: 50,000 texts queued and 200 in flight while people say
STOP; a campaign that is paused, canceled, or out of money; and the node is killed right after each. Judged by the
simulator's log: after each commit no more than what the window held goes out to those concerned, each STOP is confirmed
once, and the books are the messages'.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import ROUND_UP, Decimal
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import msgspec
import pytest

from whimbrel_sandbox.log import Event, InboundAnswered, InboundSent, Submitted

from .processes import Node, simulator
from .wire import Connection, call, request, until

WINDOW = 200
AHEAD = WINDOW // 4  # claims that are committed ahead of the window
LATENCY_MS = 250  # of each answer: some 800 texts a second
SLOW_MS = 1000  # of a carrier whose campaign has not sent out all when somebody stops it
PEOPLE = 500
TEXTS = 100
BATCH = 5_000
AUDIENCE = 4_000
COVERED = 700  # texts that the balance covers, in the end
NUMBER = "+15005550006"
PATIENCE_S = 240.0
BOOKS = "SELECT debit, credit, CAST(sum(amount_micros) AS bigint) FROM ledger GROUP BY debit, credit"
BALANCE = "SELECT available, held, spent FROM balances"
MESSAGES = "SELECT CAST(sum(held_micros) AS bigint), CAST(sum(charged_micros) AS bigint) FROM messages"
CHARGED = "SELECT CAST(coalesce(sum(segments), 0) AS bigint) FROM messages WHERE charged_micros > 0"
DOUBTFUL = (
    "SELECT CAST(coalesce(sum(segments), 0) AS bigint) FROM messages WHERE state IN ('in_doubt', 'unknown', 'sending')"
)

pytestmark = pytest.mark.ci


class Heard:
    """What the simulator saw so far; its log is read on from where it was read to."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._decode = msgspec.json.Decoder(Event).decode
        self.events: list[Event] = []

    def read(self) -> list[Event]:
        """All events."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        self.events += map(self._decode, whole.splitlines())
        return self.events

    def count(self, text: str) -> int:
        """How many submits had this text."""
        return sum(isinstance(event, Submitted) and event.text == text for event in self.read())

    def acknowledged(self) -> set[str]:
        """Phones whose STOP was answered: it is committed."""
        source = {event.text_id: event.source for event in self.read() if isinstance(event, InboundSent)}
        taken = (event for event in self.events if isinstance(event, InboundAnswered) and event.status == 0)
        return {f"+{source[event.text_id].lstrip('+')}" for event in taken}


def judged(events: Sequence[Event], waves: Sequence[Sequence[str]]) -> tuple[list[int], Counter[str]]:
    """By wave how many texts went out to its people after their STOP was acknowledged, and how often each person was
    answered."""
    wave_of = {person.lstrip("+"): number for number, wave in enumerate(waves) for person in wave}
    source: dict[str, str] = {}
    stopped: set[str] = set()
    late, confirmed = [0] * len(waves), Counter[str]()
    for event in events:
        if isinstance(event, InboundSent):
            source[event.text_id] = event.source.lstrip("+")
        elif isinstance(event, InboundAnswered) and event.status == 0:
            stopped.add(source[event.text_id])
        elif isinstance(event, Submitted) and "START" in event.text:
            confirmed[event.dest.lstrip("+")] += 1
        elif isinstance(event, Submitted) and event.dest.lstrip("+") in stopped:
            late[wave_of[event.dest.lstrip("+")]] += 1
    return late, confirmed


class Scene:
    """A node on one database, the simulator, and what goes between them."""

    def __init__(self, node: Node, address: dict[str, Any], log: Path, database: str) -> None:
        self.node = node
        self.heard = Heard(log)
        self._phones = int(address["http_url"].rpartition(":")[2])
        self._database = database
        self._key = self._operator = self._account = ""

    async def begin(self) -> None:
        """Start, with a window of 200 and money for everything."""
        await self.node.start()
        found = self.node.credentials()
        self._key, self._operator, self._account = found["api_key"], found["operator_key"], found["account_sid"]
        carrier = (await self.ask("GET", "/v1/carriers", account=""))["data"][0]["id"]
        await self.ask("PATCH", f"/v1/carriers/{carrier}", {"settings": {"window": WINDOW}}, account="")
        await self.ask("PUT", "/v1/policies", {"quiet_hours": "off"})
        await self.ask("POST", "/v1/balance/top-up", {"amount": "10000"}, account=self._account)

    async def ask(self, method: str, path: str, body: Any = None, *, account: str | None = None) -> Any:
        """An answer that is no refusal. `account`: asked by the operator, for that one or none."""
        headers = {"Authorization": f"Bearer {self._key if account is None else self._operator}"}
        connection = await Connection.open(self.node.port)
        try:
            more = {"X-Account-Id": account} if account else {}
            answer = await connection.ask(request(method, path, body, headers | more))
        finally:
            connection.close()
        assert answer.status < 300, (path, answer.status, answer.body[:300])
        return answer.json()

    async def queue(self, people: Sequence[str]) -> None:
        """So many texts for each of them."""
        messages = [{"to": to, "text": "Offer"} for _ in range(TEXTS) for to in people]
        for start in range(0, len(messages), BATCH):
            body = {"messages": messages[start : start + BATCH], "defaults": {"class": "marketing"}}
            assert (await self.ask("POST", "/v1/messages/batch", body))["accepted"] == BATCH

    async def stop(self, phone: str) -> None:
        """A phone says STOP as soon as a bind is there to take it."""

        async def taken() -> bool:
            body = {"to": NUMBER, "text": "STOP"}
            return (await call(self._phones, "POST", f"/phones/{phone[1:]}/send", body)).status == 202

        await until(taken, PATIENCE_S, "the phone sends")

    async def say_stop(self, people: Sequence[str], *, dies: bool) -> None:
        """All of them, while texts go out; the node dies when it has stored the first."""
        least, wave = self.heard.count("Offer") + 2 * WINDOW, set(people)
        await until(lambda: self.heard.count("Offer") > least, PATIENCE_S, "texts go out")
        await asyncio.gather(*(self.stop(phone) for phone in people))
        await until(lambda: self.heard.acknowledged() & wave, PATIENCE_S, "a STOP is stored")
        if dies:
            await self.die()
        await until(lambda: self.heard.acknowledged() >= wave, PATIENCE_S, "all STOPs are stored")

    async def die(self) -> None:
        """kill -9, and another life."""
        process = self.node._process
        assert process is not None
        process.kill()
        await process.wait()
        await self.node.start()

    async def price(self, prefix: str, amount: Decimal) -> None:
        """What a segment costs from now on."""
        body = {
            "prefix": prefix,
            "price": str(amount.quantize(Decimal("0.000001"), ROUND_UP)),
            "account_id": self._account,
        }
        await self.ask("POST", "/v1/prices", body, account="")

    async def works(self, text: str) -> None:
        """Something goes out: the carrier's lane runs, and what could go before it has gone."""
        await self.ask("POST", "/v1/messages", {"to": "+447400999999", "text": text, "class": "otp"})
        await until(lambda: self.heard.count(text), PATIENCE_S, text)

    async def settled(self) -> None:
        """Nothing is under way."""

        async def still() -> bool:
            states = "status=queued,sending&limit=1"
            return not (await self.ask("GET", f"/v1/messages?{states}"))["data"]

        await until(still, PATIENCE_S, "nothing is queued")

    async def campaign(self, name: str) -> str:
        """One that has begun to everybody; its path."""
        made = await self.ask("POST", "/v1/campaigns", {"name": name, "audience": {"everybody": True}, "text": name})
        path = f"/v1/campaigns/{made['id']}"
        await self.ask("POST", f"{path}/start", {})
        return path

    async def books(self) -> None:
        """What the ledger moved is what balances have, and what messages hold and were charged."""
        if self._database:
            connection = await asyncpg.connect(self._database)
            rows = [[tuple(row) for row in await connection.fetch(sql)] for sql in (BOOKS, BALANCE, MESSAGES)]
            (charged,), (doubtful,) = [await connection.fetchrow(sql) for sql in (CHARGED, DOUBTFUL)]
            await connection.close()
        else:
            file = apsw.Connection(str(self.node.folder / "whimbrel.db"), flags=apsw.SQLITE_OPEN_READONLY)
            rows = [list(file.execute(sql)) for sql in (BOOKS, BALANCE, MESSAGES)]
            (charged,), (doubtful,) = [next(iter(file.execute(sql))) for sql in (CHARGED, DOUBTFUL)]
            file.close()
        moved, ((available, held, spent),), (sums,) = rows
        books = Counter[str]()
        for debit, credit, amount in moved:
            books[debit] -= amount
            books[credit] += amount
        assert (books["available"], books["held"], books["spent"]) == (available, held, spent)
        assert sums == (held, spent)

        def taken() -> int:
            return sum(isinstance(event, Submitted) and event.accepted for event in self.heard.read())

        await until(lambda: taken() >= charged, 60, "the simulator's log has what was charged")  # it is a moment behind
        assert taken() <= charged + doubtful


@asynccontextmanager
async def scene(folder: Path, database: str, latency_ms: int = LATENCY_MS) -> AsyncIterator[Scene]:
    log = folder / "sim.log"
    async with simulator(log, response_latency_ms=latency_ms, deliver_timeout_ms=2000) as address:
        (folder / "node").mkdir()
        made = Scene(Node(folder / "node", address["smpp_port"], database), address, log, database)
        await made.begin()
        try:
            yield made
        finally:
            await made.node.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """A URL, or nothing for a file of the node's own."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres"))


async def test_fifty_thousand_are_queued_and_people_say_stop(tmp_path: Path, database: str) -> None:
    people = [f"+4474001{n:05d}" for n in range(PEOPLE)]
    waves = [people[start::3] for start in range(3)]
    async with scene(tmp_path, database) as s:
        await s.queue(people)
        for wave in waves:
            await s.say_stop(wave, dies=wave is not waves[-1])
        await s.settled()
        late, confirmed = judged(s.heard.read(), waves)
        assert max(late) <= WINDOW + AHEAD, late
        assert set(confirmed.values()) == {1}
        assert s.heard.count("Offer") < PEOPLE * TEXTS - BATCH, "many were queued when their people stopped"
        await s.books()


async def _audience(s: Scene) -> None:
    for start in range(0, AUDIENCE, 1000):
        made = [{"number": f"+4479{n:08}"} for n in range(start, start + 1000)]
        assert (await s.ask("POST", "/v1/contacts/batch", {"contacts": made}))["created"] == 1000


async def _stands(s: Scene, name: str, verb: str, *, dies: bool) -> str:
    """A campaign is stopped while it sends, and the node dies; its path."""
    path = await s.campaign(name)
    await until(lambda: s.heard.count(name) > WINDOW, PATIENCE_S, "it sends")
    await s.ask("POST", f"{path}/{verb}", {})
    at = s.heard.count(name)
    if dies:
        await s.die()
    await s.works(f"After {name}")
    await s.works(f"Long after {name}")
    assert s.heard.count(name) - at <= WINDOW + AHEAD
    return path


@pytest.mark.parametrize("dies", [False, True], ids=["lives", "killed"])
async def test_a_campaign_is_canceled_paused_and_out_of_money(tmp_path: Path, database: str, dies: bool) -> None:
    async with scene(tmp_path, database, SLOW_MS) as s:
        await _audience(s)
        await _stands(s, "Canceled", "cancel", dies=dies)
        await s.settled()
        path = await _stands(s, "Paused", "pause", dies=dies)
        assert (await s.ask("GET", path))["status"] == "paused"
        await s.settled()
        at = s.heard.count("Paused")
        await s.ask("POST", f"{path}/resume", {})
        await until(lambda: s.heard.count("Paused") > at + WINDOW, PATIENCE_S, "it goes on")
        await s.ask("POST", f"{path}/cancel", {})
        await s.settled()
        await _spend(s)
        path = await s.campaign("Spent")

        async def rests() -> bool:
            return bool((await s.ask("GET", path))["status"] == "paused")

        await until(rests, PATIENCE_S, "it has no more money")
        if dies:
            await s.die()
        assert (await s.ask("GET", path))["reason"] == "insufficient_balance"
        await s.ask("POST", f"{path}/cancel", {})
        await s.settled()
        assert s.heard.count("Spent") <= COVERED
        texts = {"Canceled", "Paused", "Spent"}
        reached = Counter((e.text, e.dest) for e in s.heard.read() if isinstance(e, Submitted) and e.text in texts)
        assert set(reached.values()) == {1}, "nobody is written to twice"
        await s.books()


async def _spend(s: Scene) -> None:
    """Make texts of the campaign so dear that what is left pays for so many."""
    left = Decimal((await s.ask("GET", "/v1/balance"))["available"])
    await s.price("4479", left / COVERED)
