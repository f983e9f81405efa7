-- expand
-- Numbers are senders with more columns. Registrations, their documents, and the operator's own rules of senders.

-- `capabilities`: JSON, of sms, mms, voice, inbound. `country`: of a number. `carrier_id`: who holds it. `per_minute`,
-- `per_day`: what the operator lets it send.
ALTER TABLE senders ADD COLUMN label TEXT;
ALTER TABLE senders ADD COLUMN capabilities TEXT;
ALTER TABLE senders ADD COLUMN country TEXT;
ALTER TABLE senders ADD COLUMN carrier_id TEXT;
ALTER TABLE senders ADD COLUMN approval TEXT;
ALTER TABLE senders ADD COLUMN approval_reason TEXT;
ALTER TABLE senders ADD COLUMN sms_fallback_method TEXT;
ALTER TABLE senders ADD COLUMN per_minute INTEGER;
ALTER TABLE senders ADD COLUMN per_day INTEGER;
CREATE INDEX senders_by_kind ON senders (kind);

-- `senders`: ids, JSON. `answers`, `decision`: JSON by the fields of the regime. `seq`: number of its newest event.
CREATE TABLE registrations (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, regime TEXT NOT NULL, country TEXT NOT NULL,
    name TEXT NOT NULL, state TEXT NOT NULL, parent_id TEXT, senders TEXT NOT NULL, answers TEXT NOT NULL,
    decision TEXT NOT NULL, reason TEXT NOT NULL, seq INTEGER NOT NULL, submitted_at INTEGER, decided_at INTEGER,
    expires_at INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX registrations_by_account ON registrations (account_id, id);
CREATE INDEX registrations_by_state ON registrations (state, id);
CREATE INDEX registrations_by_parent ON registrations (parent_id) WHERE parent_id IS NOT NULL;

-- Files of a registration or a number: `purpose` is a document that its regime asks for.
CREATE TABLE documents (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, subject_id TEXT NOT NULL, purpose TEXT NOT NULL,
    name TEXT NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    created_at INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX documents_by_subject ON documents (subject_id, account_id);
CREATE INDEX documents_by_account ON documents (account_id);

-- `id` of a rule that the product brings: this stands in its place. `rule`: `domain.sender_rules.SenderRule` as JSON.
CREATE TABLE sender_rules (
    id TEXT NOT NULL PRIMARY KEY, country TEXT NOT NULL, rule TEXT, enabled INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER registrations_inserted AFTER INSERT ON registrations
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'senders'; END;
CREATE TRIGGER registrations_updated AFTER UPDATE ON registrations
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'senders'; END;
CREATE TRIGGER registrations_deleted AFTER DELETE ON registrations
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'senders'; END;
CREATE TRIGGER sender_rules_inserted AFTER INSERT ON sender_rules
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'senders'; END;
CREATE TRIGGER sender_rules_updated AFTER UPDATE ON sender_rules
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'senders'; END;
CREATE TRIGGER sender_rules_deleted AFTER DELETE ON sender_rules
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'senders'; END;
