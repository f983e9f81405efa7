"""accept with claims: a message that need not wait is `sending`, with its attempts, in the commit that accepts it; in
every other respect it is what a claim from the queue would have made of it.
"""

from typing import Any

import msgspec
from store_samples import (
    ACCOUNT,
    CARRIER,
    CREDIT,
    NOW,
    PRICE,
    attempts,
    balance,
    claim,
    events,
    key,
    lane,
    load,
    many,
    message,
    submit,
    told,
)

from whimbrel.domain.model import Message
from whimbrel.store.interface import Answer, Claim, Stored, Submission
from whimbrel.store.store import SqlStore

TAIL = 99


def claimed(item: Message) -> Claim:
    return Claim(item.id, CARRIER, item.segments, TAIL, NOW)


def submission(*items: Message, **more: Any) -> Submission:
    return Submission(items, claims=tuple(claimed(item) for item in items), **more)


async def test_it_is_what_a_claim_from_the_queue_makes(store: SqlStore):
    straight, queued = message(segments=2), message(segments=2)
    (stored,) = await store.accept([submission(straight)])
    await submit(store, queued)
    (numbers,) = await store.claim([Claim(queued.id, CARRIER, 2, TAIL, NOW)])
    assert len(stored.attempts[straight.id]) == len(numbers) == 2
    blank = {"id": ""}
    one, other = await load(store, straight), await load(store, queued)
    assert msgspec.structs.replace(one, **blank) == msgspec.structs.replace(other, **blank)
    assert [(e.seq, e.type, e.data) for e in await events(store, straight)] == [
        (e.seq, e.type, e.data) for e in await events(store, queued)
    ]
    same = [
        [msgspec.structs.replace(a, position=0, message_id="") for a in await attempts(store, item)]
        for item in (straight, queued)
    ]
    assert same[0] == same[1]
    assert tuple(a.position for a in await attempts(store, straight)) == stored.attempts[straight.id]


async def test_it_never_was_in_the_queue(store: SqlStore):
    first, waits = many(2)
    both = Submission((first, waits), claims=(claimed(first),))
    (stored,) = await store.accept([both])
    assert list(stored.attempts) == [first.id]
    assert await lane(store) == [waits.id]
    assert await claim(store, first, waits) == [(), (stored.attempts[first.id][0] + 1,)]
    assert await told(store, first) == ["queued", "sending"]


async def test_its_answer_is_recorded_and_paid(store: SqlStore):
    sent = message()
    (stored,) = await store.accept([submission(sent)])
    assert await balance(store) == (CREDIT - PRICE, PRICE, 0)
    (number,) = stored.attempts[sent.id]
    taken = Answer(
        attempt=number,
        message_id=sent.id,
        carrier_id=CARRIER,
        kind="accepted",
        at=NOW,
        bind="b",
        carrier_message_id="x",
        carrier_key="x",
        status_code=0,
        tail_hash=TAIL,
        parts=1,
    )
    await store.record_answers([taken])
    assert (await load(store, sent)).state == "sent"
    assert await balance(store) == (CREDIT - PRICE, 0, PRICE)


async def test_what_the_balance_does_not_cover_has_no_attempt(store: SqlStore):
    covered, uncovered = many(2, price_micros=CREDIT - PRICE)
    (stored,) = await store.accept([submission(covered, uncovered)])
    assert stored.uncovered == (uncovered.id,)
    assert list(stored.attempts) == [covered.id]
    assert await attempts(store, uncovered) == []


async def test_of_two_requests_with_one_key_only_the_first_has_attempts(store: SqlStore):
    first, second = many(2)
    answers = await store.accept(
        [submission(first, idempotency=key([first])), submission(second, idempotency=key([second]))]
    )
    assert [list(stored.attempts) for stored in answers] == [[first.id], []]
    assert answers[1] == Stored(key_taken=True)
    assert await attempts(store, second) == []


async def test_numbers_of_several_requests_are_their_own(store: SqlStore):
    items = many(5, account_id=ACCOUNT)
    answers = await store.accept([submission(item) for item in items])
    for item, stored in zip(items, answers, strict=True):
        assert list(stored.attempts) == [item.id]
        assert tuple(a.position for a in await attempts(store, item)) == stored.attempts[item.id]
    assert len({number for stored in answers for (number,) in stored.attempts.values()}) == 5
