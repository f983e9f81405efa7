"""What each scenario of connections and binds does, seen over TCP."""

import asyncio
import socket

import pytest
from sandbox_esme import Esme, eventually

from whimbrel.codec.smpp.pdu import BadPdu, Bind, DataSm, Pdu, QuerySm, encode, make_tlv, tlv
from whimbrel.codec.smpp.tables import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_RECEIVER_RESP,
    BIND_TRANSCEIVER,
    BIND_TRANSCEIVER_RESP,
    BIND_TRANSMITTER,
    BIND_TRANSMITTER_RESP,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    OUTBIND,
    QUERY_SM,
    UNBIND,
    UNBIND_RESP,
    Status,
    Tag,
)
from whimbrel_sandbox.scenarios.conduct import Where
from whimbrel_sandbox.scenarios.table import SCENARIOS
from whimbrel_sandbox.stage import Staging

PHONE = "447700900123"
UNREADABLE = (DELIVER_SM, Status.ESME_RINVCMDLEN, True)
# What comes first on a new connection, or after the bind: command_id and, for what is no PDU, (status, in step).
FIRST = {
    "greeting_deliver_sm": DELIVER_SM,
    "greeting_outbind": OUTBIND,
    "greeting_enquire": ENQUIRE_LINK,
    "greeting_unbind": UNBIND,
    "greeting_unknown": (0x999, Status.ESME_RINVCMDID, True),
    "greeting_unreadable": UNREADABLE,
    "greeting_length_short": (0, Status.ESME_RINVCMDLEN, False),
    "greeting_length_huge": (0, Status.ESME_RINVCMDLEN, False),
    "greeting_other": (0, Status.ESME_RINVCMDLEN, False),
}
AFTER_BIND = {
    "storm": ENQUIRE_LINK,
    "alert_notification": ALERT_NOTIFICATION,
    "outbind_late": OUTBIND,
    "data_sm_unasked": DATA_SM,
    "unknown_request": (0x999, Status.ESME_RINVCMDID, True),
    "unreadable_pdu": UNREADABLE,
    "length_short": (0, Status.ESME_RINVCMDLEN, False),
    "length_huge": (0, Status.ESME_RINVCMDLEN, False),
}
BEFORE_BIND_RESP = {"enquire_before_bind_resp": ENQUIRE_LINK, "deliver_before_bind_resp": DELIVER_SM}
REFUSED = {
    "bind_refused": Status.ESME_RBINDFAIL,
    "bind_refused=0x53": Status.ESME_RINVSYSTYP,
    "bind_password": Status.ESME_RINVPASWD,
    "bind_system_id": Status.ESME_RINVSYSID,
    "bind_already": Status.ESME_RALYBND,
    "bind_refused_body": Status.ESME_RBINDFAIL,
    "bind_refused_nack": Status.ESME_RBINDFAIL,
    "bind_refused_close": Status.ESME_RBINDFAIL,
}
RESPONSES = {  # the octets after the header
    "bind_resp_bare": b"whimbrel\0",
    "bind_resp_no_body": b"",
    "bind_resp_one_octet": b"\0",
    "bind_resp_open": b"whimbrel",
    "bind_resp_odd_tlv": b"whimbrel\0" + bytes.fromhex("0210000234"),
}
OTHERS = {
    "black_hole", "zero_window", "slow_reader", "octet_by_octet", "pdus_together", "flapping", "resetting", "unbinding",
    "half_open", "enquire_unanswered", "unbind_unanswered", "greeting_cut", "bind_unanswered", "bind_slow",
    "bind_dropped", "bind_nacked", "bind_limit", "bind_limit_failed", "bind_lingers", "bind_resp_alien_tlvs",
    "sequence_from_zero", "sequence_beyond", "enquire_resp_other", "no_transceiver",
    "needs_pair", "smpp33", "smpp50", "submits_only",
}  # fmt: skip


def shown(pdu):
    return (pdu.command_id, pdu.status, pdu.in_step) if isinstance(pdu, BadPdu) else pdu.command_id


async def opened(simulator):
    return await Esme.connect(simulator.address.smpp_port)


async def bind(client, command=BIND_TRANSCEIVER, **fields):
    return await client.ask(Pdu(command, 0, client.next(), Bind("esme", "", **fields)))


def test_every_scenario_of_links_and_binds_is_tested():
    tested = {*FIRST, *AFTER_BIND, *BEFORE_BIND_RESP, *(name.partition("=")[0] for name in REFUSED), *RESPONSES}
    assert tested | OTHERS == {row.name for row in SCENARIOS if row.where in (Where.LINK, Where.BIND)}


