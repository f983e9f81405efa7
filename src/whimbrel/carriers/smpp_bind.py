"""One bind of an SMPP carrier: connects, binds, and comes back after every loss, later each time, with jitter, so that
a hundred binds do not storm a carrier that has just come up (trap T43).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from whimbrel.base.clock import Chance
from whimbrel.codec.smpp.bodies import Bind as BindBody
from whimbrel.codec.smpp.events import BindRefused, Bound, Event, PeerUnbound, Settings, State
from whimbrel.codec.smpp.tables import BIND_TRANSCEIVER, Status
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.net.smpp import LinkHandlers, SmppLink, connect

_log = logging.getLogger("whimbrel.carrier")
_STUBBORN = frozenset(
    {Status.ESME_RINVPASWD, Status.ESME_RINVSYSID, Status.ESME_RBINDFAIL, Status.ESME_RALYBND, Status.ESME_RINVSYSTYP}
)  # trying again soon helps nothing and may lock the account
_OF_THE_BIND = frozenset({Bound, BindRefused, PeerUnbound})


class BindHandlers(msgspec.Struct, frozen=True):
    """Where a bind reports to its carrier."""

    up: Callable[["SmppBind"], None]
    events: Callable[["SmppBind", Sequence[Event]], None]
    down: Callable[["SmppBind", Sequence[Any], str], None]
    writable: Callable[[], None]


class SmppBind:
    """Keeps one session up until it is stopped."""

    def __init__(
        self, name: str, settings: CarrierSettings, password: str, handlers: BindHandlers, chance: Chance
    ) -> None:
        self.name = name
        self.is_up = False
        self.last_error: str | None = None
        self.serial = 0  # counts connections: names a session in what came over it
        self._settings = settings
        self._password = password
        self._handlers = handlers
        self._chance = chance
        self.link: SmppLink | None = None
        self._closed = asyncio.Event()
        self._refused_with: int | None = None
        self._was_up = False
        self._task: asyncio.Task[None] | None = None
        self._run = chance.octets(4).hex()

    def start(self) -> None:
        """Connect, and keep connecting."""
        self._task = asyncio.get_running_loop().create_task(self._keep_up())

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

    async def _keep_up(self) -> None:
        settings = self._settings
        wait_s = settings.reconnect_min_s
        while True:
            was_up = await self._session()
            if was_up:
                wait_s = settings.reconnect_min_s
            if self._refused_with in _STUBBORN:
                wait_s = settings.reconnect_max_s
            await asyncio.sleep(wait_s * self._chance.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, settings.reconnect_max_s)

    async def _session(self) -> bool:
        """One connection from its opening to its end; whether it was ever bound."""
        self._closed.clear()
        self._refused_with = None
        self._was_up = False
        self.serial += 1
        try:
            async with asyncio.timeout(self._settings.bind_timeout_s):
                link = await connect(
                    asyncio.get_running_loop(),
                    self._settings.host,
                    self._settings.port,
                    settings=_session_settings(self._settings),
                    handlers=LinkHandlers(self._on_events, self._on_closed, lambda _: self._handlers.writable()),
                )
        except (OSError, TimeoutError, ValueError) as error:  # ValueError: a host name that cannot be written in DNS
            self.last_error = f"connect: {error or 'timed out'}"
            return False
        if link.transport is None:  # lost again before we had our turn
            self.last_error = "connect: closed at once"
            return False
        self.link = link
        settings = self._settings
        link.bind(
            BIND_TRANSCEIVER,
            BindBody(system_id=settings.system_id, password=self._password, system_type=settings.system_type),
        )
        await self._closed.wait()
        return self._was_up

    def _on_events(self, link: SmppLink, events: list[Event]) -> None:
        if not _OF_THE_BIND.isdisjoint(map(type, events)):
            self._follow(link, events)
        self._handlers.events(self, events)

    def _follow(self, link: SmppLink, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Bound):
                self.is_up = self._was_up = True
                self.last_error = None
                _log.info("bound", extra={"bind": self.name, "peer": link.peer})
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
        self.last_error = self.last_error or reason
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
            await self._gone(grace_s)
        if self.link is not None:
            self.link.abort("stopped")
            await self._gone(grace_s)

    async def _gone(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._closed.wait()
        except TimeoutError:
            pass


def _session_settings(settings: CarrierSettings) -> Settings:
    return Settings(
        window=settings.window,
        response_timeout_ms=int(settings.response_timeout_s * 1000),
        enquire_link_ms=settings.enquire_link_s * 1000,
        bind_timeout_ms=int(settings.bind_timeout_s * 1000),
    )
