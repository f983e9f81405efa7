"""Traps T24 to T33: PDUs as other stacks really write them, in hex beside what they mean.

Captured octets come from the trackers of gateways and libraries; where a capture was given in part, the rest is filled
in. Most run through a session, because a codec that reads a PDU helps nobody whose session stalls on it.
"""

import asyncio

import pytest

from whimbrel.codec import segments
from whimbrel.codec.smpp.events import (
    Answered,
    BindRefused,
    Bound,
    Closed,
    DeliverReceived,
    Nacked,
    ProtocolError,
    Role,
    Settings,
    State,
    SubmitReceived,
    TimedOut,
)
from whimbrel.codec.smpp.pdu import BadPdu, Bind, BindResp, Decoder, MessageId, Pdu, ShortMessage, encode
from whimbrel.codec.smpp.receipt import parse
from whimbrel.codec.smpp.session import Session
from whimbrel.codec.smpp.statuses import status_name
from whimbrel.codec.smpp.tables import (
    BIND_TRANSCEIVER,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    SUBMIT_SM,
    Status,
    Tag,
)
from whimbrel.domain.refusals import classify
from whimbrel.net.smpp import LinkHandlers, SmppLink, listen

TEXT = ShortMessage(source="Wimb", dest="447700900123", short_message=b"hello")


def octets(hexed):
    return bytes.fromhex(hexed)


def written(session):
    return Decoder().feed(session.take_output())


def binding_esme():
    """An ESME that waits for the answer to its bind, which has sequence 1."""
    esme = Session(Role.ESME, Settings(), 0)
    esme.bind(BIND_TRANSCEIVER, Bind("whmbrel", "secret"), now_ms=0)
    esme.take_output()
    return esme


def bound_esme(**settings):
    """A bound ESME with one submit_sm under way, token "text", sequence 2."""
    esme = Session(Role.ESME, Settings(**settings), 0)
    esme.bind(BIND_TRANSCEIVER, Bind("whmbrel", "secret"), now_ms=0)
    [event] = esme.receive(octets("00000015 80000009 00000000 00000001 534d534300"), 0)
    assert isinstance(event, Bound)
    assert esme.send(SUBMIT_SM, TEXT, token="text", now_ms=0) == 2
    esme.take_output()
    return esme


def bound_smsc():
    smsc = Session(Role.SMSC, Settings(), 0)
    [asked] = smsc.receive(encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("phones", "secret"))), 0)
    smsc.respond(asked.pdu, 0, BindResp("SMSC"))
    smsc.take_output()
    return smsc


# T24


@pytest.mark.parametrize(
    ("hexed", "status", "message_id"),
    [
        ("00000010 80000004 0000000b 00000002", 0x0B, None),  # the error has no body (clause 4.4.2)
        ("00000011 80000004 0000000b 00000002 00", 0x0B, ""),  # an empty one
        ("00000021 80000004 0000000b 00000002 30303030303030303030303034366162 00", 0x0B, "00000000000046ab"),
        ("00000012 80000004 00000000 00000002 3132", 0, "12"),  # no NUL
        ("00000010 80000004 00000000 00000002", 0, None),  # success, and no id at all
        ("00000011 80000004 00000000 00000002 00", 0, ""),
    ],
    ids=["error bare", "error and NUL", "error and id", "id without NUL", "success bare", "success and NUL"],
)
def test_t24_submit_sm_resp_is_an_answer_with_and_without_its_body(hexed, status, message_id):
    """An answer is matched by its sequence whatever its body, and gives its place in the window back."""
    esme = bound_esme(window=1)
    [event] = esme.receive(octets(hexed), 1)
    assert (type(event), event.token, event.pdu.status) == (Answered, "text", status)
    assert event.pdu.body == (None if message_id is None else MessageId(message_id))
    assert esme.room == 1