@pytest.mark.parametrize("name", FIRST)
async def test_what_comes_before_any_bind(start, name):
    client = await opened(await start(scenario=name))
    await client.until(lambda: client.received)
    assert shown(client.received[0]) == FIRST[name]
    await client.leave()


@pytest.mark.parametrize("name", AFTER_BIND)
async def test_what_comes_after_the_bind(start, connect, name):
    client = await connect(await start(scenario=name))
    await client.until(lambda: len(client.received) > 1)
    assert [shown(pdu) for pdu in client.received[:2]] == [BIND_TRANSCEIVER_RESP, AFTER_BIND[name]]


@pytest.mark.parametrize("name", BEFORE_BIND_RESP)
async def test_what_comes_before_the_bind_resp(start, connect, name):
    client = await connect(await start(scenario=name))
    assert [shown(pdu) for pdu in client.received[:2]] == [BEFORE_BIND_RESP[name], BIND_TRANSCEIVER_RESP]


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refused_bind(start, name):
    client = await opened(await start(scenario=name))
    response = await bind(client)
    assert (response.command_id, response.status) == (BIND_TRANSCEIVER_RESP, REFUSED[name])
    assert (response.body is not None) is (name == "bind_refused_body")
    if name == "bind_refused_nack":
        await client.until(lambda: [pdu for pdu in client.received if pdu.command_id == GENERIC_NACK])
    if name == "bind_refused_close":
        await client.closed()
    await client.leave()


@pytest.mark.parametrize("name", RESPONSES)
async def test_the_octets_of_a_bind_resp(start, name):
    simulator = await start(scenario=name)
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.address.smpp_port)
    writer.write(encode(Pdu(BIND_TRANSCEIVER, 0, 9, Bind("esme", ""))))
    expected = bytes.fromhex("80000009 00000000 00000009") + RESPONSES[name]
    assert (
        await asyncio.wait_for(reader.readexactly(4 + len(expected)), 60) == (4 + len(expected)).to_bytes(4) + expected
    )
    writer.close()


async def test_a_bind_resp_with_tlvs_of_vendors(start):
    client = await opened(await start(scenario="bind_resp_alien_tlvs"))
    assert tlv((await bind(client)).tlvs, 0x1403) == b"234"
    await client.leave()


@pytest.mark.parametrize("name", ["black_hole", "bind_unanswered"])
async def test_a_bind_without_answer(start, name):
    simulator = await start(scenario=name)
    client = await opened(simulator)
    client.send(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("esme", "")))
    client.send(Pdu(ENQUIRE_LINK, 0, 2))
    await _passed_by(simulator)
    assert [pdu.command_id for pdu in client.received] == ([] if name == "black_hole" else [ENQUIRE_LINK_RESP])
    assert not client.is_closed
    await client.leave()


async def _passed_by(simulator):
    """Until all that was sent has been read, and the loop has had its turns to answer it."""
    [link] = simulator.center.links
    before = link._heard_at
    await eventually(lambda: link._heard_at > before)
    for _ in range(50):
        await asyncio.sleep(0)


async def test_zero_window_and_its_end(start):
    simulator = await start(scenario="zero_window")
    client = await opened(simulator)
    client.send(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("esme", "")))
    client.writer.transport.set_write_buffer_limits(1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            for _ in range(1_000):
                client.writer.write(encode(Pdu(ENQUIRE_LINK, 0, 2)) * 1_000)
                await client.writer.drain()
    assert client.received == []
    simulator.center.restage(Staging(scenarios=[]), None)
    await client.until(lambda: client.received)
    await client.vanish()


async def test_a_slow_reader_reads_all_in_the_end(start, connect):
    simulator = await start(scenario="slow_reader", time_scale=0.02)
    client = await connect(simulator)
    last = [client.submit(PHONE, b"x" * 100) for _ in range(100)][-1]
    assert len(client.responses()) < 100
    assert (await client.response(last)).status == 0


@pytest.mark.parametrize("name", ["octet_by_octet", "octet_by_octet=3"])
async def test_octets_come_one_by_one(start, name):
    simulator = await start(scenario=name)
    loop = asyncio.get_running_loop()
    cuts = []
    with socket.create_connection(("127.0.0.1", simulator.address.smpp_port)) as link:
        link.setblocking(False)
        await loop.sock_sendall(link, encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("esme", ""))))
        async with asyncio.timeout(60):
            while sum(cuts) < 30:
                cuts.append(len(await loop.sock_recv(link, 1000)))
    assert sum(cuts) == 30 and len(cuts) > 5


