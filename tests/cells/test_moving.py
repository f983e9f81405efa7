"""An account moves: everything arrives as it was, once, whatever ends the process that moves it and wherever; never two
cells serve it; what carriers and phones say meanwhile is not lost.
"""

import asyncio
import os
import signal
import sys

import pytest

from tests.cells import account as samples
from tests.cells.account import NAMES, Cell, Furnished
from tests.store.store_samples import balance
from whimbrel.base.clock import SeededChance, SystemClock
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.events import Interest, types_of
from whimbrel.journey.follower import cursor
from whimbrel.journey.moving import Moving
from whimbrel.journey.owed import Owed

EVERYTHING = Interest(None, None, types_of(("*",)))
IN_ORDER = (
    "move.expected", "move.departed", "move.brought", "move.before_close", "move.closed", "move.activated",
    "move.arrived", "move.placed", "move.cleared",
)  # fmt: skip
POINTS = sorted(IN_ORDER)


async def finish(cells: tuple[Cell, Cell], account: Furnished, moved: Moving | None = None) -> None:
    """Go on until it is done, time passing; what was on the air is answered on the way."""
    eu, us = cells
    moved = moved or samples.mover(eu, us)
    for _ in range(20):
        await samples.follow(eu)
        await samples.follow(us)
        if await moved.look():
            return
        assert len(await samples.active_in(cells, account)) <= 1
        if await eu.rows("SELECT 1 FROM messages WHERE id = $1 AND state = 'sending'", account.messages["sending"].id):
            await samples.answer(eu, account.messages["sending"].id, "id9")
        eu.clock.advance(6.0)
    raise AssertionError(await eu.moves.out())


