"""What a run saw: binds, answers by status, receipts matched to submits, latencies; and whether that was expected.

Apart from the connections, which only report. Receipts may come before the response that tells their id: they wait here
and are matched when it comes.
"""

import re

from msgspec import Struct
from msgspec.structs import asdict

from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.tables import MessageState, status_name

_NOT_FINAL = frozenset({MessageState.SCHEDULED, MessageState.ENROUTE, MessageState.ACCEPTED})
_EXPECTED = re.compile(r"(\w+)\s*([=<>])\s*([\d.]+)")


class Summary(Struct, frozen=True, kw_only=True):
    """The end of a run. Submits are counted by PDU, receipts by message of the SMSC; times are in milliseconds."""

    binds: int
    binds_refused: dict[str, int]
    submitted: int
    accepted: int
    refused: dict[str, int]
    unanswered: int
    nacked: int
    stray: int
    receipts: int
    matched: int
    unmatched: int
    duplicate: int
    missing: int
    states: dict[str, int]
    inbound: int
    malformed: int
    lost: int
    seconds: float
    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    receipt_p50_ms: float
    receipt_p99_ms: float
    alive: bool | None
    afterwards: str


class _Sent(Struct):
    """A message that the server has: receipts that are owed for it, and since when."""

    at: float
    owed: int
    got: int = 0


class Tally(Struct):
    """The counts of one run. Times are those of the loop, in seconds."""

    binds: int = 0
    submitted: int = 0
    accepted: int = 0
    unanswered: int = 0
    nacked: int = 0
    stray: int = 0
    receipts: int = 0
    matched: int = 0
    duplicate: int = 0
    inbound: int = 0
    malformed: int = 0
    lost: int = 0
    owed: int = 0
    alive: bool | None = None
    afterwards: str = ""
    started: float = 0.0
    ended: float = 0.0
    binds_refused: dict[str, int] = {}
    refused: dict[str, int] = {}
    states: dict[str, int] = {}
    latencies: list[float] = []
    receipt_latencies: list[float] = []
    sent: dict[str, _Sent] = {}
    early: dict[str, list[float]] = {}

    @property
    def missing(self) -> int:
        """Receipts that are still owed."""
        return self.owed - self.matched

    def answered(self, status: int, message_id: str, *, sent_at: float, now: float, receipts: int) -> None:
        """A submit got its response; `receipts` are those that will be owed when it was accepted."""
        self.latencies.append(now - sent_at)
        self.ended = now
        if status:
            name = status_name(status)
            self.refused[name] = self.refused.get(name, 0) + 1
            return
        self.accepted += 1
        if not receipts or not message_id:
            return
        self.owed += receipts
        sent = self.sent[message_id.lower()] = _Sent(sent_at, receipts)
        for at in self.early.pop(message_id.lower(), ()):
            self._match(sent, at)

    def receipted(self, found: receipt.Receipt, now: float) -> None:
        """A receipt came."""
        word = found.stat or receipt.WORDS[found.state]
        self.states[word] = self.states.get(word, 0) + 1
        if found.state in _NOT_FINAL:
            return
        self.receipts += 1
        for message_id in found.message_ids:
            sent = self.sent.get(message_id.lower())
            if sent is not None:
                self._match(sent, now)
                return
        self.early.setdefault(found.message_ids[0].lower() if found.message_ids else "", []).append(now)

    def summary(self) -> Summary:
        """All of it, ready to be shown."""
        seconds = max(self.ended - self.started, 0.0)
        names = set(Summary.__struct_fields__) & set(Tally.__struct_fields__)
        counts = {name: getattr(self, name) for name in names}
        return Summary(
            **counts,
            missing=self.missing,
            unmatched=sum(len(times) for times in self.early.values()),
            seconds=round(seconds, 3),
            rate=round(len(self.latencies) / seconds, 1) if seconds else 0.0,
            p50_ms=_at(self.latencies, 0.5),
            p99_ms=_at(self.latencies, 0.99),
            max_ms=_at(self.latencies, 1.0),
            receipt_p50_ms=_at(self.receipt_latencies, 0.5),
            receipt_p99_ms=_at(self.receipt_latencies, 0.99),
        )

    def _match(self, sent: _Sent, now: float) -> None:
        sent.got += 1
        if sent.got > sent.owed:
            self.duplicate += 1
            return
        self.matched += 1
        self.receipt_latencies.append(now - sent.at)


def _at(times: list[float], share: float) -> float:
    if not times:
        return 0.0
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 2)


def unexpected(summary: Summary, expect: str | None) -> list[str]:
    """What is not as expected, in words; raises ValueError for an expectation that nobody can check."""
    if expect is None:
        return _unusual(summary)
    values = {name: value for name, value in asdict(summary).items() if not isinstance(value, str)}
    found = []
    for wanted in expect.split(","):
        match = _EXPECTED.fullmatch(wanted.strip())
        if match is None or match[1] not in values:
            raise ValueError(f"{wanted!r} is no expectation; write NAME=N, NAME<N or NAME>N of the summary")
        name, sign, limit = match.groups()
        value = _number(values[name])
        if not _holds(value, sign, float(limit)):
            found.append(f"{name} is {value:g}, not {sign}{limit}")
    return found


def _unusual(summary: Summary) -> list[str]:
    found = [] if summary.alive in (None, True) else [f"afterwards {summary.afterwards}"]
    if summary.alive is not None:
        return found
    wrong = {
        "binds refused": sum(summary.binds_refused.values()),
        "submits refused": sum(summary.refused.values()),
        "submits without an answer": summary.unanswered,
        "receipts that never came": summary.missing,
        "receipts of nothing": summary.unmatched,
        "connections lost": summary.lost,
        "PDUs that were none": summary.malformed,
    }
    return found + [f"{count} {what}" for what, count in wrong.items() if count]


def _holds(value: float, sign: str, limit: float) -> bool:
    if sign == "=":
        return value == limit
    return value < limit if sign == "<" else value > limit


def _number(value: object) -> float:
    if isinstance(value, dict):
        return float(sum(value.values()))
    assert value is None or isinstance(value, int | float)
    return float(value or 0)


def words(summary: Summary) -> str:
    """The summary for people."""

    def by(counts: dict[str, int]) -> str:
        return "".join(f", {name} {count}" for name, count in sorted(counts.items()))

    refused = sum(summary.refused.values())
    lines = [
        f"binds      {summary.binds} up, {sum(summary.binds_refused.values())} refused{by(summary.binds_refused)}",
        f"submits    {summary.submitted} sent, {summary.accepted} accepted, {refused} refused{by(summary.refused)}, "
        f"{summary.unanswered} unanswered, {summary.nacked} nacked",
        f"receipts   {summary.receipts} final, {summary.matched} matched, {summary.unmatched} unmatched, "
        f"{summary.duplicate} duplicate, {summary.missing} missing{by(summary.states)}",
        f"texts      {summary.inbound}",
        f"links      {summary.lost} lost, {summary.malformed} malformed PDUs, {summary.stray} stray responses",
        f"latency    p50 {summary.p50_ms} ms, p99 {summary.p99_ms} ms, max {summary.max_ms} ms; "
        f"receipts p50 {summary.receipt_p50_ms} ms, p99 {summary.receipt_p99_ms} ms",
        f"rate       {summary.rate}/s over {summary.seconds} s",
    ]
    if summary.alive is not None:
        lines.append(f"afterwards {summary.afterwards}")
    return "\n".join(lines) + "\n"
