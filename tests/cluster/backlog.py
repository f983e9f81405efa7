"""`python -m tests.cluster.backlog`: a node works off millions of waiting messages; then somebody forgets an open
transaction in another session, which keeps every dead row where it is; then it ends. What the rate is through all that.
"""

import argparse
import asyncio
import contextlib
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from tests.faults.processes import simulator
from tests.faults.wire import call
from tests.pg import Server, make_template
from whimbrel.app import App
from whimbrel.config import Settings
from whimbrel.domain.model import PRIORITY
from whimbrel.manage import accounts, balance, carriers, keys, prices, routes, senders

from .nodes import Node

_ACTOR = "test"
_STEP_S = 5.0
_CHUNK = 250_000
_PRICE = 10_000
_FILL = """
WITH made AS (
  SELECT n, 'SM' || lpad(to_hex($5::bigint / 1000), 12, '0') || '7000' || '8' || lpad(to_hex(n), 15, '0') AS id
  FROM generate_series($1::bigint, $2::bigint) AS n
), stored AS (
  INSERT INTO messages (id, account_id, test, direction, door, message_class, state, recipient, sender, text, encoding,
    segments, price_micros, held_micros, charged_micros, currency, candidates, priority, rank, created_at, due_at,
    expires_at, updated_at, flags, seq, recipient_hash, sender_hash, options)
  SELECT id, $3, 0, 'out', 'rest', 'transactional', 'queued', '+44791' || lpad(n::text, 7, '0'), '+12025550100',
    'Your order ' || n || ' is on its way', 'gsm7', 1, $7, $7, 0, 'EUR', $4, $6, n, $5, $5, $5 + 172800000000, $5, 0, 1,
    n, 1, '{}'
  FROM made
)
INSERT INTO queue (lane, priority, rank, message_id, expires_at)
SELECT $4, $6, n, id, $5 + 172800000000 FROM made
"""


