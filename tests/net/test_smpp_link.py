"""The link over real loopback TCP, both roles; waits are for conditions with a deadline, never for time."""

import asyncio
import contextlib
import socket

import pytest

from whimbrel.codec.smpp.events import (
    Answered,
    BindRequested,
    Bound,
    Closed,
    CloseReason,
    PeerUnbound,
    Role,
    Settings,
    SubmitReceived,
    TimedOut,
)
from whimbrel.codec.smpp.pdu import Bind, BindResp, Decoder, MessageId, Pdu, ShortMessage, encode, encode_body
from whimbrel.codec.smpp.tables import BIND_TRANSCEIVER, ENQUIRE_LINK, ENQUIRE_LINK_RESP, SUBMIT_SM
from whimbrel.net import smpp
from whimbrel.net.dial import Dial
from whimbrel.net.smpp import LinkHandlers, SmppLink, connect, listen

DEADLINE_S = 30
TEXT = ShortMessage(source="Wimb", dest="15005550100", short_message=b"hello")


class Owner:
    """Keeps what a link reports, answers if told to, and lets a test wait for a condition."""

    def __init__(self, answer=lambda link, event: None):
        self.events = []
        self.closed = None
        self.links = []
        self.writable = 0
        self.answer = answer
        self.changed = asyncio.Event()
        self.handlers = LinkHandlers(self.on_events, self.on_closed, self.on_writable)

    def on_events(self, link, events):
        self.events += events
        for event in events:
            self.answer(link, event)
        self.changed.set()

    def on_closed(self, link, tokens, reason):
        self.closed = (tokens, reason)
        self.changed.set()

    def on_writable(self, link):
        self.writable += 1
        self.changed.set()

    async def until(self, condition):
        async with asyncio.timeout(DEADLINE_S):
            while not condition(self):
                self.changed.clear()
                await self.changed.wait()

    async def until_seen(self, kind, count=1):
        await self.until(lambda owner: sum(isinstance(event, kind) for event in owner.events) >= count)

    async def until_closed(self):
        await self.until(lambda owner: owner.closed is not None)
        return self.closed


def smsc_answers(link, event):
    if isinstance(event, BindRequested):
        link.respond(event.pdu, 0, BindResp("SMSC"))
    elif isinstance(event, SubmitReceived):
        link.respond(event.pdu, 0, MessageId(f"m{event.pdu.sequence}"))


def only_binds(link, event):
    if isinstance(event, BindRequested):
        smsc_answers(link, event)


@contextlib.asynccontextmanager
async def serving(owner, settings):
    loop = asyncio.get_running_loop()

    def make():
        link = SmppLink(loop, Role.SMSC, settings, owner.handlers)
        owner.links.append(link)
        return link

    server = await listen(loop, "127.0.0.1", 0, make)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for link in owner.links:
            link.abort()
        await server.wait_closed()


async def linked(port, settings, esme):
    loop, to = asyncio.get_running_loop(), Dial("127.0.0.1", port)
    return await connect(loop, to, within_s=DEADLINE_S, settings=settings, handlers=esme.handlers)


@contextlib.asynccontextmanager
async def bound(smsc, esme, settings):
    async with serving(smsc, Settings(enquire_link_ms=0)) as port:
        link = await linked(port, settings, esme)
        link.bind(BIND_TRANSCEIVER, Bind("whmbrel", "secret"))
        await esme.until_seen(Bound)
        try:
            yield link
        finally:
            link.abort()
            await esme.until_closed()


async def test_bind_submit_unbind():
    smsc, esme = Owner(smsc_answers), Owner()
    async with bound(smsc, esme, Settings(window=100)) as link:
        for token in range(50):
            link.send(SUBMIT_SM, TEXT, token=token)
        await esme.until_seen(Answered, 50)
        assert [event.token for event in esme.events if isinstance(event, Answered)] == list(range(50))
        link.unbind()
        assert await esme.until_closed() == ([], CloseReason.UNBOUND)
        assert await smsc.until_closed() == ([], "peer closed")
        assert isinstance(smsc.events[-1], PeerUnbound)


