"""Traps T34 to T49: sessions towards carriers. The counterpart is an SMSC that follows no rules but the test's. T50 is
about customers."""

import asyncio
import socket
from collections.abc import Sequence

import msgspec
import pytest

from tests.edges.smpp.customer import PASSWORD, SYSTEM_ID, TO, running_door
from tests.edges.smpp.reader import Clock, Reader, owed, reading, sent
from tests.net.certificates import Authority
from tests.traps.raw_smsc import RECEIPT, Connection, RawSmsc, bench, bound, listening, until
from whimbrel.base.clock import DAY_US, SystemClock
from whimbrel.carriers import smpp_bind, smpp_intake
from whimbrel.carriers.interface import Inbound, NotNow
from whimbrel.carriers.smpp_bind import backoff_s
from whimbrel.codec.smpp.bodies import AlertNotification, BindResp, DataSm, MessageId, Outbind, ShortMessage
from whimbrel.codec.smpp.events import Bound, Role, Settings
from whimbrel.codec.smpp.pdu import Bind, Decoder, Pdu, encode
from whimbrel.codec.smpp.session import Session
from whimbrel.codec.smpp.tables import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSCEIVER_RESP,
    BIND_TRANSMITTER,
    BINDS,
    DATA_SM,
    DATA_SM_RESP,
    DELIVER_SM,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    OUTBIND,
    SEQUENCE_MAX,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
    Status,
    Tag,
)
from whimbrel.domain.dialect import CarrierSettings

TEXT = ShortMessage(source="447911123456", dest="12025550100", short_message=b"hi")


class MonotonicClock(SystemClock):
    """The machine's clock; a test sets what is monotonic forward."""

    ahead_us = 0

    def monotonic_us(self) -> int:
        return super().monotonic_us() + self.ahead_us


def takes_all(connection: Connection, pdu: Pdu) -> bool:
    if pdu.command_id == SUBMIT_SM:
        connection.take(pdu, f"id{pdu.sequence}")
    return pdu.command_id == SUBMIT_SM


async def test_t34_responses_are_mapped_by_sequence_also_when_late() -> None:
    """Out of order, to nothing, or after the timeout: each response tells of its own request, and none is lost."""

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM and len(connection.submits) == 3:
            first, _, third = connection.submits
            connection.take(third, "c")
            connection.send(SUBMIT_SM_RESP, 0, 999_999, MessageId("nobody's"))
            connection.take(first, "a")
        return pdu.command_id == SUBMIT_SM

    async with bound(own, response_timeout_s=1) as (smsc, made):
        made.submit(*[made.part() for _ in range(3)])
        _, second, _ = await smsc.last.until_got(SUBMIT_SM, 3)
        await until(lambda: len(made.replies) == 3)
        smsc.last.take(second, "late")
        await until(lambda: len(made.replies) == 4)
        assert made.kinds() == [(3, "accepted"), (1, "accepted"), (2, "in_doubt"), (2, "accepted")]
        assert [reply.carrier_message_id for reply in made.replies] == ["c", "a", None, "late"]


async def test_t34_a_late_refusal_ends_the_doubt_and_resends_nothing() -> None:
    """A "not now" after the timeout is an answer; the part is not sent again behind the sender's back."""
    async with bound(response_timeout_s=0.1) as (smsc, made):
        made.submit(made.part())
        (submit,) = await smsc.last.until_got(SUBMIT_SM)
        await until(lambda: made.replies)
        smsc.last.respond(submit, Status.ESME_RTHROTTLED)
        await until(lambda: len(made.replies) == 2)
        assert made.kinds() == [(1, "in_doubt"), (1, "refused_now")]
        assert len(smsc.last.submits) == 1


