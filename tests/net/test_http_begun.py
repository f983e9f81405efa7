"""Requests of the HTTP client that nobody waits for: their end is told, once and later, on whatever way they go."""

import asyncio
from typing import cast

from whimbrel.net.http import Failure, HeaderLines, HttpClient, Response

from .http_rig import Script, answer_of, client, serving, sink

OK = answer_of("200 OK", body=b"ok")


class Told:
    """What one is told."""

    def __init__(self) -> None:
        self.ends: list[Response | Failure] = []
        self._came = asyncio.Event()

    def done(self, end: Response | Failure) -> None:
        self.ends.append(end)
        self._came.set()

    async def all(self, count: int) -> list[Response | Failure]:
        """The ends, once there are so many."""
        async with asyncio.timeout(30):
            while len(self.ends) < count:
                self._came.clear()
                await self._came.wait()
        return self.ends


def begin(http: HttpClient, port: int, told: Told, *, timeout_s: float = 30) -> None:
    http.begin(f"http://127.0.0.1:{port}/", b"x", HeaderLines("x-a: 1\r\n"), timeout_s=timeout_s, done=told.done)


async def test_it_opens_connections_and_uses_them_again() -> None:
    told = Told()
    async with sink() as server, client() as http:
        for _ in range(3):
            begin(http, server.port, told)
        assert told.ends == []  # never before it returns
        await told.all(3)
        for _ in range(3):
            begin(http, server.port, told)
        assert len(told.ends) == 3
        ends = await told.all(6)
        assert http._pool.idle == 3
    assert [cast(Response, end).status for end in ends] == [204] * 6
    assert server.connections == 3
    assert all(b"\r\nx-a: 1\r\nContent-Length: 1\r\n\r\n" in head for head, _ in server.requests)


async def test_the_end_of_one_may_begin_the_next_on_the_same_connection() -> None:
    told = Told()
    async with sink() as server, client() as http:

        def again(end: Response | Failure) -> None:
            told.done(end)
            if len(told.ends) < 20:
                http.begin(url, b"x", HeaderLines(""), timeout_s=30, done=again)

        url = f"http://127.0.0.1:{server.port}/"
        http.begin(url, b"x", HeaderLines(""), timeout_s=30, done=again)
        await told.all(20)
    assert server.connections == 1


async def test_a_kept_connection_that_closes_without_an_answer_is_replaced_once() -> None:
    told, script = Told(), Script([OK, b""], [OK, b""], [b""])
    async with serving(script.serve) as port, client() as http:
        for count in range(1, 4):
            begin(http, port, told)
            await told.all(count)
        assert http._pool.places_taken == 0
    assert [isinstance(end, Response) for end in told.ends] == [True, True, False]
    assert cast(Failure, told.ends[2]).reason == "connection_lost"
    assert (script.connections, script.requests) == (3, 5)


async def test_a_kept_connection_that_is_closing_is_replaced_too() -> None:
    told = Told()
    async with sink() as server, client() as http:
        begin(http, server.port, told)
        await told.all(1)
        (connection,) = http._pool._open
        assert connection._transport is not None
        connection._transport.abort()  # known to the transport; the connection hears of it in the next turn
        begin(http, server.port, told)
        ends = await told.all(2)
    assert isinstance(ends[1], Response)
    assert server.connections == 2


async def test_a_kept_connection_has_a_deadline() -> None:
    told = Told()
    async with sink() as server, client() as http:
        begin(http, server.port, told)
        await told.all(1)
        server.answer = b""
        begin(http, server.port, told, timeout_s=0.1)
        ends = await told.all(2)
        assert http._pool.places_taken == 0
        assert not http._deadlines._open
    assert cast(Failure, ends[1]).reason == "timeout"


async def test_what_cannot_be_called_is_told_as_well() -> None:
    told = Told()
    async with client() as http:
        http.begin("http://10.0.0.1/", b"x", HeaderLines(""), timeout_s=30, done=told.done)
        http.begin("http://127.0.0.1/", b"x", {"host": "other.example"}, timeout_s=30, done=told.done)
        assert told.ends == []
        ends = await told.all(2)
    assert [cast(Failure, end).reason for end in ends] == ["address_refused", "bad_url"]


async def test_a_client_that_stops_ends_what_was_begun() -> None:
    told = Told()
    async with sink() as server, client() as http:
        begin(http, server.port, told)
        await told.all(1)
        server.answer = b""
        server.asked.clear()
        begin(http, server.port, told)
        await server.asked.wait()
        await http.stop()
        ends = await told.all(2)
    assert cast(Failure, ends[1]).reason == "connection_lost"
