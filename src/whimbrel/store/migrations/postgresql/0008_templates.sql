-- expand
-- Templates: texts with variables under names, with their versions. Nothing in them is about a person.

-- `draft`: what is being worked on, as JSON; NULL while it is the newest version. `newest`: number of that version; 0
-- while there is none. `live`: number of the newest one that is approved. `seq`: number of the newest event.
CREATE TABLE templates (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
    description text NOT NULL, status text COLLATE "C" NOT NULL, draft text, newest bigint NOT NULL, live bigint,
    seq bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL, UNIQUE (account_id, name)
);

-- What was published: `content` never changes, only what people say to it.
CREATE TABLE template_versions (
    template_id text COLLATE "C" NOT NULL, number bigint NOT NULL, account_id text COLLATE "C" NOT NULL,
    content text NOT NULL, approval text COLLATE "C" NOT NULL, reason text NOT NULL, decided_by text NOT NULL,
    decided_at bigint, published_by text NOT NULL, created_at bigint NOT NULL, PRIMARY KEY (template_id, number)
);
CREATE INDEX template_versions_pending ON template_versions (created_at, template_id, number) WHERE approval = 'pending';
CREATE INDEX template_versions_by_account ON template_versions (account_id);

INSERT INTO configuration (kind, version) VALUES ('templates', 1);

-- A draft that is being written changes nothing that is sent.
CREATE FUNCTION templates_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'templates';
    RETURN NULL;
END $$;
CREATE TRIGGER configuration_changed AFTER INSERT OR DELETE OR UPDATE OF name, status, live ON templates
    FOR EACH STATEMENT EXECUTE FUNCTION templates_changed();
CREATE TRIGGER configuration_changed AFTER UPDATE ON template_versions
    FOR EACH STATEMENT EXECUTE FUNCTION templates_changed();

ALTER TABLE templates ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON templates USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE template_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON template_versions USING (account_id = (SELECT current_setting('whimbrel.account', true)));
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader') THEN
        GRANT SELECT ON templates, template_versions TO whimbrel_reader;
    END IF;
END $$;
