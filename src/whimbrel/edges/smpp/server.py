"""The listener for customers' binds, plain and over TLS, and the limits on those who have not bound yet.

A connection costs a customer nothing and us a place, so there are so many in all, so many from one address before they
bind, and each has some seconds for its bind. Whoever sends octets that are no SMPP (a browser, a scanner) is cut at the
fourth octet and told of in one line of the log for each address.
"""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from whimbrel.base import limits
from whimbrel.codec.smpp.events import Role, Settings
from whimbrel.domain.model import SmppCredential
from whimbrel.edges.shared.server import claim
from whimbrel.edges.shared.services import Services
from whimbrel.edges.smpp.customers import Customer
from whimbrel.edges.smpp.gate import Gate
from whimbrel.edges.smpp.query import Queries
from whimbrel.edges.smpp.registry import Registry
from whimbrel.edges.smpp.seats import Seats
from whimbrel.edges.smpp.session import CustomerSession, OutbindTaker, Serving, Works
from whimbrel.edges.smpp.submit import Answers, Submits
from whimbrel.net.handshakes import Handshake, Handshakes
from whimbrel.net.smpp import LinkHandlers, SmppLink, listen

_log = logging.getLogger("whimbrel.smpp")
_ADDRESSES_MAX: Final = 4096
"""Addresses that a line of the log has told of; beyond it the oldest may be told of again."""


class OtherCells(Protocol):
    """The other cells, as far as customers of theirs bind here."""

    @property
    def smpp_credentials(self) -> Mapping[str, SmppCredential]:
        """Those of all cells, by system_id."""
        ...

    def serving(self, account_id: str, own: Serving) -> Serving | None:
        """What serves an account; `own` is that of this node's cell."""
        ...

    def registries(self) -> Iterable[Registry]:
        """Their customers that are bound here."""
        ...

    def on_customers(self, changed: Callable[[], None]) -> None:
        """Call when their credentials or accounts have changed."""
        ...


def serving(services: Services, registry: Registry, seats: Seats) -> Serving:
    """What serves the customers of the services' cell."""
    answers = Answers(services.metrics)
    return Serving(
        registry=registry,
        seats=seats,
        submits=Submits(accept=services.accept, clock=services.clock, ids=services.ids, answers=answers),
        queries=Queries(
            store=services.store,
            cancel=services.cancel,
            clock=services.clock,
            vault=services.vault,
            answers=answers,
        ),
    )


