"""Fair ranks after a restart: learned from the queue page by page, the same whatever the size of a page."""

import pytest
from store_samples import ACCOUNT, CARRIER, CREDIT, OTHER_ACCOUNT, message, submit, top_up

from whimbrel.domain.pacing import FairRank
from whimbrel.journey import ranks
from whimbrel.journey.ranks import Ranks
from whimbrel.store.store import SqlStore

THIRD = "AC" + "3" * 32


@pytest.fixture
async def backlog(store: SqlStore) -> SqlStore:
    """One account with a long backlog, one in the middle of it, in one lane; ranks 100 to 130."""
    await store.write(top_up(OTHER_ACCOUNT, CREDIT))
    for rank in range(100, 131):
        await submit(store, message(rank=rank))
    await submit(store, message(rank=110, account_id=OTHER_ACCOUNT), message(rank=112, account_id=OTHER_ACCOUNT))
    await submit(store, message(rank=7, priority=0))
    return store


def next_ranks(fair: FairRank) -> tuple[int, ...]:
    return tuple(fair.rank(CARRIER, 1, account) for account in (ACCOUNT, OTHER_ACCOUNT, THIRD))


@pytest.mark.parametrize("page", [1, 2, 31, 32, 33, 34, 2000])
async def test_ranks_go_on_where_they_were(store: SqlStore, backlog: SqlStore, monkeypatch, page: int) -> None:
    monkeypatch.setattr(ranks, "_PAGE", page)
    fair = FairRank()
    found = Ranks(store, fair)
    await found.resume()
    while await found.learn():
        pass
    assert next_ranks(fair) == (131, 113, 100)
    assert fair.rank(CARRIER, 0, ACCOUNT) == 8
    assert fair.rank(CARRIER, 2, ACCOUNT) == 0


async def test_a_start_looks_at_so_many_pages_and_nothing_passes_its_own(
    store: SqlStore, backlog: SqlStore, monkeypatch
) -> None:
    monkeypatch.setattr(ranks, "_PAGE", 5)
    monkeypatch.setattr(ranks, "_PAGES_BEFORE_START", 2)
    fair = FairRank()
    found = Ranks(store, fair)
    await found.resume()
    assert next_ranks(fair) == (131, 127, 127)  # 126 to 130 were looked at: the others may be anyone's
    pages = 0
    while await found.learn():
        pages += 1
    assert pages >= 4
    fresh = "AC" + "4" * 32
    assert fair.rank(CARRIER, 1, fresh) == 100
    assert not await found.learn()


async def test_an_empty_queue(store: SqlStore) -> None:
    fair = FairRank()
    await Ranks(store, fair).resume()
    assert next_ranks(fair) == (0, 0, 0)
