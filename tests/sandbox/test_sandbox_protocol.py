"""SMPP as an SMSC speaks it: binds, unknown and broken PDUs, limits, query and cancel, an independent client."""

import asyncio

import pytest
import smpplib.client
import smpplib.consts
from sandbox_esme import Esme, eventually, reserved

from whimbrel.codec.smpp.pdu import Bind, CancelSm, Pdu, QuerySm, ShortMessage, encode, make_tlv, tlv
from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    QUERY_SM,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
    MessageState,
    Status,
    Tag,
)
from whimbrel_sandbox.log import Malformed, Submitted
from whimbrel_sandbox.settings import Change


@pytest.mark.parametrize("command", [BIND_TRANSMITTER, BIND_RECEIVER, BIND_TRANSCEIVER])
async def test_binds(start, command):
    simulator = await start()
    client = await Esme.connect(simulator.address.smpp_port)
    response = await client.ask(Pdu(command, 0, 5, Bind("esme", "pw")))
    assert (response.status, response.body.system_id) == (0, "whimbrel")
    assert tlv(response.tlvs, Tag.SC_INTERFACE_VERSION) == b"\x34"
    assert (await client.ask(Pdu(command, 0, 6, Bind("esme", "pw")))).status == Status.ESME_RALYBND
    await client.leave()


async def test_an_older_client_is_sent_no_optional_parameters(start):
    simulator = await start()
    client = await Esme.connect(simulator.address.smpp_port)
    assert (await client.ask(Pdu(BIND_TRANSMITTER, 0, 5, Bind("esme", "pw", interface_version=0x33)))).tlvs == ()
    await client.leave()


async def test_only_the_right_name_and_password_may_bind(start):
    simulator = await start(system_id="esme", password="right")
    client = await Esme.connect(simulator.address.smpp_port)
    wrong = [Bind("other", "right"), Bind("esme", "wrong"), Bind("esme", "right")]
    seen = [(await client.ask(Pdu(BIND_TRANSCEIVER, 0, n, bind))).status for n, bind in enumerate(wrong, 1)]
    assert seen == [Status.ESME_RINVSYSID, Status.ESME_RINVPASWD, 0]
    await client.leave()


async def test_enquire_link_unbind_and_unsupported_commands(start, connect):
    simulator = await start()
    client = await connect(simulator)
    assert (await client.ask(Pdu(ENQUIRE_LINK, 0, 70))).command_id == ENQUIRE_LINK_RESP
    client.writer.write(bytes.fromhex("00000010 00000102 00000000 00000047"))  # a command that ends too early
    client.writer.write(bytes.fromhex("00000010 00001234 00000000 00000048"))  # no command of SMPP
    unknown = await client.response(0x48)
    assert (unknown.command_id, unknown.status) == (GENERIC_NACK, Status.ESME_RINVCMDID)
    assert (await client.ask(Pdu(UNBIND, 0, 73))).command_id == UNBIND_RESP
    await client.closed()


async def test_octets_out_of_step_close_only_their_own_connection(start, connect):
    simulator = await start()
    client = await connect(simulator)
    probe = await Esme.connect(simulator.address.smpp_port)
    probe.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await probe.closed()
    await probe.leave()
    [nack] = probe.received
    assert (nack.command_id, nack.status, nack.sequence) == (GENERIC_NACK, Status.ESME_RINVCMDLEN, 0)
    assert (await client.submitted("447700900123")).status == 0
    [noted] = [event for event in simulator.center.log.after(0, 100)[1] if isinstance(event, Malformed)]
    assert not noted.in_step


async def test_octets_may_come_one_by_one(start, connect):
    simulator = await start()
    client = await connect(simulator)
    submit = ShortMessage(source="Shop", dest="447700900123", short_message=b"slow")
    for octet in encode(Pdu(SUBMIT_SM, 0, 99, submit)):
        client.writer.write(bytes([octet]))
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.response(99)).command_id == SUBMIT_SM_RESP


@pytest.mark.parametrize("dest", ["", "Shop", "12a4"])
async def test_an_address_that_is_no_number_is_refused(start, connect, dest):
    simulator = await start()
    client = await connect(simulator)
    assert (await client.submitted(dest)).status == Status.ESME_RINVDSTADR


async def test_the_rate_limit_counts_segments_in_any_second(start, connect):
    simulator = await start(rate_limit=3)
    client = await connect(simulator)
    other = await connect(simulator, system_id="other")
    sent = [client.submit("447700900123") for _ in range(5)]  # at once: a second may be over before an answer is here
    seen = [(await client.response(number)).status for number in sent]
    assert seen == [0, 0, 0, Status.ESME_RTHROTTLED, Status.ESME_RTHROTTLED]
    assert (await other.submitted("447700900123")).status == 0


