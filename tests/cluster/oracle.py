"""The judgement of a run: a pure function of the evidence; test_oracle.py feeds it made-up runs in which something is
lost, doubled, too fast or not told, and sees it say so.
"""

from bisect import bisect_left
from collections import Counter
from itertools import pairwise

import msgspec

from tests.faults.oracle import is_forward

from .evidence import Evidence
from .waits import Looks, waited_before

_SHOWN_MAX = 20
_SECOND_US = 1_000_000
_OVER = frozenset({"delivered", "undelivered", "expired", "failed", "unknown"})


class Judgement(msgspec.Struct):
    """Figures of a run, and what broke a promise: nothing, if all is well."""

    messages: int = 0
    taken: int = 0
    states: dict[str, int] = {}
    lost: int = 0
    doubled: int = 0
    never_there: int = 0  # in doubt at the end, and no carrier has it
    fastest: dict[str, int] = {}  # by carrier: the most submits within any second
    fullest: dict[str, int] = {}
    told: int = 0
    retold: int = 0
    broken: list[str] = []


def judge(evidence: Evidence) -> Judgement:
    """All of it, one function for each promise."""
    verdict = Judgement(broken=[])
    for check in (_accepted, _taken, _ended, _carriers, _events, _money):
        broken = check(evidence, verdict)
        verdict.broken += broken[:_SHOWN_MAX]
        if len(broken) > _SHOWN_MAX:
            verdict.broken.append(f"and {len(broken) - _SHOWN_MAX} more of {check.__name__}")
    return verdict


def _accepted(evidence: Evidence, verdict: Judgement) -> list[str]:
    """What the client was told is stored, once, and nothing else is."""
    verdict.messages = sum(1 for sent in evidence.sent if sent.id)
    broken = [f"the client was refused: {text}" for text in evidence.refused]
    broken += [f"{sent.to} was never accepted" for sent in evidence.sent if not sent.id]
    for sent in evidence.sent:
        row = evidence.rows.get(sent.id)
        if sent.id and (row is None or (row.recipient, row.text) != (sent.to, sent.text)):
            verdict.lost += 1
            broken.append(f"{sent.id} was accepted and is gone or changed")
    strangers = evidence.rows.keys() - {sent.id for sent in evidence.sent}
    return broken + [f"{id_} was sent by nobody" for id_ in strangers]


def _copies(evidence: Evidence) -> Counter[str]:
    """By recipient: how often any carrier took its text."""
    copies: Counter[str] = Counter()
    for line in evidence.lines:
        for (dest, _), count in line.taken.items():
            copies[f"+{dest}"] += count
    return copies


def _taken(evidence: Evidence, verdict: Judgement) -> list[str]:
    """No carrier got a text twice, or one of nobody, or other words."""
    verdict.taken = sum(sum(line.taken.values()) for line in evidence.lines)
    texts = {sent.to: sent.text for sent in evidence.sent}
    broken = [
        f"{line.name} got other words for {dest}: {words}"
        for line in evidence.lines
        for dest, words in line.taken
        if texts.get(f"+{dest}") != words
    ]
    for to, count in _copies(evidence).items():
        if count > 1:
            verdict.doubled += 1
            broken.append(f"{to} got its text {count} times")
    return broken


def _ended(evidence: Evidence, verdict: Judgement) -> list[str]:
    """Everything is over, or says that it is in doubt; what is delivered was taken, what failed was not."""
    verdict.states = dict(Counter(row.state for row in evidence.rows.values()))
    copies = _copies(evidence)
    broken: list[str] = []
    for row in evidence.rows.values():
        if row.state == "in_doubt":
            verdict.never_there += not copies[row.recipient]
            if copies[row.recipient]:
                broken.append(f"{row.id} is in doubt, and its receipt came")
        elif row.state not in _OVER:
            verdict.lost += 1
            broken.append(f"{row.id} is left {row.state}")
        elif row.state == "delivered" and not copies[row.recipient]:
            broken.append(f"{row.id} is delivered, and no carrier took it")
        elif row.state == "failed" and not copies[row.recipient] and _was_doubted(evidence, row.id):
            verdict.never_there += 1  # a node that had been frozen knew that it never left; what was told is not resent
        elif row.state != "delivered":
            log = [kind for _, kind in sorted(evidence.events.get(row.id, []))]
            broken.append(f"{row.id} is {row.state} ({row.reason}) after {log}: nothing here asks for that")
    return broken + [f"{count} rows are left in {table}" for table, count in evidence.leftovers.items() if count]


def _was_doubted(evidence: Evidence, message_id: str) -> bool:
    return any(kind == "message.in_doubt" for _, kind in evidence.events.get(message_id, ()))


def _carriers(evidence: Evidence, verdict: Judgement) -> list[str]:
    """No carrier's rate was exceeded in any second, nor its window."""
    broken: list[str] = []
    for line in evidence.lines:
        verdict.fastest[line.name] = most_in_a_second(line.came_us)
        fastest = most_in_a_second(line.came_us, line.waits, evidence.throughput_per_s)
        verdict.fullest[line.name] = line.in_flight_max
        if fastest > evidence.throughput_per_s:
            broken.append(f"{line.name} got {fastest} in a second, and takes {evidence.throughput_per_s}")
        if line.in_flight_max > evidence.window:
            broken.append(f"{line.name} had {line.in_flight_max} unanswered, and takes {evidence.window}")
    return broken


def most_in_a_second(came_us: list[int], waits: Looks = (), throughput_per_s: int = 0) -> int:
    """The greatest number of them within any second, wherever it begins; without those that may have come before it,
    while the reader waited for a core."""
    most = 0
    for first, at in enumerate(came_us):
        before = throughput_per_s * waited_before(waits, at) // _SECOND_US
        most = max(most, bisect_left(came_us, at + _SECOND_US) - first - before)
    return most


def _events(evidence: Evidence, verdict: Judgement) -> list[str]:
    """Events are numbered without a gap and go forward; each that the endpoint asked for came to it."""
    verdict.retold = evidence.retold
    broken: list[str] = []
    for id_, row in evidence.rows.items():
        ordered = sorted(evidence.events.get(id_, []))
        if [seq for seq, _ in ordered] != list(range(1, len(ordered) + 1)) or not ordered:
            broken.append(f"{id_} ({row.state}) has events {ordered}")
        wanted = {seq: kind for seq, kind in ordered if kind in evidence.types}
        told = evidence.told.get(id_, {})
        verdict.told += len(told)
        if told != wanted:
            broken.append(f"{id_}: the sink was told {told}, the log has {wanted}")
        states = [kind.removeprefix("message.") for _, kind in ordered if kind != "message.receipt"]
        broken += [f"{id_} went from {old} to {new}" for old, new in pairwise(states) if not is_forward(old, new)]
    return broken


def _money(evidence: Evidence, verdict: Judgement) -> list[str]:
    """The books are the balance."""
    return [
        f"the ledger has {evidence.books.get(book, 0)} in {book}, the balance {micros}"
        for book, micros in evidence.balance.items()
        if evidence.books.get(book, 0) != micros
    ]
