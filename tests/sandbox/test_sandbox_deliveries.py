"""Receipts and texts reach some receiver, sooner or later: queues, windows, redelivery, several binds."""

from sandbox_esme import Esme, eventually, reserved

from whimbrel.codec.smpp.tables import BIND_RECEIVER, BIND_TRANSMITTER, ENQUIRE_LINK, Status
from whimbrel_sandbox.log import ReceiptAnswered, ReceiptSent, Unbound


def ids(receipts):
    return [receipt.message_ids[0] for receipt in receipts]


def events(simulator, kind):
    return [event for event in simulator.center.log.after(0, 1_000_000)[1] if isinstance(event, kind)]


async def test_receipts_wait_until_a_receiver_binds_and_keep_their_order(start, connect):
    simulator = await start()
    sender = await connect(simulator, command=BIND_TRANSMITTER)
    sent = [(await sender.submitted("447700900123", text)).body.message_id for text in (b"1", b"2", b"3")]
    assert simulator.center.snapshot().waiting == 3
    stranger = await connect(simulator, system_id="other")
    receiver = await connect(simulator, command=BIND_RECEIVER)
    assert ids(await receiver.receipts(3)) == sent
    assert sender.delivered() == stranger.delivered() == []
    assert simulator.center.snapshot().waiting == 0


async def test_a_receiver_may_not_submit_and_nobody_before_a_bind(start, connect):
    simulator = await start()
    receiver = await connect(simulator, command=BIND_RECEIVER)
    assert (await receiver.submitted("447700900123")).status == Status.ESME_RINVBNDSTS
    unbound = await Esme.connect(simulator.address.smpp_port)
    assert (await unbound.submitted("447700900123")).status == Status.ESME_RINVBNDSTS
    await unbound.leave()
    assert simulator.center.counts.submits == 0


async def test_what_a_vanished_client_had_not_answered_goes_to_the_next_in_order(start, connect):
    simulator = await start()
    client = await connect(simulator)
    client.answers = lambda pdu: None
    sent = [(await client.submitted("447700900123", text)).body.message_id for text in (b"1", b"2", b"3")]
    assert ids(await client.receipts(3)) == sent
    await client.vanish()
    again = await connect(simulator)
    assert ids(await again.receipts(3)) == sent
    tries = [(event.message_id, event.tries) for event in events(simulator, ReceiptSent)]
    assert tries == [(message_id, 1) for message_id in sent] + [(message_id, 2) for message_id in sent]
    assert [event.reason for event in events(simulator, Unbound)] == ["lost"]
    await eventually(lambda: simulator.center.counts.receipts_answered == 3)


async def test_what_was_answered_is_not_sent_again(start, connect):
    simulator = await start()
    client = await connect(simulator)
    client.answers = lambda pdu: 0 if pdu.body.short_message.endswith(b"text:2") else None
    answered = [(await client.submitted("447700900123", text)).body.message_id for text in (b"1", b"2", b"3")][1]
    await client.receipts(3)
    await eventually(lambda: events(simulator, ReceiptAnswered))
    await client.vanish()
    again = await connect(simulator)
    assert answered not in ids(await again.receipts(2))


async def test_a_refused_receipt_comes_again_until_it_is_taken(start, connect):
    simulator = await start()
    client = await connect(simulator)
    refusals = iter([Status.ESME_RX_T_APPN, Status.ESME_RSYSERR, 0])
    client.answers = lambda pdu: next(refusals)
    message_id = (await client.submitted("447700900123")).body.message_id
    assert ids(await client.receipts(3)) == [message_id] * 3
    assert [event.tries for event in events(simulator, ReceiptSent)] == [1, 2, 3]


async def test_a_receipt_refused_for_good_does_not_come_again(start, connect):
    simulator = await start(time_scale=0.02)  # 1 s -> 20 ms: later than the 1 ms after which a refused one comes again
    client = await connect(simulator)
    client.answers = lambda pdu: Status.ESME_RX_P_APPN if pdu.sequence == 1 else 0
    refused = (await client.submitted("447700900123")).body.message_id
    await client.receipts(1)
    marker = (await client.submitted(reserved("0101"))).body.message_id
    assert ids(await client.receipts(2)) == [refused, marker]


async def test_the_window_bounds_unanswered_deliveries(start, connect):
    simulator = await start(deliver_window=2)
    client = await connect(simulator)
    client.answers = lambda pdu: None
    for _ in range(5):
        await client.submitted("447700900123")
    assert len(client.delivered()) == 2 and simulator.center.snapshot().waiting == 3
    second = await connect(simulator)
    assert len(await second.receipts(3)) == 3


async def test_a_receiver_that_does_not_read_is_sent_no_more(start, connect):
    simulator = await start(deliver_window=1_000_000)
    sender = await connect(simulator, command=BIND_TRANSMITTER)
    receiver = await connect(simulator, command=BIND_RECEIVER)
    receiver.writer.transport.pause_reading()
    for _ in range(100):
        for _ in range(500):
            sequence = sender.submit("447700900123", b"x" * 100)
        await sender.response(sequence)
        sender.received.clear()
        if simulator.center.snapshot().waiting:
            break
    waiting = simulator.center.snapshot().waiting
    assert waiting
    receiver.writer.transport.resume_reading()
    assert len(await receiver.receipts(simulator.center.counts.accepted)) == simulator.center.counts.accepted


async def test_receipts_are_spread_over_the_binds(start, connect):
    simulator = await start()
    clients = [await connect(simulator), await connect(simulator)]
    for _ in range(6):
        await clients[0].submitted("447700900123")
    counts = [len(await client.receipts(1)) for client in clients]
    await eventually(lambda: sum(len(client.delivered()) for client in clients) == 6)
    assert min(counts) >= 1


async def test_a_delivery_without_answer_comes_again_on_a_living_link(start, connect):
    simulator = await start(deliver_timeout_ms=20, enquire_link_ms=0)
    client = await connect(simulator)
    silence = iter([None, 0])
    client.answers = lambda pdu: next(silence, 0)
    message_id = (await client.submitted("447700900123")).body.message_id
    assert ids(await client.receipts(2)) == [message_id] * 2


async def test_a_quiet_client_is_asked_whether_it_lives(start, connect):
    simulator = await start(enquire_link_ms=20)
    client = await connect(simulator)
    await client.until(lambda: any(pdu.command_id == ENQUIRE_LINK for pdu in client.received))


async def test_a_client_that_comes_back_gets_the_receipt_of_a_dropped_link(start, connect):
    simulator = await start()
    client = await connect(simulator)
    client.submit(reserved("0605"))
    await client.closed()
    again = await connect(simulator)
    [receipt] = await again.receipts(1)
    assert receipt.stat == "DELIVRD"
