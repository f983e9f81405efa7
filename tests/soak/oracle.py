"""The judgement of a run: both sides are counted, message by message. A pure function of the evidence; test_oracle.py
feeds it made-up runs in which something is lost, sent twice, not explained or told wrongly, and sees it say so.
"""

from collections import Counter
from decimal import Decimal
from itertools import pairwise

import msgspec

from tests.faults.oracle import is_forward

from .evidence import DOUBT, Evidence, Piece, Row

_SHOWN_MAX = 20  # of each kind of complaint
_TAKEN = frozenset({"accepted", "resolved"})  # attempts of which the node knows that the carrier has them
_MAYBE = _TAKEN | {"in_doubt"}
_REASONS = frozenset({"link_lost", "response_timeout", "crash"})
_SETTLED = frozenset({"message.sent", "message.delivered", "message.undelivered", "message.expired", "message.failed"})


class Judgement(msgspec.Struct):
    """Figures of a run, and what broke a promise: nothing, if all is well."""

    messages: int = 0
    segments: int = 0  # accepted by the simulators
    refused: int = 0  # submits that they refused, for now mostly
    elsewhere: int = 0  # messages that another than the first carrier of their route took
    receipts: int = 0  # handed to us and acknowledged
    repeated: int = 0  # of these: known already
    parked: int = 0  # of these: came before the message was known, or after an answer that was lost
    doubted: int = 0
    resolved: int = 0  # of these
    never_there: int = 0  # in doubt at the end, and no simulator ever took all of it
    silent: int = 0  # in doubt at the end, taken, and no receipt ever came
    lost: int = 0
    twice: int = 0
    retried: int = 0  # sent once more after doubt, because its sender asked for it, and flagged
    came_twice: int = 0  # of these
    events: int = 0
    retold: int = 0
    broken: list[str] = []


def judge(evidence: Evidence) -> Judgement:
    """All of it, one function for each promise."""
    verdict = Judgement(broken=[])
    places = pieces(evidence)
    for check in (_accepted, _submitted, _attempts, _standing, _receipts, _doubts, _told, _money):
        broken = check(evidence, places, verdict)
        verdict.broken += broken[:_SHOWN_MAX]
        if len(broken) > _SHOWN_MAX:
            verdict.broken.append(f"and {len(broken) - _SHOWN_MAX} more of {check.__name__}")
    return verdict


def pieces(evidence: Evidence) -> dict[str, list[Piece]]:
    """By recipient: each segment that any simulator accepted."""
    found: dict[str, list[Piece]] = {}
    for carrier_id, smsc in evidence.smsc.items():
        for (dest, words), ids in smsc.pieces.items():
            found.setdefault(f"+{dest}", []).append(Piece(words, carrier_id, ids))
    return found


_Places = dict[str, list[Piece]]


def _accepted(evidence: Evidence, places: _Places, verdict: Judgement) -> list[str]:
    """What the client was told is what is stored, and nothing else is."""
    verdict.messages = sum(1 for sent in evidence.sent if sent.id)
    broken = [f"the client was refused: {sent.refused}" for sent in evidence.sent if not sent.id]
    for sent in evidence.sent:
        row = evidence.rows.get(sent.id)
        if sent.id and (row is None or (row.to, row.text) != (sent.to, sent.text)):
            verdict.lost += 1
            broken.append(f"{sent.id} was accepted and is gone or changed")
    strangers = evidence.rows.keys() - {sent.id for sent in evidence.sent}
    return broken + [f"{id_} was sent by nobody" for id_ in strangers]


def _submitted(evidence: Evidence, places: _Places, verdict: Judgement) -> list[str]:
    """Nothing reached a carrier that nobody sent; nothing reached one twice without saying so."""
    verdict.refused = sum(smsc.refused for smsc in evidence.smsc.values())
    verdict.segments = sum(len(smsc.outcomes) for smsc in evidence.smsc.values())
    verdict.retried = sum(row.possible_duplicate for row in evidence.rows.values())
    asked = {sent.to for sent in evidence.sent if sent.retry_once}
    rows = {row.to: row for row in evidence.rows.values()}
    broken = [
        f"{row.id} is flagged, and nobody asked"
        for to, row in rows.items()
        if row.possible_duplicate and to not in asked
    ]
    for to, found in places.items():
        row = rows.get(to)
        if row is None:
            broken.append(f"{to} got a text of nobody")
            continue
        copies = Counter(words for piece in found for words in [piece.words] * len(piece.ids))
        if any(words not in row.text for words in copies):
            broken.append(f"{to} got other words than {row.id} has")
        twice = max(copies.values())
        verdict.came_twice += twice == 2 and row.possible_duplicate
        if twice > 1 + row.possible_duplicate:
            verdict.twice += 1
            broken.append(f"{row.id} was accepted {twice} times")
    return broken


