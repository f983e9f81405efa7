"""A move is called off: the account is in its old cell again as it was, and nothing of it stays in the other one; never
two cells serve it, also where the other one comes back that was given up.
"""

import pytest

from tests.cells import account as samples
from tests.cells.account import NAMES, Cell, Furnished
from whimbrel.base.errors import WhimbrelError


async def on_its_way(cells: tuple[Cell, Cell], *, closed: bool) -> Furnished:
    """An account of eu of which much has come to us: all of it, when it is closed."""
    eu, _ = cells
    account = await samples.furnish(eu)
    if closed:
        await samples.answer(eu, account.messages["sending"].id, "id9")
    await samples.follow(eu)
    await eu.rows("UPDATE webhooks SET cursor = (SELECT MAX(position) FROM events)")
    return account


async def go(cells: tuple[Cell, Cell], account: Furnished, *, closed: bool, kill: list[str]) -> None:
    """Until it stands there."""
    eu, us = cells
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    eu.clock.advance(60.0)
    if closed:
        kill.append("move.closed")
        with pytest.raises(samples.Killed):
            await samples.mover(eu, us).look()
    else:
        await samples.mover(eu, us).look()


async def settle(cells: tuple[Cell, Cell], account: Furnished) -> None:
    """Both cells go on until nothing moves."""
    eu, us = cells
    for _ in range(20):
        try:
            done = await samples.mover(eu, us).look() & await samples.mover(us, eu).look()
        except samples.Killed:
            done = False
        assert len(await samples.active_in(cells, account)) <= 1
        if done and not await us.moves.coming():
            return
        eu.clock.advance(3.0)
    raise AssertionError(await eu.moves.out())


async def assert_as_before(
    cells: tuple[Cell, Cell], account: Furnished, before: dict[str, list[str]], waited: dict[str, list[str]]
) -> None:
    eu, us = cells
    assert await samples.held(eu, account) == before
    assert {table: sorted(ids) for table, ids in (await samples.waiting(eu)).items()} == {
        table: sorted(ids) for table, ids in waited.items()
    }
    assert await samples.active_in(cells, account) == ["eu"]
    assert [table for table, rows in (await samples.held(us, account)).items() if rows] == []
    assert await samples.waiting(us) == {"queue": [], "schedule": [], "deadlines": []}
    for cell in cells:
        for table in ("parcels", "arrivals", "moves"):
            assert await cell.rows(f"SELECT * FROM {table}") == []
    assert await eu.rows("SELECT 1 FROM deliveries WHERE next_at > $1", eu.clock.now_us() * 2) == []


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("points", [[], ["move.taken_back"], ["move.taken_back"] * 2])
async def test_it_is_called_off(cells, kill, closed, points):
    eu, us = cells
    account = await on_its_way(cells, closed=closed)
    before, waited = await samples.held(eu, account), await samples.waiting(eu)
    await go(cells, account, closed=closed, kill=kill)
    assert await us.rows("SELECT 1 FROM messages")
    await eu.moves.call_off(account.id, eu.clock.now_us(), lost=False)
    kill += [*points, "move.refused"] if closed else points
    await settle(cells, account)
    await assert_as_before(cells, account, before, waited)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())  # and it may go again
    eu.clock.advance(60.0)
    await samples.follow(eu)
    assert not await samples.mover(eu, us).look()


async def test_what_waits_for_another_try_goes_on_in_the_old_cell(cells, kill):
    eu, _ = cells
    account = await on_its_way(cells, closed=True)
    at = eu.clock.now_us() + 90_000_000
    await eu.rows(
        "INSERT INTO deliveries SELECT 'DL1', id, account_id, 1, 'EV1', 'message.sent', url, 'json', 1, $1, 1, '' "
        "FROM webhooks",
        at,
    )
    await go(cells, account, closed=True, kill=kill)
    assert (await eu.rows("SELECT next_at FROM deliveries"))[0]["next_at"] > 2 * at
    await eu.moves.call_off(account.id, eu.clock.now_us(), lost=False)
    await settle(cells, account)
    assert (await eu.rows("SELECT next_at FROM deliveries"))[0]["next_at"] == at


