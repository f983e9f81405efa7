"""data_sm, submit_multi, replace_sm, query_sm and cancel_sm as an SMSC answers them; long texts in every way."""

import pytest
from sandbox_esme import reserved

from whimbrel.codec.smpp.pdu import (
    CancelSm,
    DataSm,
    DistributionList,
    Pdu,
    QuerySm,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    UnsuccessfulSme,
    make_tlv,
)
from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    CANCEL_SM,
    DATA_SM,
    DATA_SM_RESP,
    GENERIC_NACK,
    QUERY_SM,
    REPLACE_SM,
    SUBMIT_MULTI,
    MessageState,
    Status,
    Tag,
)
from whimbrel_sandbox import times
from whimbrel_sandbox.log import Submitted

PHONE, OTHER = "447700900123", "447700900124"


def multi(*destinations, **fields):
    body = SubmitMulti(
        source_ton=5, source="Shop", destinations=destinations, registered_delivery=1, short_message=b"to all", **fields
    )
    return Pdu(SUBMIT_MULTI, 0, 70, body)


def read(simulator, number):
    return [text.text for text in simulator.network.phones.read(number)]


async def test_data_sm(start, connect):
    simulator = await start()
    client = await connect(simulator)
    data = DataSm(source_ton=5, source="Shop", dest_ton=1, dest_npi=1, dest=PHONE, registered_delivery=1)
    response = await client.ask(Pdu(DATA_SM, 0, 70, data, (make_tlv(Tag.MESSAGE_PAYLOAD, b"x" * 300),)))
    assert (response.command_id, response.status) == (DATA_SM_RESP, 0)
    [got] = await client.receipts(1)
    assert got.message_ids == (response.body.message_id,)
    assert read(simulator, PHONE) == ["x" * 300]
    data = DataSm(source="Shop", dest=reserved("0411"))
    assert (await client.ask(Pdu(DATA_SM, 0, 71, data))).status == Status.ESME_RINVDSTADR


@pytest.mark.parametrize(
    "number, seen",
    [
        ("0607", [(GENERIC_NACK, Status.ESME_RSYSERR)]),
        ("1013", [(DATA_SM_RESP, 0)]),
        ("1011", [(DATA_SM_RESP, 0)] * 2),
        ("1101", [(DATA_SM_RESP, Status.ESME_RSUBMITFAIL)]),
    ],
)
async def test_what_stands_in_place_of_a_data_sm_resp(start, connect, number, seen):
    client = await connect(await start())
    client.send(Pdu(DATA_SM, 0, 70, DataSm(source="Shop", dest=reserved(number))))
    await client.until(lambda: len(client.received) > len(seen))
    assert [(pdu.command_id, pdu.status) for pdu in client.received[1:]] == seen


async def test_submit_multi_is_a_message_for_each_destination(start, connect):
    simulator = await start()
    client = await connect(simulator)
    phones = [SmeAddress(1, 1, number) for number in (PHONE, OTHER, reserved("0410"))]
    response = await client.ask(multi(*phones))
    failed = UnsuccessfulSme(1, 1, reserved("0410"), Status.ESME_RINVSRCADR)
    assert (response.status, response.body.unsuccessful) == (0, (failed,))
    got = await client.receipts(2)
    assert {each.message_ids for each in got} == {(response.body.message_id,)}
    assert {pdu.body.source for pdu in client.delivered()} == {PHONE, OTHER}
    assert read(simulator, PHONE) == read(simulator, OTHER) == ["to all"]
    events = [event for event in simulator.center.log.after(0, 100)[1] if isinstance(event, Submitted)]
    assert [event.accepted for event in events] == [True, True, False]


@pytest.mark.parametrize(
    "destinations, status",
    [
        ((), Status.ESME_RINVNUMDESTS),
        ((DistributionList("friends"),), Status.ESME_RINVDLNAME),
        ((SmeAddress(1, 1, "Shop"),), Status.ESME_RSUBMITFAIL),
    ],
)
async def test_submit_multi_to_nobody(start, connect, destinations, status):
    client = await connect(await start())
    assert (await client.ask(multi(*destinations))).status == status


async def test_cancel_of_a_submit_multi_takes_all_of_it(start, connect):
    client = await connect(await start(time_scale=1))
    phones = [SmeAddress(1, 1, reserved("0160")), SmeAddress(1, 1, reserved("0160"))]
    told = (await client.ask(multi(*phones))).body.message_id
    assert (await client.ask(Pdu(CANCEL_SM, 0, 71, CancelSm(message_id=told, source="Shop")))).status == 0
    assert [each.stat for each in await client.receipts(2)] == ["DELETED", "DELETED"]


async def test_replace_a_text_that_its_phone_does_not_have_yet(start, connect):
    simulator = await start(time_scale=1)
    client = await connect(simulator)
    simulator.network.set_phone(PHONE, off=True, memory_full=None)
    told = (await client.submitted(PHONE)).body.message_id
    new = ReplaceSm(told, 5, 0, "Shop", registered_delivery=1, short_message=b"better")
    assert (await client.ask(Pdu(REPLACE_SM, 0, 70, new))).status == 0
    simulator.network.set_phone(PHONE, off=False, memory_full=None)
    assert len(await client.receipts(1)) == 1 and read(simulator, PHONE) == ["better"]
    assert (await client.ask(Pdu(REPLACE_SM, 0, 71, new))).status == Status.ESME_RREPLACEFAIL
    unknown = ReplaceSm("none", 5, 0, "Shop", short_message=b"x")
    assert (await client.ask(Pdu(REPLACE_SM, 0, 72, unknown))).status == Status.ESME_RREPLACEFAIL


