"""One `/metrics` for all processes of one machine, over Unix sockets: each tells its own to the supervisor, which adds
up, and whichever is asked by a scraper asks the supervisor.

Sums of counters must not fall, or every fall would look like a restart of all. So the supervisor remembers what each
process told last: that stands in for a process that does not answer, and stays in the sums when it has died. Nobody
else adds up, so nobody was ever shown more than it remembers.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metric_sums import Family, added, families, lasting, render
from whimbrel.base.metrics import Metrics
from whimbrel.base.place import SUPERVISOR, Place

_ANSWER_S: Final = 1.0
"""A process that is busy answers in milliseconds; one that hangs must not cost the scrape."""
_SUMS_S: Final = 3.0
_LIMIT: Final = 16 * 1024 * 1024
_GONE: Final = (FileNotFoundError, ConnectionRefusedError)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Family]).decode

Told = Callable[[], Awaitable[bytes]]


class _Teller:
    """Answers each connection with some octets."""

    def __init__(self, address: str, told: Told) -> None:
        self._address = address
        self._told = told
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._address)
        self._server = await asyncio.start_unix_server(self._answer, self._address)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(await self._told())
            await writer.drain()
        except OSError:
            pass  # whoever asked has gone
        finally:
            writer.close()


class Siblings:
    """One process's part."""

    def __init__(self, place: Place, metrics: Metrics) -> None:
        self._place = place
        self._metrics = metrics
        self._teller = None if place.is_alone else _Teller(place.metrics_socket(place.name), self._own)

    async def start(self) -> None:
        """Answer the supervisor; nothing, where there is none."""
        if self._teller is not None:
            await self._teller.start()

    async def stop(self) -> None:
        """Answer no more."""
        if self._teller is not None:
            await self._teller.stop()

    async def render(self) -> bytes:
        """The Prometheus text of all processes together; of this one only, where it is alone or the supervisor gone.
        WhimbrelError overloaded when the supervisor does not answer: less than was told before would be wrong."""
        if self._teller is None:
            return self._metrics.render()
        try:
            async with asyncio.timeout(_SUMS_S):
                return await _read(self._place.metrics_socket(SUPERVISOR))
        except _GONE:
            return render([(self._place.name, families(self._metrics.registry))])
        except OSError as error:
            raise WhimbrelError("overloaded", "the supervisor does not tell the metrics", retry_after_s=1) from error

    async def _own(self) -> bytes:
        return _encode(families(self._metrics.registry))


class Sums:
    """The supervisor's part."""

    def __init__(self, place: Place, metrics: Metrics) -> None:
        self._place = place
        self._metrics = metrics
        self._teller = _Teller(place.metrics_socket(SUPERVISOR), self.render)
        self._adding = asyncio.Lock()
        self._last: dict[str, list[Family]] = {}
        self._dead: list[Family] = []

    async def start(self) -> None:
        """Answer the processes."""
        await self._teller.start()

    async def stop(self) -> None:
        """Answer no more."""
        await self._teller.stop()

    async def died(self, name: str) -> None:
        """What this process counted in its life stays counted. To be called before it is started again."""
        async with self._adding:
            self._dead = added(self._dead, lasting(self._last.pop(name, [])))

    async def render(self) -> bytes:
        """The Prometheus text of all processes."""
        async with self._adding:
            names = self._place.others
            told = await asyncio.gather(*(self._ask(name) for name in names))
            everybody = []
            for name, found in zip(names, told, strict=True):
                self._metrics.process_up.labels(name).set(found is not None)
                if found is None:
                    everybody.append((name, lasting(self._last.get(name, []))))
                else:
                    self._last[name] = found
                    everybody.append((name, found))
            own = families(self._metrics.registry)
            return render([(SUPERVISOR, own), *everybody, ("", self._dead)])

    async def _ask(self, name: str) -> list[Family] | None:
        """None when the process does not answer, or says what cannot be read."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                return _decode(await _read(self._place.metrics_socket(name)))
        except (OSError, msgspec.MsgspecError):
            return None


async def _read(address: str) -> bytes:
    """All that is said there. OSError when it is nothing."""
    reader, writer = await asyncio.open_unix_connection(address, limit=_LIMIT)
    try:
        octets = await reader.read()
    finally:
        writer.close()
    if not octets:
        raise ConnectionError("the other side said nothing")
    return octets
