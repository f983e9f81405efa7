"""Every PDU in every state, from either side: none ends a session that did not end itself (T47)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_smpp_roundtrip import pdus_of

from whimbrel.codec.smpp.events import BindRequested, Closed, Refused, RequestReceived, Role, Settings, State
from whimbrel.codec.smpp.pdu import BadPdu, Bind, BindResp, Decoder, Pdu, body_of, encode, header
from whimbrel.codec.smpp.session import Session
from whimbrel.codec.smpp.tables import (
    ALERT_NOTIFICATION,
    BIND_TRANSCEIVER,
    BIND_TRANSCEIVER_RESP,
    COMMANDS,
    DATA_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    OUTBIND,
    RESPONSE_BIT,
    UNBIND,
    UNBIND_RESP,
    WITHOUT_RESPONSE,
)

BIND = Bind("phones", "secret")


def in_state(role, state):
    session = Session(role, Settings(), 0)
    if role is Role.ESME and state is not State.OPEN:
        session.bind(BIND_TRANSCEIVER, BIND, now_ms=0)
        if state is not State.BINDING:
            session.receive(encode(Pdu(BIND_TRANSCEIVER_RESP, 0, 1, BindResp("SMSC"))), 0)
    elif state is not State.OPEN:
        [asked] = session.receive(encode(Pdu(BIND_TRANSCEIVER, 0, 1, BIND)), 0)
        assert isinstance(asked, BindRequested)
        if state is not State.BINDING:
            session.respond(asked.pdu, 0, BindResp("SMSC"))
    if state is State.UNBINDING:
        session.unbind(now_ms=0)
    elif state is State.UNBOUND:
        session.receive(encode(Pdu(UNBIND, 0, 2)), 0)
    session.take_output()
    assert session.state is state
    return session


def one_of(command_id):
    kind = body_of(command_id)
    return Pdu(command_id, 0, 77, kind() if kind is not None else None)


LIVING = [state for state in State if state is not State.CLOSED]
EVERYWHERE = pytest.mark.parametrize(("role", "state"), [(role, state) for role in Role for state in LIVING])


@EVERYWHERE
@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_no_pdu_ends_a_session_but_the_answer_to_our_unbind(role, state, command):
    session = in_state(role, state)
    events = session.receive(encode(one_of(command.command_id)), 0)
    ends = state is State.UNBINDING and command.command_id == UNBIND_RESP
    assert session.is_closed is ends
    assert [type(event) for event in events if isinstance(event, Closed)] == [Closed] * ends
    answers = Decoder().feed(session.take_output())
    assert not (answers and command.command_id & RESPONSE_BIT), "a response is answered by nobody"
    assert not (answers and command.command_id in WITHOUT_RESPONSE)


@EVERYWHERE
@pytest.mark.parametrize("command_id", [ALERT_NOTIFICATION, OUTBIND, DATA_SM], ids=["alert", "outbind", "data_sm"])
def test_t47_the_rare_requests_are_reported_and_the_link_stays(role, state, command_id):
    """outbind, alert_notification and data_sm reach the owner, as requests or as refused, and enquire_link goes on."""
    session = in_state(role, state)
    [event] = session.receive(encode(one_of(command_id)), 0)
    assert isinstance(event, RequestReceived | Refused)
    assert event.pdu == one_of(command_id)
    session.take_output()
    assert session.receive(encode(Pdu(ENQUIRE_LINK, 0, 78)), 0) == []
    assert Decoder().feed(session.take_output()) == [Pdu(ENQUIRE_LINK_RESP, 0, 78)]


ALLOWED = {
    (Role.ESME, State.OPEN): {OUTBIND},
    (Role.ESME, State.BINDING): {ALERT_NOTIFICATION, DATA_SM},  # some SMSCs do not wait for their bind_resp (T44)
    (Role.ESME, State.BOUND): {ALERT_NOTIFICATION, DATA_SM},
    (Role.ESME, State.UNBINDING): {ALERT_NOTIFICATION, DATA_SM},
    (Role.SMSC, State.BOUND): {DATA_SM},
    (Role.SMSC, State.UNBINDING): {DATA_SM},
}


@EVERYWHERE
@pytest.mark.parametrize("command_id", [ALERT_NOTIFICATION, OUTBIND, DATA_SM], ids=["alert", "outbind", "data_sm"])
def test_t47_which_of_them_are_requests(role, state, command_id):
    """Clause 2.3, table 2-1: where each may be asked."""
    [event] = in_state(role, state).receive(encode(one_of(command_id)), 0)
    assert isinstance(event, RequestReceived) is (command_id in ALLOWED.get((role, state), ()))


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
@given(data=st.data())
def test_each_pdu_comes_back_whole_and_octet_by_octet(command, data):
    pdu = data.draw(pdus_of(command))
    octets = encode(pdu)
    decoder = Decoder()
    assert Decoder().feed(octets) == [pdu]
    assert [each for octet in octets for each in decoder.feed(bytes([octet]))] == [pdu]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
@given(body=st.binary(max_size=300), status=st.integers(0, 0xFFFFFFFF))
def test_any_octets_behind_a_header_are_one_pdu_or_one_bad_pdu(command, body, status):
    [found] = Decoder().feed(header(len(body), command.command_id, status, 9) + body)
    assert isinstance(found, Pdu) or (isinstance(found, BadPdu) and found.in_step)
    assert (found.command_id, found.sequence) == (command.command_id, 9)
    assert isinstance(found, Pdu) or not command.command_id & RESPONSE_BIT, "every response is read"
