"""What each scenario of receipts sends, seen over TCP: the octets, and what the product's parser makes of them."""

import re

import pytest
from sandbox_esme import eventually, reserved

from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.pdu import Pdu, tlv
from whimbrel.codec.smpp.tables import DATA_SM, DELIVER_SM, UNBIND, UNBIND_RESP, MessageState, Tag
from whimbrel_sandbox.scenarios.conduct import Where
from whimbrel_sandbox.scenarios.table import SCENARIOS

D, U = MessageState.DELIVERED, MessageState.UNDELIVERABLE
ROWS = {row.name: row for row in SCENARIOS if row.where is Where.RECEIPT}

# What the text looks like, as a pattern over all of it; ID stands for the id of the response.
TEXTS = {
    "receipt_unasked": r"id:ID sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000 text:hello",
    "receipt_late": r"id:ID .*stat:DELIVRD.*",
    "receipts_shuffled": r"id:ID .*stat:DELIVRD.*",
    "receipt_without_sub": r"id:ID submit date:\d{10} done date:\d{10} stat:DELIVRD err:000 text:hello",
    "receipt_without_text": r"id:ID sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000",
    "receipt_without_err": r"id:ID .* stat:DELIVRD text:hello",
    "receipt_id_and_stat": r"id:ID stat:DELIVRD",
    "receipt_without_id": r"stat:DELIVRD err:000 text:hello",
    "receipt_other_order": r"sub:001 id:ID dlvrd:001 err:000 done date:\d+ submit date:\d+ stat:DELIVRD text:hello",
    "receipt_text_capital": r"id:ID .* err:000 Text:hello",
    "receipt_labels_capital": r"ID:ID SUB:001 .* STAT:DELIVRD ERR:000 TEXT:hello",
    "receipt_text_binary": r"id:ID .* err:000 text:\x84\x00\xff\x1b\x80\r\n\xc3",
    "receipt_text_misleads": r"id:ID .* stat:DELIVRD err:000 text:id:0 stat:REJECTD err:001",
    "receipt_not_parsable": r"Message ID: delivered, thank you",
    "dates_12": r"id:ID .*submit date:\d{12} done date:\d{12} .*",
    "dates_14": r"id:ID .*submit date:20\d{12} done date:20\d{12} .*",
    "dates_smpp": r"id:ID .*submit date:\d{12}012\+ done date:\d{12}012\+ .*",
    "dates_epoch": r"id:ID .*submit date:1\d{9} done date:1\d{9} .*",
    "dates_zero": r"id:ID .*submit date:0{10} done date:0{10} .*",
    "err_one_digit": r"id:ID .* stat:UNDELIV err:0 text:hello",
    "err_four_digits": r"id:ID .* stat:UNDELIV err:0000 text:hello",
    "err_letters": r"id:ID .* stat:UNDELIV err:21b text:hello",
    "err_a_question_mark": r"id:ID .* stat:UNDELIV err:13\? text:hello",
    "err_a_space_first": r"id:ID .* stat:UNDELIV err: 0 text:hello",
    "err_eight_digits": r"id:ID .* stat:UNDELIV err:00954321 text:hello",
    "stat_failed": r"id:ID .* stat:FAILED err:000 .*",
    "stat_empty": r"id:ID .* stat: err:000 .*",
    "stat_acked": r"id:ID .* stat:ACKED err:000 .*",
    "stat_buffred": r"id:ID .* stat:BUFFRED err:000 .*",
    "stat_zero": r"id:ID .* stat:0 err:000 .*",
    "stat_lower_case": r"id:ID .* stat:delivrd err:000 .*",
    "stat_accepted": r"id:ID .* stat:ACCEPTED err:000 .*",
    "stat_delivered": r"id:ID .* stat:DELIVERED err:000 .*",
    "stat_unheard_of": r"id:ID .* stat:GREENED err:000 .*",
    "receipt_latin1": r"id:ID .* text:gr\xfc\xdfe",
    "receipt_id_tlv_only": r"id:ID .*",
    "receipt_tlv_without_state": r"",
    "receipt_tlv_without_nul": r"",
    "receipt_error_tlv_digits": r"id:ID .*",
    "receipt_error_tlv_network": r"id:ID .*",
    "receipt_alien_tlvs": r"id:ID .*",
    "receipt_wrong_tlvs": r"id:ID .*",
    "receipt_tlv_beyond": r"id:ID .*",
    "receipt_tlv_half": r"id:ID .*",
    **{f"esm_class_{value}": r"id:ID .*" for value in ("00", "08", "20", "24", "44", "c4")},
    "receipt_addresses_kept": r"id:ID .*",
    "receipt_address_plus": r"id:ID .*",
    "receipt_address_00": r"id:ID .*",
}
TLVS = {
    "receipt_id_tlv_only": {0x1E},
    "receipt_tlv_without_state": {0x1E},
    "receipt_tlv_without_nul": {0x1E, 0x427},
    "receipt_error_tlv_digits": {0x1E, 0x427, 0x423},
    "receipt_error_tlv_network": {0x1E, 0x427, 0x423},
    "receipt_alien_tlvs": {0x1E, 0x427, 0x1403, 0x1454, 0x60D, 0x428, 0x2B, 0x3FFF},
    "receipt_wrong_tlvs": {0x427, 0x381, 0x426, 0x204, 0x20C},
    "receipt_tlv_beyond": {0x1E, 0x427},
    "receipt_tlv_half": {0x1E, 0x427},
}
SEVERAL = {
    "delivered_then_enroute": ["DELIVRD", "ENROUTE"],
    "intermediate": ["ENROUTE", "ACCEPTD", "DELIVRD"],
    "contradictory": ["DELIVRD", "UNDELIV", "EXPIRED", "DELIVRD"],
}
# The response's id, the text's, the TLV's; all that the receipt should be found by.
IDS = {
    "id_hex_then_decimal": lambda told, text, tlv: told == f"{int(text):x}" and len(text) >= 10,
    "id_decimal_then_hex": lambda told, text, tlv: f"{int(told):x}" == text,
    "id_padded_to_10": lambda told, text, tlv: told != text and told.zfill(10) == text and len(text) == 10,
    "id_zeros_lost": lambda told, text, tlv: told[0] == "0" and told[1:].upper() == text,
    "id_tlv_hex": lambda told, text, tlv: tlv == told and int(text) == int(told, 16) and len(text) >= 10,
    "id_tlv_right": lambda told, text, tlv: tlv == told != text,
    "id_text_right": lambda told, text, tlv: text == told != tlv and tlv is not None,
    "id_big": lambda told, text, tlv: told == text and int(told) > 1 << 64,
    "id_long": lambda told, text, tlv: told == text and len(told) == 64,
}
PARTS = {"receipt_first_part": 1, "receipt_last_part": 3}
WIRES = {"receipt_elsewhere", "receipt_data_sm", "receipt_then_unbind", "receipt_then_drop", "receipt_cut"}
OCTETS = {"receipt_ucs2", "receipt_ucs2_marked", "receipt_payload", "receipt_payload_nul"}