def test_t35_numbers_wrap_and_pass_those_under_way() -> None:
    """After 0x7FFFFFFF comes 1, never 0, and no number that is still under way."""
    session = Session(Role.ESME, Settings(window=10, first_sequence=SEQUENCE_MAX - 1), 0)
    session.bind(BIND_TRANSCEIVER, Bind("us", "secret"), now_ms=0)
    (bind,) = Decoder().feed(session.take_output())
    assert isinstance(session.receive(encode(Pdu(BIND_TRANSCEIVER_RESP, 0, bind.sequence, BindResp("x"))), 0)[0], Bound)
    numbers = [session.send(SUBMIT_SM, TEXT, token=each, now_ms=0) for each in range(3)]
    assert [bind.sequence, *numbers] == [SEQUENCE_MAX - 1, SEQUENCE_MAX, 1, 2]


async def test_t35_a_peers_number_is_echoed_and_ours_are_never_shared() -> None:
    """Whatever number a peer uses comes back; segments and enquiries of ours have numbers of their own."""
    async with bound(long_messages="udh8") as (smsc, made):
        for number in (0, 1, SEQUENCE_MAX, 0x80000000, 0xFFFFFFFF):
            smsc.last.send(ENQUIRE_LINK, 0, number)
        answers = await smsc.last.until_got(ENQUIRE_LINK_RESP, 5)
        assert [pdu.sequence for pdu in answers] == [0, 1, SEQUENCE_MAX, 0x80000000, 0xFFFFFFFF]
        made.submit(*[made.part(part=number, parts=3, message_id="SM1", reference=7) for number in (1, 2, 3)])
        await smsc.last.until_got(SUBMIT_SM, 3)
        ours = [pdu.sequence for pdu in smsc.last.got if pdu.command_id in (BIND_TRANSCEIVER, SUBMIT_SM)]
        assert len(set(ours)) == len(ours) == 4


async def test_t36_a_generic_nack_takes_nothing_whatever_its_status() -> None:
    """A nack of status 0 for a submit is a refusal: the carrier says that it has not understood it."""
    async with bound() as (smsc, made):
        made.submit(made.part())
        (pdu,) = await smsc.last.until_got(SUBMIT_SM)
        smsc.last.send(GENERIC_NACK, 0, pdu.sequence)
        await until(lambda: made.replies)
        assert [(reply.kind, reply.reason) for reply in made.replies] == [("refused", "carrier_rejected")]


async def test_t36_every_end_of_a_request_frees_its_place() -> None:
    """A response, a generic_nack, a timeout and a lost link: the next part goes."""

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id != SUBMIT_SM or len(connection.smsc.connections) > 1:
            return False
        match len(connection.submits):
            case 1:
                connection.take(pdu, "a")
            case 2:
                connection.send(GENERIC_NACK, Status.ESME_RSYSERR, pdu.sequence)
            case 4:  # the third timed out
                connection.transport.abort()
        return True

    async with bound(own, window=1, response_timeout_s=1.5) as (smsc, made):
        made.submit(*[made.part() for _ in range(5)])
        await until(lambda: len(smsc.connections) == 2)
        assert len(smsc.connections[0].submits) == 4
        made.submit(made.part())
        await until(lambda: (4, "in_doubt") in made.kinds())
        doubt = [(reply.part.attempt, reply.reason) for reply in made.replies if reply.kind == "in_doubt"]
        assert doubt == [(3, "response_timeout"), (4, "link_lost")]
        assert made.kinds()[:2] == [(1, "accepted"), (2, "refused_now")]


async def test_t36_a_nack_that_names_nothing_fails_nothing() -> None:
    """generic_nack with sequence 0: requests keep their timers, and the window does not stall."""
    ended: list[tuple[int, str]] = []  # when the third came

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM and len(connection.submits) == 2:
            connection.send(GENERIC_NACK, Status.ESME_RINVCMDLEN, 0)
            connection.take(connection.submits[0], "a")
        elif pdu.command_id == SUBMIT_SM and len(connection.submits) == 3:
            ended.extend(made.kinds())
        return pdu.command_id == SUBMIT_SM

    async with bound(own, window=2, response_timeout_s=1.5) as (smsc, made):
        made.submit(made.part(), made.part(), made.part())
        await smsc.last.until_got(SUBMIT_SM, 3)
        assert ended == [(1, "accepted")]
        await until(lambda: (2, "in_doubt") in made.kinds())


