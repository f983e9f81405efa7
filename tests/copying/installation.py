"""An installation with messages in every state, made by the store's own verbs in large lists, over several days.
`python -m tests.copying.installation FILE COUNT TIMES` makes one of COUNT times TIMES messages in a new SQLite file,
for the benchmarks: what the verbs made is repeated under other ids, by SQL.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from tests.product_rows import PRODUCT_ROWS, for_sqlite
from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.ids import Ids
from whimbrel.base.vault import Seal, Vault
from whimbrel.domain.model import PRIORITY, Message, Sender
from whimbrel.store.interface import (
    Answer,
    Claim,
    Deliveries,
    Idempotency,
    InboundRow,
    ReceiptRow,
    Store,
    Submission,
    Try,
    Verdict,
    Wait,
    Write,
)
from whimbrel.store.rows import to_columns
from whimbrel.store.sqlite import schema
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore

MASTER_KEY: Final = bytes(range(32))
ACCOUNTS: Final = tuple("AC" + digit * 32 for digit in "abc")
CARRIERS: Final = tuple("CR" + digit * 32 for digit in "12")
WEBHOOK: Final = "WH" + "a" * 32
CREDENTIAL: Final = "SC" + "a" * 32
START_US: Final = 1_780_000_000_000_000
LIST: Final = 500
_HOUR_US: Final = 3_600_000_000
_PRICE: Final = 10_000
_STEP_US: Final = 40 * 60 * 1_000_000  # between two lists: some 36 a day


class Filling:
    """`store`: started, and empty unless `at_us` is another time."""

    def __init__(self, store: Store, at_us: int = START_US) -> None:
        self._store = store
        self._clock = ManualClock(at_us)
        self._ids = Ids(self._clock, SeededChance(at_us))
        self._vault = Vault(MASTER_KEY, SeededChance(8))

    async def configure(self, credit: int) -> None:
        """Accounts with credit, carriers, and one of everything else."""
        at, seal = START_US, self._vault.seal
        accounts = tuple(
            (each, None, each[:4], "active", "EUR", 0, seal("t", Seal.of(Seal.ACCOUNT_TOKEN, each)),
             seal("s", Seal.of(Seal.ACCOUNT_CALLBACK, each)), at, at)
            for each in ACCOUNTS
        )  # fmt: skip
        carriers = tuple(
            (each, each[:4], "smpp", "active", 0, "{}", seal("p", Seal.of(Seal.CARRIER_PASSWORD, each)), at, at)
            for each in CARRIERS
        )
        first = ACCOUNTS[0]
        secret = seal("w", Seal.of(Seal.WEBHOOK_SECRET, WEBHOOK))
        sender = Sender("SN1", first, "Acme", "alphanumeric", True, (), None, "POST", None, at, at)
        await self._store.write(
            (
                Write("account_insert", accounts),
                Write("carrier_insert", carriers),
                Write("key_insert", (("SK1", None, "ops", "wk", b"d", "live", "[]", 5, "active", at, None, None),)),
                Write("sender_insert", (to_columns(sender),)),
                Write("route_insert", (("RT1", 1, "", "", None, '["' + CARRIERS[0] + '"]', 1, at, at),)),
                Write("price_put", (("PR1", None, "44", _PRICE, "EUR", at, at, 2 * _PRICE),)),
                Write("webhook_insert", ((WEBHOOK, first, 0, "https://a.example", '["*"]', "", secret, None, None,
                                          "active", None, 0, 0, at, at),)),
                Write("smpp_credential_insert", ((CREDENTIAL, first, 0, "c", "us", "x", "active", "{}", at, at),)),
                Write("audit_insert", (("AU1", None, "ops", "made", first, "{}", at),)),
                Write("stream_put", (("s", "ok", "", at, at, 0, at),)),
                Write("balance_open", tuple((each, "EUR") for each in ACCOUNTS)),
                Write("balance_top_up", tuple((each, credit) for each in ACCOUNTS)),
                Write("ledger_insert", tuple((each, None, "top_up", "bank", "available", credit, "", at)
                                             for each in ACCOUNTS)),
            )
        )  # fmt: skip

    async def people(self) -> None:
        """One who works for the operator, one of an account, and what they keep."""
        at, first = START_US, ACCOUNTS[0]
        kept = ("active", "x", None, 0, 0, 0, "{}", at, at, None)
        await self._store.write(
            (
                Write("user_insert", (("US1", None, "ops@a.example", "Ops", "admin", *kept),
                                      ("US2", first, "shop@a.example", "Shop", "viewer", *kept))),
                Write("passkey_insert", (("PK1", "US2", b"c", b"k", 0, "key", at, None),)),
                Write("sign_in_code_insert", ((b"d", "US2", "recovery", at),)),
                Write("saved_view_insert", (("SV1", "US2", "messages", "mine", "", at),)),
                Write("canned_insert", (("CA1", first, "hello", "Hello", at, at),)),
                Write("template_insert", (("TP1", first, "hello", "", "active", None, 1, 1, 2, at, at),)),
                Write("template_version_insert", (("TP1", 1, first, "{}", "approved", "", "", None, "KE1", at),)),
                Write("hook_insert", (("HK1", first, 0, "shop", "generic", "active", b"s", None, None, "{}", at, at),)),
                Write("hook_call_insert", (("HC1", first, "HK1", "sent", "", 1, 1, 2, None, b"p", at, at),)),
                Write("hook_outcome_insert", (("HC1", 0, first, "HK1", "", "e", "r", "sent", "", "", "SM1", "e", at),)),
                Write("hook_latest_put", (("HK1", "order", first, at, at),)),
                Write("mailbox_insert", (("MB1", first, 0, "shop", "active", "tag", "[]", "{}", 1, at, at),)),
                Write("mailbox_sender_insert", (("@shop.example", "MB1", first),)),
                Write("mailbox_mail_insert", (("MM1", first, "MB1", "text", "sent", "", "", "SM1", "", b"m", 1, "t", 1,
                    None, at, at),)),
                Write("contact_insert", ((first, 0, "CT1", "+447400123456", "GB", None, None, ",1,", at, at, 1, 2,
                    "Ann", "ann", "", "pro", *[None] * 19, 0.1, *[None] * 19),)),
                Write("contact_change_insert", (("CT1", 1, first, "contact.created", "{}", at),)),
                Write("contact_field_insert", (("CF1", first, 0, "plan", "text", "[]", 1, None, at),)),
                Write("contact_label_insert", (("TG1", first, 0, "tag", "vip", 1, "", None, at),)),
                Write("contact_segment_insert", (("SG1", first, 0, "all", "tag = x", at, at),)),
                Write("contact_import_insert", (("IM1", first, 0, 1, "f", "running", "{}", 1, 2, 2, 1, 1, 0, 0, 0, 0,
                    "", at, at, None),)),
                Write("contact_import_part_insert", (("IM1", 0, first, b"\x00\xff"),)),
                Write("contact_import_error_insert", (("IM1", 1, first, "number", "12", "is no number"),)),
                Write("conversation_received", (("CV1", first, 0, 12, 31, "SM1", "SM1", 1, "open", at, at, 1),)),
                Write("flow_insert", (("FW1", first, "f", "active", 1, "api", "{}", at, at, at),)),
                Write("flow_version_insert", (("FW1", 1, first, "{}", at),)),
                Write("flow_run_start", (("FR1", first, "FW1", 1, 0, "running", "a", "", 0, 0, at, 7, None, None, "+1",
                                          "+2", 3, "{}", "[]", "x", 0, 0, None, at, at, None),)),
                Write("schedules_insert", (("SD1", first, 0, "s", "paused", "{}", "[]", 1, 0, None, at, at, 1, ""),)),
                Write("schedule_part_insert", (("SD1", 0, first, "UTC", "[]", "", None, "numbers", "", 0),)),
                Write("schedule_outcome_add", (("SD1", "2027-01-04T09:00:00", "", first, 3, at),)),
                Write("flow_step_add", (("FR1", 1, first, "a", "set", "done", None, "", at, 0),)),
                Write("verify_service_insert", (("VA1", first, "Acme", "{}", at, at),)),
                Write(
                    "verification_insert",
                    (("VE1", first, 0, "VA1", "+447400123456", 5, "GB", "44740012", "sms", "en", "pending", 1, 0, 1,
                      b"\x00\xff", "{}", 1, at, at, at, at, None),),
                ),
                Write(
                    "verify_attempt_insert",
                    (("VL1", first, 0, "VA1", "VE1", "sms", "SM1", "GB", "44740012", at, None, "", "", "", "", 0, 0,
                      None),),
                ),
                Write("verify_number_turn", ((first, 0, 5, 1, "[]", "[1]", at),)),
                Write("verify_count", ((first, 0, 1, "44740012", "VA1", "GB", 1, 1, 0),)),
                Write("verify_channel_count", ((first, 0, 1, "sms", "VA1", 1, 0, 0),)),
                Write("verify_rate_limit_insert", (("RK1", first, "VA1", "address", "", at, at),)),
                Write("verify_bucket_insert", (("BL1", first, "RK1", 5, 60, at, at),)),
                Write("verify_bucket_take", (("BL1", 7, first, at, at + 1, 5),)),
                Write(
                    "verify_block_insert",
                    (("VB1", first, 0, "prefix", "44740012", "GB", "velocity", "{}", 1, at, at, None, None, 0),),
                ),
                Write("verify_safe_insert", (("GN1", first, 9, "+4474\u2022\u2022\u2022123", at),)),
                Write("verify_entity_insert", (("YE1", first, 0, "VA1", "user-1", at, at),)),
                Write("verify_factor_insert", (("YF1", first, 0, "VA1", "YE1", "totp", "phone", "verified", b"\x00\xff",
                                                "{}", 7, 2, at, at, at),)),
                Write("verify_challenge_insert", (("YC1", first, 0, "VA1", "YE1", "YF1", "approved", "", "null", 1, at,
                                                   at, at, at),)),
                Write("verify_guesses_turn", ((first, 0, 5, 1, 2, 0, at),)),
                Write("usage_add", ((first, 0, 24, 0, "out", "otp", "US", "CR1", "EUR", *range(26)),)),
            )
        )  # fmt: skip

    async def messages(self, count: int) -> None:
        """So many messages, in lists of LIST."""
        for start in range(0, count, LIST):
            await self._list(start, min(LIST, count - start))
            self._clock.advance(_STEP_US / 1e6)

    async def _list(self, start: int, size: int) -> None:
        at = self._clock.now_us()
        made = [self.message(start + place, at) for place in range(size)]
        claimed = [each for place, each in enumerate(made) if place % 10 and each.state == "queued"]
        claims = tuple(Claim(each.id, CARRIERS[n % 2], 1, n % 97, at) for n, each in enumerate(claimed))
        verdicts = tuple(Verdict(id=each.id, state=each.state) for each in made)
        key = Idempotency(ACCOUNTS[0], "rest", f"k{start}", b"f", 0, 1, at, verdicts)
        (stored,) = await self._store.accept([Submission(tuple(made), key, claims=claims)])
        assert not stored.uncovered
        await self._store.record_answers(list(self._answers(claimed, claims, stored.attempts, at)))
        await self._store.record_receipts(list(self._receipts(claims, at)))
        await self._store.record_inbound([self._inbound(start, at)])
        await self._follow(start, at)

    def message(self, number: int, at: int) -> Message:
        """Queued, or for each fiftieth scheduled."""
        message_class = ("otp", "transactional", "marketing")[number % 3]
        due = at + 30 * 24 * _HOUR_US if number % 50 == 49 else at
        return Message(
            id=self._ids.new("SM"),
            account_id=ACCOUNTS[number % 7 % 3],
            test=False,
            direction="out",
            door="rest",
            message_class=message_class,  # type: ignore[arg-type]
            state="queued" if due == at else "scheduled",
            recipient=f"+4479{number:08}",
            sender="Acme",
            text="Your table is ready \u2713",
            encoding="ucs2",
            segments=1,
            price_micros=_PRICE,
            held_micros=0,
            charged_micros=0,
            currency="EUR",
            carrier_id=None,
            route_id="RT1",
            candidates=" ".join(CARRIERS),
            priority=PRIORITY[message_class],
            rank=number,
            created_at=at,
            due_at=due,
            expires_at=due + 48 * _HOUR_US,
            updated_at=at,
            sent_at=None,
            final_at=None,
            reason=None,
            flags=0,
            seq=0,
            recipient_hash=self._vault.number_hash(f"+4479{number:08}"),
            sender_hash=12,
            options='{"tags":["a"]}',
        )

    def _answers(
        self, claimed: Sequence[Message], claims: Sequence[Claim], numbers: dict[str, tuple[int, ...]], at: int
    ) -> Iterable[Answer]:
        """One of 20 is refused, one in doubt, one of 40 has no answer yet."""
        for place, (message, claim) in enumerate(zip(claimed, claims, strict=True)):
            kind = {3: "refused", 7: "in_doubt"}.get(place % 20, "accepted")
            if place % 40 != 11:
                yield Answer(
                    attempt=numbers[message.id][0],
                    message_id=message.id,
                    carrier_id=claim.carrier_id,
                    kind=kind,
                    at=at + 1000,
                    bind="1",
                    carrier_message_id=message.id[-12:] if kind == "accepted" else None,
                    carrier_key=message.id[2:] if kind == "accepted" else None,
                    status_code=69 if kind == "refused" else None,
                    reason="carrier_refused" if kind == "refused" else None,
                    tail_hash=claim.tail_hash,
                    parts=1,
                )

    def _receipts(self, claims: Sequence[Claim], at: int) -> Iterable[ReceiptRow]:
        """Eight of ten arrive; one of 50 is of a message that we do not know."""
        for place, claim in enumerate(claims):
            if place % 10 in (1, 2):
                continue
            key = f"{place}{at}" if place % 50 == 5 else claim.message_id[2:]
            delivered = place % 9 != 0
            yield ReceiptRow(
                carrier_id=claim.carrier_id,
                keys=(key,),
                state="delivered" if delivered else "undelivered",
                final=True,
                reason=None if delivered else "carrier_undelivered",
                stat="DELIVRD" if delivered else "UNDELIV",
                error="000",
                tail_hashes=(),
                at=at + 2000,
            )

    def _inbound(self, number: int, at: int) -> InboundRow:
        """A whole text, or the first part of a long one whose others never come."""
        return InboundRow(
            message_id=self._ids.new("SM"),
            carrier_id=CARRIERS[0],
            session="s",
            fingerprint=number,
            account_id=ACCOUNTS[1],
            test=False,
            source=f"+4478{number:08}",
            destination="+447700900000",
            source_hash=number,
            destination_hash=1,
            text="Hello\nagain",
            encoding="gsm7",
            at=at,
            octets=b"Hello",
            reference=number % 200,
            total=1 + (number // LIST) % 2,
        )

    async def _follow(self, number: int, at: int) -> None:
        """Those who follow the log: the first account's endpoint fails now and then, what is owed stays owed."""
        events = await self._store.events_after(0, 1) if number == 0 else []
        last = await self._store.last_position()
        first = events[0].position if events else last
        event = ("WH", first, f"EV{number}", "message.delivered")
        tried = Try(None, WEBHOOK, ACCOUNTS[0], event[1], event[2], event[3], 1, at, 12, 500, None, "no", ok=False)
        waits = Wait(f"DL{number:09}", WEBHOOK, ACCOUNTS[0], event[1], event[2], event[3], "https://a.example",
                     "event", 1, at + _HOUR_US, at, "500")  # fmt: skip
        also = (
            Write("message_numbers_follow", ((self._followed, last),)),
            Write("smpp_owed_insert", ((CREDENTIAL, last, self._ids.new("SM"), "message.delivered", "{}", at),)),
            Write("opt_out_record", ((f"OO{number}", ACCOUNTS[0], number, "+44…", "keyword", at, None, None, None),)),
        )
        self._followed = last
        cursors = (("index", last), (WEBHOOK, last), ("receipt_deadline", at))
        await self._store.record_deliveries(Deliveries((tried,), (waits,), (), cursors, also))

    _followed = 0


