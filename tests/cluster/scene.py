"""What a run stands on: PostgreSQL, three simulators, the webhook sink, and an installation seeded for them."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from tests.faults.processes import simulator, survivor
from tests.pg import Server, make_template
from whimbrel.app import App
from whimbrel.config import Settings
from whimbrel.manage import accounts, balance, carriers, keys, prices, routes, senders, webhooks
from whimbrel.net.addresses import Reach

from .nodes import Node, copy_of_a_later_version
from .waits import Looks, watched

PREFIXES = ("447911", "447912", "447913")
"""Where numbers begin, by the carrier that is their route."""
BINDS = 2
WINDOW = 50
TOLD = ("message.delivered", "message.undelivered", "message.in_doubt", "message.failed", "message.expired")
_ACTOR = "test"
_RESPONSE_MS = 10
_RECEIPT_MS = 200


class Cluster(Protocol):
    """PostgreSQL: one server, or several under one URL."""

    @property
    def url(self) -> str: ...

    def start(self) -> None: ...

    def remove(self) -> None: ...


class Carrier(msgspec.Struct):
    """A simulator, its log, and the carrier that it is."""

    name: str
    prefix: str
    log: Path
    smpp_port: int
    waits: Looks
    id: str = ""


class Scene(msgspec.Struct):
    """All that runs."""

    folder: Path
    database: str
    key: str
    account_id: str
    carriers: list[Carrier]
    nodes: list[Node]

    @property
    def sink_log(self) -> Path:
        return self.folder / "sink.log"


@asynccontextmanager
async def scene(
    folder: Path, *, count: int, throughput_per_s: int, seed: int, server: Cluster | None = None
) -> AsyncIterator[Scene]:
    """Everything seeded, in an empty folder; the nodes are not started."""
    async with contextlib.AsyncExitStack() as stack:
        server = server or Server(durable=True)
        stack.callback(server.remove)
        await asyncio.to_thread(server.start)
        database = server.url.replace("/postgres", f"/{await make_template(server.url)}")
        found: list[Carrier] = []
        for place, prefix in enumerate(PREFIXES):
            log = folder / f"carrier-{place}.jsonl"
            settings = {"seed": seed, "response_latency_ms": _RESPONSE_MS, "receipt_delay_ms": _RECEIPT_MS}
            told = await stack.enter_async_context(simulator(log, **settings))
            waits = await stack.enter_async_context(watched(told["pid"]))
            found.append(Carrier(f"carrier-{place}", prefix, log, told["smpp_port"], waits))
        sink = await stack.enter_async_context(survivor("-m", "tests.soak.sink", str(folder / "sink.log")))
        master_key = secrets.token_bytes(32)
        made = Scene(folder, database, "", "", found, [])
        await _seed(made, master_key, int(sink), throughput_per_s)
        environ = {
            "WHIMBREL_MASTER_KEY": master_key.hex(),
            "WHIMBREL_DATABASE": database,
            "WHIMBREL_ROLES": "api,worker",
            "WHIMBREL_WEBHOOKS__ALLOW_HTTP": "true",
            "WHIMBREL_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
        }
        newer = copy_of_a_later_version(folder)
        made.nodes = [Node(folder, f"node-{number}", environ, newer) for number in range(count)]
        stack.push_async_callback(_end, made)
        yield made


async def _end(made: Scene) -> None:
    for node in made.nodes:
        if node.is_frozen:
            node.thaw()
        if node.is_up:
            await node.stop()


async def _seed(made: Scene, master_key: bytes, sink_port: int, throughput_per_s: int) -> None:
    """An account with money, a price, a sender, a key and a webhook; the carriers and a route to each."""
    app = App(Settings(database=made.database, roles=("worker",)), master_key)
    await app.open()
    try:
        ctx = msgspec.structs.replace(app.manage, reach=Reach(("127.0.0.0/8",), plain_http=True))
        account = await accounts.create(ctx, _ACTOR, accounts.NewAccount(name="Acme"))
        made.account_id = account.id
        await balance.top_up(ctx, _ACTOR, balance.TopUp(amount="1000000"), account_id=account.id)
        sender = senders.NewSender(value="+12025550100", is_default=True)
        await senders.create(ctx, _ACTOR, sender, account_id=account.id)
        await prices.put(ctx, _ACTOR, prices.NewPrice(prefix="", price="0.01"))
        new_key = keys.NewKey(name="load", scopes=("messages:write",))
        made.key = (await keys.create(ctx, _ACTOR, new_key, account_id=account.id)).key
        hook = webhooks.NewWebhook(url=f"http://127.0.0.1:{sink_port}/", events=TOLD)
        await webhooks.create(ctx, _ACTOR, hook, account_id=account.id, test=False)
        for carrier in made.carriers:
            settings = {
                "host": "127.0.0.1",
                "port": carrier.smpp_port,
                "system_id": carrier.name,
                "binds": BINDS,
                "window": WINDOW,
                "throughput_per_s": throughput_per_s,
                "response_timeout_s": 5.0,
                "reconnect_min_s": 0.1,
                "reconnect_max_s": 0.5,
            }
            request = carriers.NewCarrier(name=carrier.name, settings=settings, password="secret")
            carrier.id = (await carriers.create(ctx, _ACTOR, request)).id
            await routes.create(ctx, _ACTOR, routes.NewRoute(carriers=(carrier.id,), prefix=carrier.prefix))
    finally:
        await app.stop()
