"""What carriers' answers do to attempts, messages, money, queue and events. Each case is a list of answers to the
segments of one message, on a real SQLite."""

import pytest
from after_submit import (
    ACCOUNT,
    CARRIER,
    HOUR,
    OTHER,
    OTP_RETRY,
    PRICE,
    SECOND,
    START,
    answered,
    reported,
)

from whimbrel.base.limits import DOUBT_DEADLINE_S, RECEIPT_DEADLINE_S
from whimbrel.domain.model import Flag

DAY = DOUBT_DEADLINE_S * SECOND
AT = START + SECOND


def test_an_accepted_message_is_sent_and_paid(rig):
    message_id, (attempt,) = rig.sending()
    rig.answer(answered(message_id, attempt, "accepted", key="a1", bind="b1", throttled=2))
    assert rig.message(message_id, "state, sent_at, carrier_id, held_micros, charged_micros") == (
        "sent",
        AT,
        CARRIER,
        0,
        PRICE,
    )
    assert rig.one(
        "SELECT state, bind, carrier_message_id, carrier_key, throttled, answered_at FROM attempts WHERE position = ?",
        attempt,
    ) == ("accepted", "b1", "a1", "a1", 2, AT)
    assert rig.events(message_id) == ["queued", "sending", "sent"]
    assert rig.last_data(message_id) == {"carrier_id": CARRIER}
    assert rig.balance()[1:] == (0, PRICE)
    assert rig.deadlines() == []


SINGLE = {
    # kind and reason of the one answer: state, reason, held, spent
    "accepted": (("accepted", None), ("sent", None), 0, PRICE),
    "refused": (("refused", "invalid_destination"), ("failed", "invalid_destination"), 0, 0),
    "refused without a reason": (("refused", None), ("failed", "carrier_rejected"), 0, 0),
    "expired before the write": (("refused", "expired"), ("expired", "expired"), 0, 0),
    "refused for now, no other carrier": (
        ("refused_now", "carrier_unavailable"),
        ("failed", "carrier_unavailable"),
        0,
        0,
    ),
    "withdrawn": (("withdrawn", None), ("queued", None), PRICE, 0),
    "link lost": (("in_doubt", "link_lost"), ("in_doubt", "link_lost"), PRICE, 0),
    "no response": (("in_doubt", "response_timeout"), ("in_doubt", "response_timeout"), PRICE, 0),
    "crash": (("in_doubt", "crash"), ("in_doubt", "crash"), PRICE, 0),
}


@pytest.mark.parametrize(("answer", "verdict", "held", "spent"), SINGLE.values(), ids=SINGLE)
def test_one_segment(rig, answer, verdict, held, spent):
    kind, reason = answer
    message_id, (attempt,) = rig.sending()
    rig.answer(answered(message_id, attempt, kind, reason=reason))
    assert rig.message(message_id) == verdict
    assert rig.balance()[1:] == (held, spent)
    assert rig.message(message_id, "held_micros, charged_micros") == (held, spent)
    assert rig.events(message_id) == ["queued", "sending", verdict[0]]


PARTS = {
    # kinds of the answers to three segments, in order: state, reason, charged parts, is anything held
    "all accepted": (("accepted",) * 3, ("sent", None), 3, False),
    "two of three so far": (("accepted", "accepted", None), ("sending", None), 2, True),
    "one refused for good": (("accepted", "refused", "accepted"), ("undelivered", "invalid_destination"), 2, False),
    "one refused for now beside accepted ones": (
        ("accepted", "refused_now", "accepted"),
        ("undelivered", "carrier_unavailable"),
        2,
        False,
    ),
    "one taken back beside an accepted one": (
        ("accepted", "withdrawn", "withdrawn"),
        ("undelivered", "carrier_unavailable"),
        1,
        False,
    ),
    "all refused": (("refused",) * 3, ("failed", "invalid_destination"), 0, False),
    "refused for good and for now": (
        ("refused_now", "refused", "refused_now"),
        ("failed", "invalid_destination"),
        0,
        False,
    ),
    "all refused for now": (("refused_now",) * 3, ("queued", None), 0, True),
    "refused for now, one unanswered": (("refused_now", "refused_now", None), ("sending", None), 0, True),
    "refused for good, one unanswered": (("refused", None, "refused"), ("sending", None), 0, True),
    "all taken back": (("withdrawn",) * 3, ("queued", None), 0, True),
    "one in doubt": (("accepted", "in_doubt", "accepted"), ("in_doubt", "link_lost"), 2, True),
    "one in doubt, one unanswered": (("in_doubt", None, "accepted"), ("in_doubt", "link_lost"), 1, True),
    "in doubt and refused": (("refused", "in_doubt", "refused"), ("in_doubt", "link_lost"), 0, True),
    "in doubt and taken back": (("withdrawn", "in_doubt", "withdrawn"), ("in_doubt", "link_lost"), 0, True),
}
REASONS = {"refused": "invalid_destination", "refused_now": "carrier_unavailable", "in_doubt": "link_lost"}


