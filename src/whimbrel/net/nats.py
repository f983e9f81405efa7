"""Publishes to a NATS JetStream stream. Many records are in flight at once, but of each key only one: the next one
leaves when the one before it is acknowledged. So whatever is lost on the way (a server that is killed, a leader that
changes), no record is in the stream before an earlier one of its key. What is sent again carries the same
`Nats-Msg-Id`, by which the stream knows it within its duplicate window.

The client reconnects by itself if it is let, and sends then what it has kept, in an order of its own: so it is not. A
connection that is lost fails what is in flight, and whoever publishes connects again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError, NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from whimbrel.base.clock import DAY_US, SECOND_US
from whimbrel.net import tls
from whimbrel.net.brokers import Access, BrokerError, Creation, Missing, Pattern, Record, Taken
from whimbrel.net.nkeys import Nkey, NkeyError, credentials_of, seed_of

_log = logging.getLogger("whimbrel.nats")
_CONNECT_S = 3  # for one server to answer; the client takes whole seconds
_CONNECT_ALL_S = 10.0  # for one of them to take us
_ACK_S = 10.0  # without any acknowledgement while some are waited for
_API_S = 5.0
_CLOSE_S = 2.0
_PING_S = 10  # a server that vanished is missed at the second of these, also while there is nothing to publish
_TURN = 64  # records that are sent before others have a turn on the loop
_WINDOW_OCTETS = 1024 * 1024  # without an acknowledgement: at twice that the client waits for the socket, for ever
_HEAD_OCTETS = 512  # of a record beside its body, at most
_DAY_S = DAY_US // SECOND_US
_LOST = "the connection was lost"
_PERMISSION = "permissions violation"
_TYPE = "{type}"


class _Refusal(msgspec.Struct, frozen=True):
    """What JetStream says in place of an acknowledgement."""

    code: int = 0
    description: str = ""


class _Reply(msgspec.Struct, frozen=True):
    """JetStream's answer to a publish."""

    error: _Refusal | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class _Client(Client):
    """The client, with keys read by ourselves, and firm about TLS: by itself it goes on in the clear, with its
    password, when the server (or whoever stands before it) offers none."""

    def __init__(self, access: Access) -> None:
        super().__init__()
        self._wants_tls = access.tls
        self._nkey: Nkey | None = None
        self._jwt = ""
        if access.credentials_file:
            self._jwt, self._nkey = credentials_of(access.credentials_file)
        elif access.nkey_file:
            self._nkey = seed_of(access.nkey_file)
            self._public_nkey = self._nkey.public

    def arguments(self, access: Access) -> dict[str, Any]:
        """Of `connect`: who we are, and TLS. BrokerError."""
        given: dict[str, Any] = {
            "user": access.user or None,
            "password": access.password or None,
            "token": access.token or None,
            "tls": access.context(),
        }
        if self._nkey is not None:
            given["signature_cb"] = self._nkey.sign
        if self._jwt:
            given["user_jwt_cb"] = self._jwt.encode
        return given

    def leave(self) -> None:
        """Give up what the server does not take: `close` would wait for it, and leave the connection open when it is
        not let wait."""
        self._pending.clear()
        self._pending_data_size = 0
        transport: Any = self._transport
        if transport:
            transport._io_writer.transport.abort()

    def _connect_command(self) -> bytes:
        if self._wants_tls and not self._server_info.get("tls_required"):
            raise NatsError("the server offers no TLS, and `tls` asks for it")
        command: bytes = super()._connect_command()
        return command


class _Flight:
    """One list on its way: what may be sent now, what waits for the one before it, and what went wrong."""

    def __init__(self, records: Sequence[Record], taken: Taken) -> None:
        self.ready: deque[int] = deque()
        self.left = len(records)
        self.problem = ""
        self.moved = asyncio.Event()
        self._octets = 0  # on their way
        self._records = records
        self._taken = taken
        self._waiting: dict[str, deque[int]] = {}
        for place, record in enumerate(records):
            following = self._waiting.get(record.key)
            if following is None:
                self._waiting[record.key] = deque()
                self.ready.append(place)
            else:
                following.append(place)

    @property
    def may_send(self) -> bool:
        """Whether there is something that may leave now."""
        return bool(self.ready) and self._octets < _WINDOW_OCTETS and not self.problem

    def next(self) -> int:
        """The place of the record that leaves now."""
        place = self.ready.popleft()
        self._octets += _size(self._records[place])
        return place

    def acknowledged(self, place: int) -> None:
        """The next one of its key may leave."""
        self.left -= 1
        self._octets -= _size(self._records[place])
        self._taken(place)
        following = self._waiting[self._records[place].key]
        if following:
            self.ready.append(following.popleft())
        self.moved.set()

    def failed(self, problem: str) -> None:
        """Nothing more leaves."""
        self.problem = self.problem or problem
        self.moved.set()


