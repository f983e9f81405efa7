"""The session machine by wiring two of them together, and against octets that no machine of ours would send."""

import itertools

import pytest

from whimbrel.codec.smpp.events import (
    Answered,
    AnsweredLate,
    BindRefused,
    BindRequested,
    Bound,
    Closed,
    CloseReason,
    DeliverReceived,
    Nacked,
    PeerUnbound,
    ProtocolError,
    Refused,
    RequestReceived,
    Role,
    Settings,
    State,
    Stray,
    SubmitReceived,
    TimedOut,
)
from whimbrel.codec.smpp.outstanding import Outstanding
from whimbrel.codec.smpp.pdu import (
    AlertNotification,
    Bind,
    BindResp,
    DataSm,
    Decoder,
    MessageId,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ShortMessage,
    encode,
    encode_body,
)
from whimbrel.codec.smpp.session import Session, SessionError
from whimbrel.codec.smpp.tables import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DATA_SM,
    DELIVER_SM,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    OUTBIND,
    QUERY_SM,
    RESPONSE_BIT,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
    Status,
    Tag,
)

SETTINGS = Settings(
    window=3,
    response_timeout_ms=10_000,
    enquire_link_ms=30_000,
    enquire_link_answer_ms=5_000,
    enquire_link_tries=2,
    bind_timeout_ms=5_000,
    unbind_timeout_ms=2_000,
)
TEXT = ShortMessage(source="Wimb", dest="15005550100", short_message=b"hello")
CREDENTIALS = Bind("whmbrel", "secret")


class Wire:
    """An ESME and an SMSC on one clock; `to_smsc` and `to_esme` carry octets and return the events they made."""

    def __init__(self, settings=SETTINGS):
        self.now_ms = 1_000
        self.esme = Session(Role.ESME, settings, self.now_ms)
        self.smsc = Session(Role.SMSC, settings, self.now_ms)

    def to_smsc(self):
        return self.smsc.receive(self.esme.take_output(), self.now_ms)

    def to_esme(self):
        return self.esme.receive(self.smsc.take_output(), self.now_ms)

    def bind(self, command_id=BIND_TRANSCEIVER):
        self.esme.bind(command_id, CREDENTIALS, now_ms=self.now_ms)
        [asked] = self.to_smsc()
        self.smsc.respond(asked.pdu, 0, BindResp("SMSC"))
        [bound] = self.to_esme()
        assert isinstance(bound, Bound)
        return self

    def submit(self, token):
        return self.esme.send(SUBMIT_SM, TEXT, token=token, now_ms=self.now_ms)

    def wait(self, session, ms):
        self.now_ms += ms
        return session.tick(self.now_ms)


def written(session):
    return Decoder().feed(session.take_output())


def heard(session, *pdus, now_ms=1_000):
    return session.receive(b"".join(encode(pdu) for pdu in pdus), now_ms)


# Binding.


@pytest.mark.parametrize("command_id", [BIND_TRANSMITTER, BIND_RECEIVER, BIND_TRANSCEIVER])
def test_bind(command_id):
    wire = Wire()
    wire.esme.bind(command_id, CREDENTIALS, now_ms=wire.now_ms)
    assert wire.esme.state is State.BINDING
    [asked] = wire.to_smsc()
    assert asked == BindRequested(Pdu(command_id, 0, 1, CREDENTIALS))
    wire.smsc.respond(asked.pdu, 0, BindResp("SMSC"), tlvs=((Tag.SC_INTERFACE_VERSION, b"\x34"),))
    [bound] = wire.to_esme()
    assert bound.pdu == Pdu(command_id | RESPONSE_BIT, 0, 1, BindResp("SMSC"), ((Tag.SC_INTERFACE_VERSION, b"\x34"),))
    assert wire.esme.bind_command == wire.smsc.bind_command == command_id
    assert wire.esme.room == wire.smsc.room == 3


def test_bind_refused_and_tried_again_on_the_same_connection():
    wire = Wire()
    wire.esme.bind(BIND_TRANSCEIVER, CREDENTIALS, now_ms=wire.now_ms)
    [asked] = wire.to_smsc()
    wire.smsc.respond(asked.pdu, Status.ESME_RINVPASWD)
    assert wire.to_esme() == [BindRefused(Pdu(0x80000009, Status.ESME_RINVPASWD, 1))]
    assert (wire.esme.state, wire.smsc.state) == (State.OPEN, State.OPEN)
    wire.bind()


