"""An account with something of everything, put into a cell through the verbs of the store and of the control plane; and
what a cell holds of it, to be compared with what another one holds after a move.
"""

from typing import Any, NamedTuple

import asyncpg

from tests.product_rows import PRODUCT_ROWS
from tests.store.store_samples import CARRIER, IDS, PRICE, message
from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.ids import Ids
from whimbrel.base.vault import Vault
from whimbrel.domain.model import Flag, Message
from whimbrel.journey.moving import Moving
from whimbrel.journey.tables import Tables
from whimbrel.manage import accounts, balance, keys, opt_outs, senders, smpp_credentials, webhooks
from whimbrel.manage.context import Context
from whimbrel.net.addresses import Reach
from whimbrel.store.interface import Answer, Claim, Deliveries, Idempotency, InboundRow, ReceiptRow, Submission, Verdict
from whimbrel.store.moving import Moves
from whimbrel.store.postgresql.executor import PostgresExecutor
from whimbrel.store.store import SqlStore

ACTOR = "test"
NUMBER = "+12025550100"
NAMES = ("eu", "us")
MINUTE = 60_000_000
DAY = 1440 * MINUTE
_EPHEMERAL = frozenset({"position", "cursor", "event_position", "rank", "updated_at", "status"})
OWNED = {
    "accounts": "id", "audit": "account_id", "attempts": "account_id", "balances": "account_id",
    "flow_runs": "account_id", "flow_steps": "account_id", "flow_versions": "account_id", "flows": "account_id",
    "schedule_outcomes": "account_id", "schedule_parts": "account_id", "schedules": "account_id",
    "campaigns": "account_id", "campaign_numbers": "account_id", "campaign_recipients": "account_id",
    "campaign_refusals": "account_id", "campaign_figures": "account_id", "campaign_policies": "account_id",
    "campaign_minutes": "account_id",
    "canned_answers": "account_id", "conversations": "account_id", "conversation_notes": "account_id",
    "conversation_days": "account_id", "desks": "account_id",
    "pools": "account_id", "pool_members": "account_id", "pool_sticky": "account_id", "number_turns": "account_id",
    "inbound_urls": "account_id", "keywords": "account_id", "keyword_counts": "account_id",
    "keyword_paces": "account_id",
    "contact_starts": "account_id",
    "contacts": "account_id", "contact_changes": "account_id", "contact_fields": "account_id",
    "contact_labels": "account_id", "contact_segments": "account_id", "contact_imports": "account_id",
    "contact_import_parts": "account_id", "contact_import_errors": "account_id",
    "links": "account_id", "link_clicks": "account_id", "link_conversions": "account_id",
    "link_figures": "account_id", "link_settings": "account_id",
    "media": "account_id", "media_data": "account_id", "message_media": "account_id",
    "hook_calls": "account_id", "hook_latest": "account_id", "hook_outcomes": "account_id", "hooks": "account_id",
    "deliveries": "account_id", "delivery_tries": "account_id", "events": "account_id", "idempotency": "account_id",
    "mailboxes": "account_id", "mailbox_senders": "account_id", "mailbox_mails": "account_id",
    "keys": "account_id", "ledger": "account_id", "messages": "account_id", "opt_outs": "account_id",
    "registrations": "account_id", "documents": "account_id",
    "senders": "account_id", "smpp_credentials": "account_id", "usage_figures": "account_id",
    "template_versions": "account_id", "templates": "account_id", "policies": "account_id", "frequency": "account_id",
    "brands": "account_id", "consents": "account_id", "consented": "account_id",
    "consent_requests": "account_id", "suppression_lists": "account_id", "suppressions": "account_id",
    "consent_words": "account_id", "consent_texts": "account_id",
    "users": "account_id",
    "webhooks": "account_id",
    "verify_services": "account_id", "verifications": "account_id", "verify_attempts": "account_id",
    "verify_numbers": "account_id", "verify_counts": "account_id", "verify_channel_counts": "account_id",
    "verify_rate_limits": "account_id",
    "verify_buckets": "account_id", "verify_bucket_counts": "account_id", "verify_blocks": "account_id",
    "verify_safe": "account_id", "verify_entities": "account_id", "verify_factors": "account_id",
    "verify_challenges": "account_id", "verify_guesses": "account_id",
}  # fmt: skip
"""Tables that hold rows of accounts, and the column that says whose."""
FOLLOWERS = ("keywords", "conversations", "flow_texts", "callbacks", "message_numbers", "smpp_owed", "usage")