async def test_the_window_limit_refuses_what_is_too_much_at_once(start, connect):
    simulator = await start(window_limit=2, response_latency_ms=100)
    client = await connect(simulator)
    sent = [client.submit("447700900123") for _ in range(4)]
    assert [(await client.response(number)).status for number in sent] == [0, 0, *[Status.ESME_RMSGQFUL] * 2]
    assert (await client.submitted("447700900123")).status == 0


async def test_silence_swallows_everything_and_ends(start, connect):
    simulator = await start()
    client = await connect(simulator)
    simulator.center.change(Change(silent=True))
    client.submit("447700900123")
    client.send(Pdu(ENQUIRE_LINK, 0, 500))
    await eventually(lambda: simulator.center.counts.submits)
    simulator.center.change(Change(silent=False))
    assert (await client.submitted("447700900124")).status == 0
    assert [pdu.sequence for pdu in client.responses()] == [client.sequence]
    submits = [event for event in simulator.center.log.after(0, 100)[1] if isinstance(event, Submitted)]
    assert [(event.outcome, event.accepted) for event in submits] == [("silent", False), ("delivered", True)]


async def test_binds_are_refused_while_told_so(start):
    simulator = await start()
    simulator.center.change(Change(refuse_binds=Status.ESME_RBINDFAIL))
    client = await Esme.connect(simulator.address.smpp_port)
    assert (await client.ask(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("esme", "pw")))).status == Status.ESME_RBINDFAIL
    simulator.center.change(Change(refuse_binds=0))
    assert (await client.ask(Pdu(BIND_TRANSCEIVER, 0, 2, Bind("esme", "pw")))).status == 0
    await client.leave()


async def test_query_and_cancel(start, connect):
    simulator = await start(time_scale=0.05)  # 60 s -> 3 s
    client = await connect(simulator)
    done = (await client.submitted("447700900123")).body.message_id
    waiting = (await client.submitted(reserved("0160"))).body.message_id

    async def state(message_id):
        return (await client.ask(Pdu(QUERY_SM, 0, client.next(), QuerySm(message_id)))).body

    assert (await state(done)).message_state == MessageState.DELIVERED
    assert len((await state(done)).final_date) == 16
    assert (await state(waiting)).message_state == MessageState.ENROUTE
    canceled = await client.ask(Pdu(CANCEL_SM, 0, client.next(), CancelSm(message_id=waiting)))
    again = await client.ask(Pdu(CANCEL_SM, 0, client.next(), CancelSm(message_id=waiting)))
    assert (canceled.status, again.status) == (0, Status.ESME_RCANCELFAIL)
    marker = (await client.submitted(reserved("0160"))).body.message_id  # due after the one that was canceled
    told = [(r.stat, r.message_ids[0]) for r in await client.receipts(3)]
    assert told == [("DELIVRD", done), ("DELETED", waiting), ("DELIVRD", marker)]
    unknown = await client.ask(Pdu(QUERY_SM, 0, client.next(), QuerySm("none")))
    assert unknown.status == Status.ESME_RQUERYFAIL


async def test_the_text_may_stand_in_message_payload(start, connect):
    simulator = await start()
    client = await connect(simulator)
    submit = ShortMessage(source="Shop", dest="447700900123", data_coding=8)
    payload = (make_tlv(Tag.MESSAGE_PAYLOAD, "grün".encode("utf-16-be")),)
    await client.ask(Pdu(SUBMIT_SM, 0, client.next(), submit, payload))
    [text] = simulator.network.phones.read("447700900123")
    assert text.text == "grün"


async def test_an_independent_client_sends_and_gets_its_receipt(start):
    """smpplib blocks, so it runs in a thread of its own."""
    simulator = await start()
    message_id, receipt = await asyncio.to_thread(_by_smpplib, simulator.address.smpp_port)
    assert receipt.receipted_message_id.rstrip(b"\0") == message_id
    assert b"stat:DELIVRD" in receipt.short_message


def _by_smpplib(port):
    client = smpplib.client.Client("127.0.0.1", port, timeout=60, allow_unknown_opt_params=True)
    seen = {}
    client.set_message_sent_handler(lambda pdu: seen.update(sent=pdu.message_id))
    client.set_message_received_handler(lambda pdu: seen.update(receipt=pdu) or 0)
    client.connect()
    client.bind_transceiver(system_id="smpplib", password="secret")
    client.send_message(
        source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
        source_addr="Shop",
        dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
        destination_addr="447700900123",
        short_message=b"from another library",
        registered_delivery=True,
    )
    while len(seen) < 2:
        client.read_once()
    client.unbind()
    client.disconnect()
    return seen["sent"], seen["receipt"]
