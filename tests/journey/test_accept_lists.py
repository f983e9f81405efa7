"""Requests share a commit and nothing else: one that cannot be worked on fails alone."""

import asyncio
from pathlib import Path

import pytest

from tests.journey.rig import rig
from whimbrel.base.limits import COMMIT_CHUNK
from whimbrel.journey.accept import Accepted
from whimbrel.store.interface import Write


async def test_a_request_that_cannot_be_worked_on_fails_alone(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        poison = r.draft(options={"metadata": {"what": object()}})
        fine, failed, also_fine = await asyncio.gather(
            *(r.app.accept.submit([draft]) for draft in (r.draft(), poison, r.draft())), return_exceptions=True
        )
        assert isinstance(failed, TypeError)
        for accepted in (fine, also_fine):
            assert isinstance(accepted, Accepted)
            (verdict,) = accepted.verdicts
            await r.settled(verdict.id or "", "delivered")


@pytest.mark.parametrize("count", [1, 2 * COMMIT_CHUNK + 1])
async def test_what_is_written_with_a_request_is_written_once(tmp_path: Path, count: int) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        entry = Write("balance_top_up", ((r.account_id, 7),))
        before = (await r.ledger())["hold"], await available(r)
        await r.app.accept.submit([r.draft(test=True)] * count, also=[entry])
        assert ((await r.ledger())["hold"], await available(r)) == (before[0], before[1] + 7)


async def available(r) -> int:
    (row,) = await r.app.store.fetch(lambda *columns: columns, "balance_by_account", r.account_id)
    return row[2]
