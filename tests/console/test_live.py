"""Live parts: the form of their pieces on the wire, and that no stream lasts for ever."""

import asyncio

from whimbrel.edges.console.live import _encoded
from whimbrel.edges.shared.sse import piece_frame


async def pieces(ended):
    try:
        yield "one", "1"
        yield "two", "2"
    finally:
        ended.append(True)


def test_a_piece_of_several_lines_is_one_event():
    assert piece_frame("rows", b"<p>a\r\nb</p>\n") == b"event: rows\ndata: <p>a\ndata: b</p>\n\n"
    assert piece_frame("rows", b"") == b"event: rows\ndata: \n\n"


async def test_a_stream_that_has_lasted_long_enough_ends_and_its_pieces_with_it():
    now, ended = asyncio.get_running_loop().time(), []
    assert [piece async for piece in _encoded(pieces(ended), now + 60)] == [("one", b"1"), ("two", b"2")]
    assert [piece async for piece in _encoded(pieces(ended), now - 1)] == []
    assert ended == [True, True]
