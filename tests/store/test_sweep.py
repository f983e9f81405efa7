"""What the sweep asks of the store: schedules that fall due, retention; and erasure."""

import msgspec
import pytest
from store_samples import (
    ACCOUNT,
    CARRIER,
    CREDIT,
    HOUR,
    INDEXED,
    NOW,
    PRICE,
    SECOND,
    SPARE,
    attempts,
    balance,
    claim,
    events,
    key,
    lane,
    load,
    many,
    message,
    positions,
    state,
    submit,
    told,
)

from whimbrel.base.clock import DAY_US
from whimbrel.base.ids import MESSAGE, floor_id
from whimbrel.domain.model import Event, Flag, Message
from whimbrel.store.interface import Deliveries, Due, Ending, Submission, Wait
from whimbrel.store.store import SqlStore


def due(wanted: Message, price: int = PRICE, candidates: str = SPARE) -> Due:
    return Due(wanted.id, candidates, "RT1", price, 5, NOW + HOUR)


async def test_a_scheduled_message_enters_the_queue_with_the_route_of_now(store: SqlStore):
    sent = message(scheduled_for=NOW + HOUR)
    await submit(store, sent)
    await store.enqueue([due(sent)])
    stored = await load(store, sent)
    assert (stored.state, stored.candidates, stored.route_id, stored.rank) == ("queued", SPARE, "RT1", 5)
    assert (await lane(store, SPARE), await lane(store)) == ([sent.id], [])
    assert await store.due(NOW + 2 * HOUR, 10) == []
    assert await told(store, sent) == ["scheduled", "queued"]
    ((attempt,),) = await claim(store, sent, carrier=SPARE)
    assert attempt


