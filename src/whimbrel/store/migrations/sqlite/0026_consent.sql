-- expand
-- Consent: opt-outs of one sender or brand, the ledger of who agreed to what, requests that wait for a YES, lists of
-- numbers that are not texted, brands, and words and texts of accounts and of the operator.

-- `scope`: NULL where it holds for all senders of the account; else the sender or brand, and then `number_hash` is the
-- hash of the number XOR that of the scope, and `person_hash` that of the number. `number`: NULL once it is erased.
ALTER TABLE opt_outs ADD COLUMN scope TEXT;
ALTER TABLE opt_outs ADD COLUMN person_hash INTEGER;
ALTER TABLE opt_outs ADD COLUMN number TEXT;
CREATE INDEX opt_outs_by_person ON opt_outs (account_id, person_hash) WHERE person_hash IS NOT NULL;

-- A change is found by what is in memory (`account_id` is the name of that set), and concerns `person_hash`.
ALTER TABLE opt_out_changes ADD COLUMN person_hash INTEGER;

CREATE TRIGGER opt_out_changes_inserted AFTER INSERT ON opt_out_changes WHEN NEW.stopped = 1
BEGIN
    UPDATE opt_out_changes SET person_hash = (
        SELECT person_hash FROM opt_outs WHERE account_id = NEW.account_id AND number_hash = NEW.number_hash
    ) WHERE position = NEW.position;
END;

-- A named group of senders of an account. `senders`: their values, as JSON.
CREATE TABLE brands (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, senders TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (account_id, name)
) WITHOUT ROWID;

-- The ledger: rows are added and never changed, but for `number`, which is NULL once the person is erased. `purpose`
-- `*`: all that `proof` names. `proof`: as JSON. `at`: when it was said; `actor`: who wrote it down.
CREATE TABLE consents (
    id TEXT NOT NULL, account_id TEXT NOT NULL, number_hash INTEGER NOT NULL, number TEXT, masked TEXT NOT NULL,
    purpose TEXT NOT NULL, action TEXT NOT NULL, source TEXT NOT NULL, wording TEXT NOT NULL, proof TEXT NOT NULL,
    actor TEXT NOT NULL, at INTEGER NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (account_id, id)
) WITHOUT ROWID;
CREATE INDEX consents_by_number ON consents (account_id, number_hash, id);
CREATE INDEX consents_by_action ON consents (account_id, action, id);

-- What stands: a row while a purpose is granted, with the record that granted it. Of marketing processes hold a set.
CREATE TABLE consented (
    account_id TEXT NOT NULL, number_hash INTEGER NOT NULL, purpose TEXT NOT NULL, consent_id TEXT NOT NULL,
    PRIMARY KEY (account_id, number_hash, purpose)
) WITHOUT ROWID;
CREATE TRIGGER consented_inserted AFTER INSERT ON consented WHEN NEW.purpose = 'marketing'
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';
    INSERT INTO opt_out_changes (account_id, number_hash, stopped, at) VALUES
        (NEW.account_id || ':' || NEW.purpose, NEW.number_hash, 1, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
CREATE TRIGGER consented_deleted AFTER DELETE ON consented WHEN OLD.purpose = 'marketing'
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';
    INSERT INTO opt_out_changes (account_id, number_hash, stopped, at) VALUES
        (OLD.account_id || ':' || OLD.purpose, OLD.number_hash, 0, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;

-- Requests for consent that were texted. `wording`: the text; `answer_id`: the inbound message that granted.
CREATE TABLE consent_requests (
    id TEXT NOT NULL, account_id TEXT NOT NULL, number_hash INTEGER NOT NULL, number TEXT, masked TEXT NOT NULL,
    purpose TEXT NOT NULL, sender TEXT NOT NULL, wording TEXT NOT NULL, proof TEXT NOT NULL, state TEXT NOT NULL,
    sends INTEGER NOT NULL, message_id TEXT NOT NULL, answer_id TEXT, actor TEXT NOT NULL, created_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, answered_at INTEGER, PRIMARY KEY (account_id, id)
) WITHOUT ROWID;
CREATE INDEX consent_requests_by_number ON consent_requests (account_id, number_hash, id);

-- Lists of numbers that are not texted; `account_id` NULL: the operator's, for every account. `classes`: as JSON.
CREATE TABLE suppression_lists (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT, name TEXT NOT NULL, reason TEXT NOT NULL, classes TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX suppression_lists_by_name ON suppression_lists (COALESCE(account_id, ''), name);
CREATE TABLE suppressions (
    list_id TEXT NOT NULL, number_hash INTEGER NOT NULL, account_id TEXT, number TEXT, masked TEXT NOT NULL,
    reason TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (list_id, number_hash)
) WITHOUT ROWID;
CREATE TRIGGER suppressions_inserted AFTER INSERT ON suppressions
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';
    INSERT INTO opt_out_changes (account_id, number_hash, stopped, at)
    VALUES (NEW.list_id, NEW.number_hash, 1, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
CREATE TRIGGER suppressions_deleted AFTER DELETE ON suppressions
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';
    INSERT INTO opt_out_changes (account_id, number_hash, stopped, at)
    VALUES (OLD.list_id, OLD.number_hash, 0, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;

-- Words of the operator (`account_id` NULL) and of accounts beside those that the product knows; `enabled` 0: the word
-- means nothing there. `wording`: of a word that grants, what was promised where it was read.
CREATE TABLE consent_words (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT, kind TEXT NOT NULL, language TEXT NOT NULL, level TEXT NOT NULL,
    word TEXT NOT NULL, plain TEXT NOT NULL, enabled INTEGER NOT NULL, purpose TEXT NOT NULL, wording TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX consent_words_by_word ON consent_words (COALESCE(account_id, ''), level, plain);

-- Texts that answer, in place of the product's own. `brand_id` empty: of every sender that is of no brand with its own.
CREATE TABLE consent_texts (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT, brand_id TEXT NOT NULL, kind TEXT NOT NULL, language TEXT NOT NULL,
    text TEXT NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX consent_texts_by_kind ON consent_texts (COALESCE(account_id, ''), brand_id, kind, language);

INSERT INTO configuration (kind, version) VALUES ('consent', 1);
CREATE TRIGGER brands_inserted AFTER INSERT ON brands
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER brands_updated AFTER UPDATE ON brands
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER brands_deleted AFTER DELETE ON brands
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER suppression_lists_inserted AFTER INSERT ON suppression_lists
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER suppression_lists_updated AFTER UPDATE ON suppression_lists
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER suppression_lists_deleted AFTER DELETE ON suppression_lists
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER consent_words_inserted AFTER INSERT ON consent_words
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER consent_words_updated AFTER UPDATE ON consent_words
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER consent_words_deleted AFTER DELETE ON consent_words
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER consent_texts_inserted AFTER INSERT ON consent_texts
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER consent_texts_updated AFTER UPDATE ON consent_texts
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
CREATE TRIGGER consent_texts_deleted AFTER DELETE ON consent_texts
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'consent'; END;
