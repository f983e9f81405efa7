-- expand
-- Numbers are senders with more columns. Registrations, their documents, and the operator's own rules of senders.

-- `capabilities`: JSON, of sms, mms, voice, inbound. `country`: of a number. `carrier_id`: who holds it. `per_minute`,
-- `per_day`: what the operator lets it send.
ALTER TABLE senders
    ADD COLUMN label text, ADD COLUMN capabilities text, ADD COLUMN country text COLLATE "C",
    ADD COLUMN carrier_id text COLLATE "C", ADD COLUMN approval text COLLATE "C", ADD COLUMN approval_reason text,
    ADD COLUMN sms_fallback_method text, ADD COLUMN per_minute bigint, ADD COLUMN per_day bigint;
CREATE INDEX senders_by_kind ON senders (kind);

-- `senders`: ids, JSON. `answers`, `decision`: JSON by the fields of the regime. `seq`: number of its newest event.
CREATE TABLE registrations (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, regime text COLLATE "C" NOT NULL,
    country text COLLATE "C" NOT NULL, name text NOT NULL, state text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C", senders text NOT NULL, answers text NOT NULL, decision text NOT NULL,
    reason text NOT NULL, seq bigint NOT NULL, submitted_at bigint, decided_at bigint, expires_at bigint,
    created_at bigint NOT NULL, updated_at bigint NOT NULL
);
CREATE INDEX registrations_by_account ON registrations (account_id, id);
CREATE INDEX registrations_by_state ON registrations (state, id);
CREATE INDEX registrations_by_parent ON registrations (parent_id) WHERE parent_id IS NOT NULL;

-- Files of a registration or a number: `purpose` is a document that its regime asks for.
CREATE TABLE documents (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL, purpose text COLLATE "C" NOT NULL, name text NOT NULL,
    content_type text NOT NULL, size bigint NOT NULL, sha256 text NOT NULL, created_at bigint NOT NULL,
    data bytea NOT NULL
);
CREATE INDEX documents_by_subject ON documents (subject_id, account_id);
CREATE INDEX documents_by_account ON documents (account_id);

-- `id` of a rule that the product brings: this stands in its place. `rule`: `domain.sender_rules.SenderRule` as JSON.
CREATE TABLE sender_rules (
    id text COLLATE "C" NOT NULL PRIMARY KEY, country text COLLATE "C" NOT NULL, rule text, enabled bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE FUNCTION senders_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'senders';
    RETURN NULL;
END $$;
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON registrations
    FOR EACH STATEMENT EXECUTE FUNCTION senders_changed();
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON sender_rules
    FOR EACH STATEMENT EXECUTE FUNCTION senders_changed();

ALTER TABLE registrations ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON registrations USING (account_id = (SELECT current_setting('whimbrel.account', true)));
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader') THEN
        GRANT SELECT ON registrations TO whimbrel_reader;
    END IF;
END $$;
