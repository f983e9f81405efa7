"""The event log and what follows it: cursors, deliveries, look-ups by number, lists."""

import pytest
from store_samples import (
    ACCOUNT,
    CARRIER,
    HOUR,
    INDEXED,
    NOT_NULL,
    NOW,
    OTHER_ACCOUNT,
    SECOND,
    claim,
    many,
    message,
    positions,
    submit,
    top_up,
)

from whimbrel.base.ids import event_id
from whimbrel.domain.events import Interest, types_of
from whimbrel.domain.model import Flag, Message
from whimbrel.store import reads
from whimbrel.store.interface import Deliveries, Ending, Search, Try, Wait, Write
from whimbrel.store.store import SqlStore

WEBHOOK = "WH" + "1" * 32


def wait(name: str, next_at: int | None, tries: int = 1) -> Wait:
    return Wait(
        name,
        WEBHOOK,
        ACCOUNT,
        7,
        event_id("SM" + "0" * 32, 1),
        "message.sent",
        "https://e.example/",
        "event",
        tries,
        next_at,
        NOW,
        "500",
    )


def attempt(ok: bool) -> Try:
    return Try(
        None,
        WEBHOOK,
        ACCOUNT,
        7,
        event_id("SM" + "0" * 32, 1),
        "message.sent",
        1,
        NOW,
        12,
        200 if ok else 500,
        None,
        "",
        ok,
    )


async def add_webhook(store: SqlStore, cursor: int) -> None:
    row = (
        WEBHOOK,
        ACCOUNT,
        0,
        "https://e.example/",
        '["*"]',
        "",
        b"s",
        None,
        None,
        "active",
        None,
        0,
        cursor,
        NOW,
        NOW,
    )
    await store.write([Write("webhook_insert", (row,))])


async def cursor(store: SqlStore, name: str) -> list[int]:
    return await store.fetch(int, "webhook_cursor" if name == WEBHOOK else "cursor_by_name", name)


# ---------------------------------------------------------------- events


async def test_events_stand_in_the_order_of_their_commits(store: SqlStore):
    first, second = message(), message()
    await submit(store, second)
    await submit(store, first)
    await claim(store, second)
    found = await store.events_after(0, 10)
    assert [(event.subject_id, event.type) for event in found] == [
        (second.id, "message.queued"),
        (first.id, "message.queued"),
        (second.id, "message.sending"),
    ]
    positions = [event.position for event in found]
    assert positions == sorted(set(positions))
    assert await store.last_position() == positions[-1]


async def test_following_goes_on_after_a_position(store: SqlStore):
    await submit(store, *many(5))
    first = await store.events_after(0, 2)
    rest = await store.events_after(first[-1].position, 10)
    assert (len(first), len(rest)) == (2, 3)
    assert await store.events_after(rest[-1].position, 10) == []


async def test_events_with_a_callback_can_be_followed_alone(store: SqlStore):
    told, silent = message(flags=Flag.CALLBACK), message()
    await submit(store, silent, told)
    found = await store.events_after(0, 10, callbacks_only=True)
    assert [(event.subject_id, event.callback) for event in found] == [(told.id, True)]


# ---------------------------------------------------------------- deliveries


@pytest.mark.parametrize("name", [WEBHOOK, "follower"])
async def test_a_cursor_only_moves_forward(store: SqlStore, name: str):
    await add_webhook(store, 3)
    await store.record_deliveries(Deliveries(cursors=((name, 9),)))
    await store.record_deliveries(Deliveries(cursors=((name, 5),)))
    assert await cursor(store, name) == [9]


async def test_a_waiting_delivery_is_replaced_and_done(store: SqlStore):
    await store.record_deliveries(Deliveries(waits=(wait("DL1", NOW), wait("DL2", NOW + SECOND))))
    assert await store.fetch(Wait, "deliveries_due", NOW, 10) == [wait("DL1", NOW)]
    again = wait("DL1", NOW + HOUR, tries=2)
    await store.record_deliveries(Deliveries(tries=(attempt(False),), waits=(again,), done=("DL2",)))
    assert await store.fetch(Wait, "deliveries_due", NOW + HOUR, 10) == [again]


async def test_a_dead_delivery_is_never_due(store: SqlStore):
    await store.record_deliveries(Deliveries(waits=(wait("DL1", NOW),)))
    await store.record_deliveries(Deliveries(waits=(wait("DL1", None),)))
    assert await store.fetch(Wait, "deliveries_due", 2**62, 10) == []


async def test_a_batch_of_results_is_one_commit(store: SqlStore):
    broken = Write("cursor_set", (("other", None),))
    with pytest.raises(Exception, match=NOT_NULL):
        await store.record_deliveries(Deliveries(waits=(wait("DL1", NOW),), cursors=(("follower", 9),), also=(broken,)))
    assert await cursor(store, "follower") == []
    assert await store.fetch(Wait, "deliveries_due", NOW, 10) == []


async def test_tries_are_kept_until_their_retention_ends(store: SqlStore):
    await store.record_deliveries(Deliveries(tries=(attempt(True), attempt(False))))
    assert await store.purge({"tries": NOW}, 10) == 0
    assert await store.purge({"tries": NOW + 1}, 10) == 2


# ---------------------------------------------------------------- lists


async def ids(store: SqlStore, limit: int = 100, **changes: object) -> list[str]:
    wanted = {"account_id": ACCOUNT, "test": False, **changes}
    return [item.id for item in await store.search(Search(**wanted), limit)]


