"""accept: everything of an acknowledged message in one commit, nothing of a refused one."""

import msgspec
import pytest
from store_samples import (
    ACCOUNT,
    CARRIER,
    CREDIT,
    HOUR,
    NOT_NULL,
    NOW,
    OTHER_ACCOUNT,
    PRICE,
    SPARE,
    balance,
    events,
    key,
    lane,
    load,
    many,
    message,
    submit,
    told,
    top_up,
)

from whimbrel.domain.model import Flag, Message
from whimbrel.store.interface import Idempotency, Stored, Submission, Verdict, Waiting, Write
from whimbrel.store.store import SqlStore

KEEP = ("account_id", "recipient", "sender", "text", "encoding", "segments", "priority", "rank", "flags")


async def test_a_message_is_stored_whole(store: SqlStore):
    sent = message(flags=Flag.CALLBACK, options='{"callback_url":"https://example.com/x"}', route_id="RT1")
    assert await submit(store, sent) == Stored()
    stored = await load(store, sent)
    assert stored == msgspec.structs.replace(sent, held_micros=PRICE, seq=1)
    assert stored.test is False


async def test_a_queued_message_waits_in_the_lane_of_its_first_candidate(store: SqlStore):
    sent = message(candidates=f"{SPARE} {CARRIER}")
    await submit(store, sent)
    assert await lane(store, CARRIER) == []
    (waiting,) = await store.waiting(SPARE, 10)
    assert isinstance(waiting, Waiting)
    assert all(getattr(waiting, name) == getattr(sent, name) for name in KEEP)


async def test_the_first_event_tells_where_it_waits(store: SqlStore):
    queued, scheduled = message(flags=Flag.CALLBACK), message(scheduled_for=NOW + HOUR)
    await submit(store, queued, scheduled)
    assert await told(store, queued) == ["queued"]
    assert await told(store, scheduled) == ["scheduled"]
    (first,) = await events(store, queued)
    assert (first.callback, first.test, first.created_at, first.account_id) == (True, False, NOW, ACCOUNT)


async def test_a_scheduled_message_is_in_no_lane(store: SqlStore):
    scheduled = message(scheduled_for=NOW + HOUR)
    await submit(store, scheduled)
    assert await lane(store) == []
    assert await store.due(NOW + HOUR - 1, 10) == []
    assert [item.id for item in await store.due(NOW + HOUR, 10)] == [scheduled.id]


async def test_a_lane_is_ordered_by_class_then_rank_then_age(store: SqlStore):
    late, early = message(rank=2), message(rank=1)
    code, bulk = message(message_class="otp", rank=9), message(message_class="marketing", rank=0)
    twin = message(rank=1)
    await submit(store, bulk, late, early, code, twin)
    assert await lane(store) == [code.id, early.id, twin.id, late.id, bulk.id]
    assert [item.id for item in await store.waiting(CARRIER, 2)] == [code.id, early.id]


# ---------------------------------------------------------------- money


async def test_the_price_is_held(store: SqlStore):
    await submit(store, *many(3))
    assert await balance(store) == (CREDIT - 3 * PRICE, 3 * PRICE, 0)


@pytest.mark.parametrize("changes", [{"test": True}, {"price_micros": 0}])
async def test_what_costs_nothing_touches_no_ledger(store: SqlStore, changes: dict[str, object]):
    sent = message(**changes)
    assert await submit(store, sent) == Stored()
    assert (await load(store, sent)).held_micros == 0
    assert await balance(store) == (CREDIT, 0, 0)


async def test_as_many_as_the_balance_covers_are_stored_in_order(store: SqlStore):
    dear = message(price_micros=CREDIT - PRICE)
    sent = [dear, *many(3)]
    stored = await submit(store, *sent)
    assert stored == Stored(uncovered=(sent[2].id, sent[3].id))
    assert await lane(store) == [sent[0].id, sent[1].id]
    assert await balance(store) == (0, CREDIT, 0)


async def test_a_dear_message_does_not_keep_out_a_cheap_one_behind_it(store: SqlStore):
    dear, cheap = message(price_micros=CREDIT + 1), message()
    assert await submit(store, dear, cheap) == Stored(uncovered=(dear.id,))
    assert await lane(store) == [cheap.id]


async def test_one_poor_account_does_not_touch_another_of_the_same_list(store: SqlStore):
    await store.write(top_up(OTHER_ACCOUNT, PRICE))
    poor = many(2, account_id=OTHER_ACCOUNT)
    rich = message()
    stored = await store.accept([Submission((poor[0],)), Submission((rich,)), Submission((poor[1],))])
    assert stored == [Stored(), Stored(), Stored(uncovered=(poor[1].id,))]
    assert await balance(store, OTHER_ACCOUNT) == (0, PRICE, 0)
    assert await balance(store) == (CREDIT - PRICE, PRICE, 0)


async def test_an_account_without_a_balance_is_covered_for_nothing(store: SqlStore):
    sent = message(account_id="AC" + "c" * 32)
    assert await submit(store, sent) == Stored(uncovered=(sent.id,))
    assert await store.messages([sent.id]) == []


# ---------------------------------------------------------------- idempotency


