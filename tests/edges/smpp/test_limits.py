"""Window, throughput, back-pressure, and connections that have not bound."""

import asyncio
import logging

from tests.edges.edge_rig import until
from tests.net.certificates import Authority
from whimbrel.base import limits
from whimbrel.base.clock import ManualClock
from whimbrel.codec.smpp.bodies import QuerySm, ShortMessage, SmeAddress, SubmitMulti
from whimbrel.codec.smpp.fields import tlv_integer
from whimbrel.codec.smpp.pdu import encode_body
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import QUERY_SM, SUBMIT_MULTI, SUBMIT_SM, Tag
from whimbrel.config import Smpp
from whimbrel.edges.smpp.session import REST_S

from .customer import Door, esme, running_door
from .test_drafts import customer


def count(answers, status: int) -> int:
    return sum(answer.status == status for answer in answers)


async def test_what_is_beyond_the_window_is_throttled_at_once_and_not_stored(door: Door):
    await door.change(settings={"window": 5})
    async with door.bound() as one:
        answers = await asyncio.gather(*(one.submit() for _ in range(20)))
        assert count(answers, 0) == 5 and count(answers, Status.ESME_RTHROTTLED) == 15
        assert (await one.submit()).status == 0  # the places are free again
    assert len(await door.messages()) == 6


async def test_a_peer_of_5_0_is_told_how_full_its_window_is(door: Door):
    await door.change(settings={"window": 20})
    async with door.bound(interface_version=0x50) as one, door.bound() as other:
        answers = await asyncio.gather(*(one.submit() for _ in range(10)))
        assert [tlv_integer(answer.tlvs, Tag.CONGESTION_STATE) for answer in answers] == [50] * 10
        assert (await other.submit()).tlvs == ()


async def test_who_sends_nothing_but_what_is_over_its_limits_is_read_from_less_often(door: Door, monkeypatch):
    clock = ManualClock()
    monkeypatch.setattr(door.app.clock, "monotonic_us", clock.monotonic_us)
    await door.change(settings={"throughput_per_s": 10, "window": 100})
    async with door.bound() as one:
        (session,) = door.app.binds.bound(door.credential_id)
        pause, reads_on = session.link.pause_reading, []  # the latter after each pause, all of which are soon over

        def paused() -> None:
            pause()
            reads_on.append(session.link.transport.is_reading())

        monkeypatch.setattr(session.link, "pause_reading", paused)
        answers = await asyncio.gather(*(one.submit() for _ in range(11)))
        assert count(answers, 0) == 10 and reads_on == []  # one of them was taken
        began, reads = asyncio.get_running_loop().time(), 20
        for number in range(1, reads + 1):
            assert (await one.submit()).status == Status.ESME_RTHROTTLED
            assert reads_on == [False] * number
        assert asyncio.get_running_loop().time() - began > (reads - 1) * REST_S * 0.9
        await until(session.link.transport.is_reading)
        assert (await one.ask(QUERY_SM, QuerySm("nobody"))).status == Status.ESME_RTHROTTLED
        assert reads_on == [False] * (reads + 1)


async def test_throughput_is_the_customers_and_not_the_binds(door: Door, monkeypatch):
    clock = ManualClock()
    monkeypatch.setattr(door.app.clock, "monotonic_us", clock.monotonic_us)
    await door.change(settings={"throughput_per_s": 10, "window": 100})
    async with door.bound() as one, door.bound() as two:
        answers = await asyncio.gather(*(bind.submit() for bind in (one, two) for _ in range(8)))
        assert count(answers, 0) == 10 and count(answers, Status.ESME_RTHROTTLED) == 6
        clock.advance(0.5)
        answers = await asyncio.gather(*(two.submit() for _ in range(8)))
        assert count(answers, 0) == 5
    assert len(await door.messages()) == 15


async def test_each_destination_of_submit_multi_counts_for_the_throughput(door: Door, monkeypatch):
    clock = ManualClock()
    monkeypatch.setattr(door.app.clock, "monotonic_us", clock.monotonic_us)
    await door.change(settings={"throughput_per_s": 10})
    to = tuple(SmeAddress(1, 1, f"1415555{number:04d}") for number in range(8))
    async with door.bound() as one:
        assert (await one.ask(SUBMIT_MULTI, SubmitMulti(destinations=to, short_message=b"x"))).status == 0
        answers = await asyncio.gather(*(one.submit() for _ in range(4)))
        assert count(answers, 0) == 2


async def test_new_limits_hold_for_binds_that_are_up(door: Door):
    async with door.bound() as one:
        await door.change(settings={"window": 3})
        answers = await asyncio.gather(*(one.submit() for _ in range(5)))
        assert count(answers, 0) == 3


