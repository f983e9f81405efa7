"""claim: attempts are committed before a byte leaves, for exactly what is still queued."""

from store_samples import (
    ACCOUNT,
    CARRIER,
    NOW,
    SECOND,
    SPARE,
    attempts,
    claim,
    events,
    lane,
    load,
    many,
    message,
    submit,
    told,
)

from whimbrel.store.interface import Claim, Ending, Owed
from whimbrel.store.store import SqlStore


async def test_a_claimed_message_is_sending(store: SqlStore):
    sent = message()
    await submit(store, sent)
    await claim(store, sent)
    stored = await load(store, sent)
    assert (stored.state, stored.carrier_id, stored.updated_at) == ("sending", CARRIER, NOW + SECOND)
    assert await lane(store) == []
    assert await told(store, sent) == ["queued", "sending"]
    assert (await events(store, sent))[-1].data == f'{{"carrier_id":"{CARRIER}"}}'


async def test_each_part_has_an_attempt_in_order(store: SqlStore):
    long, short = message(segments=3), message()
    await submit(store, long, short)
    of_long, of_short = await store.claim(
        [Claim(long.id, CARRIER, 3, 99, NOW + SECOND), Claim(short.id, SPARE, 1, 98, NOW + SECOND)]
    )
    assert sorted({*of_long, *of_short}) == [*of_long, *of_short]
    rows = await attempts(store, long)
    assert [(row.position, row.part, row.parts) for row in rows] == [(of_long[n], n + 1, 3) for n in range(3)]
    (row,) = await attempts(store, short)
    assert (row.position, row.account_id, row.carrier_id, row.state) == (of_short[0], ACCOUNT, SPARE, "committed")
    assert (row.tail_hash, row.committed_at, row.receipts, row.throttled) == (98, NOW + SECOND, 0, 0)


async def test_what_is_not_queued_any_more_is_left_alone(store: SqlStore):
    gone, there = message(), message()
    await submit(store, gone, there)
    await store.finish([Ending(gone.id, ("queued",), "canceled", "canceled", NOW)])
    unknown = message()
    assert [len(numbers) for numbers in await claim(store, gone, unknown, there)] == [0, 0, 1]
    assert await attempts(store, gone) == []
    assert (await load(store, gone)).state == "canceled"


async def test_of_two_claims_of_one_message_the_first_wins(store: SqlStore):
    sent = message()
    await submit(store, sent)
    first, second = await claim(store, sent, sent)
    assert (len(first), second) == (1, ())
    assert await claim(store, sent) == [()]
    assert len(await attempts(store, sent)) == 1


async def test_nothing_to_claim_writes_nothing(store: SqlStore):
    assert await store.claim([]) == []
    assert await claim(store, message()) == [()]
    assert await store.last_position() == 0


async def test_attempt_numbers_are_never_given_out_twice(store: SqlStore):
    sent = many(3)
    await submit(store, *sent)
    (first,), (second,) = await claim(store, sent[0], sent[1])
    await store.finish([Ending(item.id, ("sending",), "failed", "carrier_rejected", NOW) for item in sent[:2]])
    await store.delete_messages([item.id for item in sent[:2]])
    ((third,),) = await claim(store, sent[2])
    assert first < second < third


async def test_what_was_claimed_and_not_answered_is_found_again(store: SqlStore):
    sent = many(2)
    await submit(store, *sent)
    numbers = await claim(store, *sent)
    assert await store.unanswered() == [
        Owed(attempt, item.id, CARRIER, 99, NOW + SECOND) for item, (attempt,) in zip(sent, numbers, strict=True)
    ]
