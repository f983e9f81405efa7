"""A short run of every target, without a guide: what once broke a stack, mutations, and octets of pure chance."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.stall import ANSWER_MAX_S, RSS_MAX_MB, hold
from tests.fuzz.targets import TARGETS

BY_NAME = pytest.mark.parametrize("name", TARGETS)


@pytest.mark.parametrize("hexed", seeds.REGRESSIONS.values(), ids=seeds.REGRESSIONS.keys())
def test_regressions(hexed):
    octets, first = bytes.fromhex(hexed), seeds.pdus()[0]
    function, _ = TARGETS["pdu"]
    function(octets)
    function(first + octets + first)


@BY_NAME
def test_seeds(name):
    function, starts = TARGETS[name]
    for start in starts:
        function(start)


@BY_NAME
@given(data=st.binary(max_size=200))
def test_octets_of_chance(name, data):
    function, _ = TARGETS[name]
    function(data)


@BY_NAME
def test_mutations(name):
    function, starts = TARGETS[name]
    chance = random.Random(20261123)
    for _ in range(1500):
        stream = bytearray(b"".join(chance.choices(starts, k=chance.randint(1, 3))))
        for _ in range(chance.randint(1, 6)):
            _mutate(stream, chance)
        function(bytes(stream))


def _mutate(stream, chance):
    place = chance.randrange(len(stream) + 1)
    match chance.randrange(3):
        case 0 if place < len(stream):
            stream[place] = chance.choice((0, 1, 2, 0x10, 0x80, 0xFF, chance.randrange(256)))
        case 1:
            stream[place:place] = chance.randbytes(chance.randint(1, 8))
        case 2:
            del stream[place : place + chance.randint(1, 8)]


async def test_garbage_on_some_connections_stalls_no_other():
    held = await hold(2, seed=20261123)
    assert held.most_work_s < ANSWER_MAX_S
    assert held.garbage_octets > 1 << 20
    assert held.peak_rss_mb < RSS_MAX_MB
