"""One connection of an SMPP carrier: connects, binds, and comes back after every loss, later each time, with jitter, so
that a hundred binds do not storm a carrier that has just come up (trap T43).

A carrier of several hosts: each connection has one that is its own, tries the others in turn when that one fails, and
goes back to its own when it is lost, or at a quiet moment once its own takes connections again. Where the carrier calls
us (outbind), a connection that receives waits to be handed one, and binds on it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base.clock import Chance, Clock
from whimbrel.carriers.interface import BindHealth, Part, Reply
from whimbrel.carriers.outbox import kept_of
from whimbrel.carriers.smpp_dial import (
    COMMANDS,
    BindRole,
    addresses,
    bind_body,
    dial,
    session_settings,
    version_name,
    why_lost,
)
from whimbrel.carriers.smpp_submit import Submits
from whimbrel.codec.smpp.events import BindRefused, Bound, Event, PeerUnbound, Role, State
from whimbrel.codec.smpp.tables import Status
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.net.dial import DialError
from whimbrel.net.smpp import LinkHandlers, SmppLink, connect

_log = logging.getLogger("whimbrel.carrier")
_STUBBORN = frozenset(
    {Status.ESME_RINVPASWD, Status.ESME_RINVSYSID, Status.ESME_RBINDFAIL, Status.ESME_RALYBND, Status.ESME_RINVSYSTYP}
)  # trying again soon helps nothing and may lock the account
_OF_THE_BIND = frozenset({Bound, BindRefused, PeerUnbound})
_DOUBLINGS_MAX: Final = 20
GO_HOME_S: Final = 300.0
"""How long a bind stays with a host that is not its own before it looks whether its own is back."""


class BindHandlers(msgspec.Struct, frozen=True):
    """Where a bind reports to its carrier. `opened` is told of each connection before it binds."""

    up: Callable[["SmppBind"], None]
    events: Callable[["SmppBind", Sequence[Event]], None]
    down: Callable[["SmppBind", Sequence[Any], str], None]
    writable: Callable[[], None]
    opened: Callable[[SmppLink], None]


class SmppBind:
    """Keeps one session up until it is stopped."""

    go_home_s = GO_HOME_S

    def __init__(
        self,
        name: str,
        settings: CarrierSettings,
        password: str,
        handlers: BindHandlers,
        *,
        submits: Submits,
        clock: Clock,
        chance: Chance,
        role: BindRole = "transceiver",
        home: int = 0,
    ) -> None:
        """`home` is the place of its own host among the carrier's, which begin anew after the last."""
        self.name = name
        self.role: BindRole = role
        self.is_up = False
        self.kept = kept_of(settings.window)
        self.last_error: str | None = None
        self.serial = 0  # counts connections: names a session in what came over it
        self.link: SmppLink | None = None
        self._settings = settings
        self._password = password
        self._handlers = handlers
        self._submits = submits
        self._clock = clock
        self._chance = chance
        self._addresses = addresses(settings)
        self._home = home % len(self._addresses)
        self._place = self._home
        self._called = settings.outbind and role != "transmitter"
        self._offer: asyncio.Future[SmppLink] | None = None
        self._closed = asyncio.Event()
        self._refused_with: int | None = None
        self._bound_s: float | None = None  # when the last session was bound, on the loop's clock
        self._task: asyncio.Task[None] | None = None
        self._run = chance.octets(4).hex()
        self._since = clock.now_us()

    def start(self) -> None:
        """Connect, and keep connecting."""
        self._task = asyncio.get_running_loop().create_task(self._keep_up())

    @property
    def sends(self) -> bool:
        """Whether messages may leave over it."""
        return self.role != "receiver"

    @property
    def session_name(self) -> str:
        """Which connection this is, for the recognition of redeliveries: connections of other runs count too, since a
        restart is when a carrier sends again what was stored and not acknowledged."""
        return f"{self.name}/{self._run}/{self.serial}"

    @property
    def room(self) -> int:
        """Free places of the window now."""
        return self.link.room if self.is_up and self.link is not None else 0

    @property
    def in_flight(self) -> int:
        """Requests that wait for their response."""
        return self.link.session.in_flight if self.link is not None else 0

    def write(self, parts: Sequence[Part], now_us: int) -> list[Reply]:
        """Submit these; answers to those that cannot be written."""
        assert self.link is not None
        return self._submits.write(self.link, self.name, parts, now_us)

    def health(self) -> BindHealth:
        """The bind as an operator wants to see it."""
        link = self.link
        host, port = self._addresses[self._place]
        return BindHealth(
            name=self.name,
            role=self.role,
            host=link.peer if self._called and link is not None else f"{host}:{port}",
            state="up" if self.is_up else "connecting" if link is not None else "waiting",
            last_error=None if self.is_up else self.last_error,
            since=self._since,
            peer_version=version_name(link.session.peer_version) if link is not None and self.is_up else None,
            in_flight=self.in_flight,
        )

    def adopt(self, link: SmppLink) -> bool:
        """Take over a connection that the carrier opened (outbind); False when none is waited for."""
        if self._offer is None or self._offer.done():
            return False
        link.turn(Role.ESME, session_settings(self._settings), self._link_handlers())
        self._offer.set_result(link)
        return True

    # Coming up, again and again.

    async def _keep_up(self) -> None:
        settings = self._settings
        failures = 0
        while True:
            was_up_s = await self._session()
            self._since = self._clock.now_us()
            if was_up_s >= settings.reconnect_max_s:
                failures = 0
            wait_s = backoff_s(settings, failures // len(self._addresses), self._refused_with)
            failures += 1
            self._place = self._home if was_up_s else (self._place + 1) % len(self._addresses)
            if not self._called:  # otherwise the carrier says when
                await asyncio.sleep(wait_s * self._chance.uniform(0.5, 1.0))

    async def _session(self) -> float:
        """One connection from its opening to its end; for how many seconds it was bound."""
        loop = asyncio.get_running_loop()
        self._closed.clear()
        self._refused_with = None
        self._bound_s = None
        self.serial += 1
        try:
            link = await self._open()
        except DialError as error:
            self.last_error = f"connect: {error}"
            return 0.0
        if link.transport is None:  # lost again before we had our turn
            self.last_error = "connect: closed at once"
            return 0.0
        self.link = link
        link.name = self.session_name
        self._handlers.opened(link)
        link.bind(COMMANDS[self.role], bind_body(self._settings, self._password))
        await self._ended()
        return 0.0 if self._bound_s is None else max(loop.time() - self._bound_s, 1e-3)

    async def _open(self) -> SmppLink:
        loop = asyncio.get_running_loop()
        if self._called:
            self._offer = loop.create_future()
            return await self._offer
        return await connect(
            loop,
            dial(self._settings, self._addresses[self._place]),
            within_s=self._settings.bind_timeout_s,
            settings=session_settings(self._settings),
            handlers=self._link_handlers(),
        )

    def _link_handlers(self) -> LinkHandlers:
        return LinkHandlers(self._on_events, self._on_closed, lambda _: self._handlers.writable())

    # Going home.

    async def _ended(self) -> None:
        """Wait for the end of the session; away from home, bring it about once home is back."""
        while self._place != self._home and not self._called:
            if await self._is_over(self.go_home_s):
                return
            if self.is_up and await self._home_is_back():
                await self._leave()
                return
        await self._closed.wait()

    async def _is_over(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True

    async def _home_is_back(self) -> bool:
        home = dial(self._settings, self._addresses[self._home])
        try:
            await home.look(asyncio.get_running_loop(), self._settings.bind_timeout_s)
        except DialError:
            return False
        return True

    async def _leave(self) -> None:
        """Send nothing more, wait for the answers under way, unbind."""
        self.is_up = False
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.response_timeout_s
        while self.in_flight and loop.time() < deadline:
            if await self._is_over(0.05):
                return
        _log.info("going back to its own host", extra={"bind": self.name})
        if self.link is not None and self.link.session.state is State.BOUND:
            self.link.unbind()
        await self._closed.wait()

    # What the link tells.

    def _on_events(self, link: SmppLink, events: list[Event]) -> None:
        if not _OF_THE_BIND.isdisjoint(map(type, events)):
            self._follow(link, events)
        self._handlers.events(self, events)
        session = link.session
        if session.state is State.UNBOUND and not session.in_flight and not session.owed:
            link.close("unbound by the carrier")  # all is answered; many wait for us to close

    def _follow(self, link: SmppLink, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Bound):
                self.is_up = True
                self._bound_s = asyncio.get_running_loop().time()
                self._since = self._clock.now_us()
                self.last_error = None
                _log.info("bound", extra={"bind": self.name, "peer": link.peer, "role": self.role})
                self._handlers.up(self)
            elif isinstance(event, BindRefused):
                self._refused_with = event.pdu.status
                self.last_error = f"bind refused: 0x{event.pdu.status:08x}"
                _log.warning("bind refused", extra={"bind": self.name, "status": event.pdu.status})
                link.close("bind refused")
            elif isinstance(event, PeerUnbound):
                self.is_up = False  # answers to what is in flight may still come

    def _on_closed(self, link: SmppLink, tokens: list[Any], reason: str) -> None:
        if link is not self.link:
            return  # one that was given up before it could bind: it carried nothing
        self.is_up = False
        self.link = None
        reason = why_lost(self._settings, reason, bound=self._bound_s is not None)
        if self._refused_with is None:
            self.last_error = reason
        _log.info("link closed", extra={"bind": self.name, "reason": reason, "in_flight": len(tokens)})
        self._handlers.down(self, tokens, reason)
        self._closed.set()

    async def stop(self, grace_s: float) -> None:
        """Unbind and stay down; when this comes back, everything in flight has been told."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.link is not None and self.link.session.state is State.BOUND:
            self.link.unbind()
            await self._is_over(grace_s)
        if self.link is not None:
            self.link.abort("stopped")
            await self._is_over(grace_s)


def backoff_s(settings: CarrierSettings, rounds: int, refused_with: int | None = None) -> float:
    """How long to wait at most before the next try, when all hosts have failed `rounds` times: doubled each time; the
    longest at once where trying again soon may do harm."""
    if refused_with in _STUBBORN:
        return settings.reconnect_max_s
    return min(settings.reconnect_min_s * 2.0 ** min(rounds, _DOUBLINGS_MAX), settings.reconnect_max_s)
