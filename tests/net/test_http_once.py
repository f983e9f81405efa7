"""Requests that must not be heard twice, and what is known of those that got no answer: whether any octet left."""

import asyncio
from typing import cast

from whimbrel.net.addresses import Reach
from whimbrel.net.http import Failure, HeaderLines, HttpClient, Response

from .http_rig import Script, answer_of, client, expire, serving, sink
from .test_http_begun import Told

OK = answer_of("200 OK", body=b"ok")


async def ask(http: HttpClient, port: int, timeout_s: float = 30) -> Response | Failure:
    return await http.ask_once(f"http://127.0.0.1:{port}/", b"x", {}, timeout_s=timeout_s)


async def test_a_kept_connection_that_closes_without_an_answer_is_not_replaced() -> None:
    script = Script([OK, b""], [OK])
    async with serving(script.serve) as port, client() as http:
        first, second, third = [await ask(http, port) for _ in range(3)]
    assert (isinstance(first, Response), isinstance(third, Response)) == (True, True)
    assert isinstance(second, Failure)
    assert (second.reason, second.was_sent) == ("connection_lost", True)
    assert (script.connections, script.requests) == (2, 3)


async def test_nor_where_nobody_waits_for_it() -> None:
    told, script = Told(), Script([OK, b""], [OK])
    async with serving(script.serve) as port, client() as http:
        for count in (1, 2, 3):
            url = f"http://127.0.0.1:{port}/"
            http.begin(url, b"x", HeaderLines(""), timeout_s=30, done=told.done, once=True)
            await told.all(count)
    assert [isinstance(end, Response) for end in told.ends] == [True, False, True]
    assert cast(Failure, told.ends[1]).was_sent
    assert (script.connections, script.requests) == (2, 3)


async def test_one_that_was_closed_before_anything_left_is_replaced() -> None:
    told = Told()
    async with sink() as server, client() as http:
        url = f"http://127.0.0.1:{server.port}/"
        for count in (1, 2):
            http.begin(url, b"x", HeaderLines(""), timeout_s=30, done=told.done, once=True)
            await told.all(count)
            (connection,) = http._pool._open
            assert connection._transport is not None
            connection._transport.abort()  # known to the transport; the connection hears of it in the next turn
    assert all(isinstance(end, Response) for end in told.ends)
    assert (server.connections, len(server.requests)) == (2, 2)


async def test_get_and_begin_without_a_body() -> None:
    told = Told()
    async with sink() as server, client() as http:
        url = f"http://127.0.0.1:{server.port}/a?b=c"
        assert isinstance(await http.ask_once(url, None, {"X-A": "1"}, timeout_s=30), Response)
        http.begin(url, None, {"X-A": "1"}, timeout_s=30, done=told.done)
        await told.all(1)
    assert [head.split(b"\r\n")[0] for head, _ in server.requests] == [b"GET /a?b=c HTTP/1.1"] * 2
    assert all(b"\r\nX-A: 1\r\n" in head and b"ontent-" not in head for head, _ in server.requests)


async def test_what_is_known_of_a_request_that_got_no_answer() -> None:
    hanging = asyncio.Event()

    async def hang(_host: str, _port: int) -> list[str]:
        await hanging.wait()
        return []

    async with sink(b"") as server, client() as http:
        asking = asyncio.ensure_future(ask(http, server.port))
        await server.asked.wait()
        expire(http)
        late = await asking
        server.answer = b"no answer\r\n\r\n"
        bad = await ask(http, server.port)
    gone = Failure("connect_failed", 0)
    async with client() as http:
        gone = cast(Failure, await ask(http, server.port))
        nobody = cast(Failure, await http.ask_once("https://nobody.example/", b"x", {}, timeout_s=30))
    slow = HttpClient(Reach(), lookup=hang)
    slow.ready()
    unknown = cast(Failure, await slow.ask_once("https://slow.example/", b"x", {}, timeout_s=0.1))
    await slow.stop()
    found = [(end.reason, end.was_sent) for end in (cast(Failure, late), cast(Failure, bad), gone, nobody, unknown)]
    assert found == [
        ("timeout", True),
        ("bad_answer", True),
        ("connect_failed", False),
        ("name_not_found", False),
        ("timeout", False),
    ]


async def test_a_client_that_stops_says_what_had_left() -> None:
    told = Told()
    async with sink(b"") as server, client() as http:
        url = f"http://127.0.0.1:{server.port}/"
        http.begin(url, b"x", HeaderLines(""), timeout_s=30, done=told.done, once=True)
        await server.asked.wait()
        http.begin(url, b"x", HeaderLines(""), timeout_s=30, done=told.done, once=True)
        await http.stop()
        ends = await told.all(2)
        assert len(server.requests) == 1
    assert sorted((cast(Failure, end).reason, cast(Failure, end).was_sent) for end in ends) == [
        ("connection_lost", False),
        ("connection_lost", True),
    ]


async def test_a_look_opens_a_connection_and_asks_nothing() -> None:
    async with sink() as server, client() as http:
        url = f"http://127.0.0.1:{server.port}/"
        assert await http.look(url, timeout_s=30) is None
        assert (http._pool.idle, server.requests) == (1, [])
        assert isinstance(await ask(http, server.port), Response)
        assert (server.connections, len(server.requests)) == (1, 1)
    async with client() as http:
        trouble = await http.look(url, timeout_s=30)
        assert trouble is not None
        assert (trouble.reason, trouble.was_sent) == ("connect_failed", False)
        refused = await http.look("http://10.0.0.1/", timeout_s=30)
        assert refused is not None
        assert refused.reason == "address_refused"
        assert http._pool.places_taken == 0
