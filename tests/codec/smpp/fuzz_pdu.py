"""A fuzz target for the decoder: `atheris.Setup(sys.argv, one_input); atheris.Fuzz()`, or any list of octets.

The invariant: bytes give PDUs or a protocol error that says whether the stream is in step; nothing else.
"""

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.events import Closed, ProtocolError, Role, Settings
from whimbrel.codec.smpp.pdu import BadPdu, Decoder, Pdu, encode, user_data
from whimbrel.codec.smpp.session import Session


def one_input(data: bytes) -> None:
    """Raise AssertionError, or whatever escapes, when the invariant is broken."""
    found = _decode(data)
    slow = Decoder()
    assert [pdu for value in data for pdu in slow.feed(bytes([value]))] == found
    for pdu in found:
        if isinstance(pdu, Pdu):
            _check_pdu(pdu)
    for role in Role:
        _check_session(role, data, found)


def _decode(data: bytes) -> list[Pdu | BadPdu]:
    decoder = Decoder()
    found = decoder.feed(data)
    for pdu in found[:-1]:
        assert isinstance(pdu, Pdu) or pdu.in_step
    lost = bool(found) and isinstance(found[-1], BadPdu) and not found[-1].in_step
    assert decoder.is_lost == lost
    assert not lost or decoder.feed(data) == []
    return found


def _check_pdu(pdu: Pdu) -> None:
    try:
        octets = encode(pdu)
    except CodecError:
        return  # longer than what we would write ourselves
    assert Decoder().feed(octets) == [pdu]
    receipt.parse(user_data(pdu), getattr(pdu.body, "data_coding", 0), pdu.tlvs)


def _check_session(role: Role, data: bytes, found: list[Pdu | BadPdu]) -> None:
    session = Session(role, Settings(), 0)
    events = session.receive(data, 0)
    bad = [event for event in events if isinstance(event, ProtocolError)]
    if any(isinstance(event, Closed) for event in events):
        assert session.is_closed
    else:
        assert len(bad) == sum(isinstance(pdu, BadPdu) for pdu in found)
    answers = Decoder().feed(session.take_output())
    assert all(isinstance(answer, Pdu) for answer in answers)
    session.tick(1_000_000)
    assert session.lost() == []