def test_bind_answered_by_generic_nack_is_refused():
    esme = Session(Role.ESME, SETTINGS, 0)
    esme.bind(BIND_TRANSCEIVER, CREDENTIALS, now_ms=0)
    nack = Pdu(GENERIC_NACK, Status.ESME_RINVCMDID, 0)
    assert heard(esme, nack) == [BindRefused(nack)]
    assert esme.state is State.OPEN


@pytest.mark.parametrize("role", list(Role))
def test_silence_before_the_bind_closes(role):
    session = Session(role, SETTINGS, 0)
    assert session.next_deadline_ms == 5_000
    assert session.tick(4_999) == []
    assert session.tick(5_000) == [Closed(CloseReason.BIND_TIMEOUT)]
    assert session.next_deadline_ms is None


def test_bind_that_is_never_answered_closes():
    esme = Session(Role.ESME, SETTINGS, 0)
    esme.bind(BIND_TRANSCEIVER, CREDENTIALS, now_ms=1_000)
    assert esme.tick(5_999) == []
    assert esme.tick(6_000) == [Closed(CloseReason.BIND_TIMEOUT)]


def test_the_deadline_for_a_bind_is_the_peers_and_not_ours():
    wire = Wire()
    wire.esme.bind(BIND_TRANSCEIVER, CREDENTIALS, now_ms=wire.now_ms)
    [asked] = wire.to_smsc()
    assert wire.wait(wire.smsc, 20_000) == []
    wire.smsc.respond(asked.pdu, 0, BindResp("SMSC"))
    assert wire.smsc.state is State.BOUND


def test_a_refused_bind_may_be_tried_again_within_the_deadline():
    wire = Wire()
    wire.esme.bind(BIND_TRANSCEIVER, CREDENTIALS, now_ms=wire.now_ms)
    [asked] = wire.to_smsc()
    wire.smsc.respond(asked.pdu, Status.ESME_RINVPASWD)
    assert wire.smsc.next_deadline_ms == 6_000
    assert wire.wait(wire.smsc, 5_000) == [Closed(CloseReason.BIND_TIMEOUT)]


def test_second_bind_is_refused():
    wire = Wire().bind()
    again = Pdu(BIND_TRANSCEIVER, 0, 9, CREDENTIALS)
    assert heard(wire.smsc, again) == [Refused(again)]
    assert written(wire.smsc) == [Pdu(0x80000009, Status.ESME_RALYBND, 9)]
    assert wire.smsc.state is State.BOUND


def test_outbind_asks_the_esme_to_bind():
    wire = Wire()
    wire.smsc.notify(OUTBIND, Outbind("SMSC", "pw"))
    assert wire.to_esme() == [RequestReceived(Pdu(OUTBIND, 0, 1, Outbind("SMSC", "pw")))]
    wire.bind(BIND_RECEIVER)


# T44: requests that the state forbids.

FORBIDDEN = {
    "submit before the bind": (Role.SMSC, None, Pdu(SUBMIT_SM, 0, 9, TEXT)),
    "submit on a receiver": (Role.SMSC, BIND_RECEIVER, Pdu(SUBMIT_SM, 0, 9, TEXT)),
    "data_sm on a receiver": (Role.SMSC, BIND_RECEIVER, Pdu(DATA_SM, 0, 9, DataSm())),
    "deliver_sm to an SMSC": (Role.SMSC, BIND_TRANSCEIVER, Pdu(DELIVER_SM, 0, 9, TEXT)),
    "deliver_sm before the bind": (Role.ESME, None, Pdu(DELIVER_SM, 0, 9, TEXT)),
    "submit_sm to an ESME": (Role.ESME, BIND_TRANSCEIVER, Pdu(SUBMIT_SM, 0, 9, TEXT)),
    "bind to an ESME": (Role.ESME, BIND_TRANSCEIVER, Pdu(BIND_TRANSCEIVER, 0, 9, CREDENTIALS)),
}


