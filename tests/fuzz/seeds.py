"""Where a run starts: one of each PDU, what once broke some SMPP stack, and texts of receipts and times."""

from whimbrel.codec.smpp.pdu import Pdu, ShortMessage, body_of, encode
from whimbrel.codec.smpp.tables import COMMANDS, DELIVER_SM, RESPONSE_BIT

REGRESSIONS = {
    "command_length 2": "00000002",
    "command_length 0": "00000000",
    "command_length 15": "0000000f00000015000000000000000100",
    "an HTTP request": b"GET / HTTP/1.1\r\n\r\n".hex(),
    "sm_length 0 with UDHI": "00000022000000040000000000000005000000000000310040000000000000000000",
    "cut before sm_length": "000000210000000400000000000000050000000000003100400000000000000000",
    "sm_length beyond the PDU": "0000002300000004000000000000000500000000000031004000000000000000000541",
    "no terminator at all": "0000001400000004000000000000000531313131",
    "body cut after the source": "0000001700000005000000000000000500010131323300",
    "header only submit_sm": "00000010000000040000000000000005",
    "unknown command": "00000010000000770000000000000009",
    "unknown response": "00000010800000770000000000000009",
    "TLV beyond the PDU": "0000001a800000090000000000000001534d5343000210000934",
    "error with a body": "00000012800000040000000b000000013100",
    "bind_resp of one octet": "0000001180000009000000530000000100",
    "generic_nack of nothing": "00000010800000000000000200000000",
}

RECEIPTS = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:1101010000 done date:1101010001 stat:DELIVRD err:000 text:hello",
    b"sub:001 id:39f99dd5 err:21b done_date:20110314181534 stat:UNDELIV Text:id:1 stat:DELIVRD",
    b"id: stat: err: 0 submit date:180711070003912+ text:",
    b"ID:1 STAT:failed",
    "id:7 stat:EXPIRED text:на".encode("utf-16-be"),
)
TIMES = (b"261126130000004+", b"000001020304000R", b"261126130000", b"2611261300", b"20261126130000", b"0" * 10)
USER_DATA = tuple(
    bytes.fromhex(hexed)
    for hexed in (
        "050003110302c8329bfd06",
        "0608040011030200480069",
        "03240101",
        "0b0504158200000003cc020100",
        "d83ddca9",
    )
)

_TEXT = ShortMessage("CMT", 5, 0, "Wimb", 1, 1, "447700900123", 0x40, short_message=bytes.fromhex("0500031103026869"))


def pdus() -> list[bytes]:
    """One of each, empty, and a text with its TLVs."""
    found = [encode(Pdu(DELIVER_SM, 0, 7, _TEXT, ((0x1400, b"1701158019811140068"), (0x0427, b"\2"))))]
    for command_id in COMMANDS:
        kind = body_of(command_id)
        status = 0x0B if command_id & RESPONSE_BIT else 0
        found.append(encode(Pdu(command_id, status, 1, kind() if kind is not None else None)))
    return found + [bytes.fromhex(hexed) for hexed in REGRESSIONS.values()]
