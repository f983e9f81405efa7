"""Event numbers stay far below 65,535, where the ids of events end, whatever a carrier does."""

import pytest
from after_submit import CARRIER, answered, reported

from whimbrel.base.ids import EVENT_SEQ_MAX, event_id, is_id
from whimbrel.base.limits import EVENTS_BEFORE_GIVING_UP, PARTS_MAX, RECEIPT_EVENTS_MAX
from whimbrel.domain import outcomes
from whimbrel.store.verbs import receipts

LAST = 40


@pytest.fixture(autouse=True)
def few_events(monkeypatch):
    """A message is given up after few events."""
    for module in (outcomes, receipts):
        monkeypatch.setattr(module, "EVENTS_BEFORE_GIVING_UP", LAST)


def numbers(rig, message_id):
    return rig.all("SELECT seq FROM events WHERE subject_id = ? ORDER BY position", message_id)


@pytest.mark.parametrize("parts", [1, PARTS_MAX])
@pytest.mark.parametrize("kind", ["withdrawn", "refused_now"])
def test_a_message_that_goes_to_the_queue_and_back_ends(rig, kind, parts):
    message_id = rig.accepted(segments=parts, candidates=" ".join([CARRIER] * 2 * LAST))
    rounds = 0
    while rig.message(message_id, "state") == "queued":
        attempts = rig.claimed(message_id, CARRIER, parts)
        rig.answer(*[answered(message_id, attempt, kind) for attempt in attempts])
        rounds += 1
    assert LAST // 2 - 1 <= rounds <= LAST
    assert rig.message(message_id) == ("failed", "carrier_unavailable")
    assert rig.events(message_id)[-2:] == ["sending", "failed"]
    assert len(numbers(rig, message_id)) <= LAST + 2
    assert rig.balance()[1:] == (0, 0)
    assert rig.queue() == []


def test_receipts_that_change_nothing_are_no_longer_told(rig):
    message_id, (attempt,) = rig.sending()
    rig.answer(answered(message_id, attempt, "accepted", key="a1"))
    rig.db.execute("UPDATE messages SET seq = ?", (LAST,))
    assert rig.receipt(reported("a1", state="enroute")) == ["applied"]
    assert rig.message(message_id, "seq") == LAST
    assert rig.receipt(reported("a1")) == ["applied"]
    assert rig.message(message_id, "state, seq") == ("delivered", LAST + 1)
    assert rig.receipt(reported("a1", state="undelivered")) == ["applied"]
    assert rig.message(message_id, "seq") <= LAST + 2


def test_there_is_room_for_all_that_may_follow():
    """After the last time in the queue: submission, doubt, its one retry, the ends, and every receipt that is told."""
    most = EVENTS_BEFORE_GIVING_UP + 20 + 2 * PARTS_MAX * RECEIPT_EVENTS_MAX
    assert most < EVENT_SEQ_MAX
    assert is_id(event_id("SM" + "0" * 32, most), "EV")
