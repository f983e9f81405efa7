"""Agreement with the codec of Jasmin, smpp.pdu3, on every PDU that both know.

What we write it reads, field by field, and writes again octet for octet. It takes only values that its tables have,
and no submit_multi, submit_multi_resp or replace_sm: it has their names and no codec for their fields.
"""

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpp.pdu import constants, operations, pdu_types, smpp_time
from smpp.pdu.pdu_encoding import PDUEncoder

from whimbrel.codec.smpp import tables
from whimbrel.codec.smpp.pdu import Decoder, Pdu, body_of, encode, make_tlv
from whimbrel.codec.smpp.tables import COMMANDS, CString, Integer, Tag
from whimbrel.codec.smpp.times import RELATIVE_MAX_S, read_time, write_relative

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
THEIR_NAMES = {
    "source_ton": "source_addr_ton",
    "source_npi": "source_addr_npi",
    "source": "source_addr",
    "dest": "destination_addr",
    "dest_ton": "dest_addr_ton",
    "dest_npi": "dest_addr_npi",
    "esme_ton": "esme_addr_ton",
    "esme_npi": "esme_addr_npi",
    "esme": "esme_addr",
    "address_ton": "addr_ton",
    "address_npi": "addr_npi",
    "priority": "priority_flag",
    "schedule_time": "schedule_delivery_time",
    "replace_if_present": "replace_if_present_flag",
}
WITHOUT_CODEC = {tables.SUBMIT_MULTI, tables.SUBMIT_MULTI_RESP, tables.REPLACE_SM}
BOTH = [COMMANDS[number] for number in sorted(COMMANDS.keys() - WITHOUT_CODEC)]
TIMES = st.sampled_from(["", "261126130000000+", "261126130000900+", "000001020304000R"])
TYPES = [0, 0x04, 0x08, 0x10, 0x18, 0x20]
VALUES = {
    **dict.fromkeys(("address_ton", "source_ton", "dest_ton", "esme_ton"), st.integers(0, 6)),
    **dict.fromkeys(
        ("address_npi", "source_npi", "dest_npi", "esme_npi"), st.sampled_from(sorted(constants.addr_npi_value_map))
    ),
    "priority": st.integers(0, 3),
    "esm_class": st.builds(
        lambda mode, kind, gsm: mode | kind | gsm,
        st.integers(0, 3),
        st.sampled_from(TYPES),
        st.sampled_from([0, 0x40, 0x80, 0xC0]),
    ),
    "registered_delivery": st.builds(
        lambda *bits: sum(bits), st.integers(0, 2), st.sampled_from([0, 4, 8, 12]), st.sampled_from([0, 16])
    ),
    "replace_if_present": st.integers(0, 1),
    "sm_default_msg_id": st.integers(0, 254),
    "data_coding": st.sampled_from([*range(11), 13, 14, 0xF0, 0xF1, 0xF4, 0xF7]) | st.integers(0, 0xEF),
    "message_state": st.integers(1, 8),
    "schedule_time": TIMES,
    "validity_period": TIMES,
    "final_date": TIMES,
}
TLVS = {
    tables.SUBMIT_SM: {
        Tag.USER_MESSAGE_REFERENCE: 258,
        Tag.SOURCE_PORT: 5000,
        Tag.SAR_MSG_REF_NUM: 17,
        Tag.SAR_TOTAL_SEGMENTS: 3,
        Tag.SAR_SEGMENT_SEQNUM: 2,
        Tag.MORE_MESSAGES_TO_SEND: 1,
        Tag.PAYLOAD_TYPE: 0,
        Tag.MESSAGE_PAYLOAD: b"long",
        Tag.PRIVACY_INDICATOR: 1,
        Tag.CALLBACK_NUM: b"\1\1\x01447700900123",
        Tag.LANGUAGE_INDICATOR: 1,
    },
    tables.DELIVER_SM: {
        Tag.MESSAGE_PAYLOAD: b"long",
        Tag.NETWORK_ERROR_CODE: b"\3\0\x08",
        Tag.MESSAGE_STATE: 2,
        Tag.RECEIPTED_MESSAGE_ID: "6aad5",
    },
    tables.DATA_SM: {Tag.QOS_TIME_TO_LIVE: 3600, Tag.MESSAGE_PAYLOAD: b"long", Tag.DEST_TELEMATICS_ID: 5},
    tables.DATA_SM_RESP: {Tag.DELIVERY_FAILURE_REASON: 1, Tag.ADDITIONAL_STATUS_INFO_TEXT: "no"},
    tables.BIND_TRANSCEIVER_RESP: {Tag.SC_INTERFACE_VERSION: 0x34},
    tables.ALERT_NOTIFICATION: {Tag.MS_AVAILABILITY_STATUS: 1},
}


