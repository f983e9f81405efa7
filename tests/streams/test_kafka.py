"""Streams from the event log of a real store to a real Kafka broker, which is killed, and whose client crashes. Kafka's
own consumer says what is in the topic.
"""

import asyncio

import pytest

from tests.journey.rig import until
from tests.net.kafka_broker import KafkaBroker, kafka_broker
from tests.net.nats_server import ids_in_order
from whimbrel.net import kafka

from .test_streams import Impatient, append, crash, in_state, running, stands_at

pytestmark = pytest.mark.ci


def to(broker: KafkaBroker, **more: object) -> dict[str, object]:
    return {"kind": "kafka", "servers": (broker.address,), "topic": "events", "partitions": 4, **more}


async def test_a_broker_that_is_killed_and_a_process_that_crashes(store, tmp_path, monkeypatch):
    monkeypatch.setattr(kafka, "_ACK_S", 3.0)
    monkeypatch.setattr(kafka, "_ASK_S", 1.0)
    async with kafka_broker(tmp_path / "kafka") as broker:
        wanted = await append(store, range(500))
        async with running(store, broker, batch=100, chance=Impatient(), **to(broker)) as stream:
            last = await store.last_position()
            await until(lambda: stands_at(store, last), within_s=120)
            broker.kill()
            await in_state(store, "down")  # also when nothing is to be published
            wanted += await append(store, range(500, 900))
            stream.wake()
            broker.start()
            await broker.ready()
            wanted += await append(store, range(900, 1000))
            await until(lambda: _moved_beyond(store, last), within_s=120)
            await crash(stream)
        async with running(store, broker, **to(broker)):
            last = await store.last_position()
            await until(lambda: stands_at(store, last), within_s=120)
        stored = await asyncio.to_thread(broker.everything, "events")
    assert {each.event["id"] for each in stored} == set(wanted)
    assert set(map(tuple, ids_in_order([each.event for each in stored]).values())) == {(1, 2, 3)}


async def _moved_beyond(store: object, place: int) -> bool:
    return not await stands_at(store, place)


async def test_a_stop_leaves_nothing_to_repeat(one_store, tmp_path):
    async with kafka_broker(tmp_path / "kafka") as broker:
        wanted: list[str] = []
        for start in range(0, 600, 200):
            async with running(one_store, broker, batch=90, **to(broker)) as stream:
                wanted += await append(one_store, range(start, start + 200))
                stream.wake()
                await in_state(one_store, "up")
        async with running(one_store, broker, **to(broker)):
            last = await one_store.last_position()
            await until(lambda: stands_at(one_store, last), within_s=120)
        stored = await asyncio.to_thread(broker.everything, "events")
    assert sorted(each.event["id"] for each in stored) == sorted(wanted)
