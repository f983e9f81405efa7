"""One try to reach a peer, step by step: its name, its port, TLS. Apart from `loop.create_connection`, which does the
same in one go, because an operator wants to know how far a try came and how long each step took, above all when it
ended in a timeout.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

from whimbrel.net.tls import in_words

P = TypeVar("P", bound=asyncio.Protocol)
Stage = Literal["dns", "tcp", "tls", "open"]
Address = tuple[int, str, Any]
"""Family, how it is written, what the socket takes."""
_OVERDUE: Final = {
    "dns": "timed out: its name was not resolved",
    "tcp": "timed out: nobody answers",
    "tls": "timed out: TLS: no handshake",
    "open": "timed out",
}


class DialError(OSError):
    """A try that failed; the message says at what, in words."""


class Dial:
    """One try. `stage` is how far it came, `took_ms` what each step has taken, `at` the address; all of it holds after
    a failure and a cancellation too."""

    def __init__(
        self, host: str, port: int, *, tls: Callable[[], ssl.SSLContext] | None = None, server_name: str = ""
    ) -> None:
        """`tls` makes the context, when its turn comes. `server_name` is what TLS asks for and verifies, the host
        unless it is given."""
        self.host = host
        self.port = port
        self.stage: Stage = "dns"
        self.took_ms: dict[str, float] = {}
        self.at = ""
        self._tls = tls
        self._server_name = server_name or host

    async def run(self, loop: asyncio.AbstractEventLoop, factory: Callable[[], P], within_s: float) -> P:
        """Connect; the protocol with its open transport. DialError, also when it takes longer than `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                return await self._run(loop, factory)
        except TimeoutError:
            raise DialError(_OVERDUE[self.stage]) from None
        except DialError:
            raise
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be written in DNS
            raise DialError(in_words(error)) from error

    async def look(self, loop: asyncio.AbstractEventLoop, within_s: float) -> None:
        """Connect and close at once: whether it can be reached. DialError when it cannot."""
        (await self.run(loop, _Look, within_s)).close()

    async def _run(self, loop: asyncio.AbstractEventLoop, factory: Callable[[], P]) -> P:
        context = self._tls() if self._tls is not None else None
        began = loop.time()
        found = await self._resolve(loop)
        began = self._took("dns", loop.time(), began)
        self.stage = "tcp"
        connected = await self._connect(loop, found)
        began = self._took("tcp", loop.time(), began)
        self.stage = "tls" if context is not None else "open"
        name = self._server_name if context is not None else None
        try:
            _, protocol = await loop.create_connection(factory, sock=connected, ssl=context, server_hostname=name)
        except BaseException as error:
            connected.close()
            if context is not None and isinstance(error, ConnectionError):
                raise DialError("TLS: the peer closed the connection during the handshake") from error
            raise
        if context is not None:
            self._took("tls", loop.time(), began)
        self.stage = "open"
        return protocol

    async def _resolve(self, loop: asyncio.AbstractEventLoop) -> list[Address]:
        found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return [(int(family), str(address[0]), address) for family, _, _, _, address in found]

    async def _connect(self, loop: asyncio.AbstractEventLoop, found: list[Address]) -> socket.socket:
        """To the first address that takes us."""
        refused = "its name has no address"
        for family, written, address in found:
            self.at = f"[{written}]:{self.port}" if ":" in written else f"{written}:{self.port}"
            connecting = socket.socket(family, socket.SOCK_STREAM)
            connecting.setblocking(False)
            try:
                await loop.sock_connect(connecting, address)
            except OSError as error:
                connecting.close()
                refused = f"{self.at}: {error.strerror or error}"
            except BaseException:
                connecting.close()
                raise
            else:
                return connecting
        raise DialError(refused)

    def _took(self, step: str, now: float, began: float) -> float:
        self.took_ms[step] = round((now - began) * 1000, 3)
        return now


class _Look(asyncio.Protocol):
    """A connection that only shows that it can be made."""

    _transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
