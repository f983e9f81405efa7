"""The misuse scenarios: what a client may do to a server that a good one never does, each as one row.

A row with a manner alone loads the server as usual and behaves badly meanwhile; a row with a play does something else
altogether. After each of them a good client looks whether the server still works.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from msgspec import Struct

from whimbrel.base.clock import SeededChance
from whimbrel.codec.smpp.pdu import ShortMessage, encode_body, header
from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DELIVER_SM,
    ENQUIRE_LINK,
    SUBMIT_SM,
    UNBIND,
)
from whimbrel_sandbox.client.connection import Connection
from whimbrel_sandbox.client.manner import GOOD, Answers, Manner, Numbers
from whimbrel_sandbox.client.run import Run

_ANSWER_S = 5.0
_BLOCK = 65_536
_HUGE = 64 * 1024 * 1024
_WRONG = "not the password"
_HTTP = b"GET / HTTP/1.1\r\nHost: smpp\r\nAccept: */*\r\n\r\n"
_TLS_HELLO = bytes.fromhex("16030100a5010000a10303") + bytes(150)
_GONE = (OSError, TimeoutError)

Play = Callable[[Run], Awaitable[None]]


async def _load(run: Run) -> None:
    """As usual; whoever answers deliveries badly stays a while, to see them again."""
    await run.bind_all()
    await run.load()
    if run.manner.answers is not Answers.OK:
        await run.stay(run.settings.receipt_wait_ms / 1000)


async def _bound(run: Run, command_id: int = BIND_TRANSCEIVER) -> Connection:
    connection = await run.connect()
    kind = command_id if run.settings.bind == "trx" or command_id == BIND_RECEIVER else BIND_TRANSMITTER
    await run.bind(connection, kind)
    return connection


async def _until_closed(connection: Connection, within_s: float) -> None:
    """Wait until the server closes the connection."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await asyncio.shield(connection.closed)


async def _write(connection: Connection, octets: bytes) -> None:
    connection.write(octets)
    await _until_closed(connection, _ANSWER_S)


async def _never_reads(run: Run) -> None:
    """Fills the socket's buffer with submits, and keeps the connection for a while."""
    await run.bind_all()
    for connection in [each for each in run.connections if each.role]:
        connection.stop_reading()
        for _ in range(run.settings.count):
            run.send_one(connection)
        await _until_closed(connection, _ANSWER_S)


async def _never_binds(run: Run) -> None:
    for _ in range(run.settings.count):
        await run.connect()
    until = run.now() + run.settings.seconds / 2
    for connection in run.connections:
        await _until_closed(connection, max(0.0, until - run.now()))


async def _bind_in_drops(run: Run) -> None:
    """A bind of which one octet comes in each second, until the server has had enough."""
    connection = await run.connect()
    body = run.bind_octets(BIND_TRANSCEIVER)
    octets = header(len(body), BIND_TRANSCEIVER, 0, 1) + body
    for at in range(len(octets) - 1):  # and never the last
        if connection.is_closed or run.now() - run.tally.started > run.settings.seconds / 2:
            return
        connection.write(octets[at : at + 1])
        await _until_closed(connection, 1.0)


async def _wrong_password(run: Run) -> None:
    for _ in range(run.settings.count):
        with contextlib.suppress(*_GONE):
            connection = await run.connect()
            await run.bind(connection, BIND_TRANSCEIVER, _WRONG)
            connection.close()


async def _many_binds(run: Run) -> None:
    """As many binds at once as `count` says; none is given up before all were tried."""
    for _ in range(run.settings.count):
        with contextlib.suppress(*_GONE):
            await _bound(run)


async def _many_connections(run: Run) -> None:
    for _ in range(run.settings.count):
        with contextlib.suppress(*_GONE):
            await run.connect()


async def _rebinds(run: Run) -> None:
    for _ in range(run.settings.count):
        with contextlib.suppress(*_GONE):
            connection = await _bound(run)
            connection.abort()


async def _binds_twice(run: Run) -> None:
    connection = await _bound(run)
    await run.bind(connection, BIND_TRANSCEIVER)