def test_what_a_customer_has_sent_stays_counted_when_it_binds_again():
    one = customer(throughput_per_s=5)
    assert one.take(5, 0)
    one.adopt(one.settings)
    assert not one.take(1, 0)


async def test_a_peer_that_does_not_read_its_answers_is_not_read_from(door: Door):
    await door.change(settings={"window": 1})
    body = encode_body(SUBMIT_SM, ShortMessage(dest_ton=1, dest="14155550123", short_message=b"x"))
    async with door.bound() as one:
        assert one.link.transport is not None
        one.link.transport.pause_reading()
        (session,) = door.app.binds.bound(door.credential_id)
        server_side = session.link
        frame = (16 + len(body)).to_bytes(4, "big") + SUBMIT_SM.to_bytes(4, "big") + bytes(4) + b"\0\0\0\7" + body

        def stuck() -> bool:
            if server_side.is_writable and one.link.transport.get_write_buffer_size() < 1 << 20:
                one.link.transport.write(frame * 2000)
            return not server_side.is_writable

        await until(stuck, within_s=120)
        assert not server_side.transport.is_reading()
        one.link.transport.resume_reading()
        await until(lambda: server_side.is_writable and server_side.transport.is_reading(), within_s=120)


async def test_a_connection_that_does_not_bind_is_closed(tmp_path):
    async with running_door(tmp_path, smpp=Smpp(port=0, bind_deadline_s=1)) as door, esme(door.port) as one:
        await until(lambda: one.closed)
        assert one.came == []


async def test_connections_of_one_address_that_have_not_bound_are_bounded(door: Door, monkeypatch, caplog):
    monkeypatch.setattr(limits, "SMPP_UNBOUND_PER_ADDRESS", 2)
    async with esme(door.port) as one, esme(door.port) as two:
        assert (await one.bind()).status == 0  # bound: no longer counted
        async with esme(door.port) as three, esme(door.port) as four:
            await until(lambda: four.closed)
            assert not two.closed and not three.closed
            async with esme(door.port) as five:
                await until(lambda: five.closed)
        told = [record for record in caplog.records if "a connection was cut" in record.message]
        assert len(told) == 1
        await until(lambda: len(door.app.smpp._sessions) == 2)
        assert (await two.bind()).status == 0
    await until(lambda: not door.app.smpp._sessions)
    assert not door.app.smpp._strangers


async def test_handshakes_of_tls_are_connections_that_have_not_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SMPP_UNBOUND_PER_ADDRESS", 2)
    cert, key = Authority(tmp_path, "ours").issue("localhost")
    smpp = Smpp(port=0, tls_port=0, tls_cert_file=cert, tls_key_file=key, connections_max=3, bind_deadline_s=60)
    async with running_door(tmp_path, smpp=smpp) as door, door.bound(), door.bound():
        server = door.app.smpp
        one, other = await silent(server.ports[1]), await silent(server.ports[1])
        assert await asyncio.wait_for(other[0].read(), 30) == b""  # the fourth of all
        assert server._strangers == {"127.0.0.1": 1}
        one[1].close()
        await until(lambda: not server._strangers)
        monkeypatch.setattr(server, "_connections_max", 100)
        waiting = [await silent(server.ports[1]) for _ in range(3)]
        assert await asyncio.wait_for(waiting[2][0].read(), 30) == b""  # the third of one address
        async with esme(door.port) as late:
            await until(lambda: late.closed)
        for _, writer in (*waiting, other):
            writer.close()
        await until(lambda: not server._strangers)


async def silent(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that says nothing."""
    return await asyncio.open_connection("127.0.0.1", port)


async def test_connections_in_all_are_bounded(tmp_path):
    async with running_door(tmp_path, smpp=Smpp(port=0, connections_max=2, bind_deadline_s=60)) as door:
        async with door.bound(), door.bound(), esme(door.port) as third:
            await until(lambda: third.closed)
        await until(lambda: not door.app.smpp._sessions)
        async with door.bound():
            pass


async def test_octets_that_are_no_smpp_are_cut_and_told_of_once(door: Door, caplog):
    with caplog.at_level(logging.WARNING, "whimbrel.smpp"):
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 30)
            assert answer[4:8] == b"\x80\0\0\0" and answer[8:12] == int(Status.ESME_RINVCMDLEN).to_bytes(4, "big")
            writer.close()
    told = [record for record in caplog.records if record.message == "octets that are no SMPP"]
    assert len(told) == 1 and told[0].address == "127.0.0.1"


async def test_a_pdu_beyond_64_kib_is_out_of_step_and_others_go_on(door: Door):
    async with door.bound() as one, door.bound() as other:
        assert one.link.transport is not None
        one.link.transport.write((65537).to_bytes(4, "big") + SUBMIT_SM.to_bytes(4, "big"))
        await until(lambda: one.closed)
        assert (await other.submit()).status == 0