@pytest.mark.parametrize("hexed", ["00000010 80000103 0000000b 00000003", "00000011 80000103 0000000b 00000003 00"])
def test_t24_data_sm_resp_is_an_answer_with_and_without_its_body(hexed):
    """The same for data_sm, whose error answers peers write either way."""
    esme = bound_esme()
    esme.send(DATA_SM, bytes.fromhex("00 000000 000000 000000"), token="data", now_ms=0)
    [event] = esme.receive(octets(hexed), 1)
    assert (type(event), event.token, event.pdu.status) == (Answered, "data", 0x0B)


def test_t24_our_own_error_answer_has_no_body():
    """Clause 4.4.2: submit_sm_resp has a body on success only, and then it has one even without an id."""
    smsc = bound_smsc()
    events = smsc.receive(encode(Pdu(SUBMIT_SM, 0, 2, TEXT)) + encode(Pdu(SUBMIT_SM, 0, 3, TEXT)), 0)
    smsc.respond(events[0].pdu, Status.ESME_RINVDSTADR)
    smsc.respond(events[1].pdu)
    assert smsc.take_output() == octets("00000010 80000004 0000000b 00000002 00000011 80000004 00000000 00000003 00")


# T25


@pytest.mark.parametrize(
    ("hexed", "event", "version"),
    [
        ("00000011 80000009 00000053 00000001 00", BindRefused, None),  # as Jasmin's users met it
        ("00000010 80000009 0000000e 00000001", BindRefused, None),
        ("00000010 80000009 00000000 00000001", Bound, None),
        ("00000013 80000009 00000000 00000001 534d53", Bound, None),  # system_id without NUL
        ("0000001a 80000009 00000000 00000001 534d534300 1002000134", Bound, None),  # tag turned round
        ("00000018 80000009 00000000 00000001 534d534300 021000", Bound, None),  # half a TLV
        ("00000019 80000009 00000000 00000001 534d534300 02100001", Bound, None),  # its value is missing
        ("0000001b 80000009 00000000 00000001 534d534300 021000020034", Bound, 0x34),  # two octets for one
        ("0000001a 80000009 00000000 00000001 534d534300 0210000134", Bound, 0x34),
    ],
)
def test_t25_a_truncated_bind_resp_still_answers_the_bind(hexed, event, version):
    """The status alone decides; a system_id or a version that cannot be read is not there."""
    esme = binding_esme()
    [found] = esme.receive(octets(hexed), 1)
    assert type(found) is event
    assert esme.state is (State.BOUND if event is Bound else State.OPEN)
    assert esme.peer_version == version


# T26

VENDOR_TAGS = [0x1400, 0x1401, 0x3FFF, 0x0428, 0x1454, 0x002B, 0x060D, 0x060E, 0x060F, 0x0000, 0xFFFF]


@pytest.mark.parametrize("tag", VENDOR_TAGS, ids=hex)
@pytest.mark.parametrize("value", [b"", b"1701158019811140068", b"\x00\x01\xff"], ids=["empty", "digits", "octets"])
def test_t26_unknown_tags_are_kept_as_they_came_and_drop_nothing(tag, value):
    """A tag that no table knows, or knows with another shape, stays raw beside the message it came with."""
    known = (int(Tag.MESSAGE_STATE), b"\2")
    stream = encode(Pdu(DELIVER_SM, 0, 7, TEXT, ((tag, value), known)))
    esme = bound_esme()
    [event] = esme.receive(stream + encode(Pdu(ENQUIRE_LINK, 0, 8)), 1)
    assert type(event) is DeliverReceived
    assert (event.pdu.body, event.pdu.tlvs) == (TEXT, ((tag, value), known))
    assert written(esme) == [Pdu(ENQUIRE_LINK_RESP, 0, 8)]


# T27

MANDATORY = "00 0101 3434 00 0000 5700 00 00 00 00 00 01 00 00 00 02 6869"  # deliver_sm: 44 to W, "hi"