async def test_t36_a_window_that_does_not_move_is_told() -> None:
    """`stalled_s` grows while the window is full and parts wait; an answer begins it anew, room ends it."""
    clock = MonotonicClock()
    async with bound(window=2, clock=clock) as (smsc, made):
        made.submit(*[made.part() for _ in range(4)])
        first, second = await smsc.last.until_got(SUBMIT_SM, 2)
        clock.ahead_us += 60_000_000
        assert made.carrier.health().stalled_s >= 60
        smsc.last.take(first, "a")
        await smsc.last.until_got(SUBMIT_SM, 3)
        assert 0 < made.carrier.health().stalled_s < 60  # full again, and it has moved
        smsc.last.take(second, "b")
        smsc.last.take((await smsc.last.until_got(SUBMIT_SM, 4))[2], "c")
        await until(lambda: made.carrier.health().in_flight == 1)
        assert made.carrier.health().stalled_s == 0


async def test_t37_a_window_beyond_the_carriers_loses_nothing() -> None:
    """ESME_RMSGQFUL for what is too much: each part is taken once, and none is refused."""
    limit = [1_000]
    under_way: list[Pdu] = []

    def answers(connection: Connection) -> None:
        pdu = under_way.pop(0)
        connection.take(pdu, f"id{pdu.sequence}")

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id != SUBMIT_SM:
            return False
        if len(under_way) >= limit[0]:
            connection.respond(pdu, Status.ESME_RMSGQFUL)
        else:
            under_way.append(pdu)
            asyncio.get_running_loop().call_later(0.002, answers, connection)
        return True

    async with bound(own, window=20) as (_, made):
        made.submit(*[made.part() for _ in range(200)])
        await until(lambda: len(made.replies) == 200)
        limit[0] = 3
        made.submit(*[made.part() for _ in range(20)])
        await until(lambda: len(made.replies) == 220)
        assert made.carrier.health().throttled > 0
        assert [kind for _, kind in made.kinds()] == ["accepted"] * 220
        assert {attempt for attempt, _ in made.kinds()} == set(range(1, 221))


async def test_t38_throttling_pauses_keeps_the_order_and_recovers() -> None:
    """What was told to wait goes again before what comes after it, at half of the rate, which comes back by itself."""
    loop = asyncio.get_running_loop()
    came: list[float] = []

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id != SUBMIT_SM:
            return False
        came.append(loop.time())
        if len(connection.submits) == 101:
            connection.respond(pdu, Status.ESME_RTHROTTLED)
        else:
            connection.take(pdu, str(pdu.sequence))
        return True

    clock = MonotonicClock()
    async with bound(own, window=1, clock=clock) as (smsc, made):
        made.submit(*[made.part(f"n{number}") for number in range(1, 104)])
        await until(lambda: len(made.replies) == 103)
        texts = [pdu.body.short_message for pdu in smsc.last.submits]
        assert texts[100:] == [b"n101", b"n101", b"n102", b"n103"]
        assert made.kinds() == [(number, "accepted") for number in range(1, 104)]
        slowed = made.carrier.health().throughput_per_s
        taken = sum(came[100] - at < 1 for at in came[:100])  # all of them, but on a busy machine
        come_back = max(0, loop.time() - came[100] - 1) * taken / 20
        assert 0.4 * taken <= slowed <= 0.6 * taken + come_back  # half of what it took in this second
        clock.ahead_us += 30_000_000
        made.submit(made.part())
        await until(lambda: len(made.replies) == 104)
        assert made.carrier.health().throughput_per_s == 0


async def test_t38_the_limit_counts_parts() -> None:
    """Six parts of two long texts at 20 a second take what six texts take."""
    loop = asyncio.get_running_loop()
    async with bound(takes_all, throughput_per_s=20) as (smsc, made):
        began = loop.time()
        made.submit(*[made.part(part=n, parts=3, message_id=m, reference=1) for m in ("SM1", "SM2") for n in (1, 2, 3)])
        await smsc.last.until_got(SUBMIT_SM, 6)
        assert loop.time() - began >= 3 / 20  # two leave at once as a burst, the first one's token was there


