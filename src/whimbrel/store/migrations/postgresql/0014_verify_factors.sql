-- expand
-- Factors of the people of an account's application: authenticators (RFC 6238), the codes that were asked for, and what
-- is counted of wrong ones.

-- `identity` is what the application calls one of its people; it stands here only.
CREATE TABLE verify_entities (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    service_id text COLLATE "C" NOT NULL,
    identity text COLLATE "C" NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
    UNIQUE (service_id, test, identity)
);
CREATE INDEX verify_entities_by_service ON verify_entities (service_id, test, id);

-- `secret` is sealed. A factor that nobody has confirmed goes after a day.
CREATE TABLE verify_factors (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    service_id text COLLATE "C" NOT NULL,
    entity_id text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL, name text NOT NULL,
    status text COLLATE "C" NOT NULL, secret bytea NOT NULL,
    details text NOT NULL, last_step bigint NOT NULL, seq bigint NOT NULL, created_at bigint NOT NULL,
    updated_at bigint NOT NULL, verified_at bigint
);
CREATE INDEX verify_factors_by_entity ON verify_factors (entity_id, id);
CREATE INDEX verify_factors_unverified ON verify_factors (created_at) WHERE status = 'unverified';

CREATE TABLE verify_challenges (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    service_id text COLLATE "C" NOT NULL,
    entity_id text COLLATE "C" NOT NULL, factor_id text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL, reason text COLLATE "C" NOT NULL,
    metadata text NOT NULL, seq bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
    expires_at bigint NOT NULL, responded_at bigint
);
CREATE INDEX verify_challenges_by_entity ON verify_challenges (entity_id, id);

-- `owner_hash` is the keyed hash of service and identity: the count outlives factors and people that are deleted.
-- `version` is compared by whoever writes.
CREATE TABLE verify_guesses (
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, owner_hash bigint NOT NULL, version bigint NOT NULL,
    failures bigint NOT NULL, waits_until bigint NOT NULL, updated_at bigint NOT NULL,
    PRIMARY KEY (account_id, test, owner_hash)
);
CREATE INDEX verify_guesses_by_age ON verify_guesses (updated_at);