@pytest.mark.parametrize("together", [True, False], ids=["in one list", "one by one"])
@pytest.mark.parametrize(("kinds", "verdict", "charged", "is_held"), PARTS.values(), ids=PARTS)
def test_three_segments(rig, kinds, verdict, charged, is_held, together):
    price = 10_001  # 3333 + 3333 + 3335: the last segment bears the remainder
    message_id, attempts = rig.sending(parts=3, price_micros=price, candidates=f"{CARRIER} {OTHER}")
    answers = [
        answered(message_id, attempt, kind, reason=REASONS.get(kind), key=f"k{attempt}")
        for attempt, kind in zip(attempts, kinds, strict=True)
        if kind
    ]
    for batch in [answers] if together else [[answer] for answer in answers]:
        rig.answer(*batch)
    spent = sum((3333, 3333, 3335)[place] for place, kind in enumerate(kinds) if kind == "accepted")
    assert rig.message(message_id) == verdict
    assert sum(kind == "accepted" for kind in kinds) == charged
    assert rig.balance()[1:] == (price - spent if is_held else 0, spent)


def test_refused_for_now_waits_for_the_next_carrier(rig):
    message_id, (attempt,) = rig.sending(candidates=f"{CARRIER} {OTHER}", priority=2, rank=55)
    rig.answer(answered(message_id, attempt, "refused_now", reason="carrier_unavailable", status_code=8))
    assert rig.queue() == [(OTHER, 2, 55, message_id, START + HOUR)]
    assert rig.message(message_id, "state, candidates") == ("queued", OTHER)
    assert rig.last_data(message_id) == {"carrier_id": CARRIER, "reason": "carrier_unavailable", "status_code": 8}
    (second,) = rig.claimed(message_id, OTHER)
    rig.answer(answered(message_id, second, "refused_now", carrier_id=OTHER))
    assert rig.message(message_id) == ("failed", "carrier_unavailable")
    assert rig.events(message_id) == ["queued", "sending", "queued", "sending", "failed"]
    assert rig.balance()[1:] == (0, 0)
    assert rig.queue() == []


CAP = "daily_cap_reached"


def test_what_is_refused_for_today_is_queued_where_it_was_and_told(rig):
    message_id, (attempt,) = rig.sending(priority=2, rank=55)
    assert rig.answer(answered(message_id, attempt, "refused_now", reason=CAP)) == [message_id]
    assert rig.queue() == [(CARRIER, 2, 55, message_id, START + HOUR)]
    assert rig.message(message_id, "state, candidates, reason") == ("queued", CARRIER, None)
    assert rig.last_data(message_id) == {"carrier_id": CARRIER, "reason": CAP}
    assert rig.balance()[1:] == (PRICE, 0)
    (second,) = rig.claimed(message_id, CARRIER)
    assert rig.answer(answered(message_id, second, "accepted", key="k")) == []
    assert rig.message(message_id, "state") == "sent"
    assert rig.balance()[1:] == (0, PRICE)


