"""What the store's tests put in and look at."""

from collections.abc import Sequence
from typing import Any

import msgspec

from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.ids import Ids
from whimbrel.domain.model import PRIORITY, Attempt, Event, Message
from whimbrel.domain.positions import floor_of_messages
from whimbrel.store.interface import Claim, Idempotency, Store, Stored, Submission, Verdict, Write

ACCOUNT = "AC" + "a" * 32
OTHER_ACCOUNT = "AC" + "b" * 32
CARRIER = "CR" + "1" * 32
SPARE = "CR" + "2" * 32
SECOND = 1_000_000
NOW = ManualClock().now_us()
HOUR = 3600 * SECOND
PRICE = 10_000
CREDIT = 100 * PRICE
NOT_NULL = "(?i)not.null constraint"
"""What each dialect says to a NULL where there must be none."""
INDEXED = Write("message_numbers_follow", ((0, 2**62),))
"""Look-ups by number of all messages in the log."""
IDS = Ids(ManualClock(NOW), SeededChance(1))


class Balance(msgspec.Struct, frozen=True):
    """A row of `balance_by_account`."""

    account_id: str
    currency: str
    available: int
    held: int
    spent: int


class Movement(msgspec.Struct, frozen=True):
    """A row of `ledger_page`."""

    position: int
    account_id: str
    message_id: str | None
    kind: str
    debit: str
    credit: str
    amount_micros: int
    note: str
    created_at: int


def top_up(account: str, micros: int) -> list[Write]:
    """A balance with credit, as the control plane makes it."""
    return [
        Write("balance_open", ((account, "EUR"),)),
        Write("balance_top_up", ((account, micros),)),
        Write("ledger_insert", ((account, None, "top_up", "bank", "available", micros, "", NOW),)),
    ]


def message(**changes: Any) -> Message:
    """A queued, live, transactional message of one segment. `scheduled_for` makes it a scheduled one."""
    due = changes.pop("scheduled_for", None)
    message_class = changes.get("message_class", "transactional")
    fields: dict[str, Any] = {
        "id": IDS.new("SM"),
        "account_id": ACCOUNT,
        "test": False,
        "direction": "out",
        "door": "rest",
        "message_class": message_class,
        "state": "queued" if due is None else "scheduled",
        "recipient": "+447700900123",
        "sender": "Whimbrel",
        "text": "Your table is ready.",
        "encoding": "gsm7",
        "segments": 1,
        "price_micros": PRICE,
        "held_micros": 0,
        "charged_micros": 0,
        "currency": "EUR",
        "carrier_id": None,
        "route_id": None,
        "candidates": f"{CARRIER} {SPARE}",
        "priority": PRIORITY[message_class],
        "rank": 1,
        "created_at": NOW,
        "due_at": NOW if due is None else due,
        "expires_at": (due or NOW) + HOUR,
        "updated_at": NOW,
        "sent_at": None,
        "final_at": None,
        "reason": None,
        "flags": 0,
        "seq": 0,
        "recipient_hash": 11,
        "sender_hash": 12,
        "options": "{}",
    }
    return Message(**{**fields, **changes})


def many(count: int, **changes: Any) -> list[Message]:
    return [message(**changes) for _ in range(count)]


def key(messages: Sequence[Message], name: str = "k1", **changes: Any) -> Idempotency:
    """The claim of a key by a request with these messages."""
    fields: dict[str, Any] = {
        "account_id": ACCOUNT,
        "door": "rest",
        "key": name,
        "fingerprint": b"f",
        "chunk": 0,
        "chunks": 1,
        "created_at": NOW,
        "verdicts": tuple(Verdict(id=item.id, state=item.state) for item in messages),
    }
    return Idempotency(**{**fields, **changes})


async def submit(store: Store, *messages: Message) -> Stored:
    """One request without a key."""
    (stored,) = await store.accept([Submission(tuple(messages))])
    return stored


async def claim(store: Store, *messages: Message, carrier: str = CARRIER, parts: int = 1) -> list[tuple[int, ...]]:
    return await store.claim([Claim(item.id, carrier, parts, 99, NOW + SECOND) for item in messages])


async def load(store: Store, wanted: Message | str) -> Message:
    """The message as it is stored."""
    (found,) = await store.messages([wanted if isinstance(wanted, str) else wanted.id])
    return found


async def state(store: Store, wanted: Message) -> str:
    return (await load(store, wanted)).state


async def events(store: Store, wanted: Message) -> list[Event]:
    """The timeline; its numbers must have no gaps, and the message must know the last one."""
    found = await store.fetch(Event, "events_of_subject", wanted.account_id, wanted.id)
    assert [event.seq for event in found] == list(range(1, len(found) + 1))
    stored = await store.messages([wanted.id])
    assert not stored or stored[0].seq == len(found)
    return found


async def told(store: Store, wanted: Message) -> list[str]:
    """Types of the timeline without their family."""
    return [event.type.removeprefix("message.") for event in await events(store, wanted)]


async def attempts(store: Store, wanted: Message) -> list[Attempt]:
    return await store.fetch(Attempt, "attempts_of_message", wanted.id, floor_of_messages([wanted.id]))


async def positions(store: Store) -> list[int]:
    """Where the events of the whole log stand."""
    return [event.position for event in await store.events_after(0, 10_000)]


async def lane(store: Store, carrier: str = CARRIER) -> list[str]:
    """Ids that wait in a lane, in the order in which they are to be sent."""
    return [item.id for item in await store.waiting(carrier, 1000)]


async def balance(store: Store, account: str = ACCOUNT) -> tuple[int, int, int]:
    """Available, held and spent. They must be the sums of the ledger, and what is held must stand on messages."""
    (row,) = await store.fetch(Balance, "balance_by_account", account)
    books = {"bank": 0, "available": 0, "held": 0, "spent": 0}
    for move in await store.fetch(Movement, "ledger_page", account, 2**62, 100_000):
        books[move.debit] -= move.amount_micros
        books[move.credit] += move.amount_micros
        assert move.amount_micros > 0
    assert (row.available, row.held, row.spent) == (books["available"], books["held"], books["spent"])
    assert row.available + row.held + row.spent == -books["bank"]
    assert row.available >= 0
    return row.available, row.held, row.spent
