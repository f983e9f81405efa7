"""Scenarios of connections and binds."""

from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    DATA_SM,
    ENQUIRE_LINK,
    QUERY_SM,
    REPLACE_SM,
    SUBMIT_MULTI,
    UNBIND,
    Status,
)
from whimbrel_sandbox.outcome import Form, Outcome
from whimbrel_sandbox.scenarios import octets
from whimbrel_sandbox.scenarios.conduct import BindBody, Conduct, Scenario, Where, bind, link

_BINDS = frozenset({BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER})
_OLD = Outcome("", "smpp33", "", form=Form.TEXT)

LINKS: tuple[Scenario, ...] = (
    link("black_hole", "accepts the connection, reads everything, never answers", Conduct(is_silent=True)),
    link("zero_window", "accepts the connection and never reads: the TCP window closes", Conduct(reads=0)),
    link("slow_reader", "reads 2,048 octets 4 times a second, or so many", Conduct(reads=2048), "reads"),
    link("octet_by_octet", "writes each octet by itself, or so many octets", Conduct(piece_octets=1), "piece_octets"),
    link("pdus_together", "holds what it writes for 20 ms, so that PDUs come together", Conduct(hold_ms=20), "hold_ms"),
    link(
        "flapping",
        "closes each connection 5 s after it came up, or after so many ms",
        Conduct(drop_after_ms=5_000),
        "drop_after_ms",
    ),
    link(
        "resetting",
        "resets each connection 5 s after it came up, or after so many ms",
        Conduct(drop_after_ms=5_000, drop_is_reset=True),
        "drop_after_ms",
    ),
    link(
        "unbinding",
        "sends unbind 5 s after a bind, or after so many ms, and waits for the response",
        Conduct(unbind_after_ms=5_000),
        "unbind_after_ms",
    ),
    link(
        "half_open",
        "falls silent 5 s after the connection came up, or after so many ms, and keeps it open",
        Conduct(silent_after_ms=5_000),
        "silent_after_ms",
    ),
    link(
        "enquire_unanswered",
        "never answers enquire_link; all else works",
        Conduct(unanswered=frozenset({ENQUIRE_LINK})),
    ),
    link("unbind_unanswered", "never answers unbind and keeps the connection", Conduct(unanswered=frozenset({UNBIND}))),
    link("sequence_from_zero", "counts its own requests from 0", Conduct(sequence_offset=-1)),
    link("sequence_beyond", "counts its own requests from 0x80000000", Conduct(sequence_offset=0x7FFFFFFF)),
    link(
        "enquire_resp_other",
        "answers enquire_link with a sequence number of its own",
        Conduct(enquire_resp_offset=1_000_000),
    ),
    link("greeting_deliver_sm", "sends a deliver_sm as soon as the connection is up", Conduct(greeting=octets.TEXT)),
    link("greeting_outbind", "sends outbind as soon as the connection is up", Conduct(greeting=octets.CALL)),
    link("greeting_enquire", "sends enquire_link as soon as the connection is up", Conduct(greeting=octets.ENQUIRY)),
    link("greeting_unbind", "sends unbind as soon as the connection is up", Conduct(greeting=octets.GOODBYE)),
    link("greeting_unknown", "sends a request of no command first", Conduct(greeting=octets.UNKNOWN)),
    link("greeting_unreadable", "sends a framed PDU that nobody can read first", Conduct(greeting=octets.UNREADABLE)),
    link("greeting_length_short", "sends a command_length of 8 first", Conduct(greeting=octets.LENGTH_SHORT)),
    link("greeting_length_huge", "sends a command_length of 2 GiB first", Conduct(greeting=octets.LENGTH_HUGE)),
    link("greeting_other", "greets like a mail server", Conduct(greeting=octets.TEXT_NOT_SMPP)),
    link(
        "greeting_cut",
        "closes the connection in the middle of the first header",
        Conduct(greeting=octets.TRUNCATED_HEADER, drop_after_ms=1),
    ),
    link("storm", "sends 200 enquire_link in one write after the bind", Conduct(after_bind=octets.ENQUIRIES)),
    link("alert_notification", "sends alert_notification after the bind", Conduct(after_bind=octets.ALERT)),
    link("outbind_late", "sends outbind after the bind", Conduct(after_bind=octets.CALL)),
    link("data_sm_unasked", "sends a text as data_sm after the bind", Conduct(after_bind=octets.DATA)),
    link("unknown_request", "sends a request of no command after the bind", Conduct(after_bind=octets.UNKNOWN)),
    link(
        "unreadable_pdu",
        "sends a framed PDU that nobody can read after the bind",
        Conduct(after_bind=octets.UNREADABLE),
    ),
    link("length_short", "sends a command_length of 8 after the bind", Conduct(after_bind=octets.LENGTH_SHORT)),
    link("length_huge", "sends a command_length of 2 GiB after the bind", Conduct(after_bind=octets.LENGTH_HUGE)),
)