async def _unbinds_mid_window(run: Run) -> None:
    connection = await _bound(run)
    for _ in range(run.settings.count):
        run.send_one(connection)
    await connection.ask(UNBIND, within_s=_ANSWER_S)
    connection.is_leaving = True
    await _until_closed(connection, _ANSWER_S)


async def _vanishes_mid_window(run: Run) -> None:
    connection = await _bound(run)
    for _ in range(run.settings.count):
        run.send_one(connection)
    connection.abort()


async def _drops_mid_pdu(run: Run) -> None:
    connection = await _bound(run)
    [request, *_] = run.messages.next()
    octets = header(len(request.octets), request.command_id, 0, 1000) + request.octets
    connection.write(octets[: len(octets) // 2])
    connection.close()


async def _submits_on_receiver(run: Run) -> None:
    connection = await _bound(run, BIND_RECEIVER)
    await _ask_submits(run, connection)


async def _submits_unbound(run: Run) -> None:
    await _ask_submits(run, await run.connect())


async def _ask_submits(run: Run, connection: Connection) -> None:
    for _ in range(run.settings.count):
        run.send_one(connection)
    await run.settle(_ANSWER_S)


async def _delivers(run: Run) -> None:
    """A deliver_sm, which only servers may send."""
    connection = await _bound(run)
    [request, *_] = run.messages.next()
    await connection.ask(DELIVER_SM, request.octets, within_s=_ANSWER_S)


async def _enquires(run: Run) -> None:
    connection = await _bound(run)
    for _ in range(run.settings.count):
        connection.write(header(0, ENQUIRE_LINK, 0, 0x10000))
    await connection.ask(ENQUIRE_LINK, within_s=_ANSWER_S)


async def _garbage(run: Run) -> None:
    source = SeededChance(run.settings.seed)
    for _ in range(run.settings.count):
        connection = await run.connect()
        await _write_or_leave(connection, source.octets(1_000))
        bound = await _bound(run)
        # A length that may be, so that the server reads what follows as a body.
        body = source.octets(200)
        for command_id in (SUBMIT_SM, BIND_TRANSMITTER, 0x00000999):
            await _write_or_leave(bound, header(len(body), command_id, 0, 7) + body)


async def _write_or_leave(connection: Connection, octets: bytes) -> None:
    if not connection.is_closed:
        connection.write(octets)
        await _until_closed(connection, 0.2)


async def _huge_pdu(run: Run) -> None:
    """A command_length of 64 MiB, and octets until the server closes."""
    connection = await _bound(run)
    connection.write(_HUGE.to_bytes(4, "big") + header(0, SUBMIT_SM, 0, 7)[4:])
    for _ in range(_HUGE // _BLOCK):
        if connection.is_closed:
            return
        connection.write(bytes(_BLOCK))
        await asyncio.sleep(0)
    await _until_closed(connection, _ANSWER_S)


def _octets(octets: bytes, *, binds: bool = False) -> Play:
    """Writes the octets on a new connection, or after a bind."""

    async def play(run: Run) -> None:
        await _write(await _bound(run) if binds else await run.connect(), octets)

    return play


async def _long_text(run: Run) -> None:
    """sm_length says 255 octets, of which 10 come."""
    connection = await _bound(run)
    body = encode_body(SUBMIT_SM, ShortMessage(source="Shop", dest=run.messages.recipient()))
    await connection.ask(SUBMIT_SM, body[:-1] + b"\xff" + bytes(10), within_s=_ANSWER_S)


class Misuse(Struct, frozen=True):
    """One row."""

    name: str
    about: str
    play: Play = _load
    manner: Manner = GOOD


MISUSES: tuple[Misuse, ...] = (
    Misuse("never_reads", "sends the messages and reads nothing from then on", _never_reads),
    Misuse("slow_reader", "reads 512 octets 4 times a second", manner=Manner(reads=512)),
    Misuse("octet_by_octet", "writes each octet by itself", manner=Manner(piece_octets=1)),
    Misuse("floods", "sends all messages at once, whatever the window", manner=Manner(ignores_window=True)),
    Misuse("never_binds", "opens as many connections as messages, and says nothing", _never_binds),
    Misuse("bind_in_drops", "sends an octet of its bind each second, and never the last", _bind_in_drops),
    Misuse("wrong_password", "binds with a wrong password, as often as messages", _wrong_password),
    Misuse("many_binds", "binds as often as messages, all at once", _many_binds),
    Misuse("many_connections", "opens as many connections as messages", _many_connections),
    Misuse("rebinds", "binds and breaks the connection, as often as messages", _rebinds),
    Misuse("binds_twice", "binds a second time on the same connection", _binds_twice),
    Misuse("unbinds_mid_window", "sends the messages, and unbind right behind them", _unbinds_mid_window),
    Misuse("vanishes_mid_window", "sends the messages, and breaks the connection", _vanishes_mid_window),
    Misuse("drops_mid_pdu", "closes the connection in the middle of a submit_sm", _drops_mid_pdu),
    Misuse("ignores_deliveries", "never answers a deliver_sm", manner=Manner(answers=Answers.NOTHING)),
    Misuse("refuses_deliveries", "answers each deliver_sm with ESME_RX_T_APPN", manner=Manner(answers=Answers.ERROR)),
    Misuse(
        "rejects_deliveries", "answers each deliver_sm with ESME_RX_P_APPN", manner=Manner(answers=Answers.REJECTED)
    ),
    Misuse("answers_late", "answers each deliver_sm after 5 s", manner=Manner(answers=Answers.LATE)),
    Misuse("answers_twice", "answers each deliver_sm twice", manner=Manner(answers=Answers.TWICE)),
    Misuse(
        "answers_others",
        "answers each deliver_sm with a sequence number of no request",
        manner=Manner(answers=Answers.WRONG_NUMBER),
    ),
    Misuse("nacks_deliveries", "answers each deliver_sm with generic_nack", manner=Manner(answers=Answers.NACK)),
    Misuse("ignores_enquiries", "never answers enquire_link", manner=Manner(ignores_enquiries=True)),
    Misuse("sequence_zero", "gives every submit the sequence number 0", manner=Manner(numbers=Numbers.ZERO)),
    Misuse("sequence_same", "gives every submit the same sequence number", manner=Manner(numbers=Numbers.SAME)),
    Misuse("sequence_beyond", "counts submits from 0x80000000", manner=Manner(numbers=Numbers.BEYOND)),
    Misuse("sequence_backward", "counts submits down", manner=Manner(numbers=Numbers.BACKWARD)),
    Misuse("submits_on_receiver", "sends the messages on a receiver", _submits_on_receiver),
    Misuse("submits_unbound", "sends the messages before any bind", _submits_unbound),
    Misuse("delivers", "sends a deliver_sm to the server", _delivers),
    Misuse("enquire_storm", "sends as many enquire_link as messages, one after the other", _enquires),
    Misuse("garbage", "sends octets by chance, on new connections and behind PDU headers", _garbage),
    Misuse("huge_pdu", "sends a PDU of 64 MiB", _huge_pdu),
    Misuse(
        "length_short", "sends a command_length of 8", _octets(bytes.fromhex("00000008 00000004 00000000"), binds=True)
    ),
    Misuse("length_of_text", "sends a submit_sm whose sm_length reaches beyond it", _long_text),
    Misuse("unknown_command", "sends a request of no command", _octets(header(4, 0x999, 0, 7) + b"what", binds=True)),
    Misuse(
        "truncated",
        "sends a submit_sm that ends inside its fields",
        _octets(header(3, SUBMIT_SM, 0, 7) + b"\0\1\1", binds=True),
    ),
    Misuse(
        "responses_of_nothing",
        "sends responses to requests that never were",
        _octets(header(1, 0x80000005, 0, 99) + b"\0", binds=True),
    ),
    Misuse("http", "sends an HTTP request", _octets(_HTTP)),
    Misuse("tls_hello", "starts a TLS handshake", _octets(_TLS_HELLO)),
)

BY_NAME = {row.name: row for row in MISUSES}


async def misuse(run: Run, row: Misuse) -> None:
    """Play a row, and note whether the server lives afterwards."""
    with contextlib.suppress(*_GONE):
        await row.play(run)
    run.abort()
    await run.probe()
