"""The oracle, fed with made-up runs: a clean one, and each way in which one may go wrong."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from .evidence import DOUBT, Evidence, Row, Smsc
from .load import Sent
from .oracle import judge

PLAIN, DOUBTED, LOST = "SM1", "SM2", "SM3"
NUMBERS = {PLAIN: "+447911000000", DOUBTED: "+447912000001", LOST: "+447913000002"}
CARRIERS = ("CR1", "CR2", "CR3")
STATES = {
    PLAIN: ("queued", "sending", "sent", "delivered"),
    DOUBTED: ("queued", "sending", "in_doubt", "sent", "delivered"),
    LOST: ("queued", "sending", "in_doubt"),
}


def smsc(accepted: dict[str, tuple[str, str]]) -> Smsc:
    """A simulator that took these and delivered them; by id the number and the words."""
    pieces: dict[tuple[str, str], list[str]] = {}
    for id_, (to, words) in accepted.items():
        pieces.setdefault((to[1:], words), []).append(id_)
    return Smsc(
        pieces=pieces,
        outcomes=dict.fromkeys(accepted, "delivered"),
        sent=Counter((id_, "DELIVRD") for id_ in accepted),
        receipts=Counter(list(accepted)),
        answered=Counter(list(accepted)),
    )


def clean() -> Evidence:
    """One message that went its way, one that was in doubt until its receipt, one that never arrived."""
    events = {id_: [(n, f"message.{s}") for n, s in enumerate(states, 1)] for id_, states in STATES.items()}
    ids = {f"{id_}-{seq}" for id_, found in events.items() for seq, _ in found}
    price = Decimal("0.04")
    return Evidence(
        sent=[Sent(to, f"text of {id_}", "otp", False, id_) for id_, to in NUMBERS.items()],
        smsc={
            "CR1": smsc({"1": (NUMBERS[PLAIN], "text of SM1")}),
            "CR2": smsc({"9": (NUMBERS[DOUBTED], "text of SM2")}),
            "CR3": smsc({}),
        },
        rows={
            id_: Row(id_, to, f"text of {id_}", STATES[id_][-1], 1, str(price), False) for id_, to in NUMBERS.items()
        },
        events=events,
        event_ids=ids,
        told=Counter(ids),
        hooks={id_: dict(found) for id_, found in events.items()},
        books={"available": Decimal("9.88"), "held": price, "spent": 2 * price},
        money={
            PLAIN: {"hold": (1, price), "charge": (1, price)},
            DOUBTED: {"hold": (1, price), "charge": (1, price)},
            LOST: {"hold": (1, price)},
        },
        balance={"available": "9.88", "held": "0.04", "spent": "0.08"},
        attempts={
            "CR1": [(PLAIN, "resolved", "1")],
            "CR2": [(DOUBTED, "resolved", "9")],
            "CR3": [(LOST, "in_doubt", "")],
        },
        parked=0,
        counted={"CR1": Counter(applied=1), "CR2": Counter(applied=1)},
        timelines={id_: timeline(events[id_]) for id_ in (DOUBTED, LOST)},
    )


def timeline(events: list[tuple[int, str]]) -> list[dict[str, Any]]:
    detail = {"reason": "link_lost"}
    return [{"type": type_, "data": {"detail": detail} if type_ == DOUBT else {}} for _, type_ in events]


def test_a_clean_run_breaks_nothing():
    verdict = judge(clean())
    assert verdict.broken == []
    assert (verdict.messages, verdict.segments, verdict.receipts) == (3, 2, 2)
    assert (verdict.doubted, verdict.resolved, verdict.never_there, verdict.silent) == (2, 1, 1, 0)
    assert (verdict.lost, verdict.twice, verdict.retold) == (0, 0, 0)


def gone(evidence: Evidence) -> None:
    del evidence.rows[PLAIN]


def changed(evidence: Evidence) -> None:
    evidence.rows[PLAIN].text = "another"


def refused(evidence: Evidence) -> None:
    evidence.sent.append(Sent("+447911000009", "text", "otp", False, "", "503"))


def of_nobody(evidence: Evidence) -> None:
    evidence.rows["SM9"] = Row("SM9", "+447911000009", "text", "delivered", 1, "0", False)


def accepted_twice(evidence: Evidence) -> None:
    evidence.smsc["CR3"] = smsc({"5": (NUMBERS[PLAIN], "text of SM1")})


def flagged_unasked(evidence: Evidence) -> None:
    evidence.rows[PLAIN].possible_duplicate = True


def unknown_at_the_carrier(evidence: Evidence) -> None:
    evidence.attempts["CR1"] = [(PLAIN, "resolved", "7")]


def unknown_to_us(evidence: Evidence) -> None:
    evidence.attempts["CR1"] = []


def still_committed(evidence: Evidence) -> None:
    evidence.attempts["CR1"].append((PLAIN, "committed", ""))


def delivered_by_nobody(evidence: Evidence) -> None:
    evidence.smsc["CR1"].sent = Counter({("1", "UNDELIV"): 1})


def left_queued(evidence: Evidence) -> None:
    evidence.rows[PLAIN].status = "queued"


def doubt_that_is_over(evidence: Evidence) -> None:
    evidence.rows[DOUBTED].status = "in_doubt"


def receipt_never_acknowledged(evidence: Evidence) -> None:
    evidence.smsc["CR1"].answered.clear()


def receipt_not_counted(evidence: Evidence) -> None:
    evidence.counted["CR1"].clear()


def receipt_left_parked(evidence: Evidence) -> None:
    evidence.parked = 1


def doubt_without_a_reason(evidence: Evidence) -> None:
    evidence.timelines[LOST][-1]["data"] = {}


def doubt_without_an_end(evidence: Evidence) -> None:
    del evidence.timelines[DOUBTED][3:]


def doubt_never_told(evidence: Evidence) -> None:
    del evidence.timelines[LOST]


def event_not_posted(evidence: Evidence) -> None:
    del evidence.told[f"{PLAIN}-2"]


def event_posted_wrongly(evidence: Evidence) -> None:
    evidence.hooks[PLAIN][3] = "message.failed"


def gap_in_events(evidence: Evidence) -> None:
    del evidence.events[PLAIN][1]


def backward(evidence: Evidence) -> None:
    evidence.events[PLAIN] += [(5, "message.sent")]
    evidence.hooks[PLAIN][5] = "message.sent"


def books_do_not_add_up(evidence: Evidence) -> None:
    evidence.books["spent"] += 1


def charged_twice(evidence: Evidence) -> None:
    evidence.money[PLAIN]["charge"] = (2, Decimal("0.08"))


def never_held(evidence: Evidence) -> None:
    evidence.money[LOST] = {}


WRONG = {
    gone: "gone or changed",
    changed: "gone or changed",
    refused: "refused: 503",
    of_nobody: "sent by nobody",
    accepted_twice: "accepted 2 times",
    flagged_unasked: "nobody asked",
    unknown_at_the_carrier: "never gave the id 7",
    unknown_to_us: "more than we know of",
    still_committed: "is committed",
    delivered_by_nobody: "no carrier says so",
    left_queued: "nothing should be left so",
    doubt_that_is_over: "its receipts came",
    receipt_never_acknowledged: "0 were acknowledged",
    receipt_not_counted: "0 counted",
    receipt_left_parked: "still parked",
    doubt_without_a_reason: "has the reasons [None]",
    doubt_without_an_end: "after its doubt stand []",
    doubt_never_told: "never said so",
    event_not_posted: "never came to the sink",
    event_posted_wrongly: "the sink was told",
    gap_in_events: "has events",
    backward: "from delivered to sent",
    books_do_not_add_up: "in spent, the balance",
    charged_twice: "its money moved",
    never_held: "its money moved",
}


@pytest.mark.parametrize("break_it", WRONG, ids=lambda each: each.__name__)
def test_each_broken_promise_is_named(break_it):
    evidence = clean()
    break_it(evidence)
    broken = judge(evidence).broken
    assert any(WRONG[break_it] in complaint for complaint in broken), broken


def test_one_more_try_that_was_asked_for_and_flagged_is_no_duplicate():
    evidence = clean()
    evidence.sent[0].retry_once = evidence.rows[PLAIN].possible_duplicate = True
    evidence.smsc["CR1"] = smsc(dict.fromkeys(("1", "2"), (NUMBERS[PLAIN], "text of SM1")))
    evidence.attempts["CR1"] = [(PLAIN, "resolved", "1"), (PLAIN, "resolved", "2")]
    evidence.counted["CR1"] = Counter(applied=2)
    verdict = judge(evidence)
    assert (verdict.broken, verdict.retried, verdict.came_twice, verdict.twice) == ([], 1, 1, 0)


def test_a_second_try_that_failed_leaves_the_first_in_doubt():
    evidence = clean()
    evidence.smsc["CR1"].sent = Counter({("1", "UNDELIV"): 1})
    evidence.rows[PLAIN].status = "sent"
    for event in (evidence.events[PLAIN], evidence.hooks[PLAIN]):
        del event[3 if isinstance(event, list) else 4]
    evidence.event_ids.remove(f"{PLAIN}-4")
    del evidence.told[f"{PLAIN}-4"]
    assert judge(evidence).broken == [f"{PLAIN} is sent, but not all of it is taken, or a receipt came"]
    evidence.sent[0].retry_once = evidence.rows[PLAIN].possible_duplicate = True
    evidence.attempts["CR2"].append((PLAIN, "in_doubt", ""))
    assert judge(evidence).broken == []
