"""Many small lists become few large ones, and everyone gets what is theirs."""

import asyncio

import pytest

from whimbrel.journey.gather import Gatherer


@pytest.fixture
def lists():
    return []


@pytest.fixture
def gatherer(lists):
    async def flush(items):
        lists.append(list(items))
        return [ValueError(item) if item == "bad" else item.upper() for item in items]

    return Gatherer(flush, limit=3)


async def test_those_of_one_turn_share_a_list(gatherer, lists):
    several = gatherer.add(["a", "b"])
    alone = gatherer.put("c")
    assert (await several, await alone) == (["A", "B"], "C")
    assert lists == [["a", "b", "c"]]


async def test_a_list_is_cut_between_takers(gatherer, lists):
    takers = [gatherer.put("a"), gatherer.add(["b", "c"]), gatherer.add([]), gatherer.put("d"), gatherer.add(["e"] * 5)]
    assert await asyncio.gather(*takers) == ["A", ["B", "C"], [], "D", ["E"] * 5]
    assert lists == [["a", "b", "c"], ["d"], ["e"] * 5]


async def test_an_exception_reaches_the_one_whose_result_it_is(gatherer):
    good, bad = gatherer.put("good"), gatherer.put("bad")
    with pytest.raises(ValueError, match="bad"):
        await bad
    assert await good == "GOOD"


async def test_an_exception_of_the_whole_list_reaches_everyone():
    async def flush(items):
        raise OSError

    gatherer = Gatherer(flush)
    for future in (gatherer.put("a"), gatherer.add(["b"])):
        with pytest.raises(OSError):
            await future


async def test_who_has_left_is_passed_over(gatherer):
    gone, there = gatherer.put("a"), gatherer.put("b")
    gone.cancel()
    assert await there == "B"
