"""The direct way of the hot route: whatever is sent, the answer is the one that ASGI gives. A request that comes whole
goes the direct way; the same request octet by octet goes by ASGI; so both are asked the same and compared.
"""

import asyncio
import re

import msgspec
import pytest

from whimbrel.base.clock import ManualClock
from whimbrel.edges.shared.exchange import Cycle, Exchange
from whimbrel.edges.shared.protocol import GuardedProtocol
from whimbrel.manage.scopes import OPERATOR

from .edge_rig import NUMBER, running_edge, until

GOOD = {"to": NUMBER, "text": "Hello"}
BODY = msgspec.json.encode(GOOD)
JSON = ("Content-Type: application/json",)
MEANWHILE = re.compile(rb"(?:RQ|SM|AC|RT)[0-9a-f]{32}|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=date: )[^\r]+")


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.writes = 0
        self.closed = False

    def write(self, data):
        self.written += data
        self.writes += 1

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    abort = close

    def can_write_eof(self):
        return False

    def pause_reading(self):
        pass

    resume_reading = pause_reading

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 1) if name in ("sockname", "peername") else default


class Line:
    """A connection to an installation, without a socket."""

    def __init__(self, edge):
        server = edge.app.server
        self.transport = Transport()
        self.protocol = GuardedProtocol(server.config, server.server_state, {})
        self.protocol.connection_made(self.transport)

    def send(self, *pieces):
        for piece in pieces:
            self.protocol.data_received(piece)

    async def answers(self, count=1):
        """The answers to so many requests, with what differs from run to run taken out."""
        await until(lambda: self.transport.written.count(b"HTTP/1.1 ") >= count and self.is_idle)
        return MEANWHILE.sub(b"*", self.transport.written)

    @property
    def is_idle(self):
        return self.protocol.cycle is None or self.protocol.cycle.response_complete or self.transport.closed

    def hang_up(self):
        self.protocol.connection_lost(None)


def request(key, body=BODY, *, headers=JSON, length=True, target="/v1/messages", version="1.1"):
    lines = [f"POST {target} HTTP/{version}", "Host: x", *headers]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
async def edge(tmp_path):
    async with running_edge(tmp_path, clock=ManualClock()) as running:
        yield running


@pytest.fixture
async def line(edge):
    made = Line(edge)
    yield made
    if made.protocol.parser is not None:
        made.hang_up()


CHUNKED = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (5, BODY[:5], len(BODY) - 5, BODY[5:])
TRAILERS = CHUNKED[:-2] + b"X-Account-Id: AC1\r\n\r\n"
RICH = {"tags": ["a"], "metadata": {"b": [1]}, "callback_url": "http://127.0.0.1:1/x", "class": "otp", "validity": 60}
KEYED = (*JSON, "Idempotency-Key: one")


def told(**fields):
    return msgspec.json.encode(GOOD | fields)


