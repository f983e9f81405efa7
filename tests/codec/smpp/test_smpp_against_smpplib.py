"""Agreement with a codec that is not ours: smpplib writes what we read, and reads what we write."""

import pytest
from smpplib import consts
from smpplib.smpp import make_pdu, parse_pdu

from whimbrel.codec.smpp.pdu import Bind, BindResp, Decoder, MessageId, Pdu, ShortMessage, encode
from whimbrel.codec.smpp.tables import (
    BIND_TRANSCEIVER,
    BIND_TRANSCEIVER_RESP,
    DELIVER_SM,
    ENQUIRE_LINK,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    Tag,
)

MESSAGE = {
    "service_type": "CMT",
    "source_addr_ton": 5,
    "source_addr_npi": 0,
    "source_addr": "Wimb",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": "15005550100",
    "esm_class": 4,
    "protocol_id": 0,
    "priority_flag": 1,
    "registered_delivery": 1,
    "replace_if_present_flag": 0,
    "data_coding": 8,
    "sm_default_msg_id": 0,
    "short_message": b"\0h\0i",
}
OURS = ShortMessage("CMT", 5, 0, "Wimb", 1, 1, "15005550100", 4, 0, 1, "", "", 1, 0, 8, 0, short_message=b"\0h\0i")


class Counter:
    """smpplib asks its client for sequence numbers."""

    def next_sequence(self):
        return 7


def theirs(name, **values):
    return make_pdu(name, client=Counter(), sequence=7, status=0, **values).generate()


WRITTEN = {
    "bind_transceiver": (
        theirs("bind_transceiver", system_id="whmbrel", password="secret", system_type="VMS", interface_version=0x34),
        Pdu(BIND_TRANSCEIVER, 0, 7, Bind("whmbrel", "secret", "VMS", 0x34)),
    ),
    "submit_sm": (theirs("submit_sm", **MESSAGE), Pdu(SUBMIT_SM, 0, 7, OURS)),
    "deliver_sm with TLVs": (
        theirs("deliver_sm", **MESSAGE, receipted_message_id="6aad5", message_state=2),
        Pdu(DELIVER_SM, 0, 7, OURS, ((Tag.MESSAGE_STATE, b"\2"), (Tag.RECEIPTED_MESSAGE_ID, b"6aad5\0"))),
    ),
    "enquire_link": (theirs("enquire_link"), Pdu(ENQUIRE_LINK, 0, 7)),
    "unbind": (theirs("unbind"), Pdu(UNBIND, 0, 7)),
}


@pytest.mark.parametrize(("octets", "pdu"), WRITTEN.values(), ids=WRITTEN.keys())
def test_we_read_what_smpplib_writes(octets, pdu):
    [found] = Decoder().feed(octets)
    assert (found.command_id, found.sequence, found.body) == (pdu.command_id, pdu.sequence, pdu.body)
    assert sorted(found.tlvs) == sorted(pdu.tlvs)


@pytest.mark.parametrize(
    ("pdu", "name", "expected"),
    [
        (Pdu(SUBMIT_SM_RESP, 0, 7, MessageId("39f99dd5")), "submit_sm_resp", {"message_id": b"39f99dd5"}),
        (Pdu(BIND_TRANSCEIVER_RESP, 0, 7, BindResp("SMSC")), "bind_transceiver_resp", {"system_id": b"SMSC"}),
        (
            Pdu(DELIVER_SM, 0, 7, OURS),
            "deliver_sm",
            {"source_addr": b"Wimb", "destination_addr": b"15005550100", "esm_class": 4, "short_message": b"\0h\0i"},
        ),
    ],
    ids=["submit_sm_resp", "bind_transceiver_resp", "deliver_sm"],
)
def test_smpplib_reads_what_we_write(pdu, name, expected):
    found = parse_pdu(encode(pdu), client=Counter())
    assert (found.command, found.sequence, found.status) == (name, 7, consts.SMPP_ESME_ROK)
    assert {field: getattr(found, field) for field in expected} == expected
