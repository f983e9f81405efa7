"""What a recorder keeps: whole PDUs in any cut, within its bounds, for its time."""

import asyncio

from whimbrel.codec.smpp.bodies import ShortMessage
from whimbrel.codec.smpp.pdu import Pdu, encode
from whimbrel.codec.smpp.tables import ENQUIRE_LINK, SUBMIT_SM
from whimbrel.net.recorder import Recorder, Recorders

ENQUIRE = encode(Pdu(ENQUIRE_LINK, 0, 1))
SUBMIT = encode(Pdu(SUBMIT_SM, 0, 2, ShortMessage(source="Wimb", dest="15005550100", short_message=b"hello")))


def recorder(**bounds: int) -> Recorder:
    return Recorder(lambda: 7, **bounds)


def octets(made: Recorder) -> list[tuple[str, bytes]]:
    return [(entry.direction, entry.octets) for entry in made.entries()]


def test_reads_in_any_cut_are_whole_pdus() -> None:
    stream = ENQUIRE + SUBMIT + ENQUIRE
    for size in (1, 3, 16, 17, len(stream)):
        made = recorder()
        made.begin("a")
        for start in range(0, len(stream), size):
            made.came("a", stream[start : start + size])
        assert octets(made) == [("in", ENQUIRE), ("in", SUBMIT), ("in", ENQUIRE)]


def test_connections_are_apart_and_one_may_begin_inside_a_pdu() -> None:
    made = recorder()
    made.begin("a", SUBMIT[:10])
    made.begin("b")
    made.came("b", ENQUIRE[:5])
    made.came("a", SUBMIT[10:])
    made.came("b", ENQUIRE[5:])
    made.went("a", ENQUIRE + SUBMIT)
    made.end("a", "peer closed")
    assert octets(made) == [("in", SUBMIT), ("in", ENQUIRE), ("out", ENQUIRE), ("out", SUBMIT), ("note", b"")]
    last = made.entries()[-1]
    assert (last.connection, last.note, last.at, last.number) == ("a", "peer closed", 7, 5)


def test_octets_that_are_no_pdu_are_shown_and_passed() -> None:
    made = recorder()
    made.came("a", b"GET / HTTP/1.1\r\n" * 100)
    (entry,) = made.entries()
    assert (entry.note, entry.octets) == ("out of step", (b"GET / HTTP/1.1\r\n" * 4))
    made.came("a", ENQUIRE)
    assert octets(made)[-1] == ("in", ENQUIRE)


def test_the_oldest_go_first() -> None:
    made = recorder(pdus_max=3)
    made.went("a", ENQUIRE * 5)
    assert [entry.number for entry in made.entries()] == [3, 4, 5]
    assert [entry.number for entry in made.entries(after=3)] == [4, 5]
    assert [entry.number for entry in made.entries(limit=1)] == [5]
    assert made.entries(after=5) == []
    small = recorder(octets_max=40)
    small.went("a", ENQUIRE * 5)
    assert [entry.number for entry in small.entries()] == [4, 5]


class Link:
    """What recorders see of a link."""

    def __init__(self) -> None:
        self.recorder: Recorder | None = None

    def record(self, recorder: Recorder | None) -> None:
        self.recorder = recorder


async def test_links_are_recorded_while_their_subject_is() -> None:
    made = Recorders(lambda: 0)
    early, late, other = Link(), Link(), Link()
    made.attach("CR1", early)
    made.attach("CR2", other)
    trace = made.start("CR1", 60)
    made.attach("CR1", late)
    assert early.recorder is late.recorder is trace.recorder
    assert other.recorder is None
    made.stop("CR1")
    assert (early.recorder, late.recorder, trace.is_on) == (None, None, False)
    assert made.trace("CR1") is trace
    assert made.start("CR1", 60).recorder is trace.recorder
    made.drop("CR1")
    assert (made.trace("CR1"), early.recorder) == (None, None)
    made.close()


async def test_a_recording_ends_by_itself() -> None:
    made = Recorders(lambda: 0)
    link = Link()
    made.attach("CR1", link)
    trace = made.start("CR1", 0.01)
    async with asyncio.timeout(30):
        while trace.is_on:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    assert link.recorder is None
    made.close()
