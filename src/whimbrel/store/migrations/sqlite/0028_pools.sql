-- expand
-- Sender pools, the turns of numbers that have a rate, where inbound texts are posted, and keywords with answers.

-- `settings`: `domain.pools.PoolSettings` as JSON.
CREATE TABLE pools (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, is_default INTEGER NOT NULL,
    settings TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (account_id, name)
) WITHOUT ROWID;
CREATE INDEX pools_by_account ON pools (account_id, id);

-- `rate_per_min`, `daily_cap`: segments, 0 is none. `countries`: ISO 3166 as JSON, empty is all.
CREATE TABLE pool_members (
    pool_id TEXT NOT NULL, sender_id TEXT NOT NULL, account_id TEXT NOT NULL, weight INTEGER NOT NULL,
    rate_per_min INTEGER NOT NULL, daily_cap INTEGER NOT NULL, countries TEXT NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (pool_id, sender_id)
) WITHOUT ROWID;
CREATE INDEX pool_members_by_sender ON pool_members (sender_id);

-- Who wrote to a number, which is known by its keyed hash.
CREATE TABLE pool_sticky (
    pool_id TEXT NOT NULL, number_hash INTEGER NOT NULL, account_id TEXT NOT NULL, sender_id TEXT NOT NULL,
    created_at INTEGER NOT NULL, PRIMARY KEY (pool_id, number_hash)
) WITHOUT ROWID;
CREATE INDEX pool_sticky_by_number ON pool_sticky (number_hash);

-- When a number may send again, and how many segments it sent on a day (days since 1970 in UTC).
CREATE TABLE number_turns (
    sender_id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, free_at INTEGER NOT NULL, day INTEGER NOT NULL,
    sent INTEGER NOT NULL
) WITHOUT ROWID;

-- `owner_id`: a number's, a pool's or the account's own id.
CREATE TABLE inbound_urls (
    owner_id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, url TEXT NOT NULL, method TEXT NOT NULL,
    fallback_url TEXT, fallback_method TEXT NOT NULL, format TEXT NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX inbound_urls_by_account ON inbound_urls (account_id);

-- `owner_id`: as above; `rule`: `domain.keyword_rules.KeywordRule` as JSON.
CREATE TABLE keywords (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, owner_id TEXT NOT NULL,
    enabled INTEGER NOT NULL, rule TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    UNIQUE (account_id, name)
) WITHOUT ROWID;
CREATE INDEX keywords_by_account ON keywords (account_id, id);
CREATE TABLE keyword_counts (
    keyword_id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, uses INTEGER NOT NULL, last_at INTEGER NOT NULL
) WITHOUT ROWID;

-- How many answers somebody got from keywords since a moment: two machines must not go on answering each other.
CREATE TABLE keyword_paces (
    number_hash INTEGER NOT NULL, account_id TEXT NOT NULL, since INTEGER NOT NULL, answers INTEGER NOT NULL,
    PRIMARY KEY (number_hash, account_id)
) WITHOUT ROWID;
CREATE INDEX keyword_paces_by_age ON keyword_paces (since);

INSERT INTO configuration (kind, version) VALUES ('pools', 1);

CREATE TRIGGER pools_inserted AFTER INSERT ON pools
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'pools'; END;
CREATE TRIGGER pools_updated AFTER UPDATE ON pools
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'pools'; END;
CREATE TRIGGER pools_deleted AFTER DELETE ON pools
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'pools'; END;
CREATE TRIGGER pool_members_inserted AFTER INSERT ON pool_members
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'pools'; END;
CREATE TRIGGER pool_members_updated AFTER UPDATE ON pool_members
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'pools'; END;
CREATE TRIGGER pool_members_deleted AFTER DELETE ON pool_members
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'pools'; END;
CREATE TRIGGER inbound_urls_inserted AFTER INSERT ON inbound_urls
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'pools'; END;
CREATE TRIGGER inbound_urls_updated AFTER UPDATE ON inbound_urls
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'pools'; END;
CREATE TRIGGER inbound_urls_deleted AFTER DELETE ON inbound_urls
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'pools'; END;
