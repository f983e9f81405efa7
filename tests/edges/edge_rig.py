"""The real application with its HTTP doors on a free port, over a real store in a temporary folder; the carrier is the
simulator over real TCP. Tests speak HTTP to it as customers do.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tests.lite import with_schema
from whimbrel.app import App
from whimbrel.base.clock import Clock
from whimbrel.config import Settings, Smpp, Webhooks
from whimbrel.domain.model import Sender
from whimbrel.manage import accounts, balance, carriers, keys, prices, routes, senders
from whimbrel.manage.scopes import ACCOUNT_SCOPES, OPERATOR
from whimbrel_sandbox.serve import Simulator, running
from whimbrel_sandbox.settings import Settings as SandboxSettings

ACTOR = "test"
NUMBER = "+14155550123"
SENDER = "+12025550100"
LOCAL = Webhooks(allow_networks=("127.0.0.0/8",), allow_http=True)


async def until(condition: Callable[[], Any], *, within_s: float = 30.0) -> Any:
    """Wait until `condition` gives something true (it may be a coroutine), and give that."""
    async with asyncio.timeout(within_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.005)


class Answer(msgspec.Struct, frozen=True):
    """An answer, read whole."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        assert self.headers["content-type"] == "application/problem+json", self.body
        return self.json["code"]


class Customer:
    """One account with a live and a test key of all scopes, and its Basic token."""

    def __init__(self, account: accounts.AccountCreated, live: str, test: str) -> None:
        self.id = account.id
        self.auth_token = account.auth_token
        self.live = live
        self.test = test


class Edge:
    """The running application and short ways to ask it."""

    def __init__(self, app: App, simulator: Simulator, http: aiohttp.ClientSession) -> None:
        assert app.server is not None
        self.app = app
        self.simulator = simulator
        self.http = http
        self.port = app.server.port
        self.url = f"http://127.0.0.1:{app.server.port}"
        self.operator = ""
        self.customer: Customer

    async def ask(self, method: str, path: str, *, key: str | None = None, json: Any = None, **more: Any) -> Answer:
        """One request; `key` None is the customer's live key, empty is none at all."""
        headers = dict(more.pop("headers", {}))
        chosen = self.customer.live if key is None else key
        if chosen and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {chosen}"
        if json is not None:
            more["data"] = msgspec.json.encode(json)
            headers.setdefault("Content-Type", "application/json")
        async with self.http.request(method, self.url + path, headers=headers, **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, json: Any = None, **more: Any) -> Answer:
        return await self.ask("POST", path, json=json, **more)

    async def send(self, *, key: str | None = None, headers: Any = (), **fields: Any) -> Answer:
        """POST /v1/messages to a number that is delivered; other fields as given."""
        return await self.post("/v1/messages", {"to": NUMBER, "text": "Hello"} | fields, key=key, headers=headers)

    async def new_customer(self, name: str = "Acme", credit: str = "100") -> Customer:
        """An account that may send."""
        ctx = self.app.manage
        account = await accounts.create(ctx, ACTOR, accounts.NewAccount(name=name))
        if credit:
            await balance.top_up(ctx, ACTOR, balance.TopUp(amount=credit), account_id=account.id)
        made = [await self.new_key(account.id, tuple(ACCOUNT_SCOPES), mode) for mode in ("live", "test")]
        return Customer(account, *made)

    async def new_key(self, account_id: str | None, scopes: tuple[str, ...], mode: Any = "live", **more: Any) -> str:
        request = keys.NewKey(name="k", scopes=scopes, mode=mode, **more)
        return (await keys.create(self.app.manage, ACTOR, request, account_id=account_id)).key

    async def give_sender(self, account_id: str, value: str) -> None:
        """A sender that is the account's default."""
        sender = senders.NewSender(value=value, is_default=True)
        await senders.create(self.app.manage, ACTOR, sender, account_id=account_id)

    async def take_sender(self, account_id: str, value: str) -> None:
        """It has gone, and what named it goes on naming it."""
        rows = await self.app.store.fetch(Sender, "senders_of_account", account_id)
        (found,) = [row.id for row in rows if row.value == value]
        await senders.delete(self.app.manage, ACTOR, found, account_id=account_id)

    async def seed(self) -> None:
        """A customer who may send, and the simulator as the carrier of everything."""
        ctx = self.app.manage
        self.customer = await self.new_customer()
        self.operator = await self.new_key(None, (OPERATOR,))
        await self.give_sender(self.customer.id, SENDER)
        await prices.put(ctx, ACTOR, prices.NewPrice(prefix="", price="0.0075"))
        address = self.simulator.address
        settings = {"host": address.smpp_host, "port": address.smpp_port, "system_id": "whimbrel"}
        carrier = carriers.NewCarrier(name="Tern", settings=settings, password="secret", sandbox=True)
        made = await carriers.create(ctx, ACTOR, carrier)
        await routes.create(ctx, ACTOR, routes.NewRoute(carriers=(made.id,)))

    async def bound(self) -> None:
        """Once this node has bound to a carrier."""
        await until(lambda: any(health.binds_up for health in self.app.worker.health().values()))


@asynccontextmanager
async def running_edge(
    folder: Path, *, clock: Clock | None = None, phones: bool = False, **settings: Any
) -> AsyncIterator[Edge]:
    """A running installation in `folder`, on the machine's clock or on a test's. `phones`: its console shows the
    simulator's."""
    base = Settings(webhooks=LOCAL, smpp=Smpp(port=0, bind_deadline_s=60))
    server = msgspec.structs.replace(base.server, data=str(folder), port=0)
    chosen = msgspec.structs.replace(base, server=server, **settings)
    if chosen.is_sqlite:
        with_schema(chosen.database_path())
    async with running(SandboxSettings(smpp_port=0, http_port=0 if phones else None, seed=1)) as simulator:
        if phones:
            console = msgspec.structs.replace(chosen.console, simulator_url=simulator.address.http_url)
            chosen = msgspec.structs.replace(chosen, console=console)
        app = App(chosen, bytes(range(32)), clock=clock)
        await app.start()
        try:
            async with aiohttp.ClientSession() as http:
                edge = Edge(app, simulator, http)
                await edge.seed()
                await edge.bound()
                yield edge
        finally:
            await app.stop()
