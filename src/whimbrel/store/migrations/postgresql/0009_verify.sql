-- expand
-- Verify: codes that prove that a phone is somebody's, what is counted of them, and what the pumping guard blocks.

CREATE TABLE verify_services (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, name text NOT NULL, settings text NOT NULL,
    created_at bigint NOT NULL, updated_at bigint NOT NULL
);
CREATE INDEX verify_services_by_account ON verify_services (account_id, id);

-- `recipient` is the number, as in the row of a message. No code stands here: it is made of the id, `generation` and
-- the master key; `custom` is the caller's own one, sealed, and erased when the verification ends.
CREATE TABLE verifications (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    service_id text COLLATE "C" NOT NULL, recipient text COLLATE "C" NOT NULL, number_hash bigint NOT NULL,
    country text COLLATE "C" NOT NULL, prefix text COLLATE "C" NOT NULL, channel text COLLATE "C" NOT NULL,
    language text COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL, generation bigint NOT NULL,
    checks bigint NOT NULL, sends bigint NOT NULL, custom bytea, details text NOT NULL, seq bigint NOT NULL,
    created_at bigint NOT NULL, updated_at bigint NOT NULL, expires_at bigint NOT NULL, next_send_at bigint NOT NULL,
    ended_at bigint
);
CREATE INDEX verifications_by_service ON verifications (service_id, test, id);
CREATE INDEX verifications_by_number ON verifications (service_id, test, number_hash, id);
CREATE INDEX verifications_by_recipient ON verifications (account_id, test, recipient, id);
CREATE INDEX verifications_pending ON verifications (expires_at) WHERE status = 'pending';

CREATE TABLE verify_attempts (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    service_id text COLLATE "C" NOT NULL, verification_id text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL, message_id text COLLATE "C", country text COLLATE "C" NOT NULL,
    prefix text COLLATE "C" NOT NULL, created_at bigint NOT NULL, converted_at bigint
);
CREATE INDEX verify_attempts_by_account ON verify_attempts (account_id, test, id);
CREATE INDEX verify_attempts_by_verification ON verify_attempts (verification_id, id);

-- What is counted of a number, which stands here as its keyed hash; `version` is compared by whoever writes.
CREATE TABLE verify_numbers (
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, number_hash bigint NOT NULL, version bigint NOT NULL,
    failures text NOT NULL, sends text NOT NULL, updated_at bigint NOT NULL,
    PRIMARY KEY (account_id, test, number_hash)
);
CREATE INDEX verify_numbers_by_age ON verify_numbers (updated_at);

-- Of each ten minutes (`slot`) and number without its last four digits.
CREATE TABLE verify_counts (
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, slot bigint NOT NULL,
    prefix text COLLATE "C" NOT NULL, service_id text COLLATE "C" NOT NULL, country text COLLATE "C" NOT NULL,
    starts bigint NOT NULL, sends bigint NOT NULL, approvals bigint NOT NULL,
    PRIMARY KEY (account_id, test, slot, prefix, service_id)
);
CREATE INDEX verify_counts_by_prefix ON verify_counts (account_id, test, prefix, slot);
CREATE INDEX verify_counts_by_age ON verify_counts (slot);

CREATE TABLE verify_rate_limits (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, service_id text COLLATE "C" NOT NULL,
    name text NOT NULL, description text NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
    UNIQUE (service_id, name)
);
CREATE INDEX verify_rate_limits_by_account ON verify_rate_limits (account_id, id);
CREATE TABLE verify_buckets (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, rate_limit_id text COLLATE "C" NOT NULL,
    max bigint NOT NULL, interval_s bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL
);
CREATE INDEX verify_buckets_by_limit ON verify_buckets (rate_limit_id, id);
CREATE TABLE verify_bucket_counts (
    bucket_id text COLLATE "C" NOT NULL, key_hash bigint NOT NULL, account_id text COLLATE "C" NOT NULL,
    started_at bigint NOT NULL, ends_at bigint NOT NULL, count bigint NOT NULL, PRIMARY KEY (bucket_id, key_hash)
);
CREATE INDEX verify_bucket_counts_by_age ON verify_bucket_counts (ends_at);

CREATE TABLE verify_blocks (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    kind text COLLATE "C" NOT NULL, value text COLLATE "C" NOT NULL, country text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL, evidence text NOT NULL, seq bigint NOT NULL, created_at bigint NOT NULL,
    ends_at bigint NOT NULL, lifted_at bigint, lifted_by text COLLATE "C", quiet_until bigint NOT NULL
);
CREATE INDEX verify_blocks_by_account ON verify_blocks (account_id, test, id);
CREATE INDEX verify_blocks_by_value ON verify_blocks (account_id, test, value, id);
CREATE TABLE verify_safe (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, number_hash bigint NOT NULL,
    masked text COLLATE "C" NOT NULL, created_at bigint NOT NULL, UNIQUE (account_id, number_hash)
);
CREATE INDEX verify_safe_by_account ON verify_safe (account_id, id);