async def test_a_cell_that_is_lost_is_not_asked_when_the_operator_says_so(cells, kill):
    eu, _ = cells
    account = await on_its_way(cells, closed=True)
    before, waited = await samples.held(eu, account), await samples.waiting(eu)
    await go(cells, account, closed=True, kill=kill)
    await eu.moves.call_off(account.id, eu.clock.now_us(), lost=False)
    alone = samples.mover(eu, None)
    assert not await alone.look()
    (move,) = await eu.moves.out()
    assert (move.state, move.waits_for) == ("recalled", "cell us, which cannot be reached")
    assert await samples.active_in(cells, account) == []
    await eu.moves.call_off(account.id, eu.clock.now_us(), lost=True)
    assert not await alone.look()
    assert await samples.active_in(cells, account) == ["eu"]
    assert await samples.held(eu, account) == before
    await settle(cells, account)  # the other cell was not lost after all
    await assert_as_before(cells, account, before, waited)


async def test_it_is_too_late_once_the_new_cell_serves_it(cells, kill):
    eu, us = cells
    account = await on_its_way(cells, closed=True)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())
    eu.clock.advance(60.0)
    kill.append("move.activated")
    with pytest.raises(samples.Killed):
        await samples.mover(eu, us).look()
    await eu.moves.call_off(account.id, eu.clock.now_us(), lost=False)
    await settle(cells, account)
    for _ in range(10):
        await samples.follow(us)
        await samples.mover(eu, us).look()
        eu.clock.advance(6.0)
    assert await samples.active_in(cells, account) == ["us"]
    assert (await eu.moves.of_account(account.id)).state == "moved"
    with pytest.raises(WhimbrelError, match="not on its way"):
        await eu.moves.call_off(account.id, eu.clock.now_us(), lost=True)


async def test_a_mover_that_has_not_heard_of_it_cannot_go_on(cells, kill):
    eu, us = cells
    account = await on_its_way(cells, closed=True)
    await go(cells, account, closed=True, kill=kill)
    (stale,) = await eu.moves.out()
    await eu.moves.call_off(account.id, eu.clock.now_us(), lost=False)
    kill.append("move.refused")
    with pytest.raises(samples.Killed):
        await samples.mover(eu, us).look()
    await us.moves.activate(stale, us.clock.now_us())
    assert await samples.active_in(cells, account) == []
    with pytest.raises(WhimbrelError, match="called off"):
        await us.moves.arrive(account.id, 999, "ledger", "{}", us.clock.now_us())
    assert not await us.moves.expect(stale, "eu", us.clock.now_us())
    assert not await eu.moves.close(stale, eu.clock.now_us())
    assert (await eu.moves.depart_messages(stale, "", eu.clock.now_us())).last == ""
    await settle(cells, account)
    assert await samples.active_in(cells, account) == ["eu"]


async def test_what_a_lost_move_has_left_goes_before_the_account_comes_again(cells, kill):
    eu, us = cells
    account = await on_its_way(cells, closed=True)
    await go(cells, account, closed=True, kill=kill)
    await eu.moves.call_off(account.id, eu.clock.now_us(), lost=True)
    alone = samples.mover(eu, None)
    assert not await alone.look()
    before = await samples.held(eu, account)
    await eu.moves.depart(account.id, "us", NAMES, eu.clock.now_us())  # before that cell has heard that it was over
    eu.clock.advance(60.0)
    assert not await samples.mover(eu, us).look()
    (move,) = await eu.moves.out()
    assert "earlier move" in move.waits_for
    for _ in range(20):
        await samples.follow(eu)
        await samples.follow(us)
        await samples.mover(us, eu).look()
        if await samples.mover(eu, us).look():
            break
        eu.clock.advance(6.0)
    assert await samples.active_in(cells, account) == ["us"]
    assert await samples.held(us, account) == before


async def test_only_what_moves_is_called_off(cells):
    eu, _ = cells
    account = await samples.furnish(eu)
    with pytest.raises(WhimbrelError, match="not on its way"):
        await eu.moves.call_off(account.id, eu.clock.now_us(), lost=True)
