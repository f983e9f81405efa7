"""A whole installation for journey tests: the real application without HTTP doors, a real store in a temporary folder,
and the simulator over real TCP. Waiting is for conditions with a deadline, never for time to pass.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.lite import with_schema
from tests.whole_log import whole_log
from whimbrel.app import App
from whimbrel.base.clock import Chance, SystemClock
from whimbrel.carriers.interface import Part
from whimbrel.config import Settings, Webhooks
from whimbrel.domain.model import Attempt, Draft, Event, Message, Options
from whimbrel.manage import accounts, balance, carriers, prices, routes, senders
from whimbrel.manage.context import Paging
from whimbrel.store.interface import Search, Verdict
from whimbrel_sandbox.log import Bound, InboundAnswered, Submitted
from whimbrel_sandbox.network import PhoneText
from whimbrel_sandbox.phones import Text
from whimbrel_sandbox.serve import Simulator, running
from whimbrel_sandbox.settings import Change
from whimbrel_sandbox.settings import Settings as SandboxSettings

ACTOR = "test"
SENDER = "+12025550100"
PRICE_MICROS = 10_000  # of a segment
CREDIT_MICROS = 1_000_000_000
KEY = bytes(range(32))
POSTGRES = "postgresql-url"
"""A file of this name in an installation's folder names the database that it is to use."""


class ShiftedClock(SystemClock):
    """The machine's clock, set forward by a test."""

    def __init__(self) -> None:
        self.ahead_us = 0
        self.asleep_us = 0
        """For how long the process was stopped, by its monotonic time."""

    def monotonic_us(self) -> int:
        return super().monotonic_us() + self.asleep_us

    def now_us(self) -> int:
        return super().now_us() + self.ahead_us

    def advance(self, seconds: float) -> None:
        """Move time forward."""
        self.ahead_us += int(seconds * 1_000_000)


