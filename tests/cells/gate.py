"""The way to a database, which a test can bar: connections are cut and new ones are refused until it is open again; or
nothing passes any more, as where a machine has gone without a word."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit


class Gate:
    """A port that leads to the server of a database URL; `url` is the database by this way."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._is_open = True
        self._passes = asyncio.Event()
        self._passes.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Gate":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{port}"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def open(self) -> None:
        """Let everybody through again."""
        self._is_open = True

    def close(self) -> None:
        """Cut what is through, and let nobody in."""
        self._is_open = False
        for task in self._tasks:
            task.cancel()

    def freeze(self) -> None:
        """Connections stay, and nothing passes."""
        self._passes.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.close()
            return
        onward = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        if not self._is_open:  # it was closed meanwhile
            writer.close()
            onward[1].close()
            return
        loop = asyncio.get_running_loop()
        both = [loop.create_task(self._pass(reader, onward[1])), loop.create_task(self._pass(onward[0], writer))]
        self._tasks.update(both)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        self._tasks.difference_update(both)
        writer.close()
        onward[1].close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while octets := await reader.read(65536):
                await self._passes.wait()
                writer.write(octets)
                await writer.drain()
