"""The log of hooks in the store: it goes with time, what a call held before its row, and the newest news stay."""

from typing import Any

from store_samples import ACCOUNT, HOUR, NOW

from whimbrel.domain.hooks import HookCall, HookOutcome
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns
from whimbrel.store.store import SqlStore

HOOK = "HK1"


def a_call(id_: str, at: int, payload_until: int) -> HookCall:
    return HookCall(id_, ACCOUNT, HOOK, "sent", "", 1, 1, 9, None, b"sealed", payload_until, at)


def an_outcome(call: HookCall) -> HookOutcome:
    about: dict[str, Any] = {"event_type": "t", "event_id": "1", "rule": "r", "verdict": "sent", "reason": ""}
    return HookOutcome(
        call_id=call.id, number=0, account_id=ACCOUNT, hook_id=HOOK, detail="", message_id="SM1", taken=call.id,
        created_at=call.created_at, **about,
    )  # fmt: skip


async def call_ids(store: SqlStore) -> list[str]:
    return [call.id for call in await store.fetch(HookCall, "hook_calls_page", HOOK, "~", 9)]


async def payload(store: SqlStore, call: HookCall) -> bytes | None:
    (row,) = await store.fetch(HookCall, "hook_call_by_id", call.id, HOOK)
    return row.payload


async def latest(store: SqlStore) -> list[tuple[Any, ...]]:
    return sorted(await store.fetch(lambda *row: row, "hook_latest_of", HOOK, ["old", "new"]))


async def test_old_calls_go_and_what_they_held_goes_before(store: SqlStore) -> None:
    old, kept, new = a_call("HC1", NOW - 9 * HOUR, NOW + HOUR), a_call("HC2", NOW, NOW - 1), a_call("HC3", NOW, NOW + 1)
    calls = (old, kept, new)
    news = (("old", NOW - 9 * HOUR), ("new", NOW))
    await store.write(
        [
            Write("hook_call_insert", tuple(to_columns(call) for call in calls)),
            Write("hook_outcome_insert", tuple(to_columns(an_outcome(call)) for call in calls)),
            Write("hook_latest_put", tuple((HOOK, subject, ACCOUNT, 1, at) for subject, at in news)),
        ]
    )
    before = dict.fromkeys(("hook_calls", "hook_outcomes", "hook_latest"), NOW - HOUR) | {"hook_payloads": NOW}
    await store.purge(before, 10)
    assert await call_ids(store) == [new.id, kept.id]
    assert [await payload(store, call) for call in (kept, new)] == [None, b"sealed"]
    taken = await store.fetch(lambda *row: row, "hook_taken", HOOK, [call.id for call in calls])
    assert sorted(row[0] for row in taken) == [kept.id, new.id]
    assert await latest(store) == [("new", 1)]


async def test_older_news_change_nothing(store: SqlStore) -> None:
    def put(at: int) -> Write:
        return Write("hook_latest_put", ((HOOK, "new", ACCOUNT, at, NOW),))

    assert [await store.turn(put(at), ()) for at in (5, 4, 5, 6)] == [True, False, True, True]
    assert await latest(store) == [("new", 6)]
