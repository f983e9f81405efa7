-- expand
-- Contacts of imports that begin flows: pages of those that are new or got labels, each until its runs have begun.
-- `position`: of the import, where the page's rows begin. `contacts`: ids, with numbers of labels, as JSON.
CREATE TABLE contact_starts (
    account_id text COLLATE "C" NOT NULL, import_id text COLLATE "C" NOT NULL, position bigint NOT NULL,
    test bigint NOT NULL, contacts text NOT NULL, at bigint NOT NULL, PRIMARY KEY (account_id, import_id, position)
);