class Killed(BaseException):
    """The process ends here."""


class Cell(NamedTuple):
    """One cell's database, as the tests use it."""

    name: str
    url: str
    store: SqlStore
    moves: Moves
    tables: Tables
    manage: Context
    clock: ManualClock

    async def rows(self, sql: str, *params: Any) -> list[asyncpg.Record]:
        """What a query of the test's own finds."""
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(sql, *params)
        finally:
            await connection.close()


async def opened(name: str, url: str, clock: ManualClock) -> Cell:
    """A cell at work, as far as its database goes."""
    executor = PostgresExecutor(url, clock=clock)
    store = SqlStore(executor)
    vault = Vault(bytes(range(32)), SeededChance(7))
    tables = Tables(store, vault)
    await store.start()
    await tables.load()
    context = Context(
        store=store,
        tables=tables,
        vault=vault,
        clock=clock,
        chance=SeededChance(sum(name.encode())),
        ids=Ids(clock, SeededChance(sum(name.encode()))),
        reach=Reach((), plain_http=True),
    )
    return Cell(name, url, store, Moves(executor), tables, context, clock)


class Furnished(NamedTuple):
    """An account with a sub-account, and its messages by what they are."""

    id: str
    sub_id: str
    key: bytes
    messages: dict[str, Message]


async def furnish(cell: Cell) -> Furnished:
    """Everything that an account may have; one of them in a cell."""
    ctx = cell.manage
    account = await accounts.create(ctx, ACTOR, accounts.NewAccount(name="Acme", currency="EUR"))
    sub = await accounts.create(ctx, ACTOR, accounts.NewAccount(name="Acme 2", currency="EUR", parent_id=account.id))
    for each in (account.id, sub.id):
        await balance.top_up(ctx, ACTOR, balance.TopUp(amount="100"), account_id=each)
    await senders.create(ctx, ACTOR, senders.NewSender(value=NUMBER, is_default=True), account_id=account.id)
    created = await keys.create(ctx, ACTOR, keys.NewKey(name="app", scopes=("messages:write",)), account_id=account.id)
    await opt_outs.create(ctx, ACTOR, opt_outs.NewOptOut(number="+447911123499"), account_id=account.id)
    hook = webhooks.NewWebhook(url="https://example.com/hook", events=("*",))
    await webhooks.create(ctx, ACTOR, hook, account_id=account.id, test=False)
    credential = smpp_credentials.NewSmppCredential(name="bind", system_id=f"acme_{cell.name}")
    await smpp_credentials.create(ctx, ACTOR, credential, account_id=account.id, test=False)
    await _people(cell, account.id)
    messages = await _messages(cell, account.id, sub.id)
    return Furnished(account.id, sub.id, created.key.encode(), messages)