async def test_pdus_come_together(start, connect):
    simulator = await start(scenario="pdus_together=2000", time_scale=1)
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", simulator.address.smpp_port)) as link:
        link.setblocking(False)
        await loop.sock_sendall(link, encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("esme", ""))))
        await eventually(lambda: simulator.center.counts.binds)
        await loop.sock_sendall(link, encode(Pdu(ENQUIRE_LINK, 0, 2)))
        async with asyncio.timeout(60):
            assert len(await loop.sock_recv(link, 1000)) == 30 + 16


@pytest.mark.parametrize("name", ["flapping", "resetting", "greeting_cut"])
async def test_connections_that_end_soon(start, name):
    client = await opened(await start(scenario=name))
    await client.closed()
    assert client.octets == (7 if name == "greeting_cut" else 0)
    assert client.was_reset is (name == "resetting")
    await client.leave()


async def test_flapping_for_one_client_only(start, connect):
    simulator = await start()
    simulator.center.restage(Staging(scenarios=["flapping=1"], system_id="other"), None)
    client, other = await connect(simulator), await connect(simulator, system_id="other")
    await other.closed()
    assert (await client.submitted(PHONE)).status == 0


async def test_switching_at_run_time_reaches_links_that_are_up(start, connect):
    simulator = await start()
    client = await connect(simulator)
    simulator.center.restage(Staging(scenarios=["enquire_unanswered", "refused=0x0b"]), None)
    client.send(Pdu(ENQUIRE_LINK, 0, 500))
    assert (await client.submitted(PHONE)).status == 0x0B
    assert ENQUIRE_LINK_RESP not in [pdu.command_id for pdu in client.received]
    simulator.center.reset()
    assert (await client.ask(Pdu(ENQUIRE_LINK, 0, 501))).command_id == ENQUIRE_LINK_RESP
    assert (await client.submitted(PHONE)).status == 0


async def test_unbinding_after_a_while(start, connect):
    client = await connect(await start(scenario="unbinding"))
    [unbind] = await client.until(lambda: [pdu for pdu in client.received if pdu.command_id == UNBIND])
    client.send(Pdu(UNBIND_RESP, 0, unbind.sequence))
    await client.closed()


async def test_half_open_falls_silent_and_stays_open(start, connect):
    simulator = await start(scenario="half_open=2000000")  # 2 s
    client = await connect(simulator)
    assert (await client.submitted(PHONE)).status == 0
    await eventually(lambda: all(link._is_silent for link in simulator.center.links))
    seen = len(client.received)
    client.send(Pdu(ENQUIRE_LINK, 0, 500))
    await _passed_by(simulator)
    assert len(client.received) == seen and not client.is_closed


async def test_unbind_without_answer(start, connect):
    simulator = await start(scenario="unbind_unanswered")
    client = await connect(simulator)
    client.send(Pdu(UNBIND, 0, 500))
    assert (await client.ask(Pdu(ENQUIRE_LINK, 0, 501))).command_id == ENQUIRE_LINK_RESP
    assert UNBIND_RESP not in [pdu.command_id for pdu in client.received]


async def test_a_bind_that_is_dropped_and_one_that_is_nacked(start):
    dropped = await opened(await start(scenario="bind_dropped"))
    dropped.send(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("esme", "")))
    await dropped.closed()
    assert dropped.received == []
    nacked = await opened(await start(scenario="bind_nacked"))
    assert (await bind(nacked)).command_id == GENERIC_NACK
    await nacked.leave()
    await dropped.leave()


async def test_a_slow_bind(start):
    simulator = await start(scenario="bind_slow=50000")  # 50 ms
    client = await opened(simulator)
    client.send(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("esme", "")), Pdu(ENQUIRE_LINK, 0, 2))
    await client.response(1)
    assert [pdu.command_id for pdu in client.received] == [ENQUIRE_LINK_RESP, BIND_TRANSCEIVER_RESP]
    await client.leave()


@pytest.mark.parametrize(
    "name, status", [("bind_limit", Status.ESME_RALYBND), ("bind_limit_failed", Status.ESME_RBINDFAIL)]
)
async def test_a_limit_of_binds(start, connect, name, status):
    simulator = await start(scenario=name)
    first = await connect(simulator)
    second = await opened(simulator)
    assert (await bind(second)).status == status
    await connect(simulator, system_id="other")
    await first.vanish()
    await eventually(lambda: len(simulator.center.links) == 2)
    assert (await bind(second)).status == 0
    await second.leave()