@pytest.mark.parametrize(("role", "bind", "pdu"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_forbidden_request_is_refused_and_the_session_goes_on(role, bind, pdu):
    wire = Wire() if bind is None else Wire().bind(bind)
    session = wire.esme if role is Role.ESME else wire.smsc
    assert heard(session, pdu) == [Refused(pdu)]
    assert written(session) == [Pdu(pdu.command_id | RESPONSE_BIT, Status.ESME_RINVBNDSTS, 9)]
    assert not session.is_closed


def test_alert_notification_before_the_bind_has_no_answer():
    esme = Session(Role.ESME, SETTINGS, 0)
    alert = Pdu(ALERT_NOTIFICATION, 0, 1, AlertNotification())
    assert heard(esme, alert) == [Refused(alert)]
    assert not esme.has_output


# Requests and responses.


def test_submit_and_its_response():
    wire = Wire().bind()
    sequence = wire.submit("a")
    assert (wire.esme.room, wire.esme.in_flight) == (2, 1)
    [received] = wire.to_smsc()
    assert received == SubmitReceived(Pdu(SUBMIT_SM, 0, sequence, TEXT))
    assert wire.smsc.owed == 1
    wire.smsc.respond(received.pdu, 0, MessageId("m1"))
    assert wire.smsc.owed == 0
    assert wire.to_esme() == [Answered("a", Pdu(SUBMIT_SM_RESP, 0, sequence, MessageId("m1")))]
    assert (wire.esme.room, wire.esme.in_flight) == (3, 0)


def test_octets_made_beforehand_are_sent_as_they_are():
    wire = Wire().bind()
    tlvs = ((Tag.USER_MESSAGE_REFERENCE, b"\0\7"),)
    wire.esme.send(SUBMIT_SM, encode_body(SUBMIT_SM, TEXT), token=1, now_ms=wire.now_ms)
    wire.esme.send(SUBMIT_SM, encode_body(SUBMIT_SM, TEXT), token=2, now_ms=wire.now_ms, tlvs=tlvs)
    assert [(event.pdu.body, event.pdu.tlvs) for event in wire.to_smsc()] == [(TEXT, ()), (TEXT, tlvs)]


def test_a_list_is_sent_as_its_requests_one_by_one():
    alone, listed = Wire().bind(), Wire().bind()
    octets = encode_body(SUBMIT_SM, TEXT)
    for token in "abc":
        alone.submit(token)
    listed.esme.send_list(SUBMIT_SM, [(octets, token) for token in "abc"], now_ms=listed.now_ms)
    assert listed.esme.take_output() == alone.esme.take_output()
    assert (listed.esme.room, listed.esme.next_deadline_ms) == (alone.esme.room, alone.esme.next_deadline_ms)
    assert listed.esme.lost() == ["a", "b", "c"]


def test_a_list_beyond_the_window_is_not_sent_at_all():
    wire = Wire().bind()
    octets = encode_body(SUBMIT_SM, TEXT)
    with pytest.raises(SessionError):
        wire.esme.send_list(SUBMIT_SM, [(octets, token) for token in "abcd"], now_ms=wire.now_ms)
    assert (wire.esme.take_output(), wire.esme.in_flight) == (b"", 0)
    wire.esme.send_list(QUERY_SM, [(b"7\0\0\0\0", token) for token in "abcd"], now_ms=wire.now_ms)
    assert wire.esme.in_flight == 4, "the window counts messages only"


@pytest.mark.parametrize("status", [0, Status.ESME_RX_T_APPN])
def test_a_list_is_answered_as_its_requests_one_by_one(status):
    alone, listed = Wire().bind(), Wire().bind()
    for wire in (alone, listed):
        for token in "abc":
            wire.smsc.send(DELIVER_SM, TEXT, token=token, now_ms=wire.now_ms)
    for event in alone.to_esme():
        alone.esme.respond(event.pdu, status)
    listed.esme.respond_list([event.pdu for event in listed.to_esme()], status)
    answers = listed.esme.take_output()
    assert answers == alone.esme.take_output()
    assert listed.esme.owed == 0
    assert [event.token for event in listed.smsc.receive(answers, listed.now_ms)] == ["a", "b", "c"]


def test_t34_responses_out_of_order():
    wire = Wire().bind()
    for token in "abc":
        wire.submit(token)
    for received in reversed(wire.to_smsc()):
        wire.smsc.respond(received.pdu, 0, MessageId(str(received.pdu.sequence)))
    answers = wire.to_esme()
    assert [(event.token, event.pdu.body.message_id) for event in answers] == [("c", "4"), ("b", "3"), ("a", "2")]


def test_full_window_refuses_and_frees_by_response():
    wire = Wire().bind()
    for token in range(3):
        wire.submit(token)
    assert wire.esme.room == 0
    with pytest.raises(SessionError):
        wire.submit(3)
    query = wire.esme.send(QUERY_SM, QuerySm("m1"), token="query", now_ms=wire.now_ms)
    *submits, asked = wire.to_smsc()
    assert asked == RequestReceived(Pdu(QUERY_SM, 0, query, QuerySm("m1")))
    wire.smsc.respond(submits[0].pdu, Status.ESME_RTHROTTLED)
    wire.smsc.respond(asked.pdu, 0, QuerySmResp("m1", "", 2, 0))
    refused, answer = wire.to_esme()
    assert (refused.token, refused.pdu.status, refused.pdu.body) == (0, Status.ESME_RTHROTTLED, None)
    assert answer.token == "query"
    assert wire.esme.room == 1


def test_deliver_sm_and_its_empty_response():
    wire = Wire().bind(BIND_RECEIVER)
    wire.smsc.send(DELIVER_SM, TEXT, token="receipt", now_ms=wire.now_ms)
    [received] = wire.to_esme()
    assert isinstance(received, DeliverReceived)
    wire.esme.respond(received.pdu)
    octets = wire.esme.take_output()
    assert len(octets) == 17, "T46: deliver_sm_resp holds an empty message_id"
    assert wire.smsc.receive(octets, wire.now_ms) == [Answered("receipt", Pdu(DELIVER_SM_RESP, 0, 1, MessageId("")))]


def test_t47_data_sm_and_alert_notification_reach_the_owner():
    wire = Wire().bind()
    wire.smsc.notify(ALERT_NOTIFICATION, AlertNotification(source="1"))
    wire.smsc.send(DATA_SM, DataSm(), token=1, now_ms=wire.now_ms)
    alert, data = wire.to_esme()
    assert isinstance(alert, RequestReceived)
    assert isinstance(data, RequestReceived)
    assert wire.esme.owed == 1


def test_nothing_is_kept_of_a_request_that_cannot_be_written():
    wire = Wire().bind()
    with pytest.raises(ValueError, match="too long"):
        wire.esme.send(SUBMIT_SM, ShortMessage(dest="1" * 30), token=1, now_ms=wire.now_ms)
    assert (wire.esme.in_flight, wire.esme.room, wire.esme.has_output) == (0, 3, False)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda wire: wire.esme.send(SUBMIT_SM, TEXT, token=1, now_ms=0),
        lambda wire: wire.esme.send_list(SUBMIT_SM, [(b"", 1)], now_ms=0),
        lambda wire: wire.esme.unbind(now_ms=0),
        lambda wire: wire.smsc.bind(BIND_TRANSCEIVER, CREDENTIALS, now_ms=0),
        lambda wire: wire.esme.bind(SUBMIT_SM, CREDENTIALS, now_ms=0),
        lambda wire: wire.smsc.notify(SUBMIT_SM, TEXT),
    ],
)
def test_misuse_is_our_own_error(misuse):
    wire = Wire()
    with pytest.raises(SessionError):
        misuse(wire)
    assert not wire.esme.has_output
    assert not wire.smsc.has_output


