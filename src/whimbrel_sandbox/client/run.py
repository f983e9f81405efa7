"""One run of the client: connect, bind, send at the rate and within the windows, wait for receipts, leave.

Apart from the scenarios, which use its parts in the wrong order. One loop timer serves all binds; no message has a task
of its own.
"""

import asyncio
import contextlib
import ssl
from collections import deque

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.codec.smpp.pdu import BadPdu, Bind, Pdu, encode_body
from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    ENQUIRE_LINK,
    UNBIND,
    status_name,
)
from whimbrel_sandbox.client.connection import Connection
from whimbrel_sandbox.client.manner import GOOD, Manner
from whimbrel_sandbox.client.messages import Messages, Request
from whimbrel_sandbox.client.settings import Settings
from whimbrel_sandbox.client.tally import Tally

ALIVE = "a bind and an enquire_link work"
_TICK_S = 0.005
_ANSWER_S = 10.0
_VERSIONS = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}
_COMMANDS = {"trx": (BIND_TRANSCEIVER,), "tx": (BIND_TRANSMITTER,), "rx": (BIND_RECEIVER,)}


class Run:
    """What all parts of a run share: settings, counts, connections."""

    def __init__(self, settings: Settings, manner: Manner = GOOD, *, clock: Clock) -> None:
        self._clock = clock
        self.loop = asyncio.get_running_loop()
        self.settings = settings
        self.manner = manner
        self.tally = Tally(started=self.now())
        self.connections: list[Connection] = []
        self.messages = Messages(settings)
        self._tls = _tls(settings)
        self._waiting: deque[Request] = deque()
        self._left = 0

    def now(self) -> float:
        """Seconds that never run backwards. The loop's own time is too coarse for latencies."""
        return self._clock.monotonic_us() / SECOND_US

    # Connections and binds.

    async def connect(self, manner: Manner | None = None) -> Connection:
        """A connection without a bind. Raises OSError."""
        settings = self.settings
        name = (settings.tls_name or settings.host) if self._tls is not None else None
        async with asyncio.timeout(_ANSWER_S):
            _, connection = await self.loop.create_connection(
                lambda: Connection(self.tally, manner or self.manner, self.now, self._pump),
                settings.host,
                settings.port,
                ssl=self._tls,
                server_hostname=name,
            )
        self.connections.append(connection)
        return connection

    async def bind(self, connection: Connection, command_id: int, password: str | None = None) -> int:
        """Bind; answers the command_status. Raises ConnectionError and TimeoutError."""
        octets = self.bind_octets(command_id, password)
        answer = await connection.ask(command_id, octets, within_s=_ANSWER_S)
        if isinstance(answer, BadPdu) or answer.status or answer.command_id != command_id | 0x80000000:
            status = answer.status or -1
            name = status_name(answer.status) if answer.status else "no bind_resp"
            self.tally.binds_refused[name] = self.tally.binds_refused.get(name, 0) + 1
            return status
        connection.role = command_id
        self.tally.binds += 1
        if self.manner.reads >= 0:
            connection.stop_reading()
        return 0

    def bind_octets(self, command_id: int, password: str | None = None) -> bytes:
        """The body of a bind."""
        settings = self.settings
        secret = settings.password if password is None else password
        version = _VERSIONS[settings.version]
        return encode_body(command_id, Bind(settings.system_id, secret, settings.system_type, version))

    async def bind_all(self) -> None:
        """All binds of the settings, one after the other. Those that are refused are counted."""
        kinds = _COMMANDS.get(self.settings.bind, (BIND_TRANSMITTER, BIND_RECEIVER))
        for command_id in kinds * self.settings.binds:
            with contextlib.suppress(OSError, TimeoutError):
                connection = await self.connect()
                if await self.bind(connection, command_id):
                    connection.close()

    async def probe(self) -> None:
        """Look whether a good client can still bind and gets an answer to enquire_link, and note it."""
        self.tally.afterwards = await self._probe()
        self.tally.alive = self.tally.afterwards == ALIVE

    async def _probe(self) -> str:
        beside = Run(self.settings, clock=self._clock)
        try:
            connection = await beside.connect()
            kind = _COMMANDS.get(self.settings.bind, (BIND_TRANSMITTER,))[0]
            if await beside.bind(connection, kind):
                return f"a bind is refused with {next(iter(beside.tally.binds_refused))}"
            answer = await connection.ask(ENQUIRE_LINK, within_s=_ANSWER_S)
            await beside.leave()
            return (
                ALIVE if isinstance(answer, Pdu) and not answer.status else "enquire_link is answered by something else"
            )
        except TimeoutError:
            return f"no answer within {_ANSWER_S:g} s"
        except OSError as error:
            return f"no connection: {error}"
        finally:
            beside.abort()

    # Messages.

    async def load(self) -> None:
        """Send all messages and wait for their answers and receipts, as long as the settings allow."""
        senders = [each for each in self.connections if each.role not in (0, BIND_RECEIVER)]
        if not senders:
            return
        settings = self.settings
        self.tally.started = self.tally.ended = self.now()
        self._left = settings.count
        self._pump()
        while (self._left or self._waiting or self._in_flight()) and self._senders():
            await self._tick()
        until = self.now() + settings.receipt_wait_ms / 1000
        while self.tally.missing > 0 and self.now() < until and self._receivers():
            await self._tick()

    def send_one(self, connection: Connection) -> None:
        """The PDUs of one message, at once and whatever the window says."""
        for request in self.messages.next():
            connection.submit(request)
        connection.flush()

    async def settle(self, within_s: float) -> None:
        """Wait until every submit has its answer, or the connections are gone, or the time is over."""
        until = self.now() + within_s
        while self._in_flight() and self.now() < until:
            await self._tick()

    async def stay(self, for_s: float) -> None:
        """Stay bound for so long, or until every connection is gone."""
        until = self.now() + for_s
        while self._receivers() and self.now() < until:
            await self._tick()

    async def leave(self) -> None:
        """Unbind and close every connection that is up."""
        for connection in self.connections:
            connection.is_leaving = True
            if connection.role and not connection.is_closed:
                with contextlib.suppress(OSError, TimeoutError):
                    await connection.ask(UNBIND, within_s=1.0)
            connection.close()

    def abort(self) -> None:
        """Break every connection that is up."""
        for connection in self.connections:
            if not connection.is_closed:
                connection.abort()

    async def gone(self) -> None:
        """Break what is up, and wait until each connection has said what it still waited for."""
        self.abort()
        if self.connections:
            await asyncio.wait([each.closed for each in self.connections], timeout=1.0)

    def _senders(self) -> list[Connection]:
        return [each for each in self.connections if not each.is_closed and each.role not in (0, BIND_RECEIVER)]

    def _receivers(self) -> list[Connection]:
        return [each for each in self.connections if not each.is_closed and each.role not in (0, BIND_TRANSMITTER)]

    def _in_flight(self) -> int:
        return sum(len(each.flights) for each in self.connections)

    async def _tick(self) -> None:
        """Let a moment pass: what the rate allows now is sent, what waited too long is counted."""
        await asyncio.sleep(_TICK_S)
        now = self.now()
        for connection in self._senders():
            connection.expire(now - self.settings.response_timeout_ms / 1000)
        silent_s = self.settings.enquire_link_ms / 1000
        for connection in self.connections:
            if silent_s and connection.role and not connection.is_closed and connection.heard_at < now - silent_s:
                connection.heard_at = now
                connection.enquire()
        self._pump()

    def _pump(self) -> None:
        """Send what the rate and the windows let, in turn over the binds."""
        senders = self._senders()
        if not senders or not (self._left or self._waiting):
            return
        window = 1 << 30 if self.manner.ignores_window else self.settings.window
        while True:
            free = [each for each in senders if len(each.flights) < window]
            sent = 0
            for connection in free:
                if not self._more():
                    break
                connection.submit(self._waiting.popleft())
                sent += 1
            if not sent:
                break
        for connection in senders:
            connection.flush()

    def _more(self) -> bool:
        """Whether a PDU may be sent now; makes the next message when the rate allows one."""
        if self._waiting:
            return True
        if not self._left:
            return False
        rate = self.settings.rate
        made = self.settings.count - self._left
        if rate and made >= (self.now() - self.tally.started) * rate + 1:
            return False
        self._left -= 1
        self._waiting.extend(self.messages.next())
        return True


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """Raises OSError for files that are no certificates."""
    if settings.tls == "off":
        return None
    context = ssl.create_default_context(cafile=settings.tls_ca)
    if settings.tls == "unverified":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.tls_cert is not None:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context
