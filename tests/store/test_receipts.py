"""What delivery receipts do: which attempt they mean, how a message moves, what is told, and what is left alone. The
last test plays answers and receipts in every order against a real SQLite."""

import pytest
from after_submit import CARRIER, HOUR, OTHER, OTP_RETRY, PRICE, SECOND, START, answered, reported

from whimbrel.base.limits import PART_RECEIPTS_WAIT_S, RECEIPT_EVENTS_MAX
from whimbrel.domain.model import Flag
from whimbrel.store.interface import Ending
from whimbrel.store.verbs.finish import finish

AT = START + 2 * SECOND
SENT = ["queued", "sending", "sent"]
TWO_TAILS = (99, 7)


def sent(rig, *keys, **changes):
    """A message whose segments the carrier took with these ids."""
    message_id, attempts = rig.sending(parts=len(keys), **changes)
    rig.answer(*(answered(message_id, a, "accepted", key=k) for a, k in zip(attempts, keys, strict=True)))
    return message_id


def in_doubt(rig, **changes):
    message_id, attempts = rig.sending(**changes)
    tail = changes.get("tail", 7)
    rig.answer(*(answered(message_id, a, "in_doubt", reason="link_lost", tail_hash=tail) for a in attempts))
    return message_id


FINAL = {
    "delivered": (("delivered", None), {"carrier_id": CARRIER, "stat": "DELIVER", "error": "000"}),
    "undelivered": (
        ("undelivered", "absent_subscriber"),
        {"carrier_id": CARRIER, "stat": "UNDELIV", "error": "027", "reason": "absent_subscriber"},
    ),
    "expired": (
        ("expired", "expired_at_carrier"),
        {"carrier_id": CARRIER, "stat": "EXPIRED", "error": "000", "reason": "expired_at_carrier"},
    ),
}


@pytest.mark.parametrize(("state", "verdict", "data"), [(s, *row) for s, row in FINAL.items()], ids=FINAL)
def test_a_final_receipt_ends_the_message(rig, state, verdict, data):
    message_id = sent(rig, "a1")
    assert rig.receipt(reported("a1", state=state)) == ["applied"]
    assert rig.message(message_id) == verdict
    assert rig.message(message_id, "final_at") == AT
    assert rig.events(message_id) == [*SENT, state]
    assert rig.last_data(message_id) == data
    assert rig.one("SELECT state, receipt_state, receipts, resolved_at FROM attempts") == ("resolved", state, 1, AT)
    assert rig.balance()[1:] == (0, PRICE)


SEQUENCES = {
    # words of one segment's receipts: results, message, events after `sent`
    "the same five times": (["delivered"] * 5, ["applied"] + ["repeated"] * 4, "delivered", ["delivered"]),
    "delivered, then undelivered": (
        ["delivered", "undelivered"],
        ["applied"] * 2,
        "delivered",
        ["delivered", "receipt"],
    ),
    "undelivered, then delivered": (
        ["undelivered", "delivered"],
        ["applied"] * 2,
        "undelivered",
        ["undelivered", "receipt"],
    ),
    "expired, then delivered": (["expired", "delivered"], ["applied"] * 2, "expired", ["expired", "receipt"]),
    "intermediate, then final": (["enroute", "delivered"], ["applied"] * 2, "delivered", ["receipt", "delivered"]),
    "each intermediate word once": (
        ["enroute", "enroute", "accepted", "delivered"],
        ["applied", "repeated", "applied", "applied"],
        "delivered",
        ["receipt", "receipt", "delivered"],
    ),
    "intermediate after final": (["delivered", "enroute"], ["applied", "repeated"], "delivered", ["delivered"]),
    "only intermediate": (["unknown"], ["applied"], "sent", ["receipt"]),
}