class SmppServer:
    """The server for `app.py`: takes its ports at once (`port` for binds without TLS, None for none; `tls_port` where
    there is a certificate; OSError when one is taken), starts, holds the sessions, stops within a deadline."""

    def __init__(
        self,
        services: Services,
        gate: Gate,
        registry: Registry,
        seats: Seats,
        *,
        cells: OtherCells | None = None,
        host: str,
        port: int | None,
        tls: ssl.SSLContext | None = None,
        tls_port: int = 0,
        connections_max: int = limits.SMPP_CONNECTIONS_MAX,
        bind_deadline_s: float = limits.SMPP_BIND_DEADLINE_S,
        outbind: OutbindTaker | None = None,
        shared: bool = False,
    ) -> None:
        self._shared = shared
        self._claimed: list[tuple[socket.socket, ssl.SSLContext | None]] = []
        self._claim(host, port, tls, tls_port)
        self._connections_max = connections_max
        self._bind_deadline_s = bind_deadline_s
        self.settings = Settings(bind_timeout_ms=int(bind_deadline_s * 1000), max_pdu_octets=limits.SMPP_PDU_MAX)
        self._metrics = services.metrics
        self._tables = services.tables
        self._registry = registry
        self._seats = seats
        self._cells = cells
        self._told = _Told()
        own = serving(services, registry, seats)
        self._customers: dict[str, Customer] = {}
        self.works = Works(
            gate=gate,
            serving=lambda account_id: own if cells is None else cells.serving(account_id, own),
            bound=self._bound,
            answers=Answers(services.metrics),
            customers=self._customers,
            recorders=services.recorders,
            told=self._told.first,
            admitted=self._admitted,
            outbind=outbind,
        )
        self._listeners: list[asyncio.Server | Handshakes] = []
        self._sessions: set[CustomerSession] = set()
        self._shaking = 0
        self._strangers: Counter[str] = Counter()  # by address: connections that have not bound, handshakes too
        self._all_gone = asyncio.Event()
        self._is_stopping = False

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it has, that of TLS last."""
        return tuple(int(claimed.getsockname()[1]) for claimed, _ in self._claimed)

    async def start(self) -> None:
        """Listen."""
        await self._seats.start()
        loop = asyncio.get_running_loop()
        for claimed, tls in self._claimed:
            if tls is None:
                self._listeners.append(await listen(loop, claimed, 0, self._connection))
            else:
                self._listeners.append(self._with_tls(claimed, tls))
        self._tables.subscribe("smpp_credentials", self._follow)
        self._tables.subscribe("accounts", self._follow)
        if self._cells is not None:
            self._cells.on_customers(self._follow)

    async def stop(self, deadline_s: float) -> None:
        """Take no more connections and no more requests, answer what is under way, unbind everybody within
        `deadline_s`, then cut."""
        self._is_stopping = True
        for listener in self._listeners:
            listener.close()
        for session in list(self._sessions):
            session.close("stopping")
        self._all_gone.clear()
        if self._sessions:
            try:
                async with asyncio.timeout(deadline_s):
                    await self._all_gone.wait()
            except TimeoutError:
                _log.warning("customers did not answer unbind", extra={"binds": len(self._sessions)})
        for session in list(self._sessions):
            session.link.abort("stopped")
        await self._seats.stop()
        self.release()

    def release(self) -> None:
        """Give the ports back, also when it never listened."""
        for claimed, _ in self._claimed:
            claimed.close()

    def _claim(self, host: str, port: int | None, tls: ssl.SSLContext | None, tls_port: int) -> None:
        try:
            if port is not None:
                self._claimed.append((claim(host, port, shared=self._shared), None))
            if tls is not None:
                self._claimed.append((claim(host, tls_port, shared=self._shared), tls))
        except OSError:
            self.release()
            raise

    def _follow(self) -> None:
        for session in list(self._sessions):
            session.follow()
        found = self._tables.smpp_credentials if self._cells is None else self._cells.smpp_credentials
        known = {credential.id for credential in found.values()}
        for gone in [each for each in self._customers if each not in known]:
            del self._customers[gone]

    def _registries(self) -> list[Registry]:
        return [self._registry, *(() if self._cells is None else self._cells.registries())]

    def _bound(self, credential_id: str) -> int:
        return sum(len(registry.bound(credential_id)) for registry in self._registries())

    def _tell_binds(self) -> None:
        self._metrics.smpp_binds.set(sum(registry.count for registry in self._registries()))

    # Connections.

    def _connection(self, handshake: Handshake | None = None) -> SmppLink:
        return _Link(asyncio.get_running_loop(), self, handshake)

    def _with_tls(self, claimed: socket.socket, tls: ssl.SSLContext) -> Handshakes:
        made = Handshakes(
            claimed,
            tls,
            self._connection,
            within_s=self._bind_deadline_s,
            admits=self._may_begin,
            ended=self._has_ended,
        )
        made.start()
        return made

    def _may_begin(self, address: str) -> bool:
        if not self._has_room(address):
            return False
        self._shaking += 1
        self._strangers[address] += 1
        return True

    def _has_ended(self, address: str) -> None:
        self._shaking -= 1
        self._forget(address)

    def opened(self, session: CustomerSession) -> bool:
        """Whether a connection may stay."""
        address = session.address
        if not self._has_room(address):
            return False
        self._sessions.add(session)
        self._strangers[address] += 1
        return True

    def _has_room(self, address: str) -> bool:
        reason = ""
        if self._is_stopping or len(self._sessions) + self._shaking >= self._connections_max:
            reason = "too many connections"
        elif self._strangers[address] >= limits.SMPP_UNBOUND_PER_ADDRESS:
            reason = "too many connections without a bind from one address"
        if reason and self._told.first(address, reason):
            _log.warning("a connection was cut: %s", reason, extra={"address": address})
        return not reason

    def closed(self, session: CustomerSession) -> None:
        """A connection is gone."""
        if session not in self._sessions:
            return
        self._sessions.discard(session)
        if session.is_bound:
            self._tell_binds()
        else:
            self._forget(session.address)
        if not self._sessions:
            self._all_gone.set()

    def _admitted(self, session: CustomerSession) -> None:
        self._tell_binds()
        self._forget(session.address)

    def _forget(self, address: str) -> None:
        self._strangers[address] -= 1
        if self._strangers[address] <= 0:
            del self._strangers[address]


class _Link(SmppLink):
    """A connection that the server is told of as soon as it is there."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: SmppServer, handshake: Handshake | None) -> None:
        self._server = server
        self._owner = CustomerSession(server.works, self)
        owner = self._owner
        handlers = LinkHandlers(owner.on_events, self._on_closed, owner.on_writable)
        super().__init__(loop, Role.SMSC, server.settings, handlers)
        self._handshake = handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many. What the handshake took is part of the time to bind."""
        if self._handshake is not None:
            self._handshake.end()
            spent_ms = int((self._loop.time() - self._handshake.began_s) * 1000)
            left_ms = max(1, self._settings.bind_timeout_ms - spent_ms)
            self._settings = msgspec.structs.replace(self._settings, bind_timeout_ms=left_ms)
        super().connection_made(transport)
        if not self._server.opened(self._owner):
            self.abort("too many connections")

    def pause_writing(self) -> None:
        """A peer that does not read its answers is not read from either, until it does."""
        super().pause_writing()
        self.pause_reading()

    def _on_closed(self, link: SmppLink, tokens: list[Any], reason: str) -> None:
        self._owner.on_closed(link, tokens, reason)
        self._server.closed(self._owner)


class _Told:
    """Whether something has been told of an address already."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], None] = {}

    def first(self, address: str, what: str) -> bool:
        if (address, what) in self._known:
            return False
        if len(self._known) >= _ADDRESSES_MAX:
            del self._known[next(iter(self._known))]
        self._known[address, what] = None
        return True
