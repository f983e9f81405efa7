-- expand
-- Sender pools, the turns of numbers that have a rate, where inbound texts are posted, and keywords with answers.

-- `settings`: `domain.pools.PoolSettings` as JSON.
CREATE TABLE pools (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
    is_default bigint NOT NULL,
    settings text NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL, UNIQUE (account_id, name)
);
CREATE INDEX pools_by_account ON pools (account_id, id);

-- `rate_per_min`, `daily_cap`: segments, 0 is none. `countries`: ISO 3166 as JSON, empty is all.
CREATE TABLE pool_members (
    pool_id text COLLATE "C" NOT NULL, sender_id text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT NULL,
    weight bigint NOT NULL,
    rate_per_min bigint NOT NULL, daily_cap bigint NOT NULL, countries text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (pool_id, sender_id)
);
CREATE INDEX pool_members_by_sender ON pool_members (sender_id);

-- Who wrote to a number, which is known by its keyed hash.
CREATE TABLE pool_sticky (
    pool_id text COLLATE "C" NOT NULL, number_hash bigint NOT NULL, account_id text COLLATE "C" NOT NULL,
    sender_id text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL, PRIMARY KEY (pool_id, number_hash)
);
CREATE INDEX pool_sticky_by_number ON pool_sticky (number_hash);

-- When a number may send again, and how many segments it sent on a day (days since 1970 in UTC).
CREATE TABLE number_turns (
    sender_id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, free_at bigint NOT NULL,
    day bigint NOT NULL,
    sent bigint NOT NULL
);

-- `owner_id`: a number's, a pool's or the account's own id.
CREATE TABLE inbound_urls (
    owner_id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL, method text COLLATE "C" NOT NULL,
    fallback_url text COLLATE "C", fallback_method text COLLATE "C" NOT NULL, format text COLLATE "C" NOT NULL,
    updated_at bigint NOT NULL
);

-- `owner_id`: as above; `rule`: `domain.keyword_rules.KeywordRule` as JSON.
CREATE TABLE keywords (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
    owner_id text COLLATE "C" NOT NULL,
    enabled bigint NOT NULL, rule text NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
    UNIQUE (account_id, name)
);
CREATE INDEX keywords_by_account ON keywords (account_id, id);
CREATE TABLE keyword_counts (
    keyword_id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, uses bigint NOT NULL,
    last_at bigint NOT NULL
);

-- How many answers somebody got from keywords since a moment: two machines must not go on answering each other.
CREATE TABLE keyword_paces (
    number_hash bigint NOT NULL, account_id text COLLATE "C" NOT NULL, since bigint NOT NULL, answers bigint NOT NULL,
    PRIMARY KEY (number_hash, account_id)
);
CREATE INDEX keyword_paces_by_age ON keyword_paces (since);

CREATE INDEX pool_members_by_account ON pool_members (account_id);
CREATE INDEX pool_sticky_by_account ON pool_sticky (account_id);
CREATE INDEX number_turns_by_account ON number_turns (account_id);
CREATE INDEX inbound_urls_by_account ON inbound_urls (account_id);
CREATE INDEX keyword_counts_by_account ON keyword_counts (account_id);
CREATE INDEX keyword_paces_by_account ON keyword_paces (account_id);

INSERT INTO configuration (kind, version) VALUES ('pools', 1);

CREATE FUNCTION pools_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'pools';
    RETURN NULL;
END $$;
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON pools
    FOR EACH STATEMENT EXECUTE FUNCTION pools_changed();
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON pool_members
    FOR EACH STATEMENT EXECUTE FUNCTION pools_changed();
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON inbound_urls
    FOR EACH STATEMENT EXECUTE FUNCTION pools_changed();

ALTER TABLE pools ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON pools USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE pool_members ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON pool_members USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE pool_sticky ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON pool_sticky USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE number_turns ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON number_turns USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE inbound_urls ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON inbound_urls USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE keywords ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON keywords USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE keyword_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON keyword_counts USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE keyword_paces ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON keyword_paces USING (account_id = (SELECT current_setting('whimbrel.account', true)));
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader') THEN
        GRANT SELECT ON pools, pool_members, pool_sticky, number_turns, inbound_urls, keywords, keyword_counts,
            keyword_paces TO whimbrel_reader;
    END IF;
END $$;
