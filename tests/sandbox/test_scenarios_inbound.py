"""What each scenario of phones' texts and alphabets does, in both directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_esme import eventually, reserved

from whimbrel.codec import gsm7, udh
from whimbrel.codec.segments import decode
from whimbrel.codec.smpp.pdu import tlv, tlv_integer, user_data
from whimbrel.codec.smpp.tables import DATA_SM, DELIVER_SM, Tag
from whimbrel_sandbox import alphabets
from whimbrel_sandbox.network import PhoneText
from whimbrel_sandbox.scenarios.conduct import Where
from whimbrel_sandbox.scenarios.table import SCENARIOS

LONG = " ".join(f"sentence {number} of a text that needs three parts" for number in range(9))
WIDE = "ü – " * 40
PHONE = "447700900123"


async def texts(simulator, connect, text=LONG, count=3):
    """The texts of a phone as they reach the client."""
    client = await connect(simulator)
    simulator.network.send_text(PHONE, PhoneText(to="Shop", text=text))
    await client.until(
        lambda: len([pdu for pdu in client.received if pdu.command_id in (DELIVER_SM, DATA_SM)]) >= count
    )
    return [pdu for pdu in client.received if pdu.command_id in (DELIVER_SM, DATA_SM)]


def places(pdus):
    parsed = [udh.parse(pdu.body.short_message) for pdu in pdus]
    return [udh.concat(each.elements) for each in parsed]


def joined(pdus):
    return b"".join(udh.parse(pdu.body.short_message).payload for pdu in pdus)


async def sent_wide(start, connect):
    pdus = await texts(await start(scenario="inbound_wide"), connect)
    assert [(place.number, place.total, place.wide) for place in places(pdus)] == [(n, 3, True) for n in (1, 2, 3)]
    assert decode(joined(pdus), 0) == LONG


async def sent_sar(start, connect):
    pdus = await texts(await start(scenario="inbound_sar"), connect)
    tags = (Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
    assert [tuple(tlv_integer(pdu.tlvs, tag) for tag in tags) for pdu in pdus] == [(3, 1), (3, 2), (3, 3)]
    assert all(pdu.body.esm_class == 0 for pdu in pdus)
    assert decode(b"".join(pdu.body.short_message for pdu in pdus), 0) == LONG


async def sent_payload(start, connect):
    [pdu] = await texts(await start(scenario="inbound_payload"), connect, count=1)
    assert pdu.body.short_message == b"" and decode(tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD), 0) == LONG


async def sent_both(start, connect):
    [pdu] = await texts(await start(scenario="inbound_both"), connect, "hello", 1)
    assert pdu.body.short_message == tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) == b"hello"


async def sent_other_first(start, connect):
    pdus = await texts(await start(scenario="inbound_other_first"), connect)
    assert [udh.parse(pdu.body.short_message).elements[0].identifier for pdu in pdus] == [5, 5, 5]
    assert [place.number for place in places(pdus)] == [1, 2, 3]
    assert decode(joined(pdus), 0) == LONG


async def sent_twice(start, connect):
    pdus = await texts(await start(scenario="inbound_parts_twice"), connect, count=6)
    assert [place.number for place in places(pdus)] == [1, 1, 2, 2, 3, 3]


async def sent_backward(start, connect):
    pdus = await texts(await start(scenario="inbound_parts_backward"), connect)
    assert [place.number for place in places(pdus)] == [3, 2, 1]


async def sent_without_the_last(start, connect):
    simulator = await start(scenario="inbound_part_missing")
    pdus = await texts(simulator, connect, count=2)
    await eventually(lambda: simulator.center.counts.inbound_answered == 2)
    assert [place.number for place in places(pdus)] == [1, 2] and simulator.center.snapshot().waiting == 0


async def sent_from_zero(start, connect):
    pdus = await texts(await start(scenario="inbound_part_zero"), connect)
    numbers = [udh.parse(pdu.body.short_message).elements[0].data[-1] for pdu in pdus]
    assert numbers == [0, 1, 2]


async def sent_without_header(start, connect):
    pdus = await texts(await start(scenario="inbound_no_header"), connect)
    assert [pdu.body.esm_class for pdu in pdus] == [0x40] * 3
    assert decode(b"".join(pdu.body.short_message for pdu in pdus), 0) == LONG


async def sent_as_data_sm(start, connect):
    pdus = await texts(await start(scenario="inbound_data_sm"), connect, "hello", 1)
    assert [(pdu.command_id, user_data(pdu)) for pdu in pdus] == [(DATA_SM, b"hello")]


async def sent_with_mark(start, connect):
    [pdu] = await texts(await start(scenario="inbound_mark"), connect, "grün –", 1)
    assert pdu.body.short_message == "\ufeffgrün –".encode("utf-16-be")
    pdus = await texts(await start(scenario="inbound_mark"), connect, WIDE)
    marked = [udh.parse(each.body.short_message).payload.startswith(b"\xfe\xff") for each in pdus]
    assert marked == [True, False, False]


async def sent_from_00(start, connect):
    [pdu] = await texts(await start(scenario="inbound_source_00"), connect, "hello", 1)
    assert pdu.body.source == "00" + PHONE


async def sent_from_plus(start, connect):
    [pdu] = await texts(await start(scenario="inbound_source_plus"), connect, "hello", 1)
    assert pdu.body.source == "+" + PHONE


async def sent_with_alien_tlvs(start, connect):
    [pdu] = await texts(await start(scenario="inbound_alien_tlvs"), connect, "hello", 1)
    assert (0x1403, b"234") in pdu.tlvs and pdu.body.short_message == b"hello"


async def sent_with_wrong_tlvs(start, connect):
    [pdu] = await texts(await start(scenario="inbound_wrong_tlvs"), connect, "hello", 1)
    assert tlv(pdu.tlvs, Tag.MESSAGE_STATE) == b"\0\2"


async def sent_beyond(start, connect):
    [pdu] = await texts(await start(scenario="inbound_tlv_beyond"), connect, "hello", 1)
    assert (pdu.tlvs, pdu.body.short_message) == ((), b"hello")


async def sent_half(start, connect):
    [pdu] = await texts(await start(scenario="inbound_tlv_half"), connect, "hello", 1)
    assert (pdu.tlvs, pdu.body.short_message) == ((), b"hello")


async def latin1(start, connect):
    await both_ways(await start(scenario="alphabet_latin1"), connect, "Grüße @ÿ", "Grüße @ÿ".encode("latin-1"))


async def ascii_(start, connect):
    await both_ways(await start(scenario="alphabet_ascii"), connect, "at @ {home}", b"at @ {home}")


async def packed(start, connect):
    await both_ways(await start(scenario="alphabet_packed"), connect, "hellohello", bytes.fromhex("E8329BFD4697D9EC37"))


async def both_ways(simulator, connect, text, octets):
    [pdu] = await texts(simulator, connect, text, 1)
    assert (pdu.body.data_coding, pdu.body.short_message) == (0, octets)
    client = await connect(simulator)
    await client.submitted(PHONE, octets, registered=0)
    assert [each.text for each in simulator.network.phones.read(PHONE)] == [text]


async def sent_in_a_language(start, connect):
    simulator = await start(scenario="inbound_language")
    pdus = await texts(simulator, connect, "Şişli'de ığdır " * 20, 3)
    assert {pdu.body.data_coding for pdu in pdus} == {0}
    client = await connect(simulator)
    for pdu in pdus:  # and back to the phone
        await client.submitted(PHONE, pdu.body.short_message, registered=0, esm_class=0x40)
    assert [text.text for text in simulator.network.phones.read(PHONE)] == ["Şişli'de ığdır " * 20]


CHECKS = {
    "inbound_language": sent_in_a_language,
    "alphabet_latin1": latin1,
    "alphabet_ascii": ascii_,
    "alphabet_packed": packed,
    "inbound_wide": sent_wide,
    "inbound_sar": sent_sar,
    "inbound_payload": sent_payload,
    "inbound_both": sent_both,
    "inbound_other_first": sent_other_first,
    "inbound_parts_twice": sent_twice,
    "inbound_parts_backward": sent_backward,
    "inbound_part_missing": sent_without_the_last,
    "inbound_part_zero": sent_from_zero,
    "inbound_no_header": sent_without_header,
    "inbound_data_sm": sent_as_data_sm,
    "inbound_mark": sent_with_mark,
    "inbound_source_00": sent_from_00,
    "inbound_source_plus": sent_from_plus,
    "inbound_alien_tlvs": sent_with_alien_tlvs,
    "inbound_wrong_tlvs": sent_with_wrong_tlvs,
    "inbound_tlv_beyond": sent_beyond,
    "inbound_tlv_half": sent_half,
}


def test_every_scenario_of_texts_is_tested():
    assert {*CHECKS, "answer_like_receipt"} == {row.name for row in SCENARIOS if row.where is Where.INBOUND}


@pytest.mark.parametrize("name", CHECKS)
async def test_a_text_from_a_phone(start, connect, name):
    await CHECKS[name](start, connect)


async def test_an_answer_that_looks_like_a_receipt(start, connect):
    client = await connect(await start())
    await client.submitted(reserved("1621"), registered=0)
    [pdu] = await client.deliveries(1)
    assert pdu.body.esm_class == 0 and pdu.body.short_message.startswith(b"id:1 sub:001 ")


async def test_a_long_text_in_packed_parts(start, connect):
    simulator = await start(scenario="alphabet_packed")
    pdus = await texts(simulator, connect)
    client = await connect(simulator)
    for pdu in pdus:
        await client.submitted(PHONE, pdu.body.short_message, registered=0, esm_class=0x40)
    assert [text.text for text in simulator.network.phones.read(PHONE)] == [LONG]
    assert max(len(pdu.body.short_message) for pdu in pdus) <= 140


async def test_what_the_alphabet_cannot_carry_goes_in_ucs2(start, connect):
    [pdu] = await texts(await start(scenario="alphabet_ascii"), connect, "grün", 1)
    assert pdu.body.data_coding == 8


# 3GPP TS 23.038, 6.1.2.1.1: seven septets fill seven octets but for seven bits, which hold a carriage return.
@pytest.mark.parametrize(
    "text, fill, octets",
    [("hellohello", 0, "E8329BFD4697D9EC37"), ("1234567", 0, "31D98C56B3DD1A"), ("a", 1, "C2"), ("", 0, "")],
)
def test_packing(text, fill, octets):
    assert alphabets.pack(gsm7.encode(text), fill).hex().upper() == octets
    assert gsm7.decode(alphabets.unpack(bytes.fromhex(octets), fill)) == text


# 3GPP TS 23.040, 9.2.3.24: the first septet begins at a multiple of seven bits, counted from the header's first octet.
@pytest.mark.parametrize("header, bits", [(0, 0), (6, 1), (7, 0), (8, 6), (12, 2)])
def test_fill_bits(header, bits):
    assert alphabets.fill_bits(header) == bits


@given(st.text("abcdefg@ é{€", max_size=170), st.sampled_from([0, 6, 7, 12]))
def test_what_is_packed_is_unpacked(text, header):
    fill = alphabets.fill_bits(header)
    septets = gsm7.encode(text)
    again = alphabets.unpack(alphabets.pack(septets, fill), fill)
    ends_alike = (len(septets) * 7 + fill) % 8 == 0 and septets[-1:] == b"\0"  # an @ that only fills the octet
    assert again == (septets[:-1] if ends_alike else septets)
