"""Who may still be sent at the last look before its octets are committed, whatever was true when it was accepted."""

from types import SimpleNamespace

import pytest

from whimbrel.domain.model import PRIORITY, Sender
from whimbrel.domain.number_set import NumberSet
from whimbrel.domain.permission import Permissions
from whimbrel.domain.senders import SenderBook
from whimbrel.journey.choose import decide

NOW = 1_000_000
GOOD = {"id": "SM1", "account_id": "AC1", "recipient_hash": 77, "sender": "Acme", "flags": 0, "expires_at": NOW + 1}
OCTETS = (b"\x00", b"\x01")


def message(**change):
    return SimpleNamespace(**GOOD | {"priority": PRIORITY["transactional"]} | change)


def tables(status="active", stopped=(), senders=None):
    sets = {"AC1": NumberSet(stopped)}
    accounts = {} if status is None else {"AC1": SimpleNamespace(status=status)}
    books = {} if senders is None else {"AC1": SenderBook([sender(**senders)])}
    permissions = Permissions(lambda: sets, lambda scope: len(scope))
    return SimpleNamespace(permissions=permissions, accounts=accounts, senders=books)


def sender(value="Acme", **more):
    return Sender("PN1", "AC1", value, "alphanumeric", False, (), None, "POST", None, 1, 1, **more)


def built(queued):
    if queued.sender == "broken":
        raise ValueError("no octets")
    return OCTETS


@pytest.mark.parametrize(
    ("change", "known", "ending"),
    [
        ({}, {}, None),
        ({}, {"status": "moving"}, None),
        ({}, {"stopped": (78,)}, None),
        ({"expires_at": NOW}, {}, ("expired", "expired")),
        ({"expires_at": NOW}, {"stopped": (77,)}, ("expired", "expired")),
        ({}, {"stopped": (77,)}, ("rejected", "opted_out")),
        ({}, {"status": "suspended"}, ("rejected", "account_suspended")),
        ({}, {"status": "closed"}, ("rejected", "account_suspended")),
        ({}, {"status": None}, ("rejected", "account_suspended")),
        ({}, {"senders": {}}, None),
        ({}, {"senders": {"approval": "rejected"}}, ("rejected", "sender_not_approved")),
        ({}, {"senders": {"approval": "pending"}}, ("rejected", "sender_not_approved")),
        ({}, {"senders": {"capabilities": ("voice",)}}, ("rejected", "sender_not_approved")),
        ({}, {"senders": {"value": "Other", "approval": "rejected"}}, None),
        ({"sender": "broken"}, {}, ("failed", "quarantined")),
    ],
)
def test_the_last_look(change, known, ending):
    wanted = message(**change)
    sendable, endings = decide([wanted], built, tables=tables(**known), now=NOW)
    assert sendable == ([] if ending else [(wanted, OCTETS)])
    assert [(each.message_id, each.states, each.new_state, each.reason, each.at) for each in endings] == (
        [("SM1", ("queued",), *ending, NOW)] if ending else []
    )


def test_one_that_cannot_be_sent_holds_up_nobody():
    waiting = [message(id=f"SM{n}", sender=sender) for n, sender in enumerate(("Acme", "broken", "Acme"))]
    sendable, endings = decide(waiting, built, tables=tables(), now=NOW)
    assert [each.id for each, _ in sendable] == ["SM0", "SM2"]
    assert [each.message_id for each in endings] == ["SM1"]