def test_every_scenario_of_receipts_is_tested():
    assert {*TEXTS, *SEVERAL, *IDS, *WIRES, *OCTETS, *PARTS, "id_reused"} == set(ROWS)


async def sent(client, name, **fields):
    """Submit to the number of a scenario; the id of the response and the first receipt."""
    response = await client.submitted(reserved(ROWS[name].number), **fields)
    assert response.status == 0
    return response.body.message_id, (await client.deliveries(1))[0]


@pytest.mark.parametrize("name", TEXTS)
async def test_the_text_of_a_receipt(start, connect, name):
    simulator = await start()
    client = await connect(simulator)
    told, pdu = await sent(client, name, registered=0 if name == "receipt_unasked" else 1)
    text = pdu.body.short_message.decode("latin-1")
    assert re.fullmatch(TEXTS[name].replace("ID", re.escape(told), 1) if "ID:ID" not in TEXTS[name] else
                        TEXTS[name].replace("ID:ID", f"ID:{told}"), text, re.DOTALL), text  # fmt: skip
    if name in TLVS:
        assert {tag for tag, _ in pdu.tlvs} == TLVS[name]


@pytest.mark.parametrize("name", SEVERAL)
async def test_several_receipts_in_their_order(start, connect, name):
    simulator = await start()
    client = await connect(simulator)
    await sent(client, name)
    got = await client.receipts(len(SEVERAL[name]))
    assert [each.stat for each in got] == SEVERAL[name]
    classes = [pdu.body.esm_class for pdu in client.delivered()]
    assert classes == [0x20 if stat in ("ENROUTE", "ACCEPTD") else 0x04 for stat in SEVERAL[name]]


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("ids", ["sequential", "hex", "decimal", "random"])
async def test_the_ids_of_a_receipt(start, connect, name, ids):
    simulator = await start(ids=ids)
    client = await connect(simulator)
    told, pdu = await sent(client, name)
    text = re.match(rb"id:(\S+) ", pdu.body.short_message)[1].decode()
    named = tlv(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID)
    assert IDS[name](told, text, None if named is None else named.rstrip(b"\0").decode()), (told, text, named)


@pytest.mark.parametrize(
    "name, esm_class", [(f"esm_class_{value:02x}", value) for value in (0, 8, 0x20, 0x24, 0x44, 0xC4)]
)
async def test_the_esm_class_of_a_receipt(start, connect, name, esm_class):
    simulator = await start()
    client = await connect(simulator)
    assert (await sent(client, name))[1].body.esm_class == esm_class


@pytest.mark.parametrize(
    "name, source, dest",
    [
        ("receipt_addresses_kept", "Shop", reserved("1611")),
        ("receipt_address_plus", "+" + reserved("1612"), "Shop"),
        ("receipt_address_00", "00" + reserved("1613"), "Shop"),
    ],
)
async def test_the_addresses_of_a_receipt(start, connect, name, source, dest):
    simulator = await start()
    client = await connect(simulator)
    body = (await sent(client, name))[1].body
    assert (body.source, body.dest) == (source, dest)