def values(command, field):
    name = field.name
    if command.command_id == tables.DELIVER_SM and name == "schedule_time":
        return st.just("")  # clause 4.6.1 has it empty, and they insist
    if command.command_id == tables.DELIVER_SM_RESP:
        return st.just("")  # clause 4.6.2
    if name in VALUES:
        return VALUES[name]
    match field.kind:
        case Integer(octets):
            return st.integers(0, 256**octets - 1)
        case CString(max_octets):
            size = 8 if name == "password" else max_octets - 1  # clause 5.2.2; carriers issue longer ones
            return st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=size)
    return st.binary(max_size=field.kind.max_octets)


def in_their_order(command, tag):
    return operations.PDUS[pdu_types.CommandId[command.name]].optionalParams.index(tag.name.lower())


@st.composite
def pdus(draw, command):
    kind = body_of(command.command_id)
    body = kind(*[draw(values(command, field)) for field in command.fields]) if kind is not None else None
    wanted = [tag for tag in TLVS.get(command.command_id, {}) if draw(st.booleans())]
    wanted.sort(key=lambda tag: in_their_order(command, tag))
    tlvs = tuple(make_tlv(tag, TLVS[command.command_id][tag]) for tag in wanted)
    return Pdu(command.command_id, 0, draw(st.integers(1, 0x7FFFFFFF)), body, tlvs)


def theirs_of(octets):
    return PDUEncoder().decode(io.BytesIO(octets))


OBJECTS = {
    *("esm_class", "registered_delivery", "data_coding", "replace_if_present"),
    *("schedule_time", "validity_period", "final_date"),
}
"""Values that they take apart; the octets that they write again speak for these."""
ENUMS = {
    "ton": constants.addr_ton_name_map,
    "npi": constants.addr_npi_name_map,
    "priority_flag": constants.priority_flag_name_map,
    "message_state": constants.message_state_name_map,
}


def plain(name, value):
    """Their value of a field as ours, None for nothing: they have names for numbers, and octets for texts."""
    for ending, numbers in ENUMS.items():
        if name.endswith(ending):
            return numbers[value.name] or None
    return (value.decode("latin-1") if isinstance(value, bytes) and name != "short_message" else value) or None


@pytest.mark.parametrize("command", BOTH, ids=lambda command: command.name)
@given(data=st.data())
def test_they_read_what_we_write_and_write_it_again(command, data):
    pdu = data.draw(pdus(command))
    octets = encode(pdu)
    theirs = theirs_of(octets)
    assert (theirs.commandId.name, theirs.seqNum, theirs.status.name) == (command.name, pdu.sequence, "ESME_ROK")
    assert len(theirs.params) - len(theirs.mandatoryParams) == len(pdu.tlvs)
    for field in command.fields:
        if field.name not in OBJECTS:
            name = THEIR_NAMES.get(field.name, field.name)
            assert plain(name, theirs.params[name]) == (getattr(pdu.body, field.name) or None)
    again = PDUEncoder().encode(theirs)
    assert again == octets
    assert Decoder().feed(again) == [pdu]


def test_all_commands_are_compared_that_both_know():
    theirs = {constants.command_id_name_map[number.name] for number in operations.PDUS if number is not None}
    assert {command.command_id for command in BOTH} == (theirs & COMMANDS.keys()) - WITHOUT_CODEC


def test_error_answers_without_a_body_are_read_by_both():
    for command_id in (tables.BIND_TRANSCEIVER_RESP, tables.SUBMIT_SM_RESP):
        octets = encode(Pdu(command_id, 0x0D, 7))
        assert theirs_of(octets).status == pdu_types.CommandStatus.ESME_RBINDFAIL
        assert PDUEncoder().encode(theirs_of(octets)) == octets


@given(st.integers(1_262_304_000, 2_524_608_000), st.integers(0, 9), st.integers(-48, 48))
def test_absolute_times_are_the_same_instant(local_s, tenths, quarters):
    local = datetime.fromtimestamp(local_s, UTC)
    text = f"{local:%y%m%d%H%M%S}{tenths}{abs(quarters):02d}{'-' if quarters < 0 else '+'}"
    theirs = smpp_time.parse(text)
    theirs = theirs if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC)  # no offset is no zone to them
    assert read_time(text, local_s * 1_000_000) == (theirs - EPOCH) // timedelta(microseconds=1)


@given(st.integers(1, RELATIVE_MAX_S))
def test_relative_times_are_the_same_span(seconds):
    theirs = smpp_time.parse(write_relative(seconds))
    span = timedelta(days=theirs.days, hours=theirs.hours, minutes=theirs.minutes, seconds=theirs.seconds)
    assert (theirs.years, theirs.months, span.total_seconds()) == (0, 0, seconds)


def test_statuses_and_tags_have_the_same_numbers():
    statuses = {s.name: int(s) for s in tables.Status if int(s) < 0x100}
    theirs = {name: number for name, number in constants.command_status_name_map.items() if name in statuses}
    assert theirs == {name: number for name, number in statuses.items() if name in theirs}
    assert len(theirs) > 40
    tags = {tag.name.lower(): int(tag) for tag in Tag}
    named = {name: number for name, number in constants.tag_name_map.items() if name in tags}
    assert named == {name: tags[name] for name in named}
    assert len(named) > 38
