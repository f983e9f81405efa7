"""A listener of TLS that knows of its connections before their handshake: asyncio's own tells only of those whose
handshake is done, and until then any number of strangers may each hold a descriptor and 70 KiB.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Final

_log = logging.getLogger("whimbrel.net")
_NO_DESCRIPTOR_S: Final = 1.0  # as asyncio rests when there is none left
_BACKLOG: Final = 1024


class Handshake:
    """One connection, from when it was taken until it has an owner or has gone. Whoever knows first says `end`."""

    def __init__(self, address: str, began_s: float, ended: Callable[[str], None]) -> None:
        self.address = address
        self.began_s = began_s
        self._ended: Callable[[str], None] | None = ended

    def end(self) -> None:
        """It is over, one way or the other; a second time does nothing."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(self.address)


class Handshakes:
    """Takes the connections of a bound socket. `admits(address)` says whether one may begin; `ended(address)` is called
    once for each that did, at the latest when `factory`'s protocol ends it in its `connection_made`."""

    def __init__(
        self,
        listening: socket.socket,
        tls: ssl.SSLContext,
        factory: Callable[[Handshake], asyncio.Protocol],
        *,
        within_s: float,
        admits: Callable[[str], bool],
        ended: Callable[[str], None],
    ) -> None:
        self._listening = listening
        self._tls = tls
        self._factory = factory
        self._within_s = within_s
        self._admits = admits
        self._ended = ended
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen."""
        self._listening.setblocking(False)
        self._listening.listen(_BACKLOG)
        self._keep(asyncio.get_running_loop().create_task(self._take()))

    def close(self) -> None:
        """Take no more, and cut those whose handshake is not done. The socket is its owner's to close."""
        for task in self._tasks:
            task.cancel()

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(self._listening)
            except OSError as error:
                _log.warning("a connection could not be taken", exc_info=error)
                await asyncio.sleep(_NO_DESCRIPTOR_S)
                continue
            address = str(peer[0])
            if self._admits(address):
                handshake = Handshake(address, loop.time(), self._ended)
                self._keep(loop.create_task(self._shake(connection, handshake)))
            else:
                connection.close()

    async def _shake(self, connection: socket.socket, handshake: Handshake) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                partial(self._factory, handshake), connection, ssl=self._tls, ssl_handshake_timeout=self._within_s
            )
        except OSError:  # no TLS, no certificate, too slow, or gone: strangers do that all day
            connection.close()
        finally:
            handshake.end()

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