@pytest.mark.parametrize("together", [True, False], ids=["in one list", "one by one"])
@pytest.mark.parametrize(("words", "results", "state", "told"), SEQUENCES.values(), ids=SEQUENCES)
def test_sequences(rig, words, results, state, told, together):
    message_id = sent(rig, "a1")
    receipts = [reported("a1", state=word) for word in words]
    found = rig.receipt(*receipts) if together else [rig.receipt(receipt)[0] for receipt in receipts]
    assert found == results
    assert rig.message(message_id, "state") == state
    assert rig.events(message_id) == [*SENT, *told]
    assert rig.one("SELECT receipts FROM attempts") == len(words)


def test_a_carrier_that_goes_to_and_fro_does_not_fill_the_log(rig):
    message_id = sent(rig, "a1")
    for word in ["delivered", "undelivered"] * RECEIPT_EVENTS_MAX:
        rig.receipt(reported("a1", state=word))
    assert len(rig.events(message_id)) <= len(SENT) + RECEIPT_EVENTS_MAX


# long messages

D, U, E, N = "delivered", "undelivered", "expired", None
LONG = {
    # the receipts of three segments: state, event types after `sent`
    "all delivered": ((D, D, D), "delivered", ["receipt", "receipt", "delivered"]),
    "one failed": ((D, U, N), "undelivered", ["receipt", "undelivered"]),
    "one failed, the others come later": ((U, D, D), "undelivered", ["undelivered", "receipt", "receipt"]),
    "expired and failed": ((N, E, U), "expired", ["expired", "receipt"]),
    "one reports": ((N, D, N), "sent", ["receipt"]),
}


@pytest.mark.parametrize(("words", "state", "told"), LONG.values(), ids=LONG)
def test_long_messages(rig, words, state, told):
    message_id = sent(rig, "a1", "a2", "a3")
    for key, word in zip(("a1", "a2", "a3"), words, strict=True):
        if word:
            assert rig.receipt(reported(key, state=word)) == ["applied"]
    assert rig.message(message_id, "state") == state
    assert rig.events(message_id) == [*SENT, *told]


def test_the_first_delivered_segment_shortens_the_wait_for_the_others(rig):
    message_id = sent(rig, "a1", "a2")
    rig.receipt(reported("a2"))
    assert rig.deadlines() == [(message_id, AT + PART_RECEIPTS_WAIT_S * SECOND)]
    assert rig.message(message_id, "flags") & Flag.PART_DELIVERED
    assert rig.last_data(message_id)["part"] == 2
    rig.receipt(reported("a1"))
    assert rig.message(message_id, "state") == "delivered"
    assert rig.deadlines() == []


def test_a_segment_may_be_delivered_before_the_next_is_answered(rig):
    message_id, (first, second) = rig.sending(parts=2)
    rig.answer(answered(message_id, first, "accepted", key="a1"))
    assert rig.receipt(reported("a1")) == ["applied"]
    assert rig.message(message_id, "state") == "sending"
    rig.answer(answered(message_id, second, "accepted", key="a2"))
    assert rig.message(message_id, "state") == "sent"
    rig.receipt(reported("a2"))
    assert rig.events(message_id) == ["queued", "sending", "receipt", "sent", "delivered"]


def test_a_failed_segment_waits_for_the_last_answer(rig):
    message_id, (first, second) = rig.sending(parts=2)
    rig.answer(answered(message_id, first, "accepted", key="a1"))
    rig.receipt(reported("a1", state="undelivered"))
    assert rig.message(message_id, "state") == "sending"
    rig.answer(answered(message_id, second, "accepted", key="a2"))
    assert rig.events(message_id) == ["queued", "sending", "receipt", "sent", "undelivered"]
    assert rig.balance()[1:] == (0, PRICE)


def test_a_segment_keeps_its_first_final_word(rig):
    message_id = sent(rig, "a1", "a2")
    rig.receipt(reported("a1"), reported("a1", state="undelivered"))
    assert rig.message(message_id, "state") == "sent"
    rig.receipt(reported("a2"))
    assert rig.message(message_id, "state") == "delivered"


# which attempt


