"""The judgement of a round, from the logs of those who survived. A pure function: test_oracle.py feeds it made-up
rounds in which something is lost, sent twice or told wrongly, and sees it say so.
"""

from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec

from whimbrel_sandbox.log import ReceiptAnswered, Submitted

from .client import Text
from .evidence import FINAL, Evidence, Hook, taken_by

WINDOW = 100
DOUBT_MAX = WINDOW + WINDOW // 4  # segments that one death may leave in doubt
_RANK = {"scheduled": 0, "queued": 0, "sending": 1, "in_doubt": 2, "sent": 3}
_BACK = {("sending", "queued"), ("in_doubt", "queued")}  # taken back before a byte left; `retry_once`
_UNCERTAIN = frozenset({"in_doubt", "unknown", "failed"})


class Judgement(msgspec.Struct):
    """Figures of a round, and what broke a promise: nothing, if all is well."""

    messages: int = 0  # acknowledged
    in_flight: int = 0  # at the first death: acknowledged and not final
    doubted: int = 0  # in doubt at some time
    in_doubt: int = 0  # in doubt at the end: the simulator never had them
    lost: int = 0
    twice: int = 0
    retold: int = 0  # events that came to the sink more than once
    replayed: int = 0  # requests that were answered from the store after a death
    broken: list[str] = []


def judge(evidence: Evidence) -> Judgement:
    """All promises, one function each."""
    verdict = Judgement(broken=[])
    verdict.messages = sum(len(sending.ids) for sending in evidence.sent)
    verdict.replayed = sum(sending.replayed for sending in evidence.sent)
    if evidence.deaths:
        verdict.in_flight = in_flight(evidence, evidence.deaths[0].at_us)
    for check in (_answers, _exist, _once_each, _arrived, _submitted_once, _told, _forward, _money, _heard):
        verdict.broken += check(evidence, verdict)
    return verdict


def in_flight(evidence: Evidence, at_us: int) -> int:
    """Messages that were acknowledged by then, and whose last receipt the simulator had not seen answered."""
    to_of: dict[str, str] = {}
    open_: Counter[str] = Counter()
    for event in evidence.smsc:
        if isinstance(event, Submitted) and event.accepted:
            to_of[event.message_id] = event.dest
            open_[event.dest] += 1
        elif isinstance(event, ReceiptAnswered) and event.at_us <= at_us and event.message_id in to_of:
            open_[to_of[event.message_id]] -= not event.status
    never = taken_by(evidence.smsc)
    return sum(
        1
        for sending in evidence.sent
        if sending.acknowledged_at and sending.acknowledged_at <= at_us
        for text in sending.texts
        if open_[text.to[1:]] > 0 or text.to not in never
    )


def _state(hook: Hook) -> str:
    return hook.type.removeprefix("message.")


def _acknowledged(evidence: Evidence) -> dict[str, Text]:
    return {id_: text for s in evidence.sent for id_, text in zip(s.ids, s.texts, strict=False)}


def _answers(evidence: Evidence, verdict: Judgement) -> list[str]:
    return [f"the client was told {sending.unexpected}" for sending in evidence.sent if sending.unexpected]


def _exist(evidence: Evidence, verdict: Judgement) -> list[str]:
    """I1: every acknowledged id exists with its text."""
    broken: list[str] = []
    for id_, text in _acknowledged(evidence).items():
        found = evidence.api.messages.get(id_)
        if found is None or (found["to"], found["text"]) != (text.to, text.text):
            verdict.lost += 1
            broken.append(f"{id_} was acknowledged and is gone or changed: {found}")
    return broken + [f"no receipt of {id_} for the customer" for id_ in evidence.api.untold]


def _once_each(evidence: Evidence, verdict: Judgement) -> list[str]:
    """I2: one message for each text (and with it for each key), and the same answer to the same request."""
    stored = Counter(row["text"] for row in evidence.api.listed if row["direction"] == "out")
    texts = {text.text for sending in evidence.sent for text in sending.texts}
    broken = [f"{count} messages hold the text {text[:12]}" for text, count in stored.items() if count > 1]
    broken += [f"a text nobody sent: {text[:20]}" for text in stored if text not in texts]
    broken += [f"answered {first}, again {again}" for first, again in evidence.api.replays if first != again]
    return broken


def _arrived(evidence: Evidence, verdict: Judgement) -> list[str]:
    """I1, I3: what the simulator took is delivered in the end; what it never had is in doubt, and shown so."""
    taken = taken_by(evidence.smsc)
    broken: list[str] = []
    segments = 0
    for id_, text in _acknowledged(evidence).items():
        shown = evidence.api.messages.get(id_, {"status": "gone", "segments": 1})
        if taken.get(text.to, 0) >= shown["segments"]:
            if shown["status"] != "delivered":
                broken.append(f"{id_} reached its phone and is {shown['status']}")
            continue
        if shown["status"] not in _UNCERTAIN:
            verdict.lost += 1
            broken.append(f"{id_} never left and is {shown['status']}")
            continue
        verdict.in_doubt += 1
        segments += shown["segments"]
    verdict.doubted = len({hook.message_id for hook in evidence.hooks if _state(hook) == "in_doubt"})
    allowed = DOUBT_MAX * sum(death.status == -9 for death in evidence.deaths)
    if segments > allowed:
        broken.append(f"{segments} segments in doubt; {allowed} may be")
    return broken


