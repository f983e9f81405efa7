"""The listener for mail servers: takes its port at once, lets in who may, holds so many connections, and stops when the
mails that are under way are answered.
"""

import asyncio
import logging
import ssl
from typing import Any, Final, cast

from aiosmtpd.smtp import SMTP

from whimbrel.base.limits import MAILBOX_CONNECTIONS_MAX, MAILBOX_MAIL_MAX, MAILBOX_TIMEOUT_S
from whimbrel.edges.mail.door import Door
from whimbrel.edges.shared.server import claim

_log = logging.getLogger("whimbrel.mail")
_LIBRARY: Final = "mail.log"  # logs each command, with addresses
_IDENT: Final = "ESMTP Whimbrel"
_BEYOND: Final = 4
_NO_AUTH: Final = ("LOGIN", "PLAIN")
_STRANGER: Final = b"554 5.7.1 This server takes mail of its own relays only\r\n"
_FULL: Final = b"421 4.3.2 Too many connections; try again\r\n"
_STOPPING: Final = b"421 4.3.2 Closing; try again\r\n"


class MailServer:
    """The server for `app.py`; OSError when its port is taken."""

    def __init__(
        self,
        door: Door,
        *,
        domain: str,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        tls_required: bool = False,
        size_max: int = MAILBOX_MAIL_MAX,
        connections_max: int = MAILBOX_CONNECTIONS_MAX,
        shared: bool = False,
    ) -> None:
        self._socket = claim(host, port, shared=shared)
        self._door = door
        self._connections_max = connections_max
        self._settings: dict[str, Any] = {
            "data_size_limit": size_max,
            "hostname": domain,
            "ident": _IDENT,
            "tls_context": tls,
            "require_starttls": tls_required,
            "timeout": MAILBOX_TIMEOUT_S,
            "auth_exclude_mechanism": _NO_AUTH,
        }
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._quiet = asyncio.Event()
        self._is_stopping = False

    @property
    def port(self) -> int:
        """The port that it has."""
        return int(self._socket.getsockname()[1])

    async def start(self) -> None:
        """Listen."""
        logging.getLogger(_LIBRARY).setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, loop), sock=self._socket)

    async def stop(self, deadline_s: float) -> None:
        """Take no more mail; what is under way is answered within `deadline_s`, then cut."""
        self._is_stopping = True
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close_when_idle()
        if self._connections:
            try:
                async with asyncio.timeout(deadline_s):
                    await self._quiet.wait()
            except TimeoutError:
                _log.warning("mail servers were cut off", extra={"connections": len(self._connections)})
        for connection in list(self._connections):
            connection.abort()
        self._socket.close()

    def made(self, connection: "_Connection", transport: asyncio.Transport) -> bytes:
        """Whether a connection may stay: empty, or what it is told."""
        peer = transport.get_extra_info("peername")
        if self._is_stopping:
            return _STOPPING
        if not self._door.admits(str(peer[0]) if isinstance(peer, tuple) else ""):
            return _STRANGER
        if len(self._connections) >= self._connections_max:
            return _FULL
        self._connections.add(connection)
        return b""

    def lost(self, connection: "_Connection") -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        if self._is_stopping and not self._connections:
            self._quiet.set()

    @property
    def is_stopping(self) -> bool:
        """Whether no more mail is taken."""
        return self._is_stopping

    @property
    def door(self) -> Door:
        """What decides."""
        return self._door

    @property
    def settings(self) -> dict[str, Any]:
        """What each connection is made with."""
        return self._settings


class _Connection(SMTP):
    """A connection that the server knows of."""

    def __init__(self, server: MailServer, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = server
        self._is_turned_away = False
        self._is_taking = False
        self._first: asyncio.Transport | None = None
        self._octets, self._octets_max = 0, _BEYOND * int(server.settings["data_size_limit"])
        super().__init__(server.door, loop=loop, **server.settings)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless it may not. After STARTTLS it is made again, over TLS."""
        if self._first is None:
            self._first = cast(asyncio.Transport, transport)
            told = self._owner.made(self, self._first)
            if told:
                self._is_turned_away = True
                self._first.write(told)
                transport.close()
                return
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """What a stranger says is not heard. The library keeps a line that never ends whole, so a mail that is far
        beyond its size is cut off; one that is a little beyond gets its answer."""
        self._octets += len(data)
        if self._is_taking and self._octets > self._octets_max:
            self.abort()
        elif not self._is_turned_away:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        """Nor its end."""
        return None if self._is_turned_away else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        if not self._is_turned_away:
            self._owner.lost(self)
            super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:
        """While a mail is under way its connection stays."""
        self._is_taking, self._octets = True, 0
        try:
            await super().smtp_DATA(arg)
        finally:
            self._is_taking = False
            if self._owner.is_stopping:
                self.close_when_idle()

    def close_when_idle(self) -> None:
        """Close, unless a mail is under way."""
        if not self._is_taking and self.transport is not None:
            cast(asyncio.Transport, self.transport).write(_STOPPING)
            self.transport.close()

    def abort(self) -> None:
        """Cut it off."""
        if self._first is not None:
            self._first.abort()
