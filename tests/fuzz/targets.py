"""One function for each thing that reads octets of strangers. Each raises AssertionError, or whatever escapes, when its
invariant, which its docstring says in one sentence, is broken.
"""

from collections.abc import Callable
from typing import get_args

from tests.fuzz import seeds
from tests.fuzz.script import run_script
from whimbrel.codec import alphabets, segments, udh
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.describe import describe_all
from whimbrel.codec.smpp.events import Closed, ProtocolError, Role, Settings
from whimbrel.codec.smpp.names import readable_value, tag_of, value_octets
from whimbrel.codec.smpp.pdu import MAX_PDU_OCTETS, BadPdu, Decoder, Pdu, encode, user_data
from whimbrel.codec.smpp.session import Session
from whimbrel.codec.smpp.tables import MessageState
from whimbrel.codec.smpp.times import read_time, write_absolute
from whimbrel.codec.smpp.versions import congestion

NOW_US = 1_795_694_400_000_000


def pdu(data: bytes) -> None:
    """Octets, in any cut, give PDUs that come back the same, or an error that says whether the stream is in step."""
    found = _decode(data)
    slow = Decoder()
    assert [each for value in data for each in slow.feed(bytes([value]))] == found
    for each in found:
        if isinstance(each, Pdu):
            _check_pdu(each)
    for role in Role:
        _check_fresh_session(role, data, found)


def session(data: bytes) -> None:
    """Whatever peer and owner do, nothing escapes, output is bounded by input, and every request ends once."""
    run_script(data)


def texts(data: bytes) -> None:
    """User data of any header and coding becomes a text; a header that was read is written again the same."""
    if not data:
        return
    coding, octets = data[0], data[1:]
    segments.decode(octets, coding)
    segments.decode_parts([octets[:7], octets[7:]], coding)
    try:
        parsed = udh.parse(octets)
    except CodecError:
        return
    header, shift = octets[: len(octets) - len(parsed.payload)], udh.shift_of(parsed.elements)
    if len(header) <= udh.MAX_HEADER_OCTETS + 1:
        assert udh.build(parsed.elements) == header
    udh.concat(parsed.elements)
    segments.decode(parsed.payload, coding, shift)
    for alphabet in get_args(alphabets.Alphabet):
        assert isinstance(alphabets.decode(parsed.payload, alphabet, shift=shift, header_octets=len(header)), str)


def receipts(data: bytes) -> None:
    """Any octets are a receipt with an id or a state, or none; its text never makes up an id that is not in it."""
    for coding in (0, 3, 8):
        found = receipt.parse(data, coding, ())
        assert found is None or found.message_ids or found.stat or found.state is MessageState.UNKNOWN
        wide = coding == 8 or data.startswith((b"\xfe\xff", b"\xff\xfe"))
        assert found is None or wide or all(each.encode("latin-1") in data for each in found.message_ids)
    cut = len(data) // 2
    tlvs = ((0x001E, data[:cut]), (0x0427, data[cut : cut + 1]), (0x0423, data[cut:]))
    found = receipt.parse(data, 0, tlvs)
    if found is not None and found.network_error is not None:
        receipt.network_error_code(found.network_error)


def times(data: bytes) -> None:
    """Any text is a time, nothing, or the typed error; a time that was read can be written and read again."""
    try:
        at_us = read_time(data.decode("latin-1"), NOW_US)
    except CodecError:
        return
    if at_us is not None and abs(at_us - NOW_US) < 40 * 365 * 86_400 * 1_000_000:
        assert read_time(write_absolute(at_us), NOW_US) == at_us // 100_000 * 100_000


def shown(data: bytes) -> None:
    """Any octets can be described, and no password is in what is shown."""
    for reveal in (False, True):
        for each in describe_all(data, reveal=reveal):
            assert each.fields.get("password", "") in ("", "•••")
    readable_value(int.from_bytes(data[:2], "big"), data[2:])
    tag = tag_of(data.decode("latin-1"))
    if tag is not None:
        assert readable_value(tag, value_octets(tag, {"hex": data.hex()})) is not None
    congestion(((0x0428, data),))


TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "pdu": (pdu, seeds.pdus()),
    "session": (session, [bytes([kind]) + each for kind in (0, 1, 2, 3) for each in seeds.pdus()]),
    "texts": (texts, [bytes([coding]) + each for coding in (0, 4, 8, 0xF1) for each in seeds.USER_DATA]),
    "receipts": (receipts, list(seeds.RECEIPTS)),
    "times": (times, list(seeds.TIMES)),
    "shown": (shown, seeds.pdus()),
}
"""Name: function and where it starts."""


def _decode(data: bytes) -> list[Pdu | BadPdu]:
    decoder = Decoder()
    found = decoder.feed(data)
    for each in found[:-1]:
        assert isinstance(each, Pdu) or each.in_step
    lost = bool(found) and isinstance(found[-1], BadPdu) and not found[-1].in_step
    assert decoder.is_lost == lost
    assert not lost or decoder.feed(data) == []
    assert len(decoder._held) <= MAX_PDU_OCTETS
    return found


def _check_pdu(found: Pdu) -> None:
    try:
        octets = encode(found)
    except CodecError:
        return  # longer than what we would write ourselves
    assert Decoder().feed(octets) == [found]
    receipt.parse(user_data(found), getattr(found.body, "data_coding", 0), found.tlvs)


def _check_fresh_session(role: Role, data: bytes, found: list[Pdu | BadPdu]) -> None:
    fresh = Session(role, Settings(), 0)
    events = fresh.receive(data, 0)
    bad = [event for event in events if isinstance(event, ProtocolError)]
    if any(isinstance(event, Closed) for event in events):
        assert fresh.is_closed
    else:
        assert len(bad) == sum(isinstance(each, BadPdu) for each in found)
    output = fresh.take_output()
    assert len(output) <= 2 * len(data) + 16
    assert all(isinstance(answer, Pdu) for answer in Decoder().feed(output))
    fresh.tick(1_000_000)
    assert fresh.lost() == []