def test_what_is_refused_for_today_goes_to_the_next_carrier_first(rig):
    message_id, (attempt,) = rig.sending(candidates=f"{CARRIER} {OTHER}")
    assert rig.answer(answered(message_id, attempt, "refused_now", reason=CAP)) == []
    assert rig.message(message_id, "state, candidates") == ("queued", OTHER)
    (second,) = rig.claimed(message_id, OTHER)
    assert rig.answer(answered(message_id, second, "refused_now", carrier_id=OTHER, reason=CAP)) == [message_id]
    assert rig.message(message_id, "state, candidates") == ("queued", OTHER)
    (third,) = rig.claimed(message_id, OTHER)
    assert rig.answer(answered(message_id, third, "refused_now", carrier_id=OTHER)) == []
    assert rig.message(message_id) == ("failed", "carrier_unavailable")


@pytest.mark.parametrize("together", [True, False], ids=["in one list", "one by one"])
def test_a_long_text_that_is_refused_for_today_waits_as_a_whole(rig, together):
    message_id, attempts = rig.sending(parts=3)
    answers = [answered(message_id, attempt, "refused_now", reason=CAP) for attempt in attempts]
    batches = [answers] if together else [[answer] for answer in answers]
    assert [later for batch in batches for later in rig.answer(*batch)] == [message_id]
    taken, others = rig.sending(parts=2)
    rig.answer(answered(taken, others[0], "accepted", key="k"))
    assert rig.answer(answered(taken, others[1], "refused_now", reason=CAP)) == []
    assert rig.message(taken) == ("undelivered", CAP)


def test_a_late_refusal_for_today_ends_the_doubt(rig):
    message_id, (attempt,) = rig.sending()
    rig.answer(answered(message_id, attempt, "in_doubt"))
    assert rig.answer(answered(message_id, attempt, "refused_now", reason=CAP)) == []
    assert rig.message(message_id) == ("failed", CAP)


def test_taken_back_keeps_its_place(rig):
    message_id, (attempt,) = rig.sending(candidates=f"{CARRIER} {OTHER}", priority=2, rank=55)
    rig.answer(answered(message_id, attempt, "withdrawn"))
    assert rig.queue() == [(CARRIER, 2, 55, message_id, START + HOUR)]
    assert rig.message(message_id, "candidates") == f"{CARRIER} {OTHER}"
    assert rig.last_data(message_id)["reason"] == "not_sent"


def test_doubt_sets_a_deadline_and_an_answer_moves_it(rig):
    message_id, (attempt,) = rig.sending()
    rig.answer(answered(message_id, attempt, "in_doubt", reason="response_timeout"))
    assert rig.deadlines() == [(message_id, AT + DAY)]
    assert rig.message(message_id, "flags") & Flag.IN_DOUBT
    rig.answer(answered(message_id, attempt, "accepted", key="a1", at=AT + 9))
    ((_, due_at),) = rig.deadlines()
    assert due_at == rig.message(message_id, "expires_at") + RECEIPT_DEADLINE_S * 1_000_000
    rig.receipt(reported("a1"))
    assert rig.deadlines() == []
    assert rig.message(message_id) == ("delivered", None)
    assert rig.events(message_id) == ["queued", "sending", "in_doubt", "sent", "delivered"]
    assert rig.balance()[1:] == (0, PRICE)


@pytest.mark.parametrize("kind", ["refused", "refused_now", "withdrawn"])
def test_a_late_no_ends_the_doubt_and_is_never_resent(rig, kind):
    message_id, (attempt,) = rig.sending(candidates=f"{CARRIER} {OTHER}")
    rig.answer(answered(message_id, attempt, "in_doubt"))
    rig.answer(answered(message_id, attempt, kind))
    assert rig.message(message_id, "state") == "failed"
    assert rig.queue() == []
    assert rig.deadlines() == []
    assert rig.balance()[1:] == (0, 0)


@pytest.mark.parametrize("first", ["accepted", "refused", "in_doubt"])
def test_the_same_answer_twice_changes_nothing(rig, first):
    message_id, (attempt,) = rig.sending()
    answer = answered(message_id, attempt, first, key="a1")
    rig.answer(answer, answer)
    before = rig.message(message_id, "*"), rig.events(message_id), rig.balance()
    rig.answer(answer)
    assert (rig.message(message_id, "*"), rig.events(message_id), rig.balance()) == before


