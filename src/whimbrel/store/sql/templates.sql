-- Templates and their versions. Columns of whole rows are in the order of `Template` and `TemplateVersion`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | template_insert, template_version_insert | a row of `Template`, of `TemplateVersion` |
-- | template_by_id (id, account_id), template_by_name (name, account_id) | the whole row |
-- | templates_page (account_id, after_name, status, prefix, limit) | whole rows by name; an empty status or prefix does not matter |
-- | templates_usable (account_id, limit) | names of those of which messages can be made, by name |
-- | templates_count (account_id) | how many there are |
-- | template_take (id, seq) | the number of the next event, if nobody has changed the template since that one; until the transaction ends nobody else does |
-- | template_draft (id, description, draft, at), template_status (id, name, status, at) | |
-- | template_settle (id, draft, at) | newest and live as its versions say |
-- | template_event (id, type, data, at) | the event of that number |
-- | template_delete (id), template_versions_delete (template_id) | |
-- | template_version (template_id, number) | the whole row |
-- | template_versions_newest (template_ids) | the newest version of each |
-- | template_versions_page (template_id, before_number, limit) | whole rows, newest first |
-- | template_version_decide (template_id, number, approval, reason, by, at) | |
-- | template_versions_pending (account_id, created_at, template_id, number, limit) | whole rows that wait for approval, oldest first, behind these; NULL: of all accounts |
-- | templates_wanted (accounts, names or ids, numbers) | what is known under these: template's id, account_id, name, status; number, approval and content of its live version and those of these numbers |

-- name: template_insert
INSERT INTO templates (id, account_id, name, description, status, draft, newest, live, seq, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: template_version_insert
INSERT INTO template_versions (template_id, number, account_id, content, approval, reason, decided_by, decided_at,
  published_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: template_by_id
SELECT id, account_id, name, description, status, draft, newest, live, seq, created_at, updated_at
FROM templates WHERE id = $1 AND account_id = $2;

-- name: template_by_name
SELECT id, account_id, name, description, status, draft, newest, live, seq, created_at, updated_at
FROM templates WHERE name = $1 AND account_id = $2;

-- name: templates_page
SELECT id, account_id, name, description, status, draft, newest, live, seq, created_at, updated_at
FROM templates WHERE account_id = $1 AND name > $2 AND ($3 = '' OR status = $3)
  AND ($4 = '' OR substr(name, 1, length($4)) = $4)
ORDER BY name LIMIT $5;

-- name: templates_usable
SELECT name FROM templates WHERE account_id = $1 AND status = 'active' AND live IS NOT NULL ORDER BY name LIMIT $2;

-- name: templates_count
SELECT COUNT(*) FROM templates WHERE account_id = $1;

-- name: template_take
UPDATE templates SET seq = seq + 1 WHERE id = $1 AND seq = $2;

-- name: template_draft
UPDATE templates SET description = $2, draft = $3, updated_at = $4 WHERE id = $1;

-- name: template_status
UPDATE templates SET name = $2, status = $3, updated_at = $4 WHERE id = $1;

-- name: template_settle
UPDATE templates SET draft = $2, updated_at = $3,
  newest = COALESCE((SELECT MAX(number) FROM template_versions WHERE template_id = $1), 0),
  live = (SELECT MAX(number) FROM template_versions WHERE template_id = $1 AND approval = 'approved')
WHERE id = $1;

-- name: template_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT account_id, 0, id, seq, $2, $3, 0, $4 FROM templates WHERE id = $1 AND seq <= 65535;

-- name: template_delete
DELETE FROM templates WHERE id = $1;

-- name: template_versions_delete
DELETE FROM template_versions WHERE template_id = $1;

-- name: template_version
SELECT template_id, number, account_id, content, approval, reason, decided_by, decided_at, published_by, created_at
FROM template_versions WHERE template_id = $1 AND number = $2;

-- name: template_versions_newest
SELECT v.template_id, v.number, v.account_id, v.content, v.approval, v.reason, v.decided_by, v.decided_at,
  v.published_by, v.created_at
FROM templates AS t JOIN template_versions AS v ON v.template_id = t.id AND v.number = t.newest WHERE t.id = ANY($1);

-- name: template_versions_page
SELECT template_id, number, account_id, content, approval, reason, decided_by, decided_at, published_by, created_at
FROM template_versions WHERE template_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3;

-- name: template_version_decide
UPDATE template_versions SET approval = $3, reason = $4, decided_by = $5, decided_at = $6
WHERE template_id = $1 AND number = $2;

-- name: template_versions_pending
SELECT template_id, number, account_id, content, approval, reason, decided_by, decided_at, published_by, created_at
FROM template_versions
WHERE approval = 'pending' AND (created_at, template_id, number) > ($2, $3, $4) AND (CAST($1 AS TEXT) IS NULL OR account_id = $1)
ORDER BY created_at, template_id, number LIMIT $5;

-- name: templates_wanted
SELECT t.id, t.account_id, t.name, t.status, v.number, v.approval, v.content
FROM templates AS t LEFT JOIN template_versions AS v
  ON v.template_id = t.id AND (v.number = t.live OR v.number = ANY($3))
WHERE t.account_id = ANY($1) AND t.name = ANY($2)
UNION
SELECT t.id, t.account_id, t.name, t.status, v.number, v.approval, v.content
FROM templates AS t LEFT JOIN template_versions AS v
  ON v.template_id = t.id AND (v.number = t.live OR v.number = ANY($3))
WHERE t.id = ANY($2) AND t.account_id = ANY($1);
