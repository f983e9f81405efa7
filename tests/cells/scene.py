"""Two cells at work: a node in each, over a database each, with one simulator as the carrier of both. Customers speak
HTTP to whichever node they like.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from tests.journey import rig
from tests.journey.rig import simulated
from whimbrel.app import App
from whimbrel.config import Cell, Server, Settings, Smpp, Webhooks
from whimbrel.domain.model import Price, Route
from whimbrel.manage import accounts, balance, carriers, keys, prices, routes, senders
from whimbrel.manage.scopes import ACCOUNT_SCOPES, OPERATOR
from whimbrel_sandbox.log import Submitted
from whimbrel_sandbox.serve import Simulator

ACTOR = "test"
KEY = bytes(range(32))
PRICE = 10_000
NAMES = ("eu", "us")
until = partial(rig.until, within_s=30.0)  # there are two applications in one process, and other tests beside


class Answer(NamedTuple):
    """An answer, read whole."""

    status: int
    body: Any
    headers: Any


class Customer(NamedTuple):
    """An account with a key."""

    id: str
    token: str
    key: str


class Node:
    """A running node and ways to ask it."""

    def __init__(self, app: App, http: aiohttp.ClientSession) -> None:
        self.app = app
        self.http = http

    @property
    def url(self) -> str:
        assert self.app.server is not None
        return f"http://127.0.0.1:{self.app.server.port}"

    @property
    def smpp_port(self) -> int:
        assert self.app.smpp is not None
        return self.app.smpp.ports[0]

    async def ask(self, method: str, path: str, key: str, body: Any = None, **headers: str) -> Answer:
        """A request with a key, and its answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {key}"} | named
        async with self.http.request(method, self.url + path, headers=sent, json=body) as answer:
            return Answer(answer.status, await answer.json(content_type=None), answer.headers)

    async def send(self, customer: Customer, number: str, text: str = "hello", **more: Any) -> Answer:
        """A text."""
        return await self.ask("POST", "/v1/messages", customer.key, {"to": number, "text": text, **more})


class Scene:
    """The nodes by cell, the simulator, and what the operator does."""

    def __init__(self, nodes: dict[str, Node], simulator: Simulator) -> None:
        self.nodes = nodes
        self.eu, self.us = (nodes.get(name) for name in NAMES)
        self.simulator = simulator
        self.operator = ""
        self.carrier_id = ""

    async def furnish(self, **settings: Any) -> None:
        """What belongs to the installation, made in the cell that leads (eu); it is there when the others have it."""
        ctx = self.nodes["eu"].app.manage
        made = await keys.create(ctx, ACTOR, keys.NewKey(name="op", scopes=(OPERATOR,)), account_id=None)
        self.operator = made.key
        address = self.simulator.address
        wanted = {"host": address.smpp_host, "port": address.smpp_port, "system_id": "whimbrel", "binds": 2}
        wanted |= {"reconnect_min_s": 0.05, "reconnect_max_s": 0.1} | settings
        new = carriers.NewCarrier(name="sim", settings=wanted, password="secret", sandbox=True)
        self.carrier_id = (await carriers.create(ctx, ACTOR, new)).id
        await prices.put(ctx, ACTOR, prices.NewPrice(prefix="", price="0.01"))
        await routes.create(ctx, ACTOR, routes.NewRoute(carriers=(self.carrier_id,)))
        for node in self.nodes.values():
            await until(lambda node=node: _is_at_work(node.app, self.carrier_id))
            await until(lambda node=node: knows_the_way(node.app))

    async def customer(self, cell: str, number: str = "+12025550100") -> Customer:
        """An account that lives in a cell, with credit and a sender; all nodes know it."""
        ctx = self.nodes[cell].app.manage
        account = await accounts.create(ctx, ACTOR, accounts.NewAccount(name=f"Acme {cell}"))
        await balance.top_up(ctx, ACTOR, balance.TopUp(amount="1000"), account_id=account.id)
        await senders.create(ctx, ACTOR, senders.NewSender(value=number, is_default=True), account_id=account.id)
        made = await keys.create(ctx, ACTOR, keys.NewKey(name="app", scopes=ACCOUNT_SCOPES), account_id=account.id)
        for node in self.nodes.values():
            assert node.app.cells is not None
            cells = node.app.cells
            await until(lambda cells=cells: any(account.id in t.accounts for t in cells.directories().values()))
            await until(lambda cells=cells: any(made.hint in _hints(t) for t in cells.directories().values()))
        return Customer(account.id, account.auth_token, made.key)

    async def states(self, cell: str, ids: list[str]) -> list[str]:
        """Of these messages, as the cell's database has them; those that it has."""
        return [message.state for message in await self.nodes[cell].app.store.messages(ids)]

    async def all_in(self, cell: str, ids: list[str], state: str, within_s: float = 30.0) -> None:
        """Wait until all of these messages are in a state, in that cell."""

        async def there() -> bool:
            return await self.states(cell, ids) == [state] * len(ids)

        await until(there, within_s=within_s)

    def submits(self) -> list[Submitted]:
        """Every submit_sm that the simulator got, in order."""
        log = self.simulator.center.log
        assert log is not None
        return [event for event in log.after(0, 10_000_000)[1] if isinstance(event, Submitted)]


def _is_at_work(app: App, carrier_id: str) -> bool:
    """Whether a carrier has come and, where the cell has a share of it, is connected to."""
    known = app.tables.carriers.get(carrier_id)
    return known is not None and (known.status != "active" or carrier_id in app.standing.health())


async def knows_the_way(app: App) -> bool:
    """Whether route and price have come, which are made after the carrier."""
    if not (await app.store.fetch(Route, "routes_all") and await app.store.fetch(Price, "prices_all")):
        return False
    await app.tables.current()
    return True


def _hints(tables: Any) -> set[str]:
    return {key.hint for key in tables.keys.values()}


def settings_of(cell: str, urls: dict[str, str], folder: Path, shares: dict[str, int] | None = None) -> Settings:
    """Of a node of this cell."""
    chosen = shares or {}
    return Settings(
        cell=cell,
        cells={name: Cell(database=url, leads=name == "eu", share=chosen.get(name, 1)) for name, url in urls.items()},
        database=urls[cell],
        roles=("api", "worker", "smpp", "console"),
        smpp=Smpp(port=0),
        server=Server(port=0, data=str(folder)),
        webhooks=Webhooks(allow_networks=("127.0.0.0/8",), allow_http=True),
    )


@asynccontextmanager
async def node(settings: Settings) -> AsyncIterator[Node]:
    """A node that runs until the end of the block."""
    app = App(settings, KEY)
    await app.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Node(app, http)
    finally:
        await app.stop()


@asynccontextmanager
async def scene(
    databases: tuple[str, str],
    folder: Path,
    *,
    sandbox: dict[str, Any] | None = None,
    shares: dict[str, int] | None = None,
) -> AsyncIterator[Scene]:
    """Both nodes and the simulator."""
    urls = dict(zip(NAMES, databases, strict=True))
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(simulated(**(sandbox or {})))
        nodes = {}
        for name in NAMES:
            nodes[name] = await stack.enter_async_context(node(settings_of(name, urls, folder, shares)))
        yield Scene(nodes, simulator)


async def steadily(send: Callable[[int], Awaitable[None]], every_s: float, stop: asyncio.Event) -> int:
    """Call `send(number)` again and again until it is enough; how often."""
    number = 0
    while not stop.is_set():
        await send(number)
        number += 1
        await asyncio.sleep(every_s)
    return number
