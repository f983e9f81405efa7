"""A short run of the fuzz target: random octets, mutated PDUs, and inputs that once broke some SMPP stack."""

import random

import pytest
from fuzz_pdu import one_input
from hypothesis import given
from hypothesis import strategies as st
from test_smpp_vectors import VECTORS

SEEDS = [bytes.fromhex(hexed) for _, hexed, _ in VECTORS]

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
}


@pytest.mark.parametrize("hexed", REGRESSIONS.values(), ids=REGRESSIONS.keys())
def test_regressions(hexed):
    one_input(bytes.fromhex(hexed))
    one_input(SEEDS[0] + bytes.fromhex(hexed) + SEEDS[0])


@given(st.binary(max_size=200))
def test_random_octets(data):
    one_input(data)


def test_mutated_pdus():
    chance = random.Random(20261123)
    for _ in range(3000):
        stream = bytearray(b"".join(chance.choices(SEEDS, k=chance.randint(1, 3))))
        for _ in range(chance.randint(1, 6)):
            stream[chance.randrange(len(stream))] = chance.choice((0, 1, 2, 0x10, 0x80, 0xFF, chance.randrange(256)))
        one_input(bytes(stream[: chance.randint(1, len(stream))]))