async def until(condition: Callable[[], Awaitable[Any] | Any], *, within_s: float = 30.0) -> Any:
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

    def __init__(self, app: App, simulator: Simulator, clock: ShiftedClock) -> None:
        self.app = app
        self.simulator = simulator
        self.clock = clock
        self.account_id = ""
        self.carrier_id = ""

    # What an operator and an account do.

    async def seed(self, **carrier_settings: Any) -> None:
        """One account with credit, a sender, a price for all, and the simulator as the carrier of everything."""
        self.account_id = await self.add_account("Acme", SENDER)
        await self.set_price()
        self.carrier_id = await self.add_carrier("sim", **carrier_settings)
        await until(lambda: self.carrier_id in self.app.standing.health())
        await self.add_route(self.carrier_id)

    async def ready(self) -> None:
        """The same, and the carrier is bound: before that no phone can write to us."""
        await self.seed()
        await self.bound()

    async def add_account(self, name: str, sender: str) -> str:
        """An account with credit and a default sender."""
        ctx = self.app.manage
        account = await accounts.create(ctx, ACTOR, accounts.NewAccount(name=name))
        await balance.top_up(ctx, ACTOR, balance.TopUp(amount="1000"), account_id=account.id)
        await senders.create(ctx, ACTOR, senders.NewSender(value=sender, is_default=True), account_id=account.id)
        return account.id

    async def set_price(self, price: str = "0.01", prefix: str = "") -> None:
        """What a segment costs."""
        await prices.put(self.app.manage, ACTOR, prices.NewPrice(prefix=prefix, price=price))

    async def add_carrier(
        self, name: str, *, simulator: Simulator | None = None, sandbox: bool = True, **settings: Any
    ) -> str:
        """A carrier that binds to a simulator (the rig's own, when none is given)."""
        address = (simulator or self.simulator).address
        wanted = {"host": address.smpp_host, "port": address.smpp_port, "system_id": "whimbrel"} | _QUICK | settings
        request = carriers.NewCarrier(name=name, settings=wanted, password="secret", sandbox=sandbox)
        return (await carriers.create(self.app.manage, ACTOR, request)).id

    async def add_route(self, *carrier_ids: str, prefix: str = "", position: int | None = None) -> str:
        """A route of everything, or of a prefix."""
        route = routes.NewRoute(carriers=carrier_ids, prefix=prefix, position=position)
        return (await routes.create(self.app.manage, ACTOR, route)).id

    async def change_carrier(self, **settings: Any) -> None:
        """New settings for the carrier."""
        change = carriers.CarrierChange(settings=settings)
        await carriers.update(self.app.manage, ACTOR, self.carrier_id, change)

    async def pause(self) -> None:
        """Pause the carrier, and wait until its binds are gone."""
        await carriers.pause(self.app.manage, ACTOR, self.carrier_id)
        await until(lambda: self.carrier_id not in self.app.worker.health())
        await self.app.worker.follow()

    async def resume(self) -> None:
        """Let the carrier work again."""
        await carriers.resume(self.app.manage, ACTOR, self.carrier_id)

    async def stop_carriers(self, seconds: float) -> None:
        """Give up all carriers as an application does that stops."""
        self.app.worker.stop_s = seconds
        await self.app.owners.hand_over("carrier")

    async def bound(self, count: int = 1) -> None:
        """Wait until the carrier has so many binds."""
        await until(lambda: sum(health.binds_up for health in self.app.worker.health().values()) >= count)

    async def cut(self) -> None:
        """The carrier's binds are gone, and this side knows it; new ones are refused: what is accepted waits in its
        queue."""
        self.behave(refuse_binds=0x0D)
        self.behave(drop=True)
        await until(lambda: not (self.simulator.center.links or self.app.worker.health()[self.carrier_id].binds_up))

    # Sending.

    def draft(self, recipient: str = "+447911123456", text: str = "Hello", **more: Any) -> Draft:
        """A draft of the account."""
        return Draft(
            account_id=more.pop("account_id", self.account_id),
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

    async def verdict(self, draft: Draft) -> Verdict:
        """What accept says to a draft, whatever it is."""
        (verdict,) = (await self.app.accept.submit([draft])).verdicts
        return verdict

    # Looking.

    async def message(self, message_id: str) -> Message:
        """A message as stored."""
        (message,) = await self.app.store.messages([message_id])
        return message

    async def settled(self, message_id: str, *states: str, within_s: float = 30.0) -> Message:
        """The message once it is in one of these states."""

        async def there() -> Message | None:
            message = await self.message(message_id)
            return message if message.state in states else None

        return await until(there, within_s=within_s)

    async def all_settled(self, message_ids: list[str], *states: str, within_s: float = 30.0) -> None:
        """Wait until all of these messages are in one of these states."""

        found: list[Message] = []

        async def there() -> bool:
            found[:] = await self.app.store.messages(message_ids)
            return all(message.state in states for message in found)

        try:
            await until(there, within_s=within_s)
        except TimeoutError:
            raise TimeoutError(f"they are in {Counter(message.state for message in found)}") from None

    async def log(self) -> list[Event]:
        """Every committed event of the account, in order."""
        return await whole_log(self.app.store, self.account_id)

    async def log_of(self, subject_id: str) -> list[Event]:
        """Every committed event of a message, or of whatever else has events, in order."""
        return await self.app.store.fetch(Event, "events_of_subject", self.account_id, subject_id)

    async def events(self, subject_id: str) -> list[str]:
        """Their types, in order."""
        return [event.type for event in await self.log_of(subject_id)]

    async def attempts(self, message_id: str) -> list[Attempt]:
        """The message's attempts, oldest first."""
        return await self.app.store.fetch(Attempt, "attempts_of_message", message_id, 0)

    async def inbound(self, count: int = 1, **search: Any) -> list[Message]:
        """The account's inbound messages once there are so many, oldest first."""

        async def there() -> list[Message] | None:
            wanted = Search(account_id=self.account_id, test=False, direction="in", **search)
            found = await self.app.store.search(wanted, 1000)
            return found[::-1] if len(found) >= count else None

        return await until(there)

    async def acknowledged(self, count: int = 1) -> None:
        """Wait until so many texts of phones, or parts of them, are acknowledged: what they say holds from then on, and
        not as soon as their rows can be seen."""
        await until(lambda: sum(isinstance(e, InboundAnswered) and not e.status for e in self.sim_log()) >= count)

    async def ledger(self, account_id: str = "") -> dict[str, int]:
        """Micros by kind of movement."""
        page = await balance.ledger(
            self.app.manage, account_id=account_id or self.account_id, paging=Paging(limit=1000)
        )
        sums: dict[str, int] = {"hold": 0, "charge": 0, "release": 0}
        for row in page.data:
            sums[row.kind] = sums.get(row.kind, 0) + round(float(row.amount) * 1_000_000)
        return sums

    async def check_money(self, *, charged_segments: int, held_segments: int = 0, account_id: str = "") -> None:
        """The ledger, the balance and the messages tell the same: so many segments paid, so many on hold."""
        sums = await self.ledger(account_id)
        charged, held = charged_segments * PRICE_MICROS, held_segments * PRICE_MICROS
        assert (sums["charge"], sums["hold"] - sums["charge"] - sums["release"]) == (charged, held), sums
        view = await balance.get(self.app.manage, account_id=account_id or self.account_id)
        amounts = [round(float(amount) * 1_000_000) for amount in (view.available, view.held, view.spent)]
        assert amounts == [CREDIT_MICROS - charged - held, held, charged]

    async def nothing_held(self) -> None:
        """Wait until every hold is charged or released."""

        async def settled() -> bool:
            sums = await self.ledger()
            return sums["hold"] == sums["charge"] + sums["release"]

        await until(settled)

    def submits(self, simulator: Simulator | None = None) -> list[Submitted]:
        """Every submit_sm that a simulator got, in order."""
        return [event for event in self.sim_log(simulator) if isinstance(event, Submitted)]

    def departures(self) -> list[tuple[str, int]]:
        """Senders of all parts that leave from now on, and when by the monotonic clock. A simulator reads a part a
        moment later, and a busy machine brings any two closer together."""
        lane, found = self.app.worker.lane(self.carrier_id), list[tuple[str, int]]()
        assert lane is not None
        submit = lane.link.submit

        def noted(parts: Sequence[Part]) -> None:
            found.extend((part.source, self.clock.monotonic_us()) for part in parts)
            submit(parts)

        lane.link.submit = noted  # type: ignore[method-assign]
        return found

    def binds(self, simulator: Simulator | None = None) -> list[Bound]:
        """Every bind that a simulator got, in order."""
        return [event for event in self.sim_log(simulator) if isinstance(event, Bound)]

    def sim_log(self, simulator: Simulator | None = None) -> list[Any]:
        """All of a simulator's log."""
        log = (simulator or self.simulator).center.log
        assert log is not None
        return log.after(0, 10_000_000)[1]

    # The other side.

    def behave(self, **change: Any) -> None:
        """Change how the simulator behaves."""
        self.simulator.center.change(Change(**change))

    def phone(self, number: str) -> list[Text]:
        """What a phone got."""
        return self.simulator.network.phones.read(number.lstrip("+"))

    def say(self, number: str, text: str, **more: Any) -> None:
        """A phone sends a text to our sender."""
        self.simulator.network.send_text(number, PhoneText(to=more.pop("to", SENDER), text=text, **more))


def on_databases(cases: Collection[str], *, on_both: Collection[str]) -> pytest.MarkDecorator:
    """Parametrizes with `case` where carriers do something and the database only keeps what came of it: all of them on
    SQLite, and on PostgreSQL `on_both`; the others on PostgreSQL are of `make ci`."""
    assert set(on_both) <= set(cases)
    small = [("sqlite", case) for case in cases] + [("postgresql", case) for case in on_both]
    large = [pytest.param("postgresql", case, marks=pytest.mark.ci) for case in cases if case not in on_both]
    return pytest.mark.parametrize(("database", "case"), [*small, *large], indirect=["database"])


sqlite_first = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.ci)], indirect=True
)
"""For a test that waits for seconds while a carrier does something: on PostgreSQL it is of `make ci`."""