# T35: sequence numbers.


def test_t35_numbers_wrap_to_one():
    wire = Wire(Settings(first_sequence=0x7FFFFFFD)).bind()
    assert [wire.submit(token) for token in "abcd"] == [0x7FFFFFFE, 0x7FFFFFFF, 1, 2]
    answers = [Pdu(SUBMIT_SM_RESP, 0, received.pdu.sequence, MessageId("")) for received in wire.to_smsc()]
    assert [event.token for event in heard(wire.esme, *answers)] == ["a", "b", "c", "d"]


def test_t35_numbers_in_flight_or_timed_out_are_skipped():
    requests = Outstanding(last_sequence=6)
    for token, expires_ms in [("a", 10), ("b", 20), ("c", 20)]:
        requests.add(token, SUBMIT_SM, expires_ms)
    assert [flight.token for flight in requests.expire(10)] == ["a"]
    assert requests.answered(2, SUBMIT_SM_RESP).token == "b"
    assert [requests.add(token, SUBMIT_SM, 30) for token in "defg"] == [4, 5, 6, 2]
    assert requests.answered(4, SUBMIT_SM_RESP).token == "d"
    assert requests.add("h", SUBMIT_SM, 30) == 4, "3 is in flight, 1 timed out"


def test_t35_response_of_another_command_does_not_free_the_place():
    wire = Wire().bind()
    sequence = wire.submit("a")
    assert heard(wire.esme, Pdu(ENQUIRE_LINK_RESP, 0, sequence)) == []
    stray = Pdu(DELIVER_SM_RESP, 0, sequence, MessageId(""))
    assert heard(wire.esme, stray) == [Stray(stray)]
    assert wire.esme.in_flight == 1


