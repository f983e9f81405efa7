"""The publisher against a real Kafka broker: what is acknowledged is in the topic, the events of a message in one
partition and in order, also when the broker is killed in between. Kafka's own consumer looks.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.ports import free_port
from whimbrel.net import kafka as module
from whimbrel.net.brokers import Access, BrokerError, Creation, Record
from whimbrel.net.kafka import KafkaPublisher

from .certificates import Authority
from .kafka_broker import PASSWORD, USER, KafkaBroker, Stored, kafka_broker
from .nats_server import ids_in_order
from .publishing import be_patient, connected, publish_all, reconnected, record, records, refusal

pytestmark = [pytest.mark.ci, pytest.mark.asyncio(loop_scope="module")]
CREATION = Creation(replicas=1, partitions=4, keep_days=3)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient(monkeypatch, module)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KafkaBroker]:
    async with kafka_broker(tmp_path_factory.mktemp("kafka") / "broker") as made:
        yield made


def publisher(broker: KafkaBroker, topic: str, *, creation: Creation | None = CREATION, **access: object):
    return KafkaPublisher(Access(**({"servers": (broker.address,)} | access)), topic=topic, creation=creation)


def in_order(stored: list[Stored]) -> set[tuple[int, ...]]:
    """The orders in which messages' events came first."""
    return set(map(tuple, ids_in_order([each.event for each in stored]).values()))


async def test_what_is_acknowledged_is_in_the_topic(broker):
    async with connected(publisher(broker, "acknowledged")) as made:
        wanted, taken = records(300), []
        await made.publish(wanted, taken.append)
        assert sorted(taken) == list(range(900))
    stored = broker.everything("acknowledged")
    assert sorted(each.event["id"] for each in stored) == sorted(each.event_id for each in wanted)
    assert in_order(stored) == {(1, 2, 3)}
    partitions = {each.key: each.partition for each in stored}
    assert [each for each in stored if partitions[each.key] != each.partition] == []
    assert len(set(partitions.values())) == 4
    first = next(each for each in stored if each.event["id"] == "EV000001")
    assert first.key == "SM0000"
    assert first.headers == {
        "Whimbrel-Event-Id": "EV000001",
        "Whimbrel-Event-Type": "message.sent",
        "Whimbrel-Account-Id": "AC1",
    }


async def test_more_than_one_batch_for_a_partition(broker, monkeypatch):
    monkeypatch.setattr(module, "_BATCH_OCTETS", 4096)
    async with connected(publisher(broker, "batches", creation=Creation(1, 1, 1))) as made:
        wanted = [record(message, seq, size=300) for seq in (1, 2) for message in range(100)]
        taken: list[int] = []
        await made.publish(wanted, taken.append)
        assert taken == list(range(200))
    stored = broker.everything("batches")
    assert [each.event["id"] for each in stored] == [each.event_id for each in wanted]


async def test_topics_by_account(broker):
    async with connected(publisher(broker, "by.{account_id}.{mode}")) as made:
        mine = record(1, 1)
        other = Record("SM2", "EV201", "message.sent", "AC2", True, mine.body)
        await made.publish([mine, other], lambda _: None)
    assert [each.headers["Whimbrel-Account-Id"] for each in broker.everything("by.AC1.live")] == ["AC1"]
    assert [each.headers["Whimbrel-Account-Id"] for each in broker.everything("by.AC2.test")] == ["AC2"]


async def test_a_topic_that_is_missing_is_not_made_unasked(broker):
    said = await refusal(publisher(broker, "missing", creation=None))
    assert said == "there is no topic missing: make it, or set `create`"
    assert "missing" not in broker.topics()


async def test_how_a_topic_is_made(broker):
    async with connected(publisher(broker, "made")):
        assert "Topic: made\t" in broker.topics()
        (line,) = [line for line in broker.topics().splitlines() if line.startswith("Topic: made\t")]
    assert "PartitionCount: 4" in line
    assert f"retention.ms={3 * 86_400_000}" in line
    said = await refusal(publisher(broker, "too.safe", creation=Creation(3, 1, 1)))
    assert "the topic too.safe cannot be made" in said


async def test_nothing_follows_what_is_refused(broker):
    broker.make_topic("small", partitions=1, max_message_bytes=2000)
    async with connected(publisher(broker, "small")) as made:
        taken: set[int] = set()
        with pytest.raises(BrokerError, match="larger than the topic takes"):
            await made.publish([record(1, 1, size=3000), record(1, 2)], taken.add)
        assert taken == set()
    assert broker.everything("small") == []


