"""Publishes to Kafka-compatible brokers. A record's key is its message, so a message's events are in one partition; a
partition has one batch under way, and the next one leaves when it is acknowledged by all replicas in sync. The producer
is idempotent: what the client sends again by itself (a leader that changed, a connection that broke) is stored once.

A batch that stays without an answer ends the connection and its producer; what it held may be stored or not, and is
published again by the next one. Consumers know it by the event's id.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    SaslAuthenticationFailed,
    TopicAlreadyExistsError,
    UnsupportedSaslMechanismError,
    for_code,
)
from aiokafka.partitioner import murmur2

from whimbrel.base.clock import DAY_US
from whimbrel.net import tls
from whimbrel.net.brokers import Access, BrokerError, Creation, Missing, Pattern, Record, Taken

T = TypeVar("T")
_log = logging.getLogger("whimbrel.kafka")
_CLIENT = "whimbrel"
_CONNECT_S = 10.0
_REQUEST_S = 10.0
_ACK_S = 15.0  # without any acknowledgement while some are waited for; a new leader is found in less
_ASK_S = 20.0  # so soon a broker is missed when there is nothing to publish
_CLOSE_S = 3.0
_RETRY_MS = 250
_BATCH_OCTETS = 256 * 1024  # of one request for a partition; brokers take 1 MiB unless they are told otherwise
_BATCH_MIN_OCTETS = 1024
_DAY_MS = DAY_US // 1000
_SASL_ERRORS = (AuthenticationFailedError, SaslAuthenticationFailed, UnsupportedSaslMechanismError)
_SAFE_REPLICAS = 3  # from so many on, two of them must have a record before it is acknowledged


class KafkaPublisher:
    """Implements `brokers.Publisher`."""

    def __init__(self, access: Access, *, topic: str, creation: Creation | None) -> None:
        self._access = access
        self._topic = Pattern(topic)
        self._creation = creation
        self._producer: Any = None
        self._partitions: dict[str, list[int]] = {}
        self._asked_at = 0.0  # on the loop's clock
        self._acknowledged = 0  # records so far
        self._octets = _BATCH_OCTETS  # of a batch: a topic that takes less shows it by refusing one

    async def connect(self) -> None:
        await self.close()
        self._partitions.clear()
        await self._reach()
        producer = AIOKafkaProducer(
            **self._arguments(),
            acks="all",
            enable_idempotence=True,
            max_batch_size=self._octets,
        )
        self._producer = producer
        try:
            await _within(_CONNECT_S, producer.start)
            if "{" not in self._topic.text:
                await self._find(self._topic.text)
        except BrokerError:
            await self.close()
            raise

    async def check(self) -> None:
        """A broker that went is not heard of as long as it is not asked; and one that is not asked for long ends the
        connection."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at > _ASK_S:
            self._asked_at = now
            if not await _within(_CONNECT_S, self._connected().client.force_metadata_update):
                raise BrokerError("the broker does not answer")

    async def publish(self, records: Sequence[Record], taken: Taken) -> None:
        self._connected()
        loop = asyncio.get_running_loop()
        self._asked_at = loop.time()
        tasks = [
            loop.create_task(self._send(topic, partition, records, places, taken))
            for (topic, partition), places in (await self._sorted(records)).items()
        ]
        try:
            await self._done(tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def close(self) -> None:
        """What is under way is given up. The client's own way of closing waits for it, for as long as it takes, so
        its parts are ended one by one."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        producer._closed = True
        producer._message_accumulator.fail_all(KafkaConnectionError("closed"))
        sender = producer._sender.sender_task
        if sender is not None:
            sender.cancel()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await producer.client.close()
        except (TimeoutError, KafkaError, OSError) as error:
            _log.debug("a connection was not closed in time", extra={"error": str(error)})
        if sender is not None:
            await asyncio.wait((sender,), timeout=_CLOSE_S)
            sender.cancel()

    def _connected(self) -> Any:
        """The producer; BrokerError when there is none."""
        if self._producer is None:
            raise BrokerError("the connection is closed")
        return self._producer

    # ---------------------------------------------------------------- connecting

    def _arguments(self) -> dict[str, Any]:
        return self._security() | {
            "bootstrap_servers": list(self._access.servers),
            "client_id": _CLIENT,
            "request_timeout_ms": int(_REQUEST_S * 1000),
            "retry_backoff_ms": _RETRY_MS,
        }

    def _security(self) -> dict[str, Any]:
        """Who we are, and TLS. BrokerError."""
        access = self._access
        context = access.context()
        transport = "PLAINTEXT" if context is None else "SSL"
        return {
            "security_protocol": f"SASL_{transport}" if access.user else transport,
            "ssl_context": context,
            "sasl_mechanism": access.sasl,
            "sasl_plain_username": access.user or None,
            "sasl_plain_password": access.password or None,
        }

    async def _reach(self) -> None:
        """Whether one of the brokers takes us: the client tries them too, and keeps to itself why none did."""
        security, said = self._security(), ""
        for server in self._access.servers:
            host, _, port = server.rpartition(":")
            try:
                connection = await _within(
                    _CONNECT_S, partial(create_conn, host.strip("[]"), int(port), client_id=_CLIENT, **security)
                )
            except BrokerError as error:
                said = said or f"{server}: {error}"
                continue
            connection.close()
            return
        raise BrokerError(said)

    async def _find(self, topic: str) -> list[int]:
        """The partitions of a topic; made, where it is missing and that was asked for."""
        known = self._partitions.get(topic)
        if known is None:
            await _within(_CONNECT_S, lambda: self._look(topic))
            found = await _within(_CONNECT_S, lambda: self._producer.partitions_for(topic))
            known = self._partitions[topic] = sorted(found)
        return known

    async def _look(self, topic: str) -> None:
        """By the list of all topics: brokers that make topics by themselves do it when they are asked about one."""
        admin = AIOKafkaAdminClient(**self._arguments())
        try:
            await admin.start()
            if topic in await admin.list_topics():
                return
            if self._creation is None:
                raise Missing(f"there is no topic {topic}: make it, or set `create`")
            answer = await admin.create_topics([_new_topic(topic, self._creation)])
            for _, code, *words in answer.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise BrokerError(f"the topic {topic} cannot be made: {words[0] if words else for_code(code)}")
        finally:
            await admin.close()

    # ---------------------------------------------------------------- publishing

    async def _sorted(self, records: Sequence[Record]) -> dict[tuple[str, int], list[int]]:
        """Places of records by topic and partition, in order. The partition is the one that Kafka's own clients
        choose for this key."""
        found: dict[tuple[str, int], list[int]] = {}
        for place, record in enumerate(records):
            topic = self._topic.of(record)
            partitions = self._partitions.get(topic) or await self._find(topic)
            partition = partitions[(murmur2(record.key.encode()) & 0x7FFFFFFF) % len(partitions)]
            found.setdefault((topic, partition), []).append(place)
        return found

    async def _send(
        self, topic: str, partition: int, records: Sequence[Record], places: Sequence[int], taken: Taken
    ) -> None:
        """What goes to one partition, one batch after the other. BrokerError."""
        producer = self._producer
        for batch, held in _batches(producer.create_batch, records, places):
            try:
                await (await producer.send_batch(batch, topic, partition=partition))
            except KafkaError as error:
                if isinstance(error, MessageSizeTooLargeError) and len(held) > 1:
                    self._octets = max(self._octets // 2, _BATCH_MIN_OCTETS)
                raise BrokerError(_words(error)) from error
            self._acknowledged += len(held)
            for place in held:
                taken(place)
            await asyncio.sleep(0)

    async def _done(self, tasks: "Sequence[asyncio.Task[None]]") -> None:
        """Until all partitions are done, or none of them moves. One that fails keeps no other from its end: what is
        under way would be published twice."""
        left = set(tasks)
        problem: BaseException | None = None
        while left:
            before = self._acknowledged
            done, left = await asyncio.wait(left, timeout=_ACK_S, return_when=asyncio.FIRST_COMPLETED)
            if not done and self._acknowledged == before:
                raise problem or BrokerError(f"no acknowledgement within {_ACK_S:.0f} s")
            problem = next((task.exception() for task in done if task.exception()), problem)
        if problem is not None:
            raise problem


def _batches(
    new: Callable[[], Any], records: Sequence[Record], places: Sequence[int]
) -> Iterator[tuple[Any, list[int]]]:
    """Batches as large as they may be, and the places of their records."""
    batch, held = new(), list[int]()
    for place in places:
        if not _append(batch, records[place]):
            yield batch, held
            batch, held = new(), []
            _append(batch, records[place])
        held.append(place)
    yield batch, held


def _append(batch: Any, record: Record) -> bool:
    """Whether there was room for it; the first of a batch always has room."""
    headers = [(name, value.encode()) for name, value in record.headers().items()]
    made = batch.append(timestamp=None, key=record.key.encode(), value=record.body, headers=headers)
    return made is not None


def _new_topic(topic: str, creation: Creation) -> NewTopic:
    configs = {"retention.ms": str(creation.keep_days * _DAY_MS)}
    if creation.replicas >= _SAFE_REPLICAS:
        configs["min.insync.replicas"] = "2"
    return NewTopic(topic, creation.partitions, creation.replicas, topic_configs=configs)


async def _within(seconds: float, act: Callable[[], Awaitable[T]]) -> T:
    """What `act` gives; BrokerError in place of whatever the client raises."""
    try:
        async with asyncio.timeout(seconds):
            return await act()
    except (KafkaError, OSError, ValueError) as error:
        raise BrokerError(_words(error)) from error


def _words(error: BaseException) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionError) and not str(error):
        return "the broker closed the connection: is this port meant for what `tls` and `user` say?"
    if isinstance(error, MessageSizeTooLargeError):
        return "events are larger than the topic takes (max.message.bytes)"
    if isinstance(error, _SASL_ERRORS):
        return f"the broker does not take user and password: {error}"
    if isinstance(error, KafkaError):
        return str(cause) if isinstance(cause, OSError) and not str(error) else str(error)
    return tls.in_words(error) if isinstance(error, Exception) else str(error)