BINDS: tuple[Scenario, ...] = (
    bind("bind_unanswered", "never answers a bind", Conduct(unanswered=_BINDS)),
    bind("bind_slow", "answers a bind after 5 s, or after so many ms", Conduct(bind_delay_ms=5_000), "bind_delay_ms"),
    bind(
        "bind_refused",
        "refuses every bind with ESME_RBINDFAIL, or with that status",
        Conduct(bind_status=Status.ESME_RBINDFAIL),
        "bind_status",
    ),
    bind("bind_password", "refuses every bind with ESME_RINVPASWD", Conduct(bind_status=Status.ESME_RINVPASWD)),
    bind("bind_system_id", "refuses every bind with ESME_RINVSYSID", Conduct(bind_status=Status.ESME_RINVSYSID)),
    bind("bind_already", "refuses every bind with ESME_RALYBND", Conduct(bind_status=Status.ESME_RALYBND)),
    bind(
        "bind_refused_body",
        "refuses every bind with ESME_RBINDFAIL, and the response has a body all the same",
        Conduct(bind_status=Status.ESME_RBINDFAIL, bind_error_body=True),
        "bind_status",
    ),
    bind(
        "bind_refused_nack",
        "refuses every bind with ESME_RBINDFAIL, and generic_nack follows",
        Conduct(bind_status=Status.ESME_RBINDFAIL, bind_nack=True),
        "bind_status",
    ),
    bind(
        "bind_refused_close",
        "refuses every bind with ESME_RBINDFAIL and closes",
        Conduct(bind_status=Status.ESME_RBINDFAIL, bind_close=True),
        "bind_status",
    ),
    bind("bind_dropped", "closes in place of a bind_resp", Conduct(unanswered=_BINDS, bind_close=True)),
    bind("bind_nacked", "answers every bind with generic_nack", Conduct(unknown=_BINDS)),
    bind(
        "bind_limit",
        "takes 1 bind of a system_id, or so many; the next gets ESME_RALYBND",
        Conduct(bind_limit=1),
        "bind_limit",
    ),
    bind(
        "bind_limit_failed",
        "takes 1 bind of a system_id, or so many; the next gets ESME_RBINDFAIL",
        Conduct(bind_limit=1, bind_limit_status=Status.ESME_RBINDFAIL),
        "bind_limit",
    ),
    bind(
        "bind_lingers",
        "takes 1 bind of a system_id, and a lost one counts for 10 s more, or for so many ms",
        Conduct(bind_limit=1, linger_ms=10_000),
        "linger_ms",
    ),
    bind("bind_resp_bare", "bind_resp without sc_interface_version", Conduct(bind_body=BindBody.BARE)),
    bind("bind_resp_no_body", "bind_resp of a header alone", Conduct(bind_body=BindBody.NONE)),
    bind("bind_resp_one_octet", "bind_resp with one octet after its header", Conduct(bind_body=BindBody.OCTET)),
    bind("bind_resp_open", "bind_resp whose system_id has no NUL", Conduct(bind_body=BindBody.OPEN)),
    bind(
        "bind_resp_odd_tlv",
        "bind_resp whose sc_interface_version claims two octets and has one",
        Conduct(bind_body=BindBody.ODD_TLV),
    ),
    bind("bind_resp_alien_tlvs", "bind_resp with TLVs of vendors", Conduct(bind_body=BindBody.ALIEN_TLVS)),
    bind("enquire_before_bind_resp", "enquire_link before bind_resp", Conduct(before_bind_resp=octets.ENQUIRY)),
    bind("deliver_before_bind_resp", "deliver_sm before bind_resp", Conduct(before_bind_resp=octets.TEXT)),
    bind(
        "no_transceiver",
        "answers bind_transceiver with ESME_RINVCMDID; transmitters and receivers bind",
        Conduct(no_transceiver=Status.ESME_RINVCMDID),
    ),
    bind(
        "needs_pair",
        "refuses bind_transceiver, and takes submits only while a transmitter and a receiver are bound",
        Conduct(no_transceiver=Status.ESME_RBINDFAIL, needs_pair=True),
    ),
    Scenario(
        "smpp33",
        Where.BIND,
        "speaks SMPP 3.3: no transceiver, data_sm or TLVs; receipts are text",
        Conduct(version=0x33, unknown=frozenset({BIND_TRANSCEIVER, DATA_SM})),
        outcome=_OLD,
    ),
    bind("smpp50", "speaks SMPP 5.0: says so, and tells congestion_state 20", Conduct(version=0x50, congestion=20)),
    bind(
        "submits_only",
        "knows submit_sm alone: submit_multi, data_sm, query_sm, replace_sm and cancel_sm get generic_nack",
        Conduct(unknown=frozenset({SUBMIT_MULTI, DATA_SM, QUERY_SM, REPLACE_SM, CANCEL_SM})),
    ),
)
