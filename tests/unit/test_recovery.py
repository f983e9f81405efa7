"""Whose attempts are in doubt: those of whoever had the carrier before, and nobody's who has it now."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from whimbrel.base.clock import ManualClock
from whimbrel.journey.recovery import NotOurs, recover
from whimbrel.journey.sweep import Sweep
from whimbrel.store.interface import Answer, Owed

CLOCK = ManualClock()
OTHERS: Any = ("fair", "metrics", "queued", "runs_elsewhere", "asking", "purge_before")


class Store:
    """Has two attempts without an answer."""

    def __init__(self) -> None:
        self.recorded: list[str] = []

    async def unanswered(self, carrier_id: str | None = None) -> list[Owed]:
        found = [Owed(1, "SM1", "CR1", 7, 100), Owed(2, "SM2", "CR2", 7, 100)]
        return [each for each in found if carrier_id in (None, each.carrier_id)]

    async def record_answers(self, answers: Sequence[Answer]) -> None:
        self.recorded += [answer.message_id for answer in answers]


async def test_what_the_owner_before_left_is_in_doubt() -> None:
    store: Any = Store()
    await recover(store, CLOCK, "CR1", lambda: True)
    assert store.recorded == ["SM1"]


async def test_a_node_that_was_frozen_before_it_read_them_puts_nothing_in_doubt() -> None:
    """Another one has the carrier by now, and they may be on its wire."""
    store: Any = Store()
    with pytest.raises(NotOurs):
        await recover(store, CLOCK, "CR1", lambda: False)
    assert store.recorded == []


class Tables(SimpleNamespace):
    """Brought up to date when somebody asks."""

    async def current(self) -> None:
        self.carriers = self.committed


async def swept(tables: Tables) -> list[str]:
    """What a node puts in doubt that begins to sweep."""
    store: Any = Store()
    sweep = Sweep(store=store, tables=tables, clock=CLOCK, **dict.fromkeys(OTHERS))
    await sweep.start()
    await sweep.stop()
    return store.recorded


async def test_attempts_of_carriers_that_are_gone_are_in_doubt() -> None:
    assert await swept(Tables(carriers={"CR2"}, committed={"CR2"})) == ["SM1"]


async def test_attempts_of_a_carrier_that_another_node_has_just_added_are_not() -> None:
    assert await swept(Tables(carriers={"CR1"}, committed={"CR1", "CR2"})) == []
