"""Leases: one holder at a time, a fence that grows with each taking, and claims that nobody makes who is not it."""

from typing import Any

import pytest
from store_samples import CARRIER, NOW, SECOND, SPARE, attempts, lane, load, many, message, submit, told

from whimbrel.domain.model import Message
from whimbrel.store.cluster import leases, leases_named, nodes
from whimbrel.store.interface import Claim, Node, Submission
from whimbrel.store.store import SqlStore

TERM = 6 * SECOND
NAME = f"carrier:{CARRIER}"


async def join(store: SqlStore, *names: str, at: int = NOW) -> None:
    for name in names:
        await store.join(Node(name, name, "0.1.0", "api,worker", at, at + TERM))


async def take(store: SqlStore, node: str, *names: str, at: int = NOW) -> dict[str, int]:
    return await store.take_leases(names, node, at)


async def holders(store: SqlStore) -> dict[str, str]:
    found = [*await leases(store, "carrier:"), *await leases(store, "duty:")]
    return {lease.name: lease.node_id for lease in found}


async def test_what_is_free_is_taken_and_what_is_held_is_not(store: SqlStore):
    await join(store, "a", "b")
    assert await take(store, "a", "duty:sweep", NAME) == {"duty:sweep": 1, NAME: 1}
    assert await take(store, "b", NAME, "duty:index") == {"duty:index": 1}
    assert await take(store, "a", NAME) == {}  # it has it already: the fence stays
    assert await holders(store) == {NAME: "a", "duty:index": "b", "duty:sweep": "a"}


async def test_leases_are_found_by_name(store: SqlStore):
    await join(store, "a")
    await take(store, "a", NAME, "customer:SC1", "customer:SC2")
    await store.release_leases(["customer:SC2"], "a")
    found = await leases_named(store, {"customer:SC2", "customer:SC3", NAME})
    assert [(lease.name, lease.node_id, lease.fence) for lease in found] == [(NAME, "a", 1), ("customer:SC2", "", 1)]


async def test_what_is_released_is_free_and_its_fence_goes_on(store: SqlStore):
    await join(store, "a", "b")
    await take(store, "a", NAME, "duty:index")
    await store.release_leases([NAME, "duty:other"], "a")
    assert await holders(store) == {NAME: "", "duty:index": "a"}
    assert await take(store, "b", NAME) == {NAME: 2}
    await store.release_leases([NAME], "a")
    assert (await holders(store))[NAME] == "b"


async def test_who_renews_in_time_keeps_what_it_has(store: SqlStore):
    await join(store, "a", "b")
    await take(store, "a", NAME)
    assert await store.beat("a", alive_until=NOW + 2 * TERM, draining=False)
    await store.beat("b", alive_until=NOW + 9 * TERM, draining=True)
    assert await take(store, "b", NAME, at=NOW + 2 * TERM - 1) == {}
    assert [(node.id, node.draining) for node in await nodes(store, NOW + TERM)] == [("a", False), ("b", True)]
    assert await take(store, "b", NAME, at=NOW + 2 * TERM) == {NAME: 2}
    assert [node.id for node in await nodes(store, NOW + TERM)] == ["b"]


async def test_who_renews_too_late_goes_on_unless_somebody_missed_it(store: SqlStore):
    await join(store, "a", "b")
    assert await store.beat("a", alive_until=NOW + 3 * TERM, draining=False)
    await take(store, "a", "duty:sweep", at=NOW + 2 * TERM)
    assert not await store.beat("b", alive_until=NOW + 4 * TERM, draining=False)
    assert not await store.beat("nobody", alive_until=NOW + TERM, draining=False)
    assert await take(store, "b", NAME, at=NOW + 2 * TERM) == {}
    assert await take(store, "nobody", NAME) == {}
    assert await holders(store) == {"duty:sweep": "a"}


async def test_who_was_buried_cannot_come_back_by_a_clock_that_is_late(store: SqlStore):
    await join(store, "a", "b")
    await store.beat("b", alive_until=NOW + 3 * TERM, draining=False)
    await take(store, "a", NAME)
    await take(store, "b", "duty:sweep", at=NOW + TERM)
    assert not await store.beat("a", alive_until=NOW + 2 * TERM, draining=False)


async def test_who_leaves_gives_up_all_at_once(store: SqlStore):
    await join(store, "a", "b")
    await take(store, "a", NAME, "duty:sweep")
    await store.leave("a")
    assert [node.id for node in await nodes(store, NOW)] == ["b"]
    assert await take(store, "b", NAME, "duty:sweep", at=NOW + 1) == {"duty:sweep": 2, NAME: 2}


async def test_who_has_the_database_to_himself_waits_for_nobody(store: SqlStore):
    await join(store, "a")
    await take(store, "a", NAME)
    await store.stand_alone()
    await join(store, "b")
    assert await take(store, "b", NAME) == {NAME: 2}


def claim_of(item: Message, **more: Any) -> Claim:
    return Claim(**({"message_id": item.id, "carrier_id": CARRIER, "parts": 1, "tail_hash": 99, "at": NOW} | more))


@pytest.mark.parametrize("fence", [1, 3])
async def test_nothing_is_claimed_with_a_fence_that_does_not_hold(store: SqlStore, fence: int):
    await join(store, "a", "b")
    await take(store, "a", NAME)
    await store.leave("a")
    await take(store, "b", NAME)
    mine, other = many(2)
    await submit(store, mine, other)
    claims = [claim_of(mine, fence=fence), claim_of(other, carrier_id=SPARE)]
    assert [len(numbers) for numbers in await store.claim(claims) or ()] == [0, 1]
    assert (await load(store, mine)).state == "queued"
    assert await attempts(store, mine) == []
    assert await store.claim([claim_of(mine, fence=2)]) != [()]
    assert (await load(store, mine)).state == "sending"


async def test_a_carrier_that_nobody_has_cannot_be_claimed_for(store: SqlStore):
    sent = message()
    await submit(store, sent)
    assert await store.claim([claim_of(sent, fence=1)]) == [()]


async def test_accept_queues_what_it_may_not_claim(store: SqlStore):
    await join(store, "a", "b")
    await take(store, "a", NAME)
    through, queued = many(2)
    (stored,) = await store.accept([Submission((through,), claims=(claim_of(through, fence=1),))])
    assert list(stored.attempts) == [through.id]
    await store.leave("a")
    await take(store, "b", NAME)
    (stored,) = await store.accept([Submission((queued,), claims=(claim_of(queued, fence=1),))])
    assert (stored.attempts, stored.uncovered) == ({}, ())
    assert await lane(store) == [queued.id]
    assert await told(store, queued) == ["queued"]
    assert (await load(store, queued)).state == "queued"


async def test_what_has_no_answer_is_found_by_carrier(store: SqlStore):
    one, other = many(2)
    await submit(store, one, other)
    await store.claim([claim_of(one), claim_of(other, carrier_id=SPARE)])
    assert [owed.message_id for owed in await store.unanswered(SPARE)] == [other.id]
    assert [owed.message_id for owed in await store.unanswered()] == [one.id, other.id]
