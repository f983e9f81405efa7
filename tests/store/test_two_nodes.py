"""Two nodes at once on PostgreSQL: verbs in two transactions that are really open at the same time. What one has not
committed the other has to wait for, or must not miss.
"""

import asyncio
from typing import Any

import pytest
from after_submit import answered, reported
from node import DEADLINE_S, Node, waiting
from store_samples import (
    ACCOUNT,
    CARRIER,
    CREDIT,
    NOW,
    PRICE,
    SECOND,
    SPARE,
    attempts,
    balance,
    claim,
    events,
    lane,
    message,
    state,
    submit,
    told,
)

from whimbrel.domain.model import Event, Message
from whimbrel.journey.notify import _event
from whimbrel.store.errors import Overtaken
from whimbrel.store.interface import Answer, Claim, Due, Ending, ReceiptRow, Try, Write
from whimbrel.store.store import SqlStore
from whimbrel.store.verbs.answers import record_answers
from whimbrel.store.verbs.claim import claim as claim_verb
from whimbrel.store.verbs.erase import delete_messages, redact
from whimbrel.store.verbs.finish import finish
from whimbrel.store.verbs.receipts import record_receipts
from whimbrel.store.verbs.sweep import enqueue
from whimbrel.store.verbs.write import write

TAIL = 99


async def sending(store: SqlStore, **changes: Any) -> tuple[Message, int]:
    """A message with an attempt that has no answer."""
    sent = message(**changes)
    await submit(store, sent)
    ((number,),) = await claim(store, sent) or ()
    return sent, number


def accepted(sent: Message, number: int, key: str = "k1", **more: Any) -> Answer:
    return answered(
        sent.id, number, "accepted", key=key, at=NOW + SECOND, carrier_id=CARRIER, tail_hash=TAIL, parts=1, **more
    )


def receipt(key: str = "k1", **more: Any) -> ReceiptRow:
    return reported(key, at=NOW + 2 * SECOND, carrier_id=CARRIER, tails=(TAIL,), **more)


def ending(sent: Message, new_state: str = "canceled", *states: str) -> Ending:
    return Ending(sent.id, states or ("queued", "scheduled"), new_state, "canceled", NOW + SECOND)


def claims(*sent: Message) -> list[Claim]:
    return [Claim(each.id, CARRIER, 1, TAIL, NOW + SECOND) for each in sent]


# ---------------------------------------------------------------- a message that two nodes move


