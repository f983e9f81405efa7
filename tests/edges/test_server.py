"""The guards of the HTTP server, over real sockets: uvicorn has none of them, and they stand on its internals."""

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest
import uvicorn

from whimbrel.edges.shared.asgi import ClientGone, respond
from whimbrel.edges.shared.bodies import read_body
from whimbrel.edges.shared.protocol import Guard
from whimbrel.edges.shared.server import HttpServer

from .edge_rig import until

QUICK = Guard(headers_s=0.15, body_s=0.15, idle_s=60, linger_s=0.3, write_s=0.2, sweep_s=0.02)
HASTY = msgspec.structs.replace(QUICK, idle_s=0.3)
PATIENT = msgspec.structs.replace(QUICK, body_s=60, linger_s=60)
REQUEST = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"


async def application(scope, receive, send):
    """/echo answers the body, /early answers 413 before it reads, /huge more than any socket buffer, /live a stream."""
    path = scope["path"]
    if path == "/echo":
        try:
            body = await read_body(receive, None, 1 << 20)
        except ClientGone:
            return
        await respond(send, 200, [], body)
    elif path == "/early":
        await respond(send, 413, [], b"too large")
    elif path == "/huge":
        await respond(send, 200, [], b"x" * (64 << 20))
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"open", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass


@asynccontextmanager
async def serving(guard=QUICK):
    server = HttpServer(application, host="127.0.0.1", port=0, guard=guard)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(1)


@asynccontextmanager
async def connected(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def everything(reader, within_s=30.0):
    """All octets until the server closes."""
    async with asyncio.timeout(within_s):
        return await reader.read(-1)


async def one_answer(reader):
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return int(head[9:12]), await reader.readexactly(length)


def code_of(octets):
    head, _, body = octets.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head and b"connection: close" in head, octets
    assert int(head[9:12]) == msgspec.json.decode(body)["status"]
    return msgspec.json.decode(body)["code"]


def test_the_internals_that_the_guard_stands_on_are_of_this_version():
    assert uvicorn.__version__.startswith("0.54."), "read protocol.py against the new uvicorn, then change this line"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(b"POST /echo HT", "request_timeout", id="half a request line"),
        pytest.param(b"POST /echo HTTP/1.1\r\nhost: x\r\n", "request_timeout", id="half the headers"),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhel", "request_timeout", id="half a body"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nx: " + b"a" * 40_000, "headers_too_large", id="one endless header"),
        pytest.param(b"GET /" + b"a" * 40_000, "headers_too_large", id="an endless request line"),
        pytest.param(
            b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 8_000 + b"\r\n", "headers_too_large", id="many small headers"
        ),
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n\r\n", "malformed_http", id="another protocol"),
        pytest.param(
            b"POST /echo HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", "malformed_http",
            id="two lengths: request smuggling",
        ),
    ],
)  # fmt: skip
async def test_what_is_slow_too_large_or_no_http_is_refused_and_closed(sent, code):
    async with serving() as server, connected(server) as (reader, writer):
        writer.write(sent)
        assert code_of(await everything(reader)) == code


async def test_an_upgrade_is_ignored_and_the_request_answered():
    async with serving() as server, connected(server) as (reader, writer):
        writer.write(b"GET /echo HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
        octets = await everything(reader)
        assert octets.startswith(b"HTTP/1.1 200") and b"connection: close" in octets


async def test_a_body_that_drips_is_cut_although_octets_keep_coming():
    async with serving() as server, connected(server) as (reader, writer):
        writer.write(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n")

        async def drip():
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert code_of(await everything(reader)) == "request_timeout"
        dripping.cancel()


async def test_a_connection_is_kept_for_further_requests_and_closed_without_a_word_when_idle():
    async with serving() as server, connected(server) as (reader, writer):
        for number in range(3):
            if number == 2:
                (connection,) = server.server_state.connections
                connection._guard = HASTY
            writer.write(REQUEST)
            assert await one_answer(reader) == (200, b"hello")
        assert await everything(reader) == b""


async def test_a_connection_that_never_speaks_is_closed_without_a_word():
    async with serving(HASTY) as server, connected(server) as (reader, _):
        assert await everything(reader) == b""


async def test_pipelined_requests_are_answered_in_order():
    async with serving() as server, connected(server) as (reader, writer):
        writer.write(REQUEST + REQUEST.replace(b"hello", b"world") + REQUEST)
        answers = [await one_answer(reader) for _ in range(3)]
        assert [body for _, body in answers] == [b"hello", b"world", b"hello"]


async def test_a_request_before_garbage_is_still_answered():
    async with serving() as server, connected(server) as (reader, writer):
        writer.write(REQUEST + b"\x00\x01garbage\r\n\r\n")
        octets = await everything(reader)
        assert octets.startswith(b"HTTP/1.1 200") and octets.endswith(b"hello")


async def test_an_early_answer_is_not_lost_while_the_body_still_comes():
    async with serving(PATIENT) as server, connected(server) as (reader, writer):
        writer.write(b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n")
        answer = asyncio.create_task(one_answer(reader))
        for _ in range(40):
            writer.write(b"x" * 100_000)
            await writer.drain()
        assert await answer == (413, b"too large")
        writer.write(REQUEST)
        assert await one_answer(reader) == (200, b"hello")


async def test_a_client_that_ignores_an_early_answer_is_closed():
    async with serving() as server, connected(server) as (reader, writer):
        writer.write(b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n")
        assert (await everything(reader)).endswith(b"too large")


async def test_a_client_that_does_not_read_its_answer_is_cut():
    async with serving() as server, connected(server) as (_, writer):
        writer.transport.pause_reading()
        writer.write(b"GET /huge HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: server.server_state.connections)
        await until(lambda: not server.server_state.connections)


async def test_connections_beyond_the_cap_are_refused():
    small = msgspec.structs.replace(QUICK, connections_max=2)
    async with serving(small) as server, connected(server), connected(server), connected(server) as (reader, _):
        assert code_of(await everything(reader)) == "overloaded"


async def test_stopping_ends_streams_and_takes_no_more_connections():
    async with serving() as server, connected(server) as (reader, writer):
        writer.write(b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"open")
        port = server.port
        async with asyncio.timeout(30):
            await server.stop(60)
        await everything(reader)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