def test_a_receipt_before_its_answer_is_found_by_an_id_as_it_is(rig):
    """Of a carrier whose ids are compared letter by letter; the receipt's address is of no use."""
    message_id, (attempt,) = rig.sending()
    assert rig.receipt(reported("0A1B-C", tails=(99,))) == ["parked"]
    rig.answer(answered(message_id, attempt, "accepted", key="0A1B-C"))
    assert rig.message(message_id, "state") == "delivered"


def test_receipts_are_matched_within_their_carrier(rig):
    message_id = sent(rig, "a1")
    assert rig.receipt(reported("a1", carrier_id=OTHER)) == ["parked"]
    assert rig.message(message_id, "state") == "sent"


def test_an_id_used_again_means_the_newest_message(rig):
    old, new = sent(rig, "a1"), sent(rig, "a1")
    rig.receipt(reported("a1"))
    assert (rig.message(old, "state"), rig.message(new, "state")) == ("sent", "delivered")


GUESSES = {
    # keys and tails of the receipt; the attempt has "436949" and tail 7
    "the first id needs no address": (("436949",), (1,), "applied"),
    "the second with an address": (("6aad5", "436949"), (7,), "applied"),
    "the second with the other address": (("6aad5", "436949"), (1, 7), "applied"),
    "the second against the address": (("6aad5", "436949"), (1,), "parked"),
    "the second without an address": (("6aad5", "436949"), (), "applied"),
    "no id of ours": (("6aad5",), (7,), "parked"),
}


@pytest.mark.parametrize(("keys", "tails", "result"), GUESSES.values(), ids=GUESSES)
def test_ids_after_the_first_are_guesses(rig, keys, tails, result):
    sent(rig, "436949")
    assert rig.receipt(reported(*keys, tails=tails)) == [result]


def test_a_receipt_without_a_match_is_parked_with_all_it_said(rig):
    rig.receipt(reported("6aad5", "436949", tails=TWO_TAILS))
    assert rig.one("SELECT carrier_id, carrier_key, keys, tail_hash, received_at FROM parked_receipts") == (
        CARRIER,
        "6aad5",
        '["6aad5","436949"]',
        99,
        AT,
    )


@pytest.mark.parametrize("keys", [("x9",), ()], ids=["an id", "no id"])
def test_the_one_attempt_in_doubt_is_found_by_its_tail(rig, keys):
    message_id = in_doubt(rig)
    assert rig.receipt(reported(*keys, tails=TWO_TAILS)) == ["applied"]
    assert rig.message(message_id) == ("delivered", None)
    assert rig.events(message_id) == ["queued", "sending", "in_doubt", "sent", "delivered"]
    assert rig.balance()[1:] == (0, PRICE)
    assert rig.deadlines() == []


def test_the_id_that_resolved_a_doubt_is_known_from_then_on(rig):
    message_id = in_doubt(rig)
    assert rig.receipt(reported("x9", state="enroute"), reported("x9")) == ["applied", "applied"]
    assert rig.receipt(reported("x9")) == ["repeated"]
    assert rig.one("SELECT carrier_key, state FROM attempts") == ("x9", "resolved")
    assert rig.events(message_id) == ["queued", "sending", "in_doubt", "sent", "receipt", "delivered"]


NOT_BY_TAIL = {
    "two messages in doubt": lambda rig: (in_doubt(rig), in_doubt(rig)),
    "another tail": lambda rig: in_doubt(rig, tail=8),
    "another message not answered yet": lambda rig: (in_doubt(rig), rig.sending()),
    "nothing in doubt": lambda rig: sent(rig, "a1"),
}


@pytest.mark.parametrize("scene", NOT_BY_TAIL.values(), ids=NOT_BY_TAIL)
def test_what_may_mean_another_is_parked(rig, scene):
    scene(rig)
    assert rig.receipt(reported("x9")) == ["parked"]
    assert rig.all("SELECT DISTINCT receipts FROM attempts") == [0]