class Rates(msgspec.Struct, frozen=True):
    """Submits a second: before anything was held, at each step while it was, and at each step afterwards."""

    waiting: int
    before: float
    held: list[float]
    after: list[float]

    @property
    def broken(self) -> list[str]:
        """What the issue asks for and is not so: above half while it is held, and as before within a minute."""
        found = []
        tail = self.held[-max(1, len(self.held) // 4) :]
        if min(sum(self.held) / len(self.held), sum(tail) / len(tail)) < self.before / 2:
            found.append(
                f"the rate fell from {self.before:.0f} to {sum(tail) / len(tail):.0f} while a snapshot was held"
            )
        if max(self.after) < 0.9 * self.before:
            found.append(f"the rate did not come back: {self.before:.0f} before, {max(self.after):.0f} after")
        return found


class Stage(msgspec.Struct):
    """What runs."""

    node: Node
    database: str
    control: int

    async def taken(self) -> int:
        """What the simulator has accepted so far."""
        return int((await call(self.control, "GET", "/counts")).json()["accepted"])

    async def rates(self, seconds: float) -> list[float]:
        """Submits a second in each step of so many seconds."""
        found, before, at = [], await self.taken(), time.monotonic()
        for _ in range(max(1, round(seconds / _STEP_S))):
            await asyncio.sleep(_STEP_S)
            taken, now = await self.taken(), time.monotonic()
            found.append((taken - before) / (now - at))
            before, at = taken, now
        return found


@asynccontextmanager
async def stage(folder: Path, waiting: int) -> AsyncIterator[Stage]:
    """A node that is not started, with so many messages waiting for it."""
    async with contextlib.AsyncExitStack() as stack:
        server = Server(durable=True)
        stack.callback(server.remove)
        server.start()
        database = server.url.replace("/postgres", f"/{await make_template(server.url)}")
        told = await stack.enter_async_context(
            simulator(Path("/dev/null"), response_latency_ms=5, receipt_delay_ms=200, phones=1)
        )
        master_key = secrets.token_bytes(32)
        await _seed(database, master_key, told["smpp_port"], waiting)
        environ = {
            "WHIMBREL_MASTER_KEY": master_key.hex(),
            "WHIMBREL_DATABASE": database,
            "WHIMBREL_ROLES": "api,worker",
        }
        node = Node(folder, "node", environ, folder)
        made = Stage(node, database, int(told["http_url"].rpartition(":")[2]))
        try:
            yield made
        finally:
            if node.is_up:
                await node.stop()


async def _seed(database: str, master_key: bytes, smpp_port: int, waiting: int) -> None:
    app = App(Settings(database=database, roles=("worker",)), master_key)
    await app.open()
    try:
        ctx = app.manage
        account = await accounts.create(ctx, _ACTOR, accounts.NewAccount(name="Acme"))
        credit = balance.TopUp(amount=str(waiting * _PRICE // 1_000_000 + 1000))
        await balance.top_up(ctx, _ACTOR, credit, account_id=account.id)
        sender = senders.NewSender(value="+12025550100", is_default=True)
        await senders.create(ctx, _ACTOR, sender, account_id=account.id)
        await prices.put(ctx, _ACTOR, prices.NewPrice(prefix="", price="0.01"))
        await keys.create(ctx, _ACTOR, keys.NewKey(name="load", scopes=("messages:write",)), account_id=account.id)
        settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": smpp_port,
            "system_id": "sim",
            "binds": 2,
            "window": 50,
        }
        request = carriers.NewCarrier(name="sim", settings=settings, password="secret")
        carrier_id = (await carriers.create(ctx, _ACTOR, request)).id
        await routes.create(ctx, _ACTOR, routes.NewRoute(carriers=(carrier_id,)))
        now = ctx.clock.now_us()
    finally:
        await app.stop()
    await _fill(database, account.id, carrier_id, waiting, now)


async def _fill(database: str, account_id: str, carrier_id: str, waiting: int, now: int) -> None:
    """Messages as accept leaves them, made by the database itself."""
    connection = await asyncpg.connect(database)
    try:
        priority = PRIORITY["transactional"]
        for start in range(1, waiting + 1, _CHUNK):
            end = min(start + _CHUNK - 1, waiting)
            await connection.execute(_FILL, start, end, account_id, carrier_id, now, priority, _PRICE)
        held = waiting * _PRICE
        await connection.execute("UPDATE balances SET available = available - $1, held = held + $1", held)
        await connection.execute("ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def play(folder: Path, *, waiting: int, before_s: float, held_s: float, after_s: float) -> Rates:
    """Fill, work, hold a snapshot, let it go."""
    async with stage(folder, waiting) as its:
        await its.node.start()
        await its.rates(10)  # until the binds are up and the caches warm
        before = await its.rates(before_s)
        holder = await asyncpg.connect(its.database)
        await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await holder.fetchval("SELECT count(*) FROM nodes")
        held = await its.rates(held_s)
        await holder.close()
        after = await its.rates(after_s)
    return Rates(waiting, sum(before) / len(before), held, after)


def main() -> int:
    """1 when the rate fell below half, or did not come back."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.backlog", description=__doc__)
    parser.add_argument("--waiting", type=int, default=5_000_000)
    parser.add_argument("--before", type=float, default=60.0, help="seconds before the snapshot is held")
    parser.add_argument("--held", type=float, default=600.0)
    parser.add_argument("--after", type=float, default=60.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whimbrel-backlog-") as name:
        rates = asyncio.run(
            play(
                Path(name),
                waiting=chosen.waiting,
                before_s=chosen.before,
                held_s=chosen.held,
                after_s=chosen.after,
            )
        )
    every = max(1, len(rates.held) // 12)
    sys.stdout.write(f"| waiting | {rates.waiting:,} |\n| before | {rates.before:,.0f}/s |\n")
    sys.stdout.write(f"| while held | {', '.join(f'{rate:,.0f}' for rate in rates.held[::every])} /s |\n")
    sys.stdout.write(f"| afterwards | {', '.join(f'{rate:,.0f}' for rate in rates.after)} /s |\n")
    for complaint in rates.broken:
        sys.stdout.write(f"BROKEN: {complaint}\n")
    return 1 if rates.broken else 0


if __name__ == "__main__":
    sys.exit(main())
