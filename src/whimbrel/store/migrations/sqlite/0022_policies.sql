-- expand
-- Policies of accounts and of the installation, the operator's own rules of quiet hours, and how often people were texted.

-- `id`: of the account, or `installation`, whose `account_id` is NULL. `document`: `domain.policies.Policy` as JSON.
CREATE TABLE policies (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT, document TEXT NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Rules that the operator added, and those of the product that he changed or switched off. `document`: as JSON.
CREATE TABLE quiet_rules (
    id TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;

-- `sends`: when somebody was texted lately, by which message, as JSON. `version`: grows with each change.
CREATE TABLE frequency (
    account_id TEXT NOT NULL, test INTEGER NOT NULL, number_hash INTEGER NOT NULL, version INTEGER NOT NULL,
    sends TEXT NOT NULL, newest_at INTEGER NOT NULL, PRIMARY KEY (account_id, test, number_hash)
) WITHOUT ROWID;
CREATE INDEX frequency_by_age ON frequency (newest_at);

INSERT INTO configuration (kind, version) VALUES ('policies', 1);

CREATE TRIGGER policies_inserted AFTER INSERT ON policies
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'policies'; END;
CREATE TRIGGER policies_updated AFTER UPDATE ON policies
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'policies'; END;
CREATE TRIGGER policies_deleted AFTER DELETE ON policies
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'policies'; END;
CREATE TRIGGER quiet_rules_inserted AFTER INSERT ON quiet_rules
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'policies'; END;
CREATE TRIGGER quiet_rules_updated AFTER UPDATE ON quiet_rules
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'policies'; END;
CREATE TRIGGER quiet_rules_deleted AFTER DELETE ON quiet_rules
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'policies'; END;
