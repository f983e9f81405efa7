"""What stands in place of a submit_sm_resp, and around it, seen over TCP."""

import pytest
from sandbox_esme import eventually, reserved

from whimbrel.codec.smpp.pdu import BadPdu, Pdu, ShortMessage
from whimbrel.codec.smpp.tables import DELIVER_SM, GENERIC_NACK, SUBMIT_SM, SUBMIT_SM_RESP, UNBIND, Status
from whimbrel_sandbox.log import Submitted
from whimbrel_sandbox.scenarios.conduct import Where
from whimbrel_sandbox.scenarios.table import SCENARIOS
from whimbrel_sandbox.stage import Staging

PHONE = "447700900123"
ROWS = {row.name: row for row in SCENARIOS if row.where is Where.SUBMIT}
RESPONSE = (SUBMIT_SM_RESP, 0)
LOST = ("lost", Status.ESME_RINVCMDLEN)
# What the client receives, in order: (command_id, status), or "bad" and "lost" with their status for what is no PDU.
SEEN = {
    "nack_zero_first": [(GENERIC_NACK, Status.ESME_RSYSERR), RESPONSE],
    "response_length_short": [LOST],
    "response_length_huge": [LOST],
    "response_length_beyond": [RESPONSE],
    "response_length_within": [],
    "response_command_unknown": [("bad", Status.ESME_RINVCMDID)],
    "request_unknown_first": [("bad", Status.ESME_RINVCMDID), RESPONSE],
    "unreadable_first": [("bad", Status.ESME_RINVCMDLEN), RESPONSE],
    "response_twice": [RESPONSE, RESPONSE],
    "response_stray_first": [RESPONSE, RESPONSE],
    "response_without_body": [RESPONSE],
    "response_id_empty": [RESPONSE],
    "response_id_open": [RESPONSE],
    "response_alien_tlvs": [RESPONSE],
    "refused_with_body": [(SUBMIT_SM_RESP, Status.ESME_RSUBMITFAIL)],
    "refused_unknown_status": [(SUBMIT_SM_RESP, 0x22)],
    "refused_wide_status": [(SUBMIT_SM_RESP, 0x10000)],
    "refused": [(SUBMIT_SM_RESP, Status.ESME_RSUBMITFAIL)],
    "refused_yet_delivered": [(SUBMIT_SM_RESP, Status.ESME_RSYSERR)],
    "response_slow": [RESPONSE],
    "unbind_close": [(UNBIND, 0)],
    "link_reset": [],
}
CLOSED = {"response_length_short", "response_length_huge", "unbind_close", "link_reset"}
NOT_ACCEPTED = {
    "refused_with_body", "refused_unknown_status", "refused_wide_status", "refused", "unbind_close", "link_reset",
}  # fmt: skip
OTHERS = {
    "times_absolute",
    "times_relative",
    "times_refused",
    "addresses_strict",
    "responses_shuffled",
    "rate_limited",
    "window_limited",
    "congested",
}  # congested: test_scenarios_links.py


def shown(pdu):
    if isinstance(pdu, BadPdu):
        return "bad" if pdu.in_step else "lost", pdu.status
    return pdu.command_id, pdu.status


def test_every_scenario_of_submits_is_tested():
    assert {*SEEN, *OTHERS} == set(ROWS)


@pytest.mark.parametrize("is_switched", [False, True], ids=["number", "switched"])
@pytest.mark.parametrize("name", SEEN)
async def test_what_the_client_sees(start, connect, name, is_switched):
    simulator = await start()
    client = await connect(simulator)
    dest = reserved(ROWS[name].number)
    if is_switched:
        dest = PHONE
        simulator.center.restage(Staging(scenarios=[name]), None)
    client.submit(dest, registered=0)
    if name in CLOSED:
        await client.closed()
        assert client.was_reset is (name == "link_reset")
    await client.until(lambda: len(client.received) >= 1 + len(SEEN[name]))
    await eventually(lambda: simulator.center.counts.submits)
    assert [
        shown(pdu) for pdu in client.received[1:] if pdu.command_id != DELIVER_SM or isinstance(pdu, BadPdu)
    ] == SEEN[name]
    [event] = [event for event in simulator.center.log.after(0, 100)[1] if isinstance(event, Submitted)]
    assert event.accepted is (name not in NOT_ACCEPTED)


async def test_the_details_of_responses(start, connect):
    client = await connect(await start())
    told = {name: await client.submitted(reserved(ROWS[name].number), registered=0) for name in (
        "response_without_body", "response_id_empty", "response_id_open", "response_alien_tlvs", "refused_with_body",
    )}  # fmt: skip
    assert told["response_without_body"].body is None
    assert told["response_id_empty"].body.message_id == ""
    assert told["response_id_open"].body.message_id != "" and told["response_id_open"].tlvs == ()
    assert (0x1403, b"234") in told["response_alien_tlvs"].tlvs
    assert told["refused_with_body"].body.message_id == ""


async def test_a_stray_response_has_a_number_of_its_own(start, connect):
    client = await connect(await start())
    sequence = client.submit(reserved("1012"), registered=0)
    await client.response(sequence)
    assert [pdu.sequence == sequence for pdu in client.responses()] == [False, True]


async def test_octets_beyond_the_length_of_a_response_put_the_stream_out_of_step(start, connect):
    client = await connect(await start())
    await client.submitted(reserved("1006"), registered=0)
    client.submit(PHONE, registered=0)
    await client.until(lambda: [pdu for pdu in client.received if isinstance(pdu, BadPdu)])