def test_t35_responses_echo_the_peers_number():
    wire = Wire().bind()
    for sequence in (0, 0xFFFFFFFF):
        heard(wire.smsc, Pdu(ENQUIRE_LINK, 0, sequence))
        assert written(wire.smsc) == [Pdu(ENQUIRE_LINK_RESP, 0, sequence)]


# Time.


def test_t39_timeout_frees_the_place_and_t34_late_response_is_told():
    wire = Wire().bind()
    first = wire.submit("a")
    wire.now_ms += 4_000
    wire.submit("b")
    assert wire.esme.next_deadline_ms == 11_000
    assert wire.wait(wire.esme, 6_000) == [TimedOut("a")]
    assert (wire.esme.room, wire.esme.in_flight) == (2, 1)
    late = Pdu(SUBMIT_SM_RESP, 0, first, MessageId("m1"))
    assert heard(wire.esme, late) == [AnsweredLate("a", late)]
    assert heard(wire.esme, late) == [Stray(late)]
    assert wire.wait(wire.esme, 4_000) == [TimedOut("b")]


def test_timeouts_come_in_the_order_of_sending():
    wire = Wire().bind()
    for token in "abc":
        wire.submit(token)
    assert wire.wait(wire.esme, 10_000) == [TimedOut("a"), TimedOut("b"), TimedOut("c")]
    assert wire.esme.room == 3


def test_late_nack_names_its_request():
    wire = Wire().bind()
    sequence = wire.submit("a")
    wire.wait(wire.esme, 10_000)
    nack = Pdu(GENERIC_NACK, 3, sequence)
    assert heard(wire.esme, nack) == [AnsweredLate("a", nack)]


def test_late_requests_are_forgotten_in_the_end():
    wire = Wire(Settings(window=2_000, response_timeout_ms=100)).bind()
    sequences = [wire.submit(token) for token in range(1_100)]
    wire.wait(wire.esme, 100)
    oldest = Pdu(SUBMIT_SM_RESP, 0, sequences[0])
    newest = Pdu(SUBMIT_SM_RESP, 0, sequences[-1])
    assert heard(wire.esme, oldest, newest) == [Stray(oldest), AnsweredLate(1_099, newest)]


@pytest.mark.parametrize("role", list(Role))
def test_t41_silence_is_asked_about_and_then_closes(role):
    wire = Wire().bind()
    session = wire.esme if role is Role.ESME else wire.smsc
    assert wire.wait(session, 29_999) == []
    assert wire.wait(session, 1) == []
    assert [pdu.command_id for pdu in written(session)] == [ENQUIRE_LINK]
    assert wire.wait(session, 4_999) == []
    assert wire.wait(session, 1) == []
    assert [pdu.command_id for pdu in written(session)] == [ENQUIRE_LINK]
    assert wire.wait(session, 5_000) == [Closed(CloseReason.LINK_DEAD)]


def test_a_tick_that_comes_late_still_waits_for_its_answer():
    wire = Wire().bind()
    assert wire.wait(wire.esme, 600_000) == []
    assert wire.wait(wire.esme, 4_999) == []
    assert [pdu.command_id for pdu in written(wire.esme)] == [ENQUIRE_LINK]


