-- expand
-- Templates: texts with variables under names, with their versions. Nothing in them is about a person.

-- `draft`: what is being worked on, as JSON; NULL while it is the newest version. `newest`: number of that version; 0
-- while there is none. `live`: number of the newest one that is approved. `seq`: number of the newest event.
CREATE TABLE templates (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, status TEXT NOT NULL,
    draft TEXT, newest INTEGER NOT NULL, live INTEGER, seq INTEGER NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, UNIQUE (account_id, name)
) WITHOUT ROWID;

-- What was published: `content` never changes, only what people say to it.
CREATE TABLE template_versions (
    template_id TEXT NOT NULL, number INTEGER NOT NULL, account_id TEXT NOT NULL, content TEXT NOT NULL,
    approval TEXT NOT NULL, reason TEXT NOT NULL, decided_by TEXT NOT NULL, decided_at INTEGER,
    published_by TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (template_id, number)
) WITHOUT ROWID;
CREATE INDEX template_versions_pending ON template_versions (created_at, template_id, number) WHERE approval = 'pending';

INSERT INTO configuration (kind, version) VALUES ('templates', 1);

CREATE TRIGGER templates_inserted AFTER INSERT ON templates
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'templates'; END;
-- A draft that is being written changes nothing that is sent.
CREATE TRIGGER templates_updated AFTER UPDATE OF name, status, live ON templates
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'templates'; END;
CREATE TRIGGER templates_deleted AFTER DELETE ON templates
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'templates'; END;
CREATE TRIGGER template_versions_updated AFTER UPDATE ON template_versions
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'templates'; END;