async def test_receipts_in_ucs2(start, connect):
    simulator = await start()
    client = await connect(simulator)
    told, plain = await sent(client, "receipt_ucs2")
    assert plain.body.data_coding == 8
    assert plain.body.short_message.decode("utf-16-be").startswith(f"id:{told} ")
    await client.submitted(reserved(ROWS["receipt_ucs2_marked"].number))
    marked = (await client.deliveries(2))[1]
    assert marked.body.short_message.startswith(b"\xfe\xff\0i\0d")
    assert [each.state for each in await client.receipts(2)] == [D, D]


async def test_receipts_in_message_payload(start, connect):
    simulator = await start()
    client = await connect(simulator)
    told, plain = await sent(client, "receipt_payload")
    assert plain.body.short_message == b""
    assert tlv(plain.tlvs, Tag.MESSAGE_PAYLOAD).startswith(b"id:" + told.encode())
    await client.submitted(reserved(ROWS["receipt_payload_nul"].number))
    ended = (await client.deliveries(2))[1]
    assert tlv(ended.tlvs, Tag.MESSAGE_PAYLOAD).endswith(b"text:hello\0") and len(ended.tlvs) == 3


async def test_a_receipt_tlv_without_its_nul(start, connect):
    simulator = await start()
    client = await connect(simulator)
    told, pdu = await sent(client, "receipt_tlv_without_nul")
    assert tlv(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) == told.encode()


async def test_a_receipt_as_data_sm(start, connect):
    simulator = await start()
    client = await connect(simulator)
    told = (await client.submitted(reserved("1208"))).body.message_id
    [pdu] = await client.until(lambda: [pdu for pdu in client.received if pdu.command_id == DATA_SM])
    got = receipt.parse(b"", 0, pdu.tlvs)
    assert (got.state, got.message_ids, pdu.body.esm_class) == (D, (told,), 4)
    await eventually(lambda: simulator.center.counts.receipts_answered == 1)


async def test_a_receipt_on_another_bind_than_the_submit(start, connect):
    simulator = await start()
    client = await connect(simulator)
    await client.submitted(reserved("1207"))
    await client.submitted("447700900123")
    assert len(await client.receipts(1)) == 1 and simulator.center.snapshot().waiting == 1
    other = await connect(simulator)
    [got] = await other.deliveries(1)
    assert got.body.source == reserved("1207")
    assert len(client.delivered()) == 1


async def test_unbind_after_a_receipt(start, connect):
    simulator = await start()
    client = await connect(simulator)
    await client.submitted(reserved("1209"))
    [unbind] = await client.until(lambda: [pdu for pdu in client.received if pdu.command_id == UNBIND])
    assert [pdu.command_id for pdu in client.received[-2:]] == [DELIVER_SM, UNBIND]
    client.send(Pdu(UNBIND_RESP, 0, unbind.sequence))
    await client.closed()


@pytest.mark.parametrize("name, seen", [("receipt_then_drop", 1), ("receipt_cut", 0)])
async def test_a_link_that_drops_with_a_receipt(start, connect, name, seen):
    simulator = await start()
    client = await connect(simulator)
    client.answers = lambda pdu: None
    await client.submitted(reserved(ROWS[name].number))
    await client.closed()
    assert len(client.delivered()) == seen
    again = await connect(simulator)
    assert len(await again.receipts(1)) == 1
    await eventually(lambda: simulator.center.counts.receipts_answered == 1)
    assert not again.is_closed


@pytest.mark.parametrize("name", PARTS)
async def test_one_receipt_for_a_long_text(start, connect, name):
    simulator = await start()
    client = await connect(simulator)
    dest = reserved(ROWS[name].number)
    told = []
    for part in (1, 2, 3):
        header = bytes((5, 0, 3, 9, 3, part))
        told.append((await client.submitted(dest, header + b"x", esm_class=0x40)).body.message_id)
    single = (await client.submitted(dest)).body.message_id
    got = [each.message_ids[0] for each in await client.receipts(2)]
    assert got == [told[PARTS[name] - 1], single]


async def test_ids_that_come_again(start, connect):
    client = await connect(await start())
    told = [(await client.submitted(reserved("1230"))).body.message_id for _ in range(6)]
    assert told[:3] == told[3:] and set(told) == {"1", "2", "3"}
    assert [each.message_ids[0] for each in await client.receipts(6)] == told


async def test_receipts_in_any_order(start, connect):
    simulator = await start(time_scale=0.05)  # within 50 ms
    client = await connect(simulator)
    sent_at_once = [client.submit(reserved("1203")) for _ in range(20)]
    told = [(await client.response(number)).body.message_id for number in sent_at_once]
    got = [each.message_ids[0] for each in await client.receipts(20)]
    assert sorted(got) == sorted(told) and got != told
