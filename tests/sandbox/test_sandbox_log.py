"""The log is the oracle: what it says, when it is on disk, how it is read, and that a seed makes it the same."""

import re

import msgspec
import pytest
from sandbox_esme import eventually, reserved

from whimbrel.codec.smpp.fields import make_tlv
from whimbrel.codec.smpp.tables import Tag
from whimbrel_sandbox.log import (
    Bound,
    EventLog,
    InboundAnswered,
    InboundSent,
    ReceiptAnswered,
    ReceiptSent,
    Responded,
    Submitted,
    Unbound,
    read_log,
)


async def test_the_log_tells_the_whole_story(start, connect, tmp_path):
    path = tmp_path / "log.jsonl"
    simulator = await start(log=str(path))
    client = await connect(simulator, system_id="shop")
    seq = client.submit(reserved("0902"), b"@ \x1be", esm_class=0, data_coding=0)
    await client.deliveries(2)
    await eventually(lambda: simulator.center.counts.inbound_answered)
    await client.leave()
    await eventually(lambda: not simulator.center.links)
    simulator.center.log.flush()
    bound, submitted, responded, receipt, inbound, *answered, unbound = read_log(path)
    message_id = submitted.message_id
    assert bound == Bound(bound.at_us, 1, "shop", "transceiver")
    assert submitted == Submitted(
        submitted.at_us, 1, seq, "shop", "Shop", reserved("0902"), "answer_stop", "40201b65", "¡ €", message_id,
        registered=1,
    )  # fmt: skip
    assert submitted.accepted
    assert responded == Responded(responded.at_us, 1, seq, message_id)
    assert receipt == ReceiptSent(receipt.at_us, 1, 1, message_id, "DELIVRD")
    assert inbound == InboundSent(inbound.at_us, 1, 2, "text1", reserved("0902"), "Shop", b"STOP".hex(), "STOP")
    assert answered == [
        ReceiptAnswered(answered[0].at_us, 1, 1, message_id),
        InboundAnswered(answered[1].at_us, 1, 2, "text1"),
    ]
    assert unbound == Unbound(unbound.at_us, 1, "shop", "lost")
    times = [event.at_us for event in read_log(path)]
    assert times == sorted(times)


async def test_tlvs_are_in_the_log_by_their_tags(start, connect):
    simulator = await start()
    client = await connect(simulator)
    tlvs = ((0x1400, b"12"), make_tlv(Tag.MESSAGE_PAYLOAD, b"Hi"), make_tlv(Tag.DESTINATION_PORT, 9))
    client.submit(reserved("0000"), b"", tlvs=tlvs)
    log = simulator.center.log
    await eventually(lambda: any(isinstance(event, Submitted) for event in log.after(0, 100)[1]))
    [submitted] = [event for event in log.after(0, 100)[1] if isinstance(event, Submitted)]
    assert (submitted.octets, submitted.tlvs) == (b"Hi".hex(), {"0x1400": "3132", "0x020b": "0009"})


async def test_events_reach_the_file_without_being_asked_and_at_the_end(tmp_path):
    path = tmp_path / "log.jsonl"
    log = EventLog(str(path))
    first, second = Bound(1, 1, "a", "receiver"), Unbound(2, 1, "a", "lost")
    log.add(first)
    await eventually(lambda: list(read_log(path)) == [first])
    log.add(second)
    log.close()
    assert list(read_log(path)) == [first, second]


async def test_the_log_is_appended_to(tmp_path):
    path = tmp_path / "log.jsonl"
    for system_id in ("first", "second"):
        log = EventLog(str(path))
        log.add(Bound(1, 1, system_id, "receiver"))
        log.close()
    assert [event.system_id for event in read_log(path)] == ["first", "second"]


def test_a_line_that_is_not_whole_yet_is_left_out(tmp_path):
    path = tmp_path / "log.jsonl"
    line = msgspec.json.encode(Bound(1, 1, "a", "receiver"))
    path.write_bytes(line + b"\n" + line[:20])
    assert len(list(read_log(path))) == 1


def test_a_line_that_is_no_event_is_an_error(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"kind":"other"}\n')
    with pytest.raises(msgspec.ValidationError):
        list(read_log(path))


async def test_memory_keeps_the_latest_events_and_their_numbers(monkeypatch):
    monkeypatch.setattr("whimbrel_sandbox.log.KEPT_WITHOUT_FILE", 10)
    log = EventLog(None)
    for number in range(100):
        log.add(Bound(number, 1, "a", "receiver"))
        log.flush()
    first, events = log.after(95, 3)
    assert (first, [event.at_us for event in events]) == (95, [95, 96, 97])
    first, events = log.after(0, 1)
    assert first == events[0].at_us >= 80
    assert log.after(1000, 5) == (100, [])


async def test_counting_only_keeps_no_log(start, connect):
    simulator = await start(log="counts")
    client = await connect(simulator)
    await client.submitted("447700900123")
    await client.receipts(1)
    assert simulator.center.log is None
    counts = await eventually(lambda: simulator.center.counts.receipts_answered and simulator.center.snapshot())
    assert (counts.binds, counts.submits, counts.accepted, counts.responses, counts.receipts_sent) == (1, 1, 1, 1, 1)


async def _story(start, connect, **settings):
    simulator = await start(**settings)
    client = await connect(simulator)
    for _ in range(20):
        await client.submitted("447700900123")
    await client.submitted(reserved("0906"))
    await client.deliveries(4)
    log = simulator.center.log.after(0, 1000)[1]
    ids = [event.message_id for event in log if isinstance(event, Submitted)]
    told = [event.message_id for event in log if isinstance(event, ReceiptSent)]
    return ids, told, [event.part for event in log if isinstance(event, InboundSent)]


async def test_a_seed_makes_the_same_story_again(start, connect):
    settings = {"receipt_share": 0.5, "ids": "random"}
    first = await _story(start, connect, seed=3, **settings)
    assert await _story(start, connect, seed=3, **settings) == first
    other = await _story(start, connect, seed=4, **settings)
    assert not set(other[0]) & set(first[0])
    assert 2 < len(first[1]) < 20


@pytest.mark.parametrize(
    "form, pattern",
    [
        ("sequential", r"[0-9a-f]{6,7}"),
        ("hex", r"[0-9A-F]{8}"),
        ("decimal", r"\d{10}"),
        ("random", r"[0-9a-f]{16}"),
        ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ],
)
async def test_ids_have_the_form_asked_for_and_never_repeat(start, connect, form, pattern):
    simulator = await start(ids=form, seed=None)
    client = await connect(simulator)
    ids = [(await client.submitted("447700900123")).body.message_id for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(re.fullmatch(pattern, message_id) for message_id in ids), ids[0]
    again = await start(ids=form, seed=None)
    other = await connect(again)
    assert (await other.submitted("447700900123")).body.message_id not in ids
