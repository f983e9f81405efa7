"""The command `whimbrel` and the NATS server as processes, both killed at random while texts are sent. The verdict:
what a consumer that is not ours reads from the stream, against the events that the API tells afterwards.
"""

import asyncio
import random
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

import pytest

from tests.faults.processes import START_S, Node, simulator
from tests.faults.wire import Connection, call, request, until
from tests.net.nats_server import NatsServer, ids_in_order, nats_server

BATCH = 50


class Serving(Node):
    """`whimbrel serve` with a stream, on a folder that a quickstart has made."""

    async def prepare(self, server: NatsServer) -> None:
        """Make the folder, and the settings."""
        await super().start()
        await self.stop()
        (self.folder / "whimbrel.toml").write_text(
            f"""
            [server]
            port = {self.port}
            data = "{self.folder}"
            [smpp]
            port = {self.smpp_port}
            [streams.ops]
            servers = ["{server.address}"]
            create = true
            start = "oldest"
            """
        )

    async def start(self, fault: str = "") -> Process:
        """A process that answers requests."""
        log = (self.folder / "serve.log").open("ab")
        command = ("-m", "whimbrel", "serve", "--config", str(self.folder / "whimbrel.toml"))
        self._process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=DEVNULL, stderr=log)
        log.close()
        await until(self._is_ready, START_S, f"a node ready; see {self.folder}/serve.log")
        return self._process


class Load:
    """Batches, one after the other, each asked for until it is answered."""

    def __init__(self, node: Node, batches: int) -> None:
        self._node = node
        self.left = batches

    async def run(self) -> None:
        while self.left:
            first = self.left * BATCH
            messages = [{"to": f"+1415555{first + number:04}", "text": "Hello"} for number in range(BATCH)]
            await until(lambda asked=messages: self._accepted(asked), 2 * START_S, "a batch accepted")
            self.left -= 1

    async def _accepted(self, messages: list[dict[str, str]]) -> bool:
        key = self._node.credentials()["api_key"]
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"batch {self.left}"}
        try:
            connection = await Connection.open(self._node.port)
            try:
                asked = request("POST", "/v1/messages/batch", {"messages": messages}, headers)
                answer = await connection.ask(asked)
            finally:
                connection.close()
        except OSError:
            return False
        return answer.status == 202


async def everything_told(node: Node) -> dict[str, str]:
    """Type of each event by id, as the API tells them; only once no text is on its way any more."""
    found, cursor, key = {}, "", node.credentials()["api_key"]
    while True:
        path = f"/v1/events?limit=1000&after={cursor}" if cursor else "/v1/events?limit=1000"
        page = (await call(node.port, "GET", path, None, key)).json()
        found.update({event["id"]: event["type"] for event in page["data"]})
        if page["next_cursor"] == cursor:
            return found
        cursor = page["next_cursor"]


async def torment(folder: Path, seed: int, *, kills: int, batches: int) -> None:
    """Send, kill now the one and now the other, and compare."""
    chance = random.Random(seed)
    async with nats_server(folder / "nats") as server, simulator(folder / "simulator.log", seed=seed) as smsc:
        node = Serving(folder / "node", smsc["smpp_port"])
        await node.prepare(server)
        process = await node.start()
        load = Load(node, batches)
        sending = asyncio.create_task(load.run())
        try:
            for number in range(kills):
                await server.holds((number + 1) * batches * BATCH // (kills + 1) + chance.randrange(200))
                if number % 2:
                    await server.kill()
                    await server.start()
                else:
                    process.kill()
                    await process.wait()
                    process = await node.start()
            await sending
            told = await _all_ended(node, batches * BATCH)
            await server.holds(len(told))
            await until(lambda: _has_all(server, told), 60, "all that was told")  # of later events some may be first
            await _verdict(server, told, batches * BATCH)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await node.stop()


async def _has_all(server: NatsServer, told: dict[str, str]) -> bool:
    return told.keys() <= {each.event["id"] for each in await server.everything()}


async def _all_ended(node: Node, messages: int) -> dict[str, str]:
    """What is told once each message has an event that is its last; those in doubt were on the wire in a kill."""
    told: dict[str, str] = {}

    async def there() -> bool:
        nonlocal told
        told = await everything_told(node)
        ended = sum(kind in ("message.delivered", "message.in_doubt") for kind in told.values())
        return ended >= messages

    await until(there, 180, "all messages ended")
    return told


async def _verdict(server: NatsServer, told: dict[str, str], messages: int) -> None:
    seen = [each.event for each in await server.everything()]
    assert {event["id"]: event["type"] for event in seen if event["id"] in told} == told
    orders = ids_in_order([event for event in seen if event["message_id"]])
    assert len(orders) == messages
    assert [order for order in orders.values() if order != list(range(1, len(order) + 1))] == []


@pytest.mark.slow
async def test_both_are_killed_and_nothing_is_missing(tmp_path):
    await torment(tmp_path, 1, kills=2, batches=30)


@pytest.mark.ci
@pytest.mark.parametrize("seed", range(2, 5))
async def test_both_are_killed_many_times_and_nothing_is_missing(tmp_path, seed):
    await torment(tmp_path, seed, kills=10, batches=160)
