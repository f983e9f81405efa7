"""Money is conserved whatever happens: a random walk through every verb that moves it, with the books checked after
each step. The same walk checks that what is held stands on messages that may still be sent."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from store_samples import (
    ACCOUNT,
    CARRIER,
    HOUR,
    NOW,
    OTHER_ACCOUNT,
    balance,
    claim,
    lane,
    many,
    message,
    submit,
    top_up,
)
from tests.lite import with_schema

from whimbrel.domain.model import Message
from whimbrel.domain.states import FINAL
from whimbrel.store.interface import Answer, Due, Ending, ReceiptRow, Search
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore

ACCOUNTS = (ACCOUNT, OTHER_ACCOUNT)
START = 20
prices = st.integers(0, 12)


class Books(RuleBasedStateMachine):
    """Rules are verbs; the invariants look at the whole ledger."""

    messages: Bundle[list[Message]] = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        path = with_schema(Path(self._folder.name) / "whimbrel.db")
        self._runner = asyncio.Runner()
        self.store = SqlStore(SqliteExecutor(path))
        self._runner.run(self.store.start())
        for account in ACCOUNTS:
            self._runner.run(self.store.write(top_up(account, START)))

    def teardown(self) -> None:
        self._runner.run(self.store.stop())
        self._runner.close()
        self._folder.cleanup()

    @rule(
        target=messages,
        wanted=st.lists(st.tuples(st.sampled_from(ACCOUNTS), prices, st.booleans(), st.booleans()), max_size=6),
    )
    def accept(self, wanted: list[tuple[str, int, bool, bool]]) -> list[Message]:
        made = [
            message(
                account_id=account,
                price_micros=0 if test else price,
                test=test,
                scheduled_for=NOW + HOUR if later else None,
            )
            for account, price, test, later in wanted
        ]
        stored = self._runner.run(submit(self.store, *made))
        return [item for item in made if item.id not in stored.uncovered]

    @rule(wanted=messages, kind=st.sampled_from(["accepted", "refused", "refused_now", "in_doubt", "withdrawn"]))
    def answer(self, wanted: list[Message], kind: str) -> None:
        self._runner.run(self._answer(wanted, kind))

    @rule(wanted=messages, state=st.sampled_from(["delivered", "undelivered", "expired"]))
    def receive(self, wanted: list[Message], state: str) -> None:
        reason = None if state == "delivered" else "absent_subscriber"
        receipts = [
            ReceiptRow(CARRIER, (item.id,), state, True, reason, "WORD", None, (99,), NOW + HOUR) for item in wanted
        ]
        self._runner.run(self.store.record_receipts(receipts))

    @rule(wanted=messages, price=prices)
    def fall_due(self, wanted: list[Message], price: int) -> None:
        due = [Due(item.id, CARRIER, None, 0 if item.test else price, 1, NOW + HOUR) for item in wanted]
        self._runner.run(self.store.enqueue(due))

    @rule(
        wanted=messages,
        new_state=st.sampled_from(["canceled", "expired", "rejected", "failed", "unknown"]),
        charge=st.booleans(),
    )
    def finish(self, wanted: list[Message], new_state: str, charge: bool) -> None:
        states = ("scheduled", "queued", "sending", "in_doubt", "sent")
        endings = [Ending(item.id, states, new_state, "expired", NOW + HOUR, charge=charge) for item in wanted]
        self._runner.run(self.store.finish(endings))

    @rule(wanted=messages)
    def delete(self, wanted: list[Message]) -> None:
        self._runner.run(self.store.delete_messages([item.id for item in wanted]))

    @invariant()
    def books_balance(self) -> None:
        for account in ACCOUNTS:
            self._runner.run(self._check(account))

    async def _answer(self, wanted: list[Message], kind: str) -> None:
        numbers = await claim(self.store, *wanted)
        answers = [
            Answer(attempt, item.id, CARRIER, kind, NOW, carrier_message_id=item.id, carrier_key=item.id, tail_hash=99)
            for item, claimed in zip(wanted, numbers, strict=True)
            for attempt in claimed
        ]
        await self.store.record_answers(answers)

    async def _check(self, account: str) -> None:
        available, held, spent = await balance(self.store, account)
        assert available + held + spent == START
        rows = await self.store.search(Search(account, False), 1000)
        assert sum(row.held_micros for row in rows) == held
        assert all(row.held_micros == 0 for row in rows if row.state in FINAL)
        assert sum(row.charged_micros for row in rows) <= spent  # deleted ones have gone with theirs
        assert all(row.charged_micros <= row.price_micros for row in rows)
        tests = await self.store.search(Search(account, True), 1000)
        assert all(row.held_micros == row.charged_micros == 0 for row in tests)


Books.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBooks = Books.TestCase


async def test_the_walk_can_reach_every_book(store: SqlStore):
    """The walk above is worth something only if money does arrive in each book."""
    first, second = many(2)
    await submit(store, first, second)
    ((attempt,),) = await claim(store, first)
    await store.record_answers([Answer(attempt, first.id, CARRIER, "accepted", NOW, carrier_key="1")])
    available, held, spent = await balance(store)
    assert min(available, held, spent) > 0
    assert await lane(store) == [second.id]
