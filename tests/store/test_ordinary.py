"""The short way of an ordinary answer comes to the same rows as the long way, and leaves to it what is not ordinary.
(All other tests of answers go through both: the rig gives answers as a carrier's link does.)
"""

from typing import Any

import pytest
from tests.store.after_submit import PRICE, SECOND, START, STATEMENTS, Rig, answered, reported

from whimbrel.domain.model import Flag
from whimbrel.store.verbs.receipts import _record


def left_behind(rig: Rig, message_id: str) -> tuple[Any, ...]:
    """Everything that an answer may change, without ids and positions."""
    return (
        rig.one(
            "SELECT state, reason, held_micros, charged_micros, carrier_id, candidates, updated_at, sent_at, final_at,"
            " flags, seq FROM messages WHERE id = ?",
            message_id,
        ),
        rig.all(
            "SELECT part, parts, carrier_id, bind, state, carrier_message_id, carrier_key, status_code, reason,"
            " throttled, answered_at, receipt_state FROM attempts WHERE message_id = ?",
            message_id,
        ),
        rig.all(
            "SELECT seq, type, data, callback, created_at FROM events WHERE subject_id = ? ORDER BY seq", message_id
        ),
        rig.all("SELECT kind, debit, credit, amount_micros, created_at FROM ledger WHERE message_id = ?", message_id),
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"held_micros": PRICE}, id="live"),
        pytest.param({"test": True, "price_micros": 0}, id="test traffic"),
        pytest.param({"held_micros": PRICE, "flags": Flag.CALLBACK}, id="callback"),
        pytest.param({"held_micros": PRICE, "candidates": "CR1 CR2"}, id="with a spare carrier"),
    ],
)
@pytest.mark.parametrize("throttled", [0, 3])
def test_both_ways_come_to_the_same(rig: Rig, changes: dict[str, Any], throttled: int) -> None:
    quick, (first,) = rig.sending(**changes)
    slow, (second,) = rig.sending(**changes)
    rig.answer(answered(quick, first, "accepted", key="a1", bind="sim#1", throttled=throttled))
    rig.answer_blindly(answered(slow, second, "accepted", key="a1", bind="sim#1", throttled=throttled))
    assert left_behind(rig, quick) == left_behind(rig, slow)
    rig.balance()


def test_a_second_answer_moves_and_costs_nothing(rig: Rig) -> None:
    message_id, (attempt,) = rig.sending(held_micros=PRICE)
    rig.answer(answered(message_id, attempt, "accepted", key="a1"))
    message, _, events, ledger = left_behind(rig, message_id)
    rig.answer(answered(message_id, attempt, "accepted", key="a1", at=START + 9 * SECOND))
    assert left_behind(rig, message_id)[::2] == (message, events)
    assert left_behind(rig, message_id)[3] == ledger


def test_a_late_acceptance_takes_the_long_way(rig: Rig) -> None:
    message_id, (attempt,) = rig.sending(held_micros=PRICE)
    rig.answer(answered(message_id, attempt, "in_doubt", reason="response_timeout"))
    rig.answer(answered(message_id, attempt, "accepted", key="a1"))
    assert rig.message(message_id) == ("sent", None)
    assert rig.events(message_id) == ["queued", "sending", "in_doubt", "sent"]
    assert rig.balance()[2] == PRICE


@pytest.mark.parametrize("changes", [{"held_micros": PRICE}, {"test": True, "price_micros": 0}])
def test_both_ways_of_a_receipt_come_to_the_same(rig: Rig, changes: dict[str, Any]) -> None:
    quick, (first,) = rig.sending(**changes)
    slow, (second,) = rig.sending(**changes)
    rig.answer(answered(quick, first, "accepted", key="a1"), answered(slow, second, "accepted", key="b2"))
    assert rig.receipt(reported("a1", stat="DELIVRD", error="000")) == ["applied"]
    assert rig.run(_record([reported("b2", stat="DELIVRD", error="000")], waited=False)) == ["applied"]
    (_, quick_attempts, *quick_rest), (_, slow_attempts, *slow_rest) = left_behind(rig, quick), left_behind(rig, slow)
    assert left_behind(rig, quick)[0] == left_behind(rig, slow)[0]
    assert quick_rest == slow_rest
    assert [row[-1] for row in quick_attempts] == [row[-1] for row in slow_attempts] == ["delivered"]


def test_the_newest_of_two_attempts_with_one_id_is_meant(rig: Rig) -> None:
    old, (first,) = rig.sending(held_micros=PRICE)
    new, (second,) = rig.sending(held_micros=PRICE)
    rig.answer(answered(old, first, "accepted", key="a1"), answered(new, second, "accepted", key="a1"))
    rig.receipt(reported("a1"))
    assert (rig.message(old)[0], rig.message(new)[0]) == ("sent", "delivered")


def test_the_flags_in_the_statements_are_those_of_the_model() -> None:
    """SQL knows no names: these two numbers keep doubt and retries away from the short ways."""
    taken, delivered = STATEMENTS["message_taken"].sql, STATEMENTS["attempt_delivered"].sql
    assert f"flags & {Flag.DOUBT_RETRIED}" in taken
    assert f"flags & {Flag.DOUBT_RETRIED | Flag.IN_DOUBT}" in delivered
