-- expand
-- Factors of the people of an account's application: authenticators (RFC 6238), the codes that were asked for, and what
-- is counted of wrong ones.

-- `identity` is what the application calls one of its people; it stands here only.
CREATE TABLE verify_entities (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, service_id TEXT NOT NULL,
    identity TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    UNIQUE (service_id, test, identity)
) WITHOUT ROWID;
CREATE INDEX verify_entities_by_service ON verify_entities (service_id, test, id);

-- `secret` is sealed. A factor that nobody has confirmed goes after a day.
CREATE TABLE verify_factors (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, service_id TEXT NOT NULL,
    entity_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, secret BLOB NOT NULL,
    details TEXT NOT NULL, last_step INTEGER NOT NULL, seq INTEGER NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, verified_at INTEGER
) WITHOUT ROWID;
CREATE INDEX verify_factors_by_entity ON verify_factors (entity_id, id);
CREATE INDEX verify_factors_unverified ON verify_factors (created_at) WHERE status = 'unverified';

CREATE TABLE verify_challenges (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, service_id TEXT NOT NULL,
    entity_id TEXT NOT NULL, factor_id TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    metadata TEXT NOT NULL, seq INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, responded_at INTEGER
) WITHOUT ROWID;
CREATE INDEX verify_challenges_by_entity ON verify_challenges (entity_id, id);

-- `owner_hash` is the keyed hash of service and identity: the count outlives factors and people that are deleted.
-- `version` is compared by whoever writes.
CREATE TABLE verify_guesses (
    account_id TEXT NOT NULL, test INTEGER NOT NULL, owner_hash INTEGER NOT NULL, version INTEGER NOT NULL,
    failures INTEGER NOT NULL, waits_until INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, test, owner_hash)
) WITHOUT ROWID;
CREATE INDEX verify_guesses_by_age ON verify_guesses (updated_at);
