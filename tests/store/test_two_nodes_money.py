"""Two nodes at once on PostgreSQL: keys of requests, balances, and what one phone sends by two carriers."""

import asyncio
from typing import Any

import asyncpg
import pytest
from node import DEADLINE_S, Node, waiting
from store_samples import (
    ACCOUNT,
    CARRIER,
    CREDIT,
    NOW,
    OTHER_ACCOUNT,
    PRICE,
    SECOND,
    SPARE,
    balance,
    key,
    many,
    message,
    submit,
)

from whimbrel.base.clock import ManualClock
from whimbrel.domain.model import Event, Message
from whimbrel.store.interface import Idempotency, InboundRow, Submission
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore
from whimbrel.store.verbs.accept import accept
from whimbrel.store.verbs.inbound import record_inbound
from whimbrel.store.verbs.ledger import Entry, charge, hold, release

PHONE, SERVICE = 11, 22


def entry(account: str, price: int = PRICE) -> list[Entry]:
    return [Entry(account, "SM1", price, NOW)]


async def leave(third: SqlStore, prices: int) -> None:
    """The account has credit for so many messages more."""
    await submit(third, *many(CREDIT // PRICE - prices))


# ---------------------------------------------------------------- keys


def keyed(sent: Message) -> Submission:
    row: Idempotency = key([sent])
    return Submission((sent,), row)


async def test_of_two_requests_with_one_key_the_second_waits_and_is_told(
    third: SqlStore, nodes: tuple[Node, Node]
) -> None:
    one, two = nodes
    first, second = message(), message()
    await one.run(accept([keyed(first)]))
    other = await waiting(two, two.whole(accept([keyed(second)])), one)
    await one.commit()
    (stored,) = await other
    assert stored.key_taken
    assert [each.id for each in await third.messages([first.id, second.id])] == [first.id]
    assert await balance(third) == (CREDIT - PRICE, PRICE, 0)


async def test_a_key_is_free_again_when_the_first_request_was_not_stored(
    third: SqlStore, nodes: tuple[Node, Node]
) -> None:
    one, two = nodes
    second = message()
    await one.run(accept([keyed(message())]))
    other = await waiting(two, two.whole(accept([keyed(second)])), one)
    await one.roll_back()
    (stored,) = await other
    assert not stored.key_taken
    assert len(await third.messages([second.id])) == 1


# ---------------------------------------------------------------- balances


async def test_credit_is_spent_once(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await leave(third, 1)
    mine, other = message(), message()
    await one.run(accept([Submission((mine,))]))
    late = await waiting(two, two.whole(accept([Submission((other,))])), one)
    await one.commit()
    assert (await late)[0].uncovered == (other.id,)
    assert (await balance(third))[0] == 0


async def test_of_a_list_as_many_are_stored_as_the_other_node_left_credit_for(
    third: SqlStore, nodes: tuple[Node, Node]
) -> None:
    one, two = nodes
    await leave(third, 3)
    mine, others = many(2), many(3)
    await one.run(accept([Submission(tuple(mine))]))
    late = await waiting(two, two.whole(accept([Submission(tuple(others))])), one)
    await one.commit()
    assert (await late)[0].uncovered == tuple(each.id for each in others[1:])
    assert (await balance(third))[0] == 0


async def test_what_fits_is_held_even_when_somebody_takes_from_it_meanwhile(
    third: SqlStore, nodes: tuple[Node, Node]
) -> None:
    """Between the look at what is left and the hold of what fits nobody else takes from it."""
    one, two = nodes
    await leave(third, 2)
    looking = hold([entry(ACCOUNT)[0], Entry(ACCOUNT, "SM2", PRICE, NOW), Entry(ACCOUNT, "SM3", PRICE, NOW)])
    step = next(looking)  # all three are not covered
    await one.connection.execute("BEGIN")
    step = looking.send(await one.runner._step(step))
    step = looking.send(await one.runner._step(step))  # two of them fit
    other = await waiting(two, two.whole(hold(entry(ACCOUNT))), one)
    looking.send(await one.runner._step(step))
    await one.commit()
    assert await other == {"SM1"}


async def test_scripts_in_any_order_lock_no_balances_crosswise(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    """Each of two nodes settles for two accounts, in scripts of its own and in the other order."""
    one, two = nodes
    await third.accept([Submission((message(), message(account_id=OTHER_ACCOUNT)))])
    for account in (ACCOUNT, OTHER_ACCOUNT):
        await one.run(charge(entry(account, PRICE // 2)))
    for account in (OTHER_ACCOUNT, ACCOUNT):
        await two.run(release(entry(account, PRICE // 2)))
    async with asyncio.timeout(DEADLINE_S):
        await one.runner.settle()
        late = await waiting(two, two.commit(), one)
        await one.connection.execute("COMMIT")
        await late
    half = PRICE // 2
    rows = await one.connection.fetch("SELECT available, held, spent FROM balances ORDER BY account_id")
    assert [tuple(row) for row in rows] == [(CREDIT - half, 0, half)] * 2


async def test_what_a_commit_settled_so_far_is_there_for_its_next_script(
    third: SqlStore, nodes: tuple[Node, Node]
) -> None:
    one, _ = nodes
    await leave(third, 0)
    await one.run(release(entry(ACCOUNT)))
    assert await one.run(hold(entry(ACCOUNT))) == frozenset()
    await one.commit()
    assert (await balance(third))[0] == 0


async def test_lists_of_two_accounts_from_two_nodes_meet_no_deadlock(third: SqlStore, postgres: str) -> None:
    """Requests gather in one commit in the order in which they come, which is another one at each node."""
    fourth = SqlStore(PostgresExecutor(postgres, clock=ManualClock(NOW)))
    await fourth.start()
    accounts = [ACCOUNT, OTHER_ACCOUNT]

    async def requests(store: SqlStore, order: list[str]) -> None:
        for _ in range(8):
            lists = [store.accept([Submission((message(account_id=account, price_micros=1),))]) for account in order]
            await asyncio.gather(*lists)

    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    try:
        async with asyncio.timeout(2 * DEADLINE_S):
            await asyncio.gather(requests(third, accounts), requests(fourth, accounts[::-1]))
    finally:
        await fourth.stop()
    connection = await asyncpg.connect(postgres)
    assert await connection.fetchval(deadlocks) == 0
    await connection.close()
    assert (await balance(third)) == (CREDIT - 16, 16, 0)


# ---------------------------------------------------------------- what phones send


def heard(text: str, message_id: str, carrier: str = CARRIER, **more: Any) -> InboundRow:
    fields: dict[str, Any] = {
        "session": carrier,
        "fingerprint": 77,
        "account_id": ACCOUNT,
        "test": False,
        "source": "+447700900123",
        "destination": "+447700900000",
        "source_hash": PHONE,
        "destination_hash": SERVICE,
        "encoding": "gsm7",
        "at": NOW + SECOND,
        "opt_out_id": f"OO{message_id[2:]}",
        "octets": text.encode(),
    }
    return InboundRow(message_id=message_id, carrier_id=carrier, text=text, **{**fields, **more})


async def test_a_text_that_a_carrier_brings_again_on_another_bind(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    assert await one.run(record_inbound([heard("hi", "SM1", session="a")])) == ["stored"]
    again = await waiting(two, two.whole(record_inbound([heard("hi", "SM2", session="b")])), one)
    await one.commit()
    assert await again == ["repeated"]


async def test_parts_that_come_by_two_nodes_are_joined(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    first = heard("a", "SM1", reference=5, total=2, number=1, fingerprint=1)
    second = heard("b", "SM2", reference=5, total=2, number=2, fingerprint=2)
    assert await one.run(record_inbound([first])) == ["waiting"]
    late = await waiting(two, two.whole(record_inbound([second])), one)
    await one.commit()
    assert await late == ["stored"]
    assert [each.text for each in await third.messages(["SM1", "SM2"])] == ["ab"]


async def test_a_text_with_nul_is_stored_and_not_brought_again_for_ever(third: SqlStore) -> None:
    """PostgreSQL holds no NUL in a text; phones may send one in UCS-2. Others of the same commit are not concerned."""
    nul = heard("a\0b", "SM1", encoding="ucs2", octets="a\0b".encode("utf-16-be"), data_coding=8)
    plain = heard("c", "SM2", fingerprint=78)
    assert await asyncio.gather(third.record_inbound([nul]), third.record_inbound([plain])) == [["stored"], ["stored"]]
    assert sorted(each.text for each in await third.messages(["SM1", "SM2"])) == ["a\ufffdb", "c"]


async def test_phones_do_not_wait_for_each_other(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await one.run(record_inbound([heard("hi", "SM1")]))
    async with asyncio.timeout(DEADLINE_S):
        assert await two.whole(record_inbound([heard("ho", "SM2", source_hash=12, fingerprint=78)])) == ["stored"]
    await one.commit()


async def test_one_stop_by_two_carriers(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await one.run(record_inbound([heard("STOP", "SM1")]))
    again = await waiting(two, two.whole(record_inbound([heard("STOP", "SM2", SPARE)])), one)
    await one.commit()
    assert await again == ["stored"]
    types = [event.type for event in await third.events_after(0, 100)]
    assert types.count("opt_out.created") == 1


@pytest.mark.parametrize("count", [1, 2])
async def test_a_stop_while_somebody_records_the_same_opt_out(
    third: SqlStore, nodes: tuple[Node, Node], count: int
) -> None:
    """Whatever else is in the commit: the text is stored, and the opt-out is the one that was there first."""
    one, _ = nodes
    await one.connection.execute("BEGIN")
    columns = "id, account_id, number_hash, masked, source, created_at"
    await one.connection.execute(
        f"INSERT INTO opt_outs ({columns}) VALUES ('OO9', $1, $2, '', 'api', 1)", ACCOUNT, PHONE
    )
    texts = [heard("STOP", f"SM{number}", fingerprint=number, at=NOW + number) for number in range(count)]
    stop = asyncio.gather(*(third.record_inbound([text]) for text in texts))
    asks = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(DEADLINE_S):
        while not await one.connection.fetchval(asks):
            assert not stop.done()
            await asyncio.sleep(0.002)
    await one.connection.execute("COMMIT")
    assert await stop == [["stored"]] * count
    assert [tuple(row) for row in await one.connection.fetch("SELECT id FROM opt_outs")] == [("OO9",)]
    found = await third.fetch(Event, "events_of_subject", ACCOUNT, "OO9")
    assert found == []
