-- expand
-- Contacts: fields that accounts declare, tags and lists, contacts themselves with what was changed, segments, imports.

-- `place`: the column that its values stand in, t1 to t20 or n1 to n20. `removed_at`: they are being cleared.
CREATE TABLE contact_fields (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    name text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL, choices text NOT NULL, place bigint NOT NULL,
    removed_at bigint, created_at bigint NOT NULL
);
CREATE INDEX contact_fields_by_account ON contact_fields (account_id, test, id);
CREATE UNIQUE INDEX contact_fields_by_name ON contact_fields (account_id, test, name) WHERE removed_at IS NULL;
CREATE INDEX contact_fields_removed ON contact_fields (removed_at) WHERE removed_at IS NOT NULL;

-- Tags and lists. `number`: as rows of contacts name it.
CREATE TABLE contact_labels (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    kind text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, number bigint NOT NULL,
    description text NOT NULL, removed_at bigint, created_at bigint NOT NULL, UNIQUE (account_id, test, number)
);
CREATE UNIQUE INDEX contact_labels_by_name ON contact_labels (account_id, test, kind, name) WHERE removed_at IS NULL;
CREATE INDEX contact_labels_removed ON contact_labels (removed_at) WHERE removed_at IS NOT NULL;

-- All of an account stand together and in order: a segment is counted by reading them once. `labels`: numbers of its
-- tags and lists, as `,3,17,`. `name_key`: for search. `also`: numbers of those that were merged into it.
CREATE TABLE contacts (
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, id text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL, country text COLLATE "C" NOT NULL, language text, zone text,
    labels text COLLATE "C" NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
    import_no bigint NOT NULL, seq bigint NOT NULL, name text COLLATE "C" NOT NULL,
    name_key text COLLATE "C" NOT NULL, also text NOT NULL, t1 text, t2 text, t3 text, t4 text, t5 text, t6 text,
    t7 text, t8 text, t9 text, t10 text, t11 text, t12 text, t13 text, t14 text, t15 text, t16 text, t17 text,
    t18 text, t19 text, t20 text, n1 double precision, n2 double precision, n3 double precision, n4 double precision,
    n5 double precision, n6 double precision, n7 double precision, n8 double precision, n9 double precision,
    n10 double precision, n11 double precision, n12 double precision, n13 double precision, n14 double precision,
    n15 double precision, n16 double precision, n17 double precision, n18 double precision, n19 double precision,
    n20 double precision, PRIMARY KEY (account_id, test, id)
);
-- It begins with the number: of two that begin with the account a plan that is made while the table is empty may take the
-- other one, and read all of an account for each number.
CREATE UNIQUE INDEX contacts_by_number ON contacts (number, account_id, test);

-- What was done to a contact, by the number of its event. No values stand here.
CREATE TABLE contact_changes (
    contact_id text COLLATE "C" NOT NULL, seq bigint NOT NULL, account_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL, detail text NOT NULL, at bigint NOT NULL, PRIMARY KEY (contact_id, seq)
);

CREATE TABLE contact_segments (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    name text COLLATE "C" NOT NULL, filter text NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
    UNIQUE (account_id, test, name)
);
CREATE INDEX contact_segments_by_account ON contact_segments (account_id, test, id);

-- `position`: rows that are done, which moves on in the commit of their contacts.
CREATE TABLE contact_imports (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    number bigint NOT NULL, name text COLLATE "C" NOT NULL, state text COLLATE "C" NOT NULL, spec text NOT NULL,
    parts bigint NOT NULL, size bigint NOT NULL, rows bigint NOT NULL, position bigint NOT NULL,
    created bigint NOT NULL, updated bigint NOT NULL, skipped bigint NOT NULL, duplicates bigint NOT NULL,
    failed bigint NOT NULL, reason text NOT NULL, created_at bigint NOT NULL, started_at bigint, finished_at bigint,
    UNIQUE (account_id, test, number)
);
CREATE INDEX contact_imports_by_account ON contact_imports (account_id, test, id);
CREATE INDEX contact_imports_due ON contact_imports (id) WHERE state IN ('queued', 'running');
CREATE TABLE contact_import_parts (
    import_id text COLLATE "C" NOT NULL, part bigint NOT NULL, account_id text COLLATE "C" NOT NULL,
    data bytea NOT NULL, PRIMARY KEY (import_id, part)
);
CREATE INDEX contact_import_parts_by_account ON contact_import_parts (account_id);
CREATE TABLE contact_import_errors (
    import_id text COLLATE "C" NOT NULL, row bigint NOT NULL, account_id text COLLATE "C" NOT NULL,
    field text NOT NULL, value text NOT NULL, problem text NOT NULL, PRIMARY KEY (import_id, row)
);

ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON contacts USING (account_id = (SELECT current_setting('whimbrel.account', true)));
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader') THEN
        GRANT SELECT ON contacts TO whimbrel_reader;
    END IF;
END $$;
