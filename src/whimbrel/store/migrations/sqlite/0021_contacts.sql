-- expand
-- Contacts: fields that accounts declare, tags and lists, contacts themselves with what was changed, segments, imports.

-- `place`: the column that its values stand in, t1 to t20 or n1 to n20. `removed_at`: they are being cleared.
CREATE TABLE contact_fields (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL, choices TEXT NOT NULL, place INTEGER NOT NULL, removed_at INTEGER, created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX contact_fields_by_account ON contact_fields (account_id, test, id);
CREATE UNIQUE INDEX contact_fields_by_name ON contact_fields (account_id, test, name) WHERE removed_at IS NULL;
CREATE INDEX contact_fields_removed ON contact_fields (removed_at) WHERE removed_at IS NOT NULL;

-- Tags and lists. `number`: as rows of contacts name it.
CREATE TABLE contact_labels (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, number INTEGER NOT NULL, description TEXT NOT NULL, removed_at INTEGER,
    created_at INTEGER NOT NULL, UNIQUE (account_id, test, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX contact_labels_by_name ON contact_labels (account_id, test, kind, name) WHERE removed_at IS NULL;
CREATE INDEX contact_labels_removed ON contact_labels (removed_at) WHERE removed_at IS NOT NULL;

-- All of an account stand together and in order: a segment is counted by reading them once. `labels`: numbers of its
-- tags and lists, as `,3,17,`. `name_key`: for search. `also`: numbers of those that were merged into it.
CREATE TABLE contacts (
    account_id TEXT NOT NULL, test INTEGER NOT NULL, id TEXT NOT NULL, number TEXT NOT NULL, country TEXT NOT NULL,
    language TEXT, zone TEXT, labels TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    import_no INTEGER NOT NULL, seq INTEGER NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL, also TEXT NOT NULL,
    t1 TEXT, t2 TEXT, t3 TEXT, t4 TEXT, t5 TEXT, t6 TEXT, t7 TEXT, t8 TEXT, t9 TEXT, t10 TEXT, t11 TEXT, t12 TEXT,
    t13 TEXT, t14 TEXT, t15 TEXT, t16 TEXT, t17 TEXT, t18 TEXT, t19 TEXT, t20 TEXT,
    n1 REAL, n2 REAL, n3 REAL, n4 REAL, n5 REAL, n6 REAL, n7 REAL, n8 REAL, n9 REAL, n10 REAL, n11 REAL, n12 REAL,
    n13 REAL, n14 REAL, n15 REAL, n16 REAL, n17 REAL, n18 REAL, n19 REAL, n20 REAL,
    PRIMARY KEY (account_id, test, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX contacts_by_number ON contacts (account_id, test, number);

-- What was done to a contact, by the number of its event. No values stand here.
CREATE TABLE contact_changes (
    contact_id TEXT NOT NULL, seq INTEGER NOT NULL, account_id TEXT NOT NULL, type TEXT NOT NULL, detail TEXT NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (contact_id, seq)
) WITHOUT ROWID;

CREATE TABLE contact_segments (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, name TEXT NOT NULL,
    filter TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (account_id, test, name)
) WITHOUT ROWID;
CREATE INDEX contact_segments_by_account ON contact_segments (account_id, test, id);

-- `position`: rows that are done, which moves on in the commit of their contacts.
CREATE TABLE contact_imports (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, number INTEGER NOT NULL,
    name TEXT NOT NULL, state TEXT NOT NULL, spec TEXT NOT NULL, parts INTEGER NOT NULL, size INTEGER NOT NULL,
    rows INTEGER NOT NULL, position INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
    skipped INTEGER NOT NULL, duplicates INTEGER NOT NULL, failed INTEGER NOT NULL, reason TEXT NOT NULL,
    created_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER, UNIQUE (account_id, test, number)
) WITHOUT ROWID;
CREATE INDEX contact_imports_by_account ON contact_imports (account_id, test, id);
CREATE INDEX contact_imports_due ON contact_imports (id) WHERE state IN ('queued', 'running');
CREATE TABLE contact_import_parts (
    import_id TEXT NOT NULL, part INTEGER NOT NULL, account_id TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (import_id, part)
);
CREATE INDEX contact_import_parts_by_account ON contact_import_parts (account_id);
CREATE TABLE contact_import_errors (
    import_id TEXT NOT NULL, row INTEGER NOT NULL, account_id TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL,
    problem TEXT NOT NULL, PRIMARY KEY (import_id, row)
) WITHOUT ROWID;
