"""Each reserved number gives its outcome, seen over TCP; and the documentation's table is the code's."""

import re
from pathlib import Path

import pytest
from sandbox_esme import reserved

from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.pdu import Pdu, encode, tlv
from whimbrel.codec.smpp.tables import BIND_TRANSMITTER, GENERIC_NACK, UNBIND, UNBIND_RESP, MessageState, Status, Tag
from whimbrel_sandbox.log import InboundSent, ReceiptSent, Responded, Submitted
from whimbrel_sandbox.outcomes import BY_NUMBER, OUTCOMES, Answer, IdForm, Reply

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"
ACCEPTED = [row for row in OUTCOMES if row.accepted and row.reply is Reply.RESPONSE and row.id_form is IdForm.SAME]
REFUSED = [row for row in OUTCOMES if row.refusal is not None]


def named(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def events(simulator, kind):
    return [event for event in simulator.center.log.after(0, 1_000_000)[1] if isinstance(event, kind)]


def test_the_document_lists_every_outcome_as_it_is():
    rows = re.findall(r"^\| `(\d{4})` \| `(\w+)` \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert rows == [(row.number, row.name, row.about) for row in OUTCOMES]


def test_numbers_and_names_are_unique():
    assert len(BY_NUMBER) == len(OUTCOMES) == len({row.name for row in OUTCOMES})


async def test_any_other_number_is_delivered_at_once(start, connect):
    simulator = await start()
    client = await connect(simulator)
    response = await client.submitted("447700900123")
    [got] = await client.receipts(1)
    assert response.status == 0
    assert (got.state, got.message_ids) == (MessageState.DELIVERED, (response.body.message_id,))
    assert client.received.index(response) < client.received.index(client.delivered()[0])


@named([row for row in ACCEPTED if row.refusal is None])
async def test_an_accepted_message_gets_the_receipts_of_its_row(start, connect, row):
    simulator = await start()
    client = await connect(simulator)
    response = await client.submitted(reserved(row.number))
    assert response.status == 0
    got = await client.receipts(len(row.receipts))
    for found, wanted in zip(got, row.receipts, strict=True):
        assert found.message_ids == (response.body.message_id,)
        assert found.state is receipt.STATES[wanted.stat]
        if found.stat:
            assert (found.stat, found.error) == (wanted.stat, wanted.err)
    [submitted] = events(simulator, Submitted)
    assert (submitted.outcome, submitted.message_id) == (row.name, response.body.message_id)


@named([row for row in REFUSED if not row.refusal.times])
async def test_a_refused_message_is_never_accepted(start, connect, row):
    simulator = await start()
    client = await connect(simulator)
    for _ in range(3):
        assert (await client.submitted(reserved(row.number))).status == row.refusal.status
    assert not any(event.accepted for event in events(simulator, Submitted))


@named([row for row in REFUSED if row.refusal.times])
async def test_a_message_held_up_is_refused_as_often_as_the_row_says(start, connect, row):
    simulator = await start()
    client = await connect(simulator)
    for text in (b"one", b"two"):  # each message has its own count
        seen = [(await client.submitted(reserved(row.number), text)).status for _ in range(row.refusal.times + 1)]
        assert seen == [row.refusal.status] * row.refusal.times + [0]
    assert {r.state for r in await client.receipts(2)} == {MessageState.DELIVERED}


async def test_delays_are_those_of_the_row(start, connect):
    simulator = await start(time_scale=0.01)  # 1 s -> 10 ms, 5 s -> 50 ms, 60 s -> 600 ms
    client = await connect(simulator)
    at_once = {client.submit(reserved(number)): number for number in ("0160", "0105", "0101")}
    sent = {(await client.response(each)).body.message_id: number for each, number in at_once.items()}
    got = await client.receipts(3)
    assert [sent[r.message_ids[0]] for r in got] == ["0101", "0105", "0160"]
    at = {event.message_id: event.at_us for event in events(simulator, Submitted)}
    waits = {sent[e.message_id]: e.at_us - at[e.message_id] for e in events(simulator, ReceiptSent)}
    assert waits["0101"] >= 9_000 and waits["0105"] >= 49_000 and waits["0160"] >= 599_000


async def test_no_response_means_not_accepted(start, connect):
    simulator = await start()
    client = await connect(simulator)
    client.submit(reserved("0601"))
    await client.submitted("447700900123")
    assert len(client.responses()) == 1
    [silent, _] = events(simulator, Submitted)
    assert not silent.accepted and silent.status == 0
    assert [event.seq for event in events(simulator, Responded)] == [client.sequence]


async def test_a_lost_response_still_brings_the_receipt(start, connect):
    simulator = await start()
    client = await connect(simulator)
    client.submit(reserved("0602"))
    [got] = await client.receipts(1)
    [submitted] = events(simulator, Submitted)
    assert submitted.accepted and got.message_ids == (submitted.message_id,)
    assert client.responses() == [] and events(simulator, Responded) == []


async def test_a_late_response_comes_after_those_of_later_messages(start, connect):
    simulator = await start()
    client = await connect(simulator)
    late = client.submit(reserved("0603"))
    at_once = client.submit("447700900123")
    await client.response(late)
    assert [pdu.sequence for pdu in client.responses()] == [at_once, late]


@pytest.mark.parametrize("number, accepted", [("0604", False), ("0605", True), ("0606", True)])
async def test_a_dropped_link(start, connect, number, accepted):
    simulator = await start()
    client = await connect(simulator)
    before = client.submit("447700900123")
    client.submit(reserved(number))
    await client.closed()
    assert [pdu.sequence for pdu in client.responses()] == [before]
    [_, dropped] = events(simulator, Submitted)
    assert dropped.accepted is accepted
    again = await connect(simulator)
    if accepted:
        ids = {r.message_ids[0] for r in await again.receipts(2 - len(client.delivered()))}
        assert dropped.message_id in ids


async def test_a_response_cut_in_the_middle(start, connect):
    simulator = await start()
    client = await connect(simulator)
    client.submit(reserved("0606"))
    await client.closed()
    whole = sum(len(encode(pdu)) for pdu in client.received)
    assert 0 < client.octets - whole < 16


@pytest.mark.parametrize("number, shown", [("0607", True), ("0608", False)])
async def test_generic_nack(start, connect, number, shown):
    simulator = await start()
    client = await connect(simulator)
    sequence = client.submit(reserved(number))
    nack = await client.response(sequence if shown else 0)
    assert (nack.command_id, nack.status) == (GENERIC_NACK, Status.ESME_RSYSERR)
    assert not events(simulator, Submitted)[0].accepted


async def test_unbind_in_place_of_a_response(start, connect):
    simulator = await start()
    client = await connect(simulator)
    client.submit(reserved("0609"))
    [unbind] = await client.until(lambda: [pdu for pdu in client.received if pdu.command_id == UNBIND])
    client.send(Pdu(UNBIND_RESP, 0, unbind.sequence))
    await client.closed()
    assert client.responses() == []


async def test_a_receipt_before_the_response(start, connect):
    simulator = await start()
    client = await connect(simulator)
    response = await client.submitted(reserved("0701"))
    [delivered] = client.delivered()
    assert client.received.index(delivered) < client.received.index(response)
    assert tlv(delivered.tlvs, Tag.RECEIPTED_MESSAGE_ID) == response.body.message_id.encode() + b"\0"


async def test_without_a_receipt_the_response_of_that_number_comes_at_once(start, connect):
    simulator = await start()
    client = await connect(simulator)
    assert (await client.submitted(reserved("0701"), registered=0)).status == 0
    await client.leave()
    transmitter = await connect(simulator, command=BIND_TRANSMITTER)
    assert (await transmitter.submitted(reserved("0701"))).status == 0


@named([row for row in OUTCOMES if row.id_form is not IdForm.SAME])
async def test_forms_of_ids(start, connect, row):
    simulator = await start()
    client = await connect(simulator)
    client.submit("447700900123")
    response = await client.submitted(reserved(row.number))
    told = response.body.message_id
    got = (await client.receipts(2))[1].message_ids[0]
    match row.id_form:
        case IdForm.DECIMAL:
            assert int(got) == int(told, 16)
        case IdForm.HEX:
            assert int(got, 16) == int(told)
        case IdForm.PADDED:
            assert got.lstrip("0") == told.lstrip("0") and len(got) >= len(told) + 2
        case IdForm.OTHER_CASE:
            assert got.lower() == told.lower() and (got != told or told.isdigit())


async def test_forms_of_receipts(start, connect):
    simulator = await start()
    client = await connect(simulator)
    for number in ("0801", "0803", "0807", "0232"):
        await client.submitted(reserved(number), b"hello you")
    tlv_only, text_only, shuffled, usual = await client.deliveries(4)
    assert tlv_only.body.short_message == b"" and len(tlv_only.tlvs) == 2
    assert text_only.tlvs == () and b"id:" in text_only.body.short_message
    assert shuffled.body.short_message.startswith(b"stat:DELIVRD err:000 done date:") and shuffled.tlvs == ()
    assert re.fullmatch(
        rb"id:\w+ sub:001 dlvrd:000 submit date:\d{10} done date:\d{10} stat:UNDELIV err:032 text:hello you",
        usual.body.short_message,
    )
    assert tlv(usual.tlvs, Tag.NETWORK_ERROR_CODE) == b"\x03\x00\x20"
    assert (usual.body.source, usual.body.dest) == (reserved("0232"), "Shop")


@pytest.mark.parametrize(
    "registered, delivered, failed",
    [(0, False, False), (1, True, True), (2, False, True)],
    ids=["none", "all", "failures_only"],
)
async def test_receipts_only_as_asked_for(start, connect, registered, delivered, failed):
    simulator = await start()
    client = await connect(simulator)
    await client.submitted("447700900123", registered=registered)
    await client.submitted(reserved("0201"), registered=registered)
    await client.submitted("447700900124", registered=1)
    got = [r.state for r in await client.receipts(1 + delivered + failed)]
    assert got == [MessageState.DELIVERED] * delivered + [MessageState.UNDELIVERABLE] * failed + [
        MessageState.DELIVERED
    ]


@named([row for row in OUTCOMES if row.answer is not None])
async def test_answers_from_the_phone(start, connect, row):
    simulator = await start()
    client = await connect(simulator)
    await client.submitted(reserved(row.number), b"how are you?", registered=0)
    await client.deliveries(1)
    parts = {event.part: event for event in events(simulator, InboundSent)}
    text = "".join(parts[number].text for number in sorted(parts))
    first = client.delivered()[0].body
    assert (first.source, first.dest, first.dest_ton) == (reserved(row.number), "Shop", 5)
    match row.answer:
        case Answer.ECHO:
            assert text == "how are you?"
        case Answer.STOP | Answer.START | Answer.HELP:
            assert text == row.answer.upper()
        case Answer.UNICODE:
            assert "\N{BIRD}" in text and first.data_coding == 8
        case Answer.LONG:
            assert list(parts) == sorted(parts) and len(parts) > 2 and first.esm_class == 0x40
        case Answer.LONG_SHUFFLED:
            assert list(parts) != sorted(parts) and len(parts) > 2


async def test_a_phone_answers_a_long_text_once_and_a_keyword_once(start, connect):
    simulator = await start()
    client = await connect(simulator)
    for index, part in enumerate((b"one ", b"two ", b"three"), 1):
        header = bytes((5, 0, 3, 9, 3, index))
        await client.submitted(reserved("0901"), header + part, esm_class=0x40, registered=0)
    for _ in range(3):  # as an application does that answers HELP with a text
        await client.submitted(reserved("0904"), registered=0)
    await client.submitted(reserved("0901"), b"last", registered=0)
    got = [pdu.body.short_message for pdu in await client.deliveries(3)]
    assert got == [b"one two three", b"HELP", b"last"]
