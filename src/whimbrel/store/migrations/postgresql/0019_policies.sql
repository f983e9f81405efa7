-- expand
-- Policies of accounts and of the installation, the operator's own rules of quiet hours, and how often people were texted.

-- `id`: of the account, or `installation`, whose `account_id` is NULL. `document`: `domain.policies.Policy` as JSON.
CREATE TABLE policies (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C", document text NOT NULL,
    updated_at bigint NOT NULL
);

-- Rules that the operator added, and those of the product that he changed or switched off. `document`: as JSON.
CREATE TABLE quiet_rules (
    id text COLLATE "C" NOT NULL PRIMARY KEY, document text NOT NULL, updated_at bigint NOT NULL
);

-- `sends`: when somebody was texted lately, by which message, as JSON. `version`: grows with each change.
-- The key begins with the number, which alone finds the row also by plans that were made while the table was empty.
CREATE TABLE frequency (
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, number_hash bigint NOT NULL, version bigint NOT NULL,
    sends text COLLATE "C" NOT NULL, newest_at bigint NOT NULL, PRIMARY KEY (account_id, test, number_hash)
) WITH (fillfactor = 70);
CREATE INDEX frequency_by_age ON frequency (newest_at);

INSERT INTO configuration (kind, version) VALUES ('policies', 1);

CREATE FUNCTION policies_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'policies';
    RETURN NULL;
END $$;
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON policies
    FOR EACH STATEMENT EXECUTE FUNCTION policies_changed();
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON quiet_rules
    FOR EACH STATEMENT EXECUTE FUNCTION policies_changed();

ALTER TABLE policies ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON policies USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE frequency ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON frequency USING (account_id = (SELECT current_setting('whimbrel.account', true)));
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader') THEN
        GRANT SELECT ON policies, frequency TO whimbrel_reader;
    END IF;
END $$;