async def _people(cell: Cell, account_id: str) -> None:
    """Somebody who is signed in, with all that they may have."""
    user = f"US-{cell.name}"
    for sql in (
        *PRODUCT_ROWS,
        "INSERT INTO users "
        "VALUES ($1, $2, $1 || '@example.com', 'Ada', 'admin', 'active', '', NULL, 0, 0, 0, '{}', 1, 1)",
        "INSERT INTO canned_answers VALUES ('CA' || $1, $2, 'thanks', 'Thank you', 1, 1)",
        "INSERT INTO templates VALUES ('TP' || $1, $2, 'hello', '', 'active', NULL, 1, 1, 2, 1, 1)",
        "INSERT INTO template_versions VALUES ('TP' || $1, 1, $2, '{}', 'approved', '', '', NULL, 'KE1', 1)",
        "INSERT INTO hooks VALUES ('HK' || $1, $2, 0, 'shop', 'generic', 'active', 'x', NULL, NULL, '{}', 1, 1)",
        "INSERT INTO hook_calls VALUES ('HC' || $1, $2, 'HK', 'sent', '', 1, 1, 2, NULL, NULL, 0, 1)",
        "INSERT INTO hook_outcomes VALUES ('HC' || $1, 0, $2, 'HK', '', 'e', 'r', 'sent', '', '', 'SM1', 'e', 1)",
        "INSERT INTO hook_latest VALUES ('HK' || $1, 'order', $2, 1, 1)",
        "INSERT INTO mailboxes VALUES ('MB' || $1, $2, 0, 'shop', 'active', $1, '[]', '{}', 1, 1, 1)",
        "INSERT INTO mailbox_senders VALUES ('@shop.example', 'MB' || $1, $2)",
        "INSERT INTO mailbox_mails VALUES ('MM' || $1, $2, 'MB' || $1, 'text', 'sent', '', '', 'SM1', '', 'm', 1, 't', "
        "1, NULL, 1, 1)",
        "INSERT INTO conversations VALUES ('CV' || $1, $2, 0, 12, 31, 'SM1', 'SM1', 1, 'open', 2, 'US1', 3, '[]', 4, "
        "5, 6, 7, 8, 9)",
        "INSERT INTO flows VALUES ('FW' || $1, $2, 'f', 'active', 1, 'api', '{}', 1, 1, 1)",
        "INSERT INTO flow_versions VALUES ('FW' || $1, 1, $2, '{}', 1)",
        "INSERT INTO flow_runs VALUES ('FR' || $1, $2, 'FW' || $1, 1, 0, 'finished', '', '', 1, 1, NULL, NULL, NULL, "
        "NULL, '', '', 0, '{}', '[]', 'x', 0, 0, NULL, 1, 1, 1)",
        "INSERT INTO flow_steps VALUES ('FR' || $1, 1, $2, 'a', 'set', 'done', NULL, '', 1)",
        "INSERT INTO contacts (account_id, test, id, number, country, labels, created_at, updated_at, import_no, seq, "
        "name, name_key, also, t1, n1) VALUES ($2, 0, 'CT' || $1, '+447400123456', 'GB', ',1,', 1, 1, 1, 2, 'Ann', "
        "'ann', '', 'pro', 0.1)",
        "INSERT INTO contact_changes VALUES ('CT' || $1, 1, $2, 'contact.created', '{}', 1)",
        "INSERT INTO contact_fields VALUES ('CF' || $1, $2, 0, 'plan', 'text', '[]', 1, NULL, 1)",
        "INSERT INTO contact_labels VALUES ('TG' || $1, $2, 0, 'tag', 'vip', 1, '', NULL, 1)",
        "INSERT INTO contact_segments VALUES ('SG' || $1, $2, 0, 'all', 'tag = \"vip\"', 1, 1)",
        "INSERT INTO contact_imports VALUES ('IM' || $1, $2, 0, 1, 'f', 'running', '{}', 1, 2, 2, 1, 1, 0, 0, 0, 0, "
        "'', 1, 1, NULL)",
        "INSERT INTO contact_import_parts VALUES ('IM' || $1, 0, $2, decode('00ff', 'hex'))",
        "INSERT INTO contact_import_errors SELECT 'IM' || $1, 1, $2, 'number', '12', 'is no number'",
        "INSERT INTO schedules VALUES ('SD' || $1, $2, 0, 's', 'paused', '{}', '[]', 1, 0, NULL, 1, 1, 1, '')",
        "INSERT INTO schedule_parts VALUES ('SD' || $1, 0, $2, 'UTC', '[]', '', NULL, 'numbers', '', 0)",
        "INSERT INTO schedule_outcomes VALUES ('SD' || $1, '2027-01-04T09:00:00', '', $2, 3, 1)",
        "INSERT INTO verify_services VALUES ('VA' || $1, $2, 'Acme', '{}', 1, 1)",
        "INSERT INTO verifications VALUES ('VE' || $1, $2, 0, 'VA1', '+447400123456', 5, 'GB', '44740012', 'sms', "
        "'en', 'approved', 1, 0, 1, decode('00ff', 'hex'), '{}', 2, 1, 1, 1, 1, 1)",
        "INSERT INTO verify_attempts VALUES ('VL' || $1, $2, 0, 'VA1', 'VE1', 'sms', 'SM1', 'GB', '44740012', 1, NULL, "
        "'sent', '', 'x', '', 1, 2, 3)",
        "INSERT INTO verify_numbers SELECT $2, 0, length($1), 3, '[1]', '[1,2]', 1",
        "INSERT INTO verify_counts SELECT $2, 0, length($1), '44740012', 'VA1', 'GB', 1, 2, 1",
        "INSERT INTO verify_channel_counts SELECT $2, 0, length($1), 'sms', 'VA1', 2, 0, 1",
        "INSERT INTO verify_rate_limits VALUES ('RK' || $1, $2, 'VA1', 'address', '', 1, 1)",
        "INSERT INTO verify_buckets VALUES ('BL' || $1, $2, 'RK1', 5, 60, 1, 1)",
        "INSERT INTO verify_bucket_counts VALUES ('BL' || $1, 7, $2, 1, 2, 3)",
        "INSERT INTO verify_blocks VALUES ('VB' || $1, $2, 0, 'prefix', '44740012', 'GB', 'velocity', '{}', 1, 1, 2, "
        "NULL, NULL, 0)",
        "INSERT INTO verify_safe VALUES ('GN' || $1, $2, 9, '+4474•••••123', 1)",
        "INSERT INTO verify_entities VALUES ('YE' || $1, $2, 0, 'VA1', 'user-1' || $1, 1, 1)",
        "INSERT INTO verify_factors VALUES ('YF' || $1, $2, 0, 'VA1', 'YE1', 'totp', 'phone', 'verified', "
        "decode('00ff', 'hex'), '{}', 7, 2, 1, 1, 1)",
        "INSERT INTO verify_challenges VALUES ('YC' || $1, $2, 0, 'VA1', 'YE1', 'YF1', 'approved', '', 'null', "
        "1, 1, 1, 1, 1)",
        "INSERT INTO verify_guesses SELECT $2, 0, length($1), 3, 2, 0, 1",
        "INSERT INTO usage_figures SELECT $2, 0, 24, 0, 'out', 'otp', left($1, 2), '', 'EUR', 1, 1, 1, 0, 0, 0, 0, 0, "
        "0, 0, 0, 1, 7, 80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0",
    ):
        await cell.rows(sql, user, account_id)
    for sql in (
        "INSERT INTO passkeys VALUES ('PK' || $1, $1, $1::text::bytea, '', 0, 'phone', 1)",
        "INSERT INTO sign_in_codes VALUES ($1::text::bytea, $1, 'recovery', 1)",
        "INSERT INTO saved_views VALUES ('SV' || $1, $1, 'messages', 'failed', '', 1)",
        "INSERT INTO sessions VALUES ('SE' || $1, $1::text::bytea, $1, NULL, 0, 'whole', 1, 1, 1, 1, '', '')",
    ):
        await cell.rows(sql, user)