def _attempts(evidence: Evidence, places: _Places, verdict: Judgement) -> list[str]:
    """Carrier by carrier: every id that the node holds was given by that carrier, once; every id that the carrier gave
    belongs to an attempt of which the node knows, or says that it is in doubt."""
    broken: list[str] = []
    rows = {row.to: row for row in evidence.rows.values()}
    for carrier_id, smsc in evidence.smsc.items():
        attempts = evidence.attempts.get(carrier_id, [])
        named = Counter(named for _, state, named in attempts if named and state in _MAYBE)
        broken += [f"{carrier_id}: id {id_} stands with {count} attempts" for id_, count in named.items() if count > 1]
        broken += [f"{carrier_id}: never gave the id {id_}" for id_ in named.keys() - smsc.outcomes.keys()]
        held = Counter(message for message, state, _ in attempts if state in _MAYBE)
        for (dest, _), ids in smsc.pieces.items():
            row = rows.get(f"+{dest}")
            if row is not None:
                held[row.id] -= len(ids)
        broken += [f"{id_}: {carrier_id} took {-n} segments more than we know of" for id_, n in held.items() if n < 0]
        taken = sum(state in _TAKEN for _, state, _ in attempts)
        doubtful = sum(state == "in_doubt" for _, state, _ in attempts)
        if not taken <= len(smsc.outcomes) <= taken + doubtful:
            broken.append(f"{carrier_id} accepted {len(smsc.outcomes)}; we count {taken}, and {doubtful} in doubt")
        broken += [f"{m} has an attempt that is {state}" for m, state, _ in attempts if state == "committed"]
    return broken


def _standing(evidence: Evidence, places: _Places, verdict: Judgement) -> list[str]:
    """Each message says of itself what the carriers' logs say of it."""
    first = {carrier_id: place for place, carrier_id in enumerate(evidence.smsc)}
    doubtful = {m for attempts in evidence.attempts.values() for m, state, _ in attempts if state == "in_doubt"}
    broken: list[str] = []
    for sent in evidence.sent:
        row = evidence.rows.get(sent.id)
        if row is None:
            continue
        found = places.get(row.to, [])
        verdict.elsewhere += any(place_of(row.to) != first[piece.carrier_id] for piece in found)
        if row.status == "sent" and row.possible_duplicate and row.id in doubtful:
            continue  # its second try failed, and the phone may have the first
        complaint = _says(row, found, evidence)
        if complaint:
            broken.append(f"{row.id} is {row.status}, but {complaint}")
    return broken


def place_of(to: str) -> int:
    """Which of the simulators stands first on the route of a number."""
    return int(to[6]) - 1


def _says(row: Row, found: list[Piece], evidence: Evidence) -> str:
    """What is wrong with a status; empty when nothing is."""
    whole = len({piece.words for piece in found}) >= row.segments
    stats = [stat for piece in found for id_ in piece.ids for stat in _words_of(evidence, piece.carrier_id, id_)]
    match row.status:
        case "delivered":
            return "" if whole and "DELIVRD" in stats else "no carrier says so"
        case "undelivered":
            return "" if "UNDELIV" in stats or (found and not whole) else "no carrier says so"
        case "sent":
            return "" if whole and not _is_over(found, stats) else "not all of it is taken, or a receipt came"
        case "in_doubt":
            over = whole and _is_over(found, stats)
            return "its receipts came" if over else ""
        case "failed":
            return "a carrier took it" if whole else ""
    return "nothing should be left so"


def _words_of(evidence: Evidence, carrier_id: str, id_: str) -> list[str]:
    smsc = evidence.smsc[carrier_id]
    return [stat for stat in _FINAL if (id_, stat) in smsc.sent] if smsc.answered[id_] else []


_FINAL = ("DELIVRD", "UNDELIV")


def _is_over(found: list[Piece], stats: list[str]) -> bool:
    """Whether each segment has a receipt that ends it."""
    return len(stats) >= sum(len(piece.ids) for piece in found)


