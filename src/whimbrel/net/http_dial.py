"""Opening connections: the name is resolved and vetted (`net/names.py`), and the connection is made to an address that
was vetted, one after the other until one connects. TLS is spoken with the URL's host, whatever its address: its name
goes out as SNI, and the certificate has to be of it.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from whimbrel.base.limits import WEBHOOK_CONNECT_TIMEOUT_S
from whimbrel.net.deadlines import Deadlines
from whimbrel.net.http_answer import NoAnswerError, Reason
from whimbrel.net.http_connection import Connection, Origin
from whimbrel.net.names import Names

_TLS_GOODBYE_S: Final = 1.0  # how long a closed connection waits for the peer's close_notify
_PROTOCOLS: Final = ["http/1.1"]
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


Tls = ssl.SSLContext | Callable[[], ssl.SSLContext]
"""A context, or what makes one for each connection, so that a renewed certificate counts from the next one on."""


class Dialer:
    """Opens connections. `connect_timeout_s` is for each address, TLS included."""

    def __init__(self, names: Names, tls: Tls | None, *, connect_timeout_s: float = WEBHOOK_CONNECT_TIMEOUT_S) -> None:
        self._names = names
        self._tls = tls or _system_tls()
        self._deadlines = Deadlines()
        self._connect_timeout_s = connect_timeout_s

    async def open(self, origin: Origin, on_lost: Callable[[Connection], None]) -> Connection:
        """A new connection. NoAnswerError: why there is none, of the last address that was tried."""
        trouble: NoAnswerError | None = None
        for address in await self._names.addresses(origin.host, origin.port):
            try:
                with self._deadlines.within(self._connect_timeout_s):
                    return await self._connect(address, origin, on_lost)
            except (OSError, ValueError) as error:
                trouble = NoAnswerError(_reason(error), str(error) or type(error).__name__)
        assert trouble is not None, "a name has at least one address"
        raise trouble

    def _context(self) -> ssl.SSLContext:
        if isinstance(self._tls, ssl.SSLContext):
            return self._tls
        context = self._tls()
        context.set_alpn_protocols(_PROTOCOLS)
        return context

    async def _connect(self, address: str, origin: Origin, on_lost: Callable[[Connection], None]) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(loop, origin, on_lost),
            address,
            origin.port,
            family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            flags=_NUMERIC,  # nothing is looked up a second time
            ssl=self._context() if origin.is_tls else None,
            server_hostname=origin.host.rstrip(".") if origin.is_tls else None,
            ssl_shutdown_timeout=_TLS_GOODBYE_S if origin.is_tls else None,
        )
        return connection


@lru_cache(maxsize=1)  # the machine's certificates take 20 ms to read
def _system_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(_PROTOCOLS)
    return context


def _reason(error: OSError | ValueError) -> Reason:
    if isinstance(error, TimeoutError):
        return "connect_timeout"
    # ValueError: a host that cannot be the name in a certificate
    return "tls_failed" if isinstance(error, ssl.SSLError | ValueError) else "connect_failed"
