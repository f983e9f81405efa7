"""A server's answers in lists, and settings that are learned by the bind: two machines wired together."""

from whimbrel.codec.smpp import events as ev
from whimbrel.codec.smpp.bodies import Bind, DataSm, MessageId, ShortMessage
from whimbrel.codec.smpp.events import Role, Settings
from whimbrel.codec.smpp.pdu import Pdu, make_tlv
from whimbrel.codec.smpp.session import Session
from whimbrel.codec.smpp.tables import BIND_TRANSCEIVER, DATA_SM, SUBMIT_SM, Tag

CONGESTION = make_tlv(Tag.CONGESTION_STATE, 50)


def bound(version: int = 0x34) -> tuple[Session, Session]:
    esme, smsc = Session(Role.ESME, Settings(window=10), 0), Session(Role.SMSC, Settings(), 0)
    esme.bind(BIND_TRANSCEIVER, Bind(interface_version=version), now_ms=0)
    (asked,) = smsc.receive(esme.take_output(), 0)
    assert isinstance(asked, ev.BindRequested)
    smsc.respond(asked.pdu)
    esme.receive(smsc.take_output(), 0)
    return esme, smsc


def asked(esme: Session, smsc: Session) -> list[Pdu]:
    """A submit_sm and a data_sm that wait for their answer."""
    esme.send(SUBMIT_SM, ShortMessage(), token="a", now_ms=0)
    esme.send(DATA_SM, DataSm(), token="b", now_ms=0)
    return [event.pdu for event in smsc.receive(esme.take_output(), 0)]


def test_each_request_is_answered_with_its_id_and_by_its_own_command():
    esme, smsc = bound()
    requests = asked(esme, smsc)
    smsc.respond_ids([(requests[1], "two"), (requests[0], "one")], (CONGESTION,))
    answers = esme.receive(smsc.take_output(), 0)
    assert [(each.token, each.pdu.body, each.pdu.tlvs) for each in answers] == [
        ("b", MessageId("two"), (CONGESTION,)),
        ("a", MessageId("one"), (CONGESTION,)),
    ]
    assert smsc.owed == 0


def test_a_peer_of_3_3_is_sent_the_ids_alone():
    esme, smsc = bound(0x33)
    smsc.respond_ids([(asked(esme, smsc)[0], "one")], (CONGESTION,))
    (answer,) = esme.receive(smsc.take_output(), 0)
    assert answer.pdu.tlvs == () and smsc.owed == 1


def test_unbind_is_answered_after_them_and_a_closed_machine_says_nothing():
    esme, smsc = bound()
    requests = asked(esme, smsc)
    esme.unbind(now_ms=0)
    smsc.receive(esme.take_output(), 0)
    assert not smsc.has_output
    smsc.respond_ids([(request, "x") for request in requests])
    kinds = [type(event) for event in esme.receive(smsc.take_output(), 0)]
    assert kinds == [ev.Answered, ev.Answered, ev.Closed]
    smsc.lost()
    smsc.respond_ids([(requests[0], "x")])
    assert not smsc.has_output


def test_settings_that_are_adopted_hold_from_then_on():
    _, smsc = bound()
    smsc.adopt(Settings(window=3, enquire_link_ms=5_000, inactivity_ms=8_000))
    assert smsc.room == 3 and smsc.next_deadline_ms == 5_000
    smsc.tick(5_000)
    assert smsc.has_output  # enquire_link
    (closed,) = smsc.tick(8_000)
    assert closed == ev.Closed(ev.CloseReason.INACTIVE)
