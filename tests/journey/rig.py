"""A whole installation for journey tests: the real application without HTTP doors, a real store in a temporary folder,
and the simulator over real TCP. Waiting is for conditions with a deadline, never for time to pass.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from whimbrel.app import App
from whimbrel.base.clock import SystemClock
from whimbrel.config import Settings, Webhooks
from whimbrel.domain.model import CarrierSettings, Draft, Message, Options
from whimbrel.manage import accounts, balance, carriers, prices, routes, senders
from whimbrel.store.sqlite import schema
from whimbrel_sandbox.serve import Simulator, running
from whimbrel_sandbox.settings import Settings as SandboxSettings

ACTOR = "test"
SENDER = "+15005550006"


async def until(condition: Callable[[], Awaitable[Any] | Any], *, within_s: float = 10.0) -> Any:
    """Wait until `condition` gives something true, and give that; fails after `within_s`."""
    async with asyncio.timeout(within_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.005)


class Rig:
    """The application, the simulator, and short ways to act on them."""

    def __init__(self, app: App, simulator: Simulator) -> None:
        self.app = app
        self.simulator = simulator
        self.account_id = ""
        self.carrier_id = ""

    async def seed(self, **carrier_settings: Any) -> None:
        """One account with credit, a sender, a price for all, and the simulator as the carrier of everything."""
        ctx = self.app.manage
        account = await accounts.create(ctx, ACTOR, accounts.NewAccount(name="Acme"))
        self.account_id = account.id
        await balance.top_up(ctx, ACTOR, balance.TopUp(amount="1000"), account_id=self.account_id)
        await senders.create(
            ctx, ACTOR, senders.NewSender(value="+12025550100", is_default=True), account_id=self.account_id
        )
        await prices.put(ctx, ACTOR, prices.NewPrice(prefix="", price="0.01"))
        address = self.simulator.address
        settings = CarrierSettings(
            host=address.smpp_host, port=address.smpp_port, system_id="whimbrel", **carrier_settings
        )
        carrier = await carriers.create(
            ctx, ACTOR, carriers.NewCarrier(name="sim", settings=settings, password="secret", sandbox=True)
        )
        self.carrier_id = carrier.id
        await routes.create(ctx, ACTOR, routes.NewRoute(carriers=(carrier.id,)))

    def draft(self, recipient: str = "+447911123456", text: str = "Hello", **more: Any) -> Draft:
        """A draft of the account."""
        return Draft(
            account_id=self.account_id,
            test=more.pop("test", False),
            door="rest",
            recipient=recipient,
            text=text,
            options=Options(**more.pop("options", {})),
            **more,
        )

    async def send(self, *drafts: Draft) -> list[str]:
        """Accept drafts; all must be accepted; their ids."""
        accepted = await self.app.accept.submit(drafts)
        assert all(verdict.id for verdict in accepted.verdicts), accepted.verdicts
        return [verdict.id for verdict in accepted.verdicts if verdict.id]

    async def message(self, message_id: str) -> Message:
        """A message as stored."""
        (message,) = await self.app.store.messages([message_id])
        return message

    async def settled(self, message_id: str, *states: str, within_s: float = 10.0) -> Message:
        """The message once it is in one of these states."""

        async def there() -> Message | None:
            message = await self.message(message_id)
            return message if message.state in states else None

        return await until(there, within_s=within_s)

    async def events(self, message_id: str) -> list[str]:
        """Types of the message's events, in order."""
        events = await self.app.store.events_after(0, 100_000)
        return [event.type for event in sorted(events, key=lambda e: e.seq) if event.subject_id == message_id]


@asynccontextmanager
async def rig(folder: Path, *, sandbox: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[Rig]:
    """A running installation in `folder`."""
    base = Settings(roles=("worker",), webhooks=Webhooks(allow_networks=("127.0.0.0/8",), allow_http=True))
    chosen = msgspec.structs.replace(base, server=msgspec.structs.replace(base.server, data=str(folder)), **settings)
    schema.apply(str(chosen.database_path()), SystemClock())
    async with running(SandboxSettings(smpp_port=0, http_port=0, seed=1, **(sandbox or {}))) as simulator:
        app = App(chosen, bytes(range(32)))
        await app.start()
        try:
            yield Rig(app, simulator)
        finally:
            await app.stop()