@pytest.mark.parametrize(
    ("hexed", "tlvs"),
    [
        ("0427 0001 02 0424 0010 6162", ((0x0427, b"\2"),)),  # a length beyond the PDU
        ("0427 0001 02 0424", ((0x0427, b"\2"),)),  # no length
        ("0427 0001 02 04", ((0x0427, b"\2"),)),  # half a tag
        ("0427 ffff 02", ()),
        ("0381 0001 01", ((0x0381, b"\1"),)),  # callback_num of one octet: three are the least
        ("0427 0000", ((0x0427, b""),)),  # message_state without value
        ("0427 0002 0002", ((0x0427, b"\0\2"),)),  # and with two octets
        ("0426 0001 01", ((0x0426, b"\1"),)),  # more_messages_to_send, which belongs to submit_sm
        ("020c 0001 07 020c 0001 08", ((0x020C, b"\7"), (0x020C, b"\x08"))),  # twice, and too short
    ],
)
def test_t27_a_broken_tlv_never_costs_the_message(hexed, tlvs):
    """What can be read of the TLVs is read; the message and the PDU after it come through."""
    body = octets(MANDATORY + hexed)
    stream = (16 + len(body)).to_bytes(4, "big") + octets("00000005 00000000 00000009") + body
    esme = bound_esme()
    events = esme.receive(stream + stream, 1)
    assert [type(event) for event in events] == [DeliverReceived, DeliverReceived]
    for event in events:
        assert (event.pdu.body.source, event.pdu.body.short_message, event.pdu.tlvs) == ("44", b"hi", tlvs)


# T28


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (0x22, "0x00000022", "refused"),
        (0x400, "0x00000400", "refused"),
        (1032, "0x00000408", "refused"),
        (0xFFFFFFFF, "0xFFFFFFFF", "refused"),
        (0x58, "ESME_RTHROTTLED", "throttled"),
        (0x104, "ESME_RINVDCS", "refused"),
    ],
)
def test_t28_any_command_status_is_a_number_that_the_table_of_classes_treats(status, name, kind):
    """A status that the standard does not know is kept as its number; unknown ones are final."""
    esme = bound_esme()
    [event] = esme.receive(octets("00000010 80000004") + status.to_bytes(4, "big") + octets("00000002"), 1)
    assert (type(event), event.pdu.status, status_name(event.pdu.status)) == (Answered, status, name)
    assert classify(event.pdu.status).kind == kind


# T29


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\nHost: smpp\r\n\r\n",  # "GET " is a command_length of 0x47455420
        octets("16030100 c8010000"),  # the hello of TLS
        b"SSH-2.0-OpenSSH_9.2\r\n",
        octets("ffffffff 00000015 00000000 00000001"),
        octets("00010001 00000004 00000000 00000001"),  # one octet above 64 KiB
        octets("0000000f 00000015 00000000 00000001"),  # shorter than its header
        bytes(64),
    ],
    ids=["HTTP", "TLS", "SSH", "largest", "over the cap", "below a header", "zeros"],
)
def test_t29_an_impossible_length_is_refused_at_its_fourth_octet(stream):
    """One generic_nack with ESME_RINVCMDLEN and sequence 0, then the end: nothing is collected for such a length."""
    smsc = bound_smsc()
    assert smsc.receive(stream[:3], 1) == []
    [error, closed] = smsc.receive(stream[3:], 1)
    assert (type(error), error.in_step, error.status) == (ProtocolError, False, Status.ESME_RINVCMDLEN)
    assert type(closed) is Closed
    assert written(smsc) == [Pdu(GENERIC_NACK, Status.ESME_RINVCMDLEN, 0)]
    assert smsc.receive(encode(Pdu(ENQUIRE_LINK, 0, 1)), 1) == []