async def _messages(cell: Cell, account_id: str, sub_id: str) -> dict[str, Message]:
    now = cell.clock.now_us()
    made = {
        name: message(
            id=cell.manage.ids.new("SM"), account_id=account, created_at=now, updated_at=now, due_at=due,
            state="scheduled" if due > now else "queued", expires_at=due + DAY, held_micros=PRICE,
            recipient_hash=hash_of, flags=flags,
        )
        for name, account, due, hash_of, flags in (
            ("delivered", account_id, now, 21, Flag.CALLBACK), ("sent", account_id, now, 22, 0),
            ("in_doubt", account_id, now, 23, 0), ("queued", account_id, now, 24, 0),
            ("scheduled", account_id, now + DAY, 25, 0), ("of_sub", sub_id, now, 26, 0),
            ("sending", account_id, now, 27, 0),
        )
    }  # fmt: skip
    key = Idempotency(account_id, "rest", "k1", b"f", 0, 1, now, (Verdict(id=made["sent"].id, state="queued"),))
    await cell.store.accept([Submission(tuple(made.values()), key)])
    on_air = [made[name] for name in ("delivered", "sent", "in_doubt", "sending")]
    claims = [Claim(each.id, CARRIER, 1, each.recipient_hash, now) for each in on_air]
    numbers = [each[0] for each in await cell.store.claim(claims) or ()]
    kinds = ("accepted", "accepted", "in_doubt")
    answers = [
        Answer(number, each.id, CARRIER, kind, now, "b1", f"id{place}", f"id{place}", tail_hash=each.recipient_hash)
        for place, (number, each, kind) in enumerate(zip(numbers, on_air, kinds, strict=False))
    ]
    await cell.store.record_answers(answers)
    assert await receipt(cell, "id0") == "applied"
    assert await inbound(cell, account_id, "hello there", 31) == "stored"
    return made


