"""Answers as octets: a table of good and bad ones, fed whole and octet by octet, and anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.limits import RESPONSE_BODY_MAX
from whimbrel.net.http_answer import OVERHEAD_MAX, Answer, AnswerReader, NoAnswerError

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
# Octets; status, body, whether it is the last of its connection.
GOOD: dict[str, tuple[bytes, int, bytes, bool]] = {
    "with a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", False),
    "no content in chunks": (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 204, b"", False),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b"", False),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, b"hi", False),
    "chunked": (CHUNKED + b"2\r\nhi\r\n3;a=b\r\nyou\r\n0\r\n\r\n", 200, b"hiyou", False),
    "chunked with trailers": (CHUNKED + b"2\r\nhi\r\n0\r\nX-Sum: 1\r\nContent-Type: x\r\n\r\n", 200, b"hi", False),
    "interim answers first": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\nContent-Type: a\r\n\r\n"
        b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n!",
        201,
        b"!",
        False,
    ),
    "close": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
}


BAD: dict[str, bytes] = {
    "no HTTP": b"hello\r\n\r\n",
    "a greeting of SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another version of the line": b"HTTP/1.1200 OK\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of no size": CHUNKED + b"zz\r\nhi\r\n",
    "a chunk of every size": CHUNKED + b"F" * 17 + b"\r\n",
    "a carriage return alone": b"HTTP/1.1 200 OK\r\nA: b\rHTTP/1.1 200 OK\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
    "another protocol, unnamed": b"HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * OVERHEAD_MAX,
    "an endless name": b"HTTP/1.1 200 OK\r\n" + b"a" * OVERHEAD_MAX,
    "an endless reason": b"HTTP/1.1 200 " + b"a" * OVERHEAD_MAX,
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * (OVERHEAD_MAX // 6 + 1),
    "headers that end too late": b"HTTP/1.1 204 No\r\nX: " + b"a" * OVERHEAD_MAX + b"\r\n\r\n",
    "endless interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * (OVERHEAD_MAX // 25 + 1),
    "endless empty lines": b"\r\n" * (OVERHEAD_MAX // 2 + 1),
    "endless trailers": CHUNKED + b"0\r\n" + b"a: b\r\n" * (OVERHEAD_MAX // 6 + 1),
    "an endless extension": CHUNKED + b"1;" + b"a" * OVERHEAD_MAX,
}


def fed(octets: bytes, size: int) -> Answer | None:
    """The answer in these octets, fed in pieces of `size`."""
    reader = AnswerReader()
    for start in range(0, len(octets), size):
        answer = reader.feed(octets[start : start + size])
        if answer is not None:
            return answer
    return None


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", GOOD)
def test_good_answers(name: str, size: int) -> None:
    octets, status, body, is_last = GOOD[name]
    answer = fed(octets, size)
    assert answer == Answer(status, body, "", None, is_last)


@pytest.mark.parametrize("size", [1, 4096, 1 << 20])
@pytest.mark.parametrize("name", BAD)
def test_bad_answers(name: str, size: int) -> None:
    with pytest.raises(NoAnswerError) as caught:
        fed(BAD[name], size)
    assert caught.value.reason == "bad_answer"


def test_one_reader_reads_many_answers_and_forgets_each() -> None:
    reader = AnswerReader()
    first = reader.feed(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nhi")
    assert first == Answer(503, b"hi", "text/x", 7.0, False)
    for octets, status, body, is_last in GOOD.values():
        reader.begin()
        assert not reader.was_heard
        assert reader.feed(octets) == Answer(status, body, "", None, is_last)
        if is_last:
            reader = AnswerReader()


@pytest.mark.parametrize(
    "more", [b"H", b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nEvil!", b"\x00", b"\r\n\r\nHTTP/1.1 200"]
)
@pytest.mark.parametrize("answer", [GOOD["with a length"], GOOD["no content"], GOOD["chunked"]])
def test_octets_beyond_an_answer_make_it_the_last(answer: tuple[bytes, int, bytes, bool], more: bytes) -> None:
    octets, status, body, _ = answer
    assert fed(octets + more, 1 << 20) == Answer(status, body, "", None, True)


def test_no_content_that_says_it_has_some_is_the_last() -> None:
    answer = fed(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 1 << 20)
    assert answer == Answer(204, b"", "", None, True)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Type: a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_without_a_length_the_end_of_the_stream_is_the_end_of_the_body(head: bytes) -> None:
    reader = AnswerReader()
    assert reader.feed(head) is None
    assert reader.feed(b"some") is None
    answer = reader.end(None)
    assert (answer.body, answer.is_last) == (b"some", True)
    with pytest.raises(NoAnswerError) as caught:
        reader.end(ConnectionResetError("reset"))
    assert caught.value.reason == "connection_lost"


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "connection_lost"),
        (b"HTT", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "connection_lost"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhell", "bad_answer"),
        (CHUNKED + b"2\r\nhi\r\n0\r\n", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip,\tchunked \r\n\r\n2\r\nhi", "bad_answer"),
    ],
)
def test_the_end_in_the_middle(octets: bytes, reason: str) -> None:
    reader = AnswerReader()
    if octets:
        assert reader.feed(octets) is None
    with pytest.raises(NoAnswerError) as caught:
        reader.end(None)
    assert caught.value.reason == reason


@pytest.mark.parametrize("more", [-1, 0, 1, 100_000])
@pytest.mark.parametrize("size", [4096, 1 << 20])
def test_the_body_is_cut_at_its_limit(more: int, size: int) -> None:
    length = RESPONSE_BODY_MAX + more
    answer = fed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + b"z" * length, size)
    assert answer == Answer(200, b"z" * min(length, RESPONSE_BODY_MAX), "", None, more > 0)


def test_a_body_in_chunks_of_one_octet_is_read() -> None:
    answer = fed(CHUNKED + b"1\r\nz\r\n" * RESPONSE_BODY_MAX + b"0\r\n\r\n", 4096)
    assert answer == Answer(200, b"z" * RESPONSE_BODY_MAX, "", None, False)


PIECES = st.sampled_from([*(octets for octets, *_ in GOOD.values()), *(b[:100] for b in BAD.values()), b"0\r\n", b"\0"])


@given(st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=6), st.integers(1, 50))
def test_whatever_comes_it_is_an_answer_or_none(pieces: list[bytes], size: int) -> None:
    octets = b"".join(pieces)
    try:
        answer = fed(octets, size)
    except NoAnswerError as error:
        assert error.reason == "bad_answer"
    else:
        assert answer is None or len(answer.body) <= RESPONSE_BODY_MAX
