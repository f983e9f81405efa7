"""The tables against each other and against the body structs: an order that differs would swap fields silently."""

import pytest

from whimbrel.codec.smpp import pdu as pdus
from whimbrel.codec.smpp.tables import (
    BINDS,
    COMMANDS,
    FROM_SMSC,
    FROM_TRANSMITTER,
    RESPONSE_BIT,
    WITHOUT_RESPONSE,
    Integer,
    Status,
    Tag,
    status_name,
)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_body_struct_has_the_fields_of_the_table_in_order(command):
    kind = pdus.body_of(command.command_id)
    names = () if kind is None else kind.__struct_fields__
    assert tuple(field.name for field in command.fields) == names


def test_each_request_has_its_response_and_the_other_way_round():
    requests = {number for number in COMMANDS if not number & RESPONSE_BIT} - WITHOUT_RESPONSE
    responses = {number for number in COMMANDS if number & RESPONSE_BIT} - {0x80000000}
    assert {number | RESPONSE_BIT for number in requests} == responses


def test_sets_of_commands_hold_known_commands():
    assert set(COMMANDS) >= BINDS | FROM_SMSC | FROM_TRANSMITTER | WITHOUT_RESPONSE


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0x00, "ESME_ROK"),
        (0x14, "ESME_RMSGQFUL"),
        (0x58, "ESME_RTHROTTLED"),
        (0x22, "0x00000022"),
        (1032, "0x00000408"),
    ],
)
def test_status_name(number, name):
    assert status_name(number) == name


def test_numbers_of_the_specification():
    assert Status.ESME_RDELIVERYFAILURE == 254
    assert Status.ESME_RTHROTTLED.meaning.startswith("throttling")
    assert Tag.RECEIPTED_MESSAGE_ID == 0x001E
    assert Tag.SAR_MSG_REF_NUM.kind == Integer(2)
    assert len(COMMANDS) == 27