def test_answers_to_unknown_attempts_are_ignored(rig):
    rig.answer(answered("SM0", 4711, "accepted", key="a1"))
    assert rig.all("SELECT * FROM events") == []


def test_test_traffic_touches_no_ledger(rig):
    message_id, (attempt,) = rig.sending(test=True)
    rig.answer(answered(message_id, attempt, "accepted", key="a1"))
    assert rig.message(message_id, "state, charged_micros") == ("sent", 0)
    assert rig.all("SELECT * FROM ledger") == []


def test_callbacks_are_marked_on_their_events(rig):
    message_id, (attempt,) = rig.sending(flags=int(Flag.CALLBACK))
    rig.answer(answered(message_id, attempt, "accepted", key="a1"))
    assert rig.all("SELECT callback, account_id FROM events WHERE subject_id = ?", message_id) == [(1, ACCOUNT)] * 3


# retry_once


def retried(rig, **changes):
    message_id, (attempt,) = rig.sending(message_class="otp", options=OTP_RETRY, **changes)
    rig.answer(answered(message_id, attempt, "in_doubt", reason="response_timeout"))
    return message_id, attempt


def test_a_code_is_sent_once_more_where_its_sender_asked_for_it(rig):
    message_id, _ = retried(rig, candidates=f"{CARRIER} {OTHER}")
    assert [row[0] for row in rig.queue()] == [OTHER]
    assert rig.deadlines() == []
    flags = rig.message(message_id, "flags")
    assert flags & Flag.POSSIBLE_DUPLICATE and flags & Flag.DOUBT_RETRIED and flags & Flag.IN_DOUBT
    assert rig.events(message_id) == ["queued", "sending", "in_doubt", "queued"]
    assert rig.last_data(message_id) == {
        "carrier_id": CARRIER,
        "reason": "response_timeout",
        "possible_duplicate": True,
    }
    (second,) = rig.claimed(message_id, OTHER)
    rig.answer(answered(message_id, second, "accepted", key="b1", carrier_id=OTHER))
    assert rig.message(message_id) == ("sent", None)
    assert rig.balance()[1:] == (0, PRICE)


def test_a_code_is_not_sent_a_third_time(rig):
    message_id, _ = retried(rig)
    assert [row[0] for row in rig.queue()] == [CARRIER]
    (second,) = rig.claimed(message_id)
    rig.answer(answered(message_id, second, "in_doubt"))
    assert rig.message(message_id, "state") == "in_doubt"
    assert rig.queue() == []
    assert rig.deadlines() == [(message_id, AT + DAY)]


def test_a_refused_retry_leaves_the_first_doubt(rig):
    message_id, _ = retried(rig, candidates=f"{CARRIER} {OTHER}")
    (second,) = rig.claimed(message_id, OTHER)
    rig.answer(answered(message_id, second, "refused", carrier_id=OTHER))
    assert rig.message(message_id) == ("in_doubt", "response_timeout")
    assert rig.balance()[1:] == (PRICE, 0)


def test_a_late_acceptance_takes_the_retry_out_of_the_queue(rig):
    message_id, attempt = retried(rig)
    rig.answer(answered(message_id, attempt, "accepted", key="a1"))
    assert rig.message(message_id, "state") == "sent"
    assert rig.queue() == []
    assert rig.events(message_id) == ["queued", "sending", "in_doubt", "queued", "sent"]


def test_both_tries_accepted_are_charged_once(rig):
    message_id, attempt = retried(rig)
    (second,) = rig.claimed(message_id)
    rig.answer(answered(message_id, attempt, "accepted", key="a1"), answered(message_id, second, "accepted", key="a2"))
    assert rig.message(message_id, "state, charged_micros") == ("sent", PRICE)
    assert rig.balance()[1:] == (0, PRICE)


NO_RETRY = {
    "another class": {"message_class": "transactional", "options": OTP_RETRY},
    "not asked for": {"message_class": "otp"},
    "expired": {"message_class": "otp", "options": OTP_RETRY, "expires_at": AT},
}


