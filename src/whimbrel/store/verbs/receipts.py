"""record_receipts: each receipt to the attempt that it means, or parked until that attempt is known.

How an attempt is found, always within one carrier: by the ids that the receipt may mean, the best first, the newest
attempt winning where a carrier used an id again (trap T08); ids after the first are guesses, believed only when an
address agrees. Failing that, by the tail of a number, when exactly one message in doubt has it and no other attempt
with that tail still waits for its answer, whose early receipt this could be (trap T06).
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base.limits import EVENTS_BEFORE_GIVING_UP, RECEIPT_EVENTS_MAX
from whimbrel.domain.model import Flag
from whimbrel.domain.positions import recent_floor
from whimbrel.domain.receipts import CONTRADICTING, FIRST, INTERMEDIATE, REPEATED, weigh
from whimbrel.store.interface import ReceiptRow
from whimbrel.store.script import Many, Query, Row, Rows, Script
from whimbrel.store.verbs.ordinary import deliver_ordinary
from whimbrel.store.verbs.progress import Facts, Progress, Tried

APPLIED: Final = "applied"
PARKED: Final = "parked"
REUSED: Final = "reused"  # applied to the newest of several attempts with this id
_CLOCK_SLACK_US: Final = 60_000_000
"""How far clocks of two nodes may be apart: a parked receipt older than its attempt by more is about another one."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ReceiptRow).decode


def record_receipts(receipts: Sequence[ReceiptRow]) -> Script[list[str]]:
    """`applied`, `reused`, `repeated` or `parked` for each, in order."""
    quick = yield from deliver_ordinary(receipts)
    others = [receipt for receipt, is_done in zip(receipts, quick, strict=True) if not is_done]
    rest = iter((yield from _record_or_park(others)) if others else ())
    results = [APPLIED if is_done else next(rest) for is_done in quick]
    parked = [_parked_row(r) for r, result in zip(receipts, results, strict=True) if result == PARKED]
    if parked:
        yield Many("parked_insert", parked)
    return results


def _record_or_park(receipts: Sequence[ReceiptRow]) -> Script[list[str]]:
    """What finds no attempt may have missed its answer, which another node is about to commit and which in turn looks
    for parked receipts before this one is there. So whoever parks waits until no answer of its carrier is under way,
    and looks again; see `answers.py`."""
    results = yield from _record(receipts, waited=False)
    unmatched = [receipt for receipt, result in zip(receipts, results, strict=True) if result == PARKED]
    if not unmatched or not (yield Query("parking_alone", ([*{receipt.carrier_id for receipt in unmatched}],))):
        return results
    again = iter((yield from _record(unmatched, waited=False)))
    return [next(again) if result == PARKED else result for result in results]


def record_known(receipts: Sequence[ReceiptRow]) -> Script[list[str]]:
    """The same for receipts that have been parked, here or in another cell: those of no attempt here stay there."""
    return (yield from _record(receipts, waited=True))


def apply_parked(rows: Rows) -> Script[None]:
    """Try parked receipts (position, receipt) again; those that find their attempt now leave the table."""
    results = yield from _record([_decode(receipt) for _, receipt in rows], waited=True)
    found = [(row[0],) for row, result in zip(rows, results, strict=True) if result != PARKED]
    if found:
        yield Many("parked_delete", found)


def _record(receipts: Sequence[ReceiptRow], *, waited: bool) -> Script[list[str]]:
    progress = Progress()
    finder = yield from _finder(progress, receipts, waited=waited)
    results: list[str] = []
    for receipt in receipts:
        tried = finder.find(receipt)
        result = _apply(progress, tried, receipt)
        is_reused = result == APPLIED and tried is not None and (tried.carrier_id, tried.carrier_key) in finder.reused
        results.append(REUSED if is_reused else result)
    yield from progress.flush()
    return results


def _parked_row(receipt: ReceiptRow) -> Row:
    return (
        receipt.carrier_id,
        receipt.keys[0] if receipt.keys else "",
        _encode(receipt.keys).decode(),
        receipt.tail_hashes[0] if receipt.tail_hashes else 0,
        _encode(receipt).decode(),
        receipt.at,
    )


def _apply(progress: Progress, tried: Tried | None, receipt: ReceiptRow) -> str:
    if tried is None:
        return PARKED
    weight = weigh(tried.receipt_state, receipt.state, is_final=receipt.final)
    tried.receipts += 1
    progress.counted(tried)
    if weight == REPEATED:
        return REPEATED
    if weight != CONTRADICTING:
        _note(tried, receipt, weight)
        progress.reported(tried)
    facts = Facts(
        carrier_id=tried.carrier_id,
        part=tried.part if tried.parts > 1 else None,
        reason=receipt.reason,
        stat=receipt.stat,
        error=receipt.error,
    )
    course = progress.course_of(tried)
    if receipt.one_for_all and receipt.final and tried.parts > 1:
        course.flags |= Flag.ONE_RECEIPT
    has_moved = progress.settle(course, receipt.at, facts)
    is_told = tried.receipts <= RECEIPT_EVENTS_MAX and course.seq < EVENTS_BEFORE_GIVING_UP
    if is_told and (weight != FIRST or not has_moved):
        progress.tell(course, "message.receipt", receipt.at, facts)
    return APPLIED


def _note(tried: Tried, receipt: ReceiptRow, weight: str) -> None:
    """Write the receipt to its attempt. Any receipt says that the carrier has it."""
    tried.receipt_state = receipt.state
    tried.receipt_error = receipt.error
    tried.reason = receipt.reason
    if weight == INTERMEDIATE:
        tried.state = "accepted"
    else:
        tried.state = "resolved"
        tried.resolved_at = receipt.at


