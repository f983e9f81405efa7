"""The oracle sees each way in which a promise can break: made-up runs with one thing wrong."""

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from .evidence import Evidence, Line, Row
from .load import Sent
from .oracle import judge, most_in_a_second
from .waits import waited_before

_SECOND = 1_000_000
_TYPES = ["message.queued", "message.sending", "message.sent", "message.delivered"]


def good() -> Evidence:
    """Three messages, all well."""
    sent = [Sent(f"+44791100000{n}", f"text {n}", "otp", f"SM{n}") for n in range(3)]
    rows = {one.id: Row(one.id, one.to, one.text, "delivered") for one in sent}
    return Evidence(
        sent=sent,
        refused=[],
        lines=[Line("a", [n * _SECOND for n in range(3)], Counter({(s.to[1:], s.text): 1 for s in sent}), 1)],
        rows=rows,
        events={id_: list(enumerate(_TYPES, 1)) for id_ in rows},
        told={id_: {4: "message.delivered"} for id_ in rows},
        retold=0,
        leftovers={"queue": 0},
        books={"available": 5, "held": 0, "spent": 3},
        balance={"available": 5, "held": 0, "spent": 3},
        throughput_per_s=2,
        window=2,
        types=frozenset({"message.delivered"}),
    )


def _row(evidence: Evidence, **changes: str) -> None:
    evidence.rows["SM1"] = msgspec.structs.replace(evidence.rows["SM1"], **changes)


def _gone(evidence: Evidence) -> None:
    del evidence.rows["SM1"]


def _changed(evidence: Evidence) -> None:
    _row(evidence, text="other words")


def _left(evidence: Evidence) -> None:
    _row(evidence, state="queued")


def _stranger(evidence: Evidence) -> None:
    evidence.rows["SM9"] = msgspec.structs.replace(evidence.rows["SM1"], id="SM9")


def _twice(evidence: Evidence) -> None:
    evidence.lines[0].taken["447911000001", "text 1"] = 2


def _twice_elsewhere(evidence: Evidence) -> None:
    evidence.lines.append(Line("b", taken=Counter({("447911000001", "text 1"): 1})))


def _never_sent(evidence: Evidence) -> None:
    del evidence.lines[0].taken["447911000001", "text 1"]


def _doubt_with_a_receipt(evidence: Evidence) -> None:
    _row(evidence, state="in_doubt")


def _failed(evidence: Evidence) -> None:
    _row(evidence, state="failed")


def _refused(evidence: Evidence) -> None:
    evidence.refused.append("500")


def _too_fast(evidence: Evidence) -> None:
    evidence.lines[0].came_us += [int(2.5 * _SECOND), int(2.6 * _SECOND)]


def _too_full(evidence: Evidence) -> None:
    evidence.lines[0].in_flight_max = 3


def _untold(evidence: Evidence) -> None:
    evidence.told["SM1"] = {}


def _gap(evidence: Evidence) -> None:
    evidence.events["SM1"].pop(1)


def _backwards(evidence: Evidence) -> None:
    evidence.events["SM1"].append((5, "message.sent"))


def _parked(evidence: Evidence) -> None:
    evidence.leftovers["queue"] = 1


def _money(evidence: Evidence) -> None:
    evidence.balance["spent"] = 4


def test_a_good_run_is_good() -> None:
    verdict = judge(good())
    assert verdict.broken == []
    assert (verdict.messages, verdict.taken, verdict.told, verdict.fastest) == (3, 3, 3, {"a": 1})


@pytest.mark.parametrize(
    "spoil",
    [
        _gone, _changed, _left, _stranger, _twice, _twice_elsewhere, _never_sent, _doubt_with_a_receipt, _failed,
        _refused, _too_fast, _too_full, _untold, _gap, _backwards, _parked, _money,
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(spoil: Callable[[Evidence], None]) -> None:
    evidence = good()
    spoil(evidence)
    assert judge(evidence).broken


def test_the_fastest_second_may_begin_anywhere() -> None:
    assert most_in_a_second([0, 900_000, 1_000_000, 1_100_000, 1_899_999, 1_900_000]) == 4


def test_what_a_reader_may_have_read_late_is_not_counted_against_the_second():
    looks = [(0, 0), (100_000, 0), (200_000, 80_000), (300_000, 80_000)]
    assert [waited_before(looks, at) for at in (40_000, 100_000, 150_000, 200_000, 260_000, 400_000)] == [
        0, 0, 80_000, 80_000, 0, 0
    ]  # fmt: skip
    came = [190_000] * 5 + [290_000 + 100_000 * n for n in range(8)]
    assert most_in_a_second(came) == 13
    assert most_in_a_second(came, looks, 10) == 13  # a part of a text is none
    assert most_in_a_second(came, looks, 30) == 11
    assert most_in_a_second([at + _SECOND for at in came], looks, 30) == 13  # it did not wait
