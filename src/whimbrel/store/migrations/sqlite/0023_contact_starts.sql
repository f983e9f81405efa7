-- expand
-- Contacts of imports that begin flows: pages of those that are new or got labels, each until its runs have begun.
-- `position`: of the import, where the page's rows begin. `contacts`: ids, with numbers of labels, as JSON.
CREATE TABLE contact_starts (
    account_id TEXT NOT NULL, import_id TEXT NOT NULL, position INTEGER NOT NULL, test INTEGER NOT NULL,
    contacts TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (account_id, import_id, position)
);
