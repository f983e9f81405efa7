"""From the standings of segments to the state and the money of their message."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.errors import CATALOGUE
from whimbrel.base.limits import EVENTS_BEFORE_GIVING_UP
from whimbrel.domain import outcomes, states
from whimbrel.domain.model import Flag
from whimbrel.domain.outcomes import Outcome, Segment

KINDS = {
    "accepted": outcomes.ACCEPTED,
    "refused": outcomes.REFUSED,
    "refused_now": outcomes.REFUSED_NOW,
    "withdrawn": outcomes.WITHDRAWN,
    "in_doubt": outcomes.IN_DOUBT,
}
STANDINGS = sorted({*KINDS.values(), outcomes.UNANSWERED, outcomes.DELIVERED, outcomes.UNDELIVERED, outcomes.EXPIRED})


@pytest.mark.parametrize("reason", [None, *CATALOGUE], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_an_attempt_keeps_what_the_answer_was(kind, reason):
    """The columns alone tell the kind again, whatever reason came with it."""
    state = outcomes.answered("committed", kind)
    kept = outcomes.answer_reason(kind, reason)
    assert outcomes.standing(state, kept, None) == KINDS[kind]
    assert kept is None or kept in CATALOGUE


ANSWERED = {
    # attempt's state: what accepted, refused, refused_now, withdrawn, in_doubt make of it
    "committed": ("accepted", "refused", "refused", "refused", "in_doubt"),
    "on_wire": ("accepted", "refused", "refused", "refused", "in_doubt"),
    "in_doubt": ("accepted", "refused", "refused", "refused", None),
    "accepted": ("accepted", None, None, None, None),
    "refused": (None, None, None, None, None),
    "resolved": ("resolved", None, None, None, None),
}


@pytest.mark.parametrize(("state", "becomes"), ANSWERED.items())
def test_the_first_answer_counts_and_a_late_one_ends_a_doubt(state, becomes):
    kinds = ("accepted", "refused", "refused_now", "withdrawn", "in_doubt")
    assert tuple(outcomes.answered(state, kind) for kind in kinds) == becomes


COLUMNS = {
    # state, reason, receipt_state: standing
    ("committed", None, None): "unanswered",
    ("on_wire", None, None): "unanswered",
    ("accepted", None, None): "accepted",
    ("accepted", None, "enroute"): "accepted",
    ("resolved", None, "delivered"): "delivered",
    ("resolved", "barred", "undelivered"): "undelivered",
    ("resolved", "expired_at_carrier", "expired"): "expired",
    ("in_doubt", "crash", None): "in_doubt",
    ("refused", "not_sent", None): "withdrawn",
    ("refused", "throttled", None): "refused_now",
    ("refused", "carrier_unavailable", None): "refused_now",
    ("refused", "carrier_rejected", None): "refused",
    ("refused", "expired", None): "refused",
    ("refused", None, None): "refused",
}


@pytest.mark.parametrize(("columns", "standing"), COLUMNS.items(), ids=str)
def test_standings(columns, standing):
    assert outcomes.standing(*columns) == standing


SPEAKERS = {
    # standings of the attempts of one segment, oldest first: the one that speaks
    "only one": (["refused"], 0),
    "the newest after a refusal": (["refused_now", "unanswered"], 1),
    "the newest refusal": (["refused_now", "refused"], 1),
    "a doubt before a refused retry": (["in_doubt", "refused"], 0),
    "a doubt before a retry under way": (["in_doubt", "unanswered"], 1),
    "a doubt before a retry that was taken back": (["in_doubt", "withdrawn"], 1),
    "a doubt before an accepted retry": (["in_doubt", "accepted"], 1),
    "a doubt before a retry that failed at the phone": (["in_doubt", "undelivered"], 0),
    "an acceptance before a retry under way": (["accepted", "unanswered"], 0),
    "a failure at the phone before a retry": (["undelivered", "unanswered"], 1),
    "a failure at the phone before a refused retry": (["undelivered", "refused"], 0),
    "delivered before anything": (["delivered", "accepted"], 0),
    "delivered after anything": (["undelivered", "delivered"], 1),
    "taken back, then anew": (["withdrawn", "refused_now", "accepted"], 2),
}


@pytest.mark.parametrize(("tries", "place"), SPEAKERS.values(), ids=SPEAKERS)
def test_who_speaks_for_a_segment(tries, place):
    segments = [Segment(standing, f"reason {number}") for number, standing in enumerate(tries)]
    found = outcomes.speaker(segments)
    assert (found.standing, found.reason) == (segments[place].standing, segments[place].reason)


def segments(*standings):
    return [Segment(standing, f"why {standing}") for standing in standings]


OUTCOMES = {
    # standings of the segments: outcome
    ("unanswered",): None,
    ("accepted",): Outcome("sent", taken=True),
    ("delivered",): Outcome("delivered", taken=True),
    ("undelivered",): Outcome("undelivered", "why undelivered", taken=True),
    ("expired",): Outcome("expired", "why expired", taken=True),
    ("refused",): Outcome("failed", "why refused"),
    ("refused_now",): Outcome("queued", "why refused_now", elsewhere=True),
    ("withdrawn",): Outcome("queued", "not_sent"),
    ("in_doubt",): Outcome("in_doubt", "why in_doubt"),
    ("accepted", "unanswered"): None,
    ("delivered", "unanswered"): None,
    ("undelivered", "unanswered"): None,
    ("refused", "unanswered"): None,
    ("in_doubt", "unanswered"): Outcome("in_doubt", "why in_doubt"),
    ("accepted", "accepted"): Outcome("sent", taken=True),
    ("delivered", "accepted"): Outcome("sent", taken=True),
    ("delivered", "delivered"): Outcome("delivered", taken=True),
    ("delivered", "undelivered"): Outcome("undelivered", "why undelivered", taken=True),
    ("accepted", "undelivered"): Outcome("undelivered", "why undelivered", taken=True),
    ("expired", "undelivered"): Outcome("undelivered", "why undelivered", taken=True),
    ("expired", "delivered"): Outcome("expired", "why expired", taken=True),
    ("undelivered", "in_doubt"): Outcome("undelivered", "why undelivered"),
    ("undelivered", "refused"): Outcome("undelivered", "why undelivered"),
    ("delivered", "in_doubt"): Outcome("in_doubt", "why in_doubt"),
    ("accepted", "refused"): Outcome("undelivered", "why refused"),
    ("accepted", "refused_now"): Outcome("undelivered", "why refused_now"),
    ("accepted", "withdrawn"): Outcome("undelivered", "carrier_unavailable"),
    ("refused", "in_doubt"): Outcome("in_doubt", "why in_doubt"),
    ("withdrawn", "in_doubt"): Outcome("in_doubt", "why in_doubt"),
    ("refused", "refused_now"): Outcome("failed", "why refused"),
    ("withdrawn", "refused"): Outcome("failed", "why refused"),
    ("withdrawn", "refused_now"): Outcome("queued", "why refused_now", elsewhere=True),
}


@pytest.mark.parametrize(("standings", "expected"), OUTCOMES.items(), ids=str)
def test_outcomes_do_not_depend_on_the_order_of_segments(standings, expected):
    for order in itertools.permutations(standings):
        assert outcomes.outcome(segments(*order)) == expected


def test_an_expiry_before_the_write_is_an_expiry():
    assert outcomes.outcome([Segment("refused", "expired")]) == Outcome("expired", "expired")


def test_a_failure_without_a_reason_gets_one():
    said = [outcomes.outcome([Segment(s)]).reason for s in ("undelivered", "expired", "refused")]
    assert said == ["undelivered", "expired_at_carrier", "carrier_rejected"]


@given(st.lists(st.sampled_from(STANDINGS), min_size=1, max_size=5), st.sampled_from(sorted(states.STATES)))
def test_every_path_is_allowed(standings, state):
    wanted = outcomes.outcome(segments(*standings))
    if wanted is None:
        return
    for step in outcomes.path(state, wanted, reason="expired", flags=0):
        assert states.may_move(state, step) or states.may_correct(state, step, reason="expired", corrected=False)
        state = step


PATHS = {
    # state, standings: path
    "taken and delivered at once": ("sending", ("delivered",), ("sent", "delivered")),
    "a doubt that a receipt ends": ("in_doubt", ("undelivered",), ("sent", "undelivered")),
    "delivered after sent": ("sent", ("delivered",), ("delivered",)),
    "cut short": ("sending", ("accepted", "refused"), ("undelivered",)),
    "nothing new": ("sent", ("accepted",), ()),
    "final stays": ("delivered", ("undelivered",), ()),
    "late answers after the end": ("unknown", ("accepted",), ()),
    "a correction": ("unknown", ("delivered",), ("delivered",)),
    "the retry waits and the first try was refused": ("queued", ("refused",), ()),
    "the retry waits and the first try failed": ("queued", ("undelivered",), ()),
    "the retry waits and the first try was taken": ("queued", ("accepted",), ("sent",)),
    "the retry waits and the first try was delivered": ("queued", ("delivered",), ("sent", "delivered")),
    "a rejected message is not sent again": ("rejected", ("delivered",), ()),
    "a scheduled message has no attempts": ("scheduled", ("delivered",), ()),
}


@pytest.mark.parametrize(("state", "standings", "path"), PATHS.values(), ids=PATHS)
def test_paths(state, standings, path):
    assert outcomes.path(state, outcomes.outcome(segments(*standings)), reason=None, flags=0) == path


CORRECTIONS = {
    # state, its reason, flags: path of a late delivery
    "unknown": ("unknown", "no_receipt", 0, ("delivered",)),
    "our own expiry": ("expired", "expired", 0, ("delivered",)),
    "the carrier's expiry": ("expired", "expired_at_carrier", 0, ()),
    "corrected before": ("unknown", "no_receipt", Flag.CORRECTED, ()),
}


@pytest.mark.parametrize(("state", "reason", "flags", "path"), CORRECTIONS.values(), ids=CORRECTIONS)
def test_corrections(state, reason, flags, path):
    wanted = Outcome("delivered", taken=True)
    assert outcomes.path(state, wanted, reason=reason, flags=int(flags)) == path


RETRIES = {
    # standings and what differs from a code that may be retried: whether it may
    "in doubt": (("in_doubt",), {}, True),
    "every segment in doubt or not taken": (("in_doubt", "refused_now", "withdrawn"), {}, True),
    "a segment accepted": (("in_doubt", "accepted"), {}, False),
    "a segment not answered": (("in_doubt", "unanswered"), {}, False),
    "a segment refused for good": (("in_doubt", "refused"), {}, False),
    "not asked for": (("in_doubt",), {"on_doubt": "report"}, False),
    "another class": (("in_doubt",), {"message_class": "transactional"}, False),
    "retried before": (("in_doubt",), {"flags": int(Flag.DOUBT_RETRIED)}, False),
    "expired": (("in_doubt",), {"at": 100}, False),
}


@pytest.mark.parametrize(("standings", "changes", "expected"), RETRIES.values(), ids=RETRIES)
def test_retries(standings, changes, expected):
    fields = {"message_class": "otp", "on_doubt": "retry_once", "flags": 0, "expires_at": 100, "at": 99}
    assert outcomes.may_retry(segments(*standings), **{**fields, **changes}) is expected


AGAIN = {
    # state, candidates left, reason, events so far: state, reason
    "the next carrier": ("sending", "CR2", "throttled", 2, "queued", "throttled"),
    "no carrier left": ("sending", "", "throttled", 2, "failed", "throttled"),
    "a doubt was told": ("in_doubt", "CR2", "throttled", 3, "failed", "throttled"),
    "a doubt was told, then taken back": ("in_doubt", "CR2", "not_sent", 3, "failed", "carrier_unavailable"),
    "to and fro": ("sending", "CR2", "not_sent", EVENTS_BEFORE_GIVING_UP - 1, "queued", "not_sent"),
    "to and fro too often": ("sending", "CR2", "not_sent", EVENTS_BEFORE_GIVING_UP, "failed", "carrier_unavailable"),
}


@pytest.mark.parametrize(("state", "candidates", "reason", "events", "becomes", "why"), AGAIN.values(), ids=AGAIN)
def test_what_may_be_sent_again(state, candidates, reason, events, becomes, why):
    found = outcomes.sendable_again(Outcome("queued", reason), state=state, candidates=candidates, events=events)
    assert (found.state, found.reason) == (becomes, why)


@pytest.mark.parametrize(
    ("candidates", "carrier", "rest"),
    [
        ("CR1 CR2 CR3", "CR1", "CR2 CR3"),
        ("CR1 CR2", "CR2", ""),
        ("CR1", "CR1", ""),
        ("CR2 CR3", "CR1", "CR2 CR3"),
        ("", "CR1", ""),
    ],
)
def test_next_carriers(candidates, carrier, rest):
    assert outcomes.next_carriers(candidates, carrier) == rest


@given(st.integers(0, 10**9), st.integers(1, 10))
def test_shares_are_the_price(price, parts):
    shares = [outcomes.share(price, part, parts) for part in range(1, parts + 1)]
    assert sum(shares) == price
    assert max(shares) == shares[-1]
    assert outcomes.owed(price, segments(*["accepted"] * parts)) == price


def test_only_what_was_taken_is_owed():
    standings = ("accepted", "refused", "in_doubt", "undelivered", "unanswered", "delivered")
    assert outcomes.owed(6_000_005, segments(*standings)) == 1_000_000 + 1_000_000 + 1_000_005


@pytest.mark.parametrize(
    ("state", "flags", "reason", "expected"),
    [
        ("in_doubt", 0, "link_lost", ("unknown", "link_lost")),
        ("in_doubt", 0, None, ("unknown", "no_receipt")),
        ("in_doubt", Flag.PART_DELIVERED, "crash", ("unknown", "crash")),
        ("sent", 0, None, ("unknown", "no_receipt")),
        ("sent", Flag.PART_DELIVERED, None, ("delivered", None)),
    ],
)
def test_deadlines(state, flags, reason, expected):
    assert outcomes.at_deadline(state, int(flags), reason) == expected


def test_a_segment_that_was_taken_is_owed_whatever_became_of_its_retry():
    taken_then_doubt = outcomes.speaker(segments("undelivered", "in_doubt"))
    assert taken_then_doubt.standing == "in_doubt"
    assert outcomes.owed(900, [taken_then_doubt, *segments("refused", "in_doubt")]) == 300
