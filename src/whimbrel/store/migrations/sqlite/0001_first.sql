-- The first schema. Written for both dialects: TEXT ids that grow in time order, INTEGER (64 bit) microseconds and
-- micros, BLOB for octets. Every row of an account carries account_id. Hot tables are keyed in time order.

CREATE TABLE accounts (
    id TEXT PRIMARY KEY, parent_id TEXT, name TEXT NOT NULL, status TEXT NOT NULL, currency TEXT NOT NULL,
    dedupe_s INTEGER NOT NULL, auth_token BLOB NOT NULL, callback_secret BLOB NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);

CREATE TABLE keys (
    id TEXT PRIMARY KEY, account_id TEXT, name TEXT NOT NULL, hint TEXT NOT NULL, digest BLOB NOT NULL UNIQUE,
    mode TEXT NOT NULL, scopes TEXT NOT NULL, rate_per_s INTEGER NOT NULL, status TEXT NOT NULL,
    created_at INTEGER NOT NULL, revoked_at INTEGER, expires_at INTEGER
);

CREATE TABLE senders (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL, is_default INTEGER NOT NULL,
    countries TEXT NOT NULL, sms_url TEXT, sms_method TEXT NOT NULL, sms_fallback_url TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (account_id, value)
);
CREATE INDEX senders_by_value ON senders (value);

CREATE TABLE carriers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, status TEXT NOT NULL, sandbox INTEGER NOT NULL,
    settings TEXT NOT NULL, password BLOB NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);

CREATE TABLE routes (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, prefix TEXT NOT NULL, country TEXT NOT NULL, account_id TEXT,
    carriers TEXT NOT NULL, enabled INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);

