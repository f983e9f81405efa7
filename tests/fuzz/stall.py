"""A real listener under garbage: while some connections send it, an honest one's enquire_link is answered in time.

The listener and the sender of garbage are two more processes, so that the listener's time and memory are its own, and
nobody's work delays the honest peer's clock. `hold` drives them.
"""

import asyncio
import contextlib
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop

from tests.fuzz import seeds
from whimbrel.codec.smpp.events import BindRequested, Event, Role, Settings, SubmitReceived
from whimbrel.codec.smpp.pdu import Bind, BindResp, Pdu, ShortMessage, encode, header, make_tlv
from whimbrel.codec.smpp.tables import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    HEADER_OCTETS,
    SUBMIT_SM,
    Tag,
)
from whimbrel.net.smpp import LinkHandlers, SmppLink, listen

ANSWER_MAX_S = 1.0
_ANSWERS_MIN = 11
RSS_MAX_MB = 256
_PIECE_OCTETS = 32 * 1024
_ROOT = Path(__file__).parents[2]
_BIND = encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("phones", "secret")))


class Held(msgspec.Struct, frozen=True):
    """What a run saw: enquire_links answered, the slowest of them, the most that the listener worked before one of
    them, garbage sent, and the listener's largest memory."""

    answers: int
    slowest_s: float
    most_work_s: float  # of its processor, whatever else the machine does meanwhile
    garbage_octets: int
    connections: int
    peak_rss_mb: int


async def hold(seconds: float, *, seed: int, garbage_connections: int = 12) -> Held:
    """Run for `seconds`, or until there were _ANSWERS_MIN answers, and say what happened; TimeoutError when the honest
    connection is not answered at all."""
    listener = await _start("listen")
    port = int(await listener.stdout.readline())
    sender = await _start("send", port, seed, garbage_connections)
    try:
        answers, slowest_s, most_work_s = await _honest(port, seconds, listener.pid)
    finally:
        said = [await _end(process) for process in (sender, listener)]
    octets, connections = said[0].split()
    return Held(answers, slowest_s, most_work_s, int(octets), int(connections), int(said[1]))


async def _start(*arguments: object) -> asyncio.subprocess.Process:
    """This file as a process, which works until its input ends and then says what it counted."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.fuzz.stall", *map(str, arguments)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT / "src"), str(_ROOT)])},
    )


async def _end(process: asyncio.subprocess.Process) -> bytes:
    said, _ = await process.communicate(b"")
    return said


async def _honest(port: int, seconds: float, listener: int) -> tuple[int, float, float]:
    """Asks twenty times a second; what counts is the time to each answer, the clock's and the listener's own."""
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_BIND)
    await _next(reader)
    end, slowest_s, most_work_s, answers = loop.time() + seconds, 0.0, 0.0, 0
    while loop.time() < end or answers < _ANSWERS_MIN:
        asked_at, worked_s = loop.time(), _worked_s(listener)
        writer.write(header(0, ENQUIRE_LINK, 0, answers + 2))
        answer = await _next(reader)
        assert answer[4:] == header(0, ENQUIRE_LINK_RESP, 0, answers + 2)[4:]
        slowest_s = max(slowest_s, loop.time() - asked_at)
        most_work_s = max(most_work_s, _worked_s(listener) - worked_s)
        answers += 1
        await asyncio.sleep(0.05)
    writer.close()
    return answers, slowest_s, most_work_s


def _worked_s(pid: int) -> float:
    """Seconds for which a process had a processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # in its own code, and in the system's


async def _next(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(60):
        head = await reader.readexactly(HEADER_OCTETS)
        await reader.readexactly(int.from_bytes(head[:4], "big") - HEADER_OCTETS)
        return head


# The sender.


async def _send(port: int, seed: int, connections: int) -> None:
    chance, sent = random.Random(seed), [0, 0]
    kinds = [_random, _mutated, _flood, _slow_reader, _drip, _halves]
    senders = [
        asyncio.ensure_future(_garbage(port, kinds[number % len(kinds)], random.Random(chance.random()), sent))
        for number in range(connections)
    ]
    await _end_of_input()
    for sender in senders:
        sender.cancel()
    await asyncio.gather(*senders, return_exceptions=True)
    sys.stdout.write(f"{sent[0]} {sent[1]}")


async def _garbage(port: int, kind: Callable[[random.Random], bytes], chance: random.Random, sent: list[int]) -> None:
    """Connect, send pieces of one kind until the listener has had enough, and connect again."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            sent[1] += 1
            await _send_until_closed(reader, writer, kind, chance, sent)
        await asyncio.sleep(0)


async def _send_until_closed(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    kind: Callable[[random.Random], bytes],
    chance: random.Random,
    sent: list[int],
) -> None:
    drains = kind is not _slow_reader
    try:
        if chance.random() < 0.7:
            writer.write(_BIND)
        for _ in range(chance.randint(1, 40)):
            piece = kind(chance)
            writer.write(piece)
            sent[0] += len(piece)
            await writer.drain()
            if drains:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        if not await reader.read(_PIECE_OCTETS):
                            return
    finally:
        writer.transport.abort()


# Kinds of garbage, a piece at a time.


def _random(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(1, _PIECE_OCTETS))


def _mutated(chance: random.Random) -> bytes:
    stream = bytearray(b"".join(chance.choices(seeds.pdus(), k=200)))
    for _ in range(chance.randint(1, 20)):
        stream[chance.randrange(len(stream))] = chance.randrange(256)
    return bytes(stream)


def _flood(chance: random.Random) -> bytes:
    """Requests by the thousand, each of which wants an answer."""
    text = encode(Pdu(SUBMIT_SM, 0, 7, ShortMessage(dest="447700900123", short_message=b"hello")))
    return (header(0, ENQUIRE_LINK, 0, 1) + text) * chance.randint(1, 400)


def _slow_reader(chance: random.Random) -> bytes:
    """The same from a peer that never reads the answers."""
    return header(0, ENQUIRE_LINK, 0, 1) * chance.randint(1, 2000)


def _drip(chance: random.Random) -> bytes:
    """The largest PDU, a few octets at a time."""
    whole = encode(Pdu(DELIVER_SM, 0, 1, ShortMessage(), (make_tlv(Tag.MESSAGE_PAYLOAD, bytes(65_000)),)))
    return whole[: chance.randint(1, 64)] if chance.random() < 0.9 else whole


def _halves(chance: random.Random) -> bytes:
    one = chance.choice(seeds.pdus())
    return one[: chance.randint(0, len(one))]


# The listener.


def _answer(link: SmppLink, events: list[Event]) -> None:
    for event in events:
        if isinstance(event, BindRequested):
            link.respond(event.pdu, 0, BindResp("SMSC"))
        elif isinstance(event, SubmitReceived):
            link.respond(event.pdu)


async def _listen() -> None:
    loop = asyncio.get_running_loop()
    handlers = LinkHandlers(_answer, lambda link, tokens, reason: None)
    server = await listen(loop, "127.0.0.1", 0, lambda: SmppLink(loop, Role.SMSC, Settings(), handlers))
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await _end_of_input()
    server.close()
    sys.stdout.write(str(_peak_mb()))


async def _end_of_input() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def _peak_mb() -> int:
    """Largest resident memory of this program. Not `ru_maxrss`: that is inherited from whoever started it."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def _main(verb: str, *numbers: str) -> None:
    """uvloop, as in the product."""
    uvloop.run(_listen() if verb == "listen" else _send(*map(int, numbers)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