def _submitted_once(evidence: Evidence, verdict: Judgement) -> list[str]:
    """I3: no segment is submitted twice, but for a message that asked for one retry after doubt, and says so."""
    retried = {text.to[1:] for s in evidence.sent for text in s.texts if text.retry_once}
    flagged = {row["to"][1:] for row in evidence.api.listed if row["possible_duplicate"]}
    submits = Counter((event.dest, event.text) for event in evidence.smsc if isinstance(event, Submitted))
    broken: list[str] = []
    for (dest, text), count in submits.items():
        if count > 2 or (count == 2 and dest not in retried & flagged):
            verdict.twice += 1
            broken.append(f"+{dest} was sent {text[:12]} {count} times")
    return broken + [f"+{dest} is flagged as a possible duplicate" for dest in flagged - retried]


def _told(evidence: Evidence, verdict: Judgement) -> list[str]:
    """I7: every event came to the sink, each under one id however often; every end was told."""
    ids: dict[tuple[str | None, int], set[tuple[str, str]]] = defaultdict(set)
    for hook in evidence.hooks:
        ids[hook.message_id, hook.seq].add((hook.webhook_id, hook.type))
    broken = [f"{place} was told as {told}" for place, told in ids.items() if place[0] and len(told) > 1]
    came = Counter(hook.webhook_id for hook in evidence.hooks)
    verdict.retold = sum(1 for count in came.values() if count > 1)
    broken += [f"{e['id']} {e['type']} never came to the sink" for e in evidence.api.events if e["id"] not in came]
    final = {hook.message_id for hook in evidence.hooks if _state(hook) in FINAL}
    for id_ in _acknowledged(evidence):
        if id_ not in final and evidence.api.messages.get(id_, {}).get("status") not in _UNCERTAIN:
            broken.append(f"{id_} has no final event at the sink")
    return broken


def _forward(evidence: Evidence, verdict: Judgement) -> list[str]:
    """I5: states never regress, nothing follows a final one, events are numbered without a gap."""
    by_message: dict[str, dict[int, str]] = defaultdict(dict)
    for hook in evidence.hooks:
        if hook.message_id is not None and _state(hook) != "received":
            by_message[hook.message_id][hook.seq] = _state(hook)
    broken: list[str] = []
    for id_, told in by_message.items():
        if sorted(told) != list(range(1, len(told) + 1)):
            broken.append(f"{id_} has events {sorted(told)}")
        states = [told[seq] for seq in sorted(told) if told[seq] != "receipt"]
        for old, new in pairwise(states):
            if not is_forward(old, new):
                broken.append(f"{id_} went from {old} to {new}")
    return broken


def is_forward(old: str, new: str) -> bool:
    if old in FINAL:
        return False
    return new in FINAL or (old, new) in _BACK or _RANK[new] > _RANK[old]


def _money(evidence: Evidence, verdict: Judgement) -> list[str]:
    """I4: the books add up; each message was held once, and charged once for each segment if it was delivered."""
    books: dict[str, Decimal] = defaultdict(Decimal)
    moves: dict[str, dict[str, Decimal]] = defaultdict(dict)
    counts: Counter[tuple[str, str]] = Counter()
    for row in evidence.api.ledger:
        amount = Decimal(row["amount"])
        books[row["debit"]] -= amount
        books[row["credit"]] += amount
        if row["message_id"] is not None:
            counts[row["message_id"], row["kind"]] += 1
            moves[row["message_id"]][row["kind"]] = moves[row["message_id"]].get(row["kind"], Decimal()) + amount
    balance = evidence.api.balance
    broken = [
        f"the ledger has {books[book]} in {book}, the balance {balance.get(book)}"
        for book in ("available", "held", "spent")
        if books[book] != Decimal(balance.get(book, "0"))
    ]
    for row in evidence.api.listed:
        known = {kind: (counts[row["id"], kind], amount) for kind, amount in moves[row["id"]].items()}
        possible = _owed(row)
        if possible and known not in possible:
            broken.append(f"{row['id']} is {row['status']}; its money moved as {known}, not as {possible[0]}")
    return broken


def _owed(row: dict[str, Any]) -> list[dict[str, tuple[int, Decimal]]]:
    """How often and how much a message's money may have moved; empty where that depends on the carrier's terms. Of a
    long message in doubt, the segments that the carrier is known to have taken are charged already."""
    if row["direction"] != "out" or row["status"] not in {"delivered", "in_doubt"}:
        return []
    price, segments = Decimal(row["price"]), row["segments"]
    hold = {"hold": (1, price)}
    if row["status"] == "delivered":
        return [{**hold, "charge": (segments, price)}]
    return [hold, *({**hold, "charge": (taken, price / segments * taken)} for taken in range(1, segments))]


def _heard(evidence: Evidence, verdict: Judgement) -> list[str]:
    """I1, I7 for what came in: each text of a phone is one message, and came to the sink."""
    stored = Counter((row["sender"], row["text"]) for row in evidence.api.listed if row["direction"] == "in")
    told = {hook.data["text"] for hook in evidence.hooks if _state(hook) == "received"}
    broken: list[str] = []
    for spoken in evidence.spoken:
        count = stored[spoken.source, spoken.text]
        verdict.lost += count == 0
        verdict.twice += count > 1
        if count != 1 or spoken.text not in told:
            broken.append(f"the phone's text {spoken.text[:16]} is stored {count} times; told: {spoken.text in told}")
    return broken
