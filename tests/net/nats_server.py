"""A real NATS server with JetStream, from its wheel: a process on a port of loopback that can be killed and started
again on the same files, and a client of it that is not ours to look into its streams.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from tests.freezing import freeze, thaw
from tests.ports import free_port

BINARY = Path(sys.executable).parent / "nats-server"
STREAM = "WHIMBREL"
_START_S = 60.0
_PATIENCE_S = 30.0  # for any answer: the client would have two to five seconds


class Seen(NamedTuple):
    """A message of a stream, as a consumer gets it."""

    sequence: int
    subject: str
    headers: dict[str, str]
    event: dict


class NatsServer:
    """One server with its files in `folder`; `config` is further text of its configuration."""

    def __init__(self, folder: Path, config: str = "", *, jetstream: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self._config = config
        self._jetstream = jetstream
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Until it takes connections."""
        file = self.folder / "nats.conf"
        store = f'jetstream {{ store_dir: "{self.folder}/jetstream" }}\n' if self._jetstream else ""
        file.write_text(f'listen: "{self.address}"\n{store}{self._config}')
        log = self.folder / "nats.log"
        self._process = await asyncio.create_subprocess_exec(str(BINARY), "-c", str(file), "-l", str(log))
        async with asyncio.timeout(_START_S):
            while "Server is ready" not in (log.read_text() if log.exists() else ""):
                assert self._process.returncode is None, log.read_text()
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """SIGKILL, and its log is put away."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None
            (self.folder / "nats.log").unlink()

    def freeze(self) -> None:
        """It holds its connections and says nothing any more."""
        assert self._process is not None
        freeze(self._process.pid)

    def thaw(self) -> None:
        """It goes on."""
        assert self._process is not None
        thaw(self._process.pid)

    @contextlib.asynccontextmanager
    async def client(self, **options: object) -> AsyncIterator[Client]:
        """A client that is not ours."""
        client = await nats.connect(f"nats://{self.address}", **{"connect_timeout": int(_PATIENCE_S)} | options)
        try:
            yield client
        finally:
            await client.close()

    async def make_stream(self, *subjects: str, name: str = STREAM, **more: object) -> None:
        """As an operator does it beforehand."""
        async with self.client() as client:
            await jetstream(client).add_stream(name=name, subjects=list(subjects) or ["whimbrel.events.>"], **more)

    async def count(self, name: str = STREAM) -> int:
        """How many messages the stream holds; 0 when there is none."""
        async with self.client() as client:
            try:
                return (await jetstream(client).stream_info(name)).state.messages
            except NotFoundError:
                return 0

    async def holds(self, count: int, *, within_s: float = 120.0) -> None:
        """Until the stream holds so many messages."""
        async with asyncio.timeout(within_s), self.client() as client:
            while True:
                with contextlib.suppress(NotFoundError):
                    if (await jetstream(client).stream_info(STREAM)).state.messages >= count:
                        return
                await asyncio.sleep(0.005)

    async def everything(self, name: str = STREAM, **options: object) -> list[Seen]:
        """The whole stream, in its order."""
        async with self.client(**options) as client:
            stream = jetstream(client)
            left = (await stream.stream_info(name)).state.messages
            # with a shorter wait what is read slowly would come twice
            config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_wait=600)
            consumer = await stream.pull_subscribe("", stream=name, config=config)
            found: list[Seen] = []
            while left > len(found):
                with contextlib.suppress(TimeoutError):
                    for message in await consumer.fetch(min(500, left - len(found)), timeout=5):
                        sequence = message.metadata.sequence.stream
                        found.append(Seen(sequence, message.subject, message.headers or {}, json.loads(message.data)))
                        await message.ack()
            return found


def jetstream(client: Client) -> JetStreamContext:
    """Of a client that waits for a server which has little of the machine."""
    return client.jetstream(timeout=_PATIENCE_S)


@contextlib.asynccontextmanager
async def nats_server(folder: Path, config: str = "", **more: bool) -> AsyncIterator[NatsServer]:
    """A server that runs as long as the block."""
    server = NatsServer(folder, config, **more)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


def ids_in_order(events: Sequence[dict]) -> dict[str, list[int]]:
    """For each message the numbers of its events in the order in which they came first."""
    found: dict[str, list[int]] = {}
    seen: set[str] = set()
    for event in events:
        if event["id"] not in seen:
            seen.add(event["id"])
            found.setdefault(event["message_id"], []).append(event["seq"])
    return found
