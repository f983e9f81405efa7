"""The judgement judged: a made-up round in which all is well, and the same round with one thing wrong at a time."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from whimbrel_sandbox.log import InboundSent, ReceiptAnswered, Submitted

from .client import Sending, Text
from .evidence import Api, Death, Evidence, Hook, Spoken
from .oracle import DOUBT_MAX, _owed, judge

GOOD = Text("+447911000001", "one", "transactional")
LONG = Text("+447911000002", "two", "transactional")
DOUBT = Text("+447911000003", "three", "otp")
DIED_US = 1_000


def _row(number: int, text: Text, status: str, segments: int = 1) -> dict[str, Any]:
    return {
        "id": f"SM{number}", "to": text.to, "text": text.text, "status": status, "segments": segments,
        "price": f"0.0{segments}", "direction": "out", "possible_duplicate": False, "sender": "+15005550006",
    }  # fmt: skip


def _move(number: int, kind: str, debit: str, credit: str, amount: str) -> dict[str, Any]:
    return {"message_id": f"SM{number}", "kind": kind, "debit": debit, "credit": credit, "amount": amount}


def _hooks(number: int, *states: str) -> list[Hook]:
    return [
        Hook(2_000 + seq, f"EV{number}-{seq}", f"message.{state}", f"SM{number}", seq, {"to": ""})
        for seq, state in enumerate(states, start=1)
    ]


def _submit(text: Text, part: str, message_id: str) -> Submitted:
    return Submitted(500, 1, 1, "w", "s", text.to[1:], "delivered", "", part, message_id=message_id)


def well() -> Evidence:
    """Three messages, one of two segments, one in doubt that the simulator never had; and a text from a phone."""
    rows = [_row(1, GOOD, "delivered"), _row(2, LONG, "delivered", 2), _row(3, DOUBT, "in_doubt")]
    heard = {**_row(9, Text("+15005550006", "hello", ""), "received"), "direction": "in", "sender": "+4477"}
    hooks = [
        *_hooks(1, "queued", "sending", "sent", "delivered"),
        *_hooks(2, "queued", "sending", "sent", "delivered"),
        *_hooks(3, "queued", "sending", "in_doubt"),
        Hook(3_000, "EV9-1", "message.received", "SM9", 1, {"text": "hello"}),
    ]
    ledger = [
        {"message_id": None, "kind": "top_up", "debit": "bank", "credit": "available", "amount": "1"},
        _move(1, "hold", "available", "held", "0.01"),
        _move(1, "charge", "held", "spent", "0.01"),
        _move(2, "hold", "available", "held", "0.02"),
        _move(2, "charge", "held", "spent", "0.01"),
        _move(2, "charge", "held", "spent", "0.01"),
        _move(3, "hold", "available", "held", "0.01"),
    ]
    api = Api(
        messages={row["id"]: row for row in rows},
        listed=[*rows, heard],
        events=[{"id": hook.webhook_id, "type": hook.type} for hook in hooks],
        ledger=ledger,
        balance={"available": "0.96", "held": "0.01", "spent": "0.03"},
        replays=[("SM2 SM3", "SM2 SM3")],
    )
    return Evidence(
        sent=[
            Sending((GOOD,), None, sent_at=1, acknowledged_at=900, ids=("SM1",)),
            Sending((LONG, DOUBT), "key", sent_at=1, acknowledged_at=900, ids=("SM2", "SM3")),
        ],
        spoken=[Spoken("+4477", "hello")],
        deaths=[Death(DIED_US, -9)],
        smsc=[
            _submit(GOOD, "one", "a1"),
            _submit(LONG, "tw", "a2"),
            _submit(LONG, "o", "a3"),
            ReceiptAnswered(800, 1, 1, "a1"),
            ReceiptAnswered(800, 1, 1, "a2"),
            ReceiptAnswered(1_500, 1, 1, "a3"),
            InboundSent(700, 1, 2, "t1", "4477", "15005550006", "", "hello"),
        ],
        hooks=hooks,
        api=api,
    )


def test_a_round_in_which_all_is_well():
    verdict = judge(well())
    assert verdict.broken == []
    assert (verdict.messages, verdict.doubted, verdict.in_doubt, verdict.lost, verdict.twice) == (3, 1, 1, 0, 0)


def test_in_flight_is_what_was_acknowledged_and_has_a_receipt_to_come():
    """SM1 was through; SM2 waited for the receipt of its second segment; SM3 had not come to the simulator."""
    evidence = well()
    assert judge(evidence).in_flight == 2
    evidence.sent[1].acknowledged_at = DIED_US + 1
    assert judge(evidence).in_flight == 0


def test_an_event_that_comes_again_under_its_id_is_counted_and_breaks_nothing():
    evidence = well()
    evidence.hooks.append(evidence.hooks[3])
    verdict = judge(evidence)
    assert (verdict.retold, verdict.broken) == (1, [])


def test_a_retry_after_doubt_that_was_asked_for_and_is_flagged_is_no_breach():
    evidence = well()
    asked = msgspec.structs.replace(GOOD, retry_once=True)
    evidence.sent[0] = Sending((asked,), None, sent_at=1, acknowledged_at=900, ids=("SM1",))
    evidence.smsc.append(_submit(GOOD, "one", "a9"))
    assert judge(evidence).twice == 1
    evidence.api.listed[0]["possible_duplicate"] = True
    assert judge(evidence).broken == []


def _status(number: int, status: str) -> Callable[[Evidence], None]:
    def change(evidence: Evidence) -> None:
        evidence.api.messages[f"SM{number}"]["status"] = status

    return change


def _without_hook(webhook_id: str) -> Callable[[Evidence], None]:
    def change(evidence: Evidence) -> None:
        evidence.hooks = [hook for hook in evidence.hooks if hook.webhook_id != webhook_id]

    return change


def _one_more_hook(**changes: Any) -> Callable[[Evidence], None]:
    def change(evidence: Evidence) -> None:
        evidence.hooks.append(msgspec.structs.replace(evidence.hooks[3], **changes))

    return change


WRONG: dict[str, tuple[Callable[[Evidence], Any], str]] = {
    "an acknowledged id is gone": (lambda e: e.api.messages.pop("SM1"), "is gone or changed"),
    "its text is another": (lambda e: e.api.messages["SM1"].update(text="other"), "is gone or changed"),
    "a key made two messages": (lambda e: e.api.listed.append(_row(4, GOOD, "delivered")), "2 messages hold"),
    "a text nobody sent": (
        lambda e: e.api.listed.append(_row(4, Text("+1", "?", ""), "queued")),
        "a text nobody sent",
    ),
    "another answer to the same request": (lambda e: e.api.replays.append(("SM2", "SM4")), "again SM4"),
    "never sent, and nobody says so": (lambda e: e.smsc.remove(e.smsc[0]), "never left"),
    "one of two segments never sent": (lambda e: e.smsc.remove(e.smsc[2]), "never left"),
    "said to be sent, and not": (_status(3, "sent"), "never left and is sent"),
    "doubt that a receipt should have ended": (_status(1, "in_doubt"), "reached its phone and is in_doubt"),
    "sent twice": (lambda e: e.smsc.append(_submit(GOOD, "one", "a9")), "2 times"),
    "sent twice, the first try refused": (lambda e: e.smsc.insert(0, _submit(GOOD, "one", "")), "2 times"),
    "flagged as sent twice without having asked": (
        lambda e: e.api.listed[0].update(possible_duplicate=True),
        "flagged as a possible duplicate",
    ),
    "an event that never came": (_without_hook("EV1-3"), "never came to the sink"),
    "an end that was never told": (_without_hook("EV1-4"), "no final event"),
    "the same event under another id": (_one_more_hook(webhook_id="EV7"), "was told as"),
    "the same event with another type": (_one_more_hook(type="message.expired"), "was told as"),
    "a state after the end": (_one_more_hook(seq=5, type="message.undelivered"), "from delivered to undelivered"),
    "a state that goes back": (
        lambda e: e.hooks.__setitem__(slice(0, 4), _hooks(1, "queued", "sent", "sending", "delivered")),
        "from sent to sending",
    ),
    "a gap in the numbers": (_one_more_hook(seq=6, type="message.receipt"), "has events"),
    "charged twice": (
        lambda e: e.api.ledger.append(_move(1, "charge", "held", "spent", "0.01")),
        "its money moved",
    ),
    "never charged": (lambda e: e.api.ledger.remove(e.api.ledger[2]), "its money moved"),
    "a balance of its own": (lambda e: e.api.balance.update(available="0.97"), "the balance 0.97"),
    "a phone's text twice": (lambda e: e.api.listed.append(e.api.listed[3]), "stored 2 times"),
    "a phone's text lost": (lambda e: e.api.listed.pop(3), "stored 0 times"),
    "a phone's text never told": (_without_hook("EV9-1"), "told: False"),
    "an error in place of an answer": (lambda e: setattr(e.sent[0], "unexpected", "500"), "was told 500"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_seen(name: str):
    change, words = WRONG[name]
    evidence = well()
    change(evidence)
    assert any(words in line for line in judge(evidence).broken), judge(evidence).broken


def test_more_doubt_than_a_window_and_a_quarter_is_seen():
    """One long message as the measure: what it has in segments is what one death may leave."""
    for segments, is_broken in ((DOUBT_MAX, False), (DOUBT_MAX + 1, True)):
        evidence = well()
        evidence.api.messages["SM3"]["segments"] = segments
        evidence.api.listed[2]["segments"] = segments
        assert any("may be" in line for line in judge(evidence).broken) is is_broken


def test_doubt_without_a_kill_is_seen():
    evidence = well()
    evidence.deaths = [Death(DIED_US, 0)]
    assert any("0 may be" in line for line in judge(evidence).broken)


def test_a_long_message_in_doubt_has_paid_for_the_segments_that_were_taken():
    row = {"direction": "out", "status": "in_doubt", "price": "0.16", "segments": 4}
    paid = [sorted(moves.get("charge", (0, 0))) for moves in _owed(row)]
    assert paid == [[0, 0], [Decimal("0.04"), 1], [Decimal("0.08"), 2], [Decimal("0.12"), 3]]
    assert all(moves["hold"] == (1, Decimal("0.16")) for moves in _owed(row))