async def answer(cell: Cell, message_id: str, key: str) -> None:
    """The carrier takes a message that is on the air."""
    (row,) = await cell.rows("SELECT position FROM attempts WHERE message_id = $1", message_id)
    now = cell.clock.now_us()
    await cell.store.record_answers([Answer(row[0], message_id, CARRIER, "accepted", now, "b1", key, key)])


async def receipt(cell: Cell, key: str, tail: int = 0) -> str:
    """The carrier reports that a message was delivered; what became of that."""
    now = cell.clock.now_us()
    tails = (tail,) if tail else ()
    row = ReceiptRow(CARRIER, (key,), "delivered", True, None, "DELIVRD", None, tails, now)
    (result,) = await cell.store.record_receipts([row])
    return result


async def inbound(cell: Cell, account_id: str, text: str, source_hash: int) -> str:
    """A phone writes to the account; what became of that."""
    row = InboundRow(
        message_id=IDS.new("SM"), carrier_id=CARRIER, session="s", fingerprint=source_hash, account_id=account_id,
        test=False, source="+447911123456", destination=NUMBER, source_hash=source_hash, destination_hash=12,
        text=text, encoding="gsm7", at=cell.clock.now_us(), opt_out_id=IDS.new("OO"), masked="",
        octets=text.encode(),
    )  # fmt: skip
    (result,) = await cell.store.record_inbound([row])
    return result


async def follow(cell: Cell) -> None:
    """Everybody who follows the log has seen all that there is."""
    last = await cell.store.last_position()
    hooks = await cell.rows("SELECT id FROM webhooks")
    cursors = [(name, last) for name in FOLLOWERS]
    await cell.store.record_deliveries(Deliveries(cursors=(*cursors, *((hook["id"], last) for hook in hooks))))


async def held(cell: Cell, account: Furnished) -> dict[str, list[str]]:
    """All rows of the account by table, without positions, ranks, and what a move changes."""
    found: dict[str, list[str]] = {}
    for table, owner in OWNED.items():
        rows = await cell.rows(f"SELECT * FROM {table} WHERE {owner} = ANY($1)", [account.id, account.sub_id])
        kept = [{name: value for name, value in row.items() if name not in _EPHEMERAL} for row in rows]
        found[table] = sorted(repr(row) for row in kept)
    return found


async def waiting(cell: Cell) -> dict[str, list[str]]:
    """Ids of what waits, by the table in which it does."""
    tables = ("queue", "schedule", "deadlines")
    return {table: [row[0] for row in await cell.rows(f"SELECT message_id FROM {table}")] for table in tables}


def mover(here: Cell, there: Cell | None) -> Moving:
    """What moves accounts out of a cell; `there` None: the other one cannot be reached."""
    return Moving(
        name=here.name,
        here=here.moves,
        there=lambda name: there.moves if there is not None and name == there.name else None,
        clock=here.clock,
        chance=SeededChance(1),
        events_before=lambda now: now - DAY,
    )


async def active_in(cells: tuple[Cell, Cell], account: Furnished) -> list[str]:
    """Names of the cells that serve the account."""
    return [
        cell.name
        for cell in cells
        if await cell.rows("SELECT 1 FROM accounts WHERE id = $1 AND status = 'active'", account.id)
    ]