def _receipts(evidence: Evidence, places: _Places, verdict: Judgement) -> list[str]:
    """Receipts that left a simulator were acknowledged in the end, and the node counted what it acknowledged."""
    broken: list[str] = []
    for carrier_id, smsc in evidence.smsc.items():
        counts = evidence.counted.get(carrier_id, Counter())
        handed, answered, counted = sum(smsc.sent.values()), sum(smsc.answered.values()), sum(counts.values())
        if not answered <= counted <= handed:
            broken.append(f"{carrier_id}: {handed} receipts sent, {answered} acknowledged, {counted} counted")
        for id_, count in smsc.receipts.items():
            if smsc.answered[id_] != count:
                broken.append(f"{carrier_id}: {id_} has {count} receipts, {smsc.answered[id_]} were acknowledged")
        verdict.receipts += answered
        verdict.repeated += counts["repeated"]
        verdict.parked += counts["parked"]
    if evidence.parked:
        broken.append(f"{evidence.parked} receipts are still parked")
    return broken


def _doubts(evidence: Evidence, places: _Places, verdict: Judgement) -> list[str]:
    """The timeline of each message that ever was in doubt says why, and how that ended, or the message is so still."""
    verdict.doubted = len(evidence.timelines)
    broken: list[str] = []
    for id_, timeline in evidence.timelines.items():
        types = [event["type"] for event in timeline]
        reasons = [event["data"].get("detail", {}).get("reason") for event in timeline if event["type"] == DOUBT]
        if not set(reasons) <= _REASONS:
            broken.append(f"the doubt of {id_} has the reasons {reasons}")
        after = types[len(types) - types[::-1].index(DOUBT) :]
        row = evidence.rows[id_]
        if row.status != "in_doubt":
            verdict.resolved += 1
            if not _SETTLED & set(after):
                broken.append(f"{id_} is {row.status}; after its doubt stand {after}")
            continue
        if _SETTLED & set(after):
            broken.append(f"{id_} is in doubt and says {after} after it")
        whole = len({piece.words for piece in places.get(row.to, [])}) >= row.segments
        verdict.never_there += not whole
        verdict.silent += whole
    doubtful = {row.id for row in evidence.rows.values() if row.status == "in_doubt"}
    return broken + [f"{id_} is in doubt and never said so" for id_ in doubtful - evidence.timelines.keys()]


def _told(evidence: Evidence, places: _Places, verdict: Judgement) -> list[str]:
    """Events are numbered without a gap and go forward; each of them came to the sink, and nothing else did."""
    verdict.events = len(evidence.event_ids)
    verdict.retold = sum(count > 1 for count in evidence.told.values())
    broken = [f"{id_} never came to the sink" for id_ in evidence.event_ids - evidence.told.keys()]
    broken += [f"{id_} came to the sink and is no event" for id_ in evidence.told.keys() - evidence.event_ids]
    for id_, events in evidence.events.items():
        ordered = sorted(events)
        if [seq for seq, _ in ordered] != list(range(1, len(ordered) + 1)):
            broken.append(f"{id_} has events {ordered}")
        if evidence.hooks.get(id_) != dict(ordered):
            broken.append(f"{id_}: the sink was told {evidence.hooks.get(id_)}, the log has {ordered}")
        states = [type_.removeprefix("message.") for _, type_ in ordered if type_ != "message.receipt"]
        broken += [f"{id_} went from {old} to {new}" for old, new in pairwise(states) if not is_forward(old, new)]
    return broken


def _money(evidence: Evidence, places: _Places, verdict: Judgement) -> list[str]:
    """The books are the balance; each message was held once, and what was held is charged, released or held still."""
    broken = [
        f"the ledger has {evidence.books[book]} in {book}, the balance {evidence.balance[book]}"
        for book in ("available", "held", "spent")
        if evidence.books[book] != Decimal(evidence.balance[book])
    ]
    for row in evidence.rows.values():
        moves, price = evidence.money.get(row.id, {}), Decimal(row.price)
        charged = moves.get("charge", (0, Decimal()))
        gone = charged[1] + moves.get("release", (0, Decimal()))[1]
        is_right = moves.get("hold") == (1, price) and gone <= price
        if row.status in {"delivered", "sent"}:
            is_right &= charged == (row.segments, price) and gone == price
        elif row.status == "failed":
            is_right &= charged[0] == 0 and gone == price
        elif row.status == "undelivered":
            is_right &= gone == price
        if not is_right:
            broken.append(f"{row.id} is {row.status} at {price}; its money moved as {moves}")
    return broken