def test_enquire_link_is_answered_by_the_machine_and_counts_as_life():
    wire = Wire().bind()
    wire.wait(wire.esme, 30_000)
    assert wire.to_smsc() == []
    assert wire.to_esme() == []
    assert wire.wait(wire.esme, 29_999) == []
    assert not wire.esme.has_output


def test_t41_any_pdu_counts_as_life():
    wire = Wire().bind()
    for token in range(5):
        wire.now_ms += 20_000
        wire.smsc.send(DELIVER_SM, TEXT, token=token, now_ms=wire.now_ms)
        [received] = wire.to_esme()
        wire.esme.respond(received.pdu)
        [answered] = wire.to_smsc()
        assert answered.token == token
        assert wire.esme.tick(wire.now_ms) == wire.smsc.tick(wire.now_ms) == []
        assert not wire.esme.has_output
        assert not wire.smsc.has_output


def test_half_a_pdu_is_no_life():
    wire = Wire().bind()
    wire.now_ms += 29_000
    assert wire.esme.receive(encode(Pdu(ENQUIRE_LINK, 0, 1))[:15], wire.now_ms) == []
    wire.wait(wire.esme, 1_000)
    assert [pdu.command_id for pdu in written(wire.esme)] == [ENQUIRE_LINK]


def test_inactivity_closes():
    wire = Wire(Settings(enquire_link_ms=0, inactivity_ms=60_000)).bind()
    assert wire.smsc.next_deadline_ms == 61_000
    assert wire.wait(wire.smsc, 59_999) == []
    assert wire.wait(wire.smsc, 1) == [Closed(CloseReason.INACTIVE)]


def test_without_timers_a_bound_session_has_no_deadline():
    assert Wire(Settings(enquire_link_ms=0)).bind().esme.next_deadline_ms is None


def test_t40_enquire_link_is_answered_in_every_state():
    esme = Session(Role.ESME, SETTINGS, 0)
    states = []
    steps = [
        lambda: None,
        lambda: esme.bind(BIND_TRANSCEIVER, CREDENTIALS, now_ms=0),
        lambda: heard(esme, Pdu(0x80000009, 0, 1, BindResp(""))),
        lambda: esme.unbind(now_ms=0),
    ]
    for step in steps:
        step()
        esme.take_output()
        assert heard(esme, Pdu(ENQUIRE_LINK, 0, 9)) == []
        assert written(esme) == [Pdu(ENQUIRE_LINK_RESP, 0, 9)]
        states.append(esme.state)
    assert states == [State.OPEN, State.BINDING, State.BOUND, State.UNBINDING]


# T42: unbind both ways.


@pytest.mark.parametrize("role", list(Role))
def test_unbind(role):
    wire = Wire().bind()
    session, peer = (wire.esme, wire.smsc) if role is Role.ESME else (wire.smsc, wire.esme)
    session.unbind(now_ms=wire.now_ms)
    assert peer.receive(session.take_output(), wire.now_ms) == [PeerUnbound()]
    assert (peer.state, peer.room) == (State.UNBOUND, 0)
    assert session.receive(peer.take_output(), wire.now_ms) == [Closed(CloseReason.UNBOUND)]
    assert wire.wait(peer, 1_999) == []
    assert wire.wait(peer, 1) == [Closed(CloseReason.PEER_UNBOUND)]


def test_unbind_is_answered_after_the_requests_before_it():
    wire = Wire().bind()
    wire.submit("a")
    wire.submit("b")
    wire.esme.unbind(now_ms=wire.now_ms)
    first, second, unbound = wire.to_smsc()
    assert unbound == PeerUnbound()
    wire.smsc.respond(second.pdu, 0, MessageId("m2"))
    assert [type(event) for event in wire.to_esme()] == [Answered]
    wire.smsc.respond(first.pdu, 0, MessageId("m1"))
    assert [type(event) for event in wire.to_esme()] == [Answered, Closed]


