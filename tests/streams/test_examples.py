"""The consumers of docs/streams.md, as they stand there: each runs as a program of its own and is told events."""

import os
import re
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import pytest

from tests.net.kafka_broker import kafka_broker
from whimbrel.journey.streams import Stream

from .test_streams import append, running, subject

PAGE = Path(__file__).parents[2] / "docs" / "streams.md"


def example(name: str) -> str:
    """The Python after a mark."""
    found = re.search(rf"<!-- {name} -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


async def said(stream: Stream, store, text: str, **environ: str) -> list[str]:
    """The first lines of a consumer that begins before there are events."""
    wanted = len(await append(store, range(3)))
    stream.wake()
    consumer = await create_subprocess_exec(
        *(sys.executable, "-c", text), stdout=PIPE, env={**os.environ, **environ}, limit=2**20
    )
    try:
        return [(await consumer.stdout.readline()).decode().strip() for _ in range(wanted)]
    finally:
        consumer.kill()
        await consumer.wait()


def expected() -> set[str]:
    return {f"{subject(number)} message.sent" for number in range(3)}


async def test_the_consumer_of_nats(one_store, server):
    await server.make_stream()
    async with running(one_store, server) as stream:
        lines = await said(stream, one_store, example("nats"), NATS_URL=f"nats://{server.address}")
    assert (len(lines), set(lines)) == (9, expected())


@pytest.mark.ci
async def test_the_consumer_of_kafka(one_store, tmp_path):
    async with kafka_broker(tmp_path / "kafka") as broker:
        broker.make_topic("whimbrel.events")
        async with running(one_store, broker, kind="kafka", create=False, servers=(broker.address,)) as stream:
            lines = await said(stream, one_store, example("kafka"), KAFKA=broker.address)
    assert (len(lines), set(lines)) == (9, expected())