async def test_t39_no_answer_is_doubt_and_never_a_resend() -> None:
    """After a timeout and after a lost link the outcome is unknown; nothing is written a second time."""
    async with bound(response_timeout_s=0.1) as (smsc, made):
        made.submit(made.part("one"))
        await until(lambda: made.kinds() == [(1, "in_doubt")])
        made.submit(made.part("two"))
        await smsc.last.until_got(SUBMIT_SM, 2)
        smsc.last.transport.abort()
        await until(lambda: len(smsc.connections) == 2)
        await made.up()
        made.submit(made.part("three"))
        await smsc.last.until_got(SUBMIT_SM)
        texts = [pdu.body.short_message for each in smsc.connections for pdu in each.submits]
        assert texts == [b"one", b"two", b"three"]
        assert made.kinds()[:2] == [(1, "in_doubt"), (2, "in_doubt")]


async def test_t40_enquire_link_is_answered_before_the_bind_and_while_we_are_busy() -> None:
    """An SMSC that asks before its bind_resp, or while receipts wait for the store, gets its answer at once."""

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id in BINDS:
            connection.send(ENQUIRE_LINK, 0, 77)
        elif pdu.command_id == ENQUIRE_LINK_RESP and pdu.sequence == 77:
            connection.respond(connection.got[0], 0, BindResp("SMSC"))
        return pdu.command_id in BINDS

    async with bound(own) as (smsc, made):
        stored = asyncio.Event()

        async def wait() -> None:
            await stored.wait()

        made.store = wait
        smsc.last.receipt("a")
        smsc.last.send(ENQUIRE_LINK, 0, 78)
        await until(lambda: [pdu.sequence for pdu in smsc.last.of(ENQUIRE_LINK_RESP)] == [77, 78])
        assert smsc.last.of(DELIVER_SM_RESP) == []
        stored.set()
        await smsc.last.until_got(DELIVER_SM_RESP)