async def test_a_list_is_newest_first_in_pages(store: SqlStore):
    sent = many(5)
    await submit(store, *sent)
    newest = [item.id for item in reversed(sent)]
    assert await ids(store) == newest
    assert await ids(store, limit=2) == newest[:2]
    assert await ids(store, limit=2, before_id=newest[1]) == newest[2:4]
    assert await ids(store, before_id=newest[-1]) == []


async def test_a_list_shows_one_account_and_one_mode(store: SqlStore):
    await store.write(top_up(OTHER_ACCOUNT, 10**9))
    mine, test, others = message(), message(test=True), message(account_id=OTHER_ACCOUNT)
    await submit(store, mine, test, others)
    assert await ids(store) == [mine.id]
    assert await ids(store, test=True) == [test.id]
    assert await ids(store, account_id=OTHER_ACCOUNT) == [others.id]


@pytest.mark.parametrize(
    ("search", "fits"),
    [
        ({"direction": "out"}, True),
        ({"direction": "in"}, False),
        ({"states": ("sending",)}, True),
        ({"states": ("queued", "sending")}, True),
        ({"states": ("queued",)}, False),
        ({"sender": "Whimbrel"}, True),
        ({"sender": "Curlew"}, False),
        ({"message_class": "transactional"}, True),
        ({"message_class": "otp"}, False),
        ({"carrier_id": CARRIER}, True),
        ({"carrier_id": "CR0"}, False),
        ({"tag": "spring"}, True),
        ({"tag": "spr"}, False),
        ({"created_from": NOW, "created_to": NOW + 1}, True),
        ({"created_from": NOW + 1}, False),
        ({"created_to": NOW}, False),
        ({"number_hash": 11}, True),
        ({"number_hash": 12}, True),
        ({"number_hash": 13}, False),
        ({"number_hash": 11, "recipient_hash": 11}, True),
        ({"number_hash": 12, "recipient_hash": 12}, False),
        ({"number_hash": 11, "states": ("queued",)}, False),
    ],
)
async def test_a_list_by(store: SqlStore, search: dict[str, object], fits: bool):
    sent: Message = message(options='{"tags":["spring","sale"]}')
    await submit(store, sent)
    await store.write([INDEXED])
    await claim(store, sent)
    assert await ids(store, **search) == ([sent.id] if fits else [])


async def test_a_look_up_by_number_is_newest_first_and_may_be_filled_twice(store: SqlStore):
    sent = many(3)
    await submit(store, *sent)
    look_ups = INDEXED
    await store.write([look_ups])
    assert await store.write([look_ups]) == [0]
    assert await ids(store, number_hash=11, limit=2) == [sent[2].id, sent[1].id]


async def test_deleted_messages_are_not_found_by_number(store: SqlStore):
    sent = message()
    await submit(store, sent)
    await store.write([INDEXED])
    await store.finish([Ending(sent.id, ("queued",), "canceled", "canceled", NOW)])
    await store.delete_messages([sent.id])
    assert await ids(store, number_hash=11) == []


# an account's events: stretch by stretch


def strangers(count: int) -> Write:
    rows = [(OTHER_ACCOUNT, 0, f"OO{n:032x}", 1, "opt_out.created", "{}", 0, NOW) for n in range(count)]
    return Write("event_insert", tuple(rows))


OWN = Interest(ACCOUNT, False, types_of(("*",)))


async def walk(store: SqlStore, limit: int = 50) -> tuple[list[int], list[int]]:
    """Positions of an account's events, and where each read reached, until one reached no further."""
    found: list[int] = []
    reached = [0]
    while True:
        part = await store.account_events(OWN, reached[-1], limit)
        found += [event.position for event in part.events]
        if part.reached == reached[-1]:
            return found, reached[1:]
        reached.append(part.reached)


async def test_a_quiet_account_looks_through_so_much_and_goes_on(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "EVENTS_SCAN_MAX", 10)
    await submit(store, message())
    await store.write([strangers(33)])
    await submit(store, message())
    log = await positions(store)
    assert len(log) == 35
    assert await walk(store) == ([log[0], log[34]], [log[9], log[19], log[29], log[34]])
    assert await walk(store, limit=1) == ([log[0], log[34]], [log[0], log[10], log[20], log[30], log[34]])


async def test_other_types_do_not_fill_a_page(store: SqlStore) -> None:
    await submit(store, *(message() for _ in range(5)))
    row = (ACCOUNT, 0, f"OO{1:032x}", 1, "opt_out.created", "{}", 0, NOW)
    await store.write([Write("event_insert", (row,))])
    rare = Interest(ACCOUNT, False, frozenset({"opt_out.created"}))
    part = await store.account_events(rare, 0, 2)
    assert ([event.type for event in part.events], part.reached) == (["opt_out.created"], await store.last_position())
    part = await store.account_events(rare, 0, 1)
    assert part.reached == await store.last_position()


async def test_what_was_purged_is_passed_over_at_once(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "EVENTS_SCAN_MAX", 10)
    await store.write([strangers(60)])
    await submit(store, message())
    await store.write([Write("events_purge", ((NOW + 1, 60),))])
    last = await store.last_position()
    assert await walk(store) == ([last], [last])


@pytest.mark.parametrize("position", [0, 99])
async def test_an_empty_log_and_a_place_behind_its_end(store: SqlStore, position: int) -> None:
    part = await store.account_events(OWN, position, 10)
    assert (part.events, part.reached) == ([], position)
