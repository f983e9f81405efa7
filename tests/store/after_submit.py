"""A real database and the verbs run on it one by one, for the tests of what happens after the submit."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from one_by_one import Database, Sqlite

from whimbrel.domain.model import Message, Options
from whimbrel.store.interface import Answer, Claim, InboundRow, ReceiptRow, Submission
from whimbrel.store.script import Script
from whimbrel.store.statements import for_sqlite
from whimbrel.store.verbs.accept import accept
from whimbrel.store.verbs.answers import record_answers
from whimbrel.store.verbs.claim import claim
from whimbrel.store.verbs.inbound import flush_parts, record_inbound
from whimbrel.store.verbs.receipts import record_receipts

T = TypeVar("T")

ACCOUNT = "AC1"
CARRIER, OTHER = "CR1", "CR2"
START = 1_800_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
PRICE = 10_000
CREDIT = 10**12
STATEMENTS = for_sqlite()


class Rig:
    """Verbs by name, each in a transaction of its own, and looks at what they left."""

    def __init__(self, database: Database | None = None) -> None:
        self.db = database or Sqlite()
        self.db.execute("INSERT INTO balances VALUES (?, 'EUR', ?, 0, 0)", (ACCOUNT, CREDIT))
        self._made = 0

    def run(self, script: Script[T]) -> T:
        return self.db.run(script)

    # what the other verbs leave behind

    def accepted(self, **changes: Any) -> str:
        """The id of a new queued message."""
        self._made += 1
        fields = {
            "id": f"SM{self._made:032x}",
            "account_id": ACCOUNT,
            "test": False,
            "direction": "out",
            "door": "rest",
            "message_class": "transactional",
            "state": "queued",
            "recipient": "+15005550100",
            "sender": "Whimbrel",
            "text": "hello",
            "encoding": "gsm7",
            "segments": 1,
            "price_micros": PRICE,
            "held_micros": 0,
            "charged_micros": 0,
            "currency": "EUR",
            "carrier_id": None,
            "route_id": None,
            "candidates": CARRIER,
            "priority": 1,
            "rank": self._made,
            "created_at": START,
            "due_at": START,
            "expires_at": START + HOUR,
            "updated_at": START,
            "sent_at": None,
            "final_at": None,
            "reason": None,
            "flags": 0,
            "seq": 0,
            "recipient_hash": 1,
            "sender_hash": 2,
            "options": "{}",
        }
        message = Message(**{**fields, **changes})
        (stored,) = self.run(accept([Submission((message,))]))
        assert not stored.uncovered
        return message.id

    def claimed(
        self, message_id: str, carrier: str = CARRIER, parts: int = 1, tail: int = 7, at: int = START
    ) -> list[int]:
        """Attempt numbers."""
        (attempts,) = self.run(claim([Claim(message_id, carrier, parts, tail, at)]))
        return list(attempts)

    def sending(self, parts: int = 1, tail: int = 7, **changes: Any) -> tuple[str, list[int]]:
        """A message whose attempts are committed."""
        carrier = changes.get("candidates", CARRIER).partition(" ")[0]
        message_id = self.accepted(segments=parts, **changes)
        return message_id, self.claimed(message_id, carrier, parts, tail)

    # the verbs under test

    def answer(self, *answers: Answer) -> list[str]:
        """As a carrier's link gives them: it knows how many segments their messages have."""
        return self.run(
            record_answers([msgspec.structs.replace(a, parts=self._segments(a.message_id)) for a in answers])
        )

    def answer_blindly(self, *answers: Answer) -> None:
        """As when nobody knows the segments: never the short way of `verbs/ordinary.py`."""
        self.run(record_answers(answers))

    def _segments(self, message_id: str) -> int:
        found = self.all("SELECT segments FROM messages WHERE id = ?", message_id)
        return int(found[0]) if found else 1

    def receipt(self, *receipts: ReceiptRow) -> list[str]:
        return self.run(record_receipts(receipts))

    def inbound(self, *rows: InboundRow) -> list[str]:
        return self.run(record_inbound(rows))

    def flush_parts(self, now: int) -> int:
        return self.run(flush_parts(now))

    # looks

    def all(self, sql: str, *params: Any) -> list[Any]:
        """Rows; single columns without their tuples."""
        rows = self.db.execute(sql, params)
        return [row[0] if len(row) == 1 else row for row in rows]

    def one(self, sql: str, *params: Any) -> Any:
        (found,) = self.all(sql, *params)
        return found

    def message(self, message_id: str, columns: str = "state, reason") -> Any:
        return self.one(f"SELECT {columns} FROM messages WHERE id = ?", message_id)

    def events(self, subject_id: str) -> list[str]:
        """Types without their family, in order; the numbers must have no gaps."""
        rows = self.all("SELECT seq, type FROM events WHERE subject_id = ? ORDER BY position", subject_id)
        assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
        return [kind.removeprefix("message.") for _, kind in rows]

    def last_data(self, subject_id: str) -> dict[str, Any]:
        data = self.all("SELECT data FROM events WHERE subject_id = ? ORDER BY position DESC LIMIT 1", subject_id)[0]
        found: dict[str, Any] = msgspec.json.decode(data)
        return found

    def balance(self) -> tuple[int, int, int]:
        """Available, held, spent; they must be the sums of the ledger and lose nothing."""
        available, held, spent = self.one("SELECT available, held, spent FROM balances WHERE account_id = ?", ACCOUNT)
        sums = dict.fromkeys(("available", "held", "spent"), 0)
        for debit, credit, amount in self.all("SELECT debit, credit, amount_micros FROM ledger"):
            sums[debit] -= amount
            sums[credit] += amount
        assert (available - CREDIT, held, spent) == (sums["available"], sums["held"], sums["spent"])
        assert available + held + spent == CREDIT
        return available, held, spent

    def queue(self) -> list[tuple[Any, ...]]:
        return self.all("SELECT lane, priority, rank, message_id, expires_at FROM queue ORDER BY lane, priority, rank")

    def deadlines(self) -> list[tuple[Any, ...]]:
        return self.all("SELECT message_id, due_at FROM deadlines")

    def parked(self) -> list[str]:
        return self.all("SELECT carrier_key FROM parked_receipts ORDER BY position")


def answered(
    message_id: str, attempt: int, kind: str, *, key: str | None = None, at: int = START + SECOND, **more: Any
) -> Answer:
    """An answer; accepted ones carry `key` as the carrier's id."""
    more.setdefault("carrier_id", CARRIER)
    more.setdefault("tail_hash", 7)
    return Answer(
        attempt=attempt, message_id=message_id, kind=kind, at=at, carrier_message_id=key, carrier_key=key, **more
    )


def reported(
    *keys: str, state: str = "delivered", tails: Sequence[int] = (7,), at: int = START + 2 * SECOND, **more: Any
) -> ReceiptRow:
    """A receipt; final when its state is a final one."""
    final = state in ("delivered", "undelivered", "expired")
    failures = {"undelivered": "absent_subscriber", "expired": "expired_at_carrier"}
    fields = {
        "carrier_id": CARRIER,
        "reason": failures.get(state),
        "stat": state.upper()[:7],
        "error": "027" if state == "undelivered" else "000",
        **more,
    }
    return ReceiptRow(keys=keys, state=state, final=final, tail_hashes=tuple(tails), at=at, **fields)


OTP_RETRY = msgspec.json.encode(Options(on_doubt="retry_once")).decode()
