"""A message that carriers cut differently: one is given its three segments, the other the whole text in one piece. Its
state and its price are the message's, whichever carrier has it. And what one receipt for a long text says."""

import pytest
from after_submit import CARRIER, OTHER, OTP_RETRY, PRICE, SECOND, START, answered, reported

from whimbrel.domain.model import Flag

BOTH = f"{CARRIER} {OTHER}"
THIRD = "CR3"


def say(rig, message_id, attempts, kind, carrier=CARRIER, keys=(None, None, None), **more):
    """The same answer to every attempt, each by itself."""
    for attempt, key in zip(attempts, keys, strict=False):
        rig.answer_blindly(
            answered(message_id, attempt, kind, key=key, carrier_id=carrier, parts=len(attempts), **more)
        )


@pytest.mark.parametrize(("first", "second"), [(3, 1), (1, 3)], ids=["then whole", "then in parts"])
@pytest.mark.parametrize(
    ("kind", "verdict", "spent"),
    [("accepted", "sent", PRICE), ("refused", "failed", 0), ("in_doubt", "in_doubt", 0), ("refused_now", "failed", 0)],
)
def test_after_a_refusal_the_next_carrier_alone_counts(rig, first, second, kind, verdict, spent):
    message_id = rig.accepted(segments=3, candidates=BOTH)
    say(rig, message_id, rig.claimed(message_id, CARRIER, first), "refused_now")
    assert rig.message(message_id, "state, candidates") == ("queued", OTHER)
    say(rig, message_id, rig.claimed(message_id, OTHER, second), kind, OTHER, ("k1", "k2", "k3"))
    assert rig.message(message_id, "state") == verdict
    assert rig.balance()[2] == spent


@pytest.mark.parametrize(("first", "second"), [(3, 1), (1, 3)], ids=["then whole", "then in parts"])
def test_receipts_of_the_second_carrier_deliver_it(rig, first, second):
    message_id = rig.accepted(segments=3, candidates=BOTH)
    say(rig, message_id, rig.claimed(message_id, CARRIER, first), "refused_now")
    keys = ("k1", "k2", "k3")[:second]
    say(rig, message_id, rig.claimed(message_id, OTHER, second), "accepted", OTHER, keys)
    for key in keys:
        rig.receipt(reported(key, carrier_id=OTHER))
    assert rig.message(message_id) == ("delivered", None)
    assert rig.balance()[1:] == (0, PRICE)


def in_doubt_then(rig, first, second, kind):
    """A code in doubt at the first carrier, retried at the second, and what that one says."""
    message_id = rig.accepted(segments=3, candidates=BOTH, message_class="otp", options=OTP_RETRY)
    attempts = rig.claimed(message_id, CARRIER, first)
    say(rig, message_id, attempts, "in_doubt", reason="response_timeout")
    assert rig.message(message_id, "state, candidates") == ("queued", OTHER)
    say(rig, message_id, rig.claimed(message_id, OTHER, second), kind, OTHER, ("k1", "k2", "k3"))
    return message_id, attempts


@pytest.mark.parametrize(("first", "second"), [(3, 1), (1, 3)], ids=["then whole", "then in parts"])
def test_an_older_doubt_outlives_a_refused_retry(rig, first, second):
    message_id, attempts = in_doubt_then(rig, first, second, "refused")
    assert rig.message(message_id) == ("in_doubt", "response_timeout")
    say(rig, message_id, attempts, "accepted", keys=("a1", "a2", "a3"), at=START + 9 * SECOND)
    assert rig.message(message_id, "state") == "sent"
    assert rig.balance()[1:] == (0, PRICE)


@pytest.mark.parametrize(("first", "second"), [(3, 1), (1, 3)], ids=["then whole", "then in parts"])
def test_a_retry_that_was_taken_counts_more_than_the_doubt_and_is_paid_once(rig, first, second):
    message_id, attempts = in_doubt_then(rig, first, second, "accepted")
    assert rig.message(message_id, "state") == "sent"
    say(rig, message_id, attempts, "accepted", keys=("a1", "a2", "a3"), at=START + 9 * SECOND)
    assert rig.message(message_id, "state") == "sent"
    assert rig.balance()[1:] == (0, PRICE)


def test_there_and_back(rig):
    message_id = rig.accepted(segments=3, candidates=f"{BOTH} {THIRD}")
    say(rig, message_id, rig.claimed(message_id, CARRIER, 3), "refused_now")
    say(rig, message_id, rig.claimed(message_id, OTHER, 1), "refused_now", OTHER)
    say(rig, message_id, rig.claimed(message_id, THIRD, 3), "accepted", THIRD, ("k1", "k2", "k3"))
    assert rig.message(message_id, "state") == "sent"
    assert rig.balance()[1:] == (0, PRICE)


def long(rig):
    message_id, attempts = rig.sending(parts=3)
    rig.answer(*[answered(message_id, n, "accepted", key=k) for n, k in zip(attempts, ("a1", "a2", "a3"), strict=True)])
    return message_id


@pytest.mark.parametrize("key", ["a1", "a2", "a3"])
def test_t12_one_receipt_speaks_for_all_parts_where_one_was_asked_for(rig, key):
    message_id = long(rig)
    rig.receipt(reported(key, one_for_all=True))
    assert rig.message(message_id) == ("delivered", None)
    assert rig.message(message_id, "flags") & Flag.ONE_RECEIPT
    assert rig.deadlines() == []


def test_t12_an_intermediate_one_says_nothing_of_the_others(rig):
    message_id = long(rig)
    rig.receipt(reported("a3", state="enroute", one_for_all=True))
    assert rig.message(message_id, "state") == "sent"


def test_t12_the_answer_of_another_part_may_come_after_it(rig):
    message_id, attempts = rig.sending(parts=2)
    rig.answer(answered(message_id, attempts[1], "accepted", key="a2"))
    rig.receipt(reported("a2", one_for_all=True))
    assert rig.message(message_id, "state") == "sending"
    rig.answer(answered(message_id, attempts[0], "accepted", key="a1"))
    assert rig.message(message_id, "state") == "delivered"


def test_t12_where_each_part_was_asked_about_the_others_are_waited_for(rig):
    message_id = long(rig)
    rig.receipt(reported("a3"))
    assert rig.message(message_id, "state") == "sent"
    assert len(rig.deadlines()) == 1