def test_responses_still_count_after_the_peers_unbind():
    wire = Wire().bind()
    sequence = wire.submit("a")
    answer = Pdu(SUBMIT_SM_RESP, 0, sequence, MessageId("m1"))
    assert heard(wire.esme, Pdu(UNBIND, 0, 0), answer) == [PeerUnbound(), Answered("a", answer)]
    with pytest.raises(SessionError):
        wire.submit("b")


def test_nothing_is_told_after_closed():
    wire = Wire().bind()
    wire.esme.unbind(now_ms=wire.now_ms)
    last = Pdu(UNBIND_RESP, 0, 2)
    assert heard(wire.esme, last, Pdu(DELIVER_SM, 0, 9, TEXT)) == [Closed(CloseReason.UNBOUND)]


def test_unbind_that_is_never_answered_closes():
    wire = Wire().bind()
    wire.esme.unbind(now_ms=wire.now_ms)
    assert wire.wait(wire.esme, 2_000) == [Closed(CloseReason.UNBIND_TIMEOUT)]


def test_unbinds_that_cross():
    wire = Wire().bind()
    wire.esme.unbind(now_ms=wire.now_ms)
    wire.smsc.unbind(now_ms=wire.now_ms)
    from_esme, from_smsc = wire.esme.take_output(), wire.smsc.take_output()
    assert wire.esme.receive(from_smsc, wire.now_ms) == []
    assert wire.smsc.receive(from_esme, wire.now_ms) == []
    assert wire.to_smsc() == [Closed(CloseReason.UNBOUND)]
    assert wire.to_esme() == [Closed(CloseReason.UNBOUND)]


def test_unbind_before_the_bind_is_answered():
    smsc = Session(Role.SMSC, SETTINGS, 0)
    assert heard(smsc, Pdu(UNBIND, 0, 3)) == [PeerUnbound()]
    assert written(smsc) == [Pdu(UNBIND_RESP, 0, 3)]


def test_bind_decided_after_the_peer_left_does_not_bind():
    wire = Wire()
    wire.esme.bind(BIND_TRANSCEIVER, CREDENTIALS, now_ms=wire.now_ms)
    [asked] = wire.to_smsc()
    heard(wire.smsc, Pdu(UNBIND, 0, 2))
    wire.smsc.respond(asked.pdu, 0, BindResp("SMSC"))
    assert wire.smsc.state is State.UNBOUND


# T32 and the rest of the errors.


def test_t32_nack_with_a_known_number_frees_its_place():
    wire = Wire().bind()
    sequence = wire.submit("a")
    nack = Pdu(GENERIC_NACK, Status.ESME_RINVCMDLEN, sequence)
    assert heard(wire.esme, nack) == [Nacked("a", nack)]
    assert wire.esme.room == 3


def test_t32_nack_without_a_number_fails_nothing_and_keeps_the_bind():
    wire = Wire().bind()
    wire.submit("a")
    nack = Pdu(GENERIC_NACK, Status.ESME_RINVCMDID, 0)
    assert heard(wire.esme, nack) == [Nacked(None, nack)]
    assert (wire.esme.state, wire.esme.in_flight) == (State.BOUND, 1)
    assert wire.wait(wire.esme, 10_000) == [TimedOut("a")]


def test_t32_unknown_command_is_nacked_with_its_number():
    wire = Wire().bind()
    [error] = wire.smsc.receive(bytes.fromhex("00000010 00000077 00000000 00000009"), 0)
    assert (error.in_step, error.command_id, error.sequence, error.status) == (True, 0x77, 9, Status.ESME_RINVCMDID)
    assert written(wire.smsc) == [Pdu(GENERIC_NACK, Status.ESME_RINVCMDID, 9)]
    assert wire.smsc.state is State.BOUND


def test_unknown_response_is_not_answered():
    wire = Wire().bind()
    [error] = wire.smsc.receive(bytes.fromhex("00000010 80000077 00000000 00000009"), 0)
    assert isinstance(error, ProtocolError)
    assert not wire.smsc.has_output


def test_unreadable_submit_is_answered_by_its_own_response():
    wire = Wire().bind()
    [error] = wire.smsc.receive(bytes.fromhex("00000010 00000004 00000000 00000009"), 0)
    assert error.in_step
    assert written(wire.smsc) == [Pdu(SUBMIT_SM_RESP, Status.ESME_RINVCMDLEN, 9)]
    assert wire.smsc.owed == 0