async def test_what_is_refused_keeps_no_other_partition_from_its_end(broker):
    broker.make_topic("smaller", partitions=4, max_message_bytes=20_000)
    async with connected(publisher(broker, "smaller")) as made:
        taken: set[int] = set()
        wanted = [record(1, 1, size=30_000), *(record(message, 1) for message in range(2, 200))]
        with pytest.raises(BrokerError, match="larger than the topic takes"):
            await made.publish(wanted, taken.add)
    stored = {each.event["id"] for each in broker.everything("smaller")}
    assert stored == {wanted[place].event_id for place in taken}
    assert len(stored) > 100  # of the three other partitions


async def test_batches_become_as_small_as_the_topic_takes_them(broker):
    broker.make_topic("tiny", partitions=1, max_message_bytes=3000)
    wanted = records(100)
    async with connected(publisher(broker, "tiny")) as made:
        await publish_all(made, wanted)
    stored = broker.everything("tiny")
    assert sorted(each.event["id"] for each in stored) == sorted(each.event_id for each in wanted)


async def test_user_and_password(broker):
    who = {"servers": (f"127.0.0.1:{broker.sasl_port}",), "user": USER}
    for way in ("SCRAM-SHA-512", "PLAIN"):
        async with connected(publisher(broker, "acknowledged", password=PASSWORD, sasl=way, **who)) as made:
            await made.publish([record(900, 1)], lambda _: None)
        said = await refusal(publisher(broker, "acknowledged", password="wrong", sasl=way, **who))
        assert "does not take user and password" in said
        assert "wrong" not in said
    said = await refusal(publisher(broker, "acknowledged", password=PASSWORD, sasl="SCRAM-SHA-256", **who))
    assert "does not take user and password" in said


async def test_tls(broker, tmp_path):
    servers = (f"localhost:{broker.tls_port}",)
    authority = str(broker.folder.parent / "kafka-ca.pem")
    async with connected(publisher(broker, "secret", servers=servers, tls=True, tls_ca_file=authority)) as made:
        await made.publish(records(5), lambda _: None)
    stranger = Authority(tmp_path, "stranger").file
    said = await refusal(publisher(broker, "secret", servers=servers, tls=True, tls_ca_file=stranger))
    assert "is signed by an authority that is not known here" in said
    said = await refusal(publisher(broker, "secret", tls=True, tls_ca_file=authority))
    assert "is this port meant for what `tls` and `user` say?" in said


async def test_nobody_is_there(broker):
    gone = f"127.0.0.1:{free_port()}"
    assert "Connect call failed" in await refusal(publisher(broker, "acknowledged", servers=(gone,)))
    async with connected(publisher(broker, "acknowledged", servers=(gone, broker.address))):
        pass


async def test_a_broker_that_says_nothing_any_more(broker, monkeypatch):
    """It is given up, at once when asked to; what it held is published again, so it may be stored twice."""
    monkeypatch.setattr(module, "_ACK_S", 0.5)
    monkeypatch.setattr(module, "_CLOSE_S", 0.5)
    async with connected(publisher(broker, "frozen")) as made:
        broker.freeze()
        taken: set[int] = set()
        with pytest.raises(BrokerError, match="no acknowledgement within"):
            await made.publish([record(1, 1), record(1, 2)], taken.add)
        assert taken == set()
        async with asyncio.timeout(30):  # less than a close that waits for an answer
            await made.close()
        broker.thaw()
        be_patient(monkeypatch, module)  # it may take a while to come to itself
        await reconnected(made)
        await made.publish([record(1, 1), record(1, 2), record(1, 3)], taken.add)
        assert taken == {0, 1, 2}
    assert in_order(broker.everything("frozen")) == {(1, 2, 3)}


async def test_the_broker_is_killed_while_many_are_under_way(broker, monkeypatch):
    """Nothing is missing, and no event comes for the first time before an earlier one of its message."""
    monkeypatch.setattr(module, "_ACK_S", 3.0)
    monkeypatch.setattr(module, "_BATCH_OCTETS", 4096)
    wanted = records(1000, 5)
    async with connected(publisher(broker, "killed")) as made:
        halves = asyncio.Event()

        async def kill_twice() -> None:
            for _ in range(2):
                await halves.wait()
                halves.clear()
                broker.kill()
                broker.start()
                await broker.ready()

        killing = asyncio.create_task(kill_twice())
        for start in range(0, len(wanted), 500):
            if start in (1000, 3000):
                halves.set()
            await publish_all(made, wanted[start : start + 500])
        await killing
    stored = broker.everything("killed")
    assert {each.event["id"] for each in stored} == {each.event_id for each in wanted}
    assert in_order(stored) == {(1, 2, 3, 4, 5)}