async def test_everything_arrives_as_it_was(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    before, waited = await samples.held(eu, account), await samples.waiting(eu)
    assert all(before.values()) or [table for table, rows in before.items() if not rows] == [
        "deliveries",
        "delivery_tries",
    ]
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    eu.clock.advance(60.0)
    await finish(cells, account)
    assert await samples.held(us, account) == before
    assert _sorted(await samples.waiting(us)) == _sorted(waited)
    left = await samples.held(eu, account)
    assert [table for table, rows in left.items() if rows] == ["accounts"]
    assert (await samples.waiting(eu)) == {"queue": [], "schedule": [], "deadlines": []}
    assert await samples.active_in(cells, account) == ["us"]
    assert await eu.rows("SELECT * FROM parcels") == await us.rows("SELECT * FROM arrivals") == []


async def test_people_go_with_their_account_and_sign_in_again_there(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await finish(cells, account)
    for table in (
        "users",
        "passkeys",
        "sign_in_codes",
        "saved_views",
        "canned_answers",
        "hooks",
        "hook_calls",
        "hook_outcomes",
        "hook_latest",
        "flow_runs",
        "schedules",
        "schedule_outcomes",
        "contacts",
        "contact_changes",
        "contact_fields",
        "contact_labels",
        "contact_segments",
        "contact_imports",
        "contact_import_parts",
        "contact_import_errors",
        "contact_starts",
        "links",
        "media",
        "media_data",
        "message_media",
        "link_clicks",
        "link_conversions",
        "link_figures",
        "link_settings",
        "conversations",
        "conversation_notes",
        "conversation_days",
        "desks",
        "verify_services",
        "verifications",
        "verify_attempts",
        "verify_numbers",
        "verify_counts",
        "verify_channel_counts",
        "verify_rate_limits",
        "verify_buckets",
        "verify_bucket_counts",
        "verify_blocks",
        "verify_safe",
        "verify_entities",
        "verify_factors",
        "verify_challenges",
        "verify_guesses",
        "templates",
        "template_versions",
        "usage_figures",
    ):
        assert await eu.rows(f"SELECT * FROM {table}") == []
        assert len(await us.rows(f"SELECT * FROM {table}")) == 1, table
    assert await eu.rows("SELECT * FROM sessions") == await us.rows("SELECT * FROM sessions") == []


async def test_an_address_that_somebody_has_there_is_left_to_them(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await us.rows("INSERT INTO users SELECT 'US1', NULL, 'US-eu@example.com', '', '', '', '', NULL, 0, 0, 0, '', 1, 1")
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await finish(cells, account)
    assert [row["id"] for row in await us.rows("SELECT id FROM users")] == ["US1"]
    assert await us.rows("SELECT * FROM passkeys") == []


async def test_the_ledger_adds_up_in_the_new_cell(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await finish(cells, account)
    for each in (account.id, account.sub_id):
        available, held, spent = await balance(us.store, each)
        (sums,) = await us.rows(
            "SELECT sum(held_micros), sum(charged_micros) FROM messages WHERE account_id = $1", each
        )
        assert (held, spent) == (sums[0], sums[1])
        assert available + held + spent == 100_000_000


async def test_a_text_that_a_carrier_has_not_answered_for_is_waited_for(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await samples.follow(eu)
    eu.clock.advance(60.0)
    moved = samples.mover(eu, us)
    assert not await moved.look()
    (move,) = await eu.moves.out()
    assert move.state == "departing"
    assert "have not answered for" in move.waits_for
    assert await samples.active_in(cells, account) == []
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await finish(cells, account, moved)
    assert await samples.receipt(us, "id9") == "applied"


async def test_an_event_that_a_webhook_has_not_been_told_of_is_waited_for(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    eu.clock.advance(60.0)
    moved = samples.mover(eu, us)
    assert not await moved.look()
    assert len(await eu.rows("SELECT 1 FROM messages")) == 8  # all of them, with what a phone wrote
    await finish(cells, account, moved)
    assert await samples.active_in(cells, account) == ["us"]


async def test_a_receipt_finds_its_attempt_in_one_cell_at_any_time(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    assert await samples.receipt(eu, "id1") == "applied"
    await finish(cells, account)
    assert await samples.receipt(eu, "id2") == "parked"
    assert await samples.receipt(us, "id2", tail=23) == "applied"  # in doubt: found by the number's tail
    (row,) = await us.rows("SELECT state FROM messages WHERE id = $1", account.messages["in_doubt"].id)
    assert row["state"] == "delivered"


async def test_a_stop_that_comes_late_to_the_old_cell_is_brought_after(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    moved = samples.mover(eu, us)
    while not await samples.active_in(cells, account):
        await samples.follow(eu)
        assert not await moved.look()
        eu.clock.advance(6.0)
    assert await samples.inbound(eu, account.id, "STOP", 77) == "stored"  # by a node that has not heard of it yet
    await finish(cells, account, moved)
    assert await us.rows("SELECT 1 FROM opt_outs WHERE number_hash = 77")
    assert await us.rows("SELECT 1 FROM messages WHERE text = 'STOP'")
    assert await eu.rows("SELECT 1 FROM messages") == []


async def test_what_waits_takes_its_place_behind_what_waits_there(cells):
    eu, us = cells
    other, account = await samples.furnish(us), await samples.furnish(eu)
    (theirs,) = await us.rows(
        "UPDATE queue SET rank = 900 WHERE message_id = $1 RETURNING lane", other.messages["queued"].id
    )
    await us.rows("UPDATE messages SET rank = 900 WHERE id = $1", other.messages["queued"].id)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await finish(cells, account)
    rows = await us.rows(
        "SELECT q.rank AS queued, m.rank FROM queue q JOIN messages m ON m.id = q.message_id WHERE q.lane = $1",
        theirs["lane"],
    )
    assert {(row["queued"], row["rank"]) for row in rows} >= {(900, 900)}
    assert all(row["queued"] == row["rank"] for row in rows)
    mine = await us.rows("SELECT rank FROM queue WHERE message_id = $1", account.messages["queued"].id)
    assert mine[0]["rank"] == 900


async def test_nobody_who_follows_the_log_there_takes_what_arrived_for_new(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await finish(cells, account)
    assert await us.store.last_position() == 0 == (await us.store.news(0, 100, [EVERYTHING])).position
    assert await us.store.events_after(0, 100) == []
    (row,) = await us.rows(
        "SELECT position, created_at FROM events WHERE subject_id = $1 AND seq = 1", account.messages["sent"].id
    )
    assert row["position"] < 0
    await us.moves.purge(row["created_at"] + 1)
    assert await us.rows("SELECT 1 FROM events WHERE created_at <= $1", row["created_at"]) == []


async def test_an_account_may_come_back(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await finish(cells, account)
    before = await samples.held(us, account)
    await us.moves.depart(account.id, "eu", NAMES, us.clock.now_us())
    await finish((us, eu), account)
    assert await samples.held(eu, account) == before
    assert await samples.active_in(cells, account) == ["eu"]


async def test_a_suspended_account_is_suspended_there_too(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await eu.rows("UPDATE accounts SET status = 'suspended' WHERE id = $1", account.id)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await finish(cells, account)
    rows = await us.rows("SELECT id, status FROM accounts ORDER BY id")
    assert [(row["id"], row["status"]) for row in rows] == [(account.id, "suspended"), (account.sub_id, "active")]


async def test_what_cannot_move_is_refused(cells):
    eu, _ = cells
    account = await samples.furnish(eu)
    for wanted, code in ((account.sub_id, "conflict"), ("AC" + "0" * 32, "not_found")):
        with pytest.raises(WhimbrelError) as refused:
            await eu.moves.depart(wanted, "us", NAMES, eu.clock.now_us())
        assert refused.value.code == code
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    with pytest.raises(WhimbrelError) as refused:
        await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    assert refused.value.code == "conflict"


async def test_a_cell_that_cannot_be_reached_is_waited_for(cells):
    eu, _ = cells
    account = await samples.furnish(eu)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    alone = Moving(
        name="eu",
        here=eu.moves,
        there=lambda name: None,
        clock=eu.clock,
        chance=SeededChance(1),
        events_before=lambda now: now,
    )
    assert not await alone.look()
    (move,) = await eu.moves.out()
    assert move.waits_for == "cell us, which cannot be reached"
    await finish(cells, account)
    assert await samples.active_in(cells, account) == ["us"]


async def test_two_movers_at_once_do_no_harm(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    before = await samples.held(eu, account)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    movers = [samples.mover(eu, us), samples.mover(eu, us)]
    for _ in range(20):
        await samples.follow(eu)
        done = await asyncio.gather(*(each.look() for each in movers))
        assert len(await samples.active_in(cells, account)) <= 1
        if all(done):
            break
        eu.clock.advance(6.0)
    assert await samples.held(us, account) == before
    assert await samples.active_in(cells, account) == ["us"]
    move = await eu.moves.of_account(account.id)
    assert (move.state, move.waits_for) == ("moved", "")


async def test_what_customers_are_owed_goes_with_the_account_also_what_comes_late(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    (credential,) = await eu.rows("SELECT id FROM smpp_credentials")
    owe = "INSERT INTO smpp_owed VALUES ($1, $2, 'SM1', 'message.received', '{}', 0)"
    await eu.rows(owe, credential["id"], 11)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    moved = samples.mover(eu, us)
    while not await samples.active_in(cells, account):
        await samples.follow(eu)
        await moved.look()
        eu.clock.advance(6.0)
    await eu.rows(owe, credential["id"], 12)
    await finish(cells, account, moved)
    assert len(await us.rows("SELECT 1 FROM smpp_owed WHERE credential_id = $1", credential["id"])) == 2
    assert await eu.rows("SELECT 1 FROM smpp_owed") == []


async def test_events_that_nobody_has_looked_at_for_customers_binds_are_waited_for(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await samples.follow(eu)
    await eu.rows("UPDATE cursors SET position = 0 WHERE name = 'smpp_owed'")  # whoever does it has just died
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    eu.clock.advance(60.0)
    await samples.mover(eu, us).look()
    assert len(await eu.rows("SELECT 1 FROM messages")) == 8
    await eu.tables.refresh("accounts", "smpp_credentials")
    owed = Owed(eu.store, eu.tables)
    await owed.start()
    try:
        for _ in range(1200):
            if await cursor(eu.store, "smpp_owed") == await eu.store.last_position():
                break
            await asyncio.sleep(0.05)
    finally:
        await owed.stop()
    assert await cursor(eu.store, "smpp_owed") == await eu.store.last_position(), "a move waits for it"
    await samples.mover(eu, us).look()
    assert await samples.active_in(cells, account) == ["us"]


async def test_an_opt_out_that_comes_late_is_listed_in_the_new_cell(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    moved = samples.mover(eu, us)
    while not await samples.active_in(cells, account):
        await samples.follow(eu)
        assert not await moved.look()
        eu.clock.advance(6.0)
    assert await samples.inbound(eu, account.id, "STOP", 77) == "stored"
    (event,) = await eu.rows("SELECT subject_id FROM events WHERE type = 'opt_out.created'")
    await finish(cells, account, moved)
    assert await us.rows("SELECT 1 FROM events WHERE subject_id = $1", event["subject_id"])
    assert await eu.rows("SELECT 1 FROM events") == []


async def test_the_log_is_looked_through_once_and_not_while_messages_wait(cells, monkeypatch):
    eu, us = cells
    account = await samples.furnish(eu)
    looked: list[int] = []
    walk = eu.moves.depart_events

    async def noted(move, position, now):
        looked.append(position)
        return await walk(move, position, now)

    monkeypatch.setattr(eu.moves, "depart_events", noted)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    eu.clock.advance(60.0)
    moved = samples.mover(eu, us)
    assert not await moved.look()
    assert looked == []
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await finish(cells, account, moved)
    assert looked[0] < 0
    assert all(position > 0 for position in looked[1:])


async def test_it_does_not_go_back_before_its_late_comers_were_brought(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    moved = samples.mover(eu, us)
    while not await samples.active_in(cells, account):
        await samples.follow(eu)
        await moved.look()
        eu.clock.advance(6.0)
    with pytest.raises(WhimbrelError, match="still brings what was late"):
        await us.moves.depart(account.id, "eu", NAMES, us.clock.now_us())
    await finish(cells, account, moved)
    await us.moves.depart(account.id, "eu", NAMES, us.clock.now_us())


async def test_moves_that_are_over_are_not_looked_at_again(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    await finish(cells, account)
    assert await eu.moves.out() == await us.moves.coming() == []
    assert (await eu.moves.of_account(account.id)).state == "moved"


@pytest.mark.parametrize("points", [[point, point] for point in POINTS] + [POINTS])
async def test_whatever_ends_the_mover_another_goes_on(cells, kill, points):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    before = await samples.held(eu, account)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    kill += points if len(set(points)) > 1 or points[0] in ("move.departed", "move.brought") else points[:1]
    moved = samples.mover(eu, us)
    for _ in range(40):
        await samples.follow(eu)
        await samples.follow(us)
        try:
            if await moved.look():
                break
        except samples.Killed:
            moved = samples.mover(eu, us)
        assert len(await samples.active_in(cells, account)) <= 1
        eu.clock.advance(3.0)
    assert await samples.held(us, account) == before
    assert [table for table, rows in (await samples.held(eu, account)).items() if rows] == ["accounts"]
    assert await samples.active_in(cells, account) == ["us"]


async def test_kill_9_wherever_it_hurts(cells, databases):
    """The same with processes that are really killed, each at another point of one move; the last one finishes it."""
    eu, us = cells
    eu.clock.advance(-eu.clock.now_us() / 1e6 + SystemClock().now_us() / 1e6 - 60)
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await samples.follow(eu)
    before, waited = await samples.held(eu, account), await samples.waiting(eu)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    codes = []
    for point in (*IN_ORDER, ""):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.cells.mover", *databases, env=os.environ | {"WHIMBREL_FAULT": point}
        )
        codes.append(await asyncio.wait_for(child.wait(), 180))
        assert len(await samples.active_in(cells, account)) <= 1
    assert await us.rows("SELECT 1 FROM moves UNION SELECT 1 FROM arrivals") == []
    assert codes == [-signal.SIGKILL] * len(IN_ORDER) + [0]
    assert await samples.held(us, account) == before
    assert _sorted(await samples.waiting(us)) == _sorted(waited)
    assert [table for table, rows in (await samples.held(eu, account)).items() if rows] == ["accounts"]
    assert await samples.active_in(cells, account) == ["us"]


def _sorted(waiting):
    return {table: sorted(ids) for table, ids in waiting.items()}
