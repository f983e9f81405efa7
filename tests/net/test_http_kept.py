"""Connections of the HTTP client that are kept, and those that must not be: each against a server that does it."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ended
from whimbrel.base.limits import RESPONSE_BODY_MAX
from whimbrel.net import http_dial, http_pool, names
from whimbrel.net.http import Failure, HttpClient, Response
from whimbrel.net.http_pool import Pool

from .http_rig import LOOPBACK, Script, Sink, answer_of, certificate_for, client, expire, serving, sink

OK = answer_of("200 OK", body=b"ok")


async def post(http: HttpClient, port: int, body: bytes = b"x", timeout_s: float = 30) -> Response | Failure:
    return await http.post(f"http://127.0.0.1:{port}/", body, {}, timeout_s=timeout_s)


async def test_a_kept_connection_that_closes_without_an_answer_is_replaced_at_once() -> None:
    script = Script([OK, b""], [OK])
    async with serving(script.serve) as port, client() as http:
        answers = [await post(http, port) for _ in range(2)]
        assert http._pool.places_taken == 1
    assert all(isinstance(answer, Response) for answer in answers)
    assert (script.connections, script.requests) == (2, 3)


async def test_it_is_replaced_once() -> None:
    script = Script([OK, b""], [b""])
    async with serving(script.serve) as port, client() as http:
        answers = [await post(http, port) for _ in range(2)]
        assert http._pool.places_taken == 0
    assert isinstance(answers[1], Failure)
    assert answers[1].reason == "connection_lost"
    assert (script.connections, script.requests) == (2, 3)


async def test_the_first_use_of_a_connection_is_not_repeated() -> None:
    script = Script([b""])
    async with serving(script.serve) as port, client() as http:
        answer = await post(http, port)
    assert isinstance(answer, Failure)
    assert answer.reason == "connection_lost"
    assert script.requests == 1


async def test_a_kept_connection_that_breaks_off_in_its_answer_is_not_repeated() -> None:
    script = Script([OK, b"HTTP/1.1 2", b""], [OK])

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for octets in (OK, b"HTTP/1.1 2"):
            await reader.readuntil(b"\r\n\r\nx")
            writer.write(octets)
            script.requests += 1
        writer.close()

    async with serving(cut) as port, client() as http:
        answers = [await post(http, port) for _ in range(2)]
    assert isinstance(answers[1], Failure)
    assert answers[1].reason == "connection_lost"
    assert script.requests == 2


@pytest.mark.parametrize(
    "answer",
    [
        answer_of("200 OK", "Connection: close", body=b"ok"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + b"x",
        OK + answer_of("200 OK", body=b"evil"),
        answer_of("204 No Content") + b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_what_must_not_be_used_again(answer: bytes) -> None:
    script = Script([answer], [OK])
    async with serving(script.serve) as port, client() as http:
        first, second = await post(http, port), await post(http, port)
        async with asyncio.timeout(30):
            await script.closed.wait()
    assert isinstance(first, Response)
    assert isinstance(second, Response)
    assert first.body in (b"ok", b"")
    assert second.body == b"ok"
    assert script.connections == 2


async def test_octets_on_an_idle_connection_close_it() -> None:
    """An answer sent ahead would be taken for the answer to the next request."""
    say, said = asyncio.Event(), asyncio.Event()
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\nx"))
        writer.write(OK)
        if len(heads) == 1:
            await say.wait()
            writer.write(answer_of("200 OK", body=b"evil"))
            await reader.read()  # the client closes
            said.set()
        writer.close()

    async with serving(talk) as port, client() as http:
        assert isinstance(await post(http, port), Response)
        assert http._pool.idle == 1
        say.set()
        async with asyncio.timeout(30):
            await said.wait()
        second = await post(http, port)
    assert isinstance(second, Response)
    assert second.body == b"ok"
    assert len(heads) == 2


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it")
        writer.close()

    async with serving(old) as port, client() as http:
        answer = await post(http, port)
        assert http._pool.places_taken == 0
    assert isinstance(answer, Response)
    assert answer.body == b"all of it"


@pytest.mark.parametrize("how", ["timeout", "cancel"])
async def test_a_call_that_ends_early_takes_its_connection_with_it(how: str) -> None:
    """The late answer of one request must not be read as that of the next."""
    late = asyncio.Event()
    script = Script([OK])
    gone = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if late.is_set():
            await script.serve(reader, writer)
            return
        await reader.readuntil(b"\r\n\r\nx")
        late.set()
        await reader.read()
        gone.set()
        writer.close()

    async with serving(slow) as port, client() as http:
        task = asyncio.ensure_future(post(http, port, timeout_s=30))
        async with asyncio.timeout(30):
            await late.wait()
        if how == "cancel":
            task.cancel()
        else:
            expire(http)
        await asyncio.wait([task])
        async with asyncio.timeout(30):
            await gone.wait()
        assert http._pool.places_taken == 0
        second = await post(http, port)
    assert isinstance(second, Response)
    assert task.cancelled() or task.result().reason == "timeout"  # type: ignore[union-attr]


async def test_a_peer_that_does_not_read_ends_at_the_deadline() -> None:
    done = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await done.wait()
        writer.transport.abort()

    async with serving(deaf) as port, client() as http:
        answer = await post(http, port, b"x" * 32_000_000, 0.2)
        assert http._pool.places_taken == 0
        done.set()
    assert isinstance(answer, Failure)
    assert answer.reason == "timeout"


async def test_a_refusal_ahead_of_the_whole_request_is_an_answer_and_the_last() -> None:
    done = asyncio.Event()

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(answer_of("413 Content Too Large"))
        await done.wait()
        writer.transport.abort()

    async with serving(early) as port, client() as http:
        answer = await post(http, port, b"x" * 32_000_000)
        assert (http._pool.places_taken, http._pool.idle) == (0, 0)
        done.set()
    assert isinstance(answer, Response)
    assert answer.status == 413


async def test_a_kept_connection_of_tls_is_used_again_and_has_the_name(tmp_path: Path) -> None:
    own_tls, trusting = certificate_for("xn--mller-kva.example", tmp_path)
    names: list[str] = []
    own_tls.sni_callback = lambda _object, name, _context: names.append(name)
    one = Sink(OK)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=own_tls)
    port = server.sockets[0].getsockname()[1]

    async def lookup(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    http = HttpClient(LOOPBACK, tls=trusting, lookup=lookup)
    http._pool = Pool(keep_alive_s=60.0)
    await http.start()
    for host in ("xn--mller-kva.example", "XN--MLLER-KVA.example", "xn--mller-kva.example."):
        answer = await http.post(f"https://{host}:{port}/", b"x", {}, timeout_s=30)
        assert isinstance(answer, Response), answer
    await http.stop()
    await ended(server)
    assert names == ["xn--mller-kva.example"] * 2  # the name with a dot at its end is another origin
    assert [head.split(b"\r\n")[1] for head, _ in one.requests] == [b"Host: xn--mller-kva.example:%d" % port] * 3


async def test_tls_that_never_answers_is_a_connect_timeout_and_nothing_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    async with serving(mute) as port, client() as http:
        http._dialer._connect_timeout_s = 0.1  # type: ignore[union-attr]
        answer = await http.post(f"https://127.0.0.1:{port}/", b"x", {}, timeout_s=30)
        async with asyncio.timeout(30):
            await gone.wait()
        assert http._pool.places_taken == 0
    assert isinstance(answer, Failure)
    assert answer.reason == "connect_timeout"


async def test_addresses_are_tried_in_their_order_until_one_connects() -> None:
    async with sink() as server, client(names={"a.example": ["127.0.0.3", "127.0.0.2", "127.0.0.1"]}) as http:
        tried = _dialled(http)
        for _ in range(2):
            answer = await http.post(f"http://a.example:{server.port}/", b"x", {}, timeout_s=30)
            assert isinstance(answer, Response)
    assert tried == ["127.0.0.3", "127.0.0.2", "127.0.0.1"]
    assert server.connections == 1


async def test_an_address_that_hangs_does_not_keep_the_next_from_its_turn() -> None:
    async with sink() as server, client(names={"a.example": ["127.0.0.2", "127.0.0.1"]}) as http:
        dialer: Any = http._dialer
        dialer._connect_timeout_s = 0.1
        connect = dialer._connect

        async def hang(address: str, *rest: object) -> object:
            if address == "127.0.0.2":
                dialer._connect_timeout_s = 30  # for the next one, which may be slow
                await asyncio.Event().wait()
            return await connect(address, *rest)

        dialer._connect = hang
        answer = await http.post(f"http://a.example:{server.port}/", b"x", {}, timeout_s=30)
    assert isinstance(answer, Response)


def _dialled(http: HttpClient) -> list[str]:
    """The addresses that the client connects to from now on."""
    dialer: Any = http._dialer
    connect, tried = dialer._connect, []

    async def noting(address: str, *rest: object) -> object:
        tried.append(address)
        return await connect(address, *rest)

    dialer._connect = noting
    return tried


async def test_a_name_that_changes_its_mind_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the second answer of the resolver is never connected to."""
    monkeypatch.setattr(names, "NAMES_KEPT_S", 60.0)
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def lookup(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    async with sink(answer_of("200 OK", "Connection: close")) as server:
        http = HttpClient(LOOPBACK, lookup=lookup)
        await http.start()
        tried = _dialled(http)
        for _ in range(3):
            answer = await http.post(f"http://a.example:{server.port}/", b"x", {}, timeout_s=30)
            assert isinstance(answer, Response)
        await http.stop()
    assert tried == ["127.0.0.1"] * 3
    assert answers == [["10.0.0.1"]]


async def test_small_requests_do_not_wait_for_acknowledgements() -> None:
    async with sink() as server, client() as http:
        await post(http, server.port)
        (connection,) = http._pool._open
        assert connection._transport is not None
        wire = connection._transport.get_extra_info("socket")
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def test_more_calls_than_connections_wait_in_line() -> None:
    async with sink(OK) as server, client() as http:
        http._pool = Pool(connections_max=2)
        answers = await asyncio.gather(*(post(http, server.port) for _ in range(50)))
        assert (http._pool.places_taken, http._pool.idle) == (2, 2)
    assert all(isinstance(answer, Response) for answer in answers)
    assert server.connections == 2


async def test_waiting_for_a_place_ends_at_the_deadline() -> None:
    async with sink(b"") as server, client() as http:
        http._pool = Pool(connections_max=1)
        first = asyncio.ensure_future(post(http, server.port, timeout_s=30))
        async with asyncio.timeout(30):
            await server.asked.wait()
        second = await post(http, server.port, timeout_s=0.1)
        assert isinstance(second, Failure)
        assert second.reason == "timeout"
        first.cancel()
        await asyncio.wait([first])
        assert http._pool.places_taken == 0


async def test_the_sweep_closes_idle_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pool, "_SWEEP_S", 0.01)
    script = Script([OK])
    async with serving(script.serve) as port, client() as http:
        http._pool._keep_alive_s = 0.05
        await post(http, port)
        async with asyncio.timeout(30):
            await script.closed.wait()
        assert http._pool.places_taken == 0