async def test_a_message_is_its_senders(start, connect):
    client = await connect(await start())
    told = (await client.submitted(PHONE)).body.message_id
    mine = await client.ask(Pdu(QUERY_SM, 0, 70, QuerySm(told, 5, 0, "Shop")))
    foreign = await client.ask(Pdu(QUERY_SM, 0, 71, QuerySm(told, 5, 0, "Bank")))
    assert (mine.status, mine.body.message_state) == (0, MessageState.DELIVERED)
    assert foreign.status == Status.ESME_RQUERYFAIL


async def test_cancel_without_an_id_takes_all_from_here_to_there(start, connect):
    simulator = await start(time_scale=1)
    client = await connect(simulator)
    for number in (PHONE, OTHER):
        simulator.network.set_phone(number, off=True, memory_full=None)
    told = [(await client.submitted(number)).body.message_id for number in (PHONE, OTHER, PHONE)]
    asked = CancelSm(source_ton=5, source="Shop", dest_ton=1, dest_npi=1, dest=PHONE)
    assert (await client.ask(Pdu(CANCEL_SM, 0, 70, asked))).status == 0
    got = await client.receipts(2)
    assert {each.message_ids[0] for each in got} == {told[0], told[2]} and {each.stat for each in got} == {"DELETED"}
    assert (await client.ask(Pdu(CANCEL_SM, 0, 71, asked))).status == Status.ESME_RCANCELFAIL


@pytest.mark.parametrize(
    "command, body", [(QUERY_SM, QuerySm("1")), (REPLACE_SM, ReplaceSm("1")), (CANCEL_SM, CancelSm())]
)
async def test_a_receiver_may_ask_nothing(start, connect, command, body):
    client = await connect(await start(), command=BIND_RECEIVER)
    assert (await client.ask(Pdu(command, 0, 70, body))).status == Status.ESME_RINVBNDSTS


def wide_header(number):
    return bytes((6, 8, 4, 1, 2, 2, number))


async def test_long_texts_by_wide_header_and_sar(start, connect):
    simulator = await start()
    client = await connect(simulator)
    for number in (2, 1):
        await client.submitted(PHONE, wide_header(number) + b"wide%d " % number, esm_class=0x40, registered=0)
    for number in (1, 2):
        sar = ((int(Tag.SAR_MSG_REF_NUM), b"\0\7"), (int(Tag.SAR_TOTAL_SEGMENTS), b"\2"), (0x020F, bytes([number])))
        await client.submitted(PHONE, b"sar%d " % number, registered=0, tlvs=sar)
    assert read(simulator, PHONE) == ["wide1 wide2 ", "sar1 sar2 "]


async def test_a_scheduled_message_waits_and_can_be_canceled(start, connect):
    simulator = await start(time_scale=0.0001)
    client = await connect(simulator)

    async def state(message_id):
        return (await client.ask(Pdu(QUERY_SM, 0, client.next(), QuerySm(message_id)))).body.message_state

    late, soon = "010000000000000R", "000000080000000R"  # a year: 53 minutes; 8 hours: 3 s
    waiting = (await client.submitted(PHONE, schedule_time=late)).body.message_id
    told = (await client.submitted(PHONE, b"in time", schedule_time=soon)).body.message_id
    assert await state(waiting) == await state(told) == MessageState.SCHEDULED
    assert read(simulator, PHONE) == []
    [got] = await client.receipts(1)
    assert got.message_ids == (told,) and read(simulator, PHONE) == ["in time"]
    assert (await client.ask(Pdu(CANCEL_SM, 0, 71, CancelSm(message_id=waiting, source="Shop")))).status == 0
    assert (await client.receipts(2))[1].stat == "DELETED"


@pytest.mark.parametrize(
    "words, seconds",
    [
        ("270115080000000+", 0),
        ("270115080000500+", 0.5),
        ("270115090000004+", 0),  # an hour ahead of UTC: four quarters
        ("270115070000004-", 0),
        ("000000000100000R", 60),
        ("000100000000000R", 30 * 86_400),
        ("270115080000049+", None),
        ("271315080000000+", None),
        ("27011508000000+", None),
        ("270115080000000Z", None),
        ("", None),
    ],
)
def test_times_of_smpp(words, seconds):
    now_us = 1_800_000_000_000_000  # 2027-01-15 08:00:00 UTC
    wanted = None if seconds is None else now_us + int(seconds * 1_000_000)
    assert times.read(words, now_us) == wanted


async def test_the_inbox_tells_the_data_coding(start, connect):
    simulator = await start()
    client = await connect(simulator)
    await client.submitted(PHONE, b"flash", data_coding=0x10, registered=0)
    assert [text.data_coding for text in simulator.network.phones.read(PHONE)] == [0x10]