@pytest.mark.parametrize("changes", NO_RETRY.values(), ids=NO_RETRY)
def test_no_retry(rig, changes):
    message_id, (attempt,) = rig.sending(**changes)
    rig.answer(answered(message_id, attempt, "in_doubt"))
    assert rig.message(message_id, "state") == "in_doubt"
    assert rig.queue() == []


@pytest.mark.parametrize(
    ("other", "state"), [("in_doubt", "queued"), ("accepted", "in_doubt"), ("refused", "in_doubt")]
)
def test_a_long_code_is_retried_only_as_a_whole(rig, other, state):
    message_id, (first, second) = rig.sending(parts=2, message_class="otp", options=OTP_RETRY)
    rig.answer(answered(message_id, first, "in_doubt"))
    assert rig.queue() == []
    rig.answer(answered(message_id, second, other, key="a2"))
    assert rig.message(message_id, "state") == state


# receipts that came before the answer


def test_an_early_receipt_is_applied_with_its_answer(rig):
    message_id, (attempt,) = rig.sending()
    assert rig.receipt(reported("a1")) == ["parked"]
    rig.answer(answered(message_id, attempt, "accepted", key="a1"))
    assert rig.message(message_id, "state") == "delivered"
    assert rig.events(message_id) == ["queued", "sending", "sent", "delivered"]
    assert rig.parked() == []


def test_an_early_receipt_is_found_by_its_id_alone(rig):
    message_id, (attempt,) = rig.sending()
    rig.receipt(reported("a1", tails=()))
    rig.answer(answered(message_id, attempt, "accepted", key="a1"))
    assert rig.message(message_id, "state") == "delivered"


@pytest.mark.parametrize(
    ("answer", "keys"),
    [("6aad5", ("6aad5", "436949")), ("436949", ("6aad5", "436949")), ("6aad5", ("436949", "6aad5"))],
    ids=["as written", "hex receipt of a decimal answer", "decimal receipt of a hex answer"],
)
def test_an_early_receipt_may_write_the_id_in_another_base(rig, answer, keys):
    message_id, (attempt,) = rig.sending()
    assert rig.receipt(reported(*keys)) == ["parked"]
    rig.answer(answered(message_id, attempt, "accepted", key=answer))
    assert rig.message(message_id, "state") == "delivered"


def test_a_parked_receipt_meets_the_one_attempt_in_doubt(rig):
    message_id, (attempt,) = rig.sending()
    assert rig.receipt(reported("a1")) == ["parked"]
    rig.answer(answered(message_id, attempt, "in_doubt"))
    assert rig.message(message_id, "state") == "delivered"
    assert rig.events(message_id) == ["queued", "sending", "in_doubt", "sent", "delivered"]
    assert rig.one("SELECT state, carrier_key FROM attempts") == ("resolved", "a1")
    assert rig.balance()[1:] == (0, PRICE)
    assert rig.deadlines() == []


def test_two_parked_receipts_are_no_proof_for_one_attempt_in_doubt(rig):
    message_id, (attempt,) = rig.sending()
    rig.receipt(reported("a1"), reported("a2"))
    rig.answer(answered(message_id, attempt, "in_doubt"))
    assert rig.message(message_id, "state") == "in_doubt"
    assert rig.parked() == ["a1", "a2"]


def test_a_receipt_parked_long_before_the_attempt_is_about_another(rig):
    rig.receipt(reported("a1", at=START - HOUR))
    message_id, (attempt,) = rig.sending()
    rig.answer(answered(message_id, attempt, "accepted", key="a1"))
    assert rig.message(message_id, "state") == "sent"
    assert rig.parked() == ["a1"]


def test_a_late_answer_after_the_receipt_teaches_the_id_only(rig):
    message_id, (attempt,) = rig.sending()
    rig.answer(answered(message_id, attempt, "in_doubt"))
    rig.receipt(reported("436949", "6aad5"))
    rig.answer(answered(message_id, attempt, "accepted", key="6aad5"))
    assert rig.message(message_id, "state") == "delivered"
    assert rig.one("SELECT state, carrier_message_id FROM attempts") == ("resolved", "6aad5")
    assert rig.events(message_id) == ["queued", "sending", "in_doubt", "sent", "delivered"]