class _Finder:
    """Which attempt a receipt means, among those that were loaded for the list."""

    def __init__(self, progress: Progress, receipts: Sequence[ReceiptRow], *, waited: bool) -> None:
        self._progress = progress
        self._waited = receipts if waited else ()
        self.by_key: dict[tuple[str, str], Tried] = {}
        self.reused: set[tuple[str, str | None]] = set()  # ids that the carrier gave to several attempts
        self.in_doubt: dict[tuple[str, int], list[Tried]] = defaultdict(list)
        self.unanswered: set[tuple[str, int]] = set()

    def find(self, receipt: ReceiptRow) -> Tried | None:
        return self._by_id(receipt) or self._by_tail(receipt)

    def _by_id(self, receipt: ReceiptRow) -> Tried | None:
        carrier_id, tails = receipt.carrier_id, receipt.tail_hashes
        for place, key in enumerate(receipt.keys):
            tried = self.by_key.get((carrier_id, key))
            if tried is None or not self._in_time(tried, receipt):
                continue
            if place == 0 or not tails or tried.tail_hash in tails:
                return tried
        return None

    def _by_tail(self, receipt: ReceiptRow) -> Tried | None:
        """A message in doubt may have several segments in doubt: they differ in nothing that a receipt tells."""
        places = [(receipt.carrier_id, tail) for tail in receipt.tail_hashes]
        if any(place in self.unanswered for place in places):
            return None
        candidates = {
            tried.position: tried
            for place in places
            for tried in self.in_doubt.get(place, ())
            if tried.state == "in_doubt" and self._in_time(tried, receipt)
        }
        if len({tried.message_id for tried in candidates.values()}) != 1:
            return None
        tried = candidates[min(candidates)]
        if len(self._rivals(tried)) > len(candidates):
            return None
        self._learn(tried, receipt)
        return tried

    def _rivals(self, tried: Tried) -> set[tuple[str, ...]]:
        """Ids of the parked receipts that could mean this attempt in doubt."""
        return {
            other.keys[:1]
            for other in self._waited
            if other.carrier_id == tried.carrier_id
            and tried.tail_hash in other.tail_hashes
            and self._in_time(tried, other)
            and self._by_id(other) is None
        }

    def _learn(self, tried: Tried, receipt: ReceiptRow) -> None:
        """The receipt tells the id that the lost answer would have told."""
        if receipt.keys:
            tried.carrier_key = receipt.keys[0]
            self.by_key[receipt.carrier_id, receipt.keys[0]] = tried
            self._progress.learned(tried)

    def _in_time(self, tried: Tried, receipt: ReceiptRow) -> bool:
        return not self._waited or receipt.at >= tried.committed_at - _CLOCK_SLACK_US


def _finder(progress: Progress, receipts: Sequence[ReceiptRow], *, waited: bool) -> Script[_Finder]:
    """Load every attempt that the list may mean: by first ids, and for what that leaves, by guesses and by tails."""
    finder = _Finder(progress, receipts, waited=waited)
    firsts: dict[str, set[str]] = defaultdict(set)
    for receipt in receipts:
        if receipt.keys:
            firsts[receipt.carrier_id].add(receipt.keys[0])
    floor = recent_floor(min((receipt.at for receipt in receipts), default=0))
    yield from _load_keys(progress, finder, firsts, floor)
    unmatched = [r for r in receipts if not r.keys or (r.carrier_id, r.keys[0]) not in finder.by_key]
    if unmatched:
        yield from _load_guesses(progress, finder, unmatched, floor)
    yield from progress.complete()
    return finder


def _load_guesses(progress: Progress, finder: _Finder, receipts: Sequence[ReceiptRow], floor: int) -> Script[None]:
    others: dict[str, set[str]] = defaultdict(set)
    tails: dict[str, set[int]] = defaultdict(set)
    for receipt in receipts:
        others[receipt.carrier_id].update(receipt.keys[1:])
        tails[receipt.carrier_id].update(receipt.tail_hashes)
    yield from _load_keys(progress, finder, others, floor)
    for carrier_id, wanted in tails.items():
        if not wanted:
            continue
        doubtful = progress.add((yield Query("attempts_in_doubt", (carrier_id, [*wanted]))))
        for tried in doubtful:
            finder.in_doubt[carrier_id, tried.tail_hash].append(tried)
        if doubtful:
            rows: Rows = yield Query("tails_unanswered", (carrier_id, [*wanted]))
            finder.unanswered.update((carrier_id, row[0]) for row in rows)


def _load_keys(progress: Progress, finder: _Finder, keys: dict[str, set[str]], floor: int) -> Script[None]:
    """Of the attempts with one key the newest counts: those below the floor are asked for where none is above it."""
    for carrier_id, wanted in keys.items():
        if wanted:
            yield from _load_found(progress, finder, Query("attempts_by_keys", (carrier_id, [*wanted], floor)))
        missing = [key for key in wanted if (carrier_id, key) not in finder.by_key]
        if missing:
            yield from _load_found(progress, finder, Query("attempts_by_keys_below", (carrier_id, missing, floor)))


def _load_found(progress: Progress, finder: _Finder, query: Query) -> Script[None]:
    by_key = finder.by_key
    for tried in progress.add((yield query)):
        place = (tried.carrier_id, tried.carrier_key or "")
        other = by_key.get(place)
        if other is not None and other is not tried:
            finder.reused.add(place)
        if other is None or other.position < tried.position:
            by_key[place] = tried