async def make(path: Path, count: int, times: int = 1) -> None:
    """A new SQLite file with so many messages, so many times."""
    schema.apply(str(path), ManualClock(START_US))
    store = SqlStore(SqliteExecutor(str(path)))
    await store.start()
    try:
        filling = Filling(store)
        await filling.configure(times * count * _PRICE * 2 + _PRICE)
        await filling.people()
        await filling.messages(count)
    finally:
        await store.stop()
    await asyncio.to_thread(_of_products, path)
    if times > 1:
        await asyncio.to_thread(_repeat, path, times)


def _of_products(path: Path) -> None:
    """What products keep for the first account."""
    with closing(apsw.Connection(str(path))) as connection, connection:
        for sql in PRODUCT_ROWS:
            connection.execute(for_sqlite(sql), ("1", ACCOUNTS[0])[: 2 if "$2" in sql else 1])
        connection.execute("INSERT INTO quiet_rules VALUES ('QR1', '{}', 1)")
        connection.execute("INSERT INTO sender_rules VALUES ('SR1', 'GB', NULL, 0, 1)")


def _repeat(path: Path, times: int) -> None:
    """The messages of a file again, with all that is theirs. The digit that begins an id is 0 until the year 2527."""
    assert times <= 16
    with closing(apsw.Connection(str(path))) as connection, connection:
        for table, owner, others in _OF_MESSAGES:
            columns = [row[0] for row in connection.execute(f"SELECT name FROM pragma_table_info('{table}')")]
            for number in range(1, times):
                other = {name: text.format(number=number) for name, text in others.items()}
                other[owner] = f"'SM{number:x}' || substr({owner}, 4)"
                listed = ", ".join(other.get(column, column) for column in columns)
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {listed} FROM {table} "
                    f"WHERE substr({owner}, 3, 1) = '0'"
                )
        of_account = "FROM ledger l WHERE l.account_id = balances.account_id"
        moved = f"(SELECT COALESCE(SUM(amount_micros), 0) {of_account} AND {{}} = '{{}}')"
        books = ", ".join(
            f"{book} = {moved.format('credit', book)} - {moved.format('debit', book)}"
            for book in ("available", "held", "spent")
        )
        connection.execute(f"UPDATE balances SET {books}")


_OF_MESSAGES: Final = (
    ("messages", "id", {}),
    ("message_numbers", "message_id", {"number_hash": "number_hash + {number}"}),
    ("queue", "message_id", {}),
    ("schedule", "message_id", {}),
    ("deadlines", "message_id", {}),
    ("attempts", "message_id", {"position": "position + ({number} << 30)"}),
    ("ledger", "message_id", {"position": "NULL"}),
    ("events", "subject_id", {"position": "NULL"}),
)
"""Tables, the column with the id, and what else must be another one."""


def main(arguments: list[str]) -> None:
    path, count, times = arguments
    asyncio.run(make(Path(path), int(count), int(times)))


if __name__ == "__main__":
    main(sys.argv[1:])