def test_one_receipt_resolves_one_attempt(rig):
    message_id = in_doubt(rig)
    assert rig.receipt(reported("x8"), reported("x9")) == ["applied", "parked"]
    assert rig.message(message_id, "state") == "delivered"


def test_the_answer_of_the_other_frees_the_doubt(rig):
    doubtful = in_doubt(rig)
    other, (attempt,) = rig.sending()
    assert rig.receipt(reported("x9")) == ["parked"]
    rig.answer(answered(other, attempt, "accepted", key="a1"))
    assert (rig.message(doubtful, "state"), rig.message(other, "state")) == ("delivered", "sent")


def test_segments_in_doubt_of_one_message_are_told_apart_by_nothing(rig):
    message_id = in_doubt(rig, parts=3)
    assert rig.receipt(reported("x1"), reported("x2"), reported("x1"), reported("x3")) == [
        "applied",
        "applied",
        "repeated",
        "applied",
    ]
    assert rig.message(message_id, "state") == "delivered"
    assert rig.balance()[1:] == (0, PRICE)


# corrections


def given_up(rig, message_id, state, reason, charge=False):
    ending = Ending(message_id, ("queued", "sent", "in_doubt"), state, reason, AT, charge)
    assert rig.run(finish([ending])) == [True]


@pytest.mark.parametrize("word", ["delivered", "undelivered", "expired"])
def test_a_late_receipt_corrects_unknown_once(rig, word):
    message_id = sent(rig, "a1")
    given_up(rig, message_id, "unknown", "no_receipt")
    rig.receipt(reported("a1", state=word, at=AT + HOUR))
    assert rig.message(message_id, "state, final_at") == (word, AT + HOUR)
    assert rig.message(message_id, "flags") & Flag.CORRECTED
    assert rig.last_data(message_id)["corrected"] is True
    rig.receipt(reported("a1", state="delivered"), reported("a1", state="undelivered"))
    assert rig.message(message_id, "state") == word


@pytest.mark.parametrize(("charge", "spent"), [(True, PRICE), (False, 0)])
def test_a_correction_does_not_settle_again(rig, charge, spent):
    message_id = in_doubt(rig)
    given_up(rig, message_id, "unknown", "link_lost", charge)
    assert rig.receipt(reported("x9")) == ["applied"]
    assert rig.message(message_id, "state") == "delivered"
    assert rig.balance()[1:] == (0, spent)


def test_our_own_expiry_is_corrected(rig):
    message_id, (attempt,) = rig.sending(message_class="otp", options=OTP_RETRY)
    rig.answer(answered(message_id, attempt, "in_doubt"))
    given_up(rig, message_id, "expired", "expired")
    assert rig.receipt(reported("x9")) == ["applied"]
    assert rig.message(message_id, "state") == "delivered"


def test_a_delivered_first_try_takes_the_retry_out_of_the_queue(rig):
    message_id, (attempt,) = rig.sending(message_class="otp", options=OTP_RETRY)
    rig.answer(answered(message_id, attempt, "in_doubt"))
    assert rig.queue() != []
    rig.receipt(reported("x9"))
    assert rig.message(message_id, "state") == "delivered"
    assert rig.queue() == []


def test_a_failed_first_try_leaves_the_retry_its_chance(rig):
    message_id, (attempt,) = rig.sending(message_class="otp", options=OTP_RETRY)
    rig.answer(answered(message_id, attempt, "in_doubt"))
    rig.receipt(reported("x9", state="undelivered"))
    assert rig.message(message_id, "state") == "queued"
    (second,) = rig.claimed(message_id)
    rig.answer(answered(message_id, second, "accepted", key="a2"))
    rig.receipt(reported("a2"))
    assert rig.message(message_id, "state") == "delivered"
    assert rig.balance()[1:] == (0, PRICE)


def test_a_receipt_of_a_deleted_message_is_parked(rig):
    message_id = sent(rig, "a1")
    rig.db.execute("DELETE FROM messages WHERE id = ?", (message_id,))
    assert rig.receipt(reported("a1")) == ["parked"]