async def test_a_lost_bind_that_lingers(start, connect):
    simulator = await start(scenario="bind_lingers=2000000")  # 2 s
    await (await connect(simulator)).vanish()
    await eventually(lambda: not simulator.center.links)
    again = await opened(simulator)
    assert (await bind(again)).status == Status.ESME_RALYBND
    await eventually(lambda: not simulator.center.esmes["esme"].lingering)
    assert (await bind(again)).status == 0
    await again.leave()


async def test_no_transceiver(start, connect):
    simulator = await start(scenario="no_transceiver")
    client = await opened(simulator)
    refused = await bind(client)
    assert (refused.command_id, refused.status) == (BIND_TRANSCEIVER_RESP, Status.ESME_RINVCMDID)
    assert (await bind(client, BIND_TRANSMITTER)).command_id == BIND_TRANSMITTER_RESP
    await client.leave()


async def test_a_pair_of_binds_is_needed(start, connect):
    simulator = await start(scenario="needs_pair")
    client = await opened(simulator)
    assert (await bind(client)).status == Status.ESME_RBINDFAIL
    await client.leave()
    transmitter = await connect(simulator, command=BIND_TRANSMITTER)
    assert (await transmitter.submitted(PHONE)).status == Status.ESME_RINVBNDSTS
    receiver = await connect(simulator, command=BIND_RECEIVER)
    assert receiver.received[0].command_id == BIND_RECEIVER_RESP
    assert (await transmitter.submitted(PHONE)).status == 0
    assert len(await receiver.receipts(1)) == 1


async def test_smpp_3_3(start, connect):
    simulator = await start(scenario="smpp33")
    client = await opened(simulator)
    assert (await bind(client)).command_id == GENERIC_NACK
    assert (await bind(client, BIND_TRANSMITTER)).tlvs == ()
    data = Pdu(DATA_SM, 0, 70, DataSm(dest=PHONE), (make_tlv(Tag.MESSAGE_PAYLOAD, b"x"),))
    assert (await client.ask(data)).command_id == GENERIC_NACK
    receiver = await connect(simulator, command=BIND_RECEIVER)
    assert (await client.submitted(PHONE)).status == 0
    [delivered] = await receiver.deliveries(1)
    assert delivered.tlvs == () and b"stat:DELIVRD" in delivered.body.short_message
    await client.leave()


@pytest.mark.parametrize("name, state", [("smpp50", 20), ("congested", 90), ("congested=7", 7)])
async def test_congestion_state(start, connect, name, state):
    simulator = await start(scenario=name)
    client = await connect(simulator)
    version = tlv(client.received[0].tlvs, Tag.SC_INTERFACE_VERSION)
    assert version == (b"\x50" if name == "smpp50" else b"\x34")
    assert (await client.submitted(PHONE)).tlvs == ((0x0428, bytes([state])),)


async def test_submit_sm_alone(start, connect):
    client = await connect(await start(scenario="submits_only"))
    refused = await client.ask(Pdu(QUERY_SM, 0, 70, QuerySm("1")))
    assert (refused.command_id, refused.status) == (GENERIC_NACK, Status.ESME_RINVCMDID)
    assert (await client.submitted(PHONE)).status == 0


@pytest.mark.parametrize(
    "name, numbers",
    [("sequence_from_zero", [0, 1]), ("sequence_beyond", [0x80000000, 0x80000001])],
)
async def test_the_numbers_of_its_own_requests(start, connect, name, numbers):
    simulator = await start(scenario=name)
    client = await connect(simulator)
    for _ in numbers:
        await client.submitted(PHONE)
    assert [pdu.sequence for pdu in await client.deliveries(2)] == numbers
    await eventually(lambda: simulator.center.counts.receipts_answered == 2)


async def test_an_enquire_link_resp_with_another_number(start, connect):
    client = await connect(await start(scenario="enquire_resp_other"))
    client.send(Pdu(ENQUIRE_LINK, 0, 5))
    [response] = await client.until(lambda: [pdu for pdu in client.received if pdu.command_id == ENQUIRE_LINK_RESP])
    assert response.sequence == 1_000_005


async def test_enquire_link_without_answer(start, connect):
    client = await connect(await start(scenario="enquire_unanswered"))
    client.send(Pdu(ENQUIRE_LINK, 0, 500))
    assert (await client.submitted(PHONE)).status == 0
    assert ENQUIRE_LINK_RESP not in [pdu.command_id for pdu in client.received]