_QUICK: dict[str, Any] = {"reconnect_min_s": 0.05, "reconnect_max_s": 0.1}


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A simulator on free ports, without HTTP; its delays take a hundredth of their time."""
    chosen = {"smpp_port": 0, "http_port": None, "seed": 1, "time_scale": 0.01} | settings
    async with running(SandboxSettings(**chosen)) as simulator:
        yield simulator


@asynccontextmanager
async def installation(
    folder: Path, simulator: Simulator, *, chance: Chance | None = None, is_started: bool = True, **settings: Any
) -> AsyncIterator[Rig]:
    """The application over what `folder` holds (a file, or the URL of a database), started, or with its store open and
    no more; it is stopped at the end of the block."""
    base = Settings(roles=("worker",), webhooks=Webhooks(allow_networks=("127.0.0.0/8",), allow_http=True))
    chosen = msgspec.structs.replace(base, server=msgspec.structs.replace(base.server, data=str(folder)), **settings)
    clock = ShiftedClock()
    if (folder / POSTGRES).exists():
        chosen = msgspec.structs.replace(chosen, database=(folder / POSTGRES).read_text())
    else:
        with_schema(chosen.database_path())
    app = App(chosen, KEY, clock=clock, chance=chance)
    await (app.start() if is_started else app.open())
    try:
        yield Rig(app, simulator, clock)
    finally:
        await app.stop()


@asynccontextmanager
async def rig(
    folder: Path, *, sandbox: dict[str, Any] | None = None, chance: Chance | None = None, **settings: Any
) -> AsyncIterator[Rig]:
    """A running installation in `folder` and a simulator of its own."""
    async with (
        simulated(**(sandbox or {})) as simulator,
        installation(folder, simulator, chance=chance, **settings) as made,
    ):
        yield made