CREATE TABLE prices (
    id TEXT PRIMARY KEY, account_id TEXT, prefix TEXT NOT NULL, price_micros INTEGER NOT NULL, currency TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX prices_by_prefix ON prices (COALESCE(account_id, ''), prefix);

CREATE TABLE opt_outs (
    id TEXT NOT NULL, account_id TEXT NOT NULL, number_hash INTEGER NOT NULL, masked TEXT NOT NULL, source TEXT NOT NULL,
    created_at INTEGER NOT NULL, PRIMARY KEY (account_id, number_hash)
);
CREATE INDEX opt_outs_by_id ON opt_outs (account_id, id);

-- Balances are the sums of the ledger, kept beside it: one update an account and commit.
CREATE TABLE balances (
    account_id TEXT PRIMARY KEY, currency TEXT NOT NULL, available INTEGER NOT NULL, held INTEGER NOT NULL,
    spent INTEGER NOT NULL
);

-- Double entry: each row moves an amount from one book (debit) to another (credit): bank, available, held, spent.
CREATE TABLE ledger (
    position INTEGER PRIMARY KEY, account_id TEXT NOT NULL, message_id TEXT, kind TEXT NOT NULL,
    debit TEXT NOT NULL, credit TEXT NOT NULL, amount_micros INTEGER NOT NULL, note TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX ledger_by_account ON ledger (account_id, position);

CREATE TABLE messages (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, direction TEXT NOT NULL, door TEXT NOT NULL,
    message_class TEXT NOT NULL, state TEXT NOT NULL, recipient TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL,
    encoding TEXT NOT NULL, segments INTEGER NOT NULL, price_micros INTEGER NOT NULL, held_micros INTEGER NOT NULL,
    charged_micros INTEGER NOT NULL, currency TEXT NOT NULL, carrier_id TEXT, route_id TEXT, candidates TEXT NOT NULL,
    priority INTEGER NOT NULL, rank INTEGER NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, sent_at INTEGER, final_at INTEGER, reason TEXT,
    flags INTEGER NOT NULL, seq INTEGER NOT NULL, recipient_hash INTEGER NOT NULL, sender_hash INTEGER NOT NULL,
    options TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX messages_by_account ON messages (account_id, id);

-- Look-up by number: filled from the event log (random keys are dear in the accept commit).
CREATE TABLE message_numbers (
    number_hash INTEGER NOT NULL, message_id TEXT NOT NULL, PRIMARY KEY (number_hash, message_id)
) WITHOUT ROWID;

-- Ids, lane, priority and time only: this table must stay small.
CREATE TABLE queue (
    lane TEXT NOT NULL, priority INTEGER NOT NULL, rank INTEGER NOT NULL, message_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL, PRIMARY KEY (lane, priority, rank, message_id)
) WITHOUT ROWID;
CREATE INDEX queue_expiring ON queue (expires_at);
CREATE TABLE schedule (
    due_at INTEGER NOT NULL, message_id TEXT NOT NULL, PRIMARY KEY (due_at, message_id)
) WITHOUT ROWID;
-- A message in doubt or without a receipt: when to give up on it. Keyed by the message: a doubt that becomes `sent` moves
-- its deadline, and a receipt removes it without knowing when it was.
CREATE TABLE deadlines (message_id TEXT PRIMARY KEY, due_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX deadlines_due ON deadlines (due_at, message_id);

CREATE TABLE attempts (
    position INTEGER PRIMARY KEY, message_id TEXT NOT NULL, account_id TEXT NOT NULL, part INTEGER NOT NULL,
    parts INTEGER NOT NULL, carrier_id TEXT NOT NULL, bind TEXT NOT NULL, state TEXT NOT NULL, carrier_message_id TEXT,
    carrier_key TEXT, status_code INTEGER, reason TEXT, throttled INTEGER NOT NULL, tail_hash INTEGER NOT NULL,
    committed_at INTEGER NOT NULL, answered_at INTEGER, receipt_state TEXT, receipt_error TEXT, receipts INTEGER NOT NULL,
    resolved_at INTEGER
);
CREATE INDEX attempts_by_message ON attempts (message_id);
CREATE INDEX attempts_by_key ON attempts (carrier_id, carrier_key) WHERE carrier_key IS NOT NULL;
CREATE INDEX attempts_unanswered ON attempts (position) WHERE state = 'committed';
CREATE INDEX attempts_in_doubt ON attempts (carrier_id, tail_hash) WHERE state = 'in_doubt';

CREATE TABLE parked_receipts (
    position INTEGER PRIMARY KEY, carrier_id TEXT NOT NULL, carrier_key TEXT NOT NULL, keys TEXT NOT NULL,
    tail_hash INTEGER NOT NULL, receipt TEXT NOT NULL, received_at INTEGER NOT NULL
);
CREATE INDEX parked_by_key ON parked_receipts (carrier_id, carrier_key);
CREATE INDEX parked_by_tail ON parked_receipts (carrier_id, tail_hash);

CREATE TABLE inbound_parts (
    carrier_id TEXT NOT NULL, source_hash INTEGER NOT NULL, destination_hash INTEGER NOT NULL, reference INTEGER NOT NULL,
    total INTEGER NOT NULL, number INTEGER NOT NULL, row TEXT NOT NULL, received_at INTEGER NOT NULL,
    PRIMARY KEY (carrier_id, source_hash, destination_hash, reference, total, number)
) WITHOUT ROWID;
CREATE TABLE inbound_seen (
    carrier_id TEXT NOT NULL, fingerprint INTEGER NOT NULL, session TEXT NOT NULL, received_at INTEGER NOT NULL,
    PRIMARY KEY (carrier_id, fingerprint, received_at)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    account_id TEXT NOT NULL, door TEXT NOT NULL, key TEXT NOT NULL, chunk INTEGER NOT NULL, fingerprint BLOB NOT NULL,
    chunks INTEGER NOT NULL, verdicts BLOB NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, door, key, chunk)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- The truth that customers see; position grows in commit order. The id of an event is made of its subject and number.
CREATE TABLE events (
    position INTEGER PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, subject_id TEXT NOT NULL,
    seq INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, callback INTEGER NOT NULL, created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX events_by_subject ON events (subject_id, seq);
CREATE INDEX events_with_callback ON events (position) WHERE callback = 1;

CREATE TABLE cursors (name TEXT PRIMARY KEY, position INTEGER NOT NULL);

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, url TEXT NOT NULL, events TEXT NOT NULL,
    description TEXT NOT NULL, secret BLOB NOT NULL, old_secret BLOB, old_secret_until INTEGER, status TEXT NOT NULL,
    disabled_reason TEXT, failures INTEGER NOT NULL, cursor INTEGER NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX webhooks_by_account ON webhooks (account_id, id);

CREATE TABLE deliveries (
    id TEXT PRIMARY KEY, webhook_id TEXT, account_id TEXT NOT NULL, event_position INTEGER NOT NULL, event_id TEXT NOT NULL,
    event_type TEXT NOT NULL, url TEXT NOT NULL, format TEXT NOT NULL, tries INTEGER NOT NULL, next_at INTEGER,
    created_at INTEGER NOT NULL, last_error TEXT NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, id);

CREATE TABLE delivery_tries (
    position INTEGER PRIMARY KEY, delivery_id TEXT, webhook_id TEXT, account_id TEXT NOT NULL, event_position INTEGER NOT NULL,
    event_id TEXT NOT NULL, event_type TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL, status INTEGER, error TEXT, answer TEXT NOT NULL, ok INTEGER NOT NULL
);
CREATE INDEX delivery_tries_by_webhook ON delivery_tries (webhook_id, position);

CREATE TABLE audit (
    id TEXT PRIMARY KEY, account_id TEXT, actor TEXT NOT NULL, action TEXT NOT NULL, subject_id TEXT NOT NULL,
    detail TEXT NOT NULL, created_at INTEGER NOT NULL
);
CREATE INDEX audit_by_account ON audit (account_id, id);
CREATE INDEX events_received ON events (position) WHERE type = 'message.received';
