"""TLS for a listener that wants to know of its connections before their handshake: asyncio's own tells only of those
whose handshake is done, and until then any number of strangers may each hold a descriptor and 70 KiB.

So connections are taken without TLS, looked at, and begin TLS then. What a peer sends between the end of its handshake
and the turn in which its owner is made waits here.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from whimbrel.net.smpp import peer_name


class Handshakes:
    """Connections of one listener until their handshake is done. `admits(peer)` says whether one may begin; for each
    that did, `ended(peer)` is called once, in the turn in which `factory(spent_s)` makes its owner, if it comes so far:
    `spent_s` is how long the handshake took. A peer is `address:port`."""

    def __init__(
        self,
        tls: ssl.SSLContext,
        factory: Callable[[float], asyncio.Protocol],
        *,
        within_s: float,
        admits: Callable[[str], bool],
        ended: Callable[[str], None],
    ) -> None:
        self._tls = tls
        self._factory = factory
        self._within_s = within_s
        self._admits = admits
        self._ended = ended
        self._tasks: set[asyncio.Task[None]] = set()

    def connection(self) -> asyncio.Protocol:
        """For `create_server`."""
        return _Newcomer(self)

    def stop(self) -> None:
        """Cut those whose handshake is not done."""
        for task in self._tasks:
            task.cancel()

    def begin(self, transport: asyncio.Transport) -> None:
        """A connection is there."""
        peer = peer_name(transport)
        if not self._admits(peer):
            transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._shake(transport, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shake(self, transport: asyncio.Transport, peer: str) -> None:
        loop, guest = asyncio.get_running_loop(), _Guest()
        began = loop.time()
        secured: asyncio.Transport | None = None
        try:
            secured = await loop.start_tls(
                transport, guest, self._tls, server_side=True, ssl_handshake_timeout=self._within_s
            )
        except OSError:
            transport.abort()
        finally:
            self._ended(peer)
        if secured is not None:  # None: it has gone in the middle
            guest.welcome(secured, self._factory(loop.time() - began))


class _Newcomer(asyncio.Protocol):
    """A connection without TLS that has sent nothing yet."""

    def __init__(self, handshakes: Handshakes) -> None:
        self._handshakes = handshakes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._handshakes.begin(cast(asyncio.Transport, transport))


class _Guest(asyncio.Protocol):
    """A connection with TLS: keeps what happens until it has an owner, and passes it on from then."""

    def __init__(self) -> None:
        self._owner: asyncio.Protocol | None = None
        self._before: list[tuple[str, tuple[Any, ...]]] = []

    def welcome(self, transport: asyncio.Transport, owner: asyncio.Protocol) -> None:
        self._owner = owner
        owner.connection_made(transport)
        for what, values in self._before:
            if what == "connection_lost" or not transport.is_closing():
                getattr(owner, what)(*values)
        self._before.clear()

    def data_received(self, data: bytes) -> None:
        if self._owner is not None:
            self._owner.data_received(data)
        else:
            self._before.append(("data_received", (data,)))

    def eof_received(self) -> None:
        self._pass("eof_received")

    def connection_lost(self, exc: Exception | None) -> None:
        self._pass("connection_lost", exc)

    def pause_writing(self) -> None:
        self._pass("pause_writing")

    def resume_writing(self) -> None:
        self._pass("resume_writing")

    def _pass(self, what: str, *values: Any) -> None:
        if self._owner is not None:
            getattr(self._owner, what)(*values)
        else:
            self._before.append((what, values))