async def test_a_queued_message_whose_carrier_is_gone_changes_its_lane(store: SqlStore):
    sent = message()
    await submit(store, sent)
    assert await lane(store) == [sent.id]
    await store.enqueue([due(sent, PRICE // 2)])
    stored = await load(store, sent)
    assert (stored.state, stored.candidates, stored.route_id, stored.rank) == ("queued", SPARE, "RT1", 5)
    assert (await lane(store, SPARE), await lane(store)) == ([sent.id], [])
    assert await balance(store) == (CREDIT - PRICE // 2, PRICE // 2, 0)
    assert await told(store, sent) == ["queued"]
    ((attempt,),) = await claim(store, sent, carrier=SPARE)
    assert attempt
    assert await lane(store, SPARE) == []


@pytest.mark.parametrize("price", [PRICE // 2, PRICE, 2 * PRICE])
async def test_the_hold_follows_the_price_of_now(store: SqlStore, price: int):
    sent = message(scheduled_for=NOW + HOUR)
    await submit(store, sent)
    await store.enqueue([due(sent, price)])
    stored = await load(store, sent)
    assert (stored.price_micros, stored.held_micros) == (price, price)
    assert await balance(store) == (CREDIT - price, price, 0)


async def test_a_price_that_is_not_covered_rejects_the_message(store: SqlStore):
    dear, fine = many(2, scheduled_for=NOW + HOUR)
    await submit(store, dear, fine)
    await store.enqueue([due(dear, CREDIT + 1), due(fine)])
    stored = await load(store, dear)
    assert (stored.state, stored.reason, stored.held_micros) == ("rejected", "insufficient_balance", 0)
    assert await state(store, fine) == "queued"
    assert await balance(store) == (CREDIT - PRICE, PRICE, 0)


async def test_test_traffic_holds_nothing_when_it_falls_due(store: SqlStore):
    sent = message(scheduled_for=NOW + HOUR, test=True, price_micros=0)
    await submit(store, sent)
    await store.enqueue([due(sent)])
    assert await balance(store) == (CREDIT, 0, 0)


async def test_what_is_not_scheduled_any_more_is_left_alone(store: SqlStore):
    canceled, twice = many(2, scheduled_for=NOW + HOUR)
    await submit(store, canceled, twice)
    await store.finish([Ending(canceled.id, ("scheduled",), "canceled", "canceled", NOW)])
    await store.enqueue([due(canceled), due(twice), due(twice), due(message())])
    assert await state(store, canceled) == "canceled"
    assert await told(store, twice) == ["scheduled", "queued"]


async def test_due_messages_come_in_the_order_of_their_time(store: SqlStore):
    second, first = message(scheduled_for=NOW + 2 * SECOND), message(scheduled_for=NOW + SECOND)
    await submit(store, second, first)
    assert [item.id for item in await store.due(NOW + HOUR, 10)] == [first.id, second.id]
    assert [item.id for item in await store.due(NOW + HOUR, 1)] == [first.id]


# ---------------------------------------------------------------- retention


def at(moment: int, **changes: object) -> Message:
    """A message whose id was made at `moment`."""
    number = int(floor_id(MESSAGE, moment)[2:], 16) + at_count(1 << 16)
    return message(id=f"SM{number:032x}", created_at=moment, due_at=moment, expires_at=moment + HOUR, **changes)


_MADE = [0]


def at_count(step: int) -> int:
    _MADE[0] += step
    return _MADE[0]


async def final(store: SqlStore, *messages: Message) -> None:
    await submit(store, *messages)
    await claim(store, *messages)
    await store.finish([Ending(item.id, ("sending",), "failed", "carrier_rejected", NOW) for item in messages])


async def test_old_final_messages_go_with_all_that_is_theirs(store: SqlStore):
    old, new = at(NOW - 40 * DAY_US), at(NOW)
    await final(store, old, new)
    await store.write([INDEXED])
    assert await store.purge({"messages": NOW - 30 * DAY_US}, 100) == 1
    assert await store.messages([old.id]) == []
    assert await events(store, old) == []
    assert await store.fetch(tuple, "messages_existing", [old.id]) == []
    assert await state(store, new) == "failed"
    assert len(await attempts(store, new)) == 1
    assert len(await events(store, new)) == 3


async def test_events_that_would_go_earlier_than_their_messages_go_by_themselves(store: SqlStore):
    """With many partitions it is dear to look for what is not there any more."""
    old = at(NOW - 40 * DAY_US)
    await final(store, old, at(NOW))
    await store.purge({"messages": NOW - 30 * DAY_US, "events": NOW - 20 * DAY_US}, 100)
    assert await store.messages([old.id]) == []
    left = await store.fetch(Event, "events_of_subject", old.account_id, old.id)
    assert [event.type for event in left] == ["message.sending", "message.failed"], "those are young"


async def test_events_that_would_be_kept_for_longer_go_with_their_messages(store: SqlStore):
    old = at(NOW - 40 * DAY_US)
    await final(store, old, at(NOW))
    await store.purge({"messages": NOW - 20 * DAY_US, "events": NOW - 30 * DAY_US}, 100)
    assert await events(store, old) == []


async def test_old_messages_that_are_not_final_stay(store: SqlStore):
    old = at(NOW - 40 * DAY_US)
    await submit(store, old)
    assert await store.purge({"messages": NOW}, 100) == 0
    assert await lane(store) == [old.id]


async def test_the_ledger_outlives_its_messages(store: SqlStore):
    old = at(NOW - 40 * DAY_US)
    await final(store, old)
    before = await balance(store)
    await store.purge({"messages": NOW}, 100)
    assert await balance(store) == before == (CREDIT, 0, 0)


async def test_a_purge_takes_no_more_than_its_limit(store: SqlStore):
    await final(store, *[at(NOW - 40 * DAY_US) for _ in range(5)], at(NOW))
    assert [await store.purge({"messages": NOW - DAY_US}, 2) for _ in range(4)] == [2, 2, 1, 0]


async def test_positions_are_never_given_out_again(store: SqlStore):
    """A follower's cursor stands on the last event; were the log emptied, new events would hide below it."""
    old = at(NOW - 40 * DAY_US)
    await submit(store, old)
    last = await store.last_position()
    assert await store.purge({"events": NOW + 3 * DAY_US}, 100) == 0
    await submit(store, message())
    newer = await store.last_position()
    assert newer > last
    assert await store.purge({"events": NOW + 3 * DAY_US}, 100) == 1
    assert await positions(store) == [newer]


async def test_old_keys_are_free_again(store: SqlStore):
    sent = message()
    await store.accept([Submission((sent,), key([sent]))])
    assert await store.purge({"idempotency": NOW}, 100) == 0
    assert await store.purge({"idempotency": NOW + 1}, 100) == 1
    assert await store.kept(ACCOUNT, "rest", "k1") == []


async def test_kinds_without_rows_purge_nothing(store: SqlStore):
    kinds = ("messages", "events", "dead", "idempotency", "parked", "tries", "seen")
    assert await store.purge(dict.fromkeys(kinds, NOW), 100) == 0


async def test_an_unknown_kind_is_an_error(store: SqlStore):
    with pytest.raises(Exception, match="everything"):
        await store.purge({"everything": NOW}, 100)


# ---------------------------------------------------------------- erasure


async def test_redaction_leaves_no_text_and_no_number(store: SqlStore):
    sent = message(options='{"metadata":{"name":"Ada"}}', flags=Flag.CALLBACK)
    await final(store, sent)
    await store.redact([sent.id], NOW + HOUR)
    stored = await load(store, sent)
    assert (stored.text, stored.recipient, stored.sender, stored.options) == ("", "", "", "{}")
    assert stored.flags & Flag.REDACTED
    assert (stored.recipient_hash, stored.sender_hash, stored.state) == (11, 12, "failed")
    assert (await told(store, sent))[-1] == "redacted"


async def test_redacting_twice_tells_once(store: SqlStore):
    sent = message()
    await final(store, sent)
    await store.redact([sent.id], NOW + HOUR)
    await store.redact([sent.id, message().id], NOW + HOUR)
    assert (await told(store, sent)).count("redacted") == 1


async def test_only_final_messages_are_deleted(store: SqlStore):
    done, waiting = message(), message()
    await final(store, done)
    await submit(store, waiting)
    await store.write([INDEXED])
    await store.delete_messages([done.id, waiting.id])
    assert await store.messages([done.id]) == []
    assert [await looked_up(store, number_hash) for number_hash in (11, 12)] == [(1, waiting.id)] * 2
    assert await lane(store, CARRIER) == [waiting.id]
    assert await told(store, waiting) == ["queued"]


class Stretch(msgspec.Struct, frozen=True):
    """A row of `message_numbers_stretch`."""

    count: int
    oldest: str


async def looked_up(store: SqlStore, number_hash: int) -> tuple[int, str]:
    """How many messages are found by a number, and the oldest of them."""
    (row,) = await store.fetch(Stretch, "message_numbers_stretch", number_hash, "SM", "SN", 10)
    return row.count, row.oldest


async def test_dead_deliveries_go_and_those_that_wait_stay(store: SqlStore):
    waits = [_wait(number, next_at) for number, next_at in ((1, None), (2, NOW), (3, None))]
    await store.record_deliveries(Deliveries(waits=tuple(waits)))
    assert await store.purge({"dead": NOW + 2}, 100) == 1
    left = await store.fetch(Wait, "deliveries_page", "WH1", "", "DM", 10)
    assert {wait.id for wait in left} == {"DL2", "DL3"}


def _wait(number: int, next_at: int | None) -> Wait:
    made = NOW + number
    return Wait(f"DL{number}", "WH1", ACCOUNT, 1, "EV1", "message.sent", "https://a", "event", 1, next_at, made, "")