async def test_nodelay_is_set_on_both_sides():
    smsc, esme = Owner(smsc_answers), Owner()
    async with bound(smsc, esme, Settings()) as link:
        for end in (link, smsc.links[0]):
            assert end.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert link.peer.startswith("127.0.0.1:")


class Recorder:
    """A transport that keeps what is written."""

    def __init__(self, transport):
        self.transport = transport
        self.writes = []

    def write(self, octets):
        self.writes.append(octets)
        self.transport.write(octets)

    def __getattr__(self, name):
        return getattr(self.transport, name)


async def test_one_turn_is_one_write():
    smsc, esme = Owner(smsc_answers), Owner()
    async with bound(smsc, esme, Settings(window=100)) as link:
        link.transport = Recorder(link.transport)
        now_ms = link.now_ms()
        body = encode_body(SUBMIT_SM, TEXT)
        for token in range(100):
            link.session.send(SUBMIT_SM, body, token=token, now_ms=now_ms)
        link.wake()
        await esme.until_seen(Answered, 100)
        assert [len(Decoder().feed(octets)) for octets in link.transport.writes] == [100]


async def test_timers_run_on_the_loops_clock():
    smsc, esme = Owner(only_binds), Owner()
    async with bound(smsc, esme, Settings(response_timeout_ms=30)) as link:
        link.send(SUBMIT_SM, TEXT, token="a")
        await esme.until_seen(TimedOut)
        assert esme.events[-1] == TimedOut("a")


async def test_silent_client_is_closed_at_the_binds_deadline():
    smsc = Owner()
    async with serving(smsc, Settings(bind_timeout_ms=30)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
        assert await smsc.until_closed() == ([], CloseReason.BIND_TIMEOUT)
        assert smsc.events == [Closed(CloseReason.BIND_TIMEOUT)]
        writer.close()


async def test_dead_peer_is_found_by_enquire_link():
    smsc, esme = Owner(only_binds), Owner()
    settings = Settings(enquire_link_ms=20, enquire_link_answer_ms=20, enquire_link_tries=1)
    async with bound(smsc, esme, settings) as link:
        smsc.links[0].pause_reading()
        link.send(SUBMIT_SM, TEXT, token="a")
        assert await esme.until_closed() == (["a"], CloseReason.LINK_DEAD)


async def test_lost_connection_tells_what_was_in_flight():
    smsc, esme = Owner(only_binds), Owner()
    async with bound(smsc, esme, Settings()) as link:
        for token in "abc":
            link.send(SUBMIT_SM, TEXT, token=token)
        await smsc.until_seen(SubmitReceived, 3)
        smsc.links[0].abort()
        tokens, reason = await esme.until_closed()
        assert tokens == ["a", "b", "c"]
        assert reason


async def test_http_request_is_nacked_and_only_its_socket_is_closed():
    smsc, esme = Owner(smsc_answers), Owner()
    async with bound(smsc, esme, Settings()) as link:
        port = link.transport.get_extra_info("peername")[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), DEADLINE_S)
        assert answer.hex() == "00000010800000000000000200000000"
        writer.close()
        assert await smsc.until_closed() == ([], CloseReason.PROTOCOL)
        link.send(SUBMIT_SM, TEXT, token="still alive")
        await esme.until_seen(Answered)