def test_unreadable_alert_is_not_answered():
    wire = Wire().bind()
    [error] = wire.esme.receive(bytes.fromhex("00000010 00000102 00000000 00000009"), 0)
    assert error.in_step
    assert not wire.esme.has_output


def test_t29_lost_stream_is_nacked_and_closed():
    smsc = Session(Role.SMSC, SETTINGS, 0)
    error, closed = smsc.receive(b"GET / HTTP/1.1\r\n", 0)
    assert (error.in_step, closed) == (False, Closed(CloseReason.PROTOCOL))
    assert written(smsc) == [Pdu(GENERIC_NACK, Status.ESME_RINVCMDLEN, 0)]
    assert smsc.receive(encode(Pdu(ENQUIRE_LINK, 0, 1)), 0) == []
    assert smsc.tick(1_000_000) == []


def test_lost_connection_gives_the_tokens_in_flight_oldest_first():
    wire = Wire().bind()
    for token in "abc":
        wire.submit(token)
    received = wire.to_smsc()
    wire.smsc.respond(received[1].pdu, 0, MessageId("m2"))
    wire.to_esme()
    assert wire.esme.lost() == ["a", "c"]
    assert wire.esme.is_closed
    assert wire.esme.lost() == []


def test_answer_to_a_dead_link_has_no_reader():
    wire = Wire().bind()
    wire.submit("a")
    [received] = wire.to_smsc()
    wire.smsc.lost()
    wire.smsc.respond(received.pdu, 0, MessageId("m1"))
    wire.smsc.respond_list([received.pdu])
    assert not wire.smsc.has_output


# The wire between them.


def test_byte_by_byte_equals_whole():
    def conversation(cut):
        wire = Wire().bind()
        log = []
        for token in "abc":
            wire.submit(token)
        wire.esme.unbind(now_ms=wire.now_ms)
        for session, peer in itertools.islice(itertools.cycle([(wire.esme, wire.smsc), (wire.smsc, wire.esme)]), 6):
            for piece in cut(session.take_output()):
                events = peer.receive(piece, wire.now_ms)
                log += events
                for event in events:
                    if isinstance(event, SubmitReceived):
                        peer.respond(event.pdu, 0, MessageId(f"m{event.pdu.sequence}"))
        return log

    whole = conversation(lambda octets: [octets])
    assert conversation(lambda octets: [bytes([value]) for value in octets]) == whole
    assert [type(event) for event in whole] == [SubmitReceived] * 3 + [PeerUnbound] + [Answered] * 3 + [Closed]


def test_one_turn_is_one_write():
    wire = Wire().bind()
    for token in "abc":
        wire.submit(token)
    octets = wire.esme.take_output()
    assert len(Decoder().feed(octets)) == 3
    assert wire.esme.take_output() == b""


# What servers need beside the verbs of a carrier.


def test_accepted_messages_are_answered_with_their_ids_in_one_go():
    wire = Wire().bind()
    for token in ("a", "b"):
        wire.submit(token)
    events = wire.to_smsc()
    wire.smsc.respond_ids([(event.pdu, f"m{event.pdu.sequence}") for event in reversed(events)])
    assert wire.smsc.owed == 0
    answered = wire.to_esme()
    assert [(event.token, event.pdu.status, event.pdu.body.message_id) for event in answered] == [
        ("b", 0, "m3"),
        ("a", 0, "m2"),
    ]
    wire.smsc.lost()
    wire.smsc.respond_ids([(events[0].pdu, "late")])
    assert not wire.smsc.has_output


def test_a_session_goes_on_with_other_settings():
    wire = Wire().bind()
    wire.smsc.adopt(Settings(window=1, enquire_link_ms=1_000))
    assert wire.smsc.room == 1
    assert wire.wait(wire.smsc, 1_000) == []
    assert [pdu.command_id for pdu in written(wire.smsc)] == [ENQUIRE_LINK]


def test_half_a_pdu_can_be_looked_at():
    wire = Wire().bind()
    wire.smsc.receive(encode(Pdu(ENQUIRE_LINK, 0, 9))[:7], wire.now_ms)
    assert wire.smsc.half_read == bytes.fromhex("00000010 000000")