TABLE = {
    "plain": lambda c: [request(c.live)],
    "test key": lambda c: [request(c.test)],
    "everything": lambda c: [request(c.live, told(**RICH))],
    "smart": lambda c: [request(c.live, told(smart=True, text="\u201cyes\u201d"))],
    "scheduled": lambda c: [request(c.live, told(send_at="2027-02-01T00:00:00Z"))],
    "three one after another": lambda c: [request(c.live)] * 3,
    "chunked": lambda c: [request(c.live, CHUNKED, headers=(*JSON, "Transfer-Encoding: chunked"), length=False)],
    "trailers": lambda c: [request(c.live, TRAILERS, headers=(*JSON, "Transfer-Encoding: chunked"), length=False)],
    "closing": lambda c: [request(c.live, headers=(*JSON, "Connection: close"))],
    "HTTP/1.0": lambda c: [request(c.live, version="1.0")],
    "an upgrade": lambda c: [request(c.live, headers=(*JSON, "Connection: upgrade", "Upgrade: h2c"))],
    "100": lambda c: [request(c.live, headers=(*JSON, "Expect: 100-continue"))],
    "another expectation": lambda c: [request(c.live, headers=(*JSON, "Expect: rain"))],
    "for itself": lambda c: [request(c.live, headers=(*JSON, f"X-Account-Id: {c.id}"))],
    "for another": lambda c: [request(c.live, headers=(*JSON, "X-Account-Id: AC1"))],
    "nobody": lambda c: [request("")],
    "nobody that we know": lambda c: [request("wk_live_nothing")],
    "no scheme": lambda c: [request("", headers=(*JSON, "Authorization: x"))],
    "a reader": lambda c: [request(c.reader)],
    "the operator for nobody": lambda c: [request(c.operator)],
    "a slow key": lambda c: [request(c.slow)] * 3,
    "no type": lambda c: [request(c.live, headers=())],
    "packed": lambda c: [request(c.live, headers=(*JSON, "Content-Encoding: gzip"))],
    "too large": lambda c: [request(c.live, told(text="x" * 70_000))],
    "empty": lambda c: [request(c.live, b"")],
    "no length": lambda c: [request(c.live, b"", length=False)],
    "not JSON": lambda c: [request(c.live, b"{")],
    "twice": lambda c: [request(c.live, b'{"to":"1","to":"2"}')],
    "unknown field": lambda c: [request(c.live, told(colour="red"))],
    "no number": lambda c: [request(c.live, told(to="hello"))],
    "bad callback": lambda c: [request(c.live, told(callback_url="nowhere"))],
    "a query": lambda c: [request(c.live, target="/v1/messages?a=b")],
    "percent": lambda c: [request(c.live, target="/v1/%6dessages")],
    "absolute form": lambda c: [request(c.live, target="http://x/v1/messages")],
    "a key": lambda c: [request(c.live, headers=KEYED)],
    "a key, twice": lambda c: [request(c.live, headers=KEYED)] * 2,
    "a key for another body": lambda c: [
        request(c.live, headers=KEYED),
        request(c.live, told(text="x"), headers=KEYED),
    ],
    "a key that is none": lambda c: [request(c.live, headers=(*JSON, "Idempotency-Key: \u00e9"))],
}


async def asked(edge, row, cut):
    """All answers to the requests of a row, by a customer of its own."""
    customer = edge.customer = await edge.new_customer()
    await edge.give_sender(customer.id, "Acme")
    customer.operator = await edge.new_key(None, (OPERATOR,))
    customer.reader = await edge.new_key(customer.id, ("messages:read",))
    customer.slow = await edge.new_key(customer.id, ("messages:write",), rate_per_s=2)
    line, ways = Line(edge), set()
    for number, octets in enumerate(TABLE[row](customer), 1):
        line.send(*cut(octets))
        ways.add(type(line.protocol.cycle))
        await line.answers(number)
    octets = await line.answers(0)
    line.hang_up()
    return octets, line.transport.closed, ways


def whole(octets):
    return [octets]


def by_octet(octets):
    return [octets[at : at + 1] for at in range(len(octets))]


def by_halves(octets):
    return [octets[:-9], octets[-9:]]


NEVER_DIRECT = {"an upgrade", "100", "another expectation", "a query", "percent", "absolute form"}


@pytest.mark.parametrize("row", TABLE)
async def test_both_ways_give_the_same_answers(edge, row):
    directly, closed, ways = await asked(edge, row, whole)
    assert directly.startswith(b"HTTP/1.1 ")
    assert ways == ({Cycle} if row in NEVER_DIRECT else {Exchange})
    for cut in (by_octet, by_halves):
        assert (await asked(edge, row, cut))[:2] == (directly, closed)


async def test_the_direct_way_is_one_write_and_no_task(edge, line):
    before = asyncio.all_tasks()
    line.send(request(edge.customer.live))
    assert asyncio.all_tasks() == before
    assert b" 202 " in await line.answers()
    assert line.transport.writes == 1


async def test_pipelined_requests_are_answered_in_order(edge, line):
    one, get = request(edge.customer.live), b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    line.send(one + get + one.replace(b"Hello", b"World") + get)
    octets = await line.answers(4)
    assert re.findall(rb'"text":"(\w+)"|"status":"(ok)"', octets) == [
        (b"Hello", b""),
        (b"", b"ok"),
        (b"World", b""),
        (b"", b"ok"),
    ]


async def test_what_follows_while_a_direct_one_is_under_way_waits_its_turn(edge, line):
    one = request(edge.customer.live)
    line.send(one)
    assert isinstance(line.protocol.cycle, Exchange)
    line.send(one.replace(b"Hello", b"World"), one[:30])
    line.send(one[30:].replace(b"Hello", b"Again"))
    assert re.findall(rb'"text":"(\w+)"', await line.answers(3)) == [b"Hello", b"World", b"Again"]


async def test_garbage_after_a_request_does_not_cost_its_answer(edge, line):
    line.send(request(edge.customer.live) + b"\x00garbage\r\n\r\n")
    octets = await line.answers()
    assert octets.startswith(b"HTTP/1.1 202") and b"connection: close" in octets and line.transport.closed