async def test_t29_garbage_closes_its_own_socket_only():
    """On a real listener: the probe gets its nack and the end, the neighbour's enquire_link its answer."""
    loop = asyncio.get_running_loop()
    handlers = LinkHandlers(lambda link, events: None, lambda link, tokens, reason: None)
    server = await listen(loop, "127.0.0.1", 0, lambda: SmppLink(loop, Role.SMSC, Settings(), handlers))
    port = server.sockets[0].getsockname()[1]
    neighbour_in, neighbour_out = await asyncio.open_connection("127.0.0.1", port)
    probe_in, probe_out = await asyncio.open_connection("127.0.0.1", port)
    probe_out.write(b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(30):
        assert await probe_in.read() == octets("00000010 80000000 00000002 00000000")
        neighbour_out.write(encode(Pdu(ENQUIRE_LINK, 0, 5)))
        assert await neighbour_in.readexactly(16) == octets("00000010 80000015 00000000 00000005")
    for writer in (probe_out, neighbour_out):
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()


# T30


@pytest.mark.parametrize(
    ("hexed", "status"),
    [
        ("00000023 00000004 00000000 00000009 0000000000003100400000000000000000 0541", Status.ESME_RINVMSGLEN),
        ("00000015 00000004 00000000 00000009 0001013132", Status.ESME_RINVCMDLEN),  # a source without NUL
        ("00000014 00000004 00000000 00000009 31313131", Status.ESME_RINVCMDLEN),  # no NUL at all
        ("00000010 00000004 00000000 00000009", Status.ESME_RINVCMDLEN),
        ("00000017 00000004 00000000 00000009 00010131323300", Status.ESME_RINVCMDLEN),  # ends after the source
        ("00000021 00000004 00000000 00000009 0000000000003100400000000000000000", Status.ESME_RINVCMDLEN),
    ],
    ids=["sm_length too large", "no NUL", "no NUL at all", "header only", "cut", "cut before sm_length"],
)
def test_t30_fields_are_read_within_their_pdu(hexed, status):
    """A field never takes octets of the next PDU; the request is answered with its error, and the next one is read."""
    smsc = bound_smsc()
    # the PDU behind is full of NULs and would end any string
    events = smsc.receive(octets(hexed) + encode(Pdu(SUBMIT_SM, 0, 10, TEXT)), 1)
    assert [type(event) for event in events] == [ProtocolError, SubmitReceived]
    assert (events[0].in_step, events[0].sequence, events[0].status) == (True, 9, status)
    assert events[1].pdu == Pdu(SUBMIT_SM, 0, 10, TEXT)
    assert written(smsc) == [Pdu(SUBMIT_SM | 0x80000000, status, 9)]


@pytest.mark.parametrize("length", range(16, 16 + len(octets(MANDATORY))))
def test_t30_a_deliver_sm_cut_anywhere_is_one_bad_pdu(length):
    """Every shorter length of a good PDU is an error that leaves the stream in step."""
    whole = length.to_bytes(4, "big") + octets("00000005 00000000 00000009" + MANDATORY)
    [bad, alive] = Decoder().feed(whole[:length] + encode(Pdu(ENQUIRE_LINK, 0, 1)))
    assert isinstance(bad, BadPdu)
    assert bad.in_step
    assert alive == Pdu(ENQUIRE_LINK, 0, 1)


# T31

STREAM = [
    Pdu(ENQUIRE_LINK, 0, 1),
    Pdu(DELIVER_SM, 0, 2, TEXT, ((0x1400, b"1701158019811140068"),)),
    Pdu(0x80000004, 0, 3, MessageId("39f99dd5")),
    Pdu(ENQUIRE_LINK, 0, 4),
]


def fed(*pieces):
    decoder = Decoder()
    return [pdu for piece in pieces for pdu in decoder.feed(piece)]


def test_t31_one_octet_at_a_time_and_all_at_once():
    """TCP has no PDUs: any cut of the stream gives the same."""
    stream = b"".join(encode(pdu) for pdu in STREAM)
    assert fed(stream) == STREAM
    assert fed(*[bytes([octet]) for octet in stream]) == STREAM


def test_t31_cut_at_every_octet():
    """Also inside of a header, and with several PDUs in one read."""
    stream = b"".join(encode(pdu) for pdu in STREAM)
    for cut in range(len(stream) + 1):
        assert fed(stream[:cut], stream[cut:]) == STREAM
    for size in (2, 3, 5, 15, 16, 17, 31):
        assert fed(*[stream[at : at + size] for at in range(0, len(stream), size)]) == STREAM


# T32


@pytest.mark.parametrize(
    "command_id", [0x77, 0x0A, 0x0111, 0x0112, 0x0113, 0x7FFFFFFF], ids=hex
)  # 0x0111 to 0x0113 are the broadcast commands of SMPP 5.0
def test_t32_an_unknown_command_is_nacked_with_its_sequence(command_id):
    """generic_nack with ESME_RINVCMDID and the same sequence; the session goes on."""
    smsc = bound_smsc()
    stream = octets("00000014") + command_id.to_bytes(4, "big") + octets("00000000 00000009 31323300")
    [error, submit] = smsc.receive(stream + encode(Pdu(SUBMIT_SM, 0, 10, TEXT)), 1)
    assert (type(error), error.in_step, error.sequence) == (ProtocolError, True, 9)
    assert type(submit) is SubmitReceived
    assert written(smsc) == [Pdu(GENERIC_NACK, Status.ESME_RINVCMDID, 9)]
    assert smsc.state is State.BOUND


def test_t32_an_unknown_response_is_answered_by_nobody():
    """A nack for a response would be answered by a nack, for ever."""
    esme = bound_esme()
    [error] = esme.receive(octets("00000010 80000077 00000000 00000002"), 1)
    assert type(error) is ProtocolError
    assert not esme.has_output
    assert esme.in_flight == 1


def test_t32_generic_nack_with_our_sequence_settles_that_request():
    """It names the request that the peer did not take."""
    esme = bound_esme(window=1)
    [event] = esme.receive(octets("00000010 80000000 00000003 00000002"), 1)
    assert (type(event), event.token, event.pdu.status) == (Nacked, "text", Status.ESME_RINVCMDID)
    assert esme.room == 1


def test_t32_generic_nack_with_sequence_0_stalls_nothing():
    """It names nobody: the bind stays, every request keeps its timer, and then the window comes back."""
    esme = bound_esme(window=2, response_timeout_ms=1_000)
    esme.send(SUBMIT_SM, TEXT, token="second", now_ms=0)
    [event] = esme.receive(octets("00000010 80000000 00000002 00000000"), 1)
    assert (type(event), event.token) == (Nacked, None)
    assert (esme.state, esme.room) == (State.BOUND, 0)
    assert [(type(event), event.token) for event in esme.tick(1_000)] == [(TimedOut, "text"), (TimedOut, "second")]
    assert esme.room == 2


# T33


@pytest.mark.parametrize(
    ("text", "data_coding", "meaning"),
    [
        ("00a7", 8, "§"),
        ("d83ddca9", 8, "\U0001f4a9"),  # beyond the plane that UCS-2 has
        ("d83d", 8, "�"),  # half of it
        ("0041dca90042", 8, "A�B"),
        ("004100", 8, "A�"),  # an odd octet
        ("ffff", 8, "￿"),  # no character at all
        ("5f", 0, "§"),  # the same sign in GSM 03.38
        ("a7ff80", 0, "���"),  # no septets
        ("1b7f", 0, None),  # an escape to nowhere
    ],
)
def test_t33_no_character_costs_the_connection(text, data_coding, meaning):
    """Octets that no table holds become U+FFFD; the message is delivered, and the session lives."""
    body = ShortMessage(source="44", dest="W", data_coding=data_coding, short_message=octets(text))
    receipt = ShortMessage(esm_class=4, data_coding=data_coding, short_message=octets(text))
    esme = bound_esme()
    events = esme.receive(encode(Pdu(DELIVER_SM, 0, 7, body)) + encode(Pdu(DELIVER_SM, 0, 8, receipt)), 1)
    assert [type(event) for event in events] == [DeliverReceived, DeliverReceived]
    decoded = segments.decode(events[0].pdu.body.short_message, data_coding)
    assert meaning is None or decoded == meaning
    assert parse(receipt.short_message, data_coding, ()) is None
    assert esme.state is State.BOUND
