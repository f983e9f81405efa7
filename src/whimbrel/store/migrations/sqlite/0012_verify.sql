-- expand
-- Verify: codes that prove that a phone is somebody's, what is counted of them, and what the pumping guard blocks.

CREATE TABLE verify_services (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, settings TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX verify_services_by_account ON verify_services (account_id, id);

-- `recipient` is the number, as in the row of a message. No code stands here: it is made of the id, `generation` and
-- the master key; `custom` is the caller's own one, sealed, and erased when the verification ends.
CREATE TABLE verifications (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, service_id TEXT NOT NULL,
    recipient TEXT NOT NULL, number_hash INTEGER NOT NULL, country TEXT NOT NULL, prefix TEXT NOT NULL,
    channel TEXT NOT NULL, language TEXT NOT NULL, status TEXT NOT NULL, generation INTEGER NOT NULL,
    checks INTEGER NOT NULL, sends INTEGER NOT NULL, custom BLOB, details TEXT NOT NULL, seq INTEGER NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    next_send_at INTEGER NOT NULL, ended_at INTEGER
) WITHOUT ROWID;
CREATE INDEX verifications_by_service ON verifications (service_id, test, id);
CREATE INDEX verifications_by_number ON verifications (service_id, test, number_hash, id);
CREATE INDEX verifications_by_recipient ON verifications (account_id, test, recipient, id);
CREATE INDEX verifications_pending ON verifications (expires_at) WHERE status = 'pending';

CREATE TABLE verify_attempts (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, service_id TEXT NOT NULL,
    verification_id TEXT NOT NULL, channel TEXT NOT NULL, message_id TEXT, country TEXT NOT NULL,
    prefix TEXT NOT NULL, created_at INTEGER NOT NULL, converted_at INTEGER
) WITHOUT ROWID;
CREATE INDEX verify_attempts_by_account ON verify_attempts (account_id, test, id);
CREATE INDEX verify_attempts_by_verification ON verify_attempts (verification_id, id);

-- What is counted of a number, which stands here as its keyed hash; `version` is compared by whoever writes.
CREATE TABLE verify_numbers (
    account_id TEXT NOT NULL, test INTEGER NOT NULL, number_hash INTEGER NOT NULL, version INTEGER NOT NULL,
    failures TEXT NOT NULL, sends TEXT NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, test, number_hash)
) WITHOUT ROWID;
CREATE INDEX verify_numbers_by_age ON verify_numbers (updated_at);

-- Of each ten minutes (`slot`) and number without its last four digits.
CREATE TABLE verify_counts (
    account_id TEXT NOT NULL, test INTEGER NOT NULL, slot INTEGER NOT NULL, prefix TEXT NOT NULL,
    service_id TEXT NOT NULL, country TEXT NOT NULL, starts INTEGER NOT NULL, sends INTEGER NOT NULL,
    approvals INTEGER NOT NULL, PRIMARY KEY (account_id, test, slot, prefix, service_id)
) WITHOUT ROWID;
CREATE INDEX verify_counts_by_prefix ON verify_counts (account_id, test, prefix, slot);
CREATE INDEX verify_counts_by_age ON verify_counts (slot);

CREATE TABLE verify_rate_limits (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, service_id TEXT NOT NULL, name TEXT NOT NULL,
    description TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (service_id, name)
) WITHOUT ROWID;
CREATE INDEX verify_rate_limits_by_account ON verify_rate_limits (account_id, id);
CREATE TABLE verify_buckets (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, rate_limit_id TEXT NOT NULL, max INTEGER NOT NULL,
    interval_s INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX verify_buckets_by_limit ON verify_buckets (rate_limit_id, id);
CREATE TABLE verify_bucket_counts (
    bucket_id TEXT NOT NULL, key_hash INTEGER NOT NULL, account_id TEXT NOT NULL, started_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (bucket_id, key_hash)
) WITHOUT ROWID;
CREATE INDEX verify_bucket_counts_by_age ON verify_bucket_counts (ends_at);

CREATE TABLE verify_blocks (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
    country TEXT NOT NULL, reason TEXT NOT NULL, evidence TEXT NOT NULL, seq INTEGER NOT NULL,
    created_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, lifted_at INTEGER, lifted_by TEXT,
    quiet_until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX verify_blocks_by_account ON verify_blocks (account_id, test, id);
CREATE INDEX verify_blocks_by_value ON verify_blocks (account_id, test, value, id);
CREATE TABLE verify_safe (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, number_hash INTEGER NOT NULL, masked TEXT NOT NULL,
    created_at INTEGER NOT NULL, UNIQUE (account_id, number_hash)
) WITHOUT ROWID;
CREATE INDEX verify_safe_by_account ON verify_safe (account_id, id);
