-- expand
-- Consent: opt-outs of one sender or brand, the ledger of who agreed to what, requests that wait for a YES, lists of
-- numbers that are not texted, brands, and words and texts of accounts and of the operator.

-- `scope`: NULL where it holds for all senders of the account; else the sender or brand, and then `number_hash` is the
-- hash of the number XOR that of the scope, and `person_hash` that of the number. `number`: NULL once it is erased.
ALTER TABLE opt_outs ADD COLUMN scope text COLLATE "C";
ALTER TABLE opt_outs ADD COLUMN person_hash bigint;
ALTER TABLE opt_outs ADD COLUMN number text COLLATE "C";
CREATE INDEX opt_outs_by_person ON opt_outs (account_id, person_hash) WHERE person_hash IS NOT NULL;

-- A change is found by what is in memory (`account_id` is the name of that set), and concerns `person_hash`.
ALTER TABLE opt_out_changes ADD COLUMN person_hash bigint;

CREATE OR REPLACE FUNCTION opt_outs_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM changed) THEN
        UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';
        INSERT INTO opt_out_changes (account_id, number_hash, stopped, at, person_hash)
        SELECT account_id, number_hash, (TG_OP = 'INSERT')::int, extract(epoch FROM clock_timestamp()) * 1000000,
            person_hash FROM changed;
    END IF;
    RETURN NULL;
END $$;

-- A named group of senders of an account. `senders`: their values, as JSON.
CREATE TABLE brands (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
    senders text NOT NULL,
    created_at bigint NOT NULL, updated_at bigint NOT NULL, UNIQUE (account_id, name)
);

-- The ledger: rows are added and never changed, but for `number`, which is NULL once the person is erased. `purpose`
-- `*`: all that `proof` names. `proof`: as JSON. `at`: when it was said; `actor`: who wrote it down.
CREATE TABLE consents (
    id text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT NULL, number_hash bigint NOT NULL,
    number text COLLATE "C", masked text NOT NULL,
    purpose text COLLATE "C" NOT NULL, action text COLLATE "C" NOT NULL, source text COLLATE "C" NOT NULL,
    wording text NOT NULL, proof text NOT NULL,
    actor text NOT NULL, at bigint NOT NULL, created_at bigint NOT NULL, PRIMARY KEY (account_id, id)
);
CREATE INDEX consents_by_number ON consents (account_id, number_hash, id);
CREATE INDEX consents_by_action ON consents (account_id, action, id);

-- What stands: a row while a purpose is granted, with the record that granted it. Of marketing processes hold a set.
CREATE TABLE consented (
    account_id text COLLATE "C" NOT NULL, number_hash bigint NOT NULL, purpose text COLLATE "C" NOT NULL,
    consent_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, number_hash, purpose)
);

-- Requests for consent that were texted. `wording`: the text; `answer_id`: the inbound message that granted.
CREATE TABLE consent_requests (
    id text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT NULL, number_hash bigint NOT NULL,
    number text COLLATE "C", masked text NOT NULL,
    purpose text COLLATE "C" NOT NULL, sender text COLLATE "C" NOT NULL, wording text NOT NULL, proof text NOT NULL,
    state text COLLATE "C" NOT NULL,
    sends bigint NOT NULL, message_id text COLLATE "C" NOT NULL, answer_id text COLLATE "C", actor text NOT NULL,
    created_at bigint NOT NULL,
    sent_at bigint NOT NULL, expires_at bigint NOT NULL, answered_at bigint, PRIMARY KEY (account_id, id)
);
CREATE INDEX consent_requests_by_number ON consent_requests (account_id, number_hash, id);

-- Lists of numbers that are not texted; `account_id` NULL: the operator's, for every account. `classes`: as JSON.
CREATE TABLE suppression_lists (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C", name text COLLATE "C" NOT NULL,
    reason text NOT NULL, classes text NOT NULL,
    created_at bigint NOT NULL, updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX suppression_lists_by_name ON suppression_lists (COALESCE(account_id, ''), name);
CREATE TABLE suppressions (
    list_id text COLLATE "C" NOT NULL, number_hash bigint NOT NULL, account_id text COLLATE "C",
    number text COLLATE "C", masked text NOT NULL,
    reason text NOT NULL, created_at bigint NOT NULL, PRIMARY KEY (list_id, number_hash)
);

-- Words of the operator (`account_id` NULL) and of accounts beside those that the product knows; `enabled` 0: the word
-- means nothing there. `wording`: of a word that grants, what was promised where it was read.
CREATE TABLE consent_words (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C", kind text COLLATE "C" NOT NULL,
    language text COLLATE "C" NOT NULL, level text COLLATE "C" NOT NULL,
    word text NOT NULL, plain text COLLATE "C" NOT NULL, enabled bigint NOT NULL, purpose text COLLATE "C" NOT NULL,
    wording text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX consent_words_by_word ON consent_words (COALESCE(account_id, ''), level, plain);

-- Texts that answer, in place of the product's own. `brand_id` empty: of every sender that is of no brand with its own.
CREATE TABLE consent_texts (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C", brand_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL, language text COLLATE "C" NOT NULL,
    text text NOT NULL, updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX consent_texts_by_kind ON consent_texts (COALESCE(account_id, ''), brand_id, kind, language);

INSERT INTO configuration (kind, version) VALUES ('consent', 1);

CREATE FUNCTION consented_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM changed WHERE purpose = 'marketing') THEN
        UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';
        INSERT INTO opt_out_changes (account_id, number_hash, stopped, at)
        SELECT account_id || ':' || purpose, number_hash, (TG_OP = 'INSERT')::int,
            extract(epoch FROM clock_timestamp()) * 1000000 FROM changed WHERE purpose = 'marketing';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER consented_inserted AFTER INSERT ON consented REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION consented_changed();
CREATE TRIGGER consented_deleted AFTER DELETE ON consented REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION consented_changed();

CREATE FUNCTION suppressions_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM changed) THEN
        UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';
        INSERT INTO opt_out_changes (account_id, number_hash, stopped, at)
        SELECT list_id, number_hash, (TG_OP = 'INSERT')::int, extract(epoch FROM clock_timestamp()) * 1000000
        FROM changed;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER suppressions_inserted AFTER INSERT ON suppressions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION suppressions_changed();
CREATE TRIGGER suppressions_deleted AFTER DELETE ON suppressions REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION suppressions_changed();

CREATE FUNCTION consent_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'consent';
    RETURN NULL;
END $$;
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['brands', 'suppression_lists', 'consent_words', 'consent_texts'] LOOP
        EXECUTE format('CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION consent_changed()', name);
    END LOOP;
END $$;

ALTER TABLE brands ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON brands USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE consents ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON consents USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE consented ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON consented USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE consent_requests ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON consent_requests USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE suppression_lists ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON suppression_lists USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE suppressions ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON suppressions USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE consent_words ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON consent_words USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE consent_texts ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON consent_texts USING (account_id = (SELECT current_setting('whimbrel.account', true)));
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader') THEN
        GRANT SELECT ON brands, consents, consented, consent_requests, suppression_lists, suppressions, consent_words,
            consent_texts TO whimbrel_reader;
    END IF;
END $$;