async def test_t41_a_peer_that_answers_nothing_is_left_and_bound_to_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many enquire_links without any sign of life: the link is closed, told in words, and made anew."""
    quick = Settings(enquire_link_ms=20, enquire_link_answer_ms=500, enquire_link_tries=2, response_timeout_ms=60_000)
    monkeypatch.setattr(smpp_bind, "session_settings", lambda settings: quick)
    silent = [True]

    def own(connection: Connection, pdu: Pdu) -> bool:
        return silent[0] and pdu.command_id == ENQUIRE_LINK

    async with bound(own) as (smsc, made):
        made.submit(made.part())
        await until(lambda: made.kinds() == [(1, "in_doubt")])
        silent[0] = False
        await until(lambda: len(smsc.connections) >= 2 and smsc.connections[0].is_closed)
        assert len(smsc.connections[0].of(ENQUIRE_LINK)) == 2
        await made.up()
        last = smsc.last
        await last.until_got(ENQUIRE_LINK, 5)  # answered: it lives
        assert not last.is_closed


async def test_t41_anything_from_the_peer_is_a_sign_of_life() -> None:
    """A peer that answers no enquire_link but brings receipts is alive."""
    session = Session(Role.ESME, Settings(enquire_link_ms=1000, enquire_link_answer_ms=100, enquire_link_tries=2), 0)
    session.bind(BIND_TRANSCEIVER, Bind("us", "secret"), now_ms=0)
    (bind,) = Decoder().feed(session.take_output())
    session.receive(encode(Pdu(BIND_TRANSCEIVER_RESP, 0, bind.sequence, BindResp("x"))), 0)
    now = 0
    for number in range(20):
        now += 1050
        assert session.tick(now) == []
        session.receive(encode(Pdu(DELIVER_SM, 0, number + 1, TEXT)), now)
    assert not session.is_closed


async def test_t42_unbind_is_answered_drained_and_followed_by_a_new_bind() -> None:
    """Answers under way still count, what was not written waits for the next bind, and there is a next bind."""
    async with bound(window=1) as (smsc, made):
        made.submit(made.part("one"), made.part("two"))
        (submit,) = await smsc.last.until_got(SUBMIT_SM)
        left = smsc.last
        left.send(UNBIND, 0, 5)
        (answer,) = await left.until_got(UNBIND_RESP)
        left.take(submit, "a")
        await until(lambda: (1, "accepted") in made.kinds())
        assert (answer.sequence, len(left.submits)) == (5, 1)
        await until(lambda: left.is_closed)  # we close: many SMSCs wait for that
        await until(lambda: len(smsc.connections) == 2)
        assert made.kinds() == [(1, "accepted"), (2, "withdrawn")]  # back to its place in the queue
        await made.up()
        made.submit(made.part("two"))
        await smsc.last.until_got(SUBMIT_SM)


REFUSALS = [
    (Status.ESME_RINVPASWD, 60.0),
    (Status.ESME_RINVSYSID, 60.0),
    (Status.ESME_RBINDFAIL, 60.0),
    (Status.ESME_RALYBND, 60.0),
    (Status.ESME_RSYSERR, 0.5),
    (None, 0.5),
]


@pytest.mark.parametrize(("status", "first_s"), REFUSALS)
def test_t43_a_refused_bind_is_tried_again_later_each_time(status: int | None, first_s: float) -> None:
    """Doubled up to the longest wait; the longest at once for what locks accounts or counts binds."""
    settings = CarrierSettings(host="smpp.example.com", port=2775, reconnect_min_s=0.5, reconnect_max_s=60)
    waits = [backoff_s(settings, rounds, status) for rounds in range(10)]
    assert waits[0] == first_s
    assert waits == sorted(waits)
    assert waits[-1] == 60
    assert backoff_s(settings, 10_000, status) == 60


async def test_t43_a_bind_that_never_lasts_is_no_reason_to_hurry() -> None:
    """A carrier that takes each bind and drops it at once is asked later each time, as one that refuses."""
    waits: list[float] = []

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id in BINDS:
            waits.append(asyncio.get_running_loop().time())
            connection.respond(pdu, 0, BindResp("SMSC"))
            connection.transport.close()
        return pdu.command_id in BINDS

    smsc = RawSmsc(own)
    async with listening(smsc), bench(smsc, up=False, reconnect_min_s=0.02, reconnect_max_s=60):
        await until(lambda: len(waits) == 5)
    assert waits[4] - waits[3] >= 0.5 * 0.02 * 8  # jitter takes half at most


async def test_t44_what_comes_before_the_bind_resp_is_kept() -> None:
    """A deliver_sm ahead of the bind_resp is stored and acknowledged like any other."""

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id in BINDS:
            connection.receipt("early", 9)
            connection.respond(pdu, 0, BindResp("SMSC"))
        return pdu.command_id in BINDS

    async with bound(own) as (smsc, made):
        (answer,) = await smsc.last.until_got(DELIVER_SM_RESP)
        assert (answer.status, answer.sequence) == (0, 9)
        assert [report.message_ids[0] for report in made.reports] == ["early"]


async def test_t45_what_waits_to_be_stored_is_bounded(monkeypatch) -> None:
    """A carrier that delivers whatever is unanswered is read no further until the store has caught up; nothing is
    lost."""
    monkeypatch.setattr(smpp_intake, "WAITING_MAX", 10)
    async with bound() as (smsc, made):
        stored = asyncio.Event()
        made.store = stored.wait
        transport = made.carrier._binds[0].link.transport
        for number in range(11):
            smsc.last.receipt(f"a{number}", sequence=number + 1)
        await until(lambda: not transport.is_reading())
        for number in range(11, 500):
            smsc.last.receipt(f"a{number}", sequence=number + 1)
        stored.set()
        answers = await smsc.last.until_got(DELIVER_SM_RESP, 500)
        assert {pdu.status for pdu in answers} == {0}
        assert len(made.reports) == 500
        await until(transport.is_reading)


async def test_t45_a_receipt_is_acknowledged_once_it_is_stored() -> None:
    """Not before; and when it cannot be stored the carrier is told to send it again (ESME_RX_T_APPN)."""
    stored = asyncio.Event()

    async def wait() -> None:
        await stored.wait()

    async def fail() -> None:
        raise OSError("disk full")

    async with bound() as (smsc, made):
        made.store = wait
        smsc.last.receipt("a", 1)
        smsc.last.send(ENQUIRE_LINK, 0, 2)
        await smsc.last.until_got(ENQUIRE_LINK_RESP)
        assert smsc.last.of(DELIVER_SM_RESP) == []
        stored.set()
        await smsc.last.until_got(DELIVER_SM_RESP)
        made.store = fail
        smsc.last.receipt("b", 3)
        await smsc.last.until_got(DELIVER_SM_RESP, 2)
        assert [(pdu.sequence, pdu.status) for pdu in smsc.last.of(DELIVER_SM_RESP)] == [
            (1, 0),
            (3, Status.ESME_RX_T_APPN),
        ]


async def test_t45_of_several_texts_that_alone_comes_again_which_could_not_be_stored() -> None:
    """Another one of the same read, or a receipt, would be there twice (trap T45)."""

    async def keep(texts: Sequence[Inbound]) -> None:
        made.texts.extend(texts)
        if refused := [text for text in texts if text.octets == b"no"]:
            raise NotNow(refused)

    async with bound() as (smsc, made):
        intake = made.carrier._intake
        intake._handlers = msgspec.structs.replace(intake._handlers, inbound=keep)
        smsc.last.receipt("a", 1)
        for number, text in enumerate((b"yes", b"no", b"yes"), 2):
            body = ShortMessage(source="447911123456", dest="12025550100", short_message=text)
            smsc.last.send(DELIVER_SM, 0, number, body)
        await smsc.last.until_got(DELIVER_SM_RESP, 4)
        found = {pdu.sequence: pdu.status for pdu in smsc.last.of(DELIVER_SM_RESP)}
        assert found == {1: 0, 2: 0, 3: Status.ESME_RX_T_APPN, 4: 0}
        assert (len(made.reports), len(made.texts)) == (1, 3)


async def test_t46_deliver_sm_resp_has_seventeen_octets() -> None:
    """The header and an empty message_id, whose NUL must be there."""
    async with bound() as (smsc, _):
        before = len(smsc.last.raw)
        smsc.last.receipt("a", 9)
        await smsc.last.until_got(DELIVER_SM_RESP)
        assert smsc.last.raw[before:].hex() == "00000011" + "80000005" + "00000000" + "00000009" + "00"


async def test_t47_data_sm_is_taken_and_notifications_pass() -> None:
    """Receipts and texts by data_sm count; alert_notification and outbind end no session."""
    async with bound() as (smsc, made):
        link = smsc.last
        link.send(ALERT_NOTIFICATION, 0, 1, AlertNotification(source="447911123456", esme="12025550100"))
        link.send(OUTBIND, 0, 2, Outbind("SMSC", "x"))
        ends = {"source": "447911123456", "dest": "12025550100"}
        link.send(DATA_SM, 0, 3, DataSm(**ends), [(Tag.MESSAGE_PAYLOAD, b"hello")])
        link.send(DATA_SM, 0, 4, DataSm(**ends, esm_class=4), [(Tag.MESSAGE_PAYLOAD, RECEIPT % b"a1")])
        only_tlvs = [(Tag.RECEIPTED_MESSAGE_ID, b"b2\0"), (Tag.MESSAGE_STATE, b"\x02")]
        link.send(DATA_SM, 0, 5, DataSm(**ends, esm_class=4), only_tlvs)
        answers = await link.until_got(DATA_SM_RESP, 3)
        assert {(pdu.sequence, pdu.status) for pdu in answers} == {(3, 0), (4, 0), (5, 0)}
        assert [text.octets for text in made.texts] == [b"hello"]
        assert [(report.message_ids[0], report.state) for report in made.reports] == [
            ("a1", "DELIVERED"),
            ("b2", "DELIVERED"),
        ]
        assert made.carrier.health().ignored == 1
        assert not link.is_closed


async def test_t48_a_peer_that_does_not_read_is_given_no_more() -> None:
    """What waits for it is bounded; the rest goes when it reads again. Small writes are not held back either."""
    async with bound(takes_all, window=4_000, response_timeout_s=60) as (smsc, made):
        (link,) = [bind.link for bind in made.carrier._binds]
        assert link is not None
        assert link.transport is not None
        ours, theirs = (each.get_extra_info("socket") for each in (link.transport, smsc.last.transport))
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)  # or the kernel takes all of it
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        smsc.last.transport.pause_reading()
        batches = 0
        while link.is_writable:
            made.submit(*[made.part("x" * 160) for _ in range(100)])
            batches += 1
            await asyncio.sleep(0)
            assert batches < 35  # within the window: it is the buffer that stops us
        made.submit(*[made.part("x" * 160) for _ in range(100)])
        assert made.carrier.health().waiting >= 100
        assert made.carrier.room(1) == 0
        assert link.transport.get_write_buffer_size() < 1 << 20
        smsc.last.transport.resume_reading()
        await until(lambda: len(made.replies) == 100 * (batches + 1))
        assert {kind for _, kind in made.kinds()} == {"accepted"}


async def test_t49_binds_go_over_tls_and_say_what_is_wrong_with_it(tmp_path) -> None:
    """Verified certificate, name and client certificate; what fails is told in words."""
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    tls = ours.server("smpp.example.com", clients=theirs)
    client = theirs.issue("whimbrel")
    good = {
        "tls": True,
        "tls_server_name": "smpp.example.com",
        "tls_ca_file": ours.file,
        "tls_cert_file": client.cert,
        "tls_key_file": client.key,
    }
    async with listening(RawSmsc(takes_all), tls) as smsc:
        async with bench(smsc, **good) as made:
            made.submit(made.part())
            await until(lambda: made.kinds() == [(1, "accepted")])
        async with bench(smsc, **(good | {"tls_verify": False, "tls_server_name": "other.example", "tls_ca_file": ""})):
            pass  # it is bound: nothing of the carrier's is verified
        wrong = [
            ({"tls_server_name": "smpp.example.org"}, "the peer's certificate is for another name"),
            ({"tls_ca_file": theirs.file}, "the peer's certificate is signed by an authority that is not known here"),
            ({"tls_cert_file": "", "tls_key_file": ""}, "a certificate of ours"),
        ]
        for change, words in wrong:
            async with bench(smsc, up=False, **(good | change)) as made:
                await until(lambda made=made, words=words: words in str(made.carrier.health().last_error))
    async with listening(RawSmsc(takes_all)) as plain, bench(plain, up=False, **good) as made:
        await until(lambda: "TLS" in str(made.carrier.health().last_error))


async def test_t49_a_handshake_that_never_ends_counts_in_the_bind_timeout(tmp_path) -> None:
    """A TLS client at a plaintext port that says nothing gives up in time, and says at what."""
    async with listening(RawSmsc(lambda connection, pdu: True)) as smsc:
        smsc.answer = lambda connection, pdu: None
        Connection.data_received, before = lambda self, data: None, Connection.data_received
        try:
            async with bench(smsc, up=False, tls=True, bind_timeout_s=0.1) as made:
                await until(lambda: made.carrier.health().last_error == "connect: timed out: TLS: no handshake")
        finally:
            Connection.data_received = before


async def test_t50_a_customers_receipts_wait_for_days_and_go_to_any_receiving_bind(tmp_path) -> None:
    """Kept while nobody is bound, or transmitters only; then shared by all receivers and transceivers, each once."""
    clock = Clock()
    async with running_door(tmp_path, clock=clock) as door:
        ids = await sent(door, 20)
        clock.ahead_us += 5 * DAY_US
        await door.app.sweep.purge()
        async with door.bound(BIND_TRANSMITTER) as transmitter:
            deaf = Reader(transmitter)
            await owed(door, 20)
            async with reading(door, lambda _: None) as mute:  # takes its window and answers nothing
                await until(lambda: len(mute.got) == 20)
                async with (
                    reading(door, command_id=BIND_TRANSCEIVER) as one,
                    reading(door, command_id=BIND_RECEIVER) as two,
                ):
                    mute.link.abort()
                    await until(lambda: len(one.got) + len(two.got) == 20)
                    await owed(door, 0)
            assert deaf.got == []
    assert one.got
    assert two.got
    assert sorted(one.ids + two.ids) == sorted(ids)


async def test_t29_a_probe_of_http_on_the_customers_port_costs_its_own_connection_only(tmp_path, caplog) -> None:
    """generic_nack with ESME_RINVCMDLEN, that socket closed, one line in the log for each address; binds go on."""
    async with running_door(tmp_path) as door, door.bound() as customer:
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: sms.example.com\r\n\r\n")
            (nack,) = Decoder().feed(await asyncio.wait_for(reader.read(), 30))
            assert (nack.command_id, nack.status, nack.sequence) == (GENERIC_NACK, Status.ESME_RINVCMDLEN, 0)
            writer.close()
        assert (await customer.submit()).status == 0
    assert [record.message for record in caplog.records].count("octets that are no SMPP") == 1


@pytest.mark.parametrize(
    "sequences", [(0, 1, 2), (0x7FFFFFFF, 1, 2), (0xFFFFFFFE, 0xFFFFFFFF, 0), (5, 5, 5), (9, 3, 7)]
)
async def test_t35_a_customers_numbers_are_echoed_whatever_they_are(tmp_path, sequences: tuple[int, ...]) -> None:
    """0, beyond the specification's last, all the same, out of order, shared with enquire_link: each is answered."""
    async with running_door(tmp_path) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(encode(Pdu(BIND_TRANSCEIVER, 0, sequences[0], Bind(SYSTEM_ID, PASSWORD))))
        text = ShortMessage(dest_ton=1, dest=TO, short_message=b"hi")
        decoder, came = Decoder(), []
        came += decoder.feed(await asyncio.wait_for(reader.read(4096), 30))
        for sequence in sequences:
            writer.write(encode(Pdu(SUBMIT_SM, 0, sequence, text)) + encode(Pdu(ENQUIRE_LINK, 0, sequence)))
        while len(came) < 1 + 2 * len(sequences):
            came += decoder.feed(await asyncio.wait_for(reader.read(4096), 30))
        writer.close()
        answered = [pdu.sequence for pdu in came if pdu.command_id == SUBMIT_SM_RESP and not pdu.status]
        assert sorted(answered) == sorted(sequences)
        assert [pdu.sequence for pdu in came if pdu.command_id == ENQUIRE_LINK_RESP] == list(sequences)
        assert len(await door.messages()) == len(sequences)


async def test_t44_a_customer_may_submit_once_it_is_bound_to_send(tmp_path) -> None:
    """ESME_RINVBNDSTS before the bind and on a receiver; nothing is stored."""
    async with running_door(tmp_path) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(encode(Pdu(SUBMIT_SM, 0, 1, ShortMessage(dest_ton=1, dest=TO, short_message=b"early"))))
        (answer,) = Decoder().feed(await asyncio.wait_for(reader.read(4096), 30))
        assert (answer.command_id, answer.status, answer.sequence) == (SUBMIT_SM_RESP, Status.ESME_RINVBNDSTS, 1)
        writer.close()
        async with door.bound(BIND_RECEIVER) as receiver:
            assert (await receiver.submit()).status == Status.ESME_RINVBNDSTS
        assert await door.messages() == []