class NatsPublisher:
    """Implements `brokers.Publisher`."""

    def __init__(self, access: Access, *, stream: str, subject: str, creation: Creation | None) -> None:
        self._access = access
        self._stream = stream
        self._subject = Pattern(subject)
        self._creation = creation
        self._client: _Client | None = None
        self._inbox = ""
        self._sent = 0  # of the whole connection: the number of a reply says whose it is
        self._flight: _Flight | None = None
        self._lost = False
        self._told = ""  # the last error that the client reported by itself

    async def connect(self) -> None:
        await self.close()
        self._lost, self._told = False, ""
        try:
            client = _Client(self._access)
            arguments = client.arguments(self._access)
            self._client = client
            async with asyncio.timeout(_CONNECT_ALL_S):
                await self._connect(client, arguments)
                await self._look(client)
        except BrokerError:
            await self.close()
            raise
        except (NatsError, NkeyError, OSError, ValueError) as error:
            said = self._told or _words(error)
            await self.close()
            raise BrokerError(said) from error

    async def check(self) -> None:
        if self._client is None or self._lost or self._client.is_closed:
            raise BrokerError(_LOST)

    async def publish(self, records: Sequence[Record], taken: Taken) -> None:
        await self.check()
        first = self._sent
        flight = self._flight = _Flight(records, taken)
        try:
            while flight.left:
                await self._send(flight, records, first)
                if flight.problem:
                    raise BrokerError(flight.problem)
                await self._moved(flight)
        except (NatsError, OSError, ValueError) as error:
            raise BrokerError(_LOST if self._lost else _words(error)) from error
        finally:
            self._flight = None
            self._sent = first + len(records)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.leave()
            async with asyncio.timeout(_CLOSE_S):
                await client.close()
        except (TimeoutError, NatsError, OSError) as error:
            _log.debug("a connection was not closed in time", extra={"error": str(error)})

    # ---------------------------------------------------------------- connecting

    async def _connect(self, client: _Client, arguments: dict[str, Any]) -> None:
        await client.connect(
            servers=list(self._access.servers),
            name="whimbrel",
            error_cb=self._error,
            closed_cb=self._closed,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=_CONNECT_S,
            ping_interval=_PING_S,
            max_outstanding_pings=1,
            **arguments,
        )
        self._told = ""
        self._inbox = client.new_inbox()
        await client.subscribe(f"{self._inbox}.*", cb=self._reply)

    async def _look(self, client: _Client) -> None:
        """Whether the stream is there; made, where that was asked for."""
        manager = client.jetstream(timeout=_API_S)
        try:
            await manager.stream_info(self._stream)
        except NotFoundError:
            if self._creation is None:
                raise Missing(f"there is no stream {self._stream}: make it, or set `create`") from None
            await manager.add_stream(self._config(self._creation))
        except (ServiceUnavailableError, NoRespondersError):
            raise BrokerError("JetStream is not enabled on the server, or not for this account") from None
        except NatsTimeoutError:
            raise BrokerError(
                self._told or f"JetStream does not say whether there is a stream {self._stream}"
            ) from None

    def _config(self, creation: Creation) -> StreamConfig:
        return StreamConfig(
            name=self._stream,
            description="Events of Whimbrel",
            subjects=[wildcard(self._subject.text)],
            storage=StorageType.FILE,
            num_replicas=creation.replicas,
            max_age=creation.keep_days * _DAY_S,
        )

    async def _error(self, error: Exception) -> None:
        """What the client reports by itself. A subject that we may not publish to is told only so."""
        self._told = _words(error)
        if _PERMISSION in self._told.lower() and self._flight is not None:
            self._flight.failed(self._told)

    async def _closed(self) -> None:
        self._lost = True
        if self._flight is not None:
            self._flight.failed(_LOST)

    # ---------------------------------------------------------------- publishing

    async def _send(self, flight: _Flight, records: Sequence[Record], first: int) -> None:
        """All that may leave now."""
        client = self._client
        sent = 0
        while flight.may_send and client is not None:
            place = flight.next()
            record = records[place]
            headers = {"Nats-Msg-Id": record.event_id, "Nats-Expected-Stream": self._stream} | record.headers()
            subject, reply = self._subject.of(record), f"{self._inbox}.{first + place}"
            await client.publish(subject, record.body, reply=reply, headers=headers)
            sent += 1
            if sent % _TURN == 0:
                await asyncio.sleep(0)

    async def _moved(self, flight: _Flight) -> None:
        """Until something may be sent, or all is done."""
        while flight.left and not flight.may_send and not flight.problem:
            flight.moved.clear()
            try:
                async with asyncio.timeout(_ACK_S):
                    await flight.moved.wait()
            except TimeoutError:
                raise BrokerError(f"no acknowledgement within {_ACK_S:.0f} s") from None

    async def _reply(self, message: Msg) -> None:
        """JetStream's word on one record; one of an earlier list may still come."""
        flight = self._flight
        place = int(message.subject.rpartition(".")[2]) - self._sent
        if flight is None or place < 0:
            return
        if not message.data:  # "503 no responders"
            flight.failed(f"no stream takes {self._subject.text}: the subjects of {self._stream} do not hold it")
            return
        refusal = _decode_reply(message.data).error
        if refusal is None:
            flight.acknowledged(place)
        else:
            flight.failed(f"JetStream refuses: {refusal.description} ({refusal.code})")


def _size(record: Record) -> int:
    return len(record.body) + _HEAD_OCTETS


def wildcard(pattern: str) -> str:
    """The subjects that a pattern may become. A type has two tokens, the rest one; a wildcard is a whole token."""
    *tokens, last = pattern.split(".")
    rest = ">" if tokens and last == _TYPE else _wildcard_token(last)
    return ".".join([*map(_wildcard_token, tokens), rest])


def _wildcard_token(token: str) -> str:
    if _TYPE in token:
        return ".".join("*" * (1 + token.count(_TYPE)))
    return "*" if "{" in token else token


def _words(error: Exception) -> str:
    if isinstance(error, MaxPayloadError):
        return "an event is larger than the server's max_payload"
    if isinstance(error, APIError):
        return f"JetStream refuses: {error.description} ({error.code})"
    if isinstance(error, ConnectionResetError | BrokenPipeError):  # its word may be lost with the connection
        return "the server closed the connection: does it take our credentials?"
    if isinstance(error, TimeoutError | NatsTimeoutError):
        return "no answer in time"
    return tls.in_words(error).removeprefix("nats: ")