async def test_a_client_that_does_not_read_is_not_written_to(edge, line):
    line.protocol.pause_writing()
    line.send(request(edge.customer.live))
    assert isinstance(line.protocol.cycle, Cycle)
    await asyncio.sleep(0.1)
    assert line.transport.written == b""
    line.protocol.resume_writing()
    assert b" 202 " in await line.answers()


@pytest.fixture
def held_up(edge, monkeypatch):
    """A store that does not accept until this is set."""
    go_on, accept = asyncio.Event(), edge.app.store.accept

    async def later(*args):
        await go_on.wait()
        return await accept(*args)

    monkeypatch.setattr(edge.app.store, "accept", later)
    return go_on


async def stored(edge):
    return b'"data":[]' not in (await edge.get("/v1/messages")).body


async def test_what_a_client_sent_before_it_left_is_stored_all_the_same(edge, line, held_up):
    line.send(request(edge.customer.live))
    line.hang_up()
    held_up.set()
    await until(lambda: stored(edge))
    assert line.transport.written == b""


async def test_a_graceful_stop_waits_for_the_answer_and_closes(edge, line, held_up):
    line.send(request(edge.customer.live))
    line.protocol.shutdown()
    assert not line.transport.closed and edge.app.server.server_state.tasks
    held_up.set()
    octets = await line.answers()
    assert octets.startswith(b"HTTP/1.1 202") and b"\r\nconnection: close\r\n" in octets and line.transport.closed
    assert not edge.app.server.server_state.tasks


@pytest.mark.parametrize("pieces", [1, 2], ids=["direct", "asgi"])
async def test_what_is_cancelled_by_the_deadline_of_a_stop_has_no_answer(edge, line, held_up, pieces):
    """It may be stored yet: a client that was told 500 might send it again."""
    octets = request(edge.customer.live)
    line.send(octets[: len(octets) // pieces])
    line.send(octets[len(octets) // pieces :])
    tasks = edge.app.server.server_state.tasks
    await until(lambda: tasks)
    await asyncio.sleep(0)
    for task in list(tasks):
        task.cancel(msg="deadline")
    await until(lambda: line.transport.closed)
    assert line.transport.written == b""
    held_up.set()


async def test_a_failure_is_told_as_a_problem(edge, line, monkeypatch):
    async def full(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(edge.app.store, "accept", full)
    line.send(request(edge.customer.live))
    octets = await line.answers()
    assert octets.startswith(b"HTTP/1.1 500") and b"internal_error" in octets and not line.transport.closed


async def test_a_failure_of_the_answer_itself_leaves_nobody_waiting(edge, line, monkeypatch):
    line.send(request(edge.customer.live))
    monkeypatch.setattr(line.protocol.cycle, "_then", None)
    octets = await line.answers()
    assert octets.startswith(b"HTTP/1.1 500") and line.transport.closed


async def test_deadlines(edge, line, held_up):
    """None while the answer is awaited, and that of an idle connection after it."""
    now = line.protocol.loop.time
    line.send(request(edge.customer.live))
    line.protocol.sweep(now() + 10_000)
    assert not line.transport.closed
    held_up.set()
    await line.answers()
    line.protocol.sweep(now() + 1)
    assert not line.transport.closed
    written = line.transport.written
    line.protocol.sweep(now() + 10_000)
    assert line.transport.closed and line.transport.written == written


async def test_half_a_body_runs_out_of_time(edge, line):
    line.send(request(edge.customer.live)[:-5])
    line.protocol.sweep(line.protocol.loop.time() + 10_000)
    assert b"request_timeout" in line.transport.written


async def test_a_suspended_account_is_told_so_at_once(edge, line, monkeypatch):
    monkeypatch.setattr(edge.app.tables, "accounts", {})
    line.send(request(edge.customer.live))
    assert b"account_suspended" in line.transport.written


async def test_answers_of_both_ways_are_counted(edge, line):
    def counted():
        labels = {"door": "rest", "status": "202"}
        return edge.app.metrics.registry.get_sample_value("whimbrel_http_requests_total", labels) or 0

    before = counted()
    line.send(request(edge.customer.live))
    await line.answers()
    line.send(*by_halves(request(edge.customer.live)))
    await line.answers(2)
    assert counted() == before + 2
    assert f'door="rest",status="202"}} {before + 2}'.encode() in edge.app.metrics.render()