async def test_a_message_that_was_claimed_cannot_be_canceled(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent = message()
    await submit(third, sent)
    assert await one.run(claim_verb(claims(sent)))
    cancel = await waiting(two, two.whole(finish([ending(sent)])), one)
    await one.commit()
    assert await cancel == [False]
    assert await told(third, sent) == ["queued", "sending"]
    assert await balance(third) == (CREDIT - PRICE, PRICE, 0)


async def test_a_message_that_was_canceled_cannot_be_claimed(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent = message()
    await submit(third, sent)
    assert await one.run(finish([ending(sent)])) == [True]
    claim_ = await waiting(two, two.whole(claim_verb(claims(sent))), one)
    await one.commit()
    assert await claim_ == [()]
    assert await lane(third) == []
    assert await attempts(third, sent) == []


async def test_two_endings_of_one_message(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent = message()
    await submit(third, sent)
    assert await one.run(finish([ending(sent)])) == [True]
    other = await waiting(two, two.whole(finish([ending(sent, "expired")])), one)
    await one.commit()
    assert await other == [False]
    assert await told(third, sent) == ["queued", "canceled"]
    assert await balance(third) == (CREDIT, 0, 0)


async def test_the_second_node_does_what_the_first_took_back(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent = message()
    await submit(third, sent)
    await one.run(finish([ending(sent)]))
    other = await waiting(two, two.whole(finish([ending(sent, "expired")])), one)
    await one.roll_back()
    assert await other == [True]
    assert await state(third, sent) == "expired"


async def test_a_message_falls_due_at_one_node(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent = message(scheduled_for=NOW + SECOND)
    await submit(third, sent)
    due = [Due(sent.id, CARRIER, None, PRICE, 1, NOW + SECOND)]
    await one.run(enqueue(due))
    other = await waiting(two, two.whole(enqueue(due)), one)
    await one.commit()
    await other
    assert await told(third, sent) == ["scheduled", "queued"]
    assert await lane(third) == [sent.id]


async def test_lanes_are_changed_by_one_node(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent = message()
    await submit(third, sent)
    await one.run(enqueue([Due(sent.id, SPARE, None, PRICE, 1, NOW)]))
    claim_ = await waiting(two, two.whole(claim_verb(claims(sent))), one)
    await one.commit()
    assert (await claim_)[0] != ()  # it is queued still, and claimed where it waits now
    assert await lane(third) == await lane(third, SPARE) == []


async def test_events_are_numbered_without_gaps_whoever_appends_them(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent, number = await sending(third)
    await one.run(redact([sent.id], NOW))
    answer = await waiting(two, two.whole(record_answers([accepted(sent, number)])), one)
    await one.commit()
    await answer
    assert await told(third, sent) == ["queued", "sending", "redacted", "sent"]
    again = [redact([sent.id], NOW), redact([sent.id], NOW)]
    await one.whole(again[0])
    await two.whole(again[1])
    assert len(await events(third, sent)) == 4


# ---------------------------------------------------------------- answers and receipts


async def test_a_zombie_answers_when_its_attempt_is_in_doubt(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    """The next owner of the carrier put it in doubt; the old one comes back with the answer."""
    one, two = nodes
    sent, number = await sending(third)
    doubt = answered(sent.id, number, "in_doubt", carrier_id=CARRIER, tail_hash=TAIL, parts=1, at=NOW, reason="crashed")
    await one.run(record_answers([doubt]))
    late = await waiting(two, two.whole(record_answers([accepted(sent, number)])), one)
    await one.commit()
    await late
    assert await told(third, sent) == ["queued", "sending", "in_doubt", "sent"]
    assert (await attempts(third, sent))[0].carrier_key == "k1"
    assert await balance(third) == (CREDIT - PRICE, 0, PRICE)


async def test_the_same_answer_by_two_nodes(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent, number = await sending(third)
    await one.run(record_answers([accepted(sent, number)]))
    again = await waiting(two, two.whole(record_answers([accepted(sent, number)])), one)
    await one.commit()
    await again
    assert await told(third, sent) == ["queued", "sending", "sent"]
    assert await balance(third) == (CREDIT - PRICE, 0, PRICE)


@pytest.mark.parametrize("word", ["delivered", "undelivered"])
async def test_the_same_receipt_by_two_binds(third: SqlStore, nodes: tuple[Node, Node], word: str) -> None:
    one, two = nodes
    sent, number = await sending(third)
    await third.record_answers([accepted(sent, number)])
    assert await one.run(record_receipts([receipt(state=word)])) == ["applied"]
    again = await waiting(two, two.whole(record_receipts([receipt(state=word)])), one)
    await one.commit()
    assert await again == ["repeated"]
    assert (await attempts(third, sent))[0].receipts == 2
    assert (await told(third, sent))[:4] == ["queued", "sending", "sent", word]


async def test_receipts_that_contradict_each_other(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent, number = await sending(third)
    await third.record_answers([accepted(sent, number)])
    await one.run(record_receipts([receipt(state="undelivered")]))
    other = await waiting(two, two.whole(record_receipts([receipt()])), one)
    await one.commit()
    await other
    assert await state(third, sent) == "undelivered"
    await events(third, sent)


async def test_a_receipt_does_not_miss_the_answer_that_is_under_way(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    """The answer looked for parked receipts before this one came; the receipt looks before the answer is there."""
    one, two = nodes
    sent, number = await sending(third)
    await one.run(record_answers([accepted(sent, number)]))
    early = await waiting(two, two.whole(record_receipts([receipt()])), one)
    await one.commit()
    assert await early == ["applied"]
    assert await state(third, sent) == "delivered"


async def test_an_answer_does_not_miss_the_receipt_that_is_being_parked(
    third: SqlStore, nodes: tuple[Node, Node]
) -> None:
    one, two = nodes
    sent, number = await sending(third)
    assert await one.run(record_receipts([receipt()])) == ["parked"]
    late = await waiting(two, two.whole(record_answers([accepted(sent, number)])), one)
    await one.commit()
    await late
    assert await state(third, sent) == "delivered"
    assert await third.fetch(int, "parked_any") == []


async def test_parking_waits_for_answers_of_its_own_carrier_only(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent, number = await sending(third)
    await one.run(record_answers([accepted(sent, number)]))
    async with asyncio.timeout(DEADLINE_S):
        assert await two.whole(record_receipts([reported("k9", carrier_id=SPARE, at=NOW)])) == ["parked"]
    await one.commit()


async def test_a_parked_receipt_is_taken_out_by_one_answer(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    """Its number's tail is that of two messages: both answers find it."""
    one, two = nodes
    first, number = await sending(third)
    second, other = await sending(third)
    await third.record_receipts([receipt("k2")])
    await one.run(record_answers([accepted(second, other, "k2")]))
    answer = await waiting(two, two.whole(record_answers([accepted(first, number, "k1")])), one)
    await one.commit()
    await answer
    assert [await state(third, first), await state(third, second)] == ["sent", "delivered"]
    assert (await attempts(third, second))[0].receipts == 1


async def test_what_was_read_before_another_node_wrote_is_read_again(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    """Between the two statements of an ordinary receipt the message is given up: the executor runs the script again."""
    one, two = nodes
    sent, number = await sending(third)
    await third.record_answers([accepted(sent, number)])
    await one.run(finish([ending(sent, "unknown", "sent")]))
    late = await waiting(two, two.run(record_receipts([receipt()])), one)
    await one.commit()
    with pytest.raises(Overtaken):
        await late
    await two.roll_back()
    assert await third.record_receipts([receipt()]) == ["applied"]
    assert await told(third, sent) == ["queued", "sending", "sent", "unknown", "delivered"]


async def test_a_message_that_is_deleted_takes_no_receipt(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    sent, number = await sending(third)
    await third.record_answers([accepted(sent, number)])
    await third.finish([ending(sent, "unknown", "sent")])
    await one.run(delete_messages([sent.id]))
    late = await waiting(two, two.whole(record_receipts([receipt()])), one)
    await one.commit()
    assert await late == ["parked"]


# ---------------------------------------------------------------- events of a webhook


async def test_events_of_an_endpoint_are_numbered_whoever_appends_them(
    third: SqlStore, nodes: tuple[Node, Node]
) -> None:
    """A node that was taken for dead has still a result to write."""
    one, two = nodes
    hook = "WH" + "1" * 32
    columns = ("https://e.example/", '["*"]', "", b"s", None, None, "active", None, 0, 0, NOW, NOW)
    await third.write([Write("webhook_insert", ((hook, ACCOUNT, 0, *columns),))])
    tried = Try(None, hook, ACCOUNT, 7, "EV1", "message.sent", 9, NOW, 12, 500, None, "", False)
    await one.run(write(_event(tried, "webhook.exhausted", event_id="EV1")))
    other = await waiting(two, two.whole(write(_event(tried, "webhook.exhausted", event_id="EV1"))), one)
    await one.commit()
    await other
    assert [event.seq for event in await third.fetch(Event, "events_of_subject", ACCOUNT, hook)] == [1, 2]