def verdicts(raw: bytes) -> list[Verdict]:
    return msgspec.json.decode(raw, type=list[Verdict])


async def test_a_key_is_kept_with_its_verdicts(store: SqlStore):
    sent = many(2)
    row = key(sent)
    assert await store.accept([Submission(tuple(sent), row)]) == [Stored()]
    (kept,) = await store.kept(ACCOUNT, "rest", "k1")
    assert (kept.fingerprint, kept.chunk, kept.chunks) == (b"f", 0, 1)
    assert verdicts(kept.verdicts) == list(row.verdicts)


async def test_a_taken_key_stores_nothing_of_the_submission(store: SqlStore):
    first, second = message(), message()
    await store.accept([Submission((first,), key([first]))])
    audit = Write("cursor_set", (("also", 1),))
    stored = await store.accept([Submission((second,), key([second]), (audit,))])
    assert stored == [Stored(key_taken=True)]
    assert await lane(store) == [first.id]
    assert await store.fetch(int, "cursor_by_name", "also") == []
    assert await balance(store) == (CREDIT - PRICE, PRICE, 0)


async def test_of_two_with_one_key_in_one_list_the_first_wins(store: SqlStore):
    first, second, free = message(), message(), message()
    stored = await store.accept(
        [Submission((first,), key([first])), Submission((second,), key([second])), Submission((free,))]
    )
    assert stored == [Stored(), Stored(key_taken=True), Stored()]
    assert await lane(store) == [first.id, free.id]


@pytest.mark.parametrize("changes", [{"door": "twilio"}, {"account_id": OTHER_ACCOUNT}, {"chunk": 1, "chunks": 2}])
async def test_the_scope_of_a_key_is_account_door_and_chunk(store: SqlStore, changes: dict[str, object]):
    first, second = message(), message()
    await store.accept([Submission((first,), key([first]))])
    assert await store.accept([Submission((second,), key([second], **changes))]) == [Stored()]


async def test_a_refused_request_keeps_no_key(store: SqlStore):
    dear = message(price_micros=CREDIT + 1)
    audit = Write("cursor_set", (("also", 1),))
    stored = await store.accept([Submission((dear,), key([dear]), (audit,))])
    assert stored == [Stored(uncovered=(dear.id,))]
    assert await store.kept(ACCOUNT, "rest", "k1") == []
    assert await store.fetch(int, "cursor_by_name", "also") == []


async def test_kept_verdicts_say_what_the_balance_did_not_cover(store: SqlStore):
    cheap, dear = message(), message(price_micros=CREDIT)
    await store.accept([Submission((cheap, dear), key([cheap, dear]))])
    (kept,) = await store.kept(ACCOUNT, "rest", "k1")
    assert verdicts(kept.verdicts) == [Verdict(id=cheap.id, state="queued"), Verdict(code="insufficient_balance")]


async def test_a_chunk_of_a_batch_keeps_its_key_even_when_nothing_was_covered(store: SqlStore):
    dear = message(price_micros=CREDIT + 1)
    await store.accept([Submission((dear,), key([dear], chunk=1, chunks=2))])
    (kept,) = await store.kept(ACCOUNT, "rest", "k1")
    assert verdicts(kept.verdicts) == [Verdict(code="insufficient_balance")]


async def test_chunks_come_back_in_order(store: SqlStore):
    rows = [key([], chunk=chunk, chunks=3) for chunk in (2, 0, 1)]
    await store.accept([Submission((), row) for row in rows])
    assert [kept.chunk for kept in await store.kept(ACCOUNT, "rest", "k1")] == [0, 1, 2]


# ---------------------------------------------------------------- also


async def test_further_writes_are_part_of_the_commit(store: SqlStore):
    sent = message()
    also = (Write("cursor_set", (("campaign", 7), ("other", 8))),)
    await store.accept([Submission((sent,), also=also), Submission((), also=(Write("cursor_set", (("third", 9),)),))])
    found = [await store.fetch(int, "cursor_by_name", name) for name in ("campaign", "other", "third")]
    assert found == [[7], [8], [9]]


async def test_a_failing_further_write_undoes_the_message(store: SqlStore):
    sent = message()
    row: Idempotency = key([sent])
    with pytest.raises(Exception, match=NOT_NULL):
        await store.accept([Submission((sent,), row, (Write("cursor_set", (("campaign", None),)),))])
    assert await store.messages([sent.id]) == []
    assert await store.kept(ACCOUNT, "rest", "k1") == []
    assert await balance(store) == (CREDIT, 0, 0)


async def test_an_empty_list_stores_nothing(store: SqlStore):
    assert await store.accept([]) == []
    assert await store.last_position() == 0


async def test_a_list_that_is_larger_than_any_chunk_of_statements(store: SqlStore):
    await store.write([Write("balance_top_up", ((ACCOUNT, 10**9),)), Write("ledger_insert", (_movement(10**9),))])
    sent: list[Message] = many(777)
    assert await submit(store, *sent) == Stored()
    assert await lane(store) == [item.id for item in sent]
    assert (await balance(store))[1] == 777 * PRICE


def _movement(micros: int) -> tuple[object, ...]:
    return (ACCOUNT, None, "top_up", "bank", "available", micros, "", NOW)
