"""A listener of TLS that knows of its connections before their handshake, on both event loops."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from whimbrel.net.handshakes import Handshake, Handshakes

from .certificates import Authority

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
HOME = "127.0.0.1"


class Echo(asyncio.Protocol):
    """Says what it hears."""

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake

    def connection_made(self, transport: Any) -> None:
        self._handshake.end()
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


class Door:
    """A listener, who is in the handshake, and how many may be."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder, "ours")
        self.client = ssl.create_default_context(cafile=authority.file)
        self._server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._server.load_cert_chain(*authority.issue("localhost"))
        self.shaking: Counter[str] = Counter()
        self.ended = 0
        self.most = 10

    def _admits(self, address: str) -> bool:
        if self.shaking[address] >= self.most:
            return False
        self.shaking[address] += 1
        return True

    def _has_ended(self, address: str) -> None:
        self.shaking[address] -= 1
        self.ended += 1

    @asynccontextmanager
    async def open(self, within_s: float = 60.0) -> AsyncIterator[Handshakes]:
        with socket.create_server((HOME, 0)) as listening:
            self.port = listening.getsockname()[1]
            made = Handshakes(
                listening, self._server, Echo, within_s=within_s, admits=self._admits, ended=self._has_ended
            )
            made.start()
            yield made
            made.close()
            await until(lambda: not self.shaking[HOME])

    async def connect(self, **more: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOME, self.port, **more)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - there is no event for what the peer has not noticed yet
            await asyncio.sleep(0.005)


@LOOPS
def test_what_follows_the_handshake_is_its_owners(run: Any, tmp_path: Path) -> None:
    door = Door(tmp_path)

    async def go() -> None:
        async with door.open():
            for count in range(1, 21):
                reader, writer = await door.connect(ssl=door.client, server_hostname="localhost")
                writer.write(b"Hello")
                assert await reader.readexactly(5) == b"Hello"
                assert (door.shaking[HOME], door.ended) == (0, count)
                writer.close()

    run(go())


@LOOPS
def test_who_is_not_admitted_is_cut_before_its_handshake(run: Any, tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.most = 2

    async def go() -> None:
        async with door.open():
            waiting = [await door.connect() for _ in range(2)]
            third, writer = await door.connect()
            assert await asyncio.wait_for(third.read(), 30) == b""
            assert door.shaking[HOME] == 2
            for _, each in (*waiting, (third, writer)):
                each.close()
            await until(lambda: not door.shaking[HOME])
            assert door.ended == 2

    run(go())


@LOOPS
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n"], ids=["silence", "no TLS"])
def test_a_handshake_that_comes_to_nothing_ends(run: Any, said: bytes, tmp_path: Path) -> None:
    door = Door(tmp_path)

    async def go() -> None:
        async with door.open(within_s=0.05):
            reader, writer = await door.connect()
            writer.write(said)
            with suppress(ConnectionError):  # of what it did not read
                await asyncio.wait_for(reader.read(), 30)
            await until(lambda: door.ended == 1)
            writer.close()

    run(go())


@LOOPS
def test_closing_cuts_those_who_are_in_the_handshake(run: Any, tmp_path: Path) -> None:
    door = Door(tmp_path)

    async def go() -> None:
        async with door.open() as handshakes:
            reader, writer = await door.connect()
            await until(lambda: door.shaking[HOME] == 1)
            handshakes.close()
            assert await asyncio.wait_for(reader.read(), 30) == b""
            writer.close()

    run(go())