@pytest.mark.parametrize("where", ["name", "connect", "line", "answer", "kept"])
async def test_calls_under_way_fail_when_the_client_stops(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = asyncio.Event()

    async def hang(*_: object) -> Any:
        reached.set()
        await asyncio.Event().wait()

    async with sink(OK if where == "kept" else b"") as server:
        http = HttpClient(LOOPBACK, lookup=hang)
        await http.start()
        if where == "connect":
            monkeypatch.setattr(http_dial.Dialer, "_connect", hang)
        if where == "line":
            http._pool = Pool(connections_max=0)
            asyncio.get_running_loop().call_later(0.05, reached.set)
        if where == "kept":
            await post(http, server.port)
            server.answer = b""
        if where in ("answer", "kept"):
            server.asked.clear()
            reached = server.asked
        host = "a.example" if where == "name" else "127.0.0.1"
        call = asyncio.ensure_future(http.post(f"http://{host}:{server.port}/", b"x", {}, timeout_s=30))
        async with asyncio.timeout(30):
            await reached.wait()
            await http.stop()
            answer = await call
        after = await post(http, server.port)
    assert isinstance(answer, Failure)
    assert (answer.reason, answer.detail) == ("connection_lost", "the client was stopped")
    assert isinstance(after, Failure)
    assert len(server.requests) == {"answer": 1, "kept": 2}.get(where, 0)


async def test_who_gets_a_place_in_the_turn_of_the_stop_opens_nothing() -> None:
    async with sink(OK) as server:
        http = HttpClient(LOOPBACK)
        await http.start()
        http._pool = Pool(connections_max=1)
        assert await http._pool.place(None) is None
        tried = _dialled(http)
        call = asyncio.ensure_future(post(http, server.port))
        await asyncio.sleep(0)
        http._pool.leave()
        await http.stop()
        answer = await call
    assert isinstance(answer, Failure)
    assert answer.detail == "the client was stopped"
    assert tried == []


async def test_a_start_opens_nothing() -> None:
    async with client() as http:
        assert (http._pool.places_taken, http._names._kept) == (0, {})


async def test_a_giant_answer_is_not_read_on() -> None:
    sent = 0

    async def giant(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while sent < 1_000_000_000:
                writer.write(b"z" * 65536)
                await writer.drain()
                sent += 65536
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with serving(giant) as port, client() as http:
        answer = await post(http, port)
        assert http._pool.places_taken == 0
    assert isinstance(answer, Response)
    assert len(answer.body) == RESPONSE_BODY_MAX
    assert sent < 50_000_000
