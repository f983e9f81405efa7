"""Many customers that bind and then do nothing but enquire_link. A process of its own: `python -m bench.idle_customers`
reads a plan as a line of JSON, opens every bind at once, prints a result as JSON, and holds the binds. Each further
line on its standard input breaks them all and opens them again at once; its end is the end.

Customers come from a few addresses of loopback: a server lets only so many unbound connections of one address be.
"""

import asyncio
import contextlib
import sys
import time
from typing import Any

import msgspec
import uvloop

from whimbrel.codec.smpp.events import BindRefused, Bound, Event, Role, Settings
from whimbrel.codec.smpp.pdu import Bind
from whimbrel.codec.smpp.tables import BIND_TRANSCEIVER
from whimbrel.net.smpp import LinkHandlers, SmppLink

_ADDRESSES = 10
_TRIES = 20
_RETRY_S = 0.5
_SETTINGS = Settings(enquire_link_ms=30_000, bind_timeout_ms=60_000)


class Login(msgspec.Struct, frozen=True):
    """What one customer binds with."""

    system_id: str
    password: str


class Plan(msgspec.Struct, frozen=True):
    """Who binds, where; each customer once."""

    host: str
    port: int
    logins: list[Login]
    limit_s: float = 60.0


class Result(msgspec.Struct, frozen=True):
    """How a storm went: binds that are up, connections that were refused or closed before, and the time until the last
    of them was up."""

    up: int
    again: int
    seconds: float
    p50_ms: float


class Customer:
    """One bind, opened again until it is up."""

    def __init__(self, place: int, login: Login) -> None:
        self._address = f"127.0.0.{2 + place % _ADDRESSES}"
        self._login = login
        self._turn: asyncio.Future[bool] | None = None
        self.link: SmppLink | None = None
        self.again = 0
        self.took_s = 0.0

    async def bind(self, plan: Plan) -> None:
        """Come back when it is bound, or after so many tries."""
        began = time.perf_counter()
        loop = asyncio.get_running_loop()
        for _ in range(_TRIES):
            self._turn = loop.create_future()
            with contextlib.suppress(OSError):
                await loop.create_connection(self._make, plan.host, plan.port, local_addr=(self._address, 0))
                assert self.link is not None
                self.link.bind(BIND_TRANSCEIVER, Bind(self._login.system_id, self._login.password))
                if await self._turn:
                    self.took_s = time.perf_counter() - began
                    return
            self.again += 1
            await asyncio.sleep(_RETRY_S)

    def drop(self) -> None:
        """As when a network goes away."""
        if self.link is not None:
            self.link.abort()

    def _make(self) -> SmppLink:
        handlers = LinkHandlers(self._on_events, self._on_closed)
        self.link = SmppLink(asyncio.get_running_loop(), Role.ESME, _SETTINGS, handlers)
        return self.link

    def _on_events(self, link: SmppLink, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Bound | BindRefused):
                self._settle(isinstance(event, Bound))

    def _on_closed(self, link: SmppLink, tokens: list[Any], reason: str) -> None:
        self._settle(False)

    def _settle(self, up: bool) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(up)


async def storm(plan: Plan, customers: list[Customer]) -> Result:
    """Everybody at once."""
    for customer in customers:
        customer.drop()
        customer.again = 0
    await asyncio.sleep(_RETRY_S)
    began = time.perf_counter()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(plan.limit_s):
            await asyncio.gather(*(customer.bind(plan) for customer in customers))
    up = [each for each in customers if each.link is not None and each.link.session.bind_command]
    took = sorted(each.took_s for each in up)
    again = sum(each.again for each in customers)
    return Result(len(up), again, time.perf_counter() - began, took[len(took) // 2] * 1000 if took else 0.0)


async def run(plan: Plan) -> None:
    """A storm for the start, and one for each line."""
    customers = [Customer(place, login) for place, login in enumerate(plan.logins)]
    loop = asyncio.get_running_loop()
    while True:
        sys.stdout.write(msgspec.json.encode(await storm(plan, customers)).decode() + "\n")
        sys.stdout.flush()
        if not await loop.run_in_executor(None, sys.stdin.readline):
            return


if __name__ == "__main__":
    uvloop.run(run(msgspec.json.decode(sys.stdin.readline(), type=Plan)))
