"""Receipts and texts of phones to customers' binds over real connections: who gets them, what answers do, and what
survives a bind, an application and days."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.edges.edge_rig import SENDER, until
from whimbrel.app import App
from whimbrel.base.clock import DAY_US, SECOND_US
from whimbrel.codec import segments, udh
from whimbrel.codec.smpp.bodies import CancelSm
from whimbrel.codec.smpp.fields import tlv_integer
from whimbrel.codec.smpp.pdu import Pdu, user_data
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER, CANCEL_SM, Tag
from whimbrel.edges.smpp import outbox
from whimbrel.edges.smpp.outbox import Outbox
from whimbrel.store.interface import Write
from whimbrel_sandbox.network import PhoneText

from .customer import TO, Door, esme, running_door
from .reader import ALL, Clock, Reader, never, owed, reading, sent, well

PHONE = "+14155550177"


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def door(tmp_path: Path, clock: Clock) -> AsyncIterator[Door]:
    async with running_door(tmp_path, clock=clock) as running:
        patient = msgspec.structs.replace(running.app.smpp.settings, response_timeout_ms=600_000)
        running.app.smpp.settings = patient  # a bind that answers nothing is silent, and not yet unanswered
        yield running


def result(door: Door, name: str) -> float:
    return door.app.metrics.smpp_deliveries.labels(name)._value.get()


# ---------------------------------------------------------------- the ordinary way


async def test_a_receipt_comes_over_the_bind_that_sent(door: Door):
    async with door.bound() as one:
        reader = Reader(one)
        answer = await one.submit(registered_delivery=1, source_ton=0, source_npi=8, tlvs=REFERENCE)
        (pdu,) = await reader.has(1)
        message_id = answer.body.message_id
        assert reader.ids == [message_id]
        body = pdu.body
        assert (body.source_ton, body.source_npi, body.source) == (1, 1, TO)
        assert (body.dest_ton, body.dest_npi, body.dest) == (0, 8, SENDER[1:])
        assert (body.esm_class, tlv_integer(pdu.tlvs, Tag.USER_MESSAGE_REFERENCE)) == (0x04, 77)
        assert b" stat:DELIVRD err:000 Text:Hello" in body.short_message
        await owed(door, 0)
    assert result(door, "delivered") == 1


REFERENCE = ((int(Tag.USER_MESSAGE_REFERENCE), b"\x00\x4d"),)


async def test_nothing_comes_that_was_not_asked_for(door: Door):
    async with door.bound() as one:
        reader = Reader(one)
        await one.submit(registered_delivery=0)
        wanted = await one.submit(registered_delivery=1)
        await reader.has(1)
        await owed(door, 0)
        assert reader.ids == [wanted.body.message_id]


async def test_intermediate_notifications_come_first_where_they_are_asked_for(door: Door):
    async with door.bound() as one:
        reader = Reader(one)
        await one.submit(registered_delivery=0x11)
        intermediate, final = await reader.has(2)
        await owed(door, 0)
    assert [pdu.body.esm_class for pdu in (intermediate, final)] == [0x20, 0x04]
    assert [tlv_integer(pdu.tlvs, Tag.MESSAGE_STATE) for pdu in (intermediate, final)] == [1, 2]


async def test_a_message_that_is_canceled_is_told_as_deleted(door: Door):
    async with door.bound() as one:
        reader = Reader(one)
        answer = await one.submit(registered_delivery=1, schedule_time="000001000000000R")
        message_id = answer.body.message_id
        assert (await one.ask(CANCEL_SM, CancelSm(message_id=message_id))).status == 0
        (pdu,) = await reader.has(1)
        await owed(door, 0)
    assert b" stat:DELETED err:104 " in pdu.body.short_message


async def test_several_segments_are_one_receipt(door: Door):
    async with door.bound() as one:
        reader = Reader(one)
        answer = await one.submit(b"x" * 200, registered_delivery=1)
        (pdu,) = await reader.has(1)
        await owed(door, 0)
    assert reader.ids == [answer.body.message_id]
    assert b" sub:002 dlvrd:002 " in pdu.body.short_message


async def test_a_transmitter_is_never_sent_anything(door: Door):
    async with door.bound(BIND_TRANSMITTER) as one:
        reader = Reader(one)
        await one.submit(**ALL)
        await owed(door, 1)
        async with reading(door) as receiver:
            await receiver.has(1)
        assert reader.got == []


@pytest.mark.parametrize("command_id", [BIND_RECEIVER, BIND_TRANSCEIVER])
async def test_what_waited_comes_in_order(door: Door, command_id: int):
    ids = await sent(door, 5)
    events = await door.app.store.events_after(0, 10_000)
    order = [event.subject_id for event in events if event.type == "message.delivered"]
    async with reading(door, command_id=command_id) as reader:
        await reader.has(5)
        await owed(door, 0)
    assert reader.ids == order
    assert sorted(order) == sorted(ids)


async def test_a_customer_who_is_away_for_days_loses_nothing(door: Door, clock: Clock):
    ids = await sent(door, 3)
    clock.ahead_us += 29 * DAY_US
    await door.app.sweep.purge()
    async with reading(door) as reader:
        await reader.has(3)
    assert sorted(reader.ids) == sorted(ids)


async def test_what_is_older_than_its_retention_is_owed_no_more(door: Door, clock: Clock):
    await sent(door, 3)
    clock.ahead_us += 31 * DAY_US
    later = await sent_later(door)
    await door.app.sweep.purge()
    await door.app.sweep.purge()
    async with reading(door) as reader:
        await reader.has(1)
        await owed(door, 0)
    assert reader.ids == [later]


async def sent_later(door: Door) -> str:
    async with door.bound(BIND_TRANSMITTER) as one:
        answer = await one.submit(**ALL)
    await owed(door, 4)
    return answer.body.message_id


async def test_pages_follow_each_other(door: Door, monkeypatch: pytest.MonkeyPatch):
    for module in ("outbox", "deliveries"):
        monkeypatch.setattr(f"whimbrel.edges.smpp.{module}.PAGE", 3)
    monkeypatch.setattr("whimbrel.edges.smpp.outbox.HELD_MAX", 6)
    ids = await sent(door, 20)
    async with reading(door) as reader:
        await reader.has(20)
        await owed(door, 0)
    assert sorted(reader.ids) == sorted(ids)


async def test_so_much_is_in_memory_and_no_more(door: Door, monkeypatch: pytest.MonkeyPatch):
    for module in ("outbox", "deliveries"):
        monkeypatch.setattr(f"whimbrel.edges.smpp.{module}.PAGE", 3)
    monkeypatch.setattr("whimbrel.edges.smpp.outbox.HELD_MAX", 6)
    await sent(door, 20)
    async with reading(door, never) as reader:
        await reader.has(6)
        door.app.deliveries.look()
        await owed(door, 20)
        assert len(reader.got) == 6
        reader.link.respond(reader.got[0])
        reader.link.respond(reader.got[1])
        reader.link.respond(reader.got[2])
        await reader.has(9)
        await owed(door, 17)
        assert len(reader.got) == 9


async def test_nothing_is_kept_of_who_has_gone_and_left_nothing_open(door: Door):
    ids = await sent(door, 3)
    outboxes = door.app.deliveries._outboxes
    async with reading(door) as reader:
        await reader.has(3)
        await owed(door, 0)
        assert list(outboxes) == [door.credential_id]
    await until(lambda: not outboxes)
    assert sorted(reader.ids) == sorted(ids)


async def test_one_customer_whose_deliveries_fail_holds_up_no_other(door: Door, monkeypatch: pytest.MonkeyPatch):
    broken, works = Outbox("SC-broken", door.app.deliveries._hooks, door.app.metrics), []
    monkeypatch.setattr(broken, "pump", lambda: 1 // 0)
    other = Outbox("SC-other", door.app.deliveries._hooks, door.app.metrics)
    monkeypatch.setattr(other, "pump", lambda: works.append(True))
    monkeypatch.setattr(door.app.deliveries, "_outboxes", {"SC-broken": broken, "SC-other": other})
    door.app.deliveries.look()
    assert works


async def test_what_cannot_be_written_is_dropped_and_holds_nothing_up(door: Door, monkeypatch: pytest.MonkeyPatch):
    first, second = sorted(await sent(door, 2))
    real = outbox.bodies

    def fails(parcel: Any, *rest: Any) -> Any:
        if parcel.message_id == first:
            raise TypeError("a mistake of ours")
        return real(parcel, *rest)

    monkeypatch.setattr(outbox, "bodies", fails)
    async with reading(door) as reader:
        await reader.has(1)
        await owed(door, 0)
    assert reader.ids == [second] and result(door, "dropped") == 1


async def test_a_credential_for_test_traffic_gets_its_receipts_and_no_live_texts(door: Door):
    await door.credential("tester", test=True)
    async with door.bound(system_id="tester") as one, reading(door) as live:
        tester = Reader(one)
        answer = await one.submit(**ALL)
        await tester.has(1)
        say(door, "Hi")
        await live.has(1)
        await owed(door, 0)
    assert tester.ids == [answer.body.message_id]
    assert len(tester.got) == len(live.got) == 1


async def test_of_a_deleted_message_nothing_is_told_and_nothing_is_held_up(door: Door):
    first, *others = await sent(door, 3)
    await door.app.store.delete_messages([first])
    async with reading(door) as reader:
        await reader.has(2)
        await owed(door, 0)
    assert sorted(reader.ids) == sorted(others)
    assert result(door, "dropped") == 1


async def test_a_redacted_text_is_not_told(door: Door):
    say(door, "Hi")
    await owed(door, 1)
    (text,) = (await door.edge.get("/v1/inbound")).json["data"]
    await door.app.store.redact([text["id"]], door.app.clock.now_us())
    say(door, "Ho")
    await owed(door, 2)
    async with reading(door) as reader:
        (pdu,) = await reader.has(1)
        await owed(door, 0)
    assert pdu.body.short_message == b"Ho"


async def test_a_read_that_fails_is_tried_again(door: Door, monkeypatch: pytest.MonkeyPatch):
    ids = await sent(door, 3)
    real, failures = door.app.store.fetch, []

    async def fails_once(row: Any, statement: str, *params: Any) -> list[Any]:
        if statement == "smpp_owed_page" and not failures:
            failures.append(statement)
            raise OSError("the disk is full")
        return await real(row, statement, *params)

    monkeypatch.setattr(door.app.store, "fetch", fails_once)
    async with reading(door) as reader:
        await reader.has(3)
    assert sorted(reader.ids) == sorted(ids)


async def test_a_page_that_was_asked_for_an_earlier_bind_is_of_no_use(door: Door, monkeypatch: pytest.MonkeyPatch):
    """It begins behind rows that the earlier bind had and did not answer."""
    monkeypatch.setattr("whimbrel.edges.smpp.outbox.PAGE", 2)
    monkeypatch.setattr("whimbrel.edges.smpp.deliveries.PAGE", 2)
    ids = await sent(door, 4)
    real, gate, pages = door.app.store.fetch, asyncio.Event(), []

    async def slow(row: Any, statement: str, *params: Any) -> list[Any]:
        found = await real(row, statement, *params)
        if statement == "smpp_owed_page":
            pages.append(params)
            if len(pages) == 2:
                await gate.wait()
        return found

    monkeypatch.setattr(door.app.store, "fetch", slow)
    async with reading(door, never) as reader:
        await reader.has(2)
        await until(lambda: len(pages) == 2)
    await until(lambda: not door.app.binds.receivers(door.credential_id))
    async with reading(door) as again:
        gate.set()
        await again.has(4)
        await owed(door, 0)
    assert sorted(again.ids) == sorted(ids)
    assert again.ids[:2] == reader.ids


# ---------------------------------------------------------------- several binds


async def test_several_binds_share_and_nothing_comes_twice(door: Door):
    async with reading(door) as one, reading(door) as two:
        async with door.bound(BIND_TRANSMITTER) as transmitter:
            answers = await asyncio.gather(*(transmitter.submit(**ALL) for _ in range(20)))
        await until(lambda: len(one.got) + len(two.got) >= 20)
        await owed(door, 0)
    assert sorted(one.ids + two.ids) == sorted(answer.body.message_id for answer in answers)
    assert one.got
    assert two.got


async def test_a_bind_that_answers_nothing_holds_up_its_window_only(door: Door):
    await door.change(settings={"window": 3})
    ids = await sent(door, 20)
    async with reading(door, never) as dead:
        await dead.has(3)
        async with reading(door) as quick:
            await quick.has(17)
            await owed(door, 3)
            assert len(dead.got) == 3
            dead.link.abort()
            await quick.has(20)
            await owed(door, 0)
    assert sorted(quick.ids) == sorted(ids)
    assert dead.ids == [id_ for id_ in dead.ids if id_ in quick.ids]


async def test_what_a_lost_bind_had_comes_first(door: Door):
    await door.change(settings={"window": 3})
    await sent(door, 20)
    async with reading(door, never) as first:
        await first.has(3)
        async with reading(door, never) as second:
            await second.has(3)
            first.link.abort()
            async with reading(door, never) as third:
                await third.has(3)
    assert third.ids == first.ids


async def test_the_window_is_kept(door: Door):
    await door.change(settings={"window": 4})
    await sent(door, 10)
    async with reading(door, never) as reader:
        await reader.has(4)
        reader.link.respond(reader.got[2])
        await reader.has(5)
        await owed(door, 9)
        assert len(reader.got) == 5


# ---------------------------------------------------------------- answers


TEMPORARY = [Status.ESME_RX_T_APPN, Status.ESME_RMSGQFUL, Status.ESME_RTHROTTLED, Status.ESME_RSYSERR]


@pytest.mark.parametrize("status", TEMPORARY)
async def test_not_now_is_tried_again_later_for_as_long_as_it_takes(door: Door, clock: Clock, status: int):
    await sent(door)
    clock.stop()
    async with reading(door, lambda _: status) as reader:
        for count in range(1, 6):
            await until(lambda count=count: result(door, "refused") == count)
            door.app.deliveries.look()
            assert len(reader.got) == count
            clock.ahead_us += 61 * SECOND_US
        reader.answer = well
        await reader.has(6)
        await owed(door, 0)
    assert result(door, "refused") == 5
    assert result(door, "dropped") == 0


async def test_one_that_is_not_taken_now_does_not_hold_up_the_others(door: Door, clock: Clock):
    ids = await sent(door, 5)
    clock.stop()
    first: list[bytes] = []

    def refuse_first(pdu: Pdu) -> int:
        first.append(pdu.body.short_message)
        return Status.ESME_RX_T_APPN if pdu.body.short_message == first[0] else Status.ESME_ROK

    async with reading(door, refuse_first) as reader:
        await reader.has(5)
        await owed(door, 1)
    assert sorted(reader.ids) == sorted(ids)


async def test_a_full_queue_makes_everything_rest(door: Door, clock: Clock):
    await door.change(settings={"window": 1})
    await sent(door, 5)
    clock.stop()
    async with reading(door, lambda _: Status.ESME_RMSGQFUL) as reader:
        await reader.has(1)
        await until(lambda: result(door, "refused") == 1)
        door.app.deliveries.look()
        reader.answer = well
        assert len(reader.got) == 1
        clock.ahead_us += 2 * SECOND_US
        await reader.has(6)
        await owed(door, 0)


@pytest.mark.parametrize("status", [Status.ESME_RX_P_APPN, Status.ESME_RX_R_APPN, Status.ESME_RINVSRCADR, 0x0400])
async def test_refused_for_good_three_times_is_dropped(door: Door, clock: Clock, status: int):
    await sent(door)
    clock.stop()
    async with reading(door, lambda _: status) as reader:
        for count in range(1, 4):
            await until(lambda count=count: result(door, "refused") == count)
            clock.ahead_us += 61 * SECOND_US
        await owed(door, 0)
        door.app.deliveries.look()
    assert len(reader.got) == 3
    assert (result(door, "refused"), result(door, "dropped")) == (3, 1)


async def test_a_generic_nack_is_a_refusal(door: Door, clock: Clock):
    await sent(door)
    clock.stop()

    def nack(pdu: Pdu) -> None:
        reader.link.session.nack(pdu.sequence, Status.ESME_RINVCMDID)
        reader.link.wake()

    async with reading(door, never) as reader:
        await reader.has(1)
        reader.answer = nack
        nack(reader.got[0])
        for count in range(1, 4):
            await until(lambda count=count: result(door, "refused") == count)
            clock.ahead_us += 61 * SECOND_US
        await owed(door, 0)
    assert result(door, "dropped") == 1


async def test_no_answer_in_time_is_tried_again_and_a_late_answer_counts(door: Door, clock: Clock):
    quick = msgspec.structs.replace(door.app.smpp.settings, response_timeout_ms=50)
    door.app.smpp.settings = quick
    await sent(door, 2)
    clock.stop()
    async with reading(door, never) as reader:
        await reader.has(2)
        await until(lambda: result(door, "unanswered") == 2)
        reader.link.respond(reader.got[1], Status.ESME_RX_P_APPN)  # too late to refuse
        reader.link.respond(reader.got[0])
        await owed(door, 1)
        assert result(door, "refused") == 0
        clock.ahead_us += 61 * SECOND_US
        await reader.has(3)
        assert reader.got[2].body.short_message == reader.got[1].body.short_message
        reader.link.respond(reader.got[2])
        await owed(door, 0)


async def test_a_bind_that_left_requests_unanswered_is_given_one_at_a_time(door: Door, clock: Clock):
    door.app.smpp.settings = msgspec.structs.replace(door.app.smpp.settings, response_timeout_ms=50)
    await sent(door, 4)
    clock.stop()
    async with reading(door, never) as reader:
        await reader.has(4)
        await until(lambda: result(door, "unanswered") == 4)
        clock.ahead_us += 61 * SECOND_US
        await until(lambda: len(reader.got) == 5)
        door.app.deliveries.look()
        assert len(reader.got) == 5
        reader.answer = well
        reader.link.respond(reader.got[4])
        clock.ahead_us += 61 * SECOND_US
        await owed(door, 0)


async def test_a_receipt_that_kills_its_reader_does_not_hold_up_the_others(door: Door, clock: Clock):
    await door.change(settings={"window": 1})
    ids = await sent(door, 4)
    clock.stop()
    async with reading(door, never) as reader:
        await reader.has(1)
    poison = reader.ids[0]
    taken: list[str] = []
    for _ in range(10):
        async with reading(door, lambda _: None) as reader:
            await reader.has(1)
            while reader.ids[-1] != poison and len(taken) < 3:
                taken.append(reader.ids[-1])
                count = len(reader.got)
                reader.link.respond(reader.got[-1])
                if len(taken) < 3:
                    await reader.has(count + 1)
            if len(taken) == 3:
                await owed(door, 1)
        if len(taken) == 3:
            break
    assert sorted([*taken, poison]) == sorted(ids)


async def test_nor_while_another_bind_stays(door: Door, clock: Clock):
    await door.change(settings={"window": 1})
    await sent(door, 4)
    clock.stop()
    async with reading(door, never) as busy:
        await busy.has(1)
        got = []
        for _ in range(4):
            async with reading(door, never) as killed:
                await killed.has(1)
            await until(lambda: len(door.app.binds.receivers(door.credential_id)) == 1)
            got += killed.ids
    assert got[0] == got[1] == got[2] != got[3]


# ---------------------------------------------------------------- what a crash leaves


async def test_what_was_owed_before_a_restart_is_delivered_after_it(tmp_path: Path):
    async with running_door(tmp_path) as door:
        ids = await sent(door, 5)
        await door.app.stop()
        app = App(door.app.settings, bytes(range(32)))
        await app.start()
        try:
            async with esme(app.smpp.ports[0]) as one:
                reader = Reader(one)
                await one.bind(BIND_RECEIVER)
                await reader.has(5)
            assert sorted(reader.ids) == sorted(ids)
        finally:
            await app.stop()


async def test_taken_and_not_deleted_comes_again_and_never_less(door: Door, monkeypatch: pytest.MonkeyPatch):
    """A kill between the answer and the commit that deletes the row."""
    ids = await sent(door, 3)
    real = door.app.store.write

    async def broken(writes: list[Write]) -> list[int]:
        if writes[0].statement == "smpp_owed_delete":
            raise OSError("killed")
        return await real(writes)

    with monkeypatch.context() as patch:
        patch.setattr(door.app.store, "write", broken)
        async with reading(door) as reader:
            await reader.has(3)
            await until(lambda: result(door, "delivered") == 3)
        await owed(door, 3)
        # the process that delivered is gone, and knows nothing any more
        door.app.deliveries._over_rows.clear()
        door.app.deliveries._outboxes.clear()
    async with reading(door) as again:
        await again.has(3)
        await owed(door, 0)
    assert sorted(again.ids) == sorted(reader.ids) == sorted(ids)


async def test_what_was_taken_does_not_come_again_on_the_next_bind(door: Door, monkeypatch: pytest.MonkeyPatch):
    """Its deletion is still under way when the customer binds again."""
    await sent(door, 3)
    real, gate = door.app.store.write, asyncio.Event()

    async def slow(writes: list[Write]) -> list[int]:
        if writes[0].statement == "smpp_owed_delete":
            await gate.wait()
        return await real(writes)

    monkeypatch.setattr(door.app.store, "write", slow)
    async with reading(door) as reader:
        await reader.has(3)
        await until(lambda: result(door, "delivered") == 3)
    last = await one_more(door)
    async with reading(door) as again:
        await again.has(1)
        gate.set()
        await owed(door, 0)
    assert again.ids == [last]


async def one_more(door: Door) -> str:
    async with door.bound(BIND_TRANSMITTER) as one:
        answer = await one.submit(**ALL)
    await owed(door, 4)
    return answer.body.message_id


# ---------------------------------------------------------------- texts of phones


def say(door: Door, text: str) -> None:
    door.edge.simulator.network.send_text(PHONE, PhoneText(to=SENDER.lstrip("+"), text=text, system_id="whimbrel"))


async def test_a_text_of_a_phone(door: Door):
    async with reading(door) as reader:
        say(door, "Yes €")
        (pdu,) = await reader.has(1)
        await owed(door, 0)
    body = pdu.body
    assert (body.source_ton, body.source, body.dest_ton, body.dest) == (1, PHONE[1:], 1, SENDER[1:])
    assert (body.esm_class, body.data_coding, body.short_message) == (0, 0, b"Yes \x1be")


async def test_only_parts_that_were_not_taken_come_again(door: Door, clock: Clock):
    text = "Привет, мир! " * 20
    seen: list[int] = []

    def refuse_second(pdu: Pdu) -> int:
        place = udh.concat(udh.parse(pdu.body.short_message).elements)
        seen.append(place.number)
        return Status.ESME_RX_T_APPN if place.number == 2 and seen.count(2) == 1 else Status.ESME_ROK

    say(door, text)
    await owed(door, 1)
    clock.stop()
    async with reading(door, refuse_second) as reader:
        await reader.has(4)
        await until(lambda: result(door, "refused") == 1)
        clock.ahead_us += 61 * SECOND_US
        await reader.has(5)
        await owed(door, 0)
    assert reader.got[4].body == reader.got[1].body
    parts = [udh.parse(pdu.body.short_message).payload for pdu in reader.got[:4]]
    assert segments.decode_parts(parts, 8) == text


async def test_the_parts_of_a_text_go_over_one_bind(door: Door):
    await door.change(settings={"window": 4})
    async with reading(door, never) as one:
        say(door, "first")
        say(door, "second")
        await one.has(2)
        async with reading(door, never) as two:
            say(door, "x" * 400)
            say(door, "y" * 400)
            await two.has(3)
            await owed(door, 4)
            assert (len(one.got), len(two.got)) == (2, 3)  # one has room for two parts, two for one
            for pdu in list(two.got):
                two.link.respond(pdu)
            await two.has(6)
            await owed(door, 3)
    assert len(one.got) == 2
    assert {pdu.body.short_message[-1:] for pdu in two.got[3:]} == {b"y"}


async def test_a_text_of_more_parts_than_the_window(door: Door):
    await door.change(settings={"window": 2})
    say(door, "x" * 700)
    async with reading(door) as reader:
        await reader.has(5)
        await owed(door, 0)
    places = [udh.concat(udh.parse(pdu.body.short_message).elements).number for pdu in reader.got]
    assert places == [1, 2, 3, 4, 5]


async def test_each_credential_gets_a_text_once(door: Door):
    await door.credential("second")
    await door.credential("deaf", inbound=False)
    async with (
        reading(door) as one,
        reading(door) as two,
        reading(door, system_id="second") as other,
        reading(door, system_id="deaf") as deaf,
    ):
        say(door, "Hi")
        await other.has(1)
        await until(lambda: len(one.got) + len(two.got) == 1)
        await owed(door, 0)
        assert (len(one.got) + len(two.got), len(other.got), deaf.got) == (1, 1, [])


# ---------------------------------------------------------------- versions


async def test_a_bind_of_3_3_is_given_no_tlvs_and_one_of_3_4_is(door: Door):
    await door.change(settings={"receipt_format": "tlv"})
    await sent(door, 2)
    async with reading(door, never, interface_version=0x33) as old:
        await old.has(2)
    assert {pdu.tlvs for pdu in old.got} == {()}
    assert len(set(old.ids)) == 2
    async with reading(door) as new:
        await new.has(2)
    assert {pdu.body.short_message for pdu in new.got} == {b""}
    assert new.ids == old.ids


async def test_a_long_text_goes_to_binds_of_both_versions_as_each_can_take_it(door: Door):
    await door.change(settings={"long_inbound": "payload"})
    say(door, "x" * 400)
    await owed(door, 1)
    async with reading(door, never, interface_version=0x33) as old:
        await old.has(3)
        async with reading(door) as new:
            old.link.abort()
            (pdu,) = await new.has(1)
            await owed(door, 0)
    assert (pdu.body.short_message, user_data(pdu)) == (b"", b"x" * 400)
    assert {old_pdu.body.esm_class for old_pdu in old.got} == {0x40}