async def test_pdus_cut_by_tcp():
    smsc = Owner(smsc_answers)
    async with serving(smsc, Settings()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for value in encode(Pdu(ENQUIRE_LINK, 0, 7)):
            writer.write(bytes([value]))
            await asyncio.sleep(0)
        answer = await asyncio.wait_for(reader.readexactly(16), DEADLINE_S)
        assert Decoder().feed(answer) == [Pdu(ENQUIRE_LINK_RESP, 0, 7)]
        writer.close()
        await smsc.until_closed()


async def test_enquire_link_is_answered_before_the_owner_works():
    written_before = []

    def slow_owner(link, event):
        smsc_answers(link, event)
        if isinstance(event, SubmitReceived):
            written_before.append(not link.session.has_output or len(Decoder().feed(link.session.take_output())))

    smsc = Owner(slow_owner)
    async with serving(smsc, Settings()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("a", "b"))))
        await asyncio.wait_for(reader.readexactly(21), DEADLINE_S)
        writer.write(encode(Pdu(ENQUIRE_LINK, 0, 2)) + encode(Pdu(SUBMIT_SM, 0, 3, TEXT)))
        answer = await asyncio.wait_for(reader.readexactly(16), DEADLINE_S)
        assert Decoder().feed(answer) == [Pdu(ENQUIRE_LINK_RESP, 0, 2)]
        assert written_before == [1], "only the owner's own response was still waiting"
        writer.close()
        await smsc.until_closed()


async def test_peer_that_does_not_read_takes_the_room_and_gives_it_back():
    smsc, esme = Owner(only_binds), Owner()
    async with bound(smsc, esme, Settings(window=100_000, enquire_link_ms=0)) as link:
        smsc.links[0].pause_reading()
        body = encode_body(SUBMIT_SM, ShortMessage(dest="1", short_message=b"x" * 250))
        async with asyncio.timeout(DEADLINE_S):
            while link.is_writable:
                for _ in range(200):
                    link.session.send(SUBMIT_SM, body, token=None, now_ms=link.now_ms())
                link.wake()
                await asyncio.sleep(0)
        assert link.room == 0
        assert link.session.room > 0
        told = esme.writable  # it may have been full before, and the system took more
        smsc.links[0].resume_reading()
        await esme.until(lambda owner: owner.writable == told + 1)
        assert link.room == link.session.room


async def test_peer_that_never_reads_is_cut(monkeypatch):
    monkeypatch.setattr(smpp, "WRITE_MAX", 1_000_000)
    smsc, esme = Owner(only_binds), Owner()
    async with bound(smsc, esme, Settings(window=1_000_000, enquire_link_ms=0)) as link:
        smsc.links[0].pause_reading()
        body = encode_body(SUBMIT_SM, ShortMessage(dest="1", short_message=b"x" * 250))
        async with asyncio.timeout(DEADLINE_S):
            while esme.closed is None:
                for _ in range(1_000 * (not link.session.is_closed)):
                    link.session.send(SUBMIT_SM, body, token=None, now_ms=link.now_ms())
                link.wake()
                await asyncio.sleep(0)
        assert esme.closed[1] == "peer does not read"


async def test_close_writes_what_is_left():
    smsc, esme = Owner(only_binds), Owner()
    async with bound(smsc, esme, Settings()) as link:
        link.send(SUBMIT_SM, TEXT, token="a")
        link.close("stopping")
        assert await esme.until_closed() == (["a"], "stopping")
        await smsc.until_seen(SubmitReceived)


async def test_a_failing_owner_loses_the_link_and_not_the_tokens():
    loop = asyncio.get_running_loop()
    errors = []
    loop.set_exception_handler(lambda loop, context: errors.append(context["exception"]))

    def broken(link, event):
        if isinstance(event, Answered):
            raise RuntimeError("a bug of the owner")

    smsc, esme = Owner(smsc_answers), Owner(broken)
    async with bound(smsc, esme, Settings()) as link:
        link.send(SUBMIT_SM, TEXT, token="a")
        tokens, reason = await esme.until_closed()
    assert (tokens, reason) == ([], "a bug of the owner")
    assert [type(error) for error in errors] == [RuntimeError]


async def test_refused_connection_is_an_oserror():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(OSError, match=r"(?i)connect"):
        await linked(port, Settings(), Owner())