async def test_a_response_that_is_too_long_swallows_the_next(start, connect):
    client = await connect(await start())
    client.submit(reserved("1007"), registered=0)
    for _ in range(4):
        client.submit(PHONE, registered=0)
    await client.until(lambda: len(client.received) > 1)
    assert 1 <= len(client.responses()) < 5


async def test_refused_and_delivered_all_the_same(start, connect):
    simulator = await start()
    client = await connect(simulator)
    assert (await client.submitted(reserved("1105"))).status == Status.ESME_RSYSERR
    [got] = await client.receipts(1)
    assert got.stat == "DELIVRD" and len(simulator.network.phones.read(reserved("1105"))) == 1


async def test_responses_in_any_order(start, connect):
    client = await connect(await start(time_scale=0.1))  # within 100 ms
    sent = [client.submit(reserved("1107"), registered=0) for _ in range(20)]
    await client.until(lambda: len(client.responses()) == 20)
    order = [pdu.sequence for pdu in client.responses()]
    assert sorted(order) == sent and order != sent


async def test_limits_of_rate_and_window(start, connect):
    client = await connect(await start(scenario="rate_limited=2"))
    sent = [client.submit(PHONE, registered=0) for _ in range(3)]
    assert [(await client.response(each)).status for each in sent] == [0, 0, Status.ESME_RTHROTTLED]
    client = await connect(await start(scenario="window_limited=2,response_slow=20000"))
    sent = [client.submit(PHONE, registered=0) for _ in range(3)]
    assert [(await client.response(each)).status for each in sent] == [0, 0, Status.ESME_RMSGQFUL]


async def test_a_scenario_for_one_number(start, connect):
    simulator = await start()
    client = await connect(simulator)
    simulator.center.restage(Staging(scenarios=["refused=0x14"], number=PHONE), PHONE)
    assert (await client.submitted("+" + PHONE)).status == 0x14
    assert (await client.submitted("447700900124")).status == 0
    simulator.center.restage(Staging(scenarios=[], number=PHONE), PHONE)
    assert (await client.submitted(PHONE)).status == 0


async def test_a_scenario_for_one_client_stands_beside_that_for_all(start, connect):
    simulator = await start(scenario="congested=7")
    simulator.center.restage(Staging(scenarios=["refused=0x14"], system_id="other"), None)
    client, other = await connect(simulator), await connect(simulator, system_id="other")
    assert (await client.submitted(PHONE)).status == 0
    assert (await other.submitted(PHONE)).status == 0x14
    simulator.center.restage(Staging(scenarios=["receipt_late"], system_id="other"), None)
    assert [(await each.submitted(PHONE)).tlvs for each in (client, other)] == [((0x0428, b"\7"),)] * 2
    simulator.center.restage(Staging(scenarios=["refused=0x14"], system_id="other"), None)
    simulator.center.restage(Staging(scenarios=["refused=0x08"]), None)
    assert [(await each.submitted(PHONE)).status for each in (client, other)] == [0x08, 0x14]


ABSOLUTE, RELATIVE, NO_TIME = "301231235959000+", "000001000000000R", "301331235959000+"


@pytest.mark.parametrize(
    "scenario, taken, refused",
    [
        (None, [ABSOLUTE, RELATIVE], [NO_TIME, "soon", "3012312359590+"]),
        ("times_absolute", [ABSOLUTE], [RELATIVE, NO_TIME]),
        ("times_relative", [RELATIVE], [ABSOLUTE]),
        ("times_refused", [""], [ABSOLUTE, RELATIVE]),
    ],
)
async def test_forms_of_times(start, connect, scenario, taken, refused):
    client = await connect(await start(scenario=scenario))
    for words in taken:
        assert (await client.submitted(PHONE, validity_period=words)).status == 0
        assert (await client.submitted(PHONE, schedule_time=words)).status == 0
    for words in refused:
        assert (await client.submitted(PHONE, validity_period=words)).status == Status.ESME_RINVEXPIRY
        assert (await client.submitted(PHONE, schedule_time=words)).status == Status.ESME_RINVSCHED


@pytest.mark.parametrize(
    "fields, status",
    [
        ({}, 0),
        ({"source_ton": 1, "source_npi": 1, "source": "15005550006"}, 0),
        ({"source_ton": 0, "source": ""}, 0),
        ({"source_ton": 1}, Status.ESME_RINVSRCTON),
        ({"source": "15005550006"}, Status.ESME_RINVSRCTON),
        ({"source_npi": 1}, Status.ESME_RINVSRCNPI),
        ({"source": "MoreThanEleven"}, Status.ESME_RINVSRCADR),
        ({"source_ton": 1, "source": "+15005550006"}, Status.ESME_RINVSRCADR),
        ({"dest_ton": 0}, Status.ESME_RINVDSTTON),
        ({"dest_npi": 0}, Status.ESME_RINVDSTNPI),
        ({"dest": "+447700900123"}, Status.ESME_RINVDSTADR),
    ],
)
async def test_strict_addresses(start, connect, fields, status):
    client = await connect(await start(scenario="addresses_strict"))
    usual = {"source_ton": 5, "source_npi": 0, "source": "Shop", "dest_ton": 1, "dest_npi": 1, "dest": PHONE}
    body = ShortMessage(**usual | fields, short_message=b"x")
    assert (await client.ask(Pdu(SUBMIT_SM, 0, 70, body))).status == status
